/**
 * Virtual time. Everything that happens is an event; the next one is taken, the clock jumps to it, it runs, and all that
 * follows from it without waiting (promises that are settled now) runs to its end before the next. No real timer and no
 * real I/O is involved, so the same events give the same story. Events of one instant come in an order drawn by chance.
 */
import { setImmediate } from "node:timers";
import type { Random } from "./random.ts";

export interface Timer {
  canceled: boolean;
}

interface Event extends Timer {
  readonly at: number;
  readonly tie: number;
  readonly run: () => void;
}

/** 2026-01-01; times of an inference are real-looking ms. */
export const BEGINNING = Date.UTC(2026, 0, 1);

export class Schedule {
  now = BEGINNING;
  steps = 0;
  readonly #random: Random;
  readonly #heap: Event[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** Timers count whole ms. */
  after(ms: number, run: () => void): Timer {
    const event = { at: this.now + Math.max(0, Math.ceil(ms)), tie: this.#random.next(), run, canceled: false };
    this.#push(event);
    return event;
  }

  /** Runs the next event. False where there is none. */
  async step(): Promise<boolean> {
    let event = this.#pop();
    while (event?.canceled) event = this.#pop();
    if (!event) return false;
    this.now = Math.max(this.now, event.at);
    this.steps++;
    event.run();
    await settled();
    return true;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (!parent || !before(event, parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (!last || heap.length === 0) return top;
    let index = 0;
    for (;;) {
      const left = heap[2 * index + 1];
      const right = heap[2 * index + 2];
      if (!left) break;
      const child = right && before(right, left) ? 2 * index + 2 : 2 * index + 1;
      const below = child === 2 * index + 1 ? left : right;
      if (!below || !before(below, last)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
    return top;
  }
}

function before(one: Event, other: Event): boolean {
  return one.at < other.at || (one.at === other.at && one.tie < other.tie);
}

/** Once every promise that can be settled is: the event loop comes here only when no job is left. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

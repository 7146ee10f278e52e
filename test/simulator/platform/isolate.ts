/**
 * An isolate: a place where flows run, with a clock of its own. It may die between any two awaits (nothing that it waits
 * for ever comes back, its timers and connections are gone, what it has sent is still on its way) and it may be frozen
 * and go on later as if nothing had happened.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Clock } from "../../../src/ports.ts";
import type { Schedule, Timer } from "../schedule.ts";

/** The isolate whose code runs. */
export const here = new AsyncLocalStorage<Isolate>();

export class Isolate {
  readonly name: string;
  /** How far its clock is ahead of the database's. */
  offset: number;
  alive = true;
  /** Its questions to the database, and no one else's, go unanswered. */
  cutOff = false;
  /** How often its clock has been set. */
  clockSets = 0;
  /** Since when it was not frozen. */
  steadySince: number;
  /** Told when it dies. */
  readonly onDeath = new Set<() => void>();
  /** When its sweep was last poked, as ports.ts keeps it. */
  pokedAt = -Infinity;
  /** See ports.ts. */
  readonly waiting = new Map<string, number>();
  /** The leases of the invocations that have run there. */
  readonly leases = new Set<string>();
  readonly #schedule: Schedule;
  #frozenUntil = 0;
  /** What should have happened while it was frozen. */
  readonly #late = new Set<() => void>();

  constructor(schedule: Schedule, name: string, offset: number) {
    this.#schedule = schedule;
    this.name = name;
    this.offset = offset;
    this.steadySince = schedule.now;
  }

  readonly clock: Clock = {
    now: () => this.#schedule.now + this.offset,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const timer = this.after(ms, done);
        function done() {
          timer.canceled = true;
          signal?.removeEventListener("abort", done);
          resolve();
        }
        signal?.addEventListener("abort", done);
      }),
    after: (ms, run) => {
      const timer = this.after(ms, run);
      return () => void (timer.canceled = true);
    },
    timeout: (ms) => {
      const limit = new AbortController();
      this.after(ms, () => limit.abort(new DOMException("The operation was aborted due to timeout", "TimeoutError")));
      return limit.signal;
    },
  };

  /** Something that happens in this isolate, such as an answer that arrives. */
  after(ms: number, run: () => void): Timer {
    const happen = () => {
      this.#late.delete(happen);
      if (!this.alive || timer.canceled) return;
      const rest = this.#frozenUntil - this.#schedule.now;
      if (rest <= 0) return here.run(this, run);
      this.#late.add(happen);
      this.#schedule.after(rest, () => {
        if (this.#late.has(happen)) happen();
      });
    };
    const timer = this.#schedule.after(ms, happen);
    return timer;
  }

  get frozen(): boolean {
    return this.#frozenUntil > this.#schedule.now;
  }

  freeze(ms: number): void {
    this.#frozenUntil = Math.max(this.#frozenUntil, this.#schedule.now + ms);
    this.steadySince = this.#frozenUntil;
  }

  thaw(): void {
    this.#frozenUntil = Math.min(this.#frozenUntil, this.#schedule.now);
    this.steadySince = Math.min(this.steadySince, this.#schedule.now);
    for (const happen of this.#late) {
      this.#schedule.after(0, () => {
        if (this.#late.has(happen)) happen();
      });
    }
  }

  setClock(offset: number): void {
    this.offset = offset;
    this.clockSets++;
  }

  die(): void {
    this.alive = false;
    for (const told of this.onDeath) told();
    this.onDeath.clear();
  }
}

/** What was told to one who watches, until it is taken. */
import { WATCH_BACKLOG, WATCH_BACKLOG_CHARACTERS, WATCH_LATELY } from "../limits.ts";
import { Memory } from "../platform/memory.ts";
import type { Told } from "../ports.ts";

/** What came last, by its text: what many of an isolate watch is read once for all of them. */
const lately = new Memory<Told>(WATCH_LATELY);

export function toldIn(text: string): Told {
  const known = lately.get(text, 0);
  if (known) return known;
  const told = JSON.parse(text) as Told; // as the object has sent it
  lately.set(text, told, Infinity);
  return told;
}

/** One whose client takes nothing is told no more at some point: it then begins again with what there is. */
export class Inbox {
  #told: Told[] = [];
  /** Of the texts of those. */
  #characters = 0;
  #isOver = false;
  #wake: (() => void) | null = null;
  #waitsUntil = 0;
  /**
   * Neither it nor the signal's listener is made for each wait and taken back after it, which would cost a twentieth of the time in
   * which a thousand are told of an end. What is left of them goes with the request.
   */
  #timer: { readonly id: ReturnType<typeof setTimeout>; readonly ringsAt: number } | null = null;
  #signal: AbortSignal | null = null;

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether somebody waits for what is told. */
  get isWaiting(): boolean {
    return this.#wake !== null;
  }

  /** Of a text of so many characters. Leaves it to the caller to wake who waits. */
  put(told: Told, characters: number): void {
    if (this.#isOver) return;
    this.#isOver = this.#told.length >= WATCH_BACKLOG || this.#characters >= WATCH_BACKLOG_CHARACTERS;
    if (this.#isOver) return;
    this.#told.push(told);
    this.#characters += characters;
  }

  /** Nothing more is told. */
  end(): void {
    this.#isOver = true;
    this.wake();
  }

  /** Ends the wait of who waits, if somebody does. */
  wake(): void {
    this.#wake?.();
  }

  /** As `Watch.next`. */
  async next(ms: number, signal: AbortSignal): Promise<readonly Told[] | null> {
    if (this.#told.length === 0 && !this.#isOver && !signal.aborted) {
      await this.#somethingWithin(ms, signal);
      this.#wake = null;
    }
    const told = this.#told;
    this.#told = [];
    this.#characters = 0;
    return told.length === 0 && this.#isOver ? null : told;
  }

  #somethingWithin(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = () => resolve();
    this.#setAlarm(Math.max(0, ms));
    if (this.#signal !== signal) signal.addEventListener("abort", () => this.wake());
    this.#signal = signal;
    return promise;
  }

  /** Wakes who still waits by then. */
  #setAlarm(ms: number): void {
    this.#waitsUntil = Date.now() + ms;
    if (this.#timer && this.#timer.ringsAt <= this.#waitsUntil) return;
    if (this.#timer) clearTimeout(this.#timer.id);
    this.#timer = { id: setTimeout(() => this.#ring(), ms), ringsAt: this.#waitsUntil };
  }

  #ring(): void {
    this.#timer = null;
    if (!this.isWaiting) return;
    const left = this.#waitsUntil - Date.now();
    if (left > 0) this.#setAlarm(left);
    else this.wake();
  }
}

/**
 * WebSockets between an isolate and an object, as the platform has them: what is sent comes in order, to the isolate in which the
 * other end is, and an end whose other end is gone hears of it. The object's end outlives the object's memory.
 */
import type { Random } from "../random.ts";
import type { Isolate } from "./isolate.ts";

type Heard = "message" | "close" | "error";
type Listener = (event: { readonly data?: string }) => void;

const [OPEN, CLOSED] = [1, 3];

/** Where an end is, and what its object does about it; an isolate's end has listeners instead. */
export interface Place {
  /** In which isolate it is heard at this moment. */
  isolate(): Isolate;
  hears?(what: Heard): void;
}

export class Socket {
  readyState = OPEN;
  place: Place | null = null;
  readonly #random: Random;
  #other: Socket | null = null;
  #isAccepted = false;
  readonly #listeners = new Map<Heard, Listener[]>();
  /** What is on its way to this end, in order. */
  readonly #coming: { readonly what: Heard; readonly data?: string }[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  static pair(random: Random): readonly [Socket, Socket] {
    const [one, other] = [new Socket(random), new Socket(random)];
    one.#other = other;
    other.#other = one;
    return [one, other];
  }

  /** What has come so far is heard from now on. */
  accept(): void {
    this.#isAccepted = true;
    for (let left = this.#coming.length; left > 0; left--) this.#hearNext();
  }

  addEventListener(what: Heard, listener: Listener): void {
    this.#listeners.set(what, [...(this.#listeners.get(what) ?? []), listener]);
  }

  send(data: string): void {
    if (this.readyState === OPEN) this.#tellOther({ what: "message", data });
  }

  close(): void {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    this.#tellOther({ what: "close" });
  }

  /** Its isolate is gone, without a word of its own; the platform tells the other end after a while. */
  lose(): void {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    this.#tellOther({ what: this.#random.chance(0.5) ? "close" : "error" }, this.#random.magnitude(1, 2_000));
  }

  #tellOther(it: { readonly what: Heard; readonly data?: string }, afterMs = 0): void {
    const other = this.#other;
    if (other) other.#comes(it, afterMs);
  }

  #comes(it: { readonly what: Heard; readonly data?: string }, afterMs = 0): void {
    this.#coming.push(it);
    if (this.#isAccepted) this.#hearNext(afterMs);
  }

  #hearNext(afterMs = 0): void {
    this.place?.isolate().after(afterMs + this.#random.int(0, 3), () => {
      const next = this.#coming.shift();
      if (!next || this.readyState === CLOSED) return;
      if (next.what !== "message" && !this.place?.hears) this.readyState = CLOSED;
      this.place?.hears?.(next.what);
      for (const listener of this.#listeners.get(next.what) ?? []) listener(next.data === undefined ? {} : { data: next.data });
    });
  }
}

/**
 * Reads a stream that is kept, from any place in it: from the inference's object while it runs, and from the bucket once it has
 * succeeded; the bytes are the same. Who reads what another attempt writes by now is told to begin again, and has all of that. The
 * end is heard of as by everybody who watches an inference, and told when all that was kept has been.
 */
import { STREAM_WAIT_MS } from "../../limits.ts";
import { storedObject } from "../../payloads/payloads.ts";
import type { Ports, StreamPage } from "../../ports.ts";
import { problem } from "../../problem.ts";
import type { After } from "../hints.ts";
import type { Inference } from "../inference.ts";
import { isFinal } from "../status.ts";
import { type WatchingOne, statesOf } from "../watch.ts";
import { EVENT_END_BYTES, EventCutter, START, type StreamPlace, isEventEnd } from "./place.ts";
import { STREAM_PART } from "./sink.ts";

/** An event, and the place right after it. */
export interface KeptEvent {
  readonly event: Uint8Array;
  readonly place: StreamPlace;
}

export type StreamNews =
  | { readonly kind: "events"; readonly events: readonly KeptEvent[] }
  /** All that was told before is void: another attempt speaks. */
  | { readonly kind: "restarted"; readonly attempt: number }
  /** Nothing stands in the way of telling: said once, at the beginning. */
  | { readonly kind: "listening" }
  /** Nothing was said for a while. */
  | { readonly kind: "quiet" }
  /** `place`: after all that was told. `isKept` is false if it succeeded, and its backend did not stream. */
  | { readonly kind: "ended"; readonly inference: Inference; readonly place: StreamPlace; readonly isKept: boolean };

type Reading = WatchingOne & Pick<Ports, "streams" | "payloads">;

/**
 * Where a place lies in an inference's stream: in the words of the attempt that speaks, or spoke last, or in those of one before it. Null
 * for none: nobody was given one that lies beyond, or within an event.
 */
export async function locate(
  { streams, payloads }: Pick<Ports, "streams" | "payloads">,
  inference: Inference,
  place: StreamPlace,
): Promise<"last" | "former" | null> {
  const { accountId, id, attempt } = inference;
  if (place.attempt > attempt) return null;
  const before = Math.max(0, place.offset - EVENT_END_BYTES);
  if (inference.status === "succeeded") {
    const part = streamIn(inference);
    if (place.attempt < attempt) return "former";
    if (place.offset === 0) return "last";
    if (!part || place.offset > part.bytes) return null;
    const body = await storedObject(payloads, { at: "object", ...part })?.open({ offset: before, length: place.offset - before });
    return !body || isEventEnd([await new Response(body).bytes()]) ? "last" : null; // what is gone, its reader is told of
  }
  const page = await streams.after(accountId, id, place.attempt, before, 0);
  if (page.attempt === 0) return "last"; // nothing is kept any more, or nothing yet
  if (place.attempt !== page.attempt) return place.attempt < page.attempt ? "former" : null;
  return place.offset === 0 || (place.offset <= page.length && isEventEnd(page.pieces)) ? "last" : null;
}

function streamIn(inference: Extract<Inference, { status: "succeeded" }>) {
  return inference.parts.find(({ name }) => name === STREAM_PART) ?? null;
}

/** What follows in an inference's stream after a place, as it comes, until its end, `endAt` (ms, by the isolate's clock) or the signal. */
export async function* newsOf(
  ports: Reading,
  inference: Inference,
  from: StreamPlace | null,
  { endAt, gone, after }: { readonly endAt: number; readonly gone: AbortSignal; readonly after: After },
): AsyncGenerator<StreamNews> {
  const reader = new StreamReader(ports, inference, from ?? START);
  if (isFinal(inference.status)) {
    yield { kind: "listening" };
    return yield* reader.rest(inference);
  }
  const over = new AbortController();
  const signal = AbortSignal.any([gone, over.signal]);
  const states = statesOf(ports, inference, { endAt, signal, after, withWait: false });
  try {
    const begun = await states.next(); // throws here if too many watch already
    yield { kind: "listening" };
    const ended = endIn(begun, states);
    ended.catch(() => undefined); // looked at below
    for (;;) {
      const page = reader.next(STREAM_WAIT_MS);
      page.catch(() => undefined); // not looked at if the end comes first
      const next = await Promise.race([ended, page]);
      if ("end" in next) {
        if (next.end) yield* reader.rest(next.end);
        return;
      }
      yield* reader.take(next);
      if (next.pieces.length === 0) yield { kind: "quiet" };
    }
  } finally {
    over.abort();
    void states.return(undefined); // gives back its place, however far it came
  }
}

/** An inference at its end, by its states from the first on; null if that is not seen. */
async function endIn(begun: IteratorResult<Inference>, states: AsyncGenerator<Inference>): Promise<{ readonly end: Inference | null }> {
  if (begun.done) return { end: null };
  if (isFinal(begun.value.status)) return { end: begun.value };
  for await (const state of states) if (isFinal(state.status)) return { end: state };
  return { end: null };
}

class StreamReader {
  readonly #ports: Reading;
  readonly #inference: Inference;
  /** After what was told. */
  #place: StreamPlace;
  #cutter: EventCutter;

  constructor(ports: Reading, inference: Inference, place: StreamPlace) {
    this.#ports = ports;
    this.#inference = inference;
    this.#place = place;
    this.#cutter = new EventCutter(place.offset);
  }

  /** What is kept after what was read; waits for it for up to `ms`. */
  next(ms: number): Promise<StreamPage> {
    const { accountId, id } = this.#inference;
    return this.#ports.streams.after(accountId, id, this.#place.attempt, this.#cutter.takenIn, ms);
  }

  *take({ attempt, pieces }: StreamPage): Generator<StreamNews> {
    if (pieces.length === 0) return;
    if (attempt < this.#place.attempt) throw new Error("a stream is of an attempt before the one that was read");
    if (attempt > this.#place.attempt) yield* this.#begin(attempt);
    for (const piece of pieces) yield* this.#tell(piece);
  }

  *#begin(attempt: number): Generator<StreamNews> {
    if (this.#place.attempt > 0) yield { kind: "restarted", attempt };
    this.#place = { attempt, offset: 0 };
    this.#cutter = new EventCutter(0);
  }

  *#tell(piece: Uint8Array): Generator<StreamNews> {
    const { attempt } = this.#place;
    const events = this.#cutter.take(piece).map(({ event, end }): KeptEvent => ({ event, place: { attempt, offset: end } }));
    const last = events.at(-1);
    if (!last) return;
    yield { kind: "events", events };
    this.#place = last.place;
  }

  /** What was not told yet of one that has ended, and its end. */
  async *rest(inference: Inference): AsyncGenerator<StreamNews> {
    let isKept = true;
    if (inference.status === "succeeded") isKept = yield* this.#stored(inference);
    else {
      // A redrive may have come since: what its attempt says is told to who comes back with the id of this end.
      const isOfIt = ({ attempt, pieces }: StreamPage) => pieces.length > 0 && attempt <= inference.attempt;
      for (let page = await this.next(0); isOfIt(page); page = await this.next(0)) yield* this.take(page);
    }
    yield { kind: "ended", inference, place: this.#place, isKept };
  }

  /** The rest of what is in the bucket; false if there is nothing, because the backend did not stream. */
  async *#stored(inference: Extract<Inference, { status: "succeeded" }>): AsyncGenerator<StreamNews, boolean> {
    const part = streamIn(inference);
    if (inference.attempt > this.#place.attempt) yield* this.#begin(inference.attempt);
    if (!part) return false;
    const { offset } = this.#place;
    this.#cutter = new EventCutter(offset);
    if (offset >= part.bytes) return true;
    const stored = storedObject(this.#ports.payloads, { at: "object", ...part });
    const body = await stored?.open({ offset, length: part.bytes - offset });
    if (!body) throw problem("payload_gone", { detail: "The stream has expired." });
    for await (const chunk of body) yield* this.#tell(chunk as Uint8Array); // of an object: bytes
    return true;
  }
}

/**
 * A backend's answer as server-sent events, given on while it comes. Only whole events go on, byte for byte and as many
 * at once as came at once: a client never sees half of one, wherever a backend breaks off, and another can follow. What
 * the client does not take is not asked of the backend: at most the event that is being read is held here.
 * Source: WHATWG HTML, 9.2, Server-sent events.
 */
import { createParser } from "eventsource-parser";
import { joined } from "../encoding/chunks.ts";
import { BACKEND_ANSWER_BYTES, STREAM_LINGER_MS } from "../limits.ts";
import type { Outcome } from "./outcome.ts";
import { type Answer, type BackendCall, type Outside, type Question, type Sink, answerOf, connect, oversized } from "./backend.ts";

export interface ServerEvent {
  /** Its name; undefined where it has none. */
  readonly event?: string | undefined;
  readonly data: string;
}

/** What becomes of an event: it goes on as it came, or as this text; it is kept back; or it is, and nothing after it is read. */
export type Verdict = "pass" | "keep" | "stop" | { readonly instead: string };

/** How a stream came to its end: the backend ended it, or the judge had it stopped. */
export type End = "ended" | "stopped";

/**
 * Asks for a stream, and gives it on to the sink event by event as `judge` says. Where the answer is a refusal or no
 * stream, it comes back whole; where it fails, the outcome does.
 */
export async function stream(
  outside: Outside,
  url: string,
  question: Question,
  call: BackendCall,
  sink: Sink,
  judge: (event: ServerEvent) => Verdict,
): Promise<{ end: End } | { answer: Answer } | { outcome: Outcome }> {
  return connect<{ end: End } | { answer: Answer } | { outcome: Outcome }>(outside, url, question, call, async (response, over) => {
    const isStream = /^text\/event-stream\s*(?:;|$)/i.test(response.headers.get("content-type") ?? "");
    if (!response.ok || !isStream || !response.body) return answerOf(response, outside, call);
    const end = await relay(response.body, sink, judge, over, outside);
    return end === null ? { outcome: oversized() } : { end };
  });
}

/** Reads to the end. Null where an event is larger than an answer may be; throws when either side is gone or it is over. */
async function relay(
  body: ReadableStream<Uint8Array>,
  sink: Sink,
  judge: (event: ServerEvent) => Verdict,
  over: AbortSignal,
  { clock }: Outside,
): Promise<End | null> {
  const reader = body.getReader();
  const blocks = new Blocks();
  const events = new Events();
  let lingers = false;
  try {
    for (;;) {
      const { done, value } = await within(reader.read(), over);
      const going: Uint8Array[] = [];
      let stopped = false;
      for (const block of done ? blocks.rest() : blocks.of(value)) {
        const event = events.of(block);
        // What is no event, such as a comment, keeps a stream alive that has begun, and begins none.
        const verdict = event ? judge(event) : sink.begun || going.length > 0 ? "pass" : "keep";
        stopped = verdict === "stop";
        if (stopped) break;
        if (verdict === "pass") going.push(block);
        else if (typeof verdict === "object") going.push(encoder.encode(verdict.instead));
      }
      if (going.length > 0) await within(sink.write(joined(going)), over);
      if (stopped) {
        lingers = !done;
        return "stopped";
      }
      if (done) return "ended";
      if (blocks.heldBytes > BACKEND_ANSWER_BYTES) return null;
    }
  } finally {
    if (lingers) void leave(reader, clock.timeout(STREAM_LINGER_MS));
    else reader.cancel().catch(() => undefined); // may have ended or failed by itself
  }
}

/** Reads what little is left of a body that is as good as over, so that its connection can serve again; cuts what is not over. */
async function leave(reader: ReadableStreamDefaultReader<Uint8Array>, over: AbortSignal): Promise<void> {
  try {
    while (!(await within(reader.read(), over)).done);
  } catch {
    await reader.cancel().catch(() => undefined);
  }
}

/** As the work does, but not beyond the signal: then it throws. */
function within<T>(work: Promise<T>, over: AbortSignal): Promise<T> {
  if (over.aborted) return Promise.reject(new Error("over"));
  return new Promise((resolve, reject) => {
    const stop = () => reject(new Error("over"));
    over.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => over.removeEventListener("abort", stop));
  });
}

const encoder = new TextEncoder();
const LF = 0x0a;
const CR = 0x0d;

/** Cuts bytes into blocks, each with the blank line that ends it; lines may end in any of the three ways. */
class Blocks {
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #lineIsEmpty = true;
  #afterCr = false;

  /** Of the block that has not ended yet. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  *of(chunk: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index];
      const endsCrLf = byte === LF && this.#afterCr;
      this.#afterCr = byte === CR;
      if (endsCrLf) continue;
      if (byte !== LF && byte !== CR) {
        this.#lineIsEmpty = false;
        continue;
      }
      if (!this.#lineIsEmpty) {
        this.#lineIsEmpty = true;
        continue;
      }
      if (byte === CR && chunk[index + 1] === LF) {
        index++;
        this.#afterCr = false;
      }
      yield this.#taken(chunk.subarray(start, index + 1));
      start = index + 1;
    }
    if (start < chunk.length) {
      this.#held.push(chunk.subarray(start));
      this.#heldBytes += chunk.length - start;
    }
  }

  /** What has come of a block that nothing ended, with the end that it lacks. */
  *rest(): Generator<Uint8Array> {
    if (this.#heldBytes > 0) yield this.#taken(encoder.encode("\n\n"));
  }

  #taken(last: Uint8Array): Uint8Array {
    const block = joined([...this.#held, last]);
    this.#held = [];
    this.#heldBytes = 0;
    return block;
  }
}

/** Reads the event of each block. */
class Events {
  readonly #decoder = new TextDecoder();
  #last: ServerEvent | null = null;
  readonly #parser = createParser({ onEvent: (event) => void (this.#last = event) });

  of(block: Uint8Array): ServerEvent | null {
    this.#last = null;
    const text = this.#decoder.decode(block);
    // The parser waits at a CR for what follows; a block is complete.
    this.#parser.feed(text.includes("\r") ? text.replaceAll(/\r\n?/g, "\n") : text);
    return this.#last;
  }
}

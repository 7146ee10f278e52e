/** Answers that are server-sent events, as every wire that streams has them. */
import { EventReader, framed } from "../backends/streams/event-reader.ts";
import type { Scope } from "../keys/key.ts";
import { logError } from "../platform/log.ts";
import type { KeyCall } from "./route.ts";

export const EVENTS_TYPE = "text/event-stream";

/** An answer of these events. The last header is how proxies of the nginx kind are told not to hold back what should pass at once. */
export function eventStream(body: string | ReadableStream<Uint8Array>, headers: Readonly<Record<string, string>>): Response {
  const own = { "Content-Type": EVENTS_TYPE, "Cache-Control": "private, no-store", "X-Accel-Buffering": "no" };
  return new Response(body, { headers: { ...own, ...headers } });
}

/** A stored stream with its data alone, framed as ours is. */
export function reframed(stored: string | Uint8Array | ReadableStream): ReadableStream<Uint8Array> {
  const body: ReadableStream<Uint8Array> = new Response(stored).body ?? new Blob([]).stream();
  const events = new EventReader();
  const encoder = new TextEncoder();
  const dataOf = (read: ReturnType<EventReader["of"]>): string =>
    [...read].map(({ data }) => (data === null || data.trim() === "" ? "" : framed(data))).join("");
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        controller.enqueue(encoder.encode(dataOf(events.of(chunk))));
      },
      flush(controller) {
        controller.enqueue(encoder.encode(dataOf(events.rest())));
      },
    }),
  );
}

export type WriteBytes = (bytes: Uint8Array) => Promise<void>;

/**
 * A stream that is written to. A TransformStream and the request's signal do no more than this, and cost a tenth more of the time that
 * an event takes, which counts where a thousand watch the same: the runtime cancels the stream in each case in which it aborts the signal.
 */
class WrittenStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #onLeft: () => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #wake: () => void = () => undefined;

  constructor(onLeft: () => void) {
    this.#onLeft = onLeft;
    const source = {
      start: (controller: ReadableStreamDefaultController<Uint8Array>) => void (this.#controller = controller),
      pull: () => this.#wake(),
      cancel: () => {
        this.#controller = null;
        this.leave();
      },
    };
    // Nothing is asked for ahead of its reader: with a high-water mark of 1 the runtime would call `pull` within each write, and once more after it.
    this.readable = new ReadableStream<Uint8Array>(source, { highWaterMark: 0 });
  }

  /** Whether there is room for more. */
  write(bytes: Uint8Array): boolean {
    this.#controller?.enqueue(bytes);
    return (this.#controller?.desiredSize ?? -1) >= 0;
  }

  /** Resolves when there is room again, or the reader has left. */
  room(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  /** The reader takes no more. */
  leave(): void {
    this.#onLeft();
    this.#wake();
  }

  /** Ends after what was written; nothing if it has ended. */
  close(): void {
    this.#controller?.close();
    this.#controller = null;
  }

  fail(reason: unknown): void {
    this.#controller?.error(reason);
  }
}

/**
 * An answer of events that `tell` writes, until it returns, the client is gone, its key counts no more for what it was admitted for, or it is `endAt` (ms, by the
 * isolate's clock): a client that is connected and reads nothing would leave a write waiting for ever. It begins with the first that is written: what
 * fails before that is thrown, and can be answered in plain words.
 */
export async function eventsWritten(
  call: Pick<KeyCall, "requestId" | "after" | "admissions" | "caller"> & { readonly ports: Pick<KeyCall["ports"], "clock"> },
  scope: Scope,
  { headers, endAt }: { readonly headers: Readonly<Record<string, string>>; readonly endAt: number },
  tell: (write: WriteBytes, gone: AbortSignal) => Promise<void>,
): Promise<Response> {
  const left = new AbortController();
  const gone = left.signal;
  const stream = new WrittenStream(() => left.abort());
  const begun = Promise.withResolvers<void>();
  let hasBegun = false;
  const begin = () => {
    hasBegun = true;
    begun.resolve();
  };
  const end = () => {
    stream.leave();
    begin();
    stream.close();
  };
  const { clock } = call.ports;
  const write = async (bytes: Uint8Array) => {
    const hasEnded = call.admissions.hasEnded(call.caller, scope);
    if (hasEnded === true || (hasEnded !== false && (await hasEnded))) end(); // a wait for what is known costs each who watches
    gone.throwIfAborted();
    begin();
    if (stream.write(bytes)) return;
    // None for a client that reads: a timer for each counts where a thousand watch the same.
    const cancelEnd = endAt === Infinity ? () => undefined : clock.after(endAt - clock.now(), end);
    await stream.room();
    cancelEnd();
  };
  const work = async () => {
    try {
      await tell(write, gone);
      begin();
      stream.close();
    } catch (error) {
      if (gone.aborted) return begin();
      if (!hasBegun) return begun.reject(error);
      logError("events_cut", error, { request_id: call.requestId });
      stream.fail(error);
    }
  };
  call.after(work());
  await begun.promise;
  return eventStream(stream.readable, headers);
}

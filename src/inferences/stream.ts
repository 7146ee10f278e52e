/**
 * The answer that a waiting client reads while its backend speaks. It begins with the backend's first words, holds the
 * backend up while the client takes nothing, says something without a meaning in long pauses, and has its last word
 * once the end of the inference is recorded.
 */
import type { Sink } from "../backends/backend.ts";
import type { Failure } from "../backends/outcome.ts";
import { logError } from "../platform/log.ts";
import { STREAM_IDLE_MS } from "../limits.ts";
import type { Clock } from "../ports.ts";

/** What a wire says in a stream beside the backend's words, once it has begun. */
export interface StreamWords {
  /** While the backend says nothing; without a meaning. */
  readonly idle?: Uint8Array;
  /** At the end. Written once the end is recorded, since a client may leave when it reads this. */
  readonly succeeded?: Uint8Array;
  /** Instead of an end. Null means that it did not fail: it was canceled. */
  failed(error: Failure | null): Uint8Array;
}

/**
 * A stream that begins with the first chunk. What the client does not take holds up what the backend sends. A client that
 * hangs up while nothing is sent to it may go unnoticed, so something is, from time to time.
 */
export class StreamSink implements Sink {
  readonly #clock: Clock;
  readonly #idle: Uint8Array | null;
  readonly #begin: (body: ReadableStream<Uint8Array>) => void;
  readonly #gone = new AbortController();
  readonly #over = new AbortController();
  #writer: WritableStreamDefaultWriter<Uint8Array> | null = null;
  #writes = 0;
  #taken = 0;

  constructor(clock: Clock, idle: Uint8Array | null, begin: (body: ReadableStream<Uint8Array>) => void) {
    this.#clock = clock;
    this.#idle = idle;
    this.#begin = begin;
  }

  get begun(): boolean {
    return this.#writer !== null;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (!this.#writer) {
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      this.#writer = writable.getWriter();
      this.#begin(readable);
      if (this.#idle) void this.#stayAwake(this.#idle);
    }
    await this.#give(this.#writer, chunk);
  }

  async #give(writer: WritableStreamDefaultWriter<Uint8Array>, chunk: Uint8Array): Promise<void> {
    this.#writes++;
    try {
      await writer.write(chunk);
      this.#taken++;
    } catch (error) {
      this.#gone.abort();
      throw error;
    }
  }

  /** Writes the idle words after a pause in which nothing was written and the client had taken all. */
  async #stayAwake(idle: Uint8Array): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted && !this.#gone.signal.aborted) {
      const writes = this.#writes;
      await this.#clock.sleep(STREAM_IDLE_MS, signal);
      if (signal.aborted || this.#writes !== writes || this.#taken !== writes || !this.#writer) continue;
      await this.#give(this.#writer, idle).catch(() => undefined); // `gone` says so
    }
  }

  /** Aborted when the client has stopped reading. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Writes the last words, if the client still reads. */
  async say(last: Uint8Array | undefined): Promise<void> {
    this.#over.abort();
    try {
      if (last) await this.#writer?.write(last);
    } catch (error) {
      logError("stream_gone", error);
    }
  }

  end(): void {
    this.#over.abort();
    this.#writer?.close().catch(() => undefined); // the reader may be gone
  }
}

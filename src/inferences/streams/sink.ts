/**
 * Where the output of a stream that resumes goes while its backend speaks: not to a client, but to the log that the inference's
 * object keeps. So no client holds it up, and none that leaves stops it. What comes within STREAM_GATHER_MS is kept by one
 * write, and a piece whose answer is lost is sent again. Once the output is whole, all of it goes into the bucket as a part of the
 * output: under an attempt's key, with the row, in its quota, and removed with it.
 */
import type { Sink } from "../../backends/backend.ts";
import type { Failure, KeptPart, Outcome } from "../../backends/outcome.ts";
import { joined } from "../../encoding/chunks.ts";
import { STREAM_BYTES, STREAM_GATHER_MS, STREAM_PIECE_BYTES, STREAM_RETRY_MS, STREAM_TRIES, STREAM_UNKEPT_BYTES } from "../../limits.ts";
import { type ObjectStores, ObjectWriting } from "../../payloads/object-writer.ts";
import { log, logError } from "../../platform/log.ts";
import { Unavailable } from "../../platform/unavailable.ts";
import type { Ports } from "../../ports.ts";
import type { Fence } from "../sql/record.ts";

/** The part of an output that is its stream. */
export const STREAM_PART = "stream";
const STREAM_TYPE = "text/event-stream";

const NOT_KEPT: Failure = {
  class: "infrastructure",
  code: "stream_not_kept",
  message: "The attempt could not be completed, because its stream could not be stored.",
  status: 500,
};

const OVERSIZED: Failure = {
  class: "model",
  code: "backend_oversized",
  message: `The backend's stream exceeds ${STREAM_BYTES} bytes.`,
  status: 502,
};

type Failed = Extract<Outcome, { error: Failure }>;

export class LogSink implements Sink {
  /** Another attempt may follow: who reads is told to begin again. */
  readonly begun = false;
  readonly #ports: Pick<Ports, "streams" | "clock">;
  readonly #fence: Fence;
  readonly #over = new AbortController();
  #unkept: Uint8Array[] = [];
  #unkeptBytes = 0;
  #kept = 0;
  #keeping: Promise<void> | null = null;
  #fault: Failed | null = null;

  constructor(ports: Pick<Ports, "streams" | "clock">, fence: Fence) {
    this.#ports = ports;
    this.#fence = fence;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#kept + this.#unkeptBytes + chunk.byteLength > STREAM_BYTES) this.#fault ??= { kind: "rejected", error: OVERSIZED };
    this.#mustBeKept();
    this.#unkept.push(chunk);
    this.#unkeptBytes += chunk.byteLength;
    this.#keeping ??= this.#keep();
    while (this.#unkeptBytes > STREAM_UNKEPT_BYTES) {
      await this.#keeping;
      this.#mustBeKept();
      if (this.#unkeptBytes > 0) this.#keeping ??= this.#keep();
    }
  }

  #mustBeKept(): void {
    if (this.#fault) throw new Error(this.#fault.error.message);
  }

  /** Keeps what has come, and then what comes while it waits for more. Never rejects. */
  async #keep(): Promise<void> {
    const { clock } = this.#ports;
    while (this.#unkeptBytes > 0 && !this.#fault) {
      const piece = joined(this.#unkept);
      this.#unkept = [];
      for (let begin = 0; begin < piece.byteLength && !this.#fault; begin += STREAM_PIECE_BYTES) {
        await this.#append(piece.subarray(begin, begin + STREAM_PIECE_BYTES));
      }
      if (!this.#over.signal.aborted && this.#unkeptBytes <= STREAM_UNKEPT_BYTES) await clock.sleep(STREAM_GATHER_MS, this.#over.signal);
    }
    this.#keeping = null;
  }

  async #append(piece: Uint8Array): Promise<void> {
    const { streams, clock } = this.#ports;
    const { accountId, id, attempt } = this.#fence;
    for (let tries = 1, pause = STREAM_RETRY_MS; ; tries++, pause *= 2) {
      try {
        const appended = await streams.append(accountId, id, attempt, this.#kept, piece);
        if (appended === "kept") {
          this.#kept += piece.byteLength;
          this.#unkeptBytes -= piece.byteLength;
          return;
        }
        log("stream_lost", { inference: id, attempt, appended });
        break;
      } catch (error) {
        logError("stream_not_kept", error, { inference: id, attempt, tries });
        if (!(error instanceof Unavailable) || tries >= STREAM_TRIES) break;
        await clock.sleep(pause);
      }
    }
    this.#fault = { kind: "retry", error: NOT_KEPT };
  }

  /** Nothing more comes: waits until all of it is kept. What is wrong if it can't be; null if all is well. */
  async end(): Promise<Failed | null> {
    this.#over.abort();
    await this.#keeping;
    return this.#fault;
  }

  /** Puts the whole stream into the bucket; null if nothing was said. To be asked after the end. */
  async store(stores: ObjectStores): Promise<KeptPart | null> {
    if (this.#kept === 0) return null;
    const { accountId, id, attempt } = this.#fence;
    const key = `outputs/${accountId}/${id}/${attempt}/${STREAM_PART}`;
    const writing = new ObjectWriting(stores, key, STREAM_TYPE, this.#kept);
    try {
      for (let offset = 0; offset < this.#kept;) {
        const page = await this.#ports.streams.after(accountId, id, attempt, offset, 0);
        if (page.attempt > attempt) throw new Unavailable("streams", false, new Error("another attempt writes the stream by now"));
        const pieces = page.attempt === attempt && page.begins === offset ? page.pieces : [];
        if (pieces.length === 0) throw new Error("what was kept of a stream is gone");
        for (const piece of pieces) {
          await writing.write(piece);
          offset += piece.byteLength;
        }
      }
      return { name: STREAM_PART, key, contentType: STREAM_TYPE, ...(await writing.end()) };
    } catch (error) {
      await writing.abort();
      throw error;
    }
  }
}

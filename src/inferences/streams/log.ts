/**
 * The output of an inference while it comes, as an event log in the database of an object of its own. It holds what one attempt
 * has written: another attempt begins it again, and after that the one before can write no more. Only what is at its end is
 * added, so that a piece that is sent twice is kept once, and none is ever missing in between.
 */
import { STREAM_PAGE_BYTES } from "../../limits.ts";
import type { Row } from "../../platform/sql.ts";
import type { Appended, StreamPage } from "../../ports.ts";

/** The object's own database. */
export type StreamExec = (query: string, ...params: (string | number | Uint8Array)[]) => Row[];

const SCHEMA = `CREATE TABLE IF NOT EXISTS pieces (
  attempt INTEGER NOT NULL, begins INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (attempt, begins)) WITHOUT ROWID`;

export class StreamLog {
  readonly #exec: StreamExec;
  /** Of what is kept; 0 = nothing. */
  #attempt = 0;
  #length = 0;

  constructor(exec: StreamExec) {
    this.#exec = exec;
    if (exec("SELECT 1 AS there FROM sqlite_master WHERE name = 'pieces'").length === 0) return; // a log that is only asked for takes no room
    const [last] = exec("SELECT attempt, begins + length(bytes) AS length FROM pieces ORDER BY attempt DESC, begins DESC LIMIT 1");
    this.#attempt = Number(last?.["attempt"] ?? 0);
    this.#length = Number(last?.["length"] ?? 0);
  }

  /** Adds a piece of an attempt that begins at an offset. It is there for good once the object answers. */
  append(attempt: number, begins: number, bytes: Uint8Array): Appended {
    if (attempt < this.#attempt) return "stale";
    const length = attempt === this.#attempt ? this.#length : 0;
    if (begins > length) return "gap";
    const news = bytes.subarray(length - begins);
    if (news.byteLength === 0) return "kept"; // sent again, since its answer was lost
    this.#exec(SCHEMA);
    if (attempt > this.#attempt) this.#exec("DELETE FROM pieces WHERE attempt < ?", attempt);
    this.#exec("INSERT INTO pieces (attempt, begins, bytes) VALUES (?, ?, ?)", attempt, length, news);
    this.#attempt = attempt;
    this.#length = length + news.byteLength;
    return "kept";
  }

  /** What follows after a place: all from the beginning if another attempt writes by now. */
  after(attempt: number, offset: number): StreamPage {
    const isAnother = attempt !== this.#attempt;
    const from = isAnother ? 0 : offset;
    const begins = Math.min(from, this.#length);
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for (let next = begins; next < this.#length && bytes < STREAM_PAGE_BYTES;) {
      const [row] = this.#exec(
        "SELECT begins, bytes FROM pieces WHERE attempt = ? AND begins <= ? ORDER BY begins DESC LIMIT 1",
        this.#attempt,
        next,
      );
      if (!row) break;
      const piece = bytesIn(row["bytes"]).subarray(next - Number(row["begins"]));
      pieces.push(piece);
      bytes += piece.byteLength;
      next += piece.byteLength;
    }
    return { attempt: this.#attempt, length: this.#length, begins, pieces };
  }

  /** Removes all that is kept. */
  clear(): void {
    if (this.#attempt > 0) this.#exec("DELETE FROM pieces");
    this.forget();
  }

  /** Knows of nothing any more: its database was emptied. */
  forget(): void {
    this.#attempt = 0;
    this.#length = 0;
  }
}

/** A blob, as the one or the other engine has it. */
function bytesIn(value: unknown): Uint8Array {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (value instanceof Uint8Array) return value;
  throw new TypeError("a piece of a stream is no blob");
}

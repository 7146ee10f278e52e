/**
 * How far an inference's output was given to readers that name no place, as RunPod's clients do: each call gets what
 * the one before did not. It is kept beside the stream (log.ts), and for STREAM_GIVEN_MS after the last call that got something, since the
 * stream itself goes earlier. Of calls that ask at once, one gets what comes next.
 */
import * as z from "zod";
import type { StreamExec } from "./log.ts";

const rowSchema = z.object({ place: z.string(), movedAt: z.number() });

const SCHEMA = "CREATE TABLE IF NOT EXISTS given (place TEXT NOT NULL, moved_at INTEGER NOT NULL)";

export class Given {
  readonly #exec: StreamExec;
  /** As the one who moved it has named it; "" = nothing was given. */
  #place = "";
  /** In ms. */
  #movedAt = 0;

  constructor(exec: StreamExec) {
    this.#exec = exec;
    if (exec("SELECT 1 AS there FROM sqlite_master WHERE name = 'given'").length === 0) return;
    const [row] = exec("SELECT place, moved_at AS movedAt FROM given");
    const { place, movedAt } = rowSchema.parse(row);
    this.#place = place;
    this.#movedAt = movedAt;
  }

  get place(): string {
    return this.#place;
  }

  get movedAt(): number {
    return this.#movedAt;
  }

  /** Moves it on, unless it is no longer where the caller began: then false. */
  move(from: string, to: string, now: number): boolean {
    if (from !== this.#place) return false;
    this.#exec(SCHEMA);
    this.#exec("DELETE FROM given");
    this.#exec("INSERT INTO given (place, moved_at) VALUES (?, ?)", to, now);
    this.#place = to;
    this.#movedAt = now;
    return true;
  }

  /** Knows of nothing any more: its database was emptied. */
  forget(): void {
    this.#place = "";
    this.#movedAt = 0;
  }
}

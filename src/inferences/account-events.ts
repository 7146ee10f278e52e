/**
 * The events of all inferences of an account as one stream: each line of each log once, numbered in the order in which the object
 * heard of it, the latest kept for who comes back. What was said of an inference is noted, so that a row that is told twice, or
 * late, says nothing twice, and one whose tell was lost is made up for by the next, or by a look. Kept in the object's own
 * database, so an object that sleeps or dies forgets nothing.
 */
import {
  EVENTS_CHANGED_MS,
  EVENTS_KEPT,
  EVENTS_LOOKED_AT,
  EVENTS_LOOK_MS,
  EVENTS_OVERLAP_MS,
  EVENTS_REST_MS,
  EVENTS_SAID,
  WATCH_BACKLOG_CHARACTERS,
  WATCH_MISSED_READ,
} from "../limits.ts";
import type { Row, SqlValue } from "../platform/sql.ts";
import type { Told } from "../ports.ts";
import { linesAfter } from "./log-events.ts";
import { fromRow } from "./sql/record.ts";
import type { Changed } from "./sql/watch.ts";
import { isFinal } from "./status.ts";

/** The object's own database. */
export type Exec = (query: string, ...params: SqlValue[]) => Row[];

const SCHEMA = [
  // Of each inference, the last line that was said of it.
  "CREATE TABLE IF NOT EXISTS said (id TEXT PRIMARY KEY, line INTEGER NOT NULL, at INTEGER NOT NULL, open INTEGER NOT NULL, looked_at INTEGER NOT NULL) WITHOUT ROWID",
  "CREATE INDEX IF NOT EXISTS said_open ON said (looked_at) WHERE open = 1",
  "CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, told TEXT NOT NULL)",
  // Of each inference that runs, when its model said what was last told of its progress.
  "CREATE TABLE IF NOT EXISTS progress (id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID",
  // One row: which stream this is, from when on it is about what happens, and when its last reader left; NULL while there is one.
  "CREATE TABLE IF NOT EXISTS stream (name TEXT NOT NULL, since INTEGER NOT NULL, number INTEGER NOT NULL, left_at INTEGER)",
];

export class AccountEvents {
  readonly #exec: Exec;
  readonly #now: () => number;

  constructor(exec: Exec, now: () => number) {
    this.#exec = exec;
    this.#now = now;
    for (const statement of SCHEMA) exec(statement);
  }

  /** Somebody reads: the stream goes on, or a new one begins where nobody has read for EVENTS_REST_MS. */
  begin(name: string): void {
    if (this.#rests) {
      for (const table of ["said", "events", "progress", "stream"]) this.#exec(`DELETE FROM ${table}`);
      this.#exec("INSERT INTO stream (name, since, number, left_at) VALUES (?, ?, 0, NULL)", name, this.#now() - EVENTS_OVERLAP_MS);
    } else this.#exec("UPDATE stream SET left_at = NULL");
  }

  /** The last reader has left; that it had left before stands. */
  left(): void {
    this.#exec("UPDATE stream SET left_at = ? WHERE left_at IS NULL", this.#now());
  }

  /** Whether nobody reads, and nobody has for so long that nobody will come back. */
  get #rests(): boolean {
    const [stream] = this.#exec("SELECT left_at FROM stream");
    return !stream || (stream["left_at"] !== null && Number(stream["left_at"]) < this.#now() - EVENTS_REST_MS);
  }

  /** The events that rows have beyond what was said, which is noted. None while the stream rests. */
  note(rows: readonly Row[]): Told[] {
    if (this.#rests) return [];
    return rows.flatMap((row) => this.#noteRow(row));
  }

  #noteRow(row: Row): Told[] {
    const inference = fromRow(row);
    const { id } = inference;
    const [known] = this.#exec("SELECT line, at FROM said WHERE id = ?", id);
    const said = known ? { index: Number(known["line"]), at: Number(known["at"]) } : null;
    const { lines, isCut } = linesAfter(inference, said);
    const { name, since, number } = this.#stream();
    // Of a log that was shortened the first line is left, which was said.
    const unsaid = said && !isCut ? lines : lines.filter(({ at }) => at >= (said?.at ?? since));
    const last = unsaid.at(-1);
    if (!last) return [];
    this.#exec(
      "INSERT INTO said (id, line, at, open, looked_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET line = excluded.line, at = excluded.at, open = excluded.open, looked_at = excluded.looked_at",
      id,
      last.place.index,
      last.at,
      isFinal(inference.status) ? 0 : 1,
      this.#now(),
    );
    if (isFinal(inference.status)) this.#exec("DELETE FROM progress WHERE id = ?", id);
    const told = unsaid.map(({ place }, index): Told => ({ row, line: place.index, event: `${name}.${number + index + 1}` }));
    told.forEach((event, index) =>
      this.#exec("INSERT INTO events (number, told) VALUES (?, ?)", number + index + 1, JSON.stringify(event)),
    );
    this.#exec("UPDATE stream SET number = number + ?", told.length);
    this.#exec("DELETE FROM events WHERE number <= ?", number + told.length - EVENTS_KEPT);
    if (number % EVENTS_SAID < told.length) this.#forget();
    return told;
  }

  /** Whether a row tells of progress that is news, and is noted: it may be late, and then be older than what was told, or of an attempt that is over. */
  isProgress(row: Row): boolean {
    if (typeof row["progress"] !== "string" || this.#rests) return false;
    const inference = fromRow(row);
    if (inference.status !== "in_progress" || !inference.progress) return false;
    const { id, progress } = inference;
    const [known] = this.#exec("SELECT at FROM said WHERE id = ?", id);
    if (known && Number(known["at"]) > progress.at) return false;
    const newer =
      "INSERT INTO progress (id, at) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at WHERE excluded.at > at RETURNING at";
    return this.#exec(newer, id, progress.at).length > 0;
  }

  /** Of ended inferences, what was said of the latest EVENTS_SAID is kept; what happened before that is never said again. */
  #forget(): void {
    const [oldest] = this.#exec("SELECT at FROM said WHERE open = 0 ORDER BY at DESC LIMIT 1 OFFSET ?", EVENTS_SAID);
    if (!oldest) return;
    const at = Number(oldest["at"]);
    this.#exec("DELETE FROM said WHERE open = 0 AND at <= ?", at);
    this.#exec("UPDATE stream SET since = max(since, ?)", at + 1);
  }

  #stream(): { name: string; since: number; number: number } {
    const [stream] = this.#exec("SELECT name, since, number FROM stream");
    return { name: String(stream?.["name"]), since: Number(stream?.["since"]), number: Number(stream?.["number"]) };
  }

  /**
   * What a reader is told first: what was said after the last event that it has, or that this is not known any more. Who has none is
   * told where the stream stands, so that it can go on from there though nothing has happened yet when its connection breaks. `isAll` is
   * false if there is more, which is for who comes back after the last of those.
   */
  from(last: string | null): { readonly told: readonly Told[]; readonly isAll: boolean } {
    const { name, number } = this.#stream();
    const event = `${name}.${number}`;
    if (last === null) return { told: [{ row: null, begins: true, event }], isAll: true };
    const told = this.after(last, WATCH_BACKLOG_CHARACTERS);
    return { told: told ?? [{ row: null, event }], isAll: !told || told.length === 0 || told.at(-1)?.event === event };
  }

  /** What was said after an event, up to about so many characters; null if that is not known any more, or is another stream's. */
  after(event: string, most = Infinity): Told[] | null {
    const { name, number } = this.#stream();
    const dot = event.lastIndexOf(".");
    let last = Number(event.slice(dot + 1));
    if (event.slice(0, dot) !== name || !Number.isInteger(last) || last > number || last < number - EVENTS_KEPT) return null;
    const all: Told[] = [];
    for (let characters = 0; characters < most;) {
      const rows = this.#exec("SELECT number, told FROM events WHERE number > ? ORDER BY number LIMIT ?", last, WATCH_MISSED_READ);
      for (const { told } of rows) {
        if (characters >= most) break;
        all.push(JSON.parse(String(told)) as Told); // as it was noted
        characters += String(told).length;
      }
      last = Number(rows.at(-1)?.["number"] ?? last);
      if (rows.length < WATCH_MISSED_READ) break;
    }
    return all;
  }

  /** From when on a change may not have been heard of, in ms. */
  get changedSince(): number {
    return Math.max(this.#now() - EVENTS_CHANGED_MS, this.#stream().since);
  }

  /** Of these inferences, some of which the last change was not heard of: they are to be looked at. */
  unheard(changed: readonly Changed[]): string[] {
    const rows = this.#exec(
      "SELECT id, at FROM said WHERE id IN (SELECT value FROM json_each(?))",
      JSON.stringify(changed.map(({ id }) => id)),
    );
    const heard = new Map(rows.map(({ id, at }) => [String(id), Number(at)]));
    return changed.flatMap(({ id, at }) => ((heard.get(id) ?? 0) < at ? [id] : [])).slice(0, EVENTS_LOOKED_AT);
  }

  /** Inferences that have not ended, as far as was said, and of which nothing was heard for EVENTS_LOOK_MS: they are to be looked at. */
  neglected(): string[] {
    const rows = this.#exec(
      "SELECT id FROM said WHERE open = 1 AND looked_at <= ? ORDER BY looked_at LIMIT ?",
      this.#now() - EVENTS_LOOK_MS,
      EVENTS_LOOKED_AT,
    );
    const ids = rows.map(({ id }) => String(id));
    for (const id of ids) this.#exec("UPDATE said SET looked_at = ? WHERE id = ?", this.#now(), id);
    return ids;
  }
}

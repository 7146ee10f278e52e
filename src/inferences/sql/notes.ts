/**
 * SQL on due notes: one stands for all inferences of an account that were submitted within NOTE_SPAN_MS and are due equally long
 * after their submit, so that these need no entry in the index of what is due. Invariants kept here and in schema.sql:
 * - a row is marked as noted only by a statement that finds its note, so whatever an isolate believes, none is without one;
 * - a note is due no later than the first that it stands for;
 * - a note that ends puts what still waits into the index, in its own transaction.
 */
import { AGEING_MS, DUE_NOTES, MEMORY_THINGS, NOTED_LATER, NOTED_TOGETHER, NOTE_IDS } from "../../limits.ts";
import { Memory, oncePer } from "../../platform/memory.ts";
import { NOW, type Sql, type SqlValue, sql } from "../../platform/sql.ts";

/** Of an id, what a note has: as much of its time as counts spans, one character of them a dash. */
const BEGINNING = 10;
/** How long a beginning of ids is that of new ones. */
const NOTE_SPAN_MS = 16 ** 3;

export interface Note {
  readonly dueAt: number;
  readonly accountId: string;
  /** How the ids begin that it stands for. */
  readonly ids: string;
  /** How long after its submit each of them is due. */
  readonly afterMs: number;
}

/** Of a new inference, what says when it is due. */
interface Dated {
  readonly accountId: string;
  readonly id: string;
  readonly maxTimeInQueueSeconds: number;
  readonly priority: number;
  readonly cancelAfterSeconds: number | null;
  readonly notBefore?: number | null;
  readonly batch?: { readonly agesAfterMs: number } | null;
}

/** The note that stands for a new inference if it is there. The time in an id is its isolate's; an insert compares it with the database's. */
export function noteOf({ accountId, id, maxTimeInQueueSeconds, priority, cancelAfterSeconds, batch }: Dated): Note {
  const ids = id.slice(0, BEGINNING);
  const agesAfterMs = priority > 0 ? (batch?.agesAfterMs ?? AGEING_MS) : Infinity;
  const afterMs = Math.min(maxTimeInQueueSeconds * 1000, agesAfterMs, (cancelAfterSeconds ?? Infinity) * 1000);
  return { dueAt: Number.parseInt(ids.replace("-", ""), 16) * NOTE_SPAN_MS + afterMs, accountId, ids, afterMs };
}

/** The note of each; those in a row that have the same share one object. */
export function notesOf(all: readonly Dated[]): Note[] {
  let last: Note | null = null;
  return all.map((it) => {
    const note = noteOf(it);
    if (last?.accountId !== note.accountId || last.ids !== note.ids || last.afterMs !== note.afterMs) last = note;
    return last;
  });
}

/** What is to begin later is due by that as well: few are, and each has its own time. */
const isNotable = ({ notBefore = null }: Dated) => notBefore === null;

const nameOf = ({ dueAt, accountId, ids }: Note) => `${dueAt}/${accountId}/${ids}`;

/**
 * The notes that an isolate has written lately. No more than a hint that spares statements and their parts, for a note may have
 * ended meanwhile.
 */
export class WrittenNotes {
  readonly #written = new Memory<true>(MEMORY_THINGS);
  /** How many submissions there were that one would have stood for. */
  readonly #without = new Memory<number>(MEMORY_THINGS);

  /** Those among these submissions that one of them may stand for, or one that is `written` with them. */
  of<It extends Dated>(all: readonly It[], written: readonly Note[]): ReadonlySet<It> {
    const names = new Set(written.map(nameOf));
    const notes = notesOf(all);
    let last: { readonly note: Note | undefined; readonly isNamed: boolean } | null = null;
    const isNamed = (note: Note | undefined) => {
      if (last?.note === note && last) return last.isNamed;
      const name = note ? nameOf(note) : "";
      last = { note, isNamed: names.has(name) || this.#written.get(name, 0) === true };
      return last.isNamed;
    };
    return new Set(all.filter((it, place) => isNotable(it) && isNamed(notes[place])));
  }

  add(notes: readonly Note[]): void {
    for (const note of notes) this.#written.set(nameOf(note), true, Infinity);
  }

  /**
   * Those that are not among them and that pay, if these are submitted now: a note is written and removed, so for one or two it costs
   * more than it spares. Of those that come alone, as many more are awaited as have come.
   */
  wantedFor(all: readonly Dated[]): Note[] {
    const counts = new Map<Note, number>();
    for (const note of notesOf(all.filter(isNotable))) counts.set(note, (counts.get(note) ?? 0) + 1);
    return [...Map.groupBy(counts, ([note]) => nameOf(note))].flatMap(([name, same]) => {
      if (this.#written.get(name, 0) !== undefined) return [];
      const count = same.reduce((sum, [, one]) => sum + one, 0);
      const before = this.#without.get(name, 0) ?? 0;
      this.#without.set(name, before + count, Infinity);
      return count >= NOTED_TOGETHER || before >= NOTED_LATER ? same.slice(0, 1).map(([note]) => note) : [];
    });
  }
}

export const writtenNotes = oncePer((_isolate: object) => new WrittenNotes());

/**
 * Up to which id the note of a new inference has been looked at, as SQL: it stands for the ids after that. NULL if there is no such note.
 * `now` is its submit by the database's clock.
 */
export const seenOf = (
  it: { readonly [Part in keyof Note]: SqlValue | Sql } & { readonly now: Sql },
) => sql`(SELECT note.seen FROM due_notes AS note
  WHERE note.due_at = ${it.dueAt} AND note.account_id = ${it.accountId} AND note.ids = ${it.ids} AND note.due_at <= ${it.now} + ${it.afterMs})`;

/** Whether a new inference has a note. */
export const isNoted = (it: Parameters<typeof seenOf>[0] & { readonly id: SqlValue }) => sql`coalesce(${it.id} > ${seenOf(it)}, 0)`;

const key = sql`(due_at, account_id, ids)`;
const firstDue = sql`SELECT due_at, account_id, ids FROM due_notes WHERE due_at <= ${NOW} ORDER BY due_at LIMIT ${DUE_NOTES}`;
/** The inference of a note after so many that it has not seen; null if there are no more. */
const after = (count: number) => sql`(SELECT it.id FROM inferences AS it
  WHERE it.account_id = due_notes.account_id AND it.id > due_notes.seen AND it.id < due_notes.ids || '~' ORDER BY it.id LIMIT 1 OFFSET ${count})`;

export const noteStatements = {
  write: (notes: readonly Note[]) => sql`
    INSERT INTO due_notes (due_at, account_id, ids, after_ms, seen)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 2
    FROM json_each(${JSON.stringify(notes.map(({ dueAt, accountId, ids, afterMs }) => [dueAt, accountId, ids, afterMs]))}) WHERE TRUE
    ON CONFLICT DO NOTHING RETURNING due_at`,
  /** Sweep: notes that are due, each of a few inferences at most. Triggers put what still waits into the index. */
  remove: () => sql`DELETE FROM due_notes WHERE ${key} IN (${firstDue}) AND ${after(NOTE_IDS)} IS NULL RETURNING due_at`,
  /** Sweep: those of more, a step further. */
  see: () => sql`
    UPDATE due_notes SET seen = coalesce(${after(NOTE_IDS - 1)}, seen) WHERE ${key} IN (${firstDue}) RETURNING due_at`,
} satisfies Record<string, (...args: never[]) => Sql>;

/** Whether more notes may be due than a pass has taken up, by what its two statements have answered. */
export const areNotesLeft = (removed: readonly unknown[], seen: readonly unknown[]) => removed.length === DUE_NOTES || seen.length > 0;

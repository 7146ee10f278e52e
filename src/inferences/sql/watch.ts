/**
 * SQL on who watches. Watching is a mark on the row that a change's own statement returns, so a change that nobody watches asks
 * for nothing. A mark lasts until a time of the database, and is made anew while somebody watches; a watch object is called by a
 * mark that is out of date at most, never missed.
 */
import { type Database, NOW, type Row, sql } from "../../platform/sql.ts";
import type { Inference } from "../inference.ts";
import { type Name, askingFor, readStatements } from "./read.ts";

const mark = (object: number, ms: number) => sql`watch_objects = iif(watched_until > ${NOW}, watch_objects, 0) | ${1 << object},
  watched_until = max(coalesce(watched_until, 0), ${NOW} + ${ms})`;

export const watchStatements = {
  /** Notes that an inference that is not final is watched at an object of its account, for so long. */
  watch: (accountId: string, id: string, object: number, ms: number) => sql`
    UPDATE inferences SET ${mark(object, ms)}
    WHERE account_id = ${accountId} AND id = ${id} AND status IN ('queued', 'in_progress') RETURNING id`,
  /** The same of all inferences of an account. */
  watchAccount: (accountId: string, object: number, ms: number) => sql`
    UPDATE accounts SET ${mark(object, ms)} WHERE id = ${accountId} RETURNING ${NOW} AS now`,
  /** Of an account's newest inferences those that have changed since then. */
  changed: (accountId: string, newest: number, since: number) => sql`
    SELECT id, updatedAt FROM (SELECT id, updated_at AS updatedAt FROM inferences WHERE account_id = ${accountId} ORDER BY id DESC LIMIT ${newest})
    WHERE updatedAt >= ${since}`,
};

/** An inference, and the object of its account at which it is watched. */
export type Marked = readonly [accountId: string, id: string, object: number];

/**
 * Marks inferences as watched and reads them as they are then, in the order in which they are asked for, with why they wait if asked: whatever
 * changes them after that is told. Null for each that is not there.
 */
export async function watched(
  db: Database,
  asked: readonly Marked[],
  { ms, withWait }: { ms: number; withWait: boolean },
): Promise<(Inference | null)[]> {
  const marks = [...new Map(asked.map((one) => [one.join(" "), one])).values()].map((one) => watchStatements.watch(...one, ms));
  const names = asked.map(([accountId, id]) => [accountId, id] as const);
  const { statement, answersIn } = askingFor(names, withWait);
  const answers = await db.batch([...marks, statement]);
  return answersIn(answers.at(-1) ?? []);
}

/** Marks an account as watched. Returns the database's time: whatever changes after it is told. */
export async function watchedAccount(db: Database, accountId: string, object: number, ms: number): Promise<number> {
  const [row] = await db.all(watchStatements.watchAccount(accountId, object, ms));
  return Number(row?.["now"] ?? 0);
}

/** Of an account's newest inferences those that have changed since then, in ms, and when. */
export async function changedSince(db: Database, accountId: string, newest: number, since: number): Promise<Changed[]> {
  const rows = await db.all(watchStatements.changed(accountId, newest, since));
  return rows.map(({ id, updatedAt }) => ({ id: String(id), at: Number(updatedAt) }));
}

/** An inference, and when it last changed, in ms. */
export interface Changed {
  readonly id: string;
  readonly at: number;
}

/** Inferences as they are, to be told of: rows as `fromRow` reads them. */
export function rowsToTell(db: Database, names: readonly Name[]): Promise<Row[]> {
  return db.all(readStatements.findAll(names, false));
}

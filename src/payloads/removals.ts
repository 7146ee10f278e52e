/**
 * All SQL on what must go from the bucket, and on the slow work of the sweep. A removal is written in the transaction that
 * makes its object nobody's, or before an upload in parts has its first part; it stays until the object is gone. So
 * whatever dies in between, no row loses its object before it goes itself, and no object is left for ever.
 */
import * as z from "zod";
import { ORPHAN_MS } from "../limits.ts";
import { type Database, NOW, type Row, type Sql, sql } from "../platform/sql.ts";

/** An object to be removed unless a row names it, or an upload in parts to be aborted. */
export interface Removal {
  readonly dueAt: number;
  readonly object: string;
  /** '' where it is an object. */
  readonly uploadId: string;
}

/** Slow work, a step at a time. */
export type Chore = "retention" | "orphans" | "files" | "budgets" | "audit";

/** For how long a step has its chore to itself; one that dies is taken up again after this. */
const STEP_MS = 60_000;

export const removalStatements = {
  /** An upload that is begun; if it is never completed it is aborted in the end. */
  noteUpload: (key: string, uploadId: string) => sql`
    INSERT INTO removals (due_at, object, upload_id) SELECT ${NOW} + ${ORPHAN_MS}, ${key}, ${uploadId} WHERE TRUE
    ON CONFLICT DO NOTHING RETURNING object`,
  /** Objects that are nobody's any more. */
  note: (keys: readonly string[]) => sql`
    INSERT INTO removals (due_at, object, upload_id) SELECT 0, value, '' FROM json_each(${JSON.stringify(keys)}) WHERE TRUE
    ON CONFLICT DO NOTHING RETURNING object`,
  due: (limit: number) => sql`
    SELECT due_at, object, upload_id FROM removals WHERE due_at <= ${NOW} ORDER BY due_at LIMIT ${limit}`,
  forget: (removals: readonly Removal[]) => sql`
    DELETE FROM removals WHERE (due_at, object, upload_id) IN (SELECT value ->> 0, value ->> 1, value ->> 2
      FROM json_each(${JSON.stringify(removals.map(({ dueAt, object, uploadId }) => [dueAt, object, uploadId]))})) RETURNING object`,
  /** Takes a chore up where its time has come; its cursor, or no row. */
  takeUp: (chore: Chore) => sql`
    INSERT INTO chores (name, cursor, due_at) SELECT ${chore}, '', ${NOW} + ${STEP_MS} WHERE TRUE
    ON CONFLICT (name) DO UPDATE SET due_at = ${NOW} + ${STEP_MS} WHERE chores.due_at <= ${NOW} RETURNING cursor`,
  /** Where it goes on, and when. */
  layDown: (chore: Chore, cursor: string, afterMs: number) => sql`
    UPDATE chores SET cursor = ${cursor}, due_at = ${NOW} + ${afterMs} WHERE name = ${chore} RETURNING name`,
} satisfies Record<string, (...args: never[]) => Sql>;

const removalSchema = z
  .object({ due_at: z.number(), object: z.string(), upload_id: z.string() })
  .transform((row): Removal => ({ dueAt: row.due_at, object: row.object, uploadId: row.upload_id }));

const removalsFrom = (rows: readonly Row[]): Removal[] => z.array(removalSchema).parse(rows);

export async function noteUpload(db: Database, key: string, uploadId: string): Promise<void> {
  await db.all(removalStatements.noteUpload(key, uploadId));
}

export async function noteRemovals(db: Database, keys: readonly string[]): Promise<void> {
  await db.all(removalStatements.note(keys));
}

export async function dueRemovals(db: Database, limit: number): Promise<Removal[]> {
  return removalsFrom(await db.all(removalStatements.due(limit)));
}

export async function forgetRemovals(db: Database, removals: readonly Removal[]): Promise<void> {
  await db.all(removalStatements.forget(removals));
}

export async function layDown(db: Database, chore: Chore, cursor: string, afterMs: number): Promise<void> {
  await db.all(removalStatements.layDown(chore, cursor, afterMs));
}

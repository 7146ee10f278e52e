/**
 * All SQL on what is kept of inferences that have ended: which are past their retention, how they go, and which objects
 * belong to none. Invariants kept here:
 * - what goes is named as it was seen at its end, so an inference that was redriven since stays, and so does one that a
 *   runner still holds;
 * - the objects of what goes are noted as removals in the same transaction.
 */
import * as z from "zod";
import { ID_MARGIN_MS } from "../limits.ts";
import { type Database, NOW, type Row, type Sql, sql } from "../platform/sql.ts";
import type { Cursor } from "../inferences/statements.ts";

/** An inference whose time is over, as it was seen. */
export interface Expired {
  readonly accountId: string;
  readonly id: string;
  readonly finishedAt: number;
}

/** An object's key, and what it says of whose it is. */
export interface ObjectKey {
  readonly key: string;
  readonly accountId: string;
  readonly id: string;
  /** Null for an input. */
  readonly attempt: number | null;
}

/** Rows that were seen at their end, have not changed since, and that no runner holds any more: `[account, id, finished_at]` of each. */
const seenEnded = (those: readonly Expired[]) => sql`finished_at IS NOT NULL AND coalesce(lease_until, 0) <= ${NOW}
  AND (account_id, id, finished_at) IN (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(${JSON.stringify(
    those.map(({ accountId, id, finishedAt }) => [accountId, id, finishedAt]),
  )}))`;

/** The least id of that time; as earliestId, for a time that only the database knows. */
const idAt = (ms: Sql) => sql`printf('%08x-%04x', (${ms}) >> 16, (${ms}) & 65535)`;

export const retentionStatements = {
  /** Sweep: their own retention is over: input and output go, the row stays. */
  expiredPayloads: (limit: number) => sql`
    SELECT account_id, id, finished_at FROM inferences WHERE expires_at <= ${NOW} ORDER BY expires_at LIMIT ${limit}`,
  /**
   * Sweep: of the rows that were created before their account's retention began, the next after the cursor, and which of
   * them have ended before it too. Ids sort by age and begin with the account's, so the primary key has them together,
   * and an inference costs no index of its own for this. An account whose rows are all younger is one row read.
   */
  retentionPage: (cursor: Cursor, limit: number) => sql`
    SELECT old.account_id, old.id, old.finished_at,
      old.finished_at <= ${NOW} - owner.retention_seconds * 1000 AND coalesce(old.lease_until, 0) <= ${NOW} AS over
    FROM accounts AS owner CROSS JOIN inferences AS old
      ON old.account_id = owner.id AND old.id > iif(owner.id = ${cursor.accountId}, ${cursor.id}, '')
        AND old.id < ${idAt(sql`${NOW} - owner.retention_seconds * 1000 + ${ID_MARGIN_MS}`)}
    WHERE owner.id >= ${cursor.accountId} ORDER BY owner.id, old.id LIMIT ${limit}`,
  /** The objects of inferences that are about to lose them, noted so that they go whatever happens in between. */
  noteObjects: (those: readonly Expired[]) => sql`
    INSERT INTO removals (due_at, object, upload_id)
    SELECT 0, input_object, '' FROM inferences WHERE ${seenEnded(those)} AND input_object IS NOT NULL
    UNION ALL SELECT 0, output_object, '' FROM inferences WHERE ${seenEnded(those)} AND output_object IS NOT NULL
    UNION ALL SELECT 0, part.value ->> 'key', ''
      FROM (SELECT output_parts FROM inferences WHERE ${seenEnded(those)} AND output_parts IS NOT NULL) AS them, json_each(them.output_parts) AS part
    WHERE TRUE
    ON CONFLICT DO NOTHING RETURNING object`,
  removePayloads: (those: readonly Expired[]) => sql`
    UPDATE inferences SET input = NULL, input_object = NULL, output = NULL, output_object = NULL, output_sha256 = NULL, output_parts = NULL, parts_bytes = 0,
      data_removed_at = ${NOW}, updated_at = ${NOW}
    WHERE ${seenEnded(those)} RETURNING id`,
  remove: (those: readonly Expired[]) => sql`DELETE FROM inferences WHERE ${seenEnded(those)} RETURNING id`,
  /** Those of these that no row names: keys of inputs and of outputs. A success keeps what its last attempt has written. */
  unnamed: (keys: readonly ObjectKey[]) => sql`
    SELECT named.value ->> 0 AS object FROM json_each(${JSON.stringify(
      keys.map(({ key, accountId, id, attempt }) => [key, accountId, id, attempt]),
    )}) AS named
    WHERE NOT EXISTS (SELECT 1 FROM inferences AS owner
      WHERE owner.account_id = named.value ->> 1 AND owner.id = named.value ->> 2 AND owner.data_removed_at IS NULL
        AND iif(named.value ->> 3 IS NULL, owner.input_object = named.value ->> 0,
          owner.attempt = named.value ->> 3 AND owner.status IN ('succeeded', 'in_progress')))`,
} satisfies Record<string, (...args: never[]) => Sql>;

const expiredSchema = z
  .object({ account_id: z.string(), id: z.string(), finished_at: z.number() })
  .transform((row): Expired => ({ accountId: row.account_id, id: row.id, finishedAt: row.finished_at }));

export const expiredFrom = (rows: readonly Row[]): Expired[] => z.array(expiredSchema).parse(rows);

/** The next rows after a cursor that may be past their account's retention: those that are, and where to go on; null at the end. */
export async function findPastRetention(db: Database, cursor: Cursor, limit: number): Promise<{ past: Expired[]; next: Cursor | null }> {
  const rows = await db.all(retentionStatements.retentionPage(cursor, limit));
  const last = rows.at(-1);
  return {
    past: expiredFrom(rows.filter((row) => row["over"] === 1)),
    next: last && rows.length === limit ? { accountId: String(last["account_id"]), id: String(last["id"]) } : null,
  };
}

/** Removes rows, or only their payloads, as they were seen; what has changed since stays. How many, and the objects that are to follow. */
export async function removeEnded(
  db: Database,
  those: readonly Expired[],
  what: "row" | "payloads",
): Promise<{ removed: number; objects: number }> {
  const remove = what === "row" ? retentionStatements.remove(those) : retentionStatements.removePayloads(those);
  const [objects = [], removed = []] = await db.batch([retentionStatements.noteObjects(those), remove]);
  return { removed: removed.length, objects: objects.length };
}

/** Of the objects of inferences, those that none has. */
export async function unnamedObjects(db: Database, keys: readonly ObjectKey[]): Promise<string[]> {
  return (await db.all(retentionStatements.unnamed(keys))).map((row) => String(row["object"]));
}

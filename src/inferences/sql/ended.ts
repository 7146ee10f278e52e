/**
 * SQL on inferences that have ended: how rows and payloads go, and which objects belong to no row. Invariants kept here:
 * - a row that goes is named as it was seen at its end, so an inference that was redriven since stays, and so does one
 *   that a runner still holds at that moment;
 * - the objects of a row that goes are noted as removals in the same transaction.
 */
import { type Database, NOW, type Sql, sql } from "../../platform/sql.ts";

/** An inference at its end, as it was seen. */
export interface EndedRow {
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

/** A batch that is under way needs it for its files. */
const isKeptForBatch = sql`batch_id IS NOT NULL AND EXISTS (SELECT 1 FROM batches
  WHERE batches.account_id = inferences.account_id AND batches.id = inferences.batch_id AND batches.ended_at IS NULL)`;

/**
 * Rows that were seen at their end, have not changed since, that no runner held at `asOf` and no batch needs any more:
 * `[account, id, finished_at]` of each.
 */
const seenEnded = (those: readonly EndedRow[], asOf: number) => sql`finished_at IS NOT NULL AND coalesce(lease_until, 0) <= ${asOf}
  AND (account_id, id, finished_at) IN (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(${JSON.stringify(
    those.map(({ accountId, id, finishedAt }) => [accountId, id, finishedAt]),
  )})) AND NOT (${isKeptForBatch})`;

export const endedStatements = {
  /** The objects of inferences that are about to lose them, noted so that they go whatever happens in between. */
  noteObjects: (those: readonly EndedRow[], asOf: number) => sql`
    INSERT INTO removals (due_at, object, upload_id)
    SELECT 0, input_object, '' FROM inferences WHERE ${seenEnded(those, asOf)} AND input_object IS NOT NULL
    UNION ALL SELECT 0, output_object, '' FROM inferences WHERE ${seenEnded(those, asOf)} AND output_object IS NOT NULL
    UNION ALL SELECT 0, part.value ->> 'key', ''
      FROM (SELECT output_parts FROM inferences WHERE ${seenEnded(those, asOf)} AND output_parts IS NOT NULL) AS them, json_each(them.output_parts) AS part
    WHERE TRUE
    ON CONFLICT DO NOTHING RETURNING object`,
  removePayloads: (those: readonly EndedRow[], asOf: number) => sql`
    UPDATE inferences SET input = NULL, input_object = NULL, output = NULL, output_object = NULL, output_sha256 = NULL, output_parts = NULL, parts_bytes = 0,
      data_removed_at = ${NOW}, updated_at = ${NOW}
    WHERE ${seenEnded(those, asOf)} RETURNING id`,
  /** What rows that are about to go count as, their deliveries too, taken off once for each account. */
  uncharge: (those: readonly EndedRow[], asOf: number) => sql`
    UPDATE accounts SET (stored_bytes, database_bytes) = (
      SELECT accounts.stored_bytes - coalesce(sum(charged_bytes), 0), accounts.database_bytes - coalesce(sum(row_bytes
          + coalesce((SELECT sum(row_bytes) FROM deliveries WHERE account_id = inferences.account_id AND inference_id = inferences.id), 0)), 0)
      FROM inferences WHERE account_id = accounts.id AND ${seenEnded(those, asOf)})
    WHERE id IN (SELECT value FROM json_each(${JSON.stringify([...new Set(those.map(({ accountId }) => accountId))])})) RETURNING id`,
  now: () => sql`SELECT ${NOW} AS now`,
  remove: (those: readonly EndedRow[], asOf: number) => sql`DELETE FROM inferences WHERE ${seenEnded(those, asOf)} RETURNING id`,
  /** The keys of inputs and outputs that no row names. A success keeps what its last attempt has written. */
  unnamed: (keys: readonly ObjectKey[]) => sql`
    SELECT named.value ->> 0 AS object FROM json_each(${JSON.stringify(
      keys.map(({ key, accountId, id, attempt }) => [key, accountId, id, attempt]),
    )}) AS named
    WHERE NOT EXISTS (SELECT 1 FROM inferences AS owner
      WHERE owner.account_id = named.value ->> 1 AND owner.id = named.value ->> 2 AND owner.data_removed_at IS NULL
        AND iif(named.value ->> 3 IS NULL, owner.input_object = named.value ->> 0,
          owner.attempt = named.value ->> 3 AND owner.status IN ('succeeded', 'in_progress')))`,
} satisfies Record<string, (...args: never[]) => Sql>;

/** Removes rows, or only their payloads, as they were seen; what has changed since stays. How many, and the objects that are to follow. */
export async function removeEnded(
  db: Database,
  those: readonly EndedRow[],
  what: "row" | "payloads",
): Promise<{ removed: number; objects: number }> {
  const asOf = Number((await db.all(endedStatements.now()))[0]?.["now"]); // one moment, so that all statements are about the same rows
  const [objects = [], ...rest] = await db.batch([
    endedStatements.noteObjects(those, asOf),
    ...(what === "row"
      ? [endedStatements.uncharge(those, asOf), endedStatements.remove(those, asOf)]
      : [endedStatements.removePayloads(those, asOf)]),
  ]);
  const removed = rest.at(-1) ?? [];
  return { removed: removed.length, objects: objects.length };
}

/** The objects among these that belong to no inference. */
export async function unnamedObjects(db: Database, keys: readonly ObjectKey[]): Promise<string[]> {
  return (await db.all(endedStatements.unnamed(keys))).map((row) => String(row["object"]));
}

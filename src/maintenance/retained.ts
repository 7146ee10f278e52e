/** SQL of the sweep: which inferences are past their retention. How they go is in inferences/sql/ended.ts. */
import * as z from "zod";
import { ID_MARGIN_MS } from "../limits.ts";
import { type Database, NOW, type Row, type Sql, sql } from "../platform/sql.ts";
import type { EndedRow } from "../inferences/sql/ended.ts";
import type { Cursor } from "../inferences/statements.ts";

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
} satisfies Record<string, (...args: never[]) => Sql>;

const endedSchema = z
  .object({ account_id: z.string(), id: z.string(), finished_at: z.number() })
  .transform((row): EndedRow => ({ accountId: row.account_id, id: row.id, finishedAt: row.finished_at }));

export const endedFrom = (rows: readonly Row[]): EndedRow[] => z.array(endedSchema).parse(rows);

/** The next rows after a cursor that may be past their account's retention: those that are, and where to go on; null at the end. */
export async function findPastRetention(db: Database, cursor: Cursor, limit: number): Promise<{ past: EndedRow[]; next: Cursor | null }> {
  const rows = await db.all(retentionStatements.retentionPage(cursor, limit));
  const last = rows.at(-1);
  return {
    past: endedFrom(rows.filter((row) => row["over"] === 1)),
    next: last && rows.length === limit ? { accountId: String(last["account_id"]), id: String(last["id"]) } : null,
  };
}

/** SQL of the sweep: which inferences are past their retention. How they go is in inferences/sql/ended.ts. */
import * as z from "zod";
import { ID_MARGIN_MS } from "../limits.ts";
import { type Database, NOW, type Row, type Sql, sql } from "../platform/sql.ts";
import type { EndedRow } from "../inferences/sql/ended.ts";
import type { Cursor } from "../inferences/sql/filter.ts";

/** The least id of that time; as earliestId, for a time that only the database knows. */
const idAt = (ms: Sql) => sql`printf('%08x-%04x', (${ms}) >> 16, (${ms}) & 65535)`;

export const retentionStatements = {
  /** Sweep: their own retention is over: input and output go, the row stays. */
  expiredPayloads: (limit: number) => sql`
    SELECT account_id AS accountId, id, finished_at AS finishedAt FROM inferences WHERE expires_at <= ${NOW} ORDER BY expires_at LIMIT ${limit}`,
  /**
   * Sweep: of the rows that were created before their account's retention began, the next after the cursor, and which of
   * them have ended before it too. Ids sort by age and begin with the account's, so the primary key has them together,
   * and an inference costs no index of its own for this. An account whose rows are all younger is one row read.
   */
  retentionPage: (cursor: Cursor, limit: number) => sql`
    SELECT old.account_id AS accountId, old.id, old.finished_at AS finishedAt,
      old.finished_at <= ${NOW} - owner.retention_seconds * 1000 AND coalesce(old.lease_until, 0) <= ${NOW} AS over
    FROM accounts AS owner CROSS JOIN inferences AS old
      ON old.account_id = owner.id AND old.id > iif(owner.id = ${cursor.accountId}, ${cursor.id}, '')
        AND old.id < ${idAt(sql`${NOW} - owner.retention_seconds * 1000 + ${ID_MARGIN_MS}`)}
    WHERE owner.id >= ${cursor.accountId} ORDER BY owner.id, old.id LIMIT ${limit}`,
} satisfies Record<string, (...args: never[]) => Sql>;

const endedSchema = z.object({ accountId: z.string(), id: z.string(), finishedAt: z.number() });

export const endedFrom = (rows: readonly Row[]): EndedRow[] => z.array(endedSchema).parse(rows);

const pageSchema = z.array(
  z.object({ accountId: z.string(), id: z.string(), finishedAt: z.number().nullable(), over: z.number().nullable() }),
);

/** The next rows after a cursor that may be past their account's retention: those that are, and where to go on; null at the end. */
export async function findPastRetention(db: Database, cursor: Cursor, limit: number): Promise<{ past: EndedRow[]; next: Cursor | null }> {
  const rows = pageSchema.parse(await db.all(retentionStatements.retentionPage(cursor, limit)));
  const last = rows.at(-1);
  return {
    past: endedFrom(rows.filter(({ over }) => over === 1)),
    next: last && rows.length === limit ? { accountId: last.accountId, id: last.id } : null,
  };
}

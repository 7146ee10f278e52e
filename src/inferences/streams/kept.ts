/** Whether what an inference's object keeps of its output is still wanted there. */
import { STREAM_KEPT_MS } from "../../limits.ts";
import { type Database, NOW, first, sql } from "../../platform/sql.ts";

/** It is while the inference is open, and for STREAM_KEPT_MS after an end without a whole output. */
export async function isKept(db: Database, accountId: string, id: string): Promise<boolean> {
  const row = await first(
    db,
    sql`SELECT 1 AS kept FROM inferences WHERE account_id = ${accountId} AND id = ${id} AND data_removed_at IS NULL
      AND (status IN ('queued', 'in_progress') OR (status <> 'succeeded' AND finished_at > ${NOW} - ${STREAM_KEPT_MS}))`,
  );
  return row !== null;
}

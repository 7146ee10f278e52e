/** SQL on how many inferences an account has open. */
import { OPEN_COUNT_MS } from "../../limits.ts";
import { type Database, NOW, type Sql, sql } from "../../platform/sql.ts";
import { openLimitOf } from "./fragments.ts";
import { headOf } from "./head.ts";
import { live } from "./lane.ts";

export const openStatements = {
  find: (accountId: string) => sql`SELECT open_at_most AS open FROM accounts WHERE id = ${accountId}`,
  /**
   * Counts the open inferences of an account that seems to have `from` or more, its limit by default, in the indexes of what may be
   * claimed and of what backs off or is to begin later, and among what runs. OPEN_COUNT_MS at least lie between two counts.
   */
  count: (accountId: string, from: Sql = openLimitOf(sql`accounts`)) => sql`
    UPDATE accounts SET open_counted_at = ${NOW}, open_at_most = (
        SELECT coalesce(sum((SELECT count(*) FROM inferences AS own INDEXED BY inferences_by_account
            WHERE own.status = 'queued' AND own.not_before IS NULL AND own.by_account = 1 AND own.model = served.name
              AND own.version = version.value AND own.account_id = accounts.id)
          + (SELECT count(*) FROM (${headOf(sql`served.name`, sql`version.value`)}) WHERE by_account = 0 AND account_id = accounts.id)
          + (SELECT count(*) FROM inferences AS later INDEXED BY inferences_backing_off
            WHERE later.status = 'queued' AND later.not_before IS NOT NULL AND later.model = served.name AND later.version = version.value
              AND later.account_id = accounts.id)), 0)
        FROM models AS served CROSS JOIN json_each(iif(served.versions = '[]', '[""]', served.versions)) AS version WHERE served.name > '')
      + (SELECT count(*) FROM backends AS host
        CROSS JOIN inferences AS running INDEXED BY inferences_running ON running.backend_id = host.id AND ${live(sql`running`)}
        WHERE host.model > '' AND running.account_id = accounts.id)
    WHERE id = ${accountId} AND open_at_most >= ${from} AND open_counted_at <= ${NOW} - ${OPEN_COUNT_MS}
    RETURNING open_at_most < ${openLimitOf(sql`accounts`)} AS below`,
} satisfies Record<string, (...args: never[]) => Sql>;

/** How many inferences an account has open: never less, and no more than OPEN_COUNT_MS ago. */
export async function openOf(db: Database, accountId: string): Promise<number> {
  await db.all(openStatements.count(accountId, sql`1`));
  const [row] = await db.all(openStatements.find(accountId));
  return Number(row?.["open"] ?? 0);
}

/** Counts again what an account has open, if it seems to be at its limit. Returns whether it is below. */
export async function isBelowOpenLimit(db: Database, accountId: string): Promise<boolean> {
  const [row] = await db.all(openStatements.count(accountId));
  return row?.["below"] === 1;
}

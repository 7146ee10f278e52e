/**
 * What accounts have used: the ledger that the database's triggers keep (schema.sql), one row for each account, day, model and
 * key; and budgets, which are held against it every BUDGET_LAP_MS.
 */
import * as z from "zod";
import { type Database, NOW, type Sql, join, rowsOf, sql } from "../platform/sql.ts";

export const USAGE_BY = ["account", "day", "model", "key"] as const;
export type UsageBy = (typeof USAGE_BY)[number];

const DAY_MS = 86_400_000;

const usedSchema = z.object({
  account: z.string().nullable(),
  /** Days since 1970. */
  day: z.number().nullable(),
  model: z.string().nullable(),
  key: z.string().nullable(),
  succeeded: z.number(),
  failed: z.number(),
  canceled: z.number(),
  expired: z.number(),
  attempts: z.number(),
  runMs: z.number(),
  inputItems: z.number(),
  promptTokens: z.number(),
  completionTokens: z.number(),
  inputBytes: z.number(),
  outputBytes: z.number(),
  /** In millionths. */
  costMicros: z.number(),
});
/** What was used, summed; a column that it is not summed by is null. */
export type Used = Readonly<z.infer<typeof usedSchema>>;

const COLUMNS: Readonly<Record<UsageBy, Sql>> = { account: sql`account_id`, day: sql`day`, model: sql`model`, key: sql`key_id` };

const sum = (column: Sql) => sql`coalesce(sum(${column}), 0)`;
/** As a float: a thousand rows of the most that one may have are more than an integer holds, and sum() would fail. */
const COST = sql`total(cost_micros)`;

/** Which part of the ledger: of one account, or of all; days since 1970, both included. */
export interface UsageRange {
  readonly accountId: string | null;
  readonly fromDay: number;
  readonly toDay: number;
}

const monthBegan = sql`strftime('%s', ${NOW} / 1000, 'unixepoch', 'start of month') / 86400`;
const spentBy = (account: Sql) => sql`(SELECT ${COST} FROM usage WHERE usage.account_id = ${account} AND usage.day >= ${monthBegan})`;

export const usageStatements = {
  sums: ({ accountId, fromDay, toDay }: UsageRange, by: readonly UsageBy[], limit: number) => sql`
    SELECT ${join(
      USAGE_BY.map((name) =>
        by.includes(name) ? sql`${COLUMNS[name]} AS ${{ text: name, params: [] }}` : sql`NULL AS ${{ text: name, params: [] }}`,
      ),
      ",",
    )}, ${sum(sql`succeeded`)} AS succeeded, ${sum(sql`failed`)} AS failed, ${sum(sql`canceled`)} AS canceled, ${sum(sql`expired`)} AS expired,
      ${sum(sql`attempts`)} AS attempts, ${sum(sql`run_ms`)} AS runMs, ${sum(sql`input_items`)} AS inputItems,
      ${sum(sql`prompt_tokens`)} AS promptTokens, ${sum(sql`completion_tokens`)} AS completionTokens,
      ${sum(sql`input_bytes`)} AS inputBytes, ${sum(sql`output_bytes`)} AS outputBytes, ${COST} AS costMicros
    FROM ${accountId === null ? sql`accounts AS owner CROSS JOIN usage ON usage.account_id = owner.id` : sql`usage`}
    WHERE ${accountId === null ? sql`owner.id > ''` : sql`account_id = ${accountId}`} AND day BETWEEN ${fromDay} AND ${toDay}
    ${
      by.length === 0
        ? sql``
        : sql`GROUP BY ${join(
            by.map((name) => COLUMNS[name]),
            ",",
          )} ORDER BY ${join(
            by.map((name) => COLUMNS[name]),
            ",",
          )}`
    }
    LIMIT ${limit}`,
  /** Since the month began, in UTC. */
  spent: (accountId: string) => sql`SELECT ${spentBy(sql`${accountId}`)} AS micros, ${monthBegan} AS began, ${NOW} AS now`,
  /** Whose budget stands otherwise than it did at the last look. */
  holdBudgets: () => sql`
    UPDATE accounts SET budget_state = now_is.state FROM (
      SELECT id, CASE WHEN spent >= budget_micros THEN 'spent' WHEN spent >= warn_micros THEN 'warned' ELSE 'ok' END AS state
      FROM (SELECT id, budget_micros, warn_micros, ${spentBy(sql`owner.id`)} AS spent
        FROM accounts AS owner INDEXED BY accounts_budgeted WHERE budget_micros IS NOT NULL)
    ) AS now_is WHERE accounts.id = now_is.id AND accounts.budget_state <> now_is.state RETURNING accounts.id, accounts.budget_state AS state`,
} satisfies Record<string, (...args: never[]) => Sql>;

const used = rowsOf(usedSchema);

/** Sums of the ledger by any of its columns, in their order; at most `limit`. Without a column the one sum of all. */
export async function usageOf(db: Database, range: UsageRange, by: readonly UsageBy[], limit: number): Promise<Used[]> {
  return used.all(db, usageStatements.sums(range, by, limit));
}

const spentSchema = z.object({ micros: z.number(), began: z.coerce.number(), now: z.number() });

/** What an account has spent this month, in millionths, and when the next month begins, in ms. */
export async function spentThisMonth(db: Database, accountId: string): Promise<{ micros: number; renewsAt: number }> {
  const { micros, now } = spentSchema.parse((await db.all(usageStatements.spent(accountId)))[0]);
  return { micros, renewsAt: nextMonth(now) };
}

/** When the month after this moment's begins, in UTC; both in ms. */
export function nextMonth(now: number): number {
  const date = new Date(now);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}

/** The day of a moment, and its beginning: days since 1970, and ms. */
export const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);
export const beginOf = (day: number): number => day * DAY_MS;

const budgetSchema = z.object({ id: z.string(), state: z.enum(["ok", "warned", "spent"]) });

/** Holds every budget against what was spent. Returns those that stand otherwise now. */
export async function holdBudgets(db: Database): Promise<z.infer<typeof budgetSchema>[]> {
  return rowsOf(budgetSchema).all(db, usageStatements.holdBudgets());
}

/** All SQL on accounts, the tenants. Removing one keeps its rows until their retention is over; its keys die at once. */
import * as z from "zod";
import { RETENTION_SECONDS } from "../limits.ts";
import { type Database, NOW, type Sql, rowsOf, sql } from "../platform/sql.ts";

const accountSchema = z.object({
  id: z.string(),
  name: z.string(),
  createdAt: z.number(),
  removedAt: z.number().nullable(),
  /** How much it may store; null: the default. */
  quotaBytes: z.number().nullable(),
  /** How many of its inferences may be open; null: the default. */
  openLimit: z.number().nullable(),
  storedBytes: z.number(),
  /** How much of that may lie in the database; null: the deployment's default. */
  databaseQuotaBytes: z.number().nullable(),
  databaseBytes: z.number(),
  /** How long its inferences are kept after their end. */
  retentionSeconds: z.number(),
  /** What its inferences may cost in a month, and from where on it is warned, in millionths; null: anything, never. */
  budgetMicros: z.number().nullable(),
  warnMicros: z.number().nullable(),
  budgetState: z.enum(["ok", "warned", "spent"]),
});
export type Account = Readonly<z.infer<typeof accountSchema>>;

/** Where an account stands in the list of all. */
export type AccountPlace = Pick<Account, "createdAt" | "id">;

/** What is left out stays as it is. */
export interface AccountChange {
  readonly name?: string | undefined;
  readonly quotaBytes?: number | null | undefined;
  readonly databaseQuotaBytes?: number | null | undefined;
  readonly openLimit?: number | null | undefined;
  readonly retentionSeconds?: number | undefined;
  readonly budgetMicros?: number | null | undefined;
  readonly warnMicros?: number | null | undefined;
}

/** A new account; what is left out gets its default. */
export interface NewAccount extends AccountChange {
  readonly id: string;
  readonly name: string;
}

const columns = sql`id, name, created_at AS createdAt, removed_at AS removedAt, quota_bytes AS quotaBytes, stored_bytes AS storedBytes,
  database_quota_bytes AS databaseQuotaBytes, database_bytes AS databaseBytes,
  retention_seconds AS retentionSeconds, open_limit AS openLimit, budget_micros AS budgetMicros, warn_micros AS warnMicros,
  budget_state AS budgetState`;

/**
 * Whether an account's warning comes at its budget at the latest once it is changed so; one that is neither is let be. A warning that is
 * set needs a budget; one that was set rests while there is none.
 */
function warnsInTime({ budgetMicros, warnMicros }: AccountChange): Sql {
  if (budgetMicros === undefined && warnMicros === undefined) return sql`TRUE`;
  const budget = budgetMicros === undefined ? sql`budget_micros` : sql`${budgetMicros}`;
  const warning = warnMicros === undefined ? sql`warn_micros` : sql`${warnMicros}`;
  return sql`coalesce(${warning} <= ${budget}, ${typeof warnMicros === "number" ? sql`FALSE` : sql`TRUE`})`;
}

export const accountStatements = {
  insert: (it: NewAccount) => sql`
    INSERT INTO accounts (id, name, quota_bytes, database_quota_bytes, open_limit, retention_seconds, budget_micros, warn_micros, created_at)
    VALUES (${it.id}, ${it.name}, ${it.quotaBytes ?? null}, ${it.databaseQuotaBytes ?? null}, ${it.openLimit ?? null},
      ${it.retentionSeconds ?? RETENTION_SECONDS.default}, ${it.budgetMicros ?? null}, ${it.warnMicros ?? null}, ${NOW})
    RETURNING ${columns}`,
  find: (id: string) => sql`SELECT ${columns} FROM accounts WHERE id = ${id}`,
  /** Newest first; the index makes it a search, wherever it goes on. */
  list: (behind: AccountPlace, limit: number) => sql`
    SELECT ${columns} FROM accounts INDEXED BY accounts_by_age WHERE (created_at, id) < (${behind.createdAt}, ${behind.id})
    ORDER BY created_at DESC, id DESC LIMIT ${limit}`,
  change: (id: string, change: AccountChange) => sql`
    UPDATE accounts SET name = coalesce(${change.name ?? null}, name),
      open_limit = iif(${change.openLimit === undefined ? 0 : 1}, ${change.openLimit ?? null}, open_limit),
      quota_bytes = iif(${change.quotaBytes === undefined ? 0 : 1}, ${change.quotaBytes ?? null}, quota_bytes),
      database_quota_bytes = iif(${change.databaseQuotaBytes === undefined ? 0 : 1}, ${change.databaseQuotaBytes ?? null}, database_quota_bytes),
      budget_micros = iif(${change.budgetMicros === undefined ? 0 : 1}, ${change.budgetMicros ?? null}, budget_micros),
      warn_micros = iif(${change.warnMicros === undefined ? 0 : 1}, ${change.warnMicros ?? null}, warn_micros),
      budget_state = iif(
        ${change.budgetMicros === undefined ? sql`1` : sql`budget_micros IS ${change.budgetMicros}`}
          AND (budget_state = 'spent' OR ${change.warnMicros === undefined ? sql`1` : sql`warn_micros IS ${change.warnMicros}`}),
        budget_state, 'ok'),
      retention_seconds = coalesce(${change.retentionSeconds ?? null}, retention_seconds)
    WHERE id = ${id} AND removed_at IS NULL AND ${warnsInTime(change)} RETURNING ${columns}`,
  remove: (id: string) => sql`
    UPDATE accounts SET removed_at = coalesce(removed_at, ${NOW}) WHERE id = ${id} RETURNING ${columns}`,
} satisfies Record<string, (...args: never[]) => Sql>;

const accounts = rowsOf(accountSchema);

export async function insertAccount(db: Database, it: NewAccount): Promise<Account | null> {
  return accounts.first(db, accountStatements.insert(it));
}

export async function findAccount(db: Database, id: string): Promise<Account | null> {
  return accounts.first(db, accountStatements.find(id));
}

/** Up to `limit` of them, newest first, behind one; null: from the newest. */
export async function listAccounts(db: Database, behind: AccountPlace | null, limit: number): Promise<Account[]> {
  return accounts.all(db, accountStatements.list(behind ?? { createdAt: Number.MAX_SAFE_INTEGER, id: "" }, limit));
}

/** Null where there is no such account, it is removed, or its warning would come beyond its budget. */
export async function changeAccount(db: Database, id: string, change: AccountChange): Promise<Account | null> {
  return accounts.first(db, accountStatements.change(id, change));
}

export async function removeAccount(db: Database, id: string): Promise<Account | null> {
  return accounts.first(db, accountStatements.remove(id));
}

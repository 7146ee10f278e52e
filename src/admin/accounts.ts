/** `/admin/v1/accounts`: the tenants. */
import * as z from "zod";
import {
  type Account,
  type AccountChange,
  changeAccount,
  findAccount,
  insertAccount,
  listAccounts,
  removeAccount,
} from "../accounts/store.ts";
import { badCursor, pageQuery } from "../http/page.ts";
import { wholeIn } from "../http/range.ts";
import { time, timeSchema } from "../http/time.ts";
import { newAccountId } from "../keys/key.ts";
import { type Key, listKeys } from "../keys/store.ts";
import { DATABASE_QUOTA_BYTES, MONEY_MAX, OPEN_INFERENCES, PAGE, QUOTA_BYTES, RETENTION_SECONDS } from "../limits.ts";
import type { Call } from "../http/route.ts";
import { problem } from "../problem.ts";
import { found, given, nameSchema, routesOf } from "./resource.ts";

const accountSchema = z.lazy(() =>
  z.object({
    id: z.string(),
    name: z.string(),
    quota_bytes: z.int().describe("How much it may store."),
    stored_bytes: z.int().describe("How much it stores."),
    database_quota_bytes: z.int().describe("How much of that may lie in the database."),
    database_bytes: z.int().describe("What it has in the database: rows of inferences, files, deliveries and endpoints."),
    open_limit: z.int().describe("How many of its inferences may be open: queued or in progress."),
    retention_seconds: z.int().describe("How long its inferences are kept after their end."),
    monthly_budget: z.number().nullable().describe("What its inferences may cost in a month; null: anything."),
    budget_warning_at: z.number().nullable().describe("It rests while there is no `monthly_budget`."),
    budget_state: z.enum(["ok", "warned", "spent"]).describe("`spent`: its submits are refused until the month is over."),
    created_at: timeSchema,
    removed_at: timeSchema.nullable(),
  }),
);
z.globalRegistry.add(accountSchema, { id: "Account" });

/** In the unit of the models' prices. */
const moneySchema = z.number().min(0).max(MONEY_MAX).nullable().optional();
const micros = (money: number | null | undefined) => (typeof money === "number" ? Math.round(money * 1_000_000) : money);
const money = (amount: number | null) => (amount === null ? null : amount / 1_000_000);

const newAccountSchema = z.lazy(() =>
  z.strictObject({
    name: nameSchema,
    quota_bytes: z.int().min(0).nullable().optional().describe(`How much it may store; null, the default, is ${QUOTA_BYTES}.`),
    database_quota_bytes: wholeIn(DATABASE_QUOTA_BYTES.range)
      .nullable()
      .optional()
      .describe("How much of that may lie in the database; null, the default, is the deployment's DATABASE_QUOTA_BYTES."),
    open_limit: wholeIn(OPEN_INFERENCES.range)
      .nullable()
      .optional()
      .describe(`How many of its inferences may be open; null, the default, is ${OPEN_INFERENCES.default}.`),
    retention_seconds: wholeIn(RETENTION_SECONDS.range)
      .optional()
      .describe(`How long its inferences are kept after their end; ${RETENTION_SECONDS.default} by default.`),
    monthly_budget: moneySchema.describe(
      "What its inferences may cost in a month (UTC), by their models' prices; null, the default: anything.",
    ),
    budget_warning_at: moneySchema.describe(
      "From so much of the budget on `budget_state` is `warned`, and the log says so; `monthly_budget` at most, without which it can't be set. Null, the default: never.",
    ),
  }),
);

const accountUpdateSchema = z.lazy(() =>
  newAccountSchema
    .unwrap()
    .partial()
    .refine((change) => Object.keys(change).length > 0, "must contain at least one member")
    .meta({ minProperties: 1 }),
);

const settingsOf = ({
  quota_bytes,
  database_quota_bytes,
  open_limit,
  retention_seconds,
  monthly_budget,
  budget_warning_at,
}: Omit<z.infer<typeof accountUpdateSchema>, "name">) => ({
  quotaBytes: quota_bytes,
  databaseQuotaBytes: database_quota_bytes,
  openLimit: open_limit,
  retentionSeconds: retention_seconds,
  budgetMicros: micros(monthly_budget),
  warnMicros: micros(budget_warning_at),
});

function present(account: Account, { ports }: Pick<Call, "ports">): z.infer<typeof accountSchema> {
  return {
    id: account.id,
    name: account.name,
    quota_bytes: account.quotaBytes ?? QUOTA_BYTES,
    stored_bytes: account.storedBytes,
    database_quota_bytes: account.databaseQuotaBytes ?? ports.databaseQuotaBytes,
    database_bytes: account.databaseBytes,
    open_limit: account.openLimit ?? OPEN_INFERENCES.default,
    retention_seconds: account.retentionSeconds,
    monthly_budget: money(account.budgetMicros),
    budget_warning_at: money(account.warnMicros),
    budget_state: account.budgetState,
    created_at: time(account.createdAt),
    removed_at: time(account.removedAt),
  };
}

export const accountRoutes = routesOf({
  noun: "account",
  path: "/accounts",
  id: "id",
  shown: accountSchema,
  present,
  idOf: (account: Account) => account.id,
  create: {
    takes: newAccountSchema,
    answers: accountSchema,
    async run(call, { name, ...settings }) {
      const { ports } = call;
      const account = { ...settingsOf(settings), id: newAccountId(ports.randomBytes), name };
      mustWarnInTime(account, account);
      return present(found(await insertAccount(ports.db, account), "account"), call);
    },
  },
  list: { order: "newest first", takes: pageQuery(), run: list },
  find: ({ ports }, id) => findAccount(ports.db, id),
  update: {
    takes: accountUpdateSchema,
    run: update,
  },
  delete: {
    summary: "Delete an account. Its keys are refused at once; its inferences stay until their retention is over.",
    answers: accountSchema,
    run: async (call, id) => present(await remove(call, id), call),
  },
});

async function list({ ports }: Call, { after }: { readonly after: string }, limit: number): Promise<Account[]> {
  const behind = after === "" ? null : await findAccount(ports.db, after);
  if (after !== "" && !behind) throw badCursor();
  return listAccounts(ports.db, behind, limit);
}

async function update({ ports }: Call, id: string, { name, ...settings }: z.infer<typeof accountUpdateSchema>): Promise<Account | null> {
  const change = { ...settingsOf(settings), name };
  const changed = await changeAccount(ports.db, id, change);
  if (changed) return changed;
  const account = await findAccount(ports.db, id);
  if (account?.removedAt === null) mustWarnInTime({ ...account, ...given(change) }, change);
  return null;
}

/** A warning beyond the budget, or without one, would never come. One that is not set now may rest until there is a budget again. Throws 422. */
function mustWarnInTime(
  { budgetMicros, warnMicros }: Pick<AccountChange, "budgetMicros" | "warnMicros">,
  set: Pick<AccountChange, "warnMicros">,
): void {
  if (typeof warnMicros !== "number") return;
  const refuse = (detail: string) => problem("invalid_input", { faults: [{ path: ["budget_warning_at"], detail }] });
  if (typeof budgetMicros === "number") {
    if (warnMicros > budgetMicros)
      throw refuse(`must be at most "monthly_budget", which is ${money(budgetMicros)}, and is ${money(warnMicros)}`);
  } else if (typeof set.warnMicros === "number") throw refuse('must come with a "monthly_budget": without one it would never be reached');
}

/** Its keys are revoked with it; the gate of each is told before the answer. */
async function remove({ ports }: Call, id: string): Promise<Account> {
  const account = found(await removeAccount(ports.db, id), "account");
  const [, most] = PAGE.range;
  for (let last: Key | null = null, more = true; more;) {
    const keys: Key[] = await listKeys(ports.db, account.id, last, most);
    await Promise.all(keys.map((key) => ports.gate.forget(key.id)));
    last = keys.at(-1) ?? last;
    more = keys.length === most;
  }
  return account;
}

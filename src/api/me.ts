/** Who a key is: its account, what it may do, and what is left of that; and what the account has used. */
import * as z from "zod";
import { type Account, findAccount } from "../accounts/store.ts";
import { spentThisMonth } from "../accounts/usage.ts";
import { json } from "../http/answer.ts";
import { type Input, type KeyCall, type RouteShape, route } from "../http/route.ts";
import { time, timeSchema } from "../http/time.ts";
import { CLIENTS_BY, answerUsage, usageSchema, usageShape } from "../http/usage.ts";
import { openOf } from "../inferences/sql/open.ts";
import { SCOPES } from "../keys/key.ts";
import { findKey } from "../keys/store.ts";
import { OPEN_COUNT_MS, OPEN_INFERENCES, QUOTA_BYTES } from "../limits.ts";
import { problem } from "../problem.ts";

const budgetSchema = z.lazy(() =>
  z.object({
    state: z.enum(["ok", "warned", "spent"]).describe("`spent`: submits are refused until it is renewed."),
    monthly: z.number(),
    warning_at: z.number().nullable(),
    spent: z.number().describe("Since the month began, in UTC."),
    renews_at: timeSchema,
  }),
);

const meSchema = z.lazy(() =>
  z.object({
    account: z.object({ id: z.string(), name: z.string() }),
    key: z.object({
      id: z.string(),
      name: z.string(),
      scopes: z.array(z.enum(SCOPES)),
      expires_at: timeSchema.nullable(),
    }),
    limits: z
      .object(Object.fromEntries(SCOPES.map((scope) => [scope, z.int()])) as Record<(typeof SCOPES)[number], z.ZodInt>) // one for each
      .describe("Requests a second that the key may make, by scope; `RateLimit` of each answer says what is left."),
    storage: z.object({
      stored_bytes: z.int(),
      quota_bytes: z.int(),
      database_bytes: z.int().describe("What of that lies in the database."),
      database_quota_bytes: z.int(),
    }),
    open_inferences: z.object({
      count: z.int().describe(`Queued or in progress. What ended in the last ${OPEN_COUNT_MS / 1_000} s may still be counted.`),
      limit: z.int(),
    }),
    retention_seconds: z.int().describe("How long inferences are kept after their end."),
    budget: budgetSchema.nullable().describe("What the account's inferences may cost in a month; null: anything."),
  }),
);
z.globalRegistry.add(meSchema, { id: "Me" });

const ME = {
  summary: "Get the key's account, scopes, limits and what is left of them.",
  answers: { 200: { description: "The account and the key.", json: meSchema } },
} as const satisfies RouteShape;

const USAGE = {
  summary: "Get what the account has used, by day, model or key.",
  query: z.strictObject(usageShape(CLIENTS_BY)),
  repeatable: ["by"],
  answers: {
    200: { description: "The sums; as a table for `Accept: text/csv`.", json: usageSchema, other: { "text/csv": "The same as a table." } },
  },
} as const satisfies RouteShape;

export const meRoutes = [route("read", "GET", "/v1/me", ME, showMe), route("read", "GET", "/v1/usage", USAGE, showUsage)];

async function showMe({ ports, caller }: KeyCall): Promise<Response> {
  const { db } = ports;
  const [account, key, open] = await Promise.all([
    findAccount(db, caller.accountId),
    findKey(db, caller.accountId, caller.keyId),
    openOf(db, caller.accountId),
  ]);
  if (!account || !key) throw problem("revoked_key"); // gone since its gate looked
  const { budgetMicros } = account;
  const spent = budgetMicros === null ? null : await spentThisMonth(db, account.id);
  return json({
    account: { id: account.id, name: account.name },
    key: { id: key.id, name: key.name, scopes: [...key.scopes], expires_at: time(key.expiresAt) },
    limits: key.limits,
    storage: {
      stored_bytes: account.storedBytes,
      quota_bytes: account.quotaBytes ?? QUOTA_BYTES,
      database_bytes: account.databaseBytes,
      database_quota_bytes: account.databaseQuotaBytes ?? ports.databaseQuotaBytes,
    },
    open_inferences: { count: open, limit: account.openLimit ?? OPEN_INFERENCES.default },
    retention_seconds: account.retentionSeconds,
    budget:
      budgetMicros === null || spent === null
        ? null
        : presentBudget(account.budgetState, { budgetMicros, warnMicros: account.warnMicros, spentMicros: spent.micros }, spent.renewsAt),
  } satisfies z.infer<typeof meSchema>);
}

/** A budget and what was spent of it, in millionths. */
interface Stood {
  readonly budgetMicros: number;
  readonly warnMicros: number | null;
  readonly spentMicros: number;
}

/** `renewsAt` in ms. */
export function presentBudget(
  state: Account["budgetState"],
  { budgetMicros, warnMicros, spentMicros }: Stood,
  renewsAt: number,
): z.infer<typeof budgetSchema> {
  const money = (micros: number) => micros / 1_000_000;
  return {
    state,
    monthly: money(budgetMicros),
    warning_at: warnMicros === null ? null : money(warnMicros),
    spent: money(spentMicros),
    renews_at: time(renewsAt),
  };
}

function showUsage(call: KeyCall, { query }: Input<typeof USAGE>): Promise<Response> {
  return answerUsage(call, query, call.caller.accountId);
}

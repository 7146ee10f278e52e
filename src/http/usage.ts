/** Usage as clients and operators ask for it and are shown it. */
import * as z from "zod";
import { USAGE_BY, type UsageBy, type Used, beginOf, dayOf, usageOf } from "../accounts/usage.ts";
import { USAGE_DAYS, USAGE_ROWS } from "../limits.ts";
import { problem } from "../problem.ts";
import { json } from "./answer.ts";
import { wordsOf } from "./list.ts";
import type { Call } from "./route.ts";

/** Days are counted from 1970-01-01, and `from` is by default 29 days before `to`. */
const FIRST_DAY = "1970-02-01";
const dateSchema = z.iso
  .date("must be a day such as 2026-01-31")
  .refine((day) => day >= FIRST_DAY, { error: ({ input }) => `must be ${FIRST_DAY} or later, and is ${String(input)}` });

/** Without "account" for clients, who have but one. */
export const usageShape = (by: readonly UsageBy[]) => ({
  from: dateSchema.optional().describe("The first day, in UTC; 29 days before `to` by default."),
  to: dateSchema.optional().describe("The last day; today by default."),
  by: wordsOf(by)
    .optional()
    .describe(`What it is summed by, with commas between: ${by.join(", ")}; the day by default.`),
});

const ENDS = ["succeeded", "failed", "canceled", "expired"];

const sumsShape = {
  inferences: z
    .object({ succeeded: z.int(), failed: z.int(), canceled: z.int(), expired: z.int() })
    .describe("How many ended so. One that is redriven ends once more."),
  attempts: z.int(),
  run_seconds: z.number().describe("Spent in attempts: what GPUs were busy."),
  input_items: z.int(),
  prompt_tokens: z.int().describe("If the backends count them."),
  completion_tokens: z.int(),
  input_bytes: z.int(),
  output_bytes: z.int(),
  cost: z.number().describe("By the models' prices when each ended."),
} as const;

const rowSchema = z.lazy(() =>
  z.object({
    account_id: z.string().optional(),
    day: z.iso.date().optional(),
    model: z.string().optional(),
    key_id: z.string().optional(),
    ...sumsShape,
  }),
);

export const usageSchema = z.lazy(() =>
  z.object({
    from: z.iso.date(),
    to: z.iso.date(),
    data: z.array(rowSchema).describe(`In the order of what it is summed by; at most ${USAGE_ROWS}.`),
    total: z.object(sumsShape),
    complete: z
      .boolean()
      .describe(`Whether that is all. If not, ask for fewer days or sum by less: there are more than ${USAGE_ROWS} rows.`),
  }),
);
z.globalRegistry.add(usageSchema, { id: "Usage" });

interface Asked {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly by?: readonly UsageBy[] | undefined;
}

export async function answerUsage(call: Call, { from, to, by = ["day"] }: Asked, accountId: string | null): Promise<Response> {
  const { db, clock } = call.ports;
  const toDay = to === undefined ? dayOf(clock.now()) : dayOf(Date.parse(to));
  const fromDay = from === undefined ? toDay - 29 : dayOf(Date.parse(from));
  if (fromDay > toDay) throw fault("from", 'must not be after "to"');
  if (toDay - fromDay >= USAGE_DAYS) throw fault("from", `must be at most ${USAGE_DAYS} days before "to"`);
  const range = { accountId, fromDay, toDay };
  const [rows, totals] = await Promise.all([usageOf(db, range, by, USAGE_ROWS + 1), usageOf(db, range, [], 1)]);
  const data = rows.slice(0, USAGE_ROWS).map((row) => ({
    ...(row.account !== null && { account_id: row.account }),
    ...(row.day !== null && { day: dateOf(row.day) }),
    ...(row.model !== null && { model: row.model }),
    ...(row.key !== null && { key_id: row.key }),
    ...sumsOf(row),
  }));
  if (/\btext\/csv\b/.test(call.request.headers.get("accept") ?? "")) {
    if (rows.length > USAGE_ROWS)
      throw fault("by", `must sum by less, or "from" and "to" be nearer: there are more than ${USAGE_ROWS} rows`);
    return csv(data, by);
  }
  const [total] = totals;
  if (!total) throw new Error("a sum without a row");
  const body = { from: dateOf(fromDay), to: dateOf(toDay), data, total: sumsOf(total), complete: rows.length <= USAGE_ROWS };
  return json(body satisfies z.infer<typeof usageSchema>);
}

const fault = (member: string, detail: string) => problem("invalid_input", { faults: [{ path: [member], detail }] });
const dateOf = (day: number) => new Date(beginOf(day)).toISOString().slice(0, 10);

function sumsOf(used: Used) {
  const { succeeded, failed, canceled, expired } = used;
  return {
    inferences: { succeeded, failed, canceled, expired },
    attempts: used.attempts,
    run_seconds: used.runMs / 1_000,
    input_items: used.inputItems,
    prompt_tokens: used.promptTokens,
    completion_tokens: used.completionTokens,
    input_bytes: used.inputBytes,
    output_bytes: used.outputBytes,
    cost: used.costMicros / 1_000_000,
  };
}

const COLUMNS: Readonly<Record<UsageBy, string>> = { account: "account_id", day: "day", model: "model", key: "key_id" };
const SUMS = ["attempts", "run_seconds", "input_items", "prompt_tokens", "completion_tokens", "input_bytes", "output_bytes", "cost"];

/** RFC 4180, with a head. Names of models and keys need no quotes. */
function csv(rows: readonly { readonly inferences: object }[], by: readonly UsageBy[]): Response {
  const names = [...USAGE_BY.filter((one) => by.includes(one)).map((one) => COLUMNS[one]), ...ENDS, ...SUMS];
  const flat: Record<string, string | number>[] = rows.map(({ inferences, ...row }) => ({ ...row, ...inferences }));
  const lines = [names, ...flat.map((row) => names.map((name) => row[name]))].map((cells) => cells.join(","));
  return new Response(`${lines.join("\r\n")}\r\n`, {
    headers: { "Content-Type": "text/csv; charset=utf-8", "Cache-Control": "private, no-store" },
  });
}

export const CLIENTS_BY = USAGE_BY.filter((one) => one !== "account");

/** Cancel and redrive of all inferences that a filter picks: a bounded number a call, which the next call goes on from. */
import * as z from "zod";
import { FAILURE_CLASSES } from "../backends/outcome.ts";
import { json } from "../http/answer.ts";
import { filterOf, filterShape, narrows } from "../http/filter.ts";
import { type Call, type Input, type KeyCall, type RouteShape, route } from "../http/route.ts";
import { isUuid } from "../ids.ts";
import { type BulkChange, cancelMany, redriveMany } from "../inferences/change.ts";
import type { BulkPage } from "../inferences/sql/change.ts";
import { ADMIN_BODY_BYTES, BULK_ROWS } from "../limits.ts";
import { shown } from "../problem.ts";

const bulkShape = {
  ...filterShape,
  dry_run: z.boolean().optional().describe("Only counts."),
  after: z
    .string()
    .refine((id) => id === "" || isUuid(id), { error: ({ input }) => `must be the "next" of the call before, and is ${shown(input)}` })
    .optional()
    .describe("The `next` of the call before."),
} as const;
const NARROWS = "must contain at least one filter";
const ONE_FILTER = { description: "At least one filter.", minProperties: 1 };

export const cancelShape = { status: z.enum(["queued", "in_progress"]).optional().describe("Both by default."), ...bulkShape } as const;
const cancelSchema = z.lazy(() => z.strictObject(cancelShape).refine(narrows, NARROWS).meta(ONE_FILTER));
const redriveSchema = z.lazy(() =>
  z
    .strictObject({ status: z.enum(["failed", "expired"]).optional().describe("Both by default."), ...bulkShape })
    .refine(narrows, NARROWS)
    .meta(ONE_FILTER),
);

/** What a dry run counts, by class and code. */
export const matchedSchema = z.object({ class: z.enum(FAILURE_CLASSES).nullable(), code: z.string().nullable(), count: z.int() });

/** What a redrive leaves as it is, by code. */
export const refusedSchema = z
  .array(z.object({ code: z.string(), count: z.int() }))
  .describe("Those that the filter selects and that can't run again, by the code that a redrive of one alone answers.");

const doneShape = {
  dry_run: z.boolean(),
  looked_at: z.int().describe(`Inferences that this call looked at, at most ${BULK_ROWS}.`),
  matched: z.int().optional().describe("With `dry_run`: those that would be changed."),
  by_error: z.array(matchedSchema).optional().describe("With `dry_run`: the same by class and code; null for those without an error."),
  next: z.string().nullable().describe("The `after` of the next call; null at the end."),
} as const;
export const canceledSchema = z.object({ ...doneShape, canceled: z.int().optional() });
const redrivenSchema = z.object({ ...doneShape, redriven: z.int().optional(), refused: refusedSchema });

const CANCEL_MANY = {
  summary: `Cancel inferences by filter; examines ${BULK_ROWS} a call.`,
  body: { json: cancelSchema, limitBytes: ADMIN_BODY_BYTES },
  answers: { 200: { description: "How many, and where to continue.", json: canceledSchema } },
} as const satisfies RouteShape;

const REDRIVE_MANY = {
  summary: `Queue failed or expired inferences again, by filter; examines ${BULK_ROWS} a call.`,
  body: { json: redriveSchema, limitBytes: ADMIN_BODY_BYTES },
  answers: { 200: { description: "How many, and where to continue.", json: redrivenSchema } },
} as const satisfies RouteShape;

export const bulkRoutes = [
  route("cancel", "POST", "/v1/inferences/cancel", CANCEL_MANY, cancelAll),
  route("submit", "POST", "/v1/inferences/redrive", REDRIVE_MANY, redriveAll),
];

function cancelAll(call: KeyCall, { body }: Input<typeof CANCEL_MANY>): Promise<Response> {
  return cancelPage(call, call.caller.accountId, body);
}

/** Cancels a page of what the body selects of the account's. */
export async function cancelPage(call: Call, accountId: string, body: z.infer<typeof cancelSchema>): Promise<Response> {
  const page = await cancelMany(call.ports, changeOf(accountId, body), call.after);
  return json({ ...presentPage(page, body.dry_run), ...(!body.dry_run && { canceled: page.matched }) } satisfies z.infer<
    typeof canceledSchema
  >);
}

async function redriveAll(call: KeyCall, { body }: Input<typeof REDRIVE_MANY>): Promise<Response> {
  const page = await redriveMany(call.ports, { ...changeOf(call.caller.accountId, body), bounded: true }, call.after);
  const { matched, refused } = page;
  return json({ ...presentPage(page, body.dry_run), ...(!body.dry_run && { redriven: matched }), refused } satisfies z.infer<
    typeof redrivenSchema
  >);
}

function changeOf(accountId: string, body: z.infer<typeof cancelSchema> | z.infer<typeof redriveSchema>): BulkChange {
  const { status, dry_run: dryRun = false, after = "" } = body;
  return { filter: filterOf(body), status, everyAccount: false, dryRun, from: { accountId, id: after } };
}

function presentPage({ seen, matched, byError, next }: BulkPage, dryRun = false) {
  return { dry_run: dryRun, looked_at: seen, ...(dryRun && { matched, by_error: byError }), next: next?.id ?? null };
}

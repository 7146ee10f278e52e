/**
 * What an operator does after an incident: redrive what failed, cancel what an account has open, and declare dead what ran when the
 * platform went down.
 */
import * as z from "zod";
import { findAccount } from "../accounts/store.ts";
import { cancelPage, cancelShape, canceledSchema, matchedSchema, refusedSchema } from "../api/bulk.ts";
import { json } from "../http/answer.ts";
import { filterOf, filterShape, narrows } from "../http/filter.ts";
import { type Call, type Input, type RouteShape, route } from "../http/route.ts";
import { instantSchema } from "../http/time.ts";
import { redriveMany } from "../inferences/change.ts";
import { isUuid } from "../ids.ts";
import { ADMIN_BODY_BYTES, BULK_ROWS } from "../limits.ts";
import { shown } from "../problem.ts";
import { PREFIX, found } from "./resource.ts";

const cursorSchema = z.lazy(() =>
  z.strictObject({
    account_id: z.string().max(64),
    id: z.string().refine((id) => id === "" || isUuid(id), {
      error: ({ input }) => `must be that of the "next" of the call before, and is ${shown(input)}`,
    }),
  }),
);

const redriveSchema = z.lazy(() =>
  z
    .strictObject({
      account_id: z.string().max(64).optional().describe("Only this account's."),
      status: z.enum(["failed", "expired"]).optional().describe("Both by default."),
      ...filterShape,
      dry_run: z.boolean().optional().describe("Only counts."),
      after: cursorSchema.optional().describe("The `next` of the call before."),
    })
    .refine(narrows, "must contain at least one filter"),
);

const redrivenSchema = z.lazy(() =>
  z.object({
    dry_run: z.boolean(),
    looked_at: z.int().describe(`Inferences that this call looked at, at most ${BULK_ROWS}.`),
    redriven: z.int().optional().describe("Of them, those that were queued again."),
    matched: z.int().optional().describe("With `dry_run`: those that would be queued again."),
    by_error: z.array(matchedSchema).optional().describe("With `dry_run`: the same by class and code."),
    refused: refusedSchema,
    next: cursorSchema.nullable().describe("The `after` of the next call; null at the end."),
  }),
);

const REDRIVE = {
  summary: `Queue failed or expired inferences again, by filter; examines ${BULK_ROWS} a call.`,
  body: { json: redriveSchema, limitBytes: ADMIN_BODY_BYTES },
  answers: { 200: { description: "How many, and where to continue.", json: redrivenSchema } },
} as const satisfies RouteShape;

const CANCEL = {
  summary: `Cancel an account's inferences, all that are open or by filter; examines ${BULK_ROWS} a call.`,
  body: {
    json: z.lazy(() => z.strictObject({ account_id: z.string().max(64).describe("Whose; it may be deleted."), ...cancelShape })),
    limitBytes: ADMIN_BODY_BYTES,
  },
  answers: { 200: { description: "How many, and where to continue.", json: canceledSchema } },
} as const satisfies RouteShape;

const recoveredSchema = z.object({ recovered: z.int().describe("Inferences that will run again.") });

const RECOVER = {
  summary: "Declare dead all runners of attempts that began before a time: after a crash, so that their inferences run again at once.",
  body: { json: z.strictObject({ started_before: instantSchema }), limitBytes: ADMIN_BODY_BYTES },
  answers: { 200: { description: "How many.", json: recoveredSchema } },
} as const satisfies RouteShape;

export const operationRoutes = [
  route("operator", "POST", `${PREFIX}/redrive`, REDRIVE, redrive),
  route("operator", "POST", `${PREFIX}/cancel`, CANCEL, cancel),
  route("operator", "POST", `${PREFIX}/recover`, RECOVER, recover),
];

async function redrive(call: Call, { body }: Input<typeof REDRIVE>): Promise<Response> {
  const from = body.after ? { accountId: body.after.account_id, id: body.after.id } : { accountId: body.account_id ?? "", id: "" };
  const change = {
    filter: filterOf(body),
    status: body.status,
    from,
    everyAccount: body.account_id === undefined,
    dryRun: body.dry_run ?? false,
  };
  const done = await redriveMany(call.ports, change, call.after);
  return json({
    dry_run: body.dry_run ?? false,
    looked_at: done.seen,
    ...(body.dry_run ? { matched: done.matched, by_error: done.byError } : { redriven: done.matched }),
    refused: done.refused,
    next: done.next && { account_id: done.next.accountId, id: done.next.id },
  } satisfies z.infer<typeof redrivenSchema>);
}

async function cancel(call: Call, { body: { account_id, ...body } }: Input<typeof CANCEL>): Promise<Response> {
  const { id } = found(await findAccount(call.ports.db, account_id), "account");
  return cancelPage(call, id, body);
}

async function recover(call: Call, { body }: Input<typeof RECOVER>): Promise<Response> {
  const recovered = await call.sweep.recover(body.started_before);
  return json({ recovered } satisfies z.infer<typeof recoveredSchema>);
}

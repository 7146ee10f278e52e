/** What webhooks were sent, of an inference or of the account, what became of it, and sending it again. */
import * as z from "zod";
import { json } from "../http/answer.ts";
import { lookUp } from "../http/lookup.ts";
import { badCursor, keyIn, pageFrom, pageQuery } from "../http/page.ts";
import { type AccountCall, type Input, type RouteShape, route } from "../http/route.ts";
import { instantSchema, time, timeSchema } from "../http/time.ts";
import { hintDeliveries, hintSweep } from "../inferences/hints.ts";
import { DELIVERY_STATUSES } from "../inferences/webhook.ts";
import { ADMIN_BODY_BYTES, DELIVERIES_RESENT } from "../limits.ts";
import { type Problem, problem } from "../problem.ts";
import { type DeliveryKey, OF_ACCOUNT, OWN_URL, deliveryIdOf, deliveryKeyOf, keyAt, placeOf } from "../webhooks/delivery.ts";
import {
  type Delivery,
  type DeliveryPlace,
  type PlacedDelivery,
  findDelivery,
  listDeliveries,
  listFailed,
  listPending,
  resendDelivery,
  resendSince,
} from "../webhooks/sql/deliveries.ts";
import { findSubscription } from "../webhooks/sql/subscriptions.ts";
import { findEndpoint } from "../webhooks/sql/endpoints.ts";
import { notFound } from "./present.ts";
import { attemptResultSchema, find as findWebhook, presentAttempt } from "./webhooks.ts";

export const deliverySchema = z.lazy(() =>
  z.object({
    id: z.string().describe("Its `webhook-id`, the same in each attempt."),
    inference_id: z.string().nullable().describe("Null if it tells of the account itself."),
    event: z.string(),
    sequence: z.int().describe("Of the event among those of its inference, or of the account."),
    webhook_id: z.string().nullable().describe("Null for the URL that came with the inference."),
    url: z.string(),
    status: z.enum(DELIVERY_STATUSES).exclude(["held"]),
    held: z.boolean().describe("Its endpoint is not called at present; send it again once it is."),
    created_at: timeSchema,
    next_attempt_at: timeSchema.nullable(),
    attempts: z.array(z.object({ at: timeSchema, ...attemptResultSchema.shape })),
  }),
);
z.globalRegistry.add(deliverySchema, { id: "Delivery" });

const inferenceParam = z.object({ id: z.string().describe("The inference's id.") });

const page = {
  query: pageQuery(),
  answers: {
    200: {
      description: "A page of deliveries.",
      json: z.lazy(() =>
        z.object({
          deliveries: z.array(deliverySchema),
          next: z.string().nullable().describe("The `after` of the next page; null on the last one."),
        }),
      ),
    },
  },
} as const;

export const LIST = {
  summary: "List the deliveries of an inference, oldest event first.",
  params: inferenceParam,
  ...page,
} as const satisfies RouteShape;

const LIST_OF_ACCOUNT = {
  summary: "List the deliveries of the account's own events, such as of its budget, oldest event first.",
  ...page,
} as const satisfies RouteShape;

export const LIST_BY_STATUS = {
  summary:
    "List the deliveries of an account that failed or are held, webhook by webhook and newest event first, or those that are pending.",
  query: pageQuery().extend({
    status: z
      .enum(["failed", "pending"])
      .default("failed")
      .describe("`failed`, the default, with those that are held; or `pending`, in the order of their next attempts."),
    webhook_id: z
      .string()
      .min(1)
      .max(64)
      .optional()
      .describe("Only what failed of this webhook, or `0`: of URLs that came with inferences."),
  }),
  answers: page.answers,
} as const satisfies RouteShape;

const resentSchema = z.object({
  resent: z.int(),
  next: timeSchema.nullable().describe("The `since` of the next call; null at the end."),
});

const resendShape = {
  body: { json: z.strictObject({ since: instantSchema }), limitBytes: ADMIN_BODY_BYTES },
  answers: { 202: { description: "How many, and where to continue.", json: resentSchema } },
} as const;

export const RESEND_OF_URLS = {
  summary: `Send again what failed or was held since a time, of URLs that were given with inferences; ${DELIVERIES_RESENT} a call.`,
  ...resendShape,
} as const satisfies RouteShape;

export const RESEND_OF_WEBHOOK = {
  summary: `Send again what failed or was held since a time, of one webhook; ${DELIVERIES_RESENT} a call.`,
  params: z.object({ id: z.string().describe("The webhook's id.") }),
  ...resendShape,
} as const satisfies RouteShape;

const deliveryParam = z.object({ delivery: z.string().describe("The delivery's id.") });
const resentOne = { 202: { description: "The delivery.", json: deliverySchema } } as const;

export const RESEND_ANY = {
  summary: "Send a delivery of the account again, of an inference or of the account's own events, even if it succeeded.",
  params: deliveryParam,
  answers: resentOne,
} as const satisfies RouteShape;

export const deliveryRoutes = [
  route("read", "GET", "/v1/inferences/:id/deliveries", LIST, list),
  route(
    "submit",
    "POST",
    "/v1/inferences/:id/deliveries/:delivery/resend",
    {
      summary: "Send a delivery again, even if it succeeded.",
      params: inferenceParam.extend(deliveryParam.shape),
      answers: resentOne,
    },
    resend,
  ),
  route("read", "GET", "/v1/webhooks/deliveries", LIST_OF_ACCOUNT, (call, input) => listOf(call, call.caller.accountId, OF_ACCOUNT, input)),
  route("submit", "POST", "/v1/webhooks/deliveries/:delivery/resend", RESEND_ANY, resendAny),
  route("submit", "POST", "/v1/webhooks/resend", RESEND_OF_URLS, (call, input) => resendAll(call, "", input.body.since)),
  route("submit", "POST", "/v1/webhooks/:id/resend", RESEND_OF_WEBHOOK, resendOfWebhook),
];

export async function list(call: AccountCall, input: Input<typeof LIST>): Promise<Response> {
  const { accountId, id } = await lookUp(call, notFound);
  return listOf(call, accountId, id, input);
}

async function listOf(call: AccountCall, accountId: string, id: string, { query }: Pick<Input<typeof LIST>, "query">): Promise<Response> {
  const { after, limit } = query;
  const key = keyAt(keyIn(after), accountId, id);
  if (!key) throw badCursor();
  const { rows, next } = pageFrom(await listDeliveries(call.ports.db, key, limit + 1), limit, placeOf);
  return json({ deliveries: rows.map(present), next });
}

export async function listByStatus(call: AccountCall, { query }: Input<typeof LIST_BY_STATUS>): Promise<Response> {
  const { after, limit, status, webhook_id } = query;
  const { db } = call.ports;
  const { accountId } = call.caller;
  if (status === "pending" && webhook_id !== undefined)
    throw problem("invalid_input", { faults: [{ path: ["webhook_id"], detail: "must be left out with status=pending" }] });
  const place = after === "" ? null : placeAt(keyIn(after), status);
  const webhookId = webhook_id === OWN_URL ? "" : (webhook_id ?? null);
  const found =
    status === "failed" ? await listFailed(db, accountId, webhookId, place, limit + 1) : await listPending(db, accountId, place, limit + 1);
  const { rows, next } = pageFrom(found, limit, (it) => placeIn(it, status));
  return json({ deliveries: rows.map(present), next });
}

const placeIn = ({ at, inferenceId, sequence, webhookId }: PlacedDelivery, status: string) =>
  [status, at, inferenceId, sequence, webhookId].join(".");

/** Throws for a cursor of the other list: the times in it mean something else. */
function placeAt(text: string, status: string): DeliveryPlace {
  const [, of, at, inferenceId = "", sequence, webhookId = ""] =
    /^(failed|pending)\.(\d{1,15})\.([0-9A-Za-z_-]{1,64})\.([1-9]\d{0,8})\.(\w{0,64})$/.exec(text) ?? [];
  if (of !== status) throw badCursor();
  return { at: Number(at), inferenceId, sequence: Number(sequence), webhookId };
}

/** One of the inference in the path. */
export async function resend(call: AccountCall): Promise<Response> {
  const { id } = await lookUp(call, notFound);
  return resendOne(call, ({ inferenceId }) => inferenceId === id);
}

/** One of the account. */
export function resendAny(call: AccountCall): Promise<Response> {
  return resendOne(call, () => true);
}

/** One that is being tried at this moment stays as it is. */
async function resendOne(call: AccountCall, isMeant: (key: DeliveryKey) => boolean): Promise<Response> {
  const { db } = call.ports;
  const { accountId } = call.caller;
  const key = deliveryKeyOf(call.params["delivery"] ?? "", accountId);
  const missing = () => problem("not_found", { detail: "There is no such delivery." });
  if (!key || !isMeant(key)) throw missing();
  const found = await findDelivery(db, key);
  if (!found) throw missing();
  if (found.webhookId !== "" && !(await findSubscription(db, accountId, found.webhookId)))
    throw problem("conflict", { detail: `The webhook ${found.webhookId} has been deleted, so nothing is sent to it any more.` });
  const endpoint = await findEndpoint(db, accountId, found.url);
  if (endpoint?.state) throw stopped(endpoint.state);
  const delivery = await resendDelivery(db, key);
  if (!delivery) throw missing();
  announce(call);
  return json(present(delivery), { status: 202 });
}

export async function resendOfWebhook(call: AccountCall, input: Input<typeof RESEND_OF_WEBHOOK>): Promise<Response> {
  const { id, endpoint } = await findWebhook(call);
  if (endpoint?.state) throw stopped(endpoint.state);
  return resendAll(call, id, input.body.since);
}

/** Deliveries to URLs that are not called at present are left out. */
export async function resendAll(call: AccountCall, webhookId: string, since: number): Promise<Response> {
  const done = await resendSince(call.ports.db, call.caller.accountId, webhookId, since);
  announce(call);
  return json({ resent: done.resent, next: time(done.next) } satisfies z.infer<typeof resentSchema>, { status: 202 });
}

function stopped(state: string): Problem {
  return problem("conflict", { detail: `The endpoint is not called at present (${state}); enable it first.` });
}

/** The delivery objects hear of it now; otherwise the sweep tells them. */
function announce(call: AccountCall): void {
  call.after(hintDeliveries(call.ports, [call.caller.accountId]));
  hintSweep(call.ports, call.after);
}

function present(delivery: Delivery): z.infer<typeof deliverySchema> {
  const { inferenceId, event, sequence, webhookId, url, status, createdAt, nextAt, attempts } = delivery;
  return {
    id: deliveryIdOf(delivery),
    inference_id: inferenceId === OF_ACCOUNT ? null : inferenceId,
    event,
    sequence,
    webhook_id: webhookId || null,
    url,
    status: status === "held" ? "pending" : status,
    held: status === "held",
    created_at: time(createdAt),
    next_attempt_at: time(nextAt),
    attempts: attempts.map((attempt) => ({ at: time(attempt.at), ...presentAttempt(attempt) })),
  };
}

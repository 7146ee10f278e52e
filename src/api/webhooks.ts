/**
 * An account's standing subscriptions (`/v1/webhooks`), the endpoints they lead to, and the signing secret. A secret's text
 * is shown once, in the answer that makes it known.
 */
import * as z from "zod";
import { mayTake } from "../http/account-limit.ts";
import { json } from "../http/answer.ts";
import { keyIn, pageFrom, pageQuery } from "../http/page.ts";
import { type AccountCall, type Call, type Input, type KeyCall, type RouteShape, route } from "../http/route.ts";
import { wholeText } from "../http/text.ts";
import { time, timeSchema } from "../http/time.ts";
import { storedOrigin, targetOf } from "../http/vetted.ts";
import { randomBase62 } from "../ids.ts";
import { ENDS } from "../inferences/webhook.ts";
import { ADMIN_BODY_BYTES, DESCRIPTION_CHARACTERS, WEBHOOKS_PER_ACCOUNT, WEBHOOK_URL_CHARACTERS } from "../limits.ts";
import { type Problem, problem } from "../problem.ts";
import { attemptOf, callEndpoint, signed, wasDelivered } from "../webhooks/call.ts";
import { ALL_EVENTS, PING, deliveryIdOf } from "../webhooks/delivery.ts";
import { signingKeyFor, signingKeysOf } from "../webhooks/sealing.ts";
import { rotateSecret, secretsOf, showSecret } from "../webhooks/secrets.ts";
import { keySetOf } from "../webhooks/signature.ts";
import type { Attempt } from "../webhooks/sql/deliveries.ts";
import { type Endpoint, enableEndpoint, findEndpoint, listEndpoints, stopEndpoint } from "../webhooks/sql/endpoints.ts";
import {
  type Subscription,
  deleteSubscription,
  findSubscription,
  hasSubscriptionTo,
  insertSubscription,
  listSubscriptions,
  updateSubscription,
} from "../webhooks/sql/subscriptions.ts";
import { judgeTarget } from "../webhooks/target.ts";
import { eventOf } from "./event.ts";

const WEBHOOK_SUFFIX = 16;

const urlSchema = z.string().min(1).max(WEBHOOK_URL_CHARACTERS);

const endpointStateSchema = z.object({
  enabled: z.boolean().describe("Whether it is called."),
  stopped: z.object({ reason: z.string(), at: timeSchema.nullable() }).nullable().describe("Why and since when it is not called."),
  failures_in_a_row: z.int(),
  failing_since: timeSchema.nullable(),
  held_until: timeSchema.nullable().describe("It asked not to be called until then."),
});

const endpointSchema = z.object({ url: z.string(), ...endpointStateSchema.shape });

const webhookSchema = z.object({
  id: z.string(),
  url: z.string(),
  events: z.array(z.enum(ALL_EVENTS)),
  description: z.string(),
  created_at: timeSchema,
  ...endpointStateSchema.shape,
});
z.globalRegistry.add(webhookSchema, { id: "Webhook" });

export const attemptResultSchema = z.object({
  outcome: z
    .string()
    .describe("`answered`, with any status; `timed_out`, `unreachable`, `refused` (not called) or `internal_error` (ours)."),
  status_code: z.int().nullable(),
  duration_ms: z.number(),
  answer: z.string().nullable().describe("The beginning of what it answered."),
  error: z.string().nullable().describe("Why it was not called."),
});

const eventsSchema = z.array(z.enum(ALL_EVENTS)).min(1);
const descriptionSchema = wholeText(DESCRIPTION_CHARACTERS);

const newWebhookSchema = z.strictObject({
  url: urlSchema.describe("Where it is sent: https, and a public address."),
  events: eventsSchema.optional().describe("Which events it is sent; by default how an inference ended."),
  description: descriptionSchema.optional(),
});

const webhookUpdateSchema = z.strictObject({
  events: eventsSchema.optional(),
  description: descriptionSchema.optional(),
  enabled: z.boolean().optional(),
});

const idParam = z.object({ id: z.string().describe("The webhook's id.") });
const body = <T extends z.ZodType>(schema: T) => ({ json: schema, limitBytes: ADMIN_BODY_BYTES });
const one = { 200: { description: "The webhook as it is now.", json: webhookSchema } };

const CREATE = {
  summary: `Create a webhook; an account has at most ${WEBHOOKS_PER_ACCOUNT}.`,
  body: body(newWebhookSchema),
  answers: {
    201: {
      description: "The webhook.",
      json: webhookSchema.extend({
        secret: z.string().optional().describe("The account's signing secret, in the first answer that has it and in no other."),
      }),
    },
  },
} as const satisfies RouteShape;

const UPDATE = {
  summary: "Update a webhook. Its URL can't be changed: create another webhook.",
  params: idParam,
  body: body(webhookUpdateSchema),
  answers: one,
} as const satisfies RouteShape;

export const LIST_ENDPOINTS = {
  summary: "List the endpoints that failed, were stopped or are held, also of URLs that were given with inferences.",
  query: pageQuery(),
  answers: {
    200: {
      description: "A page of endpoints.",
      json: z.lazy(() =>
        z.object({
          endpoints: z.array(endpointSchema),
          next: z.string().nullable().describe("The `after` of the next page; null on the last one."),
        }),
      ),
    },
  },
} as const satisfies RouteShape;

export const ENABLE_URL = {
  summary: "Start a stopped endpoint again, by its URL.",
  body: body(z.strictObject({ url: urlSchema })),
  answers: { 200: { description: "The endpoint as it is now.", json: endpointSchema } },
} as const satisfies RouteShape;

export const listSchema = z.object({ webhooks: z.array(webhookSchema) });
const deletedSchema = z.object({ id: z.string(), removed: z.literal(true) });
const testedSchema = z.object({ id: z.string(), delivered: z.boolean(), ...attemptResultSchema.shape });
const rotatedSchema = z.object({
  secret: z.string().describe("The new secret, which is shown only here."),
  previous_valid_until: timeSchema.nullable().describe("Until then the one before signs too."),
});

export const KEY_SET = { 200: { description: "A JWK Set (RFC 7517).", other: { "application/jwk-set+json": "The keys." } } } as const;

export const webhookRoutes = [
  route("submit", "POST", "/v1/webhooks", CREATE, create),
  route(
    "read",
    "GET",
    "/v1/webhooks",
    { summary: "List the account's webhooks.", answers: { 200: { description: "All of them.", json: listSchema } } },
    list,
  ),
  route(
    "submit",
    "POST",
    "/v1/webhooks/rotate",
    { summary: "Replace the signing secret.", answers: { 200: { description: "The new secret.", json: rotatedSchema } } },
    rotate,
  ),
  route("read", "GET", "/v1/webhooks/endpoints", LIST_ENDPOINTS, listUrls),
  route("submit", "POST", "/v1/webhooks/enable", ENABLE_URL, enableUrl),
  route("read", "GET", "/v1/webhooks/:id", { summary: "Get a webhook.", beside: true, params: idParam, answers: one }, get),
  route("submit", "PATCH", "/v1/webhooks/:id", UPDATE, update),
  route(
    "submit",
    "DELETE",
    "/v1/webhooks/:id",
    { summary: "Delete a webhook.", params: idParam, answers: { 200: { description: "It is gone.", json: deletedSchema } } },
    remove,
  ),
  route(
    "submit",
    "POST",
    "/v1/webhooks/:id/test",
    {
      summary: "Send a `webhook.ping` once, signed like any event, and wait for the answer.",
      params: idParam,
      answers: { 200: { description: "What the endpoint answered.", json: testedSchema } },
    },
    test,
  ),
  route(
    "submit",
    "POST",
    "/v1/webhooks/:id/enable",
    { summary: "Start a webhook's stopped endpoint again.", params: idParam, answers: one },
    enable,
  ),
  route(
    "open",
    "GET",
    "/.well-known/jwks.json",
    {
      summary: "Get the public keys that events are signed with (`v1a`).",
      answers: KEY_SET,
    },
    (call) => getKeySet(call),
  ),
];

async function create(call: KeyCall, input: Input<typeof CREATE>): Promise<Response> {
  const { ports, config } = call;
  const { accountId } = call.caller;
  const { url: asked, events, description = "" } = input.body;
  const url = await targetOf(call, asked, ["url"]);
  const id = `wh_${randomBase62(WEBHOOK_SUFFIX, ports.randomBytes)}`;
  const made = { accountId, id, url, events: [...new Set(events ?? ENDS)], description, origin: storedOrigin(call) };
  if (!(await insertSubscription(ports.db, made))) {
    const detail = (await hasSubscriptionTo(ports.db, accountId, url))
      ? "There is a webhook with this URL already."
      : `An account has at most ${WEBHOOKS_PER_ACCOUNT} webhooks.`;
    throw problem("conflict", { detail });
  }
  const secret = await showSecret(ports, accountId, config.keySecrets);
  const shown = { ...present(await find(call, id)), ...(secret === null ? {} : { secret }) };
  return json(shown, { status: 201, headers: { Location: `${call.origin}/v1/webhooks/${id}` } });
}

export async function list({ ports, caller }: AccountCall): Promise<Response> {
  const webhooks = await listSubscriptions(ports.db, caller.accountId);
  return json({ webhooks: webhooks.map(present) } satisfies z.infer<typeof listSchema>);
}

async function get(call: KeyCall): Promise<Response> {
  return json(present(await find(call)));
}

/** A URL is not changed: what is on its way to one must not reach another. */
async function update(call: KeyCall, input: Input<typeof UPDATE>): Promise<Response> {
  const { db } = call.ports;
  const { accountId } = call.caller;
  const { events, description, enabled } = input.body;
  const { id, url } = await find(call);
  await updateSubscription(db, accountId, id, { events: events && [...new Set(events)], description });
  if (enabled === false) await stopEndpoint(db, accountId, url, "disabled");
  if (enabled === true) await enableEndpoint(db, accountId, url);
  return json(present(await find(call)));
}

async function remove({ ports, caller, params }: KeyCall): Promise<Response> {
  const id = params["id"] ?? "";
  if (!(await deleteSubscription(ports.db, caller.accountId, id))) throw notFound();
  return json({ id, removed: true } satisfies z.infer<typeof deletedSchema>);
}

async function test(call: KeyCall): Promise<Response> {
  const { ports, config } = call;
  const { accountId, id, url } = await find(call);
  await mayTake(call, accountId, "webhookTests");
  const secrets = await secretsOf(ports, accountId, config.keySecrets);
  const now = ports.clock.now();
  const ping = deliveryIdOf({ accountId, inferenceId: randomBase62(WEBHOOK_SUFFIX, ports.randomBytes), sequence: 1, webhookId: id });
  const event = eventOf(PING, now, { account_id: accountId, webhook_id: id });
  const message = await signed(ping, event, {}, now, secrets, await signingKeyFor(config.keySecrets));
  const result = await callEndpoint(ports.internet, config, url, message);
  const tested = { id: ping, delivered: wasDelivered(result), ...presentAttempt(attemptOf(result)) };
  return json(tested satisfies z.infer<typeof testedSchema>);
}

async function enable(call: KeyCall): Promise<Response> {
  const { accountId, url } = await find(call);
  await enableEndpoint(call.ports.db, accountId, url);
  return json(present(await find(call)));
}

export async function listUrls({ ports, caller }: AccountCall, { query }: Input<typeof LIST_ENDPOINTS>): Promise<Response> {
  const { after, limit } = query;
  const found = await listEndpoints(ports.db, caller.accountId, keyIn(after), limit + 1);
  const { rows, next } = pageFrom(found, limit, ({ url }) => url);
  return json({ endpoints: rows.map((endpoint) => ({ url: endpoint.url, ...presentState(endpoint) })), next });
}

export async function enableUrl({ ports, caller, config }: AccountCall, input: Input<typeof ENABLE_URL>): Promise<Response> {
  const judged = judgeTarget(input.body.url, config.targets);
  if (!judged.ok) throw problem("invalid_input", { faults: [{ path: ["url"], detail: judged.reason }] });
  const { url } = judged;
  await enableEndpoint(ports.db, caller.accountId, url);
  const shown = { url, ...presentState(await findEndpoint(ports.db, caller.accountId, url)) };
  return json(shown satisfies z.infer<typeof endpointSchema>);
}

async function rotate({ ports, caller, config }: KeyCall): Promise<Response> {
  const { secret, previousUntil } = await rotateSecret(ports, caller.accountId, config.keySecrets);
  return json({ secret, previous_valid_until: time(previousUntil) } satisfies z.infer<typeof rotatedSchema>);
}

/** The public keys of the deployment, or those of a wire that signs with keys of its own. */
export async function getKeySet({ config }: Call, wire?: string): Promise<Response> {
  const keys = keySetOf(await signingKeysOf(config.keySecrets, wire));
  return json(keys, { headers: { "Cache-Control": "public, max-age=300", "Content-Type": "application/jwk-set+json" } });
}

/** The webhook that the path names, if it is the caller's. */
export async function find(call: AccountCall, id = call.params["id"] ?? ""): Promise<Subscription> {
  const webhook = await findSubscription(call.ports.db, call.caller.accountId, id);
  if (!webhook) throw notFound();
  return webhook;
}

const notFound = (): Problem => problem("not_found", { detail: "There is no such webhook." });

function present({ id, url, events, description, createdAt, endpoint }: Subscription): z.infer<typeof webhookSchema> {
  return { id, url, events: [...events], description, created_at: time(createdAt), ...presentState(endpoint) };
}

function presentState(endpoint: Endpoint | null): z.infer<typeof endpointStateSchema> {
  const state = endpoint?.state ?? null;
  return {
    enabled: state === null,
    stopped: state === null ? null : { reason: state, at: time(endpoint?.stateAt ?? null) },
    failures_in_a_row: endpoint?.failures ?? 0,
    failing_since: time(endpoint?.failingSince ?? null),
    held_until: time(endpoint?.heldUntil ?? null),
  };
}

export function presentAttempt({ outcome, status, durationMs, answer }: Omit<Attempt, "at">): z.infer<typeof attemptResultSchema> {
  const error =
    outcome === "refused" ? `the URL ${answer}` : outcome === "internal_error" ? "a fault on our side; the endpoint was not blamed" : null;
  return { outcome, status_code: status, duration_ms: durationMs, answer: outcome === "refused" ? null : answer, error };
}

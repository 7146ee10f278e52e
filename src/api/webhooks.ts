/**
 * Our own API over webhooks: an account's standing subscriptions (`/v1/webhooks`), the endpoints they lead to, the
 * signing secret, and each inference's deliveries. A secret's text is shown once, in the answer that makes it known.
 */
import * as z from "zod";
import { randomBase62 } from "../ids.ts";
import { notFound as inferenceNotFound } from "./inferences.ts";
import { hintDeliveries, hintSweep } from "../inferences/hints.ts";
import { ADMIN_BODY_BYTES, WEBHOOKS_PER_ACCOUNT, WEBHOOK_URL_CHARACTERS } from "../limits.ts";
import { type Problem, problem } from "../problem.ts";
import { attemptOf, callEndpoint, signed, wasDelivered } from "../webhooks/call.ts";
import { PING, deliveryIdOf, deliveryKeyOf, keyAt, placeOf } from "../webhooks/delivery.ts";
import { ENDS, EVENTS } from "../inferences/webhook.ts";
import { signingKeyFor, signingKeysOf } from "../webhooks/sealing.ts";
import { keySetOf } from "../webhooks/signature.ts";
import { rotateSecret, secretsOf, showSecret } from "../webhooks/secrets.ts";
import { type Attempt, type Delivery, findDelivery, listDeliveries, resendDelivery, resendSince } from "../webhooks/sql/deliveries.ts";
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
import { mayTake } from "../http/account-limit.ts";
import { json } from "../http/answer.ts";
import { check, readJson } from "../http/body.ts";
import { eventOf } from "./event.ts";
import { badCursor, keyIn, pageFrom, pageOf } from "../http/page.ts";
import { lookUp } from "../http/lookup.ts";
import type { Call, KeyCall, BareRoute } from "../http/route.ts";
import { targetOf } from "../http/webhook-url.ts";

export const webhookRoutes: readonly BareRoute[] = [
  { method: "GET", path: "/v1/inferences/:id/deliveries", access: "read", handle: showDeliveries },
  { method: "POST", path: "/v1/inferences/:id/deliveries/:delivery/resend", access: "submit", handle: resendOne },
  { method: "POST", path: "/v1/webhooks", access: "submit", handle: createWebhook },
  { method: "GET", path: "/v1/webhooks", access: "read", handle: showWebhooks },
  { method: "POST", path: "/v1/webhooks/rotate", access: "submit", handle: rotate },
  { method: "GET", path: "/v1/webhooks/endpoints", access: "read", handle: showEndpoints },
  { method: "POST", path: "/v1/webhooks/enable", access: "submit", handle: enableUrl },
  { method: "POST", path: "/v1/webhooks/resend", access: "submit", handle: resendOfUrls },
  { method: "GET", path: "/v1/webhooks/:id", access: "read", beside: true, handle: showWebhook },
  { method: "PATCH", path: "/v1/webhooks/:id", access: "submit", handle: changeOne },
  { method: "DELETE", path: "/v1/webhooks/:id", access: "submit", handle: endWebhook },
  { method: "POST", path: "/v1/webhooks/:id/test", access: "submit", handle: testWebhook },
  { method: "POST", path: "/v1/webhooks/:id/enable", access: "submit", handle: enableWebhook },
  { method: "POST", path: "/v1/webhooks/:id/resend", access: "submit", handle: resendOfWebhook },
  { method: "GET", path: "/.well-known/jwks.json", access: "open", handle: showKeySet },
];

const WEBHOOK_SUFFIX = 16;

const eventsSchema = z.array(z.enum(EVENTS)).min(1);

const urlSchema = z.string().min(1).max(WEBHOOK_URL_CHARACTERS);
const descriptionSchema = z.string().max(1_000);
const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

// Subscriptions

const newSchema = z.strictObject({ url: urlSchema, events: eventsSchema.optional(), description: descriptionSchema.optional() });

async function createWebhook(call: KeyCall): Promise<Response> {
  const { ports, config } = call;
  const { accountId } = call.caller;
  const body = check(newSchema, (await readJson(call.request, ADMIN_BODY_BYTES)).value);
  const url = await targetOf(call, body.url, ["url"]);
  const id = `wh_${randomBase62(WEBHOOK_SUFFIX, ports.randomBytes)}`;
  const events = [...new Set(body.events ?? ENDS)];
  const made = { accountId, id, url, events, description: body.description ?? "", origin: call.origin };
  if (!(await insertSubscription(ports.db, made))) {
    if (await hasSubscriptionTo(ports.db, accountId, url))
      throw problem("conflict", { detail: "There is a webhook with this URL already." });
    throw problem("conflict", { detail: `An account has at most ${WEBHOOKS_PER_ACCOUNT} webhooks.` });
  }
  const secret = await showSecret(ports, accountId, config.keySecrets);
  const shown = presentWebhook(await find(call, id));
  return json(
    { ...shown, ...(secret === null ? {} : { secret }) },
    { status: 201, headers: { Location: `${call.origin}/v1/webhooks/${id}` } },
  );
}

async function showWebhooks(call: KeyCall): Promise<Response> {
  return json({ webhooks: (await listSubscriptions(call.ports.db, call.caller.accountId)).map(presentWebhook) });
}

async function showWebhook(call: KeyCall): Promise<Response> {
  return json(presentWebhook(await find(call)));
}

const changeSchema = z.strictObject({
  events: eventsSchema.optional(),
  description: descriptionSchema.optional(),
  enabled: z.boolean().optional(),
});

/** A URL is not changed: what is on its way to one must not reach another. Make a new webhook instead. */
async function changeOne(call: KeyCall): Promise<Response> {
  const { db } = call.ports;
  const { accountId } = call.caller;
  const body = check(changeSchema, (await readJson(call.request, ADMIN_BODY_BYTES)).value);
  const { id, url } = await find(call);
  await updateSubscription(db, accountId, id, { events: body.events && [...new Set(body.events)], description: body.description });
  if (body.enabled === false) await stopEndpoint(db, accountId, url, "disabled");
  if (body.enabled === true) await enableEndpoint(db, accountId, url);
  return json(presentWebhook(await find(call)));
}

async function endWebhook(call: KeyCall): Promise<Response> {
  if (!(await deleteSubscription(call.ports.db, call.caller.accountId, call.params["id"] ?? ""))) throw notFound();
  return json({ id: call.params["id"], removed: true });
}

/** Sends one event that tells of nothing, waits for the answer and shows it. It is signed as any other, and tried once. */
async function testWebhook(call: KeyCall): Promise<Response> {
  const { ports, config } = call;
  const { accountId, id, url } = await find(call);
  await mayTake(call, accountId, "webhookTests");
  const secrets = await secretsOf(ports, accountId, config.keySecrets);
  const now = ports.clock.now();
  const ping = deliveryIdOf({ accountId, inferenceId: randomBase62(WEBHOOK_SUFFIX, ports.randomBytes), sequence: 1, webhookId: id });
  const body = eventOf(PING, now, { account_id: accountId, webhook_id: id });
  const message = await signed(ping, body, {}, now, secrets, await signingKeyFor(config.keySecrets));
  const result = await callEndpoint(ports.internet, config, url, message);
  return json({ id: ping, delivered: wasDelivered(result), ...presentAttempt(attemptOf(result)) });
}

async function enableWebhook(call: KeyCall): Promise<Response> {
  const { accountId, url } = await find(call);
  await enableEndpoint(call.ports.db, accountId, url);
  return json(presentWebhook(await find(call)));
}

async function find(call: KeyCall, id = call.params["id"] ?? ""): Promise<Subscription> {
  const webhook = await findSubscription(call.ports.db, call.caller.accountId, id);
  if (!webhook) throw notFound();
  return webhook;
}

const notFound = (): Problem => problem("not_found", { detail: "There is no such webhook." });

function presentWebhook({ id, url, events, description, createdAt, endpoint }: Subscription): Record<string, unknown> {
  return { id, url, events, description, created_at: time(createdAt), ...presentState(endpoint) };
}

// Endpoints

const enableSchema = z.strictObject({ url: urlSchema });

/** Endpoints of which there is anything to say, those of URLs that were given with inferences too. */
async function showEndpoints(call: KeyCall): Promise<Response> {
  const { after, limit } = pageOf(call.url);
  const found = await listEndpoints(call.ports.db, call.caller.accountId, keyIn(after), limit + 1);
  const { rows, next } = pageFrom(found, limit, ({ url }) => url);
  return json({ endpoints: rows.map((endpoint) => ({ url: endpoint.url, ...presentState(endpoint) })), next });
}

async function enableUrl(call: KeyCall): Promise<Response> {
  const body = check(enableSchema, (await readJson(call.request, ADMIN_BODY_BYTES)).value);
  const judged = judgeTarget(body.url, call.config.targets);
  if (!judged.ok) throw problem("invalid_input", { faults: [{ path: ["url"], detail: judged.reason }] });
  await enableEndpoint(call.ports.db, call.caller.accountId, judged.url);
  return json({ url: judged.url, ...presentState(await findEndpoint(call.ports.db, call.caller.accountId, judged.url)) });
}

/** Whether it is called, and why not. */
function presentState(endpoint: Endpoint | null): Record<string, unknown> {
  const state = endpoint?.state ?? null;
  return {
    enabled: state === null,
    stopped: state === null ? null : { reason: state, at: time(endpoint?.stateAt ?? null) },
    failures_in_a_row: endpoint?.failures ?? 0,
    failing_since: time(endpoint?.failingSince ?? null),
    held_until: time(endpoint?.heldUntil ?? null),
  };
}

// The signing secret

async function rotate(call: KeyCall): Promise<Response> {
  const { secret, previousUntil } = await rotateSecret(call.ports, call.caller.accountId, call.config.keySecrets);
  return json({ secret, previous_valid_until: time(previousUntil) });
}

/** The deployment's public keys, for receivers that verify by them (`v1a`). */
async function showKeySet({ config }: Call): Promise<Response> {
  const keys = keySetOf(await signingKeysOf(config.keySecrets));
  return json(keys, { headers: { "Cache-Control": "public, max-age=300", "Content-Type": "application/jwk-set+json" } });
}

// Deliveries

/** The oldest event first. */
async function showDeliveries(call: KeyCall): Promise<Response> {
  const { after, limit } = pageOf(call.url);
  const { accountId, inferenceId } = await inferenceOf(call);
  const key = keyAt(keyIn(after), accountId, inferenceId);
  if (!key) throw badCursor();
  const { rows, next } = pageFrom(await listDeliveries(call.ports.db, key, limit + 1), limit, placeOf);
  return json({ deliveries: rows.map(presentDelivery), next });
}

/** Sends one again, whatever became of it; one that is being tried at this moment stays as it is. */
async function resendOne(call: KeyCall): Promise<Response> {
  const { accountId, inferenceId } = await inferenceOf(call);
  const key = deliveryKeyOf(call.params["delivery"] ?? "", accountId, inferenceId);
  const missing = () => problem("not_found", { detail: "There is no such delivery." });
  if (!key) throw missing();
  const found = await findDelivery(call.ports.db, key);
  if (!found) throw missing();
  const endpoint = await findEndpoint(call.ports.db, accountId, found.url);
  if (endpoint?.state) throw stopped(endpoint.state);
  const delivery = await resendDelivery(call.ports.db, key);
  if (!delivery) throw missing();
  announce(call);
  return json(presentDelivery(delivery), { status: 202 });
}

const sinceSchema = z.strictObject({ since: z.iso.datetime({ offset: true }) });

/** Sends again what failed or was held since a time, of one webhook; `next` is the `since` of the next call, or null at the end. */
async function resendOfWebhook(call: KeyCall): Promise<Response> {
  const { id, endpoint } = await find(call);
  if (endpoint?.state) throw stopped(endpoint.state);
  return resendAll(call, id);
}

/** The same for the URLs that were given with inferences; those that are not called are left out. */
async function resendOfUrls(call: KeyCall): Promise<Response> {
  return resendAll(call, "");
}

async function resendAll(call: KeyCall, webhookId: string): Promise<Response> {
  const { since } = check(sinceSchema, (await readJson(call.request, ADMIN_BODY_BYTES)).value);
  const done = await resendSince(call.ports.db, call.caller.accountId, webhookId, Date.parse(since));
  announce(call);
  return json({ resent: done.resent, next: time(done.next) }, { status: 202 });
}

function stopped(state: string): Problem {
  return problem("conflict", { detail: `The endpoint is not called at present (${state}); enable it first.` });
}

/** The delivery objects hear of it now; otherwise the sweep tells them. */
function announce(call: KeyCall): void {
  call.after(hintDeliveries(call.ports, [call.caller.accountId]));
  call.after(hintSweep(call.ports));
}

async function inferenceOf(call: KeyCall): Promise<{ accountId: string; inferenceId: string }> {
  const { accountId, id } = await lookUp(call, inferenceNotFound);
  return { accountId, inferenceId: id };
}

function presentDelivery(delivery: Delivery): Record<string, unknown> {
  const { inferenceId, event, sequence, webhookId, url, status, createdAt, nextAt, attempts } = delivery;
  return {
    id: deliveryIdOf(delivery),
    inference_id: inferenceId,
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

function presentAttempt({ outcome, status, durationMs, answer }: Omit<Attempt, "at">) {
  const error =
    outcome === "refused" ? `the URL ${answer}` : outcome === "internal_error" ? "a fault on our side; the endpoint was not blamed" : null;
  return { outcome, status_code: status, duration_ms: durationMs, answer: outcome === "refused" ? null : answer, error };
}

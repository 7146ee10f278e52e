/** What the operator's webhook is told of: what goes wrong and its end, each once, by the sweep. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SweepObject } from "../../src/entry/sweep-object.ts";
import { ALERTS_SENT, DATABASE_BYTES, WEBHOOK_DELAYS_SECONDS } from "../../src/limits.ts";
import { watchOver } from "../../src/maintenance/alerts.ts";
import type { Ports } from "../../src/ports.ts";
import { signingKeyFor } from "../../src/webhooks/sealing.ts";
import { stopEndpoint } from "../../src/webhooks/sql/endpoints.ts";
import { forgetAll, queued } from "./support/inferences.ts";
import { backendIs } from "./support/outside.ts";
import { ports, stillAs, stillEnv } from "./support/ports.ts";
import { newBackend, newModel, newTenant, restBackends } from "./support/tenants.ts";
import { as, object, operator, until } from "./support/requests.ts";

const HOOK = "https://alerts.internal/hook?token=hidden";
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr";
const ENDPOINT = "https://hooks.example.com/private/path";

interface Told {
  readonly type: string;
  readonly text: string;
  readonly data: Record<string, unknown>;
  readonly id: string;
}

const forget = () => env.DB.batch([env.DB.prepare("DELETE FROM alerts"), env.DB.prepare("DELETE FROM endpoints")]);

beforeEach(async () => {
  await forgetAll();
  await forget();
});
afterEach(async () => {
  await env.DB.prepare("UPDATE accounts SET budget_state = 'ok'").run();
  await forgetAll();
  await forget();
});

/** The operator's receiver, which keeps what it gets; each is verified with the secret. */
function receiver(status = 204) {
  const got: Told[] = [];
  const fetch: Ports["fetch"] = async (url, init) => {
    const request = new Request(url, init);
    expect(request.url).toBe(HOOK);
    const { type, text, data } = new Webhook(SECRET).verify(await request.text(), Object.fromEntries(request.headers)) as Omit<Told, "id">;
    got.push({ type, text, data, id: request.headers.get("webhook-id") ?? "" });
    return new Response(null, { status });
  };
  return { got, fetch };
}

/** One look of the sweep, however soon after the last one; what it tells is not waited for. */
async function look(fetch: Ports["fetch"], bytes = 0): Promise<void> {
  const { db, clock } = ports();
  const webhook = { url: HOOK, secret: SECRET, signingKey: () => signingKeyFor([env.KEY_SECRET]), deployment: "https://api.example.com" };
  await watchOver(ports({ db: { ...db, bytes: () => bytes }, internet: { fetch, clock }, clock: { ...clock } }), webhook);
}

const types = (some: readonly Told[]) => some.map(({ type }) => type).toSorted();
/** So many more events. */
const more = (got: Told[], count: number) =>
  until(
    () => Promise.resolve(got.length >= count ? got.splice(0) : null),
    (some) => some !== null,
  );

test("tells of each fault once when it begins and once when it is over, and a restart repeats nothing", async () => {
  const { key, accountId } = await newTenant();
  const model = await newModel();
  const backendId = await newBackend(model, { url: "https://gpu-1.gpu.test" });
  const id = await queued(model, { accountId });
  await restBackends(model);
  await env.DB.prepare("UPDATE inferences SET start_by = start_by - 301000 WHERE id = ?").bind(id).run();
  await stopEndpoint(ports().db, accountId, ENDPOINT, "rested");
  await operator("PATCH", `/accounts/${accountId}`, { monthly_budget: 2 });
  await env.DB.prepare("UPDATE accounts SET budget_state = 'spent' WHERE id = ?").bind(accountId).run();
  const { got, fetch } = receiver();
  await look(fetch, 0.9 * DATABASE_BYTES);
  const begun = (await more(got, 5)) ?? [];
  expect(types(begun)).toEqual(["budget.spent", "circuit.opened", "database.filling", "endpoint.resting", "lane.stuck"]);
  const about = (type: string) => begun.find((told) => told.type === type);
  expect(about("circuit.opened")?.data).toMatchObject({
    deployment: "https://api.example.com",
    backend_id: backendId,
    model,
    url: "https://gpu-1.gpu.test",
    account_id: null,
  });
  expect(about("lane.stuck")?.data).toMatchObject({ model, version: null, oldest_queued_at: expect.stringMatching(/Z$/) });
  expect(about("endpoint.resting")?.data).toMatchObject({ account_id: accountId, origin: "https://hooks.example.com" });
  expect(about("budget.spent")?.data).toMatchObject({ account_id: accountId, monthly_budget: 2 });
  expect(about("database.filling")?.text).toContain("90 % full");
  expect(JSON.stringify(begun)).not.toMatch(/private|undefined/);

  await look(fetch, 0.9 * DATABASE_BYTES);
  await look(fetch, 0.96 * DATABASE_BYTES);
  expect(types((await more(got, 1)) ?? [])).toEqual(["database.full"]);

  await restBackends(model, false);
  await as(key, "POST", `/v1/inferences/${id}/cancel`);
  await as(key, "POST", "/v1/webhooks/enable", { url: ENDPOINT });
  await env.DB.prepare("UPDATE accounts SET budget_state = 'ok'").run();
  await look(fetch);
  const over = (await more(got, 5)) ?? [];
  expect(types(over)).toEqual(["budget.renewed", "circuit.closed", "database.ok", "endpoint.resumed", "lane.moving"]);
  expect(new Set([...begun, ...over].map((told) => told.id)).size).toBe(10);
  await look(fetch);
  await until(
    async () => (await env.DB.prepare("SELECT count(*) AS rows FROM alerts").first()) ?? {},
    ({ rows }) => rows === 0,
  );
  expect(got).toEqual([]);
});

test("tries again what was not taken, under the same id, and gives it up in the end; its end is told all the same", async () => {
  const model = await newModel();
  await newBackend(model);
  await restBackends(model);
  const down = receiver(503);
  const tries = WEBHOOK_DELAYS_SECONDS.length + 1;
  for (let tried = 1; tried <= tries; tried++) {
    await look(down.fetch);
    const due = tried < tries ? "due_at > unixepoch() * 1000" : "due_at IS NULL";
    await until(
      async () => (await env.DB.prepare(`SELECT attempt FROM alerts WHERE ${due}`).first()) ?? {},
      ({ attempt }) => attempt === tried && down.got.length === tried,
    );
    await env.DB.prepare("UPDATE alerts SET due_at = 1 WHERE due_at IS NOT NULL").run();
  }
  expect(new Set(down.got.map(({ id }) => id)).size).toBe(1);
  await look(down.fetch);
  expect(down.got).toHaveLength(tries);
  await restBackends(model, false);
  const { got, fetch } = receiver();
  await look(fetch);
  expect(types((await more(got, 1)) ?? [])).toEqual(["circuit.closed"]);
});

test("tells nobody of what was over before it could be told", async () => {
  const model = await newModel();
  for (let count = 0; count < ALERTS_SENT + 2; count++) await newBackend(model);
  await restBackends(model);
  const { got, fetch } = receiver();
  await look(fetch);
  expect(types((await more(got, ALERTS_SENT)) ?? [])).toEqual(Array.from({ length: ALERTS_SENT }, () => "circuit.opened"));
  await restBackends(model, false);
  await look(fetch);
  expect(types((await more(got, ALERTS_SENT)) ?? [])).toEqual(Array.from({ length: ALERTS_SENT }, () => "circuit.closed"));
});

test("is the sweep's own work where a deployment names a webhook, and nobody's where it does not", async () => {
  const model = await newModel();
  await newBackend(model);
  await restBackends(model);
  const got: string[] = [];
  backendIs(async (request) => {
    if (!request.url.startsWith("https://alerts.internal/")) return new Response(null, { status: 503 });
    got.push((await request.json<{ type: string }>()).type);
    return new Response("ok");
  });
  const alarm = (settings: Record<string, string>) =>
    runInDurableObject(env.SWEEP.getByName(crypto.randomUUID()), (_, state) => new SweepObject(state, stillEnv(settings)).alarm());
  await alarm({});
  expect(got).toEqual([]);
  await alarm({ OPERATOR_WEBHOOK_URL: HOOK });
  await until(
    () => Promise.resolve(got),
    ({ length }) => length > 0,
  );
  expect(got).toEqual(["circuit.opened"]);
});

test.each([
  [204, "ok", "It took a ping and answered 204."],
  [302, "failed", "It answered a ping with 302: redirects are not followed."],
])("is tried by a check, which says of an answer with %d that it is %s", async (status, state, detail) => {
  const got: string[] = [];
  backendIs(async (request) => {
    if (request.url !== HOOK) return new Response(null, { status: 503 });
    got.push((await request.json<{ type: string }>()).type);
    return new Response(null, { status, headers: { Location: "http://169.254.169.254/" } });
  });
  const answer = await stillAs(env.ADMIN_TOKEN, "POST", "/admin/v1/checks", undefined, {}, { ...env, OPERATOR_WEBHOOK_URL: HOOK });
  const { checks } = await object(answer);
  expect(checks).toContainEqual(expect.objectContaining({ name: "operator_webhook", state, detail }));
  expect([got, JSON.stringify(checks)]).toEqual([["operator.ping"], expect.not.stringContaining("hidden")]);
});

/**
 * Webhooks from the transition to the receiver: who is told, of what, how it is signed, when it is tried again, and
 * who is never called. The unit tests of targets and of the schedule run here too, on the runtime that is deployed.
 */
import { env } from "cloudflare:workers";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { fromBase64 } from "../../src/encoding/base64.ts";
import { afterEach, describe, expect, test, vi } from "vitest";
import { holdBudgets } from "../../src/accounts/usage.ts";
import { insertTogether } from "../../src/inferences/sql/insert-group.ts";
import { bulk, changeStatements } from "../../src/inferences/sql/change.ts";
import { dueStatements } from "../../src/maintenance/due.ts";
import { noteProgress } from "../../src/inferences/sql/progress.ts";
import { WAITED_TOO_LONG } from "../../src/inferences/retry.ts";
import { run } from "../../src/inferences/run.ts";
import { retain } from "../../src/maintenance/retention.ts";
import { sweep } from "../../src/maintenance/sweep.ts";
import {
  DELIVERY_ANSWER_BYTES,
  DELIVERY_CHARGE_BYTES,
  DELIVERY_EARLIER_ANSWER_CHARACTERS,
  DELIVERY_LEASE_MS,
  DELIVERY_EVENTS_KEPT,
  ENDPOINT_FORGOTTEN_MS,
  PROGRESS_TOLD_MS,
  EVENT_OUTPUT_BYTES,
  REDRIVE_ATTEMPTS_MAX,
  ROW_CHARGE_BYTES,
  WEBHOOK_URL_CHARACTERS,
  WEBHOOK_DELAYS_SECONDS,
  WEBHOOKS_PER_ACCOUNT,
} from "../../src/limits.ts";
import type { Ports } from "../../src/ports.ts";
import { portsOf } from "../../src/entry/bindings.ts";
import { settingsOf } from "../../src/entry/delivery-object.ts";
import { DeliveryLoop, type DeliverySettings } from "../../src/webhooks/deliver.ts";
import { claimDeliveries } from "../../src/webhooks/sql/deliveries.ts";
import { HOSTILE } from "../unit/target.test.ts";
import "../unit/schedule.test.ts";
import { claimed, ended, forgetAll, laneOf, queued, rowOf, submission, submitted } from "./support/inferences.ts";
import { ports, still, stillAs, stillEnv } from "./support/ports.ts";
import { type ScriptedBackend, backendIs, hang } from "./support/outside.ts";
import { type Tenant, newBackend, newModel, newTenant } from "./support/tenants.ts";
import { as, call, object, operator, ORIGIN, until } from "./support/requests.ts";

const HOOK = "https://hooks.example.com/h";
const DONE = { at: "row", body: '{"done":true}', contentType: "application/json" } as const;
const RESOLVER = "https://cloudflare-dns.com/";
const { db } = still();

afterEach(async () => {
  await forgetAll();
  await env.DB.batch(["webhooks", "endpoints", "signing_secrets", "deliveries"].map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
});

/** What a receiver got. */
interface Received {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** A receiver that keeps what it gets and answers as the script says; names are public to the resolver. */
function receiver(script: (received: Received, count: number) => Response | Promise<Response> = () => new Response("ok")) {
  const got: Received[] = [];
  const answer: ScriptedBackend = async (request) => {
    if (request.url.startsWith(RESOLVER)) return Response.json({ Status: 0, Answer: [{ type: 1, data: "93.184.215.14" }] });
    if (new URL(request.url).hostname.endsWith(".gpu.test")) {
      const { inputs }: { inputs: object[] } = await request.json(); // of our own client
      return Response.json({ model_name: "echo", outputs: inputs });
    }
    const received = { url: request.url, headers: Object.fromEntries(request.headers), body: await request.text() };
    got.push(received);
    return script(received, got.length);
  };
  return { got, answer, fetch: async (url: string, init?: RequestInit) => answer(new Request(url, init)) };
}

const bodyOf = ({ body }: Received) => JSON.parse(body) as { type: string; timestamp: string; data: Record<string, unknown> };

interface Watched {
  tenant: Tenant;
  model: string;
  webhook: Record<string, unknown>;
  secret: string;
}

/** An account with one webhook, and a model; nobody is told of anything unless the test does it. */
async function watched(more: Record<string, unknown> = {}): Promise<Watched> {
  const tenant = await newTenant();
  const model = await newModel();
  await newBackend(model, { protocol: "http", max_concurrency: 50 });
  backendIs(receiver().answer); // the resolver's
  const webhook = await object(as(tenant.key, "POST", "/v1/webhooks", { url: HOOK, ...more }));
  return { tenant, model, webhook, secret: String(webhook["secret"]) };
}

/** An inference of the tenant that has just succeeded; nobody has been told of it. */
async function succeeded(
  { tenant, model }: Pick<Watched, "tenant" | "model">,
  more: Parameters<typeof submission>[1] = {},
): Promise<string> {
  const id = await queued(model, { accountId: tenant.accountId, ...more });
  await db.all(changeStatements.succeed(await claimed(model), DONE, 13, 1));
  return id;
}

/** All that one delivery loop does for an account. */
async function rounds(
  accountId: string,
  fetch: Ports["fetch"],
  more: Partial<DeliverySettings> = {},
  instead: Partial<Ports> = {},
): Promise<void> {
  const { clock } = still(instead);
  await new DeliveryLoop(
    still({ internet: { fetch, clock }, ...instead }),
    { ...(await settingsOf(env)), ...more },
    accountId,
    () => undefined,
  ).drain();
}

interface ShownDelivery {
  id: string;
  event: string;
  sequence: number;
  webhook_id: string | null;
  url: string;
  status: string;
  held: boolean;
  next_attempt_at: string | null;
  attempts: { outcome: string; status_code: number | null; answer: string | null; error: string | null; duration_ms: number }[];
}

async function deliveries({ key }: Tenant, id: string): Promise<ShownDelivery[]> {
  return (await object(stillAs(key, "GET", `/v1/inferences/${id}/deliveries`)))["deliveries"] as ShownDelivery[];
}

/** Lets time pass for all deliveries and endpoints. */
async function later(ms: number): Promise<void> {
  await env.DB.batch([
    env.DB.prepare("UPDATE deliveries SET due_at = due_at - ?1").bind(ms),
    env.DB.prepare("UPDATE endpoints SET failing_since = failing_since - ?1, held_until = held_until - ?1").bind(ms),
    env.DB.prepare("UPDATE signing_secrets SET previous_until = previous_until - ?1").bind(ms),
  ]);
}

const MINUTE = 60_000;
const DAY = 86_400_000;

test("a private network that GPU servers are called through is never one that customers' names are looked for in", async () => {
  const { accountId } = await newTenant();
  const model = await newModel();
  await newBackend(model, { url: "http://10.0.0.7:8000" });
  const hook = receiver();
  backendIs(hook.answer);
  const inside: string[] = [];
  const bound = portsOf({
    ...stillEnv(),
    GPU_NETWORK: {
      async fetch(url) {
        inside.push(new URL(url).host);
        return Response.json({ model_name: "echo", outputs: [] });
      },
    },
  });
  const id = await queued(model, { accountId, webhook: { url: HOOK, events: ["inference.succeeded"], origin: ORIGIN } });
  await run(bound, [laneOf(model)], "lease");
  expect((await rowOf(id))["status"]).toBe("succeeded");
  await new DeliveryLoop(bound, await settingsOf(env), accountId, () => undefined).drain();
  expect(new Set(inside)).toEqual(new Set(["10.0.0.7:8000"]));
  expect(hook.got.map(({ url }) => url)).toEqual([HOOK]);
});

describe("a delivery", () => {
  test("reaches the receiver by itself once the inference has ended, as the API shows it, and is on record", async () => {
    const hook = receiver();
    const { tenant, model, webhook, secret } = await watched();
    await newBackend(model, { url: `https://${model}.gpu.test`, max_concurrency: 4 });
    await env.DB.prepare("DELETE FROM backends WHERE protocol = 'http'").run();
    backendIs(hook.answer);
    const id = await submitted(tenant.key, model, { text: "x" });
    expect((await ended(tenant.key, id))["status"]).toBe("succeeded");
    const [delivery] = await until(
      () => deliveries(tenant, id),
      (all) => all[0]?.status === "succeeded",
    );
    expect(delivery).toMatchObject({
      event: "inference.succeeded",
      sequence: 1,
      webhook_id: webhook["id"],
      url: HOOK,
      status: "succeeded",
    });
    expect(delivery?.attempts).toEqual([expect.objectContaining({ outcome: "answered", status_code: 200, answer: "ok", error: null })]);
    expect(hook.got).toHaveLength(1);
    const [received] = hook.got as [Received];
    expect(received.headers).toMatchObject({ "content-type": "application/json", "webhook-id": delivery?.id });
    const { trace_id, spans } = await object(as(tenant.key, "GET", `/v1/inferences/${id}/timeline`));
    const [told, tried] = (spans as { name: string; id: string }[]).filter(({ name }) => name.startsWith("delivery"));
    expect([told, tried]).toMatchObject([
      { name: "delivery", delivery_id: delivery?.id, event: "inference.succeeded", url: HOOK, outcome: "succeeded" },
      { name: "delivery_attempt", parent_id: told?.id, attempt: 1, result: "answered", http_status: 200 },
    ]);
    expect(received.headers["traceparent"]).toBe(`00-${String(trace_id)}-${tried?.id ?? ""}-01`);
    expect(delivery?.id).toContain(tenant.accountId);
    const shown = await object(as(tenant.key, "GET", `/v1/inferences/${id}`));
    expect(bodyOf(received)).toEqual({ type: "inference.succeeded", timestamp: shown["finished_at"], data: shown });
    for (const Library of [StandardWebhook, SvixWebhook]) {
      expect(() => new Library(secret).verify(received.body, received.headers)).not.toThrow();
      const changed = received.body.replace("succeeded", "succeedee");
      expect(() => new Library(secret).verify(changed, received.headers)).toThrow("No matching signature found");
    }
  });

  test("is verified by the deployment's public key alone, and by neither another text nor another key", async () => {
    const hook = receiver();
    const watch = await watched();
    await succeeded(watch);
    await rounds(watch.tenant.accountId, hook.fetch);
    const [{ headers, body }] = hook.got as [Received];
    const answer = await call("/.well-known/jwks.json");
    expect(answer.headers.get("cache-control")).toBe("public, max-age=300");
    const { keys }: { keys: JsonWebKey[] } = await answer.json();
    expect(keys).toHaveLength(1);
    const signature = fromBase64(/v1a,(\S+)/.exec(headers["webhook-signature"] ?? "")?.[1] ?? "");
    const ours = await crypto.subtle.importKey("jwk", keys[0] ?? { kty: "" }, "Ed25519", false, ["verify"]);
    const verifies = (text: string) =>
      crypto.subtle.verify(
        "Ed25519",
        ours,
        signature,
        new TextEncoder().encode(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${text}`),
      );
    expect([await verifies(body), await verifies(`${body} `)]).toEqual([true, false]);
    expect(headers["webhook-id"]).toContain(watch.tenant.accountId);
  });

  test.each([
    ["with it while it is small", EVENT_OUTPUT_BYTES, true],
    ["by its address beyond that", EVENT_OUTPUT_BYTES + 1, false],
  ])("has the output %s", async (_, bytes, whole) => {
    const hook = receiver();
    const watch = await watched();
    const id = await queued(watch.model, { accountId: watch.tenant.accountId });
    const body = JSON.stringify("x".repeat(bytes - 2));
    await db.all(changeStatements.succeed(await claimed(watch.model), { ...DONE, body }, bytes, 1));
    await rounds(watch.tenant.accountId, hook.fetch);
    const { data } = bodyOf((hook.got as [Received])[0]);
    expect(data["output"]).toBe(whole ? JSON.parse(body) : null);
    expect(data["urls"]).toMatchObject({ result: expect.stringMatching(new RegExp(`^http.*/v1/inferences/${id}/result$`)) });
    expect(Object.hasOwn(data, "output_url")).toBe(!whole);
    if (!whole) {
      const linked = await call(new URL(String(data["output_url"])).pathname);
      expect([linked.status, await linked.text()]).toEqual([200, body]);
    }
  });

  test("goes to the URL that came with the inference as well, for the events that were asked for", async () => {
    const hook = receiver();
    const watch = await watched();
    backendIs(hook.answer);
    const url = "https://other.example.com/x?y=1";
    const webhook = { url, events: ["inference.started", "inference.canceled"] };
    const answer = await stillAs(watch.tenant.key, "POST", "/v1/inferences", { model: watch.model, input: {}, webhook });
    const inference = await object(answer);
    expect(inference).toMatchObject({ webhook, webhook_status: "pending" });
    const id = String(inference["id"]);
    await claimed(watch.model);
    await stillAs(watch.tenant.key, "POST", `/v1/inferences/${id}/cancel`);
    await rounds(watch.tenant.accountId, hook.fetch);
    const told = hook.got.map((received) => [received.url, bodyOf(received).type, bodyOf(received).data["status"]]);
    expect(told.toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual([
      [HOOK, "inference.canceled", "canceled"],
      [url, "inference.canceled", "canceled"],
      [url, "inference.started", "in_progress"],
    ]);
    expect((await deliveries(watch.tenant, id)).map(({ sequence, event }) => [sequence, event])).toEqual([
      [1, "inference.started"],
      [2, "inference.canceled"],
      [2, "inference.canceled"],
    ]);
    expect(await object(stillAs(watch.tenant.key, "GET", `/v1/inferences/${id}`))).toMatchObject({ webhook_status: "succeeded" });
  });

  test("tells on request what happens on the way: an attempt that failed, the one after it, a redrive", async () => {
    const hook = receiver();
    const watch = await watched({ events: ["inference.started", "inference.progress", "inference.failed", "inference.succeeded"] });
    const { accountId } = watch.tenant;
    const id = await queued(watch.model, { accountId });
    const broke = { class: "infrastructure", code: "backend_error", message: "It broke.", status: 500 } as const;
    await db.all(changeStatements.retry(await claimed(watch.model), broke, 0, false));
    await db.all(changeStatements.fail(await claimed(watch.model), broke));
    await stillAs(watch.tenant.key, "POST", `/v1/inferences/${id}/redrive`);
    await db.all(changeStatements.succeed(await claimed(watch.model), DONE, 13, 1));
    await rounds(accountId, hook.fetch);
    const events = (await deliveries(watch.tenant, id)).map(({ sequence, event }) => [sequence, event]);
    expect(events).toEqual([
      [1, "inference.started"],
      [2, "inference.progress"],
      [3, "inference.progress"],
      [4, "inference.failed"],
      [5, "inference.progress"],
      [6, "inference.started"],
      [7, "inference.succeeded"],
    ]);
    const told = hook.got.map(bodyOf).map(({ type, data }) => [type, data["status"], data["attempts"]]);
    const progress = told.filter(([type]) => type === "inference.progress").toSorted((one, other) => Number(one[2]) - Number(other[2]));
    expect(progress).toEqual([
      ["inference.progress", "queued", 1],
      ["inference.progress", "in_progress", 2],
      ["inference.progress", "queued", 2],
    ]);
  });

  test("says of an attempt that begins nothing that its model reports later, so that each try sends the same", async () => {
    const hook = receiver();
    const { tenant, model } = await watched({ events: ["inference.started"] });
    const { accountId } = tenant;
    const id = await queued(model, { accountId });
    const { attempt } = await claimed(model);
    await noteProgress(db, { accountId, id, attempt }, { progress: 0.5, message: null, previewUrl: null, lines: [] });
    await rounds(accountId, hook.fetch);
    const data = hook.got.map((received) => bodyOf(received).data);
    expect(data).toMatchObject([{ id, status: "in_progress" }]);
    expect(data[0]).not.toHaveProperty("progress");
  });

  test("tells of the progress that a model reports, at most once in five seconds, as it stands when it is sent", async () => {
    const hook = receiver();
    const watch = await watched({ events: ["inference.progress", "inference.succeeded"] });
    const { tenant, model } = watch;
    const { accountId } = tenant;
    const id = await queued(model, { accountId });
    const claim = await claimed(model);
    const { attempt } = claim;
    const report = async (progress: number) => {
      await env.DB.prepare("UPDATE inferences SET progress = json_set(progress, '$.at', 0) WHERE progress IS NOT NULL").run(); // a second is over
      return noteProgress(db, { accountId, id, attempt }, { progress, message: `${progress * 100} %`, previewUrl: null, lines: [] });
    };
    expect(await report(0.1)).toMatchObject({ noted: true, isDue: true });
    expect(await report(0.2)).toMatchObject({ isDue: true }); // it was not sent yet
    await rounds(accountId, hook.fetch);
    expect(await report(0.3)).toMatchObject({ noted: true, isDue: false });
    expect(await report(0.4)).toMatchObject({ isDue: false });
    await rounds(accountId, hook.fetch);
    const told = () =>
      hook.got.map(bodyOf).map(({ type, data }) => [type, (data["progress"] as { progress?: number } | undefined)?.progress]);
    expect(told()).toEqual([["inference.progress", 0.2]]);
    const [next] = await deliveries(tenant, id);
    expect(next).toMatchObject({ event: "inference.progress", sequence: 2, status: "pending" });
    const wait = Date.parse(next?.next_attempt_at ?? "") - Date.now();
    expect(wait).toBeGreaterThan(PROGRESS_TOLD_MS / 2);
    expect(wait).toBeLessThanOrEqual(PROGRESS_TOLD_MS);
    expect(await countedFor(accountId)).toBe(await recountFor(accountId));
    await later(PROGRESS_TOLD_MS);
    await rounds(accountId, hook.fetch);
    expect(told()).toEqual([
      ["inference.progress", 0.2],
      ["inference.progress", 0.4],
    ]);
    await report(0.5);
    await db.all(changeStatements.succeed(claim, DONE, 13, 1));
    await later(2 * PROGRESS_TOLD_MS);
    await rounds(accountId, hook.fetch);
    expect(told().slice(2)).toEqual([["inference.succeeded", undefined]]);
    expect((await deliveries(tenant, id)).map(({ sequence, event, status }) => [sequence, event, status])).toEqual([
      [3, "inference.progress", "canceled"],
      [4, "inference.succeeded", "succeeded"],
    ]);
    expect(new Set(hook.got.map(({ headers }) => headers["webhook-id"])).size).toBe(3);
    expect(await countedFor(accountId)).toBe(await recountFor(accountId));
  });

  test("of progress is tried once, comes after all others, and pushes none of them out", async () => {
    const hook = receiver(() => new Response("no", { status: 500 }));
    const { tenant, model, webhook } = await watched({ events: ["inference.started", "inference.progress"] });
    const { accountId } = tenant;
    const id = await queued(model, { accountId });
    const { attempt } = await claimed(model);
    const said = { progress: 0.1, message: null, previewUrl: null, lines: [] };
    await noteProgress(db, { accountId, id, attempt }, said);
    await env.DB.prepare("UPDATE deliveries SET due_at = due_at - 1000 WHERE hint = 1").run();
    expect((await claimDeliveries(db, accountId, "lease", 1)).map(({ hint }) => hint)).toEqual([false]);
    await later(DELIVERY_LEASE_MS);
    await rounds(accountId, hook.fetch);
    await later(MINUTE);
    await rounds(accountId, hook.fetch);
    expect(hook.got.map((it) => bodyOf(it).type).toSorted()).toEqual(["inference.progress", "inference.started", "inference.started"]);
    expect((await deliveries(tenant, id)).map(({ event, status }) => [event, status])).toEqual([
      ["inference.started", "pending"],
      ["inference.progress", "failed"],
    ]);
    await env.DB.prepare("UPDATE deliveries SET sequence = ? WHERE hint = 1")
      .bind(DELIVERY_EVENTS_KEPT + 1)
      .run(); // after as many more
    await env.DB.prepare("UPDATE inferences SET progress = json_set(progress, '$.at', 0) WHERE id = ?").bind(id).run();
    await noteProgress(db, { accountId, id, attempt }, said);
    expect((await deliveries(tenant, id)).map(({ event, sequence }) => [event, sequence])).toEqual([
      ["inference.started", 1],
      ["inference.progress", DELIVERY_EVENTS_KEPT + 2],
    ]);
    expect(await countedFor(accountId)).toBe(await recountFor(accountId));
    await stillAs(tenant.key, "PATCH", `/v1/webhooks/${String(webhook["id"])}`, { enabled: false });
    await env.DB.prepare("UPDATE inferences SET progress = json_set(progress, '$.at', 0) WHERE id = ?").bind(id).run();
    expect(await noteProgress(db, { accountId, id, attempt }, said)).toMatchObject({ noted: true, isDue: false });
    expect(await deliveries(tenant, id)).toHaveLength(2);
  });

  test("tells of what was, whatever became of the inference since, the same text at each attempt", async () => {
    const hook = receiver((_, count) => new Response("no", { status: count === 1 ? 500 : 200 }));
    const { tenant, model } = await watched();
    const id = await queued(model, { accountId: tenant.accountId });
    const failure = { class: "model", code: "backend_error", message: "It broke.", status: 500 } as const;
    await db.all(changeStatements.fail(await claimed(model), failure));
    await rounds(tenant.accountId, hook.fetch);
    await stillAs(tenant.key, "POST", `/v1/inferences/${id}/redrive`);
    await later(MINUTE);
    await rounds(tenant.accountId, hook.fetch);
    expect(hook.got).toHaveLength(2);
    const [first, second] = hook.got as [Received, Received];
    expect(second.body).toBe(first.body);
    expect(second.headers["webhook-id"]).toBe(first.headers["webhook-id"]);
    expect(bodyOf(second)).toMatchObject({ type: "inference.failed", data: { status: "failed", error: { code: "backend_error" } } });
    await db.all(changeStatements.succeed(await claimed(model), DONE, 13, 1));
    await rounds(tenant.accountId, hook.fetch);
    expect((await deliveries(tenant, id)).map(({ sequence, event }) => [sequence, event])).toEqual([
      [1, "inference.failed"],
      [2, "inference.succeeded"],
    ]);
  });

  test("is made by every way in which an inference ends, and by none that changes nothing", async () => {
    const { tenant, model } = await watched();
    const { accountId } = tenant;
    const failure = { class: "model", code: "backend_error", message: "It broke.", status: 500 } as const;
    const running = async (more = {}) => {
      const id = await queued(model, { accountId, ...more });
      return { id, hold: await claimed(model) };
    };
    const lapsed = (id: string) => env.DB.prepare("UPDATE inferences SET lease_until = 1, max_attempts = 1 WHERE id = ?").bind(id).run();
    const ways: Record<string, () => Promise<string>> = {
      succeeded: () => succeeded({ tenant, model }),
      async failed() {
        const { id, hold } = await running();
        await db.all(changeStatements.fail(hold, failure));
        expect(await db.all(changeStatements.succeed(hold, DONE, 13, 1))).toEqual([]);
        return id;
      },
      async "failed of a lost runner"() {
        const { id } = await running();
        await lapsed(id);
        await sweep(still());
        await sweep(still());
        return id;
      },
      async expired() {
        const id = await queued(model, { accountId });
        await env.DB.prepare("UPDATE inferences SET start_by = 1 WHERE id = ?").bind(id).run();
        await db.batch([dueStatements.expireDue(10, WAITED_TOO_LONG), dueStatements.expireDue(10, WAITED_TOO_LONG)]);
        return id;
      },
      async canceled() {
        const { id, hold } = await running();
        await stillAs(tenant.key, "POST", `/v1/inferences/${id}/cancel`);
        expect(await db.all(changeStatements.succeed(hold, DONE, 13, 1))).toEqual([]);
        await stillAs(tenant.key, "POST", `/v1/inferences/${id}/cancel`);
        return id;
      },
      async "canceled with many"() {
        const id = await queued(model, { accountId });
        await bulk(db, "cancel", { accountId, id: "" }, false, { statuses: ["queued"], model }, 100);
        return id;
      },
    };
    for (const [name, way] of Object.entries(ways)) {
      const told = await deliveries(tenant, await way());
      expect([name, told.map(({ event, status }) => [event, status])]).toEqual([name, [[`inference.${name.split(" ")[0]}`, "pending"]]]);
    }
    const { id, hold } = await running();
    await db.all(changeStatements.retry(hold, failure, 0, false));
    expect(await deliveries(tenant, id)).toEqual([]);
  });

  test("goes with its inference, and costs an account without webhooks one row read", async () => {
    const cost = async (tenant: Tenant, model: string) => {
      const id = await queued(model, { accountId: tenant.accountId });
      const hold = await claimed(model);
      const { text, params } = changeStatements.succeed(hold, DONE, 13, 1);
      const { meta } = await env.DB.prepare(text)
        .bind(...params)
        .run();
      return { id, read: meta.rows_read, written: meta.rows_written };
    };
    const { tenant, model } = await watched();
    const told = await cost(tenant, model);
    const untold = await cost(await newTenant(), model);
    await env.DB.prepare("DROP TRIGGER inferences_told").run();
    const bare = await cost(tenant, model);
    await env.DB.prepare(String(trigger)).run();
    expect(untold.read - bare.read).toBeLessThanOrEqual(1);
    expect(untold.written).toBe(bare.written);
    expect(told.written - bare.written).toBeLessThanOrEqual(3); // its own two, and its account's, where it counts
    await env.DB.prepare("DELETE FROM inferences WHERE id = ?").bind(told.id).run();
    expect(await env.DB.prepare("SELECT count(*) AS count FROM deliveries").first("count")).toBe(0);
  });
});

const trigger = await env.DB.prepare("SELECT sql FROM sqlite_master WHERE name = 'inferences_told'").first("sql");

/** What an account is counted as having in the database, and what it has. */
const countedFor = async (accountId: string) => Number((await object(operator("GET", `/accounts/${accountId}`)))["database_bytes"]);
const recountFor = (accountId: string) =>
  env.DB.prepare(
    `SELECT (SELECT coalesce(sum(row_bytes), 0) FROM inferences WHERE account_id = ?1) + (SELECT coalesce(sum(row_bytes), 0) FROM deliveries WHERE account_id = ?1)
      + (SELECT coalesce(sum(max(1024, octet_length(url))), 0) FROM endpoints WHERE account_id = ?1) AS bytes`,
  )
    .bind(accountId)
    .first("bytes");

describe("what deliveries and endpoints take of the database", () => {
  test("counts in the account's quota as it grows, and no longer once it is gone", async () => {
    const { tenant, model } = await watched({ events: ["inference.succeeded", "inference.started"] });
    const { accountId, key } = tenant;
    const told = ROW_CHARGE_BYTES + 2 * DELIVERY_CHARGE_BYTES;
    const id = await succeeded({ tenant, model });
    expect(await countedFor(accountId)).toBe(told);
    const large = receiver(() => new Response("\0".repeat(2 * DELIVERY_ANSWER_BYTES), { status: 503 }));
    for (let attempt = 1; attempt <= 5; attempt++) {
      await env.DB.prepare("UPDATE deliveries SET due_at = 1").run();
      await env.DB.prepare("UPDATE endpoints SET held_until = 1").run();
      await rounds(accountId, large.fetch);
    }
    const grown = await countedFor(accountId);
    expect(grown).toBe(await recountFor(accountId));
    const ofDelivery = (grown - ROW_CHARGE_BYTES - DELIVERY_CHARGE_BYTES) / 2;
    expect(ofDelivery).toBeGreaterThan(3 * DELIVERY_ANSWER_BYTES);
    expect(ofDelivery).toBeLessThan(3 * DELIVERY_ANSWER_BYTES + 4 * 3 * DELIVERY_EARLIER_ANSWER_CHARACTERS + 1_500);

    await operator("PATCH", `/accounts/${accountId}`, { database_quota_bytes: grown });
    const refused = await as(key, "POST", "/v1/inferences", { model, input: "x" });
    expect([refused.status, (await object(refused))["database_bytes"]]).toEqual([413, grown]);
    expect((await as(key, "DELETE", `/v1/inferences/${id}`)).status).toBe(204);
    expect(await countedFor(accountId)).toBe(DELIVERY_CHARGE_BYTES);
    await env.DB.batch([
      env.DB.prepare("UPDATE endpoints SET failing_since = failing_since - ?").bind(ENDPOINT_FORGOTTEN_MS),
      env.DB.prepare("DELETE FROM chores"),
    ]);
    await retain(still());
    expect(await countedFor(accountId)).toBe(0);
  });

  test("counts the URL that came with an inference, also of some that came together", async () => {
    const { tenant, model } = await watched();
    const { accountId } = tenant;
    const webhook = { url: `https://hooks.example.com/${"h".repeat(WEBHOOK_URL_CHARACTERS - 26)}`, events: [], origin: ORIGIN };
    await insertTogether(
      db,
      [0, 1].map(() => submission(model, { accountId, webhook })),
    );
    await queued(model, { accountId, webhook });
    expect(await countedFor(accountId)).toBe(3 * 2 * ROW_CHARGE_BYTES);
    expect(await recountFor(accountId)).toBe(3 * 2 * ROW_CHARGE_BYTES);
  });

  test("counts what an inference's row gathers from redrive to redrive", async () => {
    const { tenant, model } = await watched();
    const id = await queued(model, { accountId: tenant.accountId, retry: { maxAttempts: 1, initialDelayMs: 0, maxDelayMs: 0 } });
    const failure = { class: "model", code: "backend_error", message: "m".repeat(1_000), status: 500 } as const;
    for (let round = 0; round < 10; round++) {
      if (round > 0) await as(tenant.key, "POST", `/v1/inferences/${id}/redrive`);
      await db.all(changeStatements.fail(await claimed(model), failure));
    }
    expect(await countedFor(tenant.accountId)).toBe(await recountFor(tenant.accountId));
    expect(await env.DB.prepare("SELECT row_bytes FROM inferences WHERE id = ?").bind(id).first("row_bytes")).toBeGreaterThan(10_000);
  });
});

describe("of its account a webhook", () => {
  test("is told once a month when the budget is nearly spent, and when it is, and of other amounts anew", async () => {
    let calls = 0;
    const hook = receiver(() => new Response("", { status: calls++ === 0 ? 500 : 200 }));
    const { tenant, webhook, secret } = await watched({ events: ["account.budget_warning", "account.budget_exceeded"] });
    await watched(); // another account's, which hears of none
    const { accountId, key } = tenant;
    const set = (budget: object) => object(operator("PATCH", `/accounts/${accountId}`, budget));
    const spend = (micros: number) =>
      env.DB.prepare(
        "INSERT INTO usage VALUES (?, CAST(unixepoch() / 86400 AS INTEGER), 'm', hex(randomblob(9)), 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, ?)",
      )
        .bind(accountId, micros)
        .run();
    const told = async () => {
      await holdBudgets(db);
      await rounds(accountId, hook.fetch);
      await later(MINUTE);
      await rounds(accountId, hook.fetch);
      return hook.got.splice(0).map((received) => ({ ...bodyOf(received), id: received.headers["webhook-id"], received }));
    };
    await set({ monthly_budget: 10, budget_warning_at: 5 });
    expect(await told()).toEqual([]);
    await spend(7_000_000);
    const [first, again, ...others] = await told();
    const { budget: shown } = await object(as(key, "GET", "/v1/me"));
    expect(shown).toMatchObject({ state: "warned", monthly: 10, warning_at: 5, spent: 7 });
    expect(first).toMatchObject({ type: "account.budget_warning", data: { account_id: accountId, budget: shown } });
    expect([again?.id, again?.received.body, others]).toEqual([
      `msg_${accountId}_account_1_${String(webhook["id"])}`,
      first?.received.body,
      [],
    ]);
    new StandardWebhook(secret).verify(first?.received.body ?? "", first?.received.headers ?? {});
    await set({ monthly_budget: 20 });
    expect(await told()).toEqual([]); // it was warned at that amount
    await set({ budget_warning_at: 6 });
    expect(await told()).toMatchObject([{ type: "account.budget_warning", data: { budget: { warning_at: 6, monthly: 20 } } }]);
    await spend(20_000_000);
    expect(await told()).toMatchObject([{ type: "account.budget_exceeded", data: { budget: { state: "spent", spent: 27 } } }]);
    await set({ budget_warning_at: 7 });
    expect(await told()).toEqual([]);
    await env.DB.prepare("UPDATE deliveries SET snapshot = json_set(snapshot, '$.month', '2020-01-01')").run(); // another month begins
    await env.DB.prepare("UPDATE accounts SET budget_state = 'ok'").run();
    expect(await told()).toMatchObject([{ type: "account.budget_exceeded" }]);
    const list = await object(as(key, "GET", "/v1/webhooks/deliveries"));
    expect(list["deliveries"]).toMatchObject(
      [1, 2, 3, 4].map((sequence) => ({ sequence, inference_id: null, status: "succeeded", webhook_id: webhook["id"] })),
    );
    expect(await countedFor(accountId)).toBe(await recountFor(accountId));
  });

  test("is told when a spent budget takes work again, each time, and not before", async () => {
    const hook = receiver();
    const { tenant } = await watched({ events: ["account.budget_exceeded", "account.budget_renewed"] });
    const { accountId } = tenant;
    const set = (budget: object) => object(operator("PATCH", `/accounts/${accountId}`, budget));
    const told = async () => {
      await holdBudgets(db);
      await rounds(accountId, hook.fetch);
      return hook.got.splice(0).map((received) => bodyOf(received));
    };
    const renewed = (budget: object | null) => [{ type: "account.budget_renewed", data: { account_id: accountId, budget } }];
    const exceeded = [{ type: "account.budget_exceeded" }];
    await set({ monthly_budget: 2, budget_warning_at: 1 });
    await env.DB.prepare(
      "INSERT INTO usage VALUES (?, CAST(unixepoch() / 86400 AS INTEGER), 'm', 'k', 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 3000000)",
    )
      .bind(accountId)
      .run();
    expect(await told()).toMatchObject(exceeded);
    for (const budget of [{ monthly_budget: 2, budget_warning_at: 1.5 }, { budget_warning_at: null }])
      expect(await set(budget)).toMatchObject({ budget_state: "spent" }); // its submits are refused all the time
    await set({ monthly_budget: 2.5, budget_warning_at: 1 });
    expect(await told()).toMatchObject(exceeded); // of the new amount, which is spent too
    await set({ monthly_budget: 4 });
    expect(await told()).toMatchObject(renewed({ state: "warned", monthly: 4, warning_at: 1, spent: 3 }));
    await set({ monthly_budget: 2 });
    expect(await told()).toMatchObject(exceeded);
    await set({ monthly_budget: null });
    expect(await told()).toMatchObject(renewed(null));
    await set({ monthly_budget: 2 });
    expect(await told()).toMatchObject(exceeded);
    await env.DB.prepare("UPDATE usage SET day = day - 40 WHERE account_id = ?").bind(accountId).run(); // another month begins
    expect(await told()).toMatchObject(renewed({ state: "ok", monthly: 2, spent: 0 }));
    expect(await told()).toEqual([]);
    expect(await countedFor(accountId)).toBe(await recountFor(accountId));
  });

  test("is told by itself, and not of what it did not ask for", async () => {
    const hook = receiver();
    const { tenant } = await watched({ events: ["account.budget_exceeded"] });
    backendIs(hook.answer);
    await object(operator("PATCH", `/accounts/${tenant.accountId}`, { monthly_budget: 1, budget_warning_at: 0 }));
    await env.DB.prepare(
      "INSERT INTO usage VALUES (?, CAST(unixepoch() / 86400 AS INTEGER), 'm', 'k', 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 500000)",
    )
      .bind(tenant.accountId)
      .run();
    await holdBudgets(db);
    await env.DB.prepare("UPDATE usage SET cost_micros = 1000000 WHERE account_id = ?").bind(tenant.accountId).run();
    await env.DB.prepare("DELETE FROM chores WHERE name = 'budgets'").run();
    await ports().armSweep();
    await until(
      async () => hook.got.length,
      (count) => count > 0,
    );
    expect(hook.got.map((it) => bodyOf(it).type)).toEqual(["account.budget_exceeded"]);
    const refused = await as(tenant.key, "POST", "/v1/inferences", {
      model: "m",
      input: 1,
      webhook: { url: HOOK, events: ["account.budget_exceeded"] },
    });
    expect(refused.status).toBe(422); // of a webhook that came with an inference
  });
});

describe("an attempt that fails", () => {
  test("is made ten times in all, at the times of the schedule, with one id", async () => {
    const hook = receiver(() => new Response("not now", { status: 503 }));
    const { tenant, model } = await watched();
    const id = await succeeded({ tenant, model });
    for (const [index, seconds] of WEBHOOK_DELAYS_SECONDS.entries()) {
      await rounds(tenant.accountId, hook.fetch);
      const [delivery] = await deliveries(tenant, id);
      expect(delivery).toMatchObject({ status: "pending", attempts: { length: index + 1 } });
      const delay = (Date.parse(delivery?.next_attempt_at ?? "") - Date.now()) / 1000;
      expect(delay).toBeGreaterThan(seconds * 0.89 - 2);
      expect(delay).toBeLessThan(seconds * 1.11);
      await rounds(tenant.accountId, hook.fetch); // not before its time
      expect(hook.got).toHaveLength(index + 1);
      await later(seconds * 1_200);
    }
    await rounds(tenant.accountId, hook.fetch);
    expect(hook.got).toHaveLength(10);
    expect(new Set(hook.got.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    expect((await deliveries(tenant, id))[0]).toMatchObject({ status: "failed", next_attempt_at: null, attempts: { length: 10 } });
  });

  test.each<[string, () => Response | Promise<Response>, object]>([
    [
      "a redirect, which is not followed",
      () => new Response(null, { status: 301, headers: { Location: "https://elsewhere.example.com/" } }),
      { outcome: "answered", status_code: 301 },
    ],
    [
      "a redirect inward",
      () => new Response(null, { status: 307, headers: { Location: "http://169.254.169.254/" } }),
      { outcome: "answered", status_code: 307 },
    ],
    ["a broken connection", () => Promise.reject(new Error("reset")), { outcome: "unreachable", status_code: null }],
    [
      "an error that says much",
      () => new Response("é".repeat(5_000), { status: 500 }),
      { outcome: "answered", status_code: 500, answer: "é".repeat(512) },
    ],
  ])("is %s", async (_, answer, attempt) => {
    const hook = receiver(answer);
    const watch = await watched();
    const id = await succeeded(watch);
    await rounds(watch.tenant.accountId, hook.fetch);
    expect(hook.got.map(({ url }) => url)).toEqual([HOOK]);
    expect((await deliveries(watch.tenant, id))[0]).toMatchObject({ status: "pending", attempts: [attempt] });
  });

  test("is an answer that does not come in time", async () => {
    const watch = await watched();
    const id = await succeeded(watch);
    const late = { ...still().clock, timeout: () => AbortSignal.timeout(50) };
    const hook = receiver();
    const fetch = async (url: string, init?: RequestInit) => (url === HOOK ? hang(new Request(url, init)) : hook.fetch(url, init));
    await rounds(watch.tenant.accountId, fetch, {}, { clock: late });
    expect((await deliveries(watch.tenant, id))[0]).toMatchObject({
      status: "pending",
      attempts: [{ outcome: "timed_out", status_code: null }],
    });
  });

  test("with 429 and Retry-After is made again no sooner, and holds back what else is for that endpoint, and nothing else", async () => {
    const other = "https://other.example.com/h";
    const hook = receiver(({ url }) =>
      url === HOOK ? new Response("later", { status: 429, headers: { "Retry-After": "120" } }) : new Response("ok"),
    );
    const watch = await watched();
    const { key, accountId } = watch.tenant;
    const id = await succeeded(watch);
    await rounds(accountId, hook.fetch);
    await as(key, "POST", "/v1/webhooks", { url: other });
    const next = await succeeded(watch);
    await rounds(accountId, hook.fetch);
    expect(hook.got.map(({ url }) => url)).toEqual([HOOK, other]);
    for (const [shown] of [await deliveries(watch.tenant, id), (await deliveries(watch.tenant, next)).filter(({ url }) => url === HOOK)]) {
      const delay = Date.parse(shown?.next_attempt_at ?? "") - Date.now();
      expect(delay).toBeGreaterThan(115_000);
      expect(delay).toBeLessThan(121_000);
    }
    await later(2 * MINUTE);
    await rounds(accountId, receiver().fetch);
    expect([...(await deliveries(watch.tenant, id)), ...(await deliveries(watch.tenant, next))].map(({ status }) => status)).toEqual(
      Array(3).fill("succeeded"),
    );
  });

  test("with 410 is the last to that URL: what is for it is held until the account enables it and has it sent again", async () => {
    const hook = receiver(() => new Response("gone", { status: 410 }));
    const watch = await watched();
    const { key, accountId } = watch.tenant;
    const since = new Date(Date.now() - MINUTE).toISOString();
    const id = await succeeded(watch);
    const waiting = await succeeded(watch);
    await rounds(accountId, hook.fetch, {}, {});
    const after = await succeeded(watch);
    await rounds(accountId, hook.fetch);
    expect((await deliveries(watch.tenant, id))[0]).toMatchObject({ status: "failed", held: false });
    expect((await deliveries(watch.tenant, after))[0]).toMatchObject({ status: "pending", held: true, next_attempt_at: null });
    expect(hook.got.length).toBeLessThanOrEqual(2); // what was under way already
    const path = `/v1/webhooks/${String(watch.webhook["id"])}`;
    expect(await object(as(key, "GET", path))).toMatchObject({ enabled: false, stopped: { reason: "gone" } });
    expect((await stillAs(key, "POST", `${path}/resend`, { since })).status).toBe(409);
    expect(await object(stillAs(key, "POST", `${path}/enable`))).toMatchObject({ enabled: true, stopped: null, failures_in_a_row: 0 });
    expect(await object(stillAs(key, "POST", `${path}/resend`, { since }))).toEqual({ resent: 3, next: null });
    const good = receiver();
    await rounds(accountId, good.fetch);
    expect(good.got).toHaveLength(3);
    for (const each of [id, waiting, after]) expect((await deliveries(watch.tenant, each))[0]).toMatchObject({ status: "succeeded" });
    expect(await object(stillAs(key, "POST", `${path}/resend`, { since }))).toEqual({ resent: 0, next: null });
  });

  test("rests the endpoint after a hundred in a row over a day, not before; a success ends the row", async () => {
    const bad = receiver(() => new Response("no", { status: 500 }));
    const watch = await watched();
    const { key, accountId } = watch.tenant;
    const state = () => object(as(key, "GET", `/v1/webhooks/${String(watch.webhook["id"])}`));
    const failures = (count: number, ms: number) =>
      env.DB.prepare("UPDATE endpoints SET failures = ?, failing_since = failing_since - ?").bind(count, ms).run();
    await succeeded(watch);
    await rounds(accountId, bad.fetch);
    await failures(98, DAY);
    await succeeded(watch);
    await rounds(accountId, bad.fetch);
    expect(await state()).toMatchObject({ enabled: true, failures_in_a_row: 99 });
    await succeeded(watch);
    await rounds(accountId, receiver().fetch);
    expect(await state()).toMatchObject({ enabled: true, failures_in_a_row: 0 });
    await succeeded(watch);
    await rounds(accountId, bad.fetch);
    await failures(150, DAY - MINUTE);
    await succeeded(watch);
    await rounds(accountId, bad.fetch);
    expect(await state()).toMatchObject({ enabled: true, failures_in_a_row: 151 });
    await failures(150, MINUTE);
    await succeeded(watch);
    await rounds(accountId, bad.fetch);
    expect(await state()).toMatchObject({ enabled: false, stopped: { reason: "rested" } });
  });
});

describe("a delivery loop", () => {
  test("logs a fault of ours with its cause, tries again, and does not blame the endpoint", async () => {
    const watch = await watched();
    const { accountId, key } = watch.tenant;
    const id = await succeeded(watch);
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const presentEvent = () => Promise.reject(new TypeError("not a function of ours"));
    await rounds(accountId, receiver().fetch, { presentEvent });
    expect(JSON.parse(String(logged.mock.lastCall?.[0]))).toMatchObject({
      event: "delivery_broke",
      inference: id,
      error: "TypeError: not a function of ours",
    });
    logged.mockRestore();
    const [delivery] = await deliveries(watch.tenant, id);
    expect(delivery).toMatchObject({ status: "pending", next_attempt_at: expect.any(String) });
    expect(delivery?.attempts).toMatchObject([
      { outcome: "internal_error", status_code: null, error: expect.stringContaining("our side") },
    ]);
    expect(await object(stillAs(key, "GET", `/v1/webhooks/${String(watch.webhook["id"])}`))).toMatchObject({ failures_in_a_row: 0 });
    await later(MINUTE);
    const hook = receiver();
    await rounds(accountId, hook.fetch);
    expect(hook.got).toHaveLength(1);
  });

  test("that dies leaves a delivery that another sends under the same id, once its lease has lapsed", async () => {
    const watch = await watched();
    const { accountId } = watch.tenant;
    const id = await succeeded(watch);
    const never = receiver();
    const dead = new Promise<never>(() => undefined);
    void rounds(accountId, async (url, init) => (url === HOOK ? (await never.fetch(url, init)) && dead : never.fetch(url, init)));
    await until(
      async () => never.got.length,
      (count) => count === 1,
    );
    const hook = receiver();
    await rounds(accountId, hook.fetch);
    expect(hook.got).toHaveLength(0);
    await later(DELIVERY_LEASE_MS);
    await rounds(accountId, hook.fetch);
    expect(hook.got[0]?.headers["webhook-id"]).toBe(never.got[0]?.headers["webhook-id"]);
    expect((await deliveries(watch.tenant, id))[0]).toMatchObject({ status: "succeeded", attempts: { length: 1 } });
  });

  test("records nothing of a delivery that another has taken over", async () => {
    const watch = await watched();
    const { accountId } = watch.tenant;
    const id = await succeeded(watch);
    const slow = Promise.withResolvers<Response>();
    const first = receiver(() => slow.promise);
    const late = rounds(accountId, first.fetch);
    await until(
      async () => first.got.length,
      (count) => count === 1,
    );
    await later(DELIVERY_LEASE_MS);
    await rounds(accountId, receiver().fetch);
    slow.resolve(new Response("no", { status: 410 }));
    await late;
    expect((await deliveries(watch.tenant, id))[0]).toMatchObject({ status: "succeeded", attempts: { length: 1 } });
  });

  test("is told by the sweep of what was lost", async () => {
    const watch = await watched();
    const id = await succeeded(watch);
    const told: string[][] = [];
    expect(await sweep(still({ deliver: async (accounts) => void told.push([...accounts]) }))).toBe(true);
    expect(told).toEqual([[watch.tenant.accountId]]);
    backendIs(receiver().answer);
    await env.SWEEP.getByName("sweep").arm();
    await until(
      () => deliveries(watch.tenant, id),
      (all) => all[0]?.status === "succeeded",
    );
    expect((await deliveries(watch.tenant, id))[0]?.status).toBe("succeeded");
    expect(await sweep(still())).toBe(false);
  });

  test("of one account is not kept waiting by receivers of another that hang", async () => {
    const slow = await watched();
    for (let index = 1; index < WEBHOOKS_PER_ACCOUNT; index++) {
      await as(slow.tenant.key, "POST", "/v1/webhooks", { url: `https://slow${index}.example.com/` });
    }
    const good = await newTenant();
    await as(good.key, "POST", "/v1/webhooks", { url: "https://good.example.com/" });
    const released = new AbortController();
    const hangs = async () => {
      while (!released.signal.aborted) await scheduler.wait(20);
      return new Response("ok");
    };
    const hook = receiver(({ url }) => (url.includes("good") ? new Response("ok") : hangs()));
    backendIs(hook.answer);
    await succeeded(slow);
    await succeeded(slow);
    const hanging = () => hook.got.filter(({ url }) => !url.includes("good")).length;
    const deliver = (accounts: readonly string[]) => ports().deliver(accounts);
    await deliver([slow.tenant.accountId]);
    await until(
      async () => hanging(),
      (count) => count >= 20,
    );
    expect(hanging()).toBeGreaterThanOrEqual(20);
    await succeeded({ tenant: good, model: slow.model });
    const begun = Date.now();
    await deliver([good.accountId]);
    await until(async () => hook.got.some(({ url }) => url.includes("good")), Boolean);
    expect(Date.now() - begun).toBeLessThan(1_000);
    released.abort();
    await until(
      async () => hanging(),
      (count) => count === 2 * WEBHOOKS_PER_ACCOUNT,
    );
    expect(hanging()).toBe(2 * WEBHOOKS_PER_ACCOUNT);
    await until(
      async () => env.DB.prepare("SELECT count(*) AS count FROM deliveries WHERE status = 'succeeded'").first<number>("count"),
      (count) => count === 33,
    );
  });
});

describe("the signing secret", () => {
  test("is shown once, two are valid for a day after a rotation, and it is nowhere in the database", async () => {
    const hook = receiver();
    const watch = await watched();
    const { key, accountId } = watch.tenant;
    expect(watch.secret).toMatch(/^whsec_/);
    expect(await object(as(key, "POST", "/v1/webhooks", { url: "https://second.example.com" }))).not.toHaveProperty("secret");
    expect(await object(as(key, "GET", `/v1/webhooks/${String(watch.webhook["id"])}`))).not.toHaveProperty("secret");
    const rotated = await object(as(key, "POST", "/v1/webhooks/rotate"));
    expect(Date.parse(String(rotated["previous_valid_until"])) - Date.now()).toBeGreaterThan(DAY - MINUTE);
    const accepts = (secret: unknown, { body, headers }: Received) => {
      try {
        new StandardWebhook(String(secret)).verify(body, headers);
        new SvixWebhook(String(secret)).verify(body, headers);
        return true;
      } catch {
        return false;
      }
    };
    await succeeded(watch);
    await rounds(accountId, hook.fetch);
    const [during] = hook.got as [Received];
    expect([accepts(watch.secret, during), accepts(rotated["secret"], during)]).toEqual([true, true]);
    await later(DAY);
    await succeeded(watch);
    await rounds(accountId, hook.fetch);
    const after = hook.got.at(-1) as Received;
    expect([accepts(watch.secret, after), accepts(rotated["secret"], after)]).toEqual([false, true]);
    const rows = JSON.stringify((await env.DB.prepare("SELECT * FROM signing_secrets").all()).results);
    for (const secret of [watch.secret, String(rotated["secret"])]) expect(rows).not.toContain(secret.slice(6, 20));
  });

  test("outlives a rotation of the deployment's own secret, and is sealed anew", async () => {
    const hook = receiver();
    const watch = await watched();
    const settings = await settingsOf(env);
    const keySecrets = ["another secret of this deployment, long enough", ...settings.keySecrets];
    await succeeded(watch);
    await rounds(watch.tenant.accountId, hook.fetch, { keySecrets });
    await succeeded(watch);
    await rounds(watch.tenant.accountId, hook.fetch, { keySecrets: keySecrets.slice(0, 1) });
    expect(hook.got).toHaveLength(2);
    for (const { body, headers } of hook.got) expect(() => new StandardWebhook(watch.secret).verify(body, headers)).not.toThrow();
  });

  test("of an account that has lost it with the deployment's is left out, and the public key still vouches", async () => {
    const hook = receiver();
    const watch = await watched();
    await succeeded(watch);
    await rounds(watch.tenant.accountId, hook.fetch, { keySecrets: ["a secret that never sealed anything, long enough"] });
    expect(hook.got[0]?.headers["webhook-signature"]).toMatch(/^v1a,\S+$/);
  });
});

describe("a target that may not be called", () => {
  const urls = HOSTILE.flatMap(([reason, ...list]) => list.map((url) => [url, reason] as const)).filter(([url]) => url !== "");

  test(`is refused with its reason by each way to set one, ${urls.length} of them`, async () => {
    const { tenant, model } = await watched();
    expect(urls.length).toBeGreaterThanOrEqual(60);
    for (const [url, reason] of urls) {
      const own = await stillAs(tenant.key, "POST", "/v1/webhooks", { url });
      const given = await stillAs(tenant.key, "POST", "/v1/inferences", { model, input: {}, webhook: { url } });
      expect([url, own.status, given.status]).toEqual([url, 422, 422]);
      if (url.length < 2_000)
        expect([url, JSON.stringify(await own.json())]).toEqual([url, expect.stringContaining(JSON.stringify(reason).slice(1, -1))]);
    }
    expect(await env.DB.prepare("SELECT count(*) AS count FROM inferences").first("count")).toBe(0);
  }, 60_000);

  test("is refused for an address of its name, when it is set and when it is sent", async () => {
    const inward: ScriptedBackend = (request) =>
      request.url.startsWith(RESOLVER) ? Response.json({ Status: 0, Answer: [{ type: 1, data: "10.0.0.5" }] }) : new Response("reached");
    const watch = await watched();
    const id = await succeeded(watch);
    const reached: string[] = [];
    await rounds(watch.tenant.accountId, async (url, init) => {
      reached.push(new URL(url).hostname);
      return inward(new Request(url, init));
    });
    expect(new Set(reached)).toEqual(new Set(["cloudflare-dns.com"]));
    expect((await deliveries(watch.tenant, id))[0]).toMatchObject({
      status: "pending",
      attempts: [{ outcome: "refused", status_code: null, answer: null, error: expect.stringContaining("10.0.0.5") }],
    });
    backendIs(inward);
    const refused = await stillAs(watch.tenant.key, "POST", "/v1/webhooks", { url: "https://inward.example.com/" });
    expect([refused.status, JSON.stringify(await refused.json())]).toEqual([422, expect.stringContaining("10.0.0.5")]);
  });
});

describe("the API of webhooks", () => {
  test("makes, shows, lists, changes, tries out and removes", async () => {
    const hook = receiver(() => new Response("pong", { status: 202 }));
    const { tenant, webhook, secret } = await watched({ description: "mine", events: ["inference.failed", "inference.failed"] });
    const { key } = tenant;
    const path = `/v1/webhooks/${String(webhook["id"])}`;
    backendIs(hook.answer);
    expect(webhook).toEqual({
      id: expect.stringMatching(/^wh_[0-9A-Za-z]{16}$/),
      url: HOOK,
      events: ["inference.failed"],
      description: "mine",
      created_at: expect.any(String),
      enabled: true,
      stopped: null,
      failures_in_a_row: 0,
      failing_since: null,
      held_until: null,
      secret,
    });
    const { secret: _, ...shown } = webhook;
    expect(await object(as(key, "GET", path))).toEqual(shown);
    expect(await object(as(key, "GET", "/v1/webhooks"))).toEqual({ webhooks: [shown] });
    expect(await object(as(key, "PATCH", path, { events: ["inference.expired"], description: "", enabled: false }))).toMatchObject({
      events: ["inference.expired"],
      description: "",
      enabled: false,
      stopped: { reason: "disabled" },
    });
    expect(await object(as(key, "GET", "/v1/webhooks/endpoints"))).toMatchObject({
      endpoints: [{ url: HOOK, enabled: false }],
      next: null,
    });
    expect(await object(as(key, "POST", "/v1/webhooks/enable", { url: `${HOOK}#x` }))).toMatchObject({ url: HOOK, enabled: true });
    expect(await object(as(key, "POST", `${path}/test`))).toMatchObject({
      delivered: true,
      outcome: "answered",
      status_code: 202,
      answer: "pong",
      error: null,
    });
    const [ping] = hook.got as [Received];
    expect(() => new StandardWebhook(secret).verify(ping.body, ping.headers)).not.toThrow();
    expect(JSON.parse(ping.body)).toMatchObject({
      type: "webhook.ping",
      data: { account_id: tenant.accountId },
    });
    expect((await as(key, "DELETE", path)).status).toBe(200);
    for (const [method, at, body] of [
      ["GET", path],
      ["PATCH", path, {}],
      ["DELETE", path],
      ["POST", `${path}/test`],
      ["POST", `${path}/enable`],
      ["POST", `${path}/resend`, { since: "2026-01-01T00:00Z" }],
    ] as const) {
      expect([method, at, (await as(key, method, at, body)).status]).toEqual([method, at, 404]);
    }
  });

  test("sends ten test pings a minute at most for one account, whichever webhook they go to", async () => {
    const hook = receiver();
    const { tenant, webhook } = await watched();
    const other = await object(as(tenant.key, "POST", "/v1/webhooks", { url: "https://other.example.com/" }));
    backendIs(hook.answer);
    const answers: Response[] = [];
    for (let count = 0; count < 14; count++) {
      answers.push(await as(tenant.key, "POST", `/v1/webhooks/${String((count % 2 ? other : webhook)["id"])}/test`));
    }
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(3);
    expect(hook.got).toHaveLength(14 - refused.length);
    expect(Number(refused[0]?.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(Number(refused[0]?.headers.get("retry-after"))).toBeLessThanOrEqual(6);
    expect((await object(refused[0] ?? new Response()))["detail"]).toBe("An account may make at most 10 test pings a minute.");
  });

  test("gives out cursors of endpoints that it takes back, however long their URLs are", async () => {
    const { key, accountId } = await newTenant();
    const urls = ["a", "b", "é", "z".repeat(WEBHOOK_URL_CHARACTERS - 30)].map((path) => new URL(`https://hooks.example.com/${path}`).href);
    await env.DB.batch(
      urls.map((url) => env.DB.prepare("INSERT INTO endpoints (account_id, url, failures) VALUES (?, ?, 1)").bind(accountId, url)),
    );
    const seen: unknown[] = [];
    for (let after = "", pages = 0; pages < 10; pages++) {
      const answer = await as(key, "GET", `/v1/webhooks/endpoints?limit=1&after=${encodeURIComponent(after)}`);
      expect(answer.status).toBe(200);
      const { endpoints, next } = (await object(answer)) as { endpoints: { url: string }[]; next: string | null };
      seen.push(...endpoints.map(({ url }) => url));
      if (next === null) break;
      after = next;
    }
    expect(seen).toEqual(urls.toSorted());
    for (const after of ["https://hooks.example.com/a", "%", "_w"]) {
      const refused = await as(key, "GET", `/v1/webhooks/endpoints?after=${encodeURIComponent(after)}`);
      expect([after, refused.status]).toEqual([after, 422]);
      expect(JSON.stringify(await object(refused))).toContain("must be the cursor of another page");
    }
  });

  test("shows the deliveries of an inference page by page, keeps those of its newest events, and ends its redrives", async () => {
    const watch = await watched({ events: ["inference.failed", "inference.progress"] });
    const { tenant, model } = watch;
    const id = await queued(model, { accountId: tenant.accountId, retry: { maxAttempts: 1, initialDelayMs: 0, maxDelayMs: 0 } });
    const failure = { class: "model", code: "backend_error", message: "It broke.", status: 500 } as const;
    for (let round = 0; round * 2 < DELIVERY_EVENTS_KEPT + 5; round++) {
      if (round > 0) await stillAs(tenant.key, "POST", `/v1/inferences/${id}/redrive`);
      await db.all(changeStatements.fail(await claimed(model), failure));
    }
    const sequences: number[] = [];
    for (let after = "", pages = 0; pages < 10; pages++) {
      const path = `/v1/inferences/${id}/deliveries?limit=30&after=${after}`;
      const { deliveries: page, next } = (await object(as(tenant.key, "GET", path))) as {
        deliveries: ShownDelivery[];
        next: string | null;
      };
      expect(page.length).toBeLessThanOrEqual(30);
      sequences.push(...page.map(({ sequence }) => sequence));
      if (next === null) break;
      after = next;
    }
    const last = sequences.at(-1) ?? 0;
    expect(last).toBeGreaterThan(DELIVERY_EVENTS_KEPT);
    expect(sequences).toEqual(Array.from({ length: DELIVERY_EVENTS_KEPT }, (_, index) => last - DELIVERY_EVENTS_KEPT + 1 + index));
    expect(await countedFor(tenant.accountId)).toBe(await recountFor(tenant.accountId));
    expect((await as(tenant.key, "GET", `/v1/inferences/${id}/deliveries?after=x`)).status).toBe(422);
    await env.DB.prepare("UPDATE inferences SET attempt = ? WHERE id = ?").bind(REDRIVE_ATTEMPTS_MAX, id).run();
    const refused = await as(tenant.key, "POST", `/v1/inferences/${id}/redrive`);
    expect(refused.status).toBe(409);
    expect((await object(refused))["detail"]).toContain("submit it again");
  });

  test("keeps accounts apart, takes each URL once, and no more webhooks than an account may have", async () => {
    const watch = await watched();
    const id = await succeeded(watch);
    const stranger = await newTenant();
    const path = `/v1/webhooks/${String(watch.webhook["id"])}`;
    const [delivery] = await deliveries(watch.tenant, id);
    for (const [method, at] of [
      ["GET", path],
      ["DELETE", path],
      ["GET", `/v1/inferences/${id}/deliveries`],
      ["POST", `/v1/inferences/${id}/deliveries/${delivery?.id}/resend`],
    ] as const) {
      expect([at, (await as(stranger.key, method, at)).status]).toEqual([at, 404]);
    }
    expect((await as(watch.tenant.key, "POST", `/v1/inferences/${id}/deliveries/${delivery?.id}x/resend`)).status).toBe(404);
    expect((await as(watch.tenant.key, "POST", "/v1/webhooks", { url: `${HOOK}#again` })).status).toBe(409);
    for (let index = 1; index < WEBHOOKS_PER_ACCOUNT; index++) {
      expect((await as(watch.tenant.key, "POST", "/v1/webhooks", { url: `${HOOK}/${index}` })).status).toBe(201);
    }
    expect((await as(watch.tenant.key, "POST", "/v1/webhooks", { url: `${HOOK}/more` })).status).toBe(409);
    const reader = await newTenant({ scopes: ["read"] });
    expect((await as(reader.key, "POST", "/v1/webhooks", { url: HOOK })).status).toBe(403);
  });

  test.each([
    ["an unknown event", { url: HOOK, events: ["inference.moved"] }],
    ["no event at all", { url: HOOK, events: [] }],
    ["an unknown member", { url: HOOK, secret: "mine" }],
    ["no URL", { events: ["inference.failed"] }],
  ])("refuses %s", async (_, body) => {
    const { key } = await newTenant();
    expect((await as(key, "POST", "/v1/webhooks", body)).status).toBe(422);
  });

  test("sends one again, also one that arrived, and gives up what a removed webhook was to hear of", async () => {
    const hook = receiver();
    const watch = await watched();
    const { key, accountId } = watch.tenant;
    const id = await succeeded(watch);
    await rounds(accountId, hook.fetch);
    const [delivery] = await deliveries(watch.tenant, id);
    const again = await stillAs(key, "POST", `/v1/inferences/${id}/deliveries/${delivery?.id}/resend`);
    expect([again.status, await again.json()]).toEqual([202, expect.objectContaining({ id: delivery?.id, status: "pending" })]);
    await rounds(accountId, hook.fetch);
    expect(hook.got.map(({ headers }) => headers["webhook-id"])).toEqual([delivery?.id, delivery?.id]);
    const orphan = await succeeded(watch);
    await as(key, "DELETE", `/v1/webhooks/${String(watch.webhook["id"])}`);
    await rounds(accountId, hook.fetch);
    expect(hook.got).toHaveLength(2);
    expect((await deliveries(watch.tenant, orphan))[0]).toMatchObject({ status: "canceled" });
    const late = await stillAs(key, "POST", `/v1/inferences/${id}/deliveries/${delivery?.id}/resend`);
    expect([late.status, await late.json()]).toMatchObject([
      409,
      { code: "conflict", detail: expect.stringContaining("has been deleted") },
    ]);
    expect((await deliveries(watch.tenant, id))[0]).toMatchObject({ status: "succeeded" });
  });
});

describe("a delivery of the account's own events", () => {
  test("is sent again by the account and by its operator, and so is one of an inference", async () => {
    const hook = receiver();
    const watch = await watched({ events: ["account.budget_exceeded", "inference.canceled"] });
    const { accountId, key } = watch.tenant;
    const id = await queued(watch.model, { accountId });
    await operator("PATCH", `/accounts/${accountId}`, { monthly_budget: 0 });
    await holdBudgets(db);
    await stillAs(key, "POST", `/v1/inferences/${id}/cancel`);
    await rounds(accountId, hook.fetch);
    const { deliveries: own } = (await object(as(key, "GET", "/v1/webhooks/deliveries"))) as { deliveries: ShownDelivery[] };
    const [of, ofInference] = [own[0]?.id ?? "", (await deliveries(watch.tenant, id))[0]?.id ?? ""];
    const first = hook.got.splice(0).find(({ headers }) => headers["webhook-id"] === of);
    const ways = [
      (name: string) => stillAs(key, "POST", `/v1/webhooks/deliveries/${name}/resend`),
      (name: string) => stillAs(env.ADMIN_TOKEN, "POST", `/admin/v1/webhooks/${accountId}/deliveries/${name}/resend`),
    ];
    for (const name of [of, ofInference]) {
      for (const sent of ways) {
        const answer = await sent(name);
        expect([answer.status, await answer.json()]).toEqual([202, expect.objectContaining({ id: name, status: "pending" })]);
        await rounds(accountId, hook.fetch);
        const [again, ...others] = hook.got.splice(0);
        expect([again?.headers["webhook-id"], others]).toEqual([name, []]);
        if (name === of) expect(again?.body).toBe(first?.body);
      }
    }
    const { data } = await object(operator("GET", `/audit?target=${accountId}/${of}`));
    expect(data).toMatchObject([{ route: "/admin/v1/webhooks/{account}/deliveries/{delivery}/resend", status: 202 }]);

    const stranger = await newTenant();
    for (const answer of [
      as(stranger.key, "POST", `/v1/webhooks/deliveries/${of}/resend`),
      as(key, "POST", `/v1/webhooks/deliveries/${of.replace("_1_", "_2_")}/resend`),
      as(key, "POST", `/v1/webhooks/deliveries/${of}x/resend`),
      as(key, "POST", `/v1/inferences/${id}/deliveries/${of}/resend`),
      operator("POST", `/webhooks/${stranger.accountId}/deliveries/${of}/resend`),
      operator("POST", `/webhooks/NoAccount000/deliveries/${of}/resend`),
    ]) {
      expect((await answer).status).toBe(404);
    }
    await as(key, "PATCH", `/v1/webhooks/${String(watch.webhook["id"])}`, { enabled: false });
    expect((await as(key, "POST", `/v1/webhooks/deliveries/${of}/resend`)).status).toBe(409);
    await rounds(accountId, hook.fetch);
    expect(hook.got).toEqual([]);
  });
});

describe("in Baseten's dialect", () => {
  const statusIn = async ({ key }: Tenant, id: string) => {
    const { status, webhook_status } = await object(stillAs(key, "GET", `/async_request/${id}`));
    return [status, webhook_status];
  };
  const submitTo = async ({ tenant, model }: Watched) => {
    const path = `/baseten/${model}/production/async_predict`;
    return String((await object(stillAs(tenant.key, "POST", path, { model_input: { x: 1 }, webhook_endpoint: HOOK })))["request_id"]);
  };

  test("a webhook goes from PENDING to SUCCEEDED, its body as published and signed with the secret as it stands", async () => {
    const hook = receiver();
    const watch = await watched();
    await as(watch.tenant.key, "DELETE", `/v1/webhooks/${String(watch.webhook["id"])}`);
    const id = await submitTo(watch);
    expect(await statusIn(watch.tenant, id)).toEqual(["QUEUED", "PENDING"]);
    await db.all(changeStatements.succeed(await claimed(watch.model), DONE, 13, 1));
    expect(await statusIn(watch.tenant, id)).toEqual(["SUCCEEDED", "PENDING"]);
    await rounds(watch.tenant.accountId, hook.fetch);
    expect(await statusIn(watch.tenant, id)).toEqual(["SUCCEEDED", "SUCCEEDED"]);
    const [{ headers, body }] = hook.got as [Received];
    expect(JSON.parse(body)).toEqual({
      request_id: id,
      model_id: watch.model,
      deployment_id: watch.model,
      type: "async_request_completed",
      time: expect.any(String),
      data: { done: true },
      errors: [],
    });
    const signed = await crypto.subtle.importKey("raw", new TextEncoder().encode(watch.secret), { name: "HMAC", hash: "SHA-256" }, false, [
      "sign",
    ]);
    const mac = new Uint8Array(await crypto.subtle.sign("HMAC", signed, new TextEncoder().encode(body)));
    const hex = Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join("");
    expect(headers).toMatchObject({ "x-baseten-request-id": id, "x-baseten-signature": `v1=${hex}` });
    expect(() => new StandardWebhook(watch.secret).verify(body, headers)).not.toThrow();
  });

  test("a webhook that is given up makes a success WEBHOOK_FAILED, until it is sent again", async () => {
    const watch = await watched();
    const { key, accountId } = watch.tenant;
    const id = await submitTo(watch);
    await db.all(changeStatements.succeed(await claimed(watch.model), DONE, 13, 1));
    const gone = receiver(() => new Response("gone", { status: 410 }));
    await rounds(accountId, gone.fetch);
    expect(await statusIn(watch.tenant, id)).toEqual(["WEBHOOK_FAILED", "FAILED"]);
    const known = await stillAs(key, "GET", `/async_request/${id}`);
    expect(known.headers.get("cache-control")).toBe("private, no-cache");
    await stillAs(key, "POST", "/v1/webhooks/enable", { url: HOOK });
    const since = new Date(Date.now() - MINUTE).toISOString();
    expect(await object(stillAs(key, "POST", "/v1/webhooks/resend", { since }))).toEqual({ resent: 1, next: null });
    expect(await statusIn(watch.tenant, id)).toEqual(["SUCCEEDED", "PENDING"]);
    await rounds(accountId, receiver().fetch);
    expect(await statusIn(watch.tenant, id)).toEqual(["SUCCEEDED", "SUCCEEDED"]);
  });

  test("a webhook hears of a failure with its errors, and of a cancel nothing", async () => {
    const hook = receiver();
    const watch = await watched({ events: ["inference.started"] });
    const failing = await submitTo(watch);
    const failure = { class: "model", code: "backend_error", message: "It broke.", status: 500 } as const;
    await db.all(changeStatements.fail(await claimed(watch.model), failure));
    const canceled = await submitTo(watch);
    await stillAs(watch.tenant.key, "DELETE", `/async_request/${canceled}`);
    await rounds(watch.tenant.accountId, hook.fetch);
    const told = hook.got.filter(({ headers }) => "x-baseten-request-id" in headers).map(({ body }) => JSON.parse(body) as unknown);
    expect(told).toEqual([
      expect.objectContaining({ request_id: failing, data: null, errors: [{ code: "MODEL_PREDICT_ERROR", message: "It broke." }] }),
    ]);
    expect(await statusIn(watch.tenant, failing)).toEqual(["FAILED", "SUCCEEDED"]);
    expect(await statusIn(watch.tenant, canceled)).toEqual(["CANCELED", "CANCELED"]);
  });
});

test("in Reka's dialect a webhook is sent what the request's own URL shows", async () => {
  const hook = receiver();
  const watch = await watched({ events: ["inference.started"] });
  const { key, accountId } = watch.tenant;
  const path = `/v2/inference/${watch.model}/text-to-image`;
  for (const webhook_url of ["http://hooks.example.com/", "https://10.0.0.1/", "https://hooks.test/"]) {
    expect((await stillAs(key, "POST", path, { input: {}, webhook_url })).status).toBe(400);
  }
  const accepted = await object(
    stillAs(key, "POST", path, { input: { prompt: "a red kite" }, webhook_url: "https://other.example.com/r" }),
  );
  await db.all(changeStatements.succeed(await claimed(watch.model), DONE, 13, 1));
  await rounds(accountId, hook.fetch);
  const told = hook.got.filter(({ url }) => url.includes("other")).map(({ body }) => JSON.parse(body) as unknown);
  const shown = await object(stillAs(key, "GET", `/v2/inference/requests/${String(accepted["request_id"])}`));
  expect(shown).toMatchObject({ status: "COMPLETED", output: { done: true } });
  expect(told).toEqual([shown]);
});

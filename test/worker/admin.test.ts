/** The operator's calls: each to create, list, show, change and take away; who may not; and what is refused. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { accountStatements } from "../../src/accounts/store.ts";
import { configOf } from "../../src/config.ts";
import { mustBeOperator } from "../../src/http/guards.ts";
import { type AccountLimit, AccountMeter } from "../../src/keys/account-limit.ts";
import { KEY_PATTERN, digestOf } from "../../src/keys/key.ts";
import {
  AUDIT_MS,
  AUDIT_ROWS,
  DATABASE_BYTES,
  DATABASE_QUOTA_BYTES,
  KEY_LIMITS,
  LEASE_MS,
  OPEN_INFERENCES,
  QUOTA_BYTES,
  RETENTION_SECONDS,
} from "../../src/limits.ts";
import { claimed, ended, submitted } from "./support/inferences.ts";
import { standingClock, timePasses } from "./support/clock.ts";
import { faultyDatabase, still, stillAs, stillEnv, swept } from "./support/ports.ts";
import type { Problem } from "../../src/problem.ts";
import { retain } from "../../src/maintenance/retention.ts";
import { deliveryStatements } from "../../src/webhooks/sql/deliveries.ts";
import { backendIs, echo, publicNames } from "./support/outside.ts";
import { newBackend, newModel, newTenant } from "./support/tenants.ts";
import { as, call, object, operator, seen } from "./support/requests.ts";

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const SOME_TEXT = expect.stringMatching(/\S/);

/** Problem details (RFC 9457), as `seen` shows an answer. */
const refusal = (status: number, code: string, members: Record<string, unknown> = {}) => ({
  status,
  type: "application/problem+json",
  body: { type: "about:blank", title: SOME_TEXT, status, detail: SOME_TEXT, code, request_id: SOME_TEXT, ...members },
});

/** The answer to a call that must go well. */
async function done(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const answer = await operator(method, path, body);
  expect({ path, status: answer.status }).toEqual({ path, status: method === "POST" ? 201 : 200 });
  return object(answer);
}

/** Every row of a list, walked in pages of two. */
async function walked(path: string): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for (let after: string | null = ""; after !== null;) {
    const page = await done("GET", `${path}${path.includes("?") ? "&" : "?"}limit=2&after=${after}`);
    const data = page["data"] as Record<string, unknown>[];
    expect(data.length).toBeLessThanOrEqual(2);
    rows.push(...data);
    after = page["next_after"] as string | null;
  }
  return rows;
}

const entries = (query: string) => walked(`/audit?${query}`);
const newAccount = async () => String((await done("POST", "/accounts", { name: "Shop" }))["id"]);

describe("accounts", () => {
  test("are created, shown, renamed and removed", async () => {
    const created = await done("POST", "/accounts", { name: "  Shop " });
    const id = String(created["id"]);
    expect(created).toStrictEqual({
      id: expect.stringMatching(/^[0-9A-Za-z]{12}$/),
      name: "Shop",
      quota_bytes: QUOTA_BYTES,
      open_limit: OPEN_INFERENCES.default,
      retention_seconds: RETENTION_SECONDS.default,
      stored_bytes: 0,
      database_quota_bytes: DATABASE_QUOTA_BYTES.default,
      database_bytes: 0,
      monthly_budget: null,
      budget_warning_at: null,
      budget_state: "ok",
      created_at: TIME,
      removed_at: null,
    });
    expect(await done("GET", `/accounts/${id}`)).toStrictEqual(created);
    const renamed = { ...created, name: "Store" };
    expect(await done("PATCH", `/accounts/${id}`, { monthly_budget: 2.5, budget_warning_at: 2 })).toMatchObject({
      monthly_budget: 2.5,
      budget_warning_at: 2,
    });
    expect(await done("PATCH", `/accounts/${id}`, { monthly_budget: null, budget_warning_at: null })).toStrictEqual(created);
    expect(await done("PATCH", `/accounts/${id}`, { name: "Store" })).toStrictEqual(renamed);
    expect(await done("PATCH", `/accounts/${id}`, { quota_bytes: 5 })).toStrictEqual({ ...renamed, quota_bytes: 5 });
    expect(await done("PATCH", `/accounts/${id}`, { quota_bytes: null })).toStrictEqual(renamed);
    expect(await done("PATCH", `/accounts/${id}`, { database_quota_bytes: 0 })).toStrictEqual({ ...renamed, database_quota_bytes: 0 });
    expect(await done("PATCH", `/accounts/${id}`, { database_quota_bytes: null })).toStrictEqual(renamed);
    expect(await done("PATCH", `/accounts/${id}`, { retention_seconds: 86_400 })).toStrictEqual({ ...renamed, retention_seconds: 86_400 });
    await done("PATCH", `/accounts/${id}`, { retention_seconds: RETENTION_SECONDS.default });
    const removed = await done("DELETE", `/accounts/${id}`);
    expect(removed).toStrictEqual({ ...renamed, removed_at: TIME });
    expect(await done("DELETE", `/accounts/${id}`)).toStrictEqual(removed);
    expect(await done("GET", `/accounts/${id}`)).toStrictEqual(removed);
  });

  test("have names that a list or a terminal can show as they are", async () => {
    const oneLine = { pointer: "#/name", detail: "must be one line without control characters" };
    for (const name of ["Sh\nop", "Sh\u001b[31mop", "Shop\u0000!", "Sh\u009bop"]) {
      expect(await seen(operator("POST", "/accounts", { name }))).toMatchObject({ status: 422, body: { errors: [oneLine] } });
    }
    expect(await seen(operator("POST", "/accounts", { name: "Sh\ud800op" }))).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: "#/name", detail: "must be valid Unicode, and has half of a surrogate pair" }] },
    });
    const id = await newAccount();
    expect(await seen(operator("PATCH", `/accounts/${id}`, { name: "a\tb" }))).toMatchObject({ status: 422, body: { errors: [oneLine] } });
    expect(await seen(operator("POST", "/keys", { account_id: id, name: "a\tb" }))).toMatchObject({
      status: 422,
      body: { errors: [oneLine] },
    });
    expect(await done("POST", "/accounts", { name: "Läden 店 🏬\n" })).toMatchObject({ name: "Läden 店 🏬" });
  });

  test("that are removed can be neither renamed nor given keys", async () => {
    const id = await newAccount();
    await done("DELETE", `/accounts/${id}`);
    expect(await seen(operator("PATCH", `/accounts/${id}`, { name: "Store" }))).toStrictEqual(refusal(404, "not_found"));
    expect(await seen(operator("POST", "/keys", { account_id: id }))).toStrictEqual(refusal(404, "not_found"));
  });

  test("are listed newest first, in pages that neither leave out nor repeat one", async () => {
    const made: string[] = [];
    for (let count = 0; count < 5; count++) made.push(await newAccount());
    const [oldest = "", newest = "", ...between] = made;
    const latest = Date.now() + 1_000;
    for (const [at, ids] of [
      [latest, [oldest]],
      [latest + 1, between],
      [latest + 2, [newest]],
    ] as const) {
      for (const id of ids) await env.DB.prepare("UPDATE accounts SET created_at = ? WHERE id = ?").bind(at, id).run();
    }
    const ids = (await walked("/accounts")).map((account) => String(account["id"]));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.slice(0, 5)).toEqual([newest, ...between.toSorted().toReversed(), oldest]);
    for (const after of ["nobody", oldest.slice(0, 11)]) {
      expect(await seen(operator("GET", `/accounts?after=${after}`))).toMatchObject({ status: 422 });
    }
    const { text, params } = accountStatements.list({ createdAt: latest, id: oldest }, 2);
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${text}`)
      .bind(...params)
      .all();
    expect(results.map(({ detail }) => detail)).toEqual([expect.stringMatching(/^SEARCH accounts USING INDEX accounts_by_age/)]);
  });

  test("are not to be warned without a budget, and one that has no more has its warning again with the next", async () => {
    const never = {
      status: 422,
      body: {
        errors: [{ pointer: "#/budget_warning_at", detail: 'must come with a "monthly_budget": without one it would never be reached' }],
      },
    };
    const one = { name: "Shop", budget_warning_at: 2 };
    for (const body of [one, { ...one, monthly_budget: null }])
      expect(await seen(operator("POST", "/accounts", body))).toMatchObject(never);
    const path = `/accounts/${String((await done("POST", "/accounts", { name: "Shop" }))["id"])}`;
    expect(await seen(operator("PATCH", path, { budget_warning_at: 2 }))).toMatchObject(never);
    expect(await done("PATCH", path, { monthly_budget: 4, budget_warning_at: 2 })).toMatchObject({ budget_warning_at: 2 });
    expect(await seen(operator("PATCH", path, { monthly_budget: null, budget_warning_at: 2 }))).toMatchObject(never);
    for (const change of [{ monthly_budget: null }, { name: "Store" }, { monthly_budget: 3 }])
      expect(await done("PATCH", path, change)).toMatchObject({ ...change, budget_warning_at: 2 });
    const none = { monthly_budget: null, budget_warning_at: null };
    expect(await done("PATCH", path, none)).toMatchObject(none);
  });

  test("are not to be warned beyond their budget, however it is set", async () => {
    const beyond = (says: string) => ({ status: 422, body: { errors: [{ pointer: "#/budget_warning_at", detail: says }] } });
    expect(await seen(operator("POST", "/accounts", { name: "Shop", monthly_budget: 10, budget_warning_at: 20 }))).toMatchObject(
      beyond('must be at most "monthly_budget", which is 10, and is 20'),
    );
    const { id } = await done("POST", "/accounts", { name: "Shop", monthly_budget: 10, budget_warning_at: 10 });
    for (const change of [
      { budget_warning_at: 10.000001 },
      { monthly_budget: 9.5 },
      { name: "Store", monthly_budget: 1, budget_warning_at: 2 },
    ]) {
      const { monthly_budget, budget_warning_at } = { monthly_budget: 10, budget_warning_at: 10, ...change };
      const says = `must be at most "monthly_budget", which is ${monthly_budget}, and is ${budget_warning_at}`;
      expect(await seen(operator("PATCH", `/accounts/${String(id)}`, change))).toMatchObject(beyond(says));
    }
    expect(await done("GET", `/accounts/${String(id)}`)).toMatchObject({ name: "Shop", monthly_budget: 10, budget_warning_at: 10 });
    for (const change of [{ budget_warning_at: 3 }, { monthly_budget: 4 }, { monthly_budget: 30, budget_warning_at: 20 }]) {
      expect(await done("PATCH", `/accounts/${String(id)}`, change)).toMatchObject(change);
    }
    await env.DB.prepare("UPDATE accounts SET budget_micros = 5, warn_micros = 6 WHERE id = ?").bind(id).run(); // of an older version
    expect(await done("PATCH", `/accounts/${String(id)}`, { name: "Store" })).toMatchObject({ name: "Store" });
    await done("DELETE", `/accounts/${String(id)}`);
    expect(await seen(operator("PATCH", `/accounts/${String(id)}`, { budget_warning_at: 9 }))).toStrictEqual(refusal(404, "not_found"));
  });
});

describe("keys", () => {
  test("show their text once, when they are created, and only its digest is kept", async () => {
    const account_id = await newAccount();
    const created = await done("POST", "/keys", {
      account_id,
      name: "shop",
      scopes: ["read"],
      limits: { read: 5 },
      expires_at: "2100-01-01T02:00:00+02:00",
    });
    const { key, ...shown } = created;
    expect(String(key)).toMatch(KEY_PATTERN);
    expect(shown).toStrictEqual({
      id: expect.stringMatching(new RegExp(`^${account_id}[0-9A-Za-z]{6}$`)),
      account_id,
      name: "shop",
      scopes: ["read"],
      limits: { ...KEY_LIMITS, read: 5 },
      created_at: TIME,
      expires_at: "2100-01-01T00:00:00.000Z",
      revoked_at: null,
      last_used_at: null,
    });
    const id = String(created["id"]);
    expect(await done("GET", `/keys/${id}`)).toStrictEqual(shown);
    expect(await walked(`/keys?account_id=${account_id}`)).toStrictEqual([shown]);
    expect(await done("PATCH", `/keys/${id}`, { name: "other" })).toStrictEqual({ ...shown, name: "other" });
    expect(await done("DELETE", `/keys/${id}`)).not.toHaveProperty("key");
    const row = await env.DB.prepare("SELECT * FROM keys WHERE id = ?").bind(id).first();
    expect(row).toMatchObject({ digest: await digestOf(String(key)) });
    expect(JSON.stringify(row)).not.toContain(String(key));
  });

  test("are rotated: the new one is like the one before, which works until its time is over", async () => {
    const account_id = await newAccount();
    const old = await done("POST", "/keys", { account_id, name: "shop", scopes: ["read"], limits: { read: 5 } });
    const works = async (key: unknown) => (await as(String(key), "GET", "/v1/me")).status;
    expect(await works(old["key"])).toBe(200);
    const { key, previous, ...shown } = await done("POST", `/keys/${String(old["id"])}/rotate`); // nothing has to be said
    expect(shown).toMatchObject({ account_id, name: "shop", scopes: ["read"], limits: { ...KEY_LIMITS, read: 5 }, expires_at: null });
    expect(previous).toMatchObject({ id: old["id"], expires_at: TIME, revoked_at: null });
    expect([await works(old["key"]), await works(key)]).toEqual([200, 200]);
    const again = await done("POST", `/keys/${String(shown["id"])}/rotate`, { overlap_seconds: 0 });
    await vi.waitFor(async () => expect([await works(key), await works(again["key"])]).toEqual([401, 200]), 2_000); // a grant lives for a second
    expect(await seen(operator("POST", `/keys/${String(shown["id"])}/rotate`))).toStrictEqual(refusal(409, "conflict"));
    const empty = new ReadableStream({ start: (controller) => controller.close() }); // of a length that nobody has said
    const headers = { Authorization: `Bearer ${env.ADMIN_TOKEN}`, "Content-Type": "application/json" };
    const rotated = await call(`/admin/v1/keys/${String(again["id"])}/rotate`, { method: "POST", headers, body: empty });
    expect(rotated.status).toBe(201);
  });

  test("have every scope and the default limits where nothing else was asked", async () => {
    expect(await done("POST", "/keys", { account_id: await newAccount() })).toMatchObject({
      name: "",
      scopes: ["submit", "read", "cancel"],
      limits: KEY_LIMITS,
      expires_at: null,
    });
  });

  test("change member by member", async () => {
    const { keyId } = await newTenant({ limits: { read: 5, submit: 6, cancel: 7 }, expires_at: "2100-01-01T00:00:00Z" });
    const before = await done("GET", `/keys/${keyId}`);
    const steps: [change: Record<string, unknown>, after: Record<string, unknown>][] = [
      [{}, {}],
      [{ limits: { submit: 60 } }, { limits: { read: 5, submit: 60, cancel: 7 } }],
      [{ limits: {} }, {}],
      [{ scopes: ["cancel"] }, { scopes: ["cancel"] }],
      [{ expires_at: null }, { expires_at: null }],
      [{ name: "n" }, { name: "n" }],
    ];
    const expected = { ...before };
    for (const [change, after] of steps) {
      Object.assign(expected, after);
      expect(await done("PATCH", `/keys/${keyId}`, change)).toStrictEqual(expected);
    }
    expect(await done("GET", `/keys/${keyId}`)).toStrictEqual(expected);
  });

  test("are revoked once and for all", async () => {
    const { keyId } = await newTenant();
    const revoked = await done("DELETE", `/keys/${keyId}`);
    expect(revoked).toMatchObject({ id: keyId, revoked_at: TIME });
    expect(await done("DELETE", `/keys/${keyId}`)).toStrictEqual(revoked);
    expect(await done("GET", `/keys/${keyId}`)).toStrictEqual(revoked);
    expect(await seen(operator("PATCH", `/keys/${keyId}`, { name: "alive" }))).toStrictEqual(refusal(404, "not_found"));
  });

  test("of an account are listed newest first, in pages, and no other account's", async () => {
    const { accountId, keyId } = await newTenant();
    const other = await newTenant();
    const made = [keyId];
    for (let count = 0; count < 4; count++) made.push(String((await done("POST", "/keys", { account_id: accountId }))["id"]));
    const [oldest = "", newest = "", ...between] = made;
    for (const [at, ids] of [
      [1, [oldest]],
      [2, between],
      [3, [newest]],
    ] as const) {
      for (const id of ids)
        await env.DB.prepare("UPDATE keys SET created_at = ? WHERE account_id = ? AND id = ?").bind(at, accountId, id).run();
    }
    const listed = (await walked(`/keys?account_id=${accountId}`)).map((key) => String(key["id"]));
    expect(listed).toEqual([newest, ...between.toSorted().toReversed(), oldest]);
    for (const after of [other.keyId, `${accountId}000000`, "x"]) {
      expect(await seen(operator("GET", `/keys?account_id=${accountId}&after=${after}`))).toMatchObject({ status: 422 });
    }
  });

  test("read as revoked wherever they are shown once their account is removed", async () => {
    const { accountId, keyId } = await newTenant();
    const { removed_at } = await done("DELETE", `/accounts/${accountId}`);
    expect(await done("GET", `/keys/${keyId}`)).toMatchObject({ revoked_at: removed_at });
    expect(await walked(`/keys?account_id=${accountId}`)).toMatchObject([{ revoked_at: removed_at }]);
  });
});

describe("models", () => {
  test("are created, shown, changed and removed", async () => {
    const name = `m.${crypto.randomUUID()}`;
    const created = await done("POST", "/models", { name, description: "Colours", versions: ["1", "2", "1"], default_version: "1" });
    expect(created).toStrictEqual({
      name,
      description: "Colours",
      versions: ["1", "2"],
      default_version: "1",
      account_concurrency: null,
      capabilities: [],
      output_files: [],
      max_output_bytes: 2 ** 30,
      price: { per_second: 0, per_token: 0, per_inference: 0 },
      created_at: TIME,
    });
    expect(await done("GET", `/models/${name}`)).toStrictEqual(created);
    const changed = { ...created, description: "", versions: ["2", "3"], default_version: "3" };
    expect(await done("PATCH", `/models/${name}`, { description: "", versions: ["2", "3"] })).toStrictEqual(changed);
    expect(await done("PATCH", `/models/${name}`, { default_version: "2" })).toStrictEqual({ ...changed, default_version: "2" });
    const bounded = { ...changed, default_version: "2", account_concurrency: 3 };
    expect(await done("PATCH", `/models/${name}`, { account_concurrency: 3 })).toStrictEqual(bounded);
    expect(await done("PATCH", `/models/${name}`, {})).toStrictEqual(bounded);
    expect(await done("PATCH", `/models/${name}`, { account_concurrency: null })).toMatchObject({ account_concurrency: null });
    expect(await done("DELETE", `/models/${name}`)).toStrictEqual({ name, removed: true });
    expect(await seen(operator("GET", `/models/${name}`))).toStrictEqual(refusal(404, "not_found"));
  });

  test("change member by member, also when two are changed at once", async () => {
    const name = await newModel({ versions: ["1"] });
    await Promise.all([
      done("PATCH", `/models/${name}`, { description: "Colours" }),
      done("PATCH", `/models/${name}`, { price: { per_token: 0.5 } }),
      done("PATCH", `/models/${name}`, { versions: ["1", "2"] }),
      done("PATCH", `/models/${name}`, { account_concurrency: 7 }),
    ]);
    expect(await done("GET", `/models/${name}`)).toMatchObject({
      description: "Colours",
      price: { per_token: 0.5 },
      versions: ["1", "2"],
      account_concurrency: 7,
    });
  });

  test("take the last version for the default, or have neither", async () => {
    const name = `m-${crypto.randomUUID()}`;
    expect(await done("POST", "/models", { name, versions: ["a", "b"] })).toMatchObject({ default_version: "b" });
    expect(await done("PATCH", `/models/${name}`, { versions: ["a", "b", "c"] })).toMatchObject({ default_version: "b" });
    expect(await done("PATCH", `/models/${name}`, { versions: [] })).toMatchObject({ versions: [], default_version: null });
  });

  test("have a name of their own", async () => {
    const name = await newModel({ description: "first" });
    expect(await seen(operator("POST", "/models", { name, description: "second" }))).toStrictEqual(refusal(409, "conflict"));
    expect(await done("GET", `/models/${name}`)).toMatchObject({ description: "first" });
  });

  test("are not removed while a backend serves them", async () => {
    const name = await newModel();
    const backend = await newBackend(name);
    expect(await seen(operator("DELETE", `/models/${name}`))).toStrictEqual(refusal(409, "conflict"));
    expect(await done("GET", `/models/${name}`)).toMatchObject({ name });
    await done("DELETE", `/backends/${backend}`);
    await done("DELETE", `/models/${name}`);
  });

  test("are listed in pages that neither leave out nor repeat one", async () => {
    const made = [await newModel(), await newModel(), await newModel()];
    const names = (await walked("/models")).map((model) => String(model["name"]));
    expect(names).toEqual([...new Set(names)].toSorted());
    for (const name of made) expect(names).toContain(name);
  });

  test("may be submitted to as soon as they are there, and not once they are gone", async () => {
    const { key } = await newTenant();
    const name = await newModel();
    await submitted(key, name);
    await done("DELETE", `/models/${name}`);
    expect((await as(key, "POST", "/v1/inferences", { model: name, input: 1 })).status).toBe(404);
  });
});

describe("backends", () => {
  test("are created, shown, changed and removed", async () => {
    const model = await newModel({ versions: ["1", "2"] });
    const created = await done("POST", "/backends", { model, url: "https://gpu.test:8443/base//", protocol: "oip" });
    const id = String(created["id"]);
    expect(created).toStrictEqual({
      id: expect.stringMatching(/^be_[0-9A-Za-z]{12}$/),
      model,
      version: "2",
      url: "https://gpu.test:8443/base",
      protocol: "oip",
      remote_model: model,
      credential: null,
      ready_path: null,
      state: "active",
      max_concurrency: 1,
      timeout_seconds: 600,
      in_progress: 0,
      circuit: "closed",
      failures: 0,
      failures_of: null,
      rested_until: null,
      since: null,
      last_error: null,
      mean_run_ms: null,
      files: "url",
      created_at: TIME,
    });
    expect(await done("GET", `/backends/${id}`)).toStrictEqual(created);
    const change = {
      url: "http://10.0.0.1",
      ready_path: "/health?deep=1",
      remote_model: "resnet",
      state: "paused",
      max_concurrency: 10_000,
      timeout_seconds: 840,
    };
    expect(await done("PATCH", `/backends/${id}`, change)).toStrictEqual({ ...created, ...change });
    expect(await done("PATCH", `/backends/${id}`, {})).toStrictEqual({ ...created, ...change });
    expect(await done("PATCH", `/backends/${id}`, { ready_path: null })).toMatchObject({ ready_path: null, remote_model: "resnet" });
    expect(await done("DELETE", `/backends/${id}`)).toStrictEqual({ id, removed: true });
    expect(await seen(operator("GET", `/backends/${id}`))).toStrictEqual(refusal(404, "not_found"));
  });

  test("say when they are registered and whenever they are shown that the deployment lacks their secret", async () => {
    const warnings = [expect.stringContaining("BACKEND_ABSENT")];
    const credential = { kind: "bearer", secret: "BACKEND_ABSENT" };
    const created = await done("POST", "/backends", { model: await newModel(), url: "https://gpu.test", protocol: "oip", credential });
    expect(created).toMatchObject({ credential, warnings });
    const path = `/backends/${String(created["id"])}`;
    expect(await done("GET", path)).toStrictEqual(created);
    expect(await done("PATCH", path, { credential: null })).not.toHaveProperty("warnings");
    expect(await done("PATCH", path, { credential: { ...credential, kind: "basic" } })).toMatchObject({ warnings });
    expect((await walked("/backends")).find(({ id }) => id === created["id"])).toMatchObject({ warnings });
  });

  test("of one model, or of all, are listed in pages", async () => {
    const [model, other] = [await newModel(), await newModel()];
    const made = [await newBackend(model), await newBackend(model), await newBackend(model)];
    const others = await newBackend(other);
    const idsOf = async (path: string) => (await walked(path)).map((backend) => String(backend["id"]));
    expect(await idsOf(`/backends?model=${model}`)).toEqual(made.toSorted());
    const all = await idsOf("/backends");
    expect(new Set(all).size).toBe(all.length);
    for (const id of [...made, others]) expect(all).toContain(id);
  });

  test("are given nothing while they are paused, and all that waits once they are active", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const paused = await newBackend(model, { state: "paused", url: "https://paused.gpu.test" });
    const asked: string[] = [];
    backendIs((request) => {
      asked.push(new URL(request.url).host);
      return echo(request);
    });
    const active = await newBackend(model, { url: "https://active.gpu.test" });
    await ended(key, await submitted(key, model));
    await done("PATCH", `/backends/${active}`, { state: "draining" });
    await done("PATCH", `/backends/${paused}`, { state: "active" });
    await ended(key, await submitted(key, model));
    expect(asked).toEqual(["active.gpu.test", "paused.gpu.test"]);
  });

  test("wake a runner for each slot as soon as they take work, and none while they do not", async () => {
    const model = await newModel({ versions: ["1"] });
    const woken: unknown[] = [];
    const listening = stillEnv({
      WAKE_UPS: { sendBatch: async (batch: { body: unknown }[]) => void woken.push(...batch.map(({ body }) => body)) },
    });
    const told = (method: string, path: string, body: unknown) => stillAs(env.ADMIN_TOKEN, method, `/admin/v1${path}`, body, {}, listening);
    const lane = { model, version: "1" };
    const backend = { model, url: "https://gpu.test", protocol: "oip", state: "paused", max_concurrency: 2 };
    const { id } = await object(told("POST", "/backends", backend));
    expect(woken).toEqual([]);
    await told("PATCH", `/backends/${String(id)}`, { state: "active" });
    expect(woken.splice(0)).toEqual([lane, lane]);
    await told("PATCH", `/backends/${String(id)}`, { max_concurrency: 10_000 });
    expect(woken.splice(0)).toHaveLength(20);
    await told("PATCH", `/backends/${String(id)}`, { state: "draining" });
    expect(woken).toEqual([]);
    await told("POST", "/backends", { ...backend, state: "active" });
    expect(woken).toEqual([lane, lane]);
  });

  test("with a free slot have a submit wake a runner; with none it wakes nobody, since whoever frees one takes what waits", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const woken: unknown[] = [];
    const listening = stillEnv({
      WAKE_UPS: { sendBatch: async (batch: { body: unknown }[]) => void woken.push(...batch.map(({ body }) => body)) },
    });
    const submit = async () => {
      const answer = await stillAs(key, "POST", "/v1/inferences", { model, input: {} }, {}, listening);
      expect(answer.status).toBe(202);
      return woken.splice(0);
    };
    const lane = { model, version: "" };
    expect(await submit()).toEqual([]);
    const id = await newBackend(model, { state: "paused", max_concurrency: 2 });
    expect(await submit()).toEqual([]);
    await env.DB.prepare("UPDATE backends SET state = 'active' WHERE id = ?").bind(id).run();
    expect(await submit()).toEqual([lane]);
    expect(await submit()).toEqual([lane]); // nobody has claimed anything yet
    await claimed(model, "first");
    expect(await submit()).toEqual([lane]);
    await claimed(model, "second");
    expect(await submit()).toEqual([]);
    await timePasses(model, LEASE_MS); // both runners are lost
    expect(await submit()).toEqual([lane]);
  });

  describe("asked whether they are ready", () => {
    const ready = async (script: (request: Request) => Response, more: Record<string, unknown> = {}) => {
      const model = await newModel(more["version"] === undefined ? {} : { versions: [more["version"]] });
      const id = await newBackend(model, { url: "https://gpu.test/base", remote_model: "res net", ...more });
      const asked: string[] = [];
      backendIs((request) => {
        asked.push(`${request.method} ${request.url}`);
        return script(request);
      });
      const answer = await done("GET", `/backends/${id}/ready`);
      return { id, asked: asked.toSorted(), answer };
    };
    const METADATA = { name: "res net", platform: "onnx" };

    test("say so, with what they say of themselves", async () => {
      const { id, asked, answer } = await ready((request) =>
        request.url.endsWith("/ready") ? new Response(null, { status: 200 }) : Response.json(METADATA),
      );
      expect(answer).toStrictEqual({ id, ready: true, detail: null, metadata: METADATA });
      expect(asked).toEqual(["GET https://gpu.test/base/v2/models/res%20net", "GET https://gpu.test/base/v2/models/res%20net/ready"]);
    });

    test("are asked about their version", async () => {
      const { asked } = await ready(() => Response.json({}), { version: "v2" });
      expect(asked).toEqual([
        "GET https://gpu.test/base/v2/models/res%20net/versions/v2",
        "GET https://gpu.test/base/v2/models/res%20net/versions/v2/ready",
      ]);
    });

    test.each<[string, () => Response, RegExp]>([
      ["503 with a reason", () => Response.json({ error: "loading" }, { status: 503 }), /answered 503: loading/],
      ["404 without one", () => new Response("no", { status: 404 }), /answered 404/],
      ["400", () => Response.json({ error: "unready" }, { status: 400 }), /answered 400: unready/],
      [
        "nothing",
        () => {
          throw new TypeError("connection refused by 10.0.0.7");
        },
        /^The backend could not be reached\.$/,
      ],
    ])("are not when the answer is %s", async (_name, answerOf, detail) => {
      const { id, answer } = await ready((request) => (request.url.endsWith("/ready") ? answerOf() : Response.json(METADATA)));
      expect(answer).toStrictEqual({ id, ready: false, detail: expect.stringMatching(detail), metadata: METADATA });
    });

    test("are not asked at all without the secret that they need, whose name is told", async () => {
      const { id, asked, answer } = await ready(() => new Response(null), { credential: { kind: "bearer", secret: "BACKEND_KEY" } });
      expect(asked).toEqual([]);
      expect(answer).toStrictEqual({ id, ready: false, detail: expect.stringContaining("BACKEND_KEY"), metadata: null });
    });

    test.each([
      ["oip", "https://gpu.test/base", "/health", "https://gpu.test/health"],
      ["openai", "https://gpu.test/base/v1", "/base/health?deep=1", "https://gpu.test/base/health?deep=1"],
      ["http", "https://gpu.test/base/predict", "/", "https://gpu.test/"],
    ])("are asked at their ready_path, whatever they speak: %s", async (protocol, url, ready_path, at) => {
      const status = { now: 200 };
      const { id, answer, asked } = await ready((request) => new Response("down", { status: request.url === at ? status.now : 500 }), {
        protocol,
        url,
        ready_path,
      });
      expect(answer).toMatchObject({ ready: true, detail: null });
      expect(asked).toContain(`GET ${at}`);
      status.now = 404;
      expect(await done("GET", `/backends/${id}/ready`)).toMatchObject({ ready: false, detail: "The backend answered 404: down" });
    });

    test.each([
      ["openai", "https://gpu.test/base/v1", ["GET https://gpu.test/base/v1/models"]],
      [
        "oip",
        "https://gpu.test/base/v2",
        ["GET https://gpu.test/base/v2/models/res%20net", "GET https://gpu.test/base/v2/models/res%20net/ready"],
      ],
    ])("are asked below their URL, whose own version counts once: %s", async (protocol, url, at) => {
      const { answer, asked } = await ready(() => Response.json({}), { protocol, url });
      expect(answer).toMatchObject({ ready: true });
      expect(asked).toEqual(at);
    });

    test.each<[string, string[], true | RegExp]>([
      ["its name", ["other", "res net"], true],
      ["its name with Ollama's usual tag", ["res net:latest"], true],
      ["nothing", [], true],
      ["others", ["meta/llama", "res net:8b"], /does not list the model "res net".* lists "meta\/llama", "res net:8b"\./],
      ["many others", ["a", "b", "c", "d", "e", "f", "g"], /"e" and 2 more\./],
    ])("and speak OpenAI's API, are by a list that has %s", async (_what, ids, detail) => {
      const data = ids.map((id) => ({ id, object: "model" }));
      const { answer } = await ready(() => Response.json({ object: "list", data }), { protocol: "openai" });
      expect(answer).toMatchObject(
        detail === true ? { ready: true, detail: null } : { ready: false, detail: expect.stringMatching(detail) },
      );
    });

    test.each([
      [200, true],
      [400, true],
      [403, true],
      [405, true],
      [501, true],
      [401, false],
      [404, false],
      [410, false],
      [502, false],
      [503, false],
    ])("and take JSON by POST, are by a GET of their URL that is answered %s: %s", async (status, isReady) => {
      const { answer, asked } = await ready(() => new Response(null, { status }), { protocol: "http", url: "https://gpu.test/predict" });
      expect(answer).toMatchObject({ ready: isReady, detail: isReady ? null : expect.stringContaining(`answered ${status}`) });
      expect(asked).toEqual(["GET https://gpu.test/predict"]);
    });

    test("may have nothing to say of themselves", async () => {
      for (const said of [() => new Response("<html>"), () => new Response(null, { status: 404 })]) {
        const { id, answer } = await ready((request) => (request.url.endsWith("/ready") ? new Response(null) : said()));
        expect(answer).toStrictEqual({ id, ready: true, detail: null, metadata: null });
      }
    });
  });
});

/** Every operator's route with an id that nothing has, and a body that would do. */
const ROUTES: [method: string, path: string, body?: unknown][] = [
  ["POST", "/accounts", { name: "x" }],
  ["GET", "/accounts"],
  ["GET", "/accounts/nobody"],
  ["PATCH", "/accounts/nobody", { name: "x" }],
  ["DELETE", "/accounts/nobody"],
  ["POST", "/keys", { account_id: "nobody" }],
  ["GET", "/keys?account_id=nobody"],
  ["GET", "/keys/nobody"],
  ["PATCH", "/keys/nobody", { name: "x" }],
  ["DELETE", "/keys/nobody"],
  ["POST", "/models", { name: "a-model-that-nobody-made" }],
  ["GET", "/models"],
  ["GET", "/models/nothing"],
  ["PATCH", "/models/nothing", { description: "x" }],
  ["DELETE", "/models/nothing"],
  ["POST", "/backends", { model: "nothing", url: "https://gpu.test", protocol: "oip" }],
  ["GET", "/backends"],
  ["GET", "/backends/nothing"],
  ["GET", "/backends/nothing/ready"],
  ["PATCH", "/backends/nothing", { state: "paused" }],
  ["DELETE", "/backends/nothing"],
  ["POST", "/redrive", { model: "nothing" }],
  ["POST", "/recover"],
];

describe("who may make an operator's call", () => {
  describe.each(ROUTES)("%s %s", (method, path, body) => {
    test.each<[string, () => Promise<Record<string, string>>]>([
      ["no token", async () => ({})],
      ["another token", async () => ({ Authorization: "Bearer an-admin-token-for-tests-of-40-character2" })],
      ["the token and something more", async () => ({ Authorization: `Bearer ${env.ADMIN_TOKEN}x` })],
      ["the token cut short", async () => ({ Authorization: `Bearer ${env.ADMIN_TOKEN.slice(0, -1)}` })],
      ["the token under another scheme", async () => ({ Authorization: `Token ${env.ADMIN_TOKEN}` })],
      ["the token as an API key", async () => ({ "X-Api-Key": env.ADMIN_TOKEN })],
      ["an account's key", async () => ({ Authorization: `Bearer ${(await newTenant()).key}` })],
    ])("not with %s", async (_name, headersOf) => {
      const answer = await call(`/admin/v1${path}`, {
        method,
        headers: { "Content-Type": "application/json", ...(await headersOf()) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer realm="/);
      expect(await seen(answer)).toStrictEqual(refusal(401, "invalid_admin_token"));
    });
  });

  test("not from an address that has guessed 20 times in a minute, whatever it sends then; each guess is logged", async () => {
    const lines = vi.spyOn(console, "log").mockImplementation(() => {});
    const guess = (token: string, from: string) =>
      call("/admin/v1/accounts", { headers: { Authorization: `Bearer ${token}`, "CF-Connecting-IP": from } });
    const guesser = `2001:db8:${Math.floor(Math.random() * 1e4)}:1:`;
    const statuses: number[] = [];
    for (let count = 0; count < 21; count++) statuses.push((await guess(`a-guess-${count}`, `${guesser}:${count}`)).status);
    const logged = lines.mock.calls.filter(([line]) => String(line).includes("admin_token_refused"));
    lines.mockRestore();
    expect(statuses).toEqual([...Array.from({ length: 20 }, () => 401), 429]);
    expect(logged.length).toBe(21);
    expect(logged.join()).not.toContain("a-guess");
    const blocked = await guess(env.ADMIN_TOKEN, `${guesser}:1`);
    expect([blocked.status, Number(blocked.headers.get("retry-after")) > 0]).toEqual([429, true]);
    expect((await guess(env.ADMIN_TOKEN, "192.0.2.1")).status).toBe(200);
  });

  test("not from an address that guesses on, which is told each time how long it has yet to wait", async () => {
    const lines = vi.spyOn(console, "log").mockImplementation(() => {});
    const clock = standingClock();
    const from = clock.now();
    const meter = new AccountMeter(() => clock.now());
    const headers = { Authorization: "Bearer a-guess", "CF-Connecting-IP": "192.0.2.77" };
    const asked = {
      request: new Request("http://claimcheck.test/admin/v1/accounts", { headers }),
      config: configOf(env),
      requestId: crypto.randomUUID(),
      ports: still({ clock }),
      accountMeter: async (_address: string, limit: AccountLimit) => meter.take(limit),
    };
    const guess = () =>
      mustBeOperator(asked).then(
        () => "taken",
        (error: Problem) => error.headers["Retry-After"] ?? error.status,
      );
    for (let count = 0; count < 20; count++) expect(await guess()).toBe(401);
    const told = [];
    for (; clock.now() < from + 4_000; clock.advance(500)) told.push(await guess());
    expect(told).toEqual(["3", "3", "2", "2", "1", "1", 401, "3"]);
    lines.mockRestore();
  });

  test("not with a token of fewer than 32 characters: the deployment answers nothing until it has one, and logs why", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const askedWith = (token: string) =>
      stillAs(token, "GET", "/admin/v1/accounts", undefined, {}, stillEnv({ ADMIN_TOKEN: token })).then(({ status }) => status);
    expect([await askedWith("x".repeat(31)), await askedWith("x".repeat(32))]).toEqual([500, 200]);
    expect(JSON.stringify(logged.mock.calls)).toMatch(/ADMIN_TOKEN.*at least 32 characters/);
    logged.mockRestore();
  });

  test("leaves nothing behind when refused", async () => {
    const { key } = await newTenant();
    const name = `model-${crypto.randomUUID()}`;
    expect((await as(key, "POST", "/admin/v1/models", { name })).status).toBe(401);
    expect(await seen(operator("GET", `/models/${name}`))).toStrictEqual(refusal(404, "not_found"));
  });
});

describe("an operator's call that is refused", () => {
  const ABSENT = ROUTES.filter(([, path]) => /\/(?:nobody|nothing)/.test(path));

  test.each(ABSENT)("%s %s finds nothing", async (method, path, body) => {
    expect(await seen(operator(method, path, body))).toStrictEqual(refusal(404, "not_found"));
  });

  test("makes no key for an account that is not there", async () => {
    expect(await seen(operator("POST", "/keys", { account_id: "nobody" }))).toStrictEqual(refusal(404, "not_found"));
  });

  const account = { account_id: "nobody" };
  const backend = { model: "m", url: "https://gpu.test", protocol: "oip" };
  test.each<[method: string, path: string, body: unknown, ...pointers: string[]]>([
    ["POST", "/accounts", {}, "#/name"],
    ["POST", "/accounts", { name: "" }, "#/name"],
    ["POST", "/accounts", { name: "  " }, "#/name"],
    ["POST", "/accounts", { name: 5 }, "#/name"],
    ["POST", "/accounts", { name: "n".repeat(129) }, "#/name"],
    ["POST", "/accounts", { name: "x", id: "mine" }, "#/id"],
    ["POST", "/accounts", [], "#"],
    ["PATCH", "/accounts/nobody", {}, "#"],
    ["PATCH", "/accounts/nobody", { quota_bytes: -1 }, "#/quota_bytes"],
    ["PATCH", "/accounts/nobody", { database_quota_bytes: DATABASE_BYTES + 1 }, "#/database_quota_bytes"],
    ["POST", "/keys", {}, "#/account_id"],
    ["POST", "/keys", { ...account, scopes: [] }, "#/scopes"],
    ["POST", "/keys", { ...account, scopes: ["read", "admin"] }, "#/scopes/1"],
    ["POST", "/keys", { ...account, limits: { read: 0 } }, "#/limits/read"],
    ["POST", "/keys", { ...account, limits: { submit: 10_001, cancel: 1.5 } }, "#/limits/submit", "#/limits/cancel"],
    ["POST", "/keys", { ...account, limits: { write: 1 } }, "#/limits/write"],
    ["POST", "/keys", { ...account, expires_at: "tomorrow" }, "#/expires_at"],
    ["POST", "/keys", { ...account, expires_at: "2100-01-01" }, "#/expires_at"],
    ["POST", "/keys", { ...account, expires_at: 4_102_444_800 }, "#/expires_at"],
    ["POST", "/keys", { ...account, revoked_at: null }, "#/revoked_at"],
    ["PATCH", "/keys/nobody", { account_id: "x" }, "#/account_id"],
    ["PATCH", "/keys/nobody", { limits: { read: -1 } }, "#/limits/read"],
    ["POST", "/models", {}, "#/name"],
    ["POST", "/models", { name: "a//b" }, "#/name"],
    ["POST", "/models", { name: "" }, "#/name"],
    ["POST", "/models", { name: ".hidden" }, "#/name"],
    ["POST", "/models", { name: "m".repeat(129) }, "#/name"],
    ["POST", "/models", { name: "m1", versions: ["1", "a b"] }, "#/versions/1"],
    ["POST", "/models", { name: "m1", versions: ["1"], default_version: "2" }, "#/default_version"],
    ["POST", "/models", { name: "m1", default_version: "1" }, "#/default_version"],
    ["POST", "/models", { name: "m1", description: "x".repeat(1_001) }, "#/description"],
    ["PATCH", "/models/nothing", { name: "other" }, "#/name"],
    ["POST", "/backends", {}, "#/url", "#/model", "#/protocol"],
    ["POST", "/backends", backend, "#/model"],
    ["POST", "/backends", { ...backend, protocol: "grpc" }, "#/protocol"],
    ["POST", "/backends", { ...backend, url: "gpu.test" }, "#/url"],
    ["POST", "/backends", { ...backend, url: "ftp://gpu.test" }, "#/url"],
    ["POST", "/backends", { ...backend, url: "javascript:alert(1)" }, "#/url"],
    ["POST", "/backends", { ...backend, url: "https://me:secret@gpu.test" }, "#/url"],
    ["POST", "/backends", { ...backend, url: "https://gpu.test/?a=1" }, "#/url"],
    ["POST", "/backends", { ...backend, url: "https://gpu.test/#a" }, "#/url"],
    ["POST", "/backends", { ...backend, max_concurrency: 0 }, "#/max_concurrency"],
    ["POST", "/backends", { ...backend, max_concurrency: 10_001 }, "#/max_concurrency"],
    ["POST", "/backends", { ...backend, timeout_seconds: 0 }, "#/timeout_seconds"],
    ["POST", "/backends", { ...backend, timeout_seconds: 841 }, "#/timeout_seconds"],
    ["POST", "/backends", { ...backend, state: "broken" }, "#/state"],
    ["POST", "/backends", { ...backend, ready_path: "health" }, "#/ready_path"],
    ["POST", "/backends", { ...backend, ready_path: "//evil.test/health" }, "#/ready_path"],
    ["POST", "/backends", { ...backend, ready_path: "/\\evil.test" }, "#/ready_path"],
    ["POST", "/backends", { ...backend, ready_path: "https://evil.test" }, "#/ready_path"],
    ["POST", "/backends", { ...backend, credential: "secret" }, "#/credential"],
    ["POST", "/backends", { ...backend, credential: { kind: "bearer", secret: "ADMIN_TOKEN" } }, "#/credential/secret"],
    ["POST", "/backends", { ...backend, credential: { kind: "basic", secret: "KEY_SECRET" } }, "#/credential/secret"],
    [
      "POST",
      "/backends",
      { ...backend, credential: { kind: "header", header: "X-Key: 1\r\nHost", secret: "BACKEND_KEY" } },
      "#/credential/header",
    ],
    ["POST", "/redrive", {}, "#"],
    ["POST", "/redrive", { dry_run: true }, "#"],
    ["POST", "/redrive", { status: "succeeded" }, "#/status"],
    ["PATCH", "/backends/nothing", { url: "nowhere" }, "#/url"],
    ["PATCH", "/backends/nothing", { credential: { kind: "bearer", secret: "ADMIN_TOKEN" } }, "#/credential/secret"],
    ["PATCH", "/backends/nothing", { model: "m" }, "#/model"],
  ])("%s %s %j points to what is wrong", async (method, path, body, ...pointers) => {
    const { errors = [], ...rest } = await object(operator(method, path, body));
    expect(rest).toMatchObject({ status: 422, code: "invalid_input" });
    const found = (errors as { pointer: string; detail: string }[]).map((fault) => fault.pointer);
    expect(new Set(found)).toEqual(new Set(pointers));
  });

  test.each<[string, Record<string, unknown>]>([
    ["a version that its model lacks", { version: "3" }],
    ["a version where its model has none", { version: "1" }],
  ])("makes no backend for %s", async (name, more) => {
    const model = await newModel(name.includes("lacks") ? { versions: ["1"] } : {});
    const body = { model, url: "https://gpu.test", protocol: "oip", ...more };
    const errors = [{ pointer: "#/version", detail: SOME_TEXT }];
    expect(await seen(operator("POST", "/backends", body))).toStrictEqual(refusal(422, "invalid_input", { errors }));
  });

  test("changes no model to a default that is not among its versions", async () => {
    const model = await newModel({ versions: ["1"] });
    const errors = [{ pointer: "#/default_version", detail: 'must be one of "versions", and is "2"' }];
    const answer = seen(operator("PATCH", `/models/${model}`, { default_version: "2" }));
    expect(await answer).toStrictEqual(refusal(422, "invalid_input", { errors }));
  });

  test.each(["/accounts?limit=0", "/accounts?limit=101", "/models?limit=x", "/backends?limit=1.5", "/keys?account_id=x&limit=-1"])(
    "has no page at %s",
    async (path) => {
      const errors = [{ pointer: "#/limit", detail: SOME_TEXT }];
      expect(await seen(operator("GET", path))).toStrictEqual(refusal(422, "invalid_input", { errors }));
    },
  );

  test("has no page behind the half of a backend's id", async () => {
    const errors = [{ pointer: "#/after", detail: SOME_TEXT }];
    expect(await seen(operator("GET", "/backends?after=be_0123"))).toStrictEqual(refusal(422, "invalid_input", { errors }));
  });

  test.each([
    ["GET", "/accounts?limits=5"],
    ["GET", "/accounts/nobody?verbose=1"],
    ["GET", "/backends?modle=x"],
    ["DELETE", "/backends/nothing?force=true"],
    ["POST", "/recover?started_before=2020"],
  ])("%s %s is refused for a query parameter that nothing reads", async (method, path) => {
    const answer = await seen(operator(method, path, method === "POST" ? { started_before: "2020-01-01T00:00:00Z" } : undefined));
    expect(answer).toMatchObject({ status: 400, body: { code: "bad_request" } });
    expect((answer.body as { detail: string }).detail).toContain(path.replace(/.*\?(\w+)=.*/, "$1"));
  });

  test("lists no keys without an account", async () => {
    const errors = [{ pointer: "#/account_id", detail: "is missing" }];
    expect(await seen(operator("GET", "/keys"))).toStrictEqual(refusal(422, "invalid_input", { errors }));
  });

  test.each<[string, string, Record<string, string>, number, string]>([
    ["nothing", "", {}, 400, "bad_json"],
    ["half an object", "{", {}, 400, "bad_json"],
    ["plain text", "x", { "Content-Type": "text/plain" }, 415, "unsupported_media_type"],
    ["more than an operator has to say", JSON.stringify({ name: "x".repeat(64 * 1024) }), {}, 413, "body_too_large"],
  ])("takes no body of %s", async (_name, body, headers, status, code) => {
    const answer = as(env.ADMIN_TOKEN, "POST", "/admin/v1/accounts", body, headers);
    expect(await seen(answer)).toStrictEqual(refusal(status, code));
  });

  test.each([
    ["PUT", "/accounts", "POST, GET, HEAD"],
    ["POST", "/keys/nobody", "GET, HEAD, PATCH, DELETE"],
    ["POST", "/backends/nothing/ready", "GET, HEAD"],
    ["GET", "/recover", "POST"],
  ])("%s %s names the methods that there are", async (method, path, allow) => {
    const answer = await operator(method, path);
    expect(answer.headers.get("allow")).toBe(allow);
    expect(await seen(answer)).toStrictEqual(refusal(405, "method_not_allowed"));
  });
});

describe("recover", () => {
  test("lets go of what ran before a time, and of nothing that began after it, so that it is run again", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const id = await submitted(key, model);
    await env.DB.prepare(
      `UPDATE inferences SET status = 'in_progress', attempt = 1, started_at = created_at, backend_id = 'be_lost', lease = 'lost',
         lease_until = created_at + 600000 WHERE id = ?`,
    )
      .bind(id)
      .run();
    await newBackend(model);
    backendIs(echo);
    const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
    expect(await object(operator("POST", "/recover", { started_before: hourAgo }))).toEqual({ recovered: 0 });
    const answer = await operator("POST", "/recover", { started_before: new Date(Date.now() + 1_000).toISOString() });
    expect(answer.status).toBe(200);
    expect(await object(answer)).toEqual({ recovered: 1 });
    expect(await ended(key, id)).toMatchObject({ status: "succeeded", attempts: 2 });
  });
});

describe("checks", () => {
  beforeEach(() => backendIs(publicNames));

  test("try each part of the deployment, and say the cure of what does not work", async () => {
    const answer = await operator("POST", "/checks");
    expect(answer.status).toBe(200);
    const { checks, now } = await object(answer);
    expect(now).toBeGreaterThan(1_700_000_000_000);
    const by = Object.fromEntries((checks as { name: string; detail: string }[]).map((one) => [one.name, one]));
    expect(Object.keys(by)).toEqual([
      "database",
      "migrations",
      "storage",
      "queue",
      "public_url",
      "webhooks",
      "operator_webhook",
      "backends",
    ]);
    for (const name of ["database", "migrations", "storage", "queue", "webhooks"])
      expect(by[name]).toMatchObject({ state: "ok", cure: null });
    expect(by["queue"]?.detail).toMatch(/^A message was consumed after \d+ ms\.$/);
    expect(by["public_url"]).toMatchObject({ state: "warning", cure: expect.stringContaining("PUBLIC_URL") });
  });

  test("name the migrations that are missing, and the secrets that backends lack", async () => {
    const model = await newModel();
    await newBackend(model, { credential: { kind: "bearer", secret: "BACKEND_NOBODY_SET_IT" } });
    await env.DB.prepare("DELETE FROM d1_migrations WHERE name >= '0018'").run();
    const { ok, checks } = await object(operator("POST", "/checks"));
    expect(ok).toBe(false);
    expect(checks).toContainEqual(
      expect.objectContaining({
        name: "migrations",
        state: "failed",
        cure: 'Run "npm run migrate".',
        detail: expect.stringContaining("0017_"),
      }),
    );
    expect(checks).toContainEqual(
      expect.objectContaining({ name: "backends", state: "failed", detail: expect.stringContaining("BACKEND_NOBODY_SET_IT") }),
    );
  });
});

describe("an account's inferences and webhooks", () => {
  beforeEach(() => backendIs(publicNames));

  test("are steered by the operator: canceled, redriven, enabled and sent again", async () => {
    const { key, accountId } = await newTenant();
    const model = await newModel();
    const id = await submitted(
      key,
      model,
      { text: "x" },
      { max_time_in_queue_seconds: 10, webhook: { url: "https://app.example.com/hooks" } },
    );
    const its = `/inferences/${accountId}/${id}`;
    await timePasses(model, 20_000);
    await swept();
    expect(await seen(operator("POST", `${its}/cancel`))).toMatchObject({ status: 409, body: { code: "already_final" } });
    expect(await seen(operator("POST", `${its}/redrive`))).toMatchObject({ status: 202, body: { id, status: "queued" } });
    expect(await seen(operator("POST", `${its}/cancel`))).toMatchObject({ status: 200, body: { id, status: "canceled" } });
    expect(await seen(operator("POST", `/inferences/${await newAccount()}/${id}/cancel`))).toMatchObject(
      refusal(404, "inference_not_found"),
    );

    const { deliveries } = (await object(operator("GET", `${its}/deliveries`))) as { deliveries: { id: string; event: string }[] };
    expect(deliveries.map(({ event }) => event)).toContain("inference.canceled");
    const { status } = await operator("POST", `${its}/deliveries/${deliveries[0]?.id ?? ""}/resend`);
    expect(status).toBe(202);
    expect(await entries(`target=${accountId}/${id}`)).toHaveLength(3);
  });

  test("are shown to the operator, whose accounts must exist", async () => {
    const { key, accountId } = await newTenant();
    const { id, url } = await object(as(key, "POST", "/v1/webhooks", { url: "https://app.example.com/hooks" }));
    await as(key, "PATCH", `/v1/webhooks/${String(id)}`, { enabled: false });
    const its = `/webhooks/${accountId}`;
    expect(await object(operator("GET", its))).toMatchObject({ webhooks: [{ id, url, enabled: false }] });
    expect(await object(operator("GET", `${its}/endpoints`))).toMatchObject({ endpoints: [{ url, stopped: { reason: "disabled" } }] });
    const since = { since: "2026-01-31T12:00:00Z" };
    expect(await seen(operator("POST", `${its}/${String(id)}/resend`, since))).toMatchObject({ status: 409, body: { code: "conflict" } });
    expect(await object(operator("POST", `${its}/enable`, { url }))).toMatchObject({ url, enabled: true });
    expect(await seen(operator("POST", `${its}/${String(id)}/resend`, since))).toMatchObject({
      status: 202,
      body: { resent: 0, next: null },
    });
    expect(await seen(operator("POST", `${its}/resend`, since))).toMatchObject({ status: 202, body: { resent: 0, next: null } });
    expect(await seen(operator("GET", "/webhooks/NoAccount000"))).toMatchObject(refusal(404, "not_found"));
  });

  test("are shown to the operator by what became of their deliveries, each once, however many share a moment", async () => {
    const { accountId } = await newTenant();
    const others = await newTenant();
    const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);
    const insert = env.DB.prepare(`
      INSERT INTO deliveries (account_id, inference_id, sequence, webhook_id, event, url, dialect, status, due_at, created_at, snapshot)
      SELECT ?1, 'i' || value, 1, iif(value % 3 = 0, '', 'wh_' || (value % 3)), 'inference.succeeded', 'https://a.example/', 'claimcheck', ?2,
        iif(?2 = 'pending', 9e12 + value / 4, NULL), 1e12 + value / 4, '{}' FROM json_each(?3)`);
    const insertAll = (of: string, status: string, first: number, last: number) =>
      insert.bind(of, status, JSON.stringify(range(first, last)));
    await env.DB.batch([
      insertAll(accountId, "failed", 1, 20),
      insertAll(accountId, "held", 21, 30),
      insertAll(accountId, "pending", 31, 50),
      insertAll(accountId, "succeeded", 51, 60),
      insertAll(others.accountId, "failed", 1, 20),
    ]);
    const its = `/webhooks/${accountId}/deliveries`;
    const all = async (query: string) => {
      const found: Record<string, unknown>[] = [];
      for (let after: string | null = ""; after !== null;) {
        const page = await object(operator("GET", `${its}?limit=3&after=${after}&${query}`));
        found.push(...(page["deliveries"] as Record<string, unknown>[]));
        after = page["next"] as string | null;
      }
      return found;
    };
    const numbers = (deliveries: readonly Record<string, unknown>[]) => deliveries.map((it) => Number(String(it["inference_id"]).slice(1)));
    const failed = await all("");
    expect(numbers(failed).toSorted((a, b) => a - b)).toEqual(range(1, 30));
    expect(failed.map((it) => it["webhook_id"])).toEqual(["wh_2", "wh_1", null].flatMap((id) => range(1, 10).map(() => id)));
    expect(failed.filter((it) => it["held"] === true)).toHaveLength(10);
    for (const id of ["wh_2", "wh_1", "0"]) {
      const found = await all(`webhook_id=${id}`);
      expect(found).toHaveLength(10);
      const times = found.map((it) => Date.parse(String(it["created_at"])));
      expect(times).toEqual(times.toSorted((a, b) => b - a));
    }
    const pending = await all("status=pending");
    expect(numbers(pending)).toEqual(range(31, 50));
    const { next } = await object(operator("GET", `${its}?limit=3`));
    expect((await operator("GET", `${its}?status=pending&after=${String(next)}`)).status).toBe(422);
    expect((await operator("GET", `${its}?status=pending&webhook_id=wh_1`)).status).toBe(422);
    const { text, params } = deliveryStatements.failed(accountId, null, null, 4);
    const { meta } = await env.DB.prepare(text)
      .bind(...params)
      .run();
    expect(meta.rows_read).toBeLessThanOrEqual(8);
  });
});

describe("the audit log", () => {
  test("has each call that may have changed something, with what was asked for and what became of it, newest first", async () => {
    const id = await newAccount();
    await done("PATCH", `/accounts/${id}`, { name: "x".repeat(120), quota_bytes: 5 });
    await done("GET", `/accounts/${id}`);
    expect((await operator("PATCH", `/accounts/${id}`, { quota_bytes: -1 })).status).toBe(422); // which changes nothing
    await done("DELETE", `/accounts/${id}`);
    expect((await operator("PATCH", `/accounts/${id}`, { name: "Late" })).status).toBe(404);
    const each = {
      id: expect.any(Number),
      at: TIME,
      via: "token",
      name: null,
      address: expect.any(String),
      request_id: SOME_TEXT,
      target: id,
    };
    const route = "/admin/v1/accounts/{id}";
    expect(await entries(`target=${id}`)).toStrictEqual([
      { ...each, method: "PATCH", route, change: { name: "Late" }, status: 404 },
      { ...each, method: "DELETE", route, change: null, status: 200 },
      { ...each, method: "PATCH", route, change: { name: "x".repeat(120), quota_bytes: 5 }, status: 200 },
      { ...each, method: "POST", route: "/admin/v1/accounts", change: { name: "Shop" }, status: 201 },
    ]);
  });

  test("never holds the text of a key, and cuts what is long", async () => {
    const account_id = await newAccount();
    const { id, key } = await done("POST", "/keys", { account_id });
    await done("POST", `/keys/${String(id)}/rotate`, {});
    const name = await newModel();
    await operator("PUT", `/models/${name}/schema`, { input_schema: { type: "object", description: "long ".repeat(1_000) } });
    await operator("PUT", `/models/${name}/schema`, {
      input_schema: { type: "object", required: Array.from({ length: 900 }, (_, n) => `field_${n}`) },
    });
    const [left, cut] = await entries(`target=${name}`);
    expect(left?.["change"]).toStrictEqual({ input_schema: "…" });
    expect(JSON.stringify(cut?.["change"])).toMatch(/^.{100,300}…"\}\}$/);
    const { results } = await env.DB.prepare("SELECT * FROM audit").all();
    expect(results.map(({ target }) => target)).toEqual(expect.arrayContaining([id, account_id]));
    expect(JSON.stringify(results)).not.toContain(String(key));
  });

  test("is written before the call does anything: one that is cut off has no status, and one that can't be written is not made", async () => {
    const id = await newAccount();
    const failing = (start: string) =>
      stillEnv({
        DB: faultyDatabase(async ([text = ""], effect) =>
          text.trimStart().startsWith(start) ? Promise.reject(new Error("cut off")) : effect(),
        ),
      });
    const rename = async (name: string, start: string) =>
      (await stillAs(env.ADMIN_TOKEN, "PATCH", `/admin/v1/accounts/${id}`, { name }, {}, failing(start))).status;
    expect(await rename("Never", "INSERT INTO audit")).toBe(503);
    expect(await done("GET", `/accounts/${id}`)).toMatchObject({ name: "Shop" });
    expect(await rename("Store", "UPDATE audit")).toBe(200);
    const [unended, ...others] = await entries(`target=${id}`);
    expect(unended).toMatchObject({ change: { name: "Store" }, status: null });
    expect(others).toHaveLength(1);
  });

  test("keeps what is young enough, and no more than a bounded number", async () => {
    await env.DB.batch([
      env.DB.prepare("DELETE FROM audit"),
      ...[AUDIT_MS + 1_000, AUDIT_MS - 60_000, 0].map((age, index) =>
        env.DB.prepare(`INSERT INTO audit (id, at, via, address, request_id, method, route, target, change)
          VALUES (?, unixepoch('subsec') * 1000 - ?, 'token', '', 'r', 'POST', '/', 'old', 'null')`).bind(index + 1, age),
      ),
      env.DB.prepare("UPDATE chores SET due_at = 0 WHERE name = 'audit'"),
    ]);
    await retain(still());
    const kept = async () => (await entries("target=old")).map(({ id }) => id);
    expect(await kept()).toEqual([3, 2]);
    await env.DB.batch([
      env.DB.prepare("UPDATE audit SET id = id + ? WHERE id = 3").bind(AUDIT_ROWS),
      env.DB.prepare("UPDATE chores SET due_at = 0 WHERE name = 'audit'"),
    ]);
    await retain(still());
    expect(await kept()).toEqual([AUDIT_ROWS + 3]);
    await env.DB.prepare("DELETE FROM audit").run();
  });
});

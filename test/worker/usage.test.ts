/** What an account has used, what it cost, and what its budget allows; and who a key is. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { holdBudgets } from "../../src/accounts/usage.ts";
import { OPEN_COUNT_MS } from "../../src/limits.ts";
import { ended, expire, queued, submitted } from "./support/inferences.ts";
import { type ScriptedBackend, backendIs } from "./support/outside.ts";
import { ports, still } from "./support/ports.ts";
import { as, object, operator, seen, until } from "./support/requests.ts";
import { type Tenant, newModel, newTenant, served } from "./support/tenants.ts";

const usage = async (key: string, query = "") => object(as(key, "GET", `/v1/usage${query}`));
const today = () => new Date().toISOString().slice(0, 10);

const echo: ScriptedBackend = async (request) => new Response(await request.text(), { headers: { "Content-Type": "application/json" } });
const refuse: ScriptedBackend = () => new Response("no", { status: 400 });

/** An inference that has run and ended. */
async function ran(tenant: Tenant, model: string, input: unknown = { text: "x" }): Promise<Record<string, unknown>> {
  return ended(tenant.key, await submitted(tenant.key, model, input));
}

describe("usage", () => {
  test("counts each end once, by day, model and key, with attempts, time and bytes", async () => {
    const tenant = await newTenant();
    backendIs(echo);
    const model = await served(2);
    const broken = await served(2);
    await ran(tenant, model);
    await ran(tenant, model);
    backendIs(refuse);
    await ran(tenant, broken);
    const waiting = await newModel();
    await as(tenant.key, "POST", `/v1/inferences/${await submitted(tenant.key, waiting)}/cancel`);
    await expire(await submitted(tenant.key, waiting));

    const { data, total, complete } = await usage(tenant.key, "?by=model,key");
    expect(complete).toBe(true);
    expect(total).toMatchObject({
      inferences: { succeeded: 2, failed: 1, canceled: 1, expired: 1 },
      attempts: 3,
      input_items: 5,
      input_bytes: 5 * '{"text":"x"}'.length,
      output_bytes: 2 * '{"text":"x"}'.length,
      cost: 0,
    });
    expect(data).toHaveLength(3);
    expect(data).toContainEqual(
      expect.objectContaining({ model, key_id: tenant.keyId, inferences: { succeeded: 2, failed: 0, canceled: 0, expired: 0 } }),
    );
    expect((await usage(tenant.key))["data"]).toEqual([expect.objectContaining({ day: today(), attempts: 3 })]);
    expect((await usage((await newTenant()).key))["data"]).toEqual([]);
  });

  test("counts a redriven inference once more when it ends again, with what that run took", async () => {
    const tenant = await newTenant();
    backendIs(refuse);
    const model = await served(1);
    const { id } = await ran(tenant, model);
    backendIs(echo);
    expect((await as(tenant.key, "POST", `/v1/inferences/${String(id)}/redrive`)).status).toBe(202);
    await ended(tenant.key, String(id));
    expect((await usage(tenant.key))["total"]).toMatchObject({ inferences: { succeeded: 1, failed: 1 }, attempts: 2 });
    expect((await as(tenant.key, "DELETE", `/v1/inferences/${String(id)}`)).status).toBe(204);
    expect((await usage(tenant.key))["total"]).toMatchObject({ inferences: { succeeded: 1, failed: 1 }, attempts: 2 }); // it stays
  });

  test("costs what the model's price says when it ends, in seconds, tokens and successes", async () => {
    const tenant = await newTenant();
    backendIs(() => Response.json({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 } }));
    const model = await newModel({ price: { per_token: 0.001, per_inference: 0.25 } });
    await operator("POST", "/backends", { model, url: `https://${model}.gpu.test`, protocol: "openai" });
    await ran(tenant, model, { messages: [{ role: "user", content: "a" }] });
    expect((await usage(tenant.key))["total"]).toMatchObject({ prompt_tokens: 7, completion_tokens: 3, cost: 0.26 });
    await object(operator("PATCH", `/models/${model}`, { price: { per_inference: 1 } }));
    expect(await object(operator("GET", `/models/${model}`))).toMatchObject({
      price: { per_second: 0, per_token: 0.001, per_inference: 1 },
    });
    expect((await usage(tenant.key))["total"]).toMatchObject({ cost: 0.26 });
  });

  test("goes on being counted whatever inputs and answers say of their size", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const most = Number.MAX_SAFE_INTEGER;
    const lines = Array.from({ length: 600 }, () => ({ model, input: { inputs: [{ name: "x", shape: [most] }] } }));
    let after: unknown = "";
    for (let times = 0; times < 2; times++) {
      expect(await object(as(tenant.key, "POST", "/v1/inferences/bulk", lines))).toMatchObject({ accepted: lines.length });
      const canceled = await seen(as(tenant.key, "POST", "/v1/inferences/cancel", { model, after }));
      expect(canceled).toMatchObject({ status: 200, body: { canceled: lines.length } });
      after = ((await object(as(tenant.key, "GET", "/v1/inferences?limit=1")))["data"] as { id: string }[])[0]?.id;
    }
    const { inferences, input_items } = (await usage(tenant.key))["total"] as { inferences: object; input_items: number };
    expect(inferences).toMatchObject({ canceled: 1_200 });
    expect(Number.isSafeInteger(input_items)).toBe(true);

    backendIs(() => Response.json({ choices: [], usage: { prompt_tokens: most, completion_tokens: most } }));
    const chat = await newModel({ price: { per_token: 1_000 } });
    await operator("POST", "/backends", { model: chat, url: `https://${chat}.gpu.test`, protocol: "openai" });
    for (let times = 0; times < 3; times++) {
      expect(await ran(tenant, chat, { messages: [{ role: "user", content: "a" }] })).toMatchObject({ status: "succeeded", attempts: 1 });
    }
  });

  test("is the operator's over all accounts, and a table for those who ask for one", async () => {
    const tenant = await newTenant();
    backendIs(echo);
    await ran(tenant, await served(1));
    const { data } = (await object(operator("GET", "/usage?by=account,day"))) as { data: { account_id: string }[] };
    expect(data).toContainEqual(expect.objectContaining({ account_id: tenant.accountId, day: today(), attempts: 1 }));
    const table = await as(tenant.key, "GET", "/v1/usage", undefined, { Accept: "text/csv" });
    expect(table.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    const [head, row] = (await table.text()).split("\r\n");
    expect(head).toMatch(/^day,succeeded,failed,canceled,expired,attempts,run_seconds,.*,cost$/);
    expect(row).toMatch(new RegExp(`^${today()},1,0,0,0,1,`));
  });

  test.each<[query: string, status: number, says: string]>([
    ["?from=yesterday", 422, "must be a day"],
    ["?from=2026-02-02&to=2026-02-01", 422, 'must not be after \\"to\\"'],
    ["?from=2020-01-01&to=2026-01-01", 422, "at most 400 days"],
    ["?to=0000-01-01", 422, "must be 1970-02-01 or later, and is 0000-01-01"],
    ["?by=account", 422, "must be one of"],
    ["?form=2026-01-01", 400, "form"],
  ])("%s is refused by name", async (query, status, says) => {
    const { key } = await newTenant();
    const answer = await seen(as(key, "GET", `/v1/usage${query}`));
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body)).toContain(says);
  });
});

describe("a budget", () => {
  test("warns, then refuses submits with the figures, and lets them through when it is raised", async () => {
    const tenant = await newTenant();
    backendIs(echo);
    const model = await newModel({ price: { per_inference: 1 } });
    await operator("POST", "/backends", { model, url: `https://${model}.gpu.test`, protocol: "http" });
    const account = `/accounts/${tenant.accountId}`;
    await object(operator("PATCH", account, { monthly_budget: 2, budget_warning_at: 0.5 }));
    const state = async () => (await object(operator("GET", account)))["budget_state"];
    const { db } = still();
    await holdBudgets(db);
    expect(await state()).toBe("ok");
    await ran(tenant, model);
    await holdBudgets(db);
    expect(await state()).toBe("warned");
    expect(await object(as(tenant.key, "GET", "/v1/me"))).toMatchObject({
      budget: { state: "warned", monthly: 2, warning_at: 0.5, spent: 1 },
    });
    await ran(tenant, model);
    await holdBudgets(db);
    expect(await state()).toBe("spent");
    const refused = await seen(as(tenant.key, "POST", "/v1/inferences", { model, input: {} }));
    expect(refused).toMatchObject({
      status: 402,
      body: { code: "budget_exceeded", monthly_budget: 2, renews_at: expect.stringMatching(/^\d{4}-\d\d-01T00:00:00\.000Z$/) },
    });
    expect((await as(tenant.key, "POST", `/inference/${model}`, [{ image_path: "a", product_type: "b" }])).status).toBe(402);
    const together = await Promise.all(Array.from({ length: 8 }, () => as(tenant.key, "POST", "/v1/inferences", { model, input: {} })));
    expect(together.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 402));
    await object(operator("PATCH", account, { monthly_budget: 3 }));
    await ran(tenant, model);
  });

  test("begins again with the month, and is held by the sweep", async () => {
    const tenant = await newTenant();
    await object(operator("PATCH", `/accounts/${tenant.accountId}`, { monthly_budget: 1 }));
    await env.DB.prepare(
      "INSERT INTO usage VALUES (?1, CAST(unixepoch('now', 'start of month', '-1 day') / 86400 AS INTEGER), 'm', 'k', 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 5000000)",
    )
      .bind(tenant.accountId)
      .run();
    expect((await holdBudgets(still().db)).map(({ id }) => id)).not.toContain(tenant.accountId);
    await env.DB.prepare("UPDATE usage SET day = CAST(unixepoch() / 86400 AS INTEGER) WHERE account_id = ?").bind(tenant.accountId).run();
    await env.DB.prepare("DELETE FROM chores WHERE name = 'budgets'").run();
    await queued(await newModel());
    await ports().armSweep();
    await until(
      async () => (await object(operator("GET", `/accounts/${tenant.accountId}`)))["budget_state"],
      (state) => state === "spent",
    );
  });
});

describe("GET /v1/me", () => {
  test("counts what is open, and no longer what has ended", async () => {
    const { key, accountId } = await newTenant();
    const model = await newModel();
    const ids = [await submitted(key, model), await submitted(key, model), await submitted(key, model)];
    const open = async () => (await object(as(key, "GET", "/v1/me")))["open_inferences"];
    expect(await open()).toMatchObject({ count: 3 });
    for (const id of ids.slice(1)) await as(key, "POST", `/v1/inferences/${id}/cancel`);
    await env.DB.prepare("UPDATE accounts SET open_counted_at = open_counted_at - ? WHERE id = ?").bind(OPEN_COUNT_MS, accountId).run();
    expect(await open()).toMatchObject({ count: 1 });
  });

  test("says whose key it is, what it may do, and what is left", async () => {
    const tenant = await newTenant({ name: "ci", scopes: ["read", "submit"] });
    await submitted(tenant.key, await newModel());
    expect(await object(as(tenant.key, "GET", "/v1/me"))).toEqual({
      account: { id: tenant.accountId, name: "tenant" },
      key: { id: tenant.keyId, name: "ci", scopes: ["read", "submit"], expires_at: null },
      limits: { read: 10_000, submit: 10_000, cancel: 10_000 },
      storage: { stored_bytes: 8_192, quota_bytes: 100 * 2 ** 30, database_bytes: 2_048, database_quota_bytes: 2 * 2 ** 30 },
      open_inferences: { count: 1, limit: 50_000 },
      retention_seconds: 604_800,
      budget: null,
    });
  });

  test("a key's last use is noted, to the minute", async () => {
    const tenant = await newTenant();
    const lastUsed = async () => (await object(operator("GET", `/keys/${tenant.keyId}`)))["last_used_at"];
    expect(await lastUsed()).toBeNull();
    await as(tenant.key, "GET", "/v1/me");
    const used = Date.parse(String(await until(lastUsed, (at) => at !== null)));
    expect(Math.abs(Date.now() - used)).toBeLessThan(60_000);
  });
});

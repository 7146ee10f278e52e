/** What strangers send on purpose: broken bodies, cursors of others, odd headers. Each is refused in the words of its wire. */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { run } from "../../src/inferences/run.ts";
import { laneOf, queued } from "./support/inferences.ts";
import { gpu } from "./support/outside.ts";
import { faultyDatabase, still, stillAs, stillEnv } from "./support/ports.ts";
import { as, object } from "./support/requests.ts";
import { newModel, served, newTenant, type Tenant } from "./support/tenants.ts";

const DEEP = `${"[".repeat(100)}${"]".repeat(100)}`;

/** A JSON body with one thing wrong, where `NAME` is the member that holds the input. */
const BODIES: readonly (readonly [what: string, body: string])[] = [
  ["nothing", ""],
  ["null", "null"],
  ["a number", "1"],
  ["a text", '"x"'],
  ["an array", "[]"],
  ["an object cut off", '{"NAME":'],
  ["two objects", "{}{}"],
  ["a byte order mark alone", "\uFEFF"],
  ["bare NaN", '{"NAME":NaN,"priority":0}'],
  ["a lone surrogate's escape as a member", '{"\\ud800":1}'],
  ["a deep array", `{"NAME":${DEEP}}`],
  ["a prototype", '{"__proto__":{"NAME":{}}}'],
];

/** The same, where Baseten's members have ranges; Reka's wire knows none of them. */
const MEMBERS: typeof BODIES = [
  ["a fractional priority", '{"NAME":{},"priority":0.5}'],
  ["a huge priority", '{"NAME":{},"priority":1e400}'],
  ["a negative zero length wait", '{"NAME":{},"max_time_in_queue_seconds":-0,"priority":-1}'],
  ["a webhook that is an object", '{"NAME":{},"webhook_endpoint":{"url":"x"},"webhook":7,"priority":9}'],
];

/** Where each vendor's clients hand in work, with the member that holds the input. */
const VENDORS: readonly (readonly [vendor: string, path: (model: string) => string, input: string, refused: unknown])[] = [
  [
    "Baseten",
    (model) => `/baseten/${model}/production/async_predict`,
    "model_input",
    { error: expect.any(String), error_code: "client_error" },
  ],
  ["RunPod", (model) => `/runpod/v2/${model}/run`, "input", { error: expect.any(String) }],
  [
    "Reka",
    (model) => `/v2/inference/${model}/text-to-image`,
    "input",
    { error: { type: expect.any(String), message: expect.any(String) } },
  ],
];

describe.each(VENDORS)("a body of %s's clients", (vendor, path, input, refused) => {
  test.each(vendor === "Baseten" ? [...BODIES, ...MEMBERS] : BODIES)(
    "that is %s is refused with the reason, and nothing is stored",
    async (_what, body) => {
      const { key, accountId } = await newTenant();
      const answer = await as(key, "POST", path(await served()), body.replaceAll("NAME", input));
      expect({ status: answer.status, body: await object(answer) }).toMatchObject({
        status: expect.toSatisfy((status: number) => [400, 422].includes(status)),
        body: refused,
      });
      const row = await env.DB.prepare("SELECT count(*) AS count FROM inferences WHERE account_id = ?").bind(accountId).first("count");
      expect(row).toBe(0);
    },
  );
});

describe("another account's", () => {
  let [one, other]: [Tenant, Tenant] = [
    { accountId: "", keyId: "", key: "" },
    { accountId: "", keyId: "", key: "" },
  ];
  let model = "";
  const ids: string[] = [];
  const webhook = `wh_${"0".repeat(16)}`;

  beforeAll(async () => {
    [one, other] = [await newTenant(), await newTenant()];
    model = await served();
    for (let count = 0; count < 3; count++) ids.push(await queued(model, { accountId: one.accountId }));
    for (let count = 0; count < 3; count++) await queued(model, { accountId: other.accountId });
    await stillAs(one.key, "POST", "/v1/files", "bytes", { "Content-Type": "text/plain" });
    await stillAs(one.key, "POST", "/v1/files", "bytes", { "Content-Type": "text/plain" });
    await env.DB.prepare("INSERT INTO webhooks VALUES (?, ?, 'https://hooks.example.com/', '[]', '', 'https://x.test', 0)")
      .bind(one.accountId, webhook)
      .run();
    for (const { accountId } of [one, other]) {
      for (const at of [1, 2]) {
        await env.DB.prepare("INSERT INTO endpoints (account_id, url, state, state_at) VALUES (?, ?, 'rested', 0)")
          .bind(accountId, `https://${at}.example.com/${accountId}`)
          .run();
      }
    }
  });

  test.each([
    ["GET", "/v1/inferences/ID"],
    ["GET", "/v1/inferences/ID/result"],
    ["GET", "/v1/inferences/ID/result/part-1"],
    ["GET", "/v1/inferences/ID/input"],
    ["GET", "/v1/inferences/ID/events"],
    ["GET", "/v1/inferences/ID/deliveries"],
    ["POST", "/v1/inferences/ID/cancel"],
    ["POST", "/v1/inferences/ID/redrive"],
    ["DELETE", "/v1/inferences/ID"],
    ["GET", "/inference/ID/status"],
    ["GET", "/inference/ID/results"],
    ["GET", "/v2/inference/requests/ID"],
    ["GET", "/v2/inference/requests/ID/status"],
    ["POST", "/v2/inference/requests/ID/cancel"],
    ["GET", "/async_request/ID"],
    ["DELETE", "/async_request/ID"],
  ])("inference is answered as an unknown one by %s %s", async (method, path) => {
    const seenBy = async (id: string) => {
      const answer = await stillAs(other.key, method, path.replace("ID", id));
      const headers = Object.fromEntries([...answer.headers].filter(([name]) => !["x-request-id", "ratelimit"].includes(name)));
      const text = (await answer.text()).replaceAll(id, "ID").replaceAll(/[0-9a-f-]{36}|req_\w+/g, "X");
      return { status: answer.status, headers, text };
    };
    const [id = ""] = ids;
    const unknown = `${id.slice(0, -4)}${id.endsWith("0000") ? "0001" : "0000"}`;
    const answer = await seenBy(id);
    expect(answer.status).toBe(404);
    expect(answer).toEqual(await seenBy(unknown));
  });

  test.each([
    ["GET", "/v1/webhooks/ID"],
    ["PATCH", "/v1/webhooks/ID"],
    ["POST", "/v1/webhooks/ID/test"],
    ["POST", "/v1/webhooks/ID/enable"],
    ["POST", "/v1/webhooks/ID/resend"],
    ["DELETE", "/v1/webhooks/ID"],
  ])("webhook is answered as an unknown one by %s %s", async (method, path) => {
    const seenBy = async (key: string, id: string) => {
      const body = {
        PATCH: { events: ["inference.failed"] },
        POST: path.endsWith("resend") ? { since: "2026-01-01T00:00:00Z" } : undefined,
      };
      const answer = await stillAs(key, method, path.replace("ID", id), body[method as "PATCH" | "POST"]); // undefined of any other
      return { status: answer.status, text: (await answer.text()).replaceAll(id, "ID").replaceAll(/[0-9a-f-]{36}|req_\w+/g, "X") };
    };
    const answer = await seenBy(other.key, webhook);
    expect(answer).toEqual({ status: 404, text: expect.stringMatching(/webhook/) });
    expect(answer).toEqual(await seenBy(other.key, `wh_${"1".repeat(16)}`));
    expect((await as(one.key, "GET", `/v1/webhooks/${webhook}`)).status).toBe(200);
  });

  test("cursor of a bulk cancel leads to nothing of that account", async () => {
    for (const after of ["", ...ids]) {
      const body = { model, ...(after === "" ? {} : { after }), dry_run: true };
      expect(await object(as(other.key, "POST", "/v1/inferences/cancel", body))).toMatchObject({ looked_at: 3, matched: 3 });
    }
  });

  test.each(["/v2/inference/requests?limit=1", "/v1/files?limit=1", "/v1/webhooks/endpoints?limit=1"])(
    "cursor leads to nothing of that account on %s",
    async (path) => {
      const first = await object(as(one.key, "GET", path));
      const cursor = [first["next_cursor"], first["next"], first["last_id"], first["next_after"]].find((it) => typeof it === "string");
      const theirs = JSON.stringify(first).match(/[0-9a-f]{8}-[0-9a-f-]{27}/g) ?? [];
      const cursors = cursor === undefined ? theirs : [cursor, ...theirs];
      expect(cursors).not.toEqual([]);
      for (const name of ["cursor", "after", "offset"]) {
        for (const value of cursors) {
          const answer = await as(other.key, "GET", `${path}&${name}=${encodeURIComponent(value)}`);
          const text = await answer.text();
          expect(answer.status).toBeLessThan(500);
          for (const id of ids) expect(text).not.toContain(id);
          expect(text).not.toContain(one.accountId);
        }
      }
    },
  );
});

describe("a hostile header of a read", () => {
  let tenant: Tenant = { accountId: "", keyId: "", key: "" };
  let id = "";
  const output = "0123456789".repeat(5_000);

  beforeAll(async () => {
    tenant = await newTenant();
    const model = await served();
    id = await queued(model, { accountId: tenant.accountId });
    await run(still({ fetch: gpu(() => new Response(output, { headers: { "Content-Type": "text/plain" } })) }), [laneOf(model)], "lease");
  });

  test.each([
    ["bytes=0-0", 206],
    ["bytes=0-99999999999999999999", 206],
    ["bytes=99999999999999999999-", 416],
    ["bytes=-0", 416],
    ["bytes=-1", 206],
    ["bytes=5-3", 200],
    ["bytes=--1", 200],
    ["bytes=1e3-2e3", 200],
    ["bytes=0x0-0x9", 200],
    ["bytes=\u0661-", 200],
    ["bytes=", 200],
    ["bytes=-", 200],
    ["items=0-1", 200],
    ["bytes 0-1", 200],
    [`bytes=${Array.from({ length: 2_000 }, (_, at) => `${at}-${at}`).join(",")}`, 200],
    [`bytes=${"0".repeat(20_000)}-1`, 206],
    [`bytes=${"9".repeat(20_000)}-`, 416],
  ])("Range: %.40s is answered with what it may mean", async (range, status) => {
    const headers: Record<string, string> = { Range: encodeURI(range) === range ? range : "bytes=%D9%A1-" };
    const began = Date.now();
    const answer = await as(tenant.key, "GET", `/v1/inferences/${id}/result`, undefined, headers);
    const text = await answer.text();
    expect({ status: answer.status, quick: Date.now() - began < 1_000 }).toEqual({ status, quick: true });
    if (status === 200) expect(text).toBe(output);
    if (status === 206) expect(output.includes(text)).toBe(true);
    if (status === 416) expect(answer.headers.get("content-range")).toBe(`bytes */${output.length}`);
  });

  test.each(["", '"', '""', "W/", "W/*", "*, *", '"a', `${'"a",'.repeat(5_000)}"b"`, `"${"x".repeat(20_000)}"`, ",,,,", '"\t"'])(
    "If-None-Match: %.20s is no match, and costs nothing",
    async (value) => {
      const began = Date.now();
      for (const path of [`/v1/inferences/${id}`, `/v1/inferences/${id}/result`, `/inference/${id}/status`, `/async_request/${id}`]) {
        const answer = await as(tenant.key, "GET", path, undefined, { "If-None-Match": value });
        await answer.text();
        expect({ path, status: answer.status }).toEqual({ path, status: 200 });
      }
      expect(Date.now() - began).toBeLessThan(2_000);
    },
  );
});

describe("each wire says in its own form", () => {
  const WIRES: readonly (readonly [
    wire: string,
    method: string,
    path: (model: string) => string,
    body: unknown,
    message: (body: never) => unknown,
  ])[] = [
    ["ours", "POST", () => "/v1/inferences", { model: "m", input: 1 }, (body: { detail: string }) => body.detail],
    [
      "Vody's",
      "POST",
      (model) => `/inference/${model}`,
      [{ image_path: "https://x.test/1", product_type: "x" }],
      (body: { message: string }) => body.message,
    ],
    [
      "Reka's",
      "POST",
      (model) => `/v2/inference/${model}/edit`,
      { input: {} },
      (body: { error: { message: string } }) => body.error.message,
    ],
    ["Baseten's", "POST", (model) => `/baseten/${model}/async_predict`, { model_input: 1 }, (body: { error: string }) => body.error],
    ["RunPod's", "POST", (model) => `/runpod/v2/${model}/run`, { input: 1 }, (body: { error: string }) => body.error],
    [
      "the Open Inference Protocol's",
      "POST",
      (model) => `/v2/models/${model}/infer`,
      { inputs: [{ name: "x", shape: [1], datatype: "INT64", data: [1] }] },
      (body: { error: string }) => body.error,
    ],
    [
      "OpenAI's",
      "POST",
      () => "/v1/chat/completions",
      { model: "m", messages: [{ role: "user", content: "x" }] },
      (body: { error: { message: string } }) => body.error.message,
    ],
  ];

  test.each(WIRES)(
    "%s: a scope that is missing, a limit that is spent, a database that is away, and a fault of ours",
    async (_wire, method, path, body, message) => {
      const model = await newModel();
      const told = async (key: string, environment?: Env) => {
        const answer = await stillAs(key, method, path(model), body, {}, environment ?? stillEnv());
        return {
          status: answer.status,
          text: String(message((await object(answer)) as never)),
          retryAfter: answer.headers.get("retry-after"),
        };
      };
      const reader = await newTenant({ scopes: ["read"] });
      expect(await told(reader.key)).toMatchObject({ status: 403, text: expect.stringContaining('"submit"') });
      const slow = await newTenant({ limits: { submit: 1 } });
      await stillAs(slow.key, method, path(model), body);
      const limited = await told(slow.key);
      expect(limited).toMatchObject({
        status: 429,
        text: expect.stringMatching(/\b1 .*second/),
        retryAfter: expect.stringMatching(/^\d+$/),
      });
      const { key } = await newTenant();
      const broken = await told(key, stillEnv({ DB: faultyDatabase(() => Promise.reject(new TypeError("a secret of the code"))) }));
      expect(broken).toMatchObject({ status: 503, text: expect.stringMatching(/\w+/) });
      expect(broken.text).not.toContain("secret");
      const wrong = new Error("D1_ERROR: no such table: secret: SQLITE_ERROR");
      const log = vi.spyOn(console, "error").mockImplementation(() => {});
      const internal = await told(key, stillEnv({ DB: faultyDatabase(() => Promise.reject(wrong)) }));
      expect(JSON.stringify(log.mock.calls)).toContain("no such table: secret");
      log.mockRestore();
      expect(internal).toMatchObject({ status: 500, text: expect.stringMatching(/\w+/) });
      expect(internal.text).not.toMatch(/secret|SQLITE/);
    },
  );
});

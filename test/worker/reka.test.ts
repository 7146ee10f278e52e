/** The Reka dialect as its published pages have it: what goes well, what is refused, and what nobody may see. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { handle } from "../../src/router.ts";
import { toBase64 } from "../../src/encoding/base64.ts";
import { RUNNER_LOST } from "../../src/inferences/retry.ts";
import type { Status } from "../../src/inferences/status.ts";
import type { Payload } from "../../src/payloads/payload.ts";
import { storeOutput } from "../../src/payloads/take-in.ts";
import { removeEnded } from "../../src/inferences/sql/ended.ts";
import { cancelInference, changeStatements } from "../../src/inferences/sql/change.ts";
import { insertStatements } from "../../src/inferences/sql/insert.ts";
import { findInference, readStatements } from "../../src/inferences/sql/read.ts";
import { BACKEND_ANSWER_BYTES, INLINE_BYTES, JSON_BODY_BYTES, JSON_DEPTH, OFFSET_MAX, WEBHOOK_URL_CHARACTERS } from "../../src/limits.ts";
import { claimed, ended, expire, forgetAll, queued, rowOf, submission } from "./support/inferences.ts";
import { faultyDatabase, still, stillAs, stillEnv } from "./support/ports.ts";
import { backendIs, publicNames } from "./support/outside.ts";
import { type Tenant, newModel, newTenant, BAD_KEYS, served } from "./support/tenants.ts";
import { ORIGIN, as, call, object, operator, seen } from "./support/requests.ts";

const { db } = still();
const ROOT = "/v2/inference";
const INPUT = { prompt: "a red kite" };
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** The capabilities that have a page. */
const PUBLISHED = ["image-to-video", "text-to-image", "edit", "text-to-video", "text-to-speech", "image-to-bbox"];

beforeEach(forgetAll); // what waits of an earlier test must not be run by a later one's backend

const get = (key: string, path: string, headers: Record<string, string> = {}) => as(key, "GET", `${ROOT}/${path}`, undefined, headers);

/** Submitted without telling any runner. Returns the request's id. */
async function submit(key: string, model: string, capability = "text-to-image", body: unknown = { input: INPUT }): Promise<string> {
  const answer = await stillAs(key, "POST", `${ROOT}/${model}/${capability}`, body);
  expect(answer.status).toBe(202);
  return String((await object(answer))["request_id"]);
}

/** Ends an inference that waits as the first of its model, with that output. */
async function succeed(model: string, output: Payload, bytes = 2): Promise<void> {
  await db.all(changeStatements.succeed(await claimed(model), output, bytes, 1));
}

const inRow = (body: string | Uint8Array, contentType = "application/json"): Payload => ({ at: "row", body, contentType });

/** Brings an inference that waits, alone in its model, to a status. */
async function bring(model: string, { accountId }: Tenant, id: string, status: Status): Promise<void> {
  if (status === "in_progress") await claimed(model);
  else if (status === "succeeded") await succeed(model, inRow('{"images":[]}'));
  else if (status === "failed") await db.all(changeStatements.fail(await claimed(model), RUNNER_LOST));
  else if (status === "canceled") await cancelInference(db, accountId, id);
  else if (status === "expired") await expire(id);
}

/** The published error, member for member, as `seen` shows an answer. */
function refusal(status: number, type: string, message: unknown = expect.stringMatching(/\S/), more: Record<string, unknown> = {}) {
  return { status, type: "application/json", body: { error: { type, message, ...more } } };
}

/** One fault in a body or query. */
function fault(param: string, message: unknown) {
  return refusal(400, "validation_error", expect.stringContaining(param), { param, details: [{ param, message }] });
}

const METRICS = { queue_ms: expect.any(Number), run_ms: expect.any(Number), total_ms: expect.any(Number) };
const NO_METRICS = { queue_ms: null, run_ms: null, total_ms: null };
const LOST = { type: "infrastructure", code: "runner_lost", message: RUNNER_LOST.message };
const LATE = { type: "expired", code: "max_time_in_queue_seconds", message: expect.stringMatching(/too|longer/) };

const STATUSES: readonly [Status, string, Record<string, unknown>][] = [
  ["queued", "IN_QUEUE", { error: null, output: null, metrics: NO_METRICS }],
  ["in_progress", "IN_PROGRESS", { error: null, output: null, metrics: { ...METRICS, total_ms: null } }],
  ["succeeded", "COMPLETED", { error: null, output: { images: [] }, metrics: METRICS }],
  ["failed", "FAILED", { error: LOST, output: null, metrics: METRICS }],
  ["canceled", "CANCELED", { error: null, output: null, metrics: { ...NO_METRICS, total_ms: expect.any(Number) } }],
  ["expired", "FAILED", { error: LATE, output: null, metrics: { ...NO_METRICS, total_ms: expect.any(Number) } }],
];

describe("a request through the Reka API", () => {
  test("is asked about by the published call", async () => {
    const { key } = await newTenant();
    const request_id = await submit(key, await newModel());
    const response = await call(`/v2/inference/requests/${request_id}/status`, { headers: { "X-Api-Key": key } });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("x-request-id")).toMatch(UUID);
    expect(await response.json()).toStrictEqual({ request_id, status: "IN_QUEUE", queue_position: 1, logs: null, metrics: NO_METRICS });
  });

  test.each(PUBLISHED)("goes from submit to result: %s", async (capability) => {
    const { key } = await newTenant();
    const model = await served();
    const received: unknown[] = [];
    backendIs(async (request) => {
      if (!request.url.includes(".gpu.test")) return publicNames(request);
      received.push(await request.json());
      return Response.json({ url: "https://cdn.test/1.mp4", seed: 7 });
    });
    const accepted = await as(key, "POST", `${ROOT}/${model}/${capability}`, { input: INPUT, webhook_url: "https://hooks.example.com/r" });
    const { request_id } = await object(accepted.clone());
    const self = `${ORIGIN}${ROOT}/requests/${String(request_id)}`;
    expect(await seen(accepted)).toStrictEqual({
      status: 202,
      type: "application/json",
      body: {
        request_id: expect.stringMatching(UUID),
        status: "IN_QUEUE",
        status_url: `${self}/status`,
        response_url: self,
        cancel_url: `${self}/cancel`,
      },
    });
    expect(accepted.headers.get("location")).toBe(`${self}/status`);
    expect(await ended(key, String(request_id))).toMatchObject({ status: "succeeded", model, capability });
    expect(received).toEqual([INPUT]);
    const status = await object(get(key, `requests/${String(request_id)}/status`));
    expect(status).toStrictEqual({ request_id, status: "COMPLETED", queue_position: null, logs: null, metrics: METRICS });
    expect(await object(get(key, `requests/${String(request_id)}`))).toStrictEqual({
      request_id,
      status: "COMPLETED",
      output: { url: "https://cdn.test/1.mp4", seed: 7 },
      error: null,
      metrics: METRICS,
    });
  });

  test.each(["Authorization", "X-Api-Key"])("may carry its key in %s", async (header) => {
    const { key } = await newTenant();
    const headers = { "Content-Type": "application/json", [header]: header === "Authorization" ? `Bearer ${key}` : key };
    const init = { method: "POST", headers, body: '{"input":{}}' };
    expect((await call(`${ROOT}/${await newModel()}/edit`, init)).status).toBe(202);
  });

  test("takes any capability of a model that lists none, and of others what they list", async () => {
    const { key } = await newTenant();
    const [open, painter] = [await newModel(), await newModel({ capabilities: ["text-to-image", "edit"] })];
    await submit(key, open, "video-to-haiku.v2_b");
    await submit(key, painter, "edit");
    const large = { input: { prompt: "x".repeat(INLINE_BYTES) } };
    await submit(key, painter, "edit", large);
    const unwritable = stillEnv({ PAYLOADS: { put: () => Promise.reject(new Error("nothing is to be stored")) } });
    for (const body of [{ input: INPUT }, large]) {
      expect(await seen(stillAs(key, "POST", `${ROOT}/${painter}/text-to-video`, body, {}, unwritable))).toStrictEqual(
        refusal(404, "not_found_error", `The model "${painter}" does not offer "text-to-video". It offers "text-to-image" and "edit".`),
      );
    }
  });

  test("ignores members that are not published, and takes a webhook_url of null", async () => {
    const { key } = await newTenant();
    backendIs(publicNames);
    const longest = `https://hooks.example.com/${"x".repeat(WEBHOOK_URL_CHARACTERS - "https://hooks.example.com/".length)}`;
    for (const webhook_url of [undefined, null, "https://hooks.example.com/r?a=b", "https://hooks.example.com:8443", longest]) {
      expect(await submit(key, await newModel(), "edit", { input: INPUT, webhook_url, priority: "high" })).toMatch(UUID);
    }
  });

  test("has its input handed to the backend exactly", async () => {
    const { key } = await newTenant();
    const model = await served();
    let received = "";
    backendIs(async (request) => {
      received = await request.text();
      return Response.json({});
    });
    const text = '{"__proto__":{"a":1},"id":9007199254740993,"odd":"\\ud800","deep":{"x":[null,true,1.5]}}';
    const accepted = await as(key, "POST", `${ROOT}/${model}/edit`, `{"input":${text}}`);
    await ended(key, String((await object(accepted))["request_id"]));
    expect(received).toBe(text);
  });

  test("may be named in capitals", async () => {
    const { key } = await newTenant();
    const request_id = await submit(key, await newModel());
    for (const path of ["", "/status"]) {
      expect(await object(get(key, `requests/${request_id.toUpperCase()}${path}`))).toMatchObject({ request_id });
    }
  });

  test("knows its place in the queue", async () => {
    const { key } = await newTenant();
    const model = await served();
    const ids = [await submit(key, model), await submit(key, model), await submit(key, model)];
    const positions = async () => Promise.all(ids.map(async (id) => (await object(get(key, `requests/${id}/status`)))["queue_position"]));
    expect(await positions()).toEqual([1, 2, 3]);
    await claimed(model);
    expect(await positions()).toEqual([null, 1, 2]);
  });

  test("has no place while it backs off, and tells in its log of what went wrong", async () => {
    const { key } = await newTenant();
    const model = await served();
    const id = await submit(key, model);
    await db.all(changeStatements.retry(await claimed(model), RUNNER_LOST, 60_000, false));
    expect(await object(get(key, `requests/${id}/status?with_logs=true`))).toStrictEqual({
      request_id: id,
      status: "IN_QUEUE",
      queue_position: null,
      logs: [
        { timestamp: expect.stringMatching(TIME), level: "INFO", message: "Queued.", event: "queued" },
        { timestamp: expect.stringMatching(TIME), level: "INFO", message: "An attempt began.", event: "claimed", attempt: 1 },
        {
          timestamp: expect.stringMatching(TIME),
          level: "ERROR",
          message: RUNNER_LOST.message,
          event: "attempt_failed",
          attempt: 1,
          retry_at: expect.stringMatching(TIME),
        },
      ],
      metrics: { ...METRICS, total_ms: null },
    });
  });

  test.each([
    ["true", true],
    ["True", true],
    ["1", true],
    ["false", false],
    ["0", false],
  ])("shows its log for with_logs=%s: %s", async (with_logs, shown) => {
    const { key } = await newTenant();
    const id = await submit(key, await newModel());
    const { logs } = await object(get(key, `requests/${id}/status?with_logs=${with_logs}`));
    expect(logs).toEqual(shown ? [expect.objectContaining({ event: "queued" })] : null);
  });

  test("need not be sent again while its client knows how it stands", async () => {
    const { key } = await newTenant();
    const model = await served();
    const id = await submit(key, model);
    const paths = [`requests/${id}`, `requests/${id}/status`];
    for (const [last, caching] of [
      [false, "private, no-cache"],
      [true, expect.stringContaining("immutable")],
    ] as const) {
      if (last) await succeed(model, inRow("{}"));
      for (const path of paths) {
        const answer = await get(key, path);
        expect(answer.headers.get("cache-control")).toEqual(caching);
        const known = { "If-None-Match": answer.headers.get("etag") ?? "" };
        expect((await get(key, path, known)).status).toBe(304);
        expect((await get(key, path, { "If-None-Match": '"other"' })).status).toBe(200);
      }
    }
  });

  test("can be asked about by HEAD", async () => {
    const { key } = await newTenant();
    const id = await submit(key, await newModel());
    const request = new Request(`${ORIGIN}${ROOT}/requests/${id}/status`, { method: "HEAD", headers: { "X-Api-Key": key } });
    const head = await handle(request, env, createExecutionContext());
    expect([head.status, head.body, head.headers.get("x-ratelimit-requests-limit")]).toEqual([200, null, "10000"]);
  });
});

describe.each(STATUSES)("an inference that is %s", (status, shown, result) => {
  test.each<[string, (tenant: Tenant, model: string) => Promise<string>]>([
    ["Reka's", ({ key }, model) => submit(key, model)],
    [
      "Vody's",
      async ({ key }, model) => {
        const batch = [{ image_path: "https://img.test/1.png", product_type: "Chair" }];
        return String((await object(stillAs(key, "POST", `/inference/${model}`, batch)))["id"]);
      },
    ],
    ["our own", async ({ key }, model) => String((await object(stillAs(key, "POST", "/v1/inferences", { model, input: [1] })))["id"])],
    ["chat completions", ({ accountId }, model) => queued(model, { accountId, capability: "chat/completions", dialect: "openai" })],
  ])(`is ${shown}, whether it came by %s API`, async (from, send) => {
    const tenant = await newTenant();
    const model = await served();
    const id = await send(tenant, model);
    await bring(model, tenant, id, status);
    expect(await object(get(tenant.key, `requests/${id}/status`))).toStrictEqual({
      request_id: id,
      status: shown,
      queue_position: status === "queued" ? 1 : null,
      logs: null,
      metrics: result["metrics"],
    });
    expect(await object(get(tenant.key, `requests/${id}`))).toStrictEqual({ request_id: id, status: shown, ...result });
    const capability = { "Reka's": "text-to-image", "chat completions": "chat/completions" }[from] ?? null;
    const { output: _, ...rest } = result;
    expect(await object(get(tenant.key, "requests"))).toStrictEqual({
      items: [
        {
          request_id: id,
          endpoint_id: capability === null ? model : `${model}/${capability}`,
          model_id: model,
          capability,
          status: shown,
          created_at: expect.stringMatching(TIME),
          started_at: ["in_progress", "succeeded", "failed"].includes(status) ? expect.stringMatching(TIME) : null,
          completed_at: ["queued", "in_progress"].includes(status) ? null : expect.stringMatching(TIME),
          ...rest,
        },
      ],
      next_offset: null,
      has_more: false,
    });
  });
});

describe("an output", () => {
  const LONG = "Aé漢😀".repeat(INLINE_BYTES / 8);

  test.each<[string, string, string]>([
    ["an object", '{"images":[{"url":"https://cdn.test/1.png"}]}', '{"images":[{"url":"https://cdn.test/1.png"}]}'],
    ["an object after white space", ' \n{"a":1}', '{"a":1}'],
    ["an array", '[{"box":[1,2,3,4]},{}]', '{"value":[{"box":[1,2,3,4]},{}]}'],
    ["a text", '"{}"', '{"value":"{}"}'],
    ["a number", "-1.5e-7", '{"value":-1.5e-7}'],
    ["null", "null", '{"value":null}'],
    ["an integer beyond 2^53", '{"seed":9007199254740993}', '{"seed":9007199254740993}'],
    ["an object too large for a row", JSON.stringify({ text: LONG }), JSON.stringify({ text: LONG })],
    ["an array too large for a row", JSON.stringify([LONG]), JSON.stringify({ value: [LONG] })],
  ])("that is %s is an object", async (_name, output, shown) => {
    const { key } = await newTenant();
    const model = await served();
    backendIs(() => new Response(output, { headers: { "Content-Type": "application/vnd.model+json" } }));
    const accepted = await as(key, "POST", `${ROOT}/${model}/edit`, { input: INPUT });
    const id = String((await object(accepted))["request_id"]);
    expect(await ended(key, id)).toMatchObject({ status: "succeeded" });
    const answer = await get(key, `requests/${id}`);
    expect(answer.headers.get("content-type")).toBe("application/json");
    const text = await answer.text();
    expect(text.replace(/"output":\s+/, '"output":')).toContain(`"output":${shown}`);
    expect(Object.keys(JSON.parse(text) as object).toSorted()).toEqual(["error", "metrics", "output", "request_id", "status"]);
  });

  test.each([
    ["image/png", new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 0xff])],
    ["video/mp4", new Uint8Array(INLINE_BYTES + 1).fill(0xfe)],
    ["text/plain; charset=utf-8", new TextEncoder().encode("{}")],
  ])("that is %s is given by its address", async (content_type, bytes) => {
    const { key } = await newTenant();
    const model = await served();
    backendIs(() => new Response(bytes, { headers: { "Content-Type": content_type } }));
    const accepted = await as(key, "POST", `${ROOT}/${model}/text-to-video`, { input: INPUT });
    const id = String((await object(accepted))["request_id"]);
    expect(await ended(key, id)).toMatchObject({ status: "succeeded" });
    const url = `${ORIGIN}/v1/inferences/${id}/result`;
    const { output } = await object(get(key, `requests/${id}`));
    expect(output).toStrictEqual({ url, content_type, file_size: bytes.length });
    const fetched = await call(url.slice(ORIGIN.length), { headers: { "X-Api-Key": key } });
    expect(fetched.headers.get("content-type")).toBe(content_type);
    expect(new Uint8Array(await fetched.arrayBuffer())).toEqual(bytes);
  });

  test.each([
    ["in its row", 2],
    ["beyond its row", 20_000],
  ])("that is raw tensors %s is shown as JSON", async (_where, count) => {
    const { key } = await newTenant();
    const model = await served();
    const id = await submit(key, model);
    const tensor = { name: "y", shape: [count], datatype: "INT16" };
    const head = JSON.stringify({ model_name: model, outputs: [{ ...tensor, parameters: { binary_data_size: 2 * count } }] });
    const body = new Uint8Array(head.length + 2 * count).fill(1);
    body.set(new TextEncoder().encode(head));
    const contentType = `application/octet-stream;head=${head.length}`;
    const hold = await claimed(model);
    const { payload, bytes } = await storeOutput(still(), hold, { body, contentType });
    await db.all(changeStatements.succeed(hold, payload, bytes, 1));
    const { output } = await object(get(key, `requests/${id}`));
    expect(output).toEqual({ model_name: model, outputs: [{ ...tensor, data: Array.from({ length: count }, () => 0x0101) }] });
  });

  test("that is JSON of more than may be parsed is given by its address", async () => {
    const { key } = await newTenant();
    const model = await served();
    const id = await submit(key, model);
    const bytes = BACKEND_ANSWER_BYTES + 1;
    await succeed(model, { at: "object", key: `outputs/huge/${id}`, bytes, contentType: "application/json" }, bytes);
    const { output } = await object(get(key, `requests/${id}`));
    expect(output).toStrictEqual({ url: `${ORIGIN}/v1/inferences/${id}/result`, content_type: "application/json", file_size: bytes });
  });

  test.each([
    ["small", "{}"],
    ["large", `{"a":"${"x".repeat(INLINE_BYTES)}"}`],
  ])("that was removed with its input (%s) is 410, and null in a list", async (_size, text) => {
    const { key, accountId } = await newTenant();
    const model = await served();
    const id = await submit(key, model, "edit", `{"input":${text}}`);
    const hold = await claimed(model);
    const { payload, bytes } = await storeOutput(still(), hold, { body: text, contentType: "application/json" });
    await db.all(changeStatements.succeed(hold, payload, bytes, 1));
    const after = await findInference(db, accountId, id);
    const finishedAt = after && "finishedAt" in after ? after.finishedAt : expect.fail("has not ended");
    await removeEnded(db, [{ accountId, id, finishedAt }], "payloads");
    expect(await seen(get(key, `requests/${id}`))).toStrictEqual(refusal(410, "not_found_error", "The result has expired."));
    expect(await seen(get(key, `requests/${id}/input`))).toStrictEqual(refusal(410, "not_found_error", "The input has expired."));
    expect(await object(get(key, `requests/${id}/status`))).toMatchObject({ status: "COMPLETED" });
    const { items } = await object(get(key, "requests?expand=payloads"));
    expect(items).toMatchObject([{ request_id: id, status: "COMPLETED", input: null, output: null }]);
  });

  test("is fetched as any result is: in parts, zipped, by HEAD, with the digest of the whole", async () => {
    const { key } = await newTenant();
    const model = await served();
    const id = await submit(key, model);
    await succeed(model, inRow(JSON.stringify({ text: "long ".repeat(4_000) })));
    const whole = await get(key, `requests/${id}`);
    const bytes = new Uint8Array(await whole.arrayBuffer());
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    expect(whole.headers.get("repr-digest")).toBe(`sha-256=:${toBase64(digest)}:`);
    expect([whole.headers.get("accept-ranges"), whole.headers.get("x-content-type-options")]).toEqual(["bytes", "nosniff"]);
    const part = await get(key, `requests/${id}`, { Range: "bytes=1000-", "If-Range": whole.headers.get("etag") ?? "" });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 1000-${bytes.length - 1}/${bytes.length}`]);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.subarray(1_000));
    const zipped = await get(key, `requests/${id}`, { "Accept-Encoding": "gzip" });
    expect([zipped.status, zipped.headers.get("content-encoding")]).toEqual([200, "gzip"]);
    const request = new Request(`${ORIGIN}${ROOT}/requests/${id}`, { method: "HEAD", headers: { "X-Api-Key": key } });
    const head = await handle(request, env, createExecutionContext());
    expect([head.status, head.body, head.headers.get("content-length")]).toEqual([200, null, String(bytes.length)]);
  });

  test("whose object is gone is 410", async () => {
    const { key } = await newTenant();
    const model = await served();
    const id = await submit(key, model);
    await succeed(model, { at: "object", key: `outputs/gone/${id}`, bytes: 9, contentType: "application/json" }, 9);
    expect(await seen(get(key, `requests/${id}`))).toStrictEqual(refusal(410, "not_found_error", "The result has expired."));
  });
});

describe("a cancel", () => {
  test.each(STATUSES)("of one that is %s", async (status, shown) => {
    const tenant = await newTenant();
    const model = await served();
    const id = await submit(tenant.key, model);
    await bring(model, tenant, id, status);
    const before = await rowOf(id);
    const answer = await as(tenant.key, "POST", `${ROOT}/requests/${id}/cancel`);
    if (["queued", "in_progress", "canceled"].includes(status)) {
      expect(await seen(answer)).toStrictEqual({
        status: 200,
        type: "application/json",
        body: {
          request_id: id,
          status: "CANCELED",
          output: null,
          error: null,
          metrics: { ...METRICS, ...(status === "in_progress" ? {} : { queue_ms: null, run_ms: null }) },
        },
      });
      expect((await rowOf(id))["status"]).toBe("canceled");
    } else {
      expect(await seen(answer)).toStrictEqual(refusal(409, "validation_error", `The request is ${shown} already.`));
      expect(await rowOf(id)).toEqual(before);
    }
  });
});

describe("an Idempotency-Key", () => {
  test.each(["order-7", '"order-7"'])("(%s) replays the original 202, whatever became of the request", async (header) => {
    const tenant = await newTenant();
    const model = await newModel();
    const headers = { "Idempotency-Key": header };
    const send = () => as(tenant.key, "POST", `${ROOT}/${model}/edit`, { input: INPUT }, headers);
    const first = await send();
    const original = await seen(first);
    await cancelInference(db, tenant.accountId, String((original.body as Record<string, unknown>)["request_id"])); // seen says it is an object
    const again = await send();
    expect(await seen(again)).toStrictEqual(original);
    expect([first, again].map((answer) => answer.headers.get("idempotency-replayed"))).toEqual([null, "true"]);
    const { items } = await object(get(tenant.key, "requests"));
    expect(items).toHaveLength(1);
  });

  test("is refused for another body or another endpoint, and is each account's own", async () => {
    const [{ key }, other] = [await newTenant(), await newTenant()];
    const model = await newModel();
    const send = (by: string, endpoint: string, body: unknown) =>
      as(by, "POST", `${ROOT}/${endpoint}`, body, { "Idempotency-Key": "order-7" });
    const first = await object(send(key, `${model}/edit`, { input: INPUT }));
    const changed = [send(key, `${model}/edit`, { input: { prompt: "blue" } }), send(key, `${model}/text-to-image`, { input: INPUT })];
    for (const answer of changed) expect(await seen(answer)).toStrictEqual(refusal(422, "validation_error"));
    const theirs = await object(send(other.key, `${model}/edit`, { input: INPUT }));
    expect(theirs["request_id"]).toMatch(UUID);
    expect(theirs["request_id"]).not.toBe(first["request_id"]);
  });

  test.each(["", " ", '""', "a\tb", "x".repeat(256)])("must not be %j", async (header) => {
    const { key } = await newTenant();
    const answer = as(key, "POST", `${ROOT}/${await newModel()}/edit`, { input: INPUT }, { "Idempotency-Key": header });
    expect(await seen(answer)).toStrictEqual(refusal(400, "validation_error", expect.stringContaining("Idempotency-Key")));
  });
});

describe("the list of requests", () => {
  interface Page {
    items: Record<string, unknown>[];
    next_offset: number | null;
    has_more: boolean;
  }

  async function listed(key: string, query = ""): Promise<Page> {
    const answer = await get(key, `requests${query}`);
    expect(answer.status).toBe(200);
    return answer.json();
  }

  const idsIn = async (key: string, query: string) => (await listed(key, query)).items.map((item) => item["request_id"]);

  test("is filtered by endpoint, capability, model and status, each exact, and by all at once", async () => {
    const tenant = await newTenant();
    const { key, accountId } = tenant;
    const [kite, fox] = [await served(), await served()];
    const draw = await queued(kite, { accountId, capability: "text-to-image" });
    await bring(kite, tenant, draw, "succeeded");
    const edit = await queued(kite, { accountId, capability: "edit" });
    await bring(kite, tenant, edit, "expired");
    const chat = await queued(kite, { accountId, capability: "chat/completions" });
    await bring(kite, tenant, chat, "failed");
    const plain = await queued(kite, { accountId });
    const other = await queued(fox, { accountId, capability: "edit" });
    await bring(fox, tenant, other, "canceled");
    const last = await queued(fox, { accountId, capability: "text-to-image" });
    await claimed(fox);
    const table: [query: string, found: string[]][] = [
      ["", [last, other, plain, chat, edit, draw]],
      ["?unknown=1", [last, other, plain, chat, edit, draw]],
      [`?model_id=${kite}`, [plain, chat, edit, draw]],
      [`?model_id=${kite.slice(0, -1)}`, []],
      ["?capability=edit", [other, edit]],
      ["?capability=EDIT", []],
      ["?capability=chat/completions", [chat]],
      [`?endpoint_id=${kite}/edit`, [edit]],
      [`?endpoint_id=${kite}%2Fedit`, [edit]],
      [`?endpoint_id=${kite}/chat/completions`, [chat]],
      [`?endpoint_id=${kite}`, [plain]],
      [`?endpoint_id=${kite}/`, []],
      [`?endpoint_id=${kite}/chat`, []],
      ["?endpoint_id=/edit", []],
      [`?endpoint_id=${kite}/edit&model_id=${fox}`, []],
      [`?endpoint_id=${kite}/edit&capability=text-to-image`, []],
      [`?endpoint_id=${kite}/edit&model_id=${kite}&capability=edit&status=FAILED`, [edit]],
      ["?status=IN_QUEUE", [plain]],
      ["?status=IN_PROGRESS", [last]],
      ["?status=COMPLETED", [draw]],
      ["?status=FAILED", [chat, edit]],
      ["?status=CANCELED", [other]],
      ["?status=COMPLETED&status=CANCELED", [other]],
      [`?model_id=${"x".repeat(5_000)}`, []],
      ["?model_id=%00&capability=%27%20OR%201=1", []],
    ];
    for (const [query, found] of table) expect([query, await idsIn(key, query)]).toEqual([query, found]);
  });

  test("has a first and a last moment, the first included and the last not, in every form of time", async () => {
    const { key, accountId } = await newTenant();
    const model = await newModel();
    const ids = [await queued(model, { accountId }), await queued(model, { accountId }), await queued(model, { accountId })];

    const noon = Date.parse(`${new Date().toISOString().slice(0, 19)}.500Z`);
    const day = new Date(noon).toISOString().slice(0, 10);
    for (const [index, id] of ids.entries()) {
      await env.DB.prepare("UPDATE inferences SET created_at = ? WHERE id = ?")
        .bind(noon + index, id)
        .run();
    }
    const [oldest, middle, newest] = ids;
    const at = (ms: number) => new Date(noon + ms).toISOString();
    const bare = (ms: number) => at(ms).slice(0, -1);
    const east = `${new Date(noon + 1 + 5.5 * 3_600_000).toISOString().slice(0, -1)}+05:30`;
    const tomorrow = new Date(noon + 86_400_000).toISOString().slice(0, 10);
    const table: [query: string, found: (string | undefined)[]][] = [
      [`start=${at(1)}&end=${at(2)}`, [middle]],
      [`start=${at(1)}`, [newest, middle]],
      [`end=${at(1)}`, [oldest]],
      [`start=${at(0)}&end=${at(3)}`, [newest, middle, oldest]],
      [`start=${at(2)}&end=${at(2)}`, []],
      [`start=${at(2)}&end=${at(1)}`, []],
      [`start=${bare(1)}`, [newest, middle]],
      [`start=${bare(1)}000Z`, [newest, middle]],
      [`start=${bare(0)}001Z`, [newest, middle]],
      [`end=${bare(0)}000001Z`, [oldest]],
      [`start=${encodeURIComponent(east)}`, [newest, middle]],
      [`start=${east}`, [newest, middle]],
      [`start=${bare(1)}-00:00`, [newest, middle]],
      [`start=${day}&end=${tomorrow}`, [newest, middle, oldest]],
      [`start=${tomorrow}`, []],
      ["start=1970-01-01T00:00:00Z&end=9999-12-31T23:59:59Z", [newest, middle, oldest]],
      ["start=0001-01-01", [newest, middle, oldest]],
      ["start=9999-12-31", []],
    ];
    for (const [query, found] of table) expect([query, await idsIn(key, `?${query}`)]).toEqual([query, found]);
  });

  test("goes by the database's clock, though the one that made the ids be minutes apart from it", async () => {
    const { key, accountId } = await newTenant();
    const [early, late] = [await queued(await newModel(), { accountId }), await queued(await newModel(), { accountId })];
    const now = Date.now();
    for (const [id, ms] of [
      [early, -300_000],
      [late, 300_000],
    ] as const) {
      await env.DB.prepare("UPDATE inferences SET created_at = ? WHERE id = ?")
        .bind(now + ms, id)
        .run();
      const [start, end] = [new Date(now + ms).toISOString(), new Date(now + ms + 1).toISOString()];
      expect(await idsIn(key, `?start=${start}&end=${end}`)).toEqual([id]);
    }
  });

  test("reads no more than the part of the account in which the asked time lies", async () => {
    const accountId = "a-busy-one";
    const model = await newModel();
    const dated = (ms: number, count: number) =>
      Array.from({ length: count }, (_, index) => {
        const stamp = Math.floor(ms + index)
          .toString(16)
          .padStart(12, "0");
        const id = `${stamp.slice(0, 8)}-${stamp.slice(8)}-7000-8000-${String(index).padStart(12, "0")}`;
        return insertStatements.insert(submission(model, { accountId, id }));
      });
    const day = 86_400_000;
    await db.batch([...dated(day, 100), ...dated(3 * day, 3), ...dated(5 * day, 100)]);
    await env.DB.prepare("UPDATE inferences SET created_at = ? WHERE account_id = ?")
      .bind(3 * day, accountId)
      .run();
    const filter = { statuses: ["queued"] as const, createdAfter: 3 * day, createdBefore: 3 * day + 1 };
    const statement = readStatements.list(accountId, filter, { before: null, offset: 0, limit: 100 });
    const { results, meta } = await env.DB.prepare(statement.text)
      .bind(...statement.params)
      .all();
    expect(results).toHaveLength(3);
    expect(meta.rows_read).toBeLessThan(10);
  });

  test("goes page by page, newest first, 25 to a page unless told", async () => {
    const { key, accountId } = await newTenant();
    const model = await newModel();
    await db.batch(Array.from({ length: 30 }, () => insertStatements.insert(submission(model, { accountId }))));
    const first = await listed(key);
    expect([first.items.length, first.next_offset, first.has_more]).toEqual([25, 25, true]);
    const second = await listed(key, `?offset=${first.next_offset}`);
    expect([second.items.length, second.next_offset, second.has_more]).toEqual([5, null, false]);
    const ids = [...first.items, ...second.items].map((item) => String(item["request_id"]));
    expect(ids).toEqual(ids.toSorted().toReversed());
    expect(new Set(ids).size).toBe(30);
    const table: [query: string, seen: [number, number | null, boolean]][] = [
      ["?limit=1", [1, 1, true]],
      ["?limit=30", [30, null, false]],
      ["?limit=100", [30, null, false]],
      ["?limit=7&offset=21", [7, 28, true]],
      ["?limit=7&offset=23", [7, null, false]],
      ["?offset=30", [0, null, false]],
      [`?offset=${OFFSET_MAX}`, [0, null, false]],
      [`?status=IN_QUEUE&model_id=${model}&limit=29`, [29, 29, true]],
    ];
    for (const [query, expected] of table) {
      const page = await listed(key, query);
      expect([query, page.items.length, page.next_offset, page.has_more]).toEqual([query, ...expected]);
      if (page.items.length > 0) expect(page.items[0]?.["request_id"]).toBe(ids[Number(/offset=(\d+)/.exec(query)?.[1] ?? 0)]);
    }
  });

  test("leaves payloads out unless they are asked for, and gives those that are not in the row by address", async () => {
    const { key, accountId } = await newTenant();
    const model = await served();
    const prompt = "x".repeat(INLINE_BYTES);
    const waiting = await submit(key, model, "edit", { input: { prompt, n: 1 } });
    await succeed(model, { at: "object", key: "outputs/large", bytes: 50_000, contentType: "application/json" }, 50_000);
    const small = await submit(key, model, "edit", { input: { seed: 1 } });
    await succeed(model, inRow('[9007199254740993,"é"]'));
    const bytes = await queued(model, { accountId, input: inRow(new Uint8Array([1, 2, 255]), "image/png"), inputBytes: 3 });
    await succeed(model, inRow(new Uint8Array([7]), "audio/mpeg"), 1);
    const list = await queued(model, { accountId, input: inRow("[1]") });

    const bare = await listed(key);
    for (const item of bare.items) expect([Object.hasOwn(item, "input"), Object.hasOwn(item, "output")]).toEqual([false, false]);

    const { url: address, ...rest } = { url: `${ORIGIN}${ROOT}/requests/${waiting}/input`, content_type: "application/json" };
    const expanded: Record<string, unknown>[] = [
      { request_id: list, input: { value: [1] }, output: null },
      {
        request_id: bytes,
        input: { url: `${ORIGIN}${ROOT}/requests/${bytes}/input`, content_type: "image/png", file_size: 3 },
        output: { url: `${ORIGIN}/v1/inferences/${bytes}/result`, content_type: "audio/mpeg", file_size: 1 },
      },
      { request_id: small, input: { seed: 1 }, output: { value: [9007199254740992, "é"] } },
      {
        request_id: waiting,
        input: { url: address, ...rest, file_size: JSON.stringify({ prompt, n: 1 }).length },
        output: { url: `${ORIGIN}/v1/inferences/${waiting}/result`, content_type: "application/json", file_size: 50_000 },
      },
    ];
    for (const query of [
      "expand=payloads",
      "expand=payloads,payloads",
      "expand=&expand=payloads",
      "limit=4&expand=payloads&expand=payloads",
    ]) {
      const page = await listed(key, `?${query}`);
      expect(page.items).toStrictEqual(bare.items.map((item, index) => ({ ...item, ...expanded[index] })));
    }
    expect(await (await get(key, "requests?expand=payloads")).text()).toContain('{"value":[9007199254740993,"é"]}');

    const input = await call(address.slice(ORIGIN.length), { headers: { "X-Api-Key": key } });
    expect([input.headers.get("content-type"), input.headers.get("cache-control")]).toEqual(["application/json", "private, no-cache"]);
    expect(await input.json()).toEqual({ prompt, n: 1 });
    const picture = await get(key, `requests/${bytes}/input`);
    expect([picture.headers.get("content-type"), picture.headers.get("content-length")]).toEqual(["image/png", "3"]);
    expect(new Uint8Array(await picture.arrayBuffer())).toEqual(new Uint8Array([1, 2, 255]));
    await env.PAYLOADS.delete(`inputs/${accountId}/${waiting}`);
    expect(await seen(get(key, `requests/${waiting}/input`))).toStrictEqual(refusal(410, "not_found_error", "It is no longer stored."));
  });

  test("has nothing of another account, whatever is asked", async () => {
    const [{ key }, other] = [await newTenant(), await newTenant()];
    const model = await newModel();
    await submit(other.key, model);
    for (const query of ["", "?expand=payloads", `?model_id=${model}`, "?start=1970-01-01", "?status=IN_QUEUE"]) {
      expect(await listed(key, query)).toStrictEqual({ items: [], next_offset: null, has_more: false });
    }
  });

  test.each([
    ["limit=0", "limit", "must be an integer from 1 to 100"],
    ["limit=101", "limit", "must be an integer from 1 to 100"],
    ["limit=", "limit", "must be an integer from 1 to 100"],
    ["limit=-1", "limit", "must be an integer from 1 to 100"],
    ["limit=1.5", "limit", "must be an integer from 1 to 100"],
    ["limit=ten", "limit", "must be an integer from 1 to 100"],
    ["limit=1e1", "limit", "must be an integer from 1 to 100"],
    ["limit=5&limit=x", "limit", "must be an integer from 1 to 100"],
    ["offset=-1", "offset", expect.stringContaining("must be an integer from 0")],
    [`offset=${OFFSET_MAX + 1}`, "offset", expect.stringContaining("must be an integer from 0 to 10000")],
    ["offset=1e400", "offset", expect.stringContaining("must be an integer from 0")],
    ["offset=99999999999999999999", "offset", expect.stringContaining("must be an integer from 0")],
    ["status=in_queue", "status", expect.stringContaining("IN_QUEUE")],
    ["status=", "status", expect.stringContaining("IN_QUEUE")],
    ["start=yesterday", "start", expect.stringContaining("must be a time")],
    ["start=1700000000", "start", expect.stringContaining("must be a time")],
    ["start=2026-02-30T00:00:00Z", "start", expect.stringContaining("must be a time")],
    ["end=2026-01-01T25:00:00Z", "end", expect.stringContaining("must be a time")],
    ["end=", "end", expect.stringContaining("must be a time")],
    ["expand=inputs", "expand", 'may only be "payloads"'],
    ["expand=payloads,output", "expand", 'may only be "payloads"'],
  ])("refuses ?%s", async (query, param, message) => {
    const { key } = await newTenant();
    expect(await seen(get(key, `requests?${query}`))).toStrictEqual(fault(param, message));
  });

  test("names every fault", async () => {
    const { key } = await newTenant();
    expect(await seen(get(key, "requests?limit=0&status=x"))).toStrictEqual(
      refusal(400, "validation_error", expect.stringMatching(/"status" .*; "limit" /), {
        param: "status",
        details: [
          { param: "status", message: expect.any(String) },
          { param: "limit", message: expect.any(String) },
        ],
      }),
    );
  });
});

describe("the list of models", () => {
  test("has each with what it offers", async () => {
    const { key } = await newTenant();
    const [open, painter] = [await newModel(), await newModel({ description: "Paints.", capabilities: ["text-to-image", "edit"] })];
    const answer = await get(key, "models");
    expect(answer.status).toBe(200);
    const page: { items: Record<string, unknown>[] } = await answer.json();
    expect(Object.keys(page).toSorted()).toEqual(["has_more", "items", "next_offset"]);
    const created_at = expect.stringMatching(TIME);
    expect(page.items.filter(({ model_id }) => model_id === open || model_id === painter)).toStrictEqual(
      [
        { model_id: open, description: "", capabilities: [], created_at },
        { model_id: painter, description: "Paints.", capabilities: ["text-to-image", "edit"], created_at },
      ].toSorted((a, b) => (a.model_id < b.model_id ? -1 : 1)),
    );
  });

  test("goes page by page too", async () => {
    const { key } = await newTenant();
    for (let count = 0; count < 3; count++) await newModel();
    const all: unknown[] = [];
    for (let offset: number | null = 0; offset !== null && all.length < 1_000;) {
      const answer = await get(key, `models?limit=2&offset=${offset}`);
      const page: { items: { model_id: string }[]; next_offset: number | null; has_more: boolean } = await answer.json();
      all.push(...page.items.map(({ model_id }) => model_id));
      expect(page.has_more).toBe(page.next_offset !== null);
      offset = page.next_offset;
    }
    const { results } = await env.DB.prepare("SELECT name FROM models ORDER BY name").all();
    expect(all).toEqual(results.map(({ name }) => name));
  });

  test("refuses a page that cannot be", async () => {
    const { key } = await newTenant();
    expect(await seen(get(key, "models?limit=1000"))).toStrictEqual(fault("limit", "must be an integer from 1 to 100"));
  });
});

describe("a submission that is refused", () => {
  const URI = "must be an http or https URL";

  test.each<[string, unknown, string, unknown]>([
    ["no input", {}, "input", "is missing"],
    ["an input of null", { input: null }, "input", "must be an object"],
    ["an input that is an array", { input: [] }, "input", "must be an object"],
    ["an input that is a text", { input: "a red kite" }, "input", "must be an object"],
    ["an input that is a number", { input: 7 }, "input", "must be an object"],
    ["an empty webhook_url", { input: {}, webhook_url: "" }, "webhook_url", expect.any(String)],
    ["a webhook_url that is no URI", { input: {}, webhook_url: "hooks" }, "webhook_url", URI],
    ["a webhook_url by another scheme", { input: {}, webhook_url: "ftp://hooks.test" }, "webhook_url", URI],
    ["a webhook_url that is a script", { input: {}, webhook_url: "javascript:alert(1)" }, "webhook_url", URI],
    ["a webhook_url without a host", { input: {}, webhook_url: "https://" }, "webhook_url", URI],
    ["a number for webhook_url", { input: {}, webhook_url: 5 }, "webhook_url", expect.stringContaining("string")],
    [
      "a webhook_url too long",
      { input: {}, webhook_url: `https://hooks.test/${"x".repeat(WEBHOOK_URL_CHARACTERS)}` },
      "webhook_url",
      expect.stringContaining(String(WEBHOOK_URL_CHARACTERS)),
    ],
  ])("for %s names it", async (_name, body, param, message) => {
    const { key } = await newTenant();
    const { status, type, body: said } = await seen(as(key, "POST", `${ROOT}/${await newModel()}/edit`, body));
    const { error } = said as { error: { details: unknown[] } }; // compared whole in the next line
    expect({ status, type, error }).toStrictEqual({
      status: 400,
      type: "application/json",
      error: { type: "validation_error", message: expect.stringContaining(param), param, details: expect.any(Array) },
    });
    expect(error.details[0]).toStrictEqual({ param, message });
  });

  test.each<[string, unknown]>([
    ["an array", []],
    ["a text", '"x"'],
    ["null", "null"],
  ])("for being %s names nothing else", async (_name, body) => {
    const { key } = await newTenant();
    expect(await seen(as(key, "POST", `${ROOT}/${await newModel()}/edit`, body))).toStrictEqual(
      refusal(400, "validation_error", expect.stringContaining("object"), { details: [{ message: expect.stringContaining("object") }] }),
    );
  });

  const deep = (levels: number) => `{"input":${'{"a":'.repeat(levels)}1${"}".repeat(levels)}}`;

  test.each<[string, BodyInit, string, number]>([
    ["nothing", "", "application/json", 400],
    ["half an object", '{"input":', "application/json", 400],
    ["a number that overflows", '{"input":{"a":1e400}}', "application/json", 400],
    ["nested too deep", deep(JSON_DEPTH), "application/json", 400],
    ["nested far too deep", deep(200_000), "application/json", 400],
    ["not UTF-8", new Uint8Array([0x7b, 0xff, 0x7d]), "application/json", 400],
    ["UTF-16", new Uint8Array([0xff, 0xfe, 0x7b, 0, 0x7d, 0]), "application/json", 400],
    ["a form", "input=1", "application/x-www-form-urlencoded", 415],
    ["plain text", '{"input":{}}', "text/plain", 415],
    ["one byte too long", `{"input":{"a":"${"x".repeat(JSON_BODY_BYTES)}"}}`, "application/json", 413],
  ])("is %s", async (_name, body, type, status) => {
    const { key } = await newTenant();
    const headers = { "X-Api-Key": key, "Content-Type": type };
    const answer = call(`${ROOT}/${await newModel()}/edit`, { method: "POST", headers, body });
    expect(await seen(answer)).toStrictEqual(refusal(status, "validation_error"));
  });

  test.each(["no-such-model/edit", "%00/edit", "%E0%A4%A/edit", "..%2Fadmin/edit", "models/edit"])(
    "goes to %s, which is not there",
    async (endpoint) => {
      const { key } = await newTenant();
      for (const prompt of ["small", "x".repeat(INLINE_BYTES)]) {
        expect(await seen(as(key, "POST", `${ROOT}/${endpoint}`, { input: { prompt } }))).toStrictEqual(refusal(404, "not_found_error"));
      }
    },
  );

  test.each(["%20", "a%20b", "chat%2Fcompletions", "-x", "é", "%00", "x".repeat(129)])(
    "asks for %s, which is no capability",
    async (capability) => {
      const { key } = await newTenant();
      const answer = as(key, "POST", `${ROOT}/${await newModel()}/${capability}`, { input: INPUT });
      expect(await seen(answer)).toStrictEqual(refusal(404, "not_found_error", "No model offers such a capability."));
    },
  );

  test("never makes us fail, whatever it is", { timeout: 60_000 }, async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const environment = stillEnv();
    const anything = fc.jsonValue({ maxDepth: 6 });
    const keyed = fc.record({ input: anything, webhook_url: fc.oneof(anything, fc.webUrl()) }, { requiredKeys: [] });
    const hostile = fc.constantFrom(
      '{"__proto__":{"input":{}}}',
      '{"input":{"__proto__":null,"constructor":{"prototype":{"x":1}}}}',
      '{"input":{},"input":[]}',
      `{"input":{"n":${"9".repeat(400)}}}`,
      `{"input":{"n":-${"9".repeat(5_000)}.5}}`,
      '{"input":{"n":-0,"m":1E-999}}',
      '{"input":{"\\ud800":"\\udfff","":""}}',
      `{"input":${"[".repeat(100_000)}`,
      `{"input":{"a":"\\u0000"}}`,
      '\ufeff{"input":{}}',
      '{"input":{}}{"input":{}}',
      "NaN",
    );
    const bodies = fc.oneof(
      keyed.map((value) => JSON.stringify(value)),
      anything.map((value) => JSON.stringify(value)),
      hostile,
      fc.string({ unit: "binary", maxLength: 50 }),
      fc.uint8Array({ minLength: 1, maxLength: 50 }),
    );
    const types = fc.constantFrom("application/json", "application/json; charset=utf-16", "application/octet-stream", "text/json", "");
    await fc.assert(
      fc.asyncProperty(bodies, types, fc.constantFrom(model, "nowhere", "a%2Fb", "__proto__"), async (body, type, to) => {
        const headers = { "X-Api-Key": key, "Content-Type": type };
        const request = new Request(`${ORIGIN}${ROOT}/${to}/edit`, { method: "POST", headers, body });
        const answer = await handle(request, environment, createExecutionContext());
        const said: Record<string, unknown> = await answer.json();
        if (answer.status === 202) {
          expect(Object.keys(said)).toEqual(["request_id", "status", "status_url", "response_url", "cancel_url"]);
        } else {
          expect([400, 404, 413, 415]).toContain(answer.status);
          const types_ = { 404: "not_found_error" } as Readonly<Record<number, string>>;
          expect(said).toMatchObject({
            error: { type: types_[answer.status] ?? "validation_error", message: expect.stringMatching(/\S/) },
          });
        }
      }),
      { numRuns: 300 },
    );
  });

  test("never makes a list fail, whatever its query", { timeout: 60_000 }, async () => {
    const { key } = await newTenant();
    const names = fc.constantFrom(
      "endpoint_id",
      "capability",
      "model_id",
      "status",
      "start",
      "end",
      "expand",
      "limit",
      "offset",
      "__proto__",
    );
    const values = fc.oneof(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.constantFrom(
        "payloads",
        "FAILED",
        "9007199254740993",
        "1e3",
        "a/b/c",
        "2026-01-01T00:00:00.999999999999Z",
        "-271821-04-20",
        "9999-12-31T23:59:59-23:59",
      ),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(names, values), { maxLength: 5 }), async (members) => {
        const query = members.map(([name, value]) => `${name}=${encodeURIComponent(value.toWellFormed())}`).join("&");
        const answer = await get(key, `requests?${query}`);
        const said = await object(answer);
        if (answer.status === 200) expect(said).toMatchObject({ items: [], next_offset: null, has_more: false });
        else
          expect([answer.status, said]).toMatchObject([400, { error: { type: "validation_error", param: expect.stringMatching(/\S/) } }]);
      }),
      { numRuns: 200 },
    );
  });
});

describe("who may call the Reka API", () => {
  const ANY = crypto.randomUUID();
  const ROUTES: [method: string, path: string, scope: "read" | "submit" | "cancel"][] = [
    ["GET", `${ROOT}/models`, "read"],
    ["GET", `${ROOT}/requests`, "read"],
    ["GET", `${ROOT}/requests/${ANY}`, "read"],
    ["GET", `${ROOT}/requests/${ANY}/status`, "read"],
    ["GET", `${ROOT}/requests/${ANY}/input`, "read"],
    ["POST", `${ROOT}/requests/${ANY}/cancel`, "cancel"],
    ["POST", `${ROOT}/any-model/text-to-image`, "submit"],
  ];

  /** Nobody can tell these apart: unknown, impossible (without dashes, a letter too many), another account's. */
  async function strangeIds(): Promise<string[]> {
    const other = await newTenant();
    const id = crypto.randomUUID();
    return [id, "nope", id.replaceAll("-", ""), `${id}0`, "%00", await submit(other.key, await newModel())];
  }

  test.each([
    ["GET", ""],
    ["GET", "/status"],
    ["GET", "/input"],
    ["POST", "/cancel"],
  ])("finds nothing by %s under an id%s that is not the caller's", async (method, what) => {
    const { key } = await newTenant();
    const ids = await strangeIds();
    const answers = await Promise.all(
      ids.map(async (id) => {
        const answer = await as(key, method, `${ROOT}/requests/${id}${what}`);
        const headers = [...answer.headers].filter(([header]) => !/^(?:x-request-id|ratelimit|x-ratelimit-.*)$/.test(header));
        return { status: answer.status, headers, text: await answer.text() };
      }),
    );
    expect(answers[0]).toMatchObject({
      status: 404,
      text: '{"error":{"type":"not_found_error","message":"There is no such inference request."}}',
    });
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(await rowOf(String(ids.at(-1)))).toMatchObject({ status: "queued" });
  });

  describe.each(ROUTES)("%s %s", (method, path, scope) => {
    const init = (key: string | null) => ({
      method,
      headers: { "Content-Type": "application/json", ...(key === null ? {} : { "X-Api-Key": key }) },
      ...(method === "POST" ? { body: JSON.stringify({ input: INPUT }) } : {}),
    });
    const send = (key: string | null) => call(path, init(key));

    test.each(BAD_KEYS)("is not answered %s", async (_fault, makeKey) => {
      const answer = await send(await makeKey());
      expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer realm="/);
      expect(answer.headers.get("cache-control")).toBe("private, no-store");
      expect(answer.headers.get("x-request-id")).toMatch(UUID);
      expect(await seen(answer)).toStrictEqual(refusal(401, "authentication_error"));
    });

    test("needs its scope", async () => {
      const { key } = await newTenant({ scopes: ["submit", "read", "cancel"].filter((other) => other !== scope) });
      expect(await seen(send(key))).toStrictEqual(refusal(403, "authentication_error", `This call needs a key with the scope "${scope}".`));
    });

    test("says where its key stands, and is refused beyond its limit", async () => {
      const { key } = await newTenant({ limits: { read: 1, submit: 1, cancel: 1 } });
      const [first, second] = [await send(key), await send(key)];
      const shown = ({ headers }: Response) =>
        [
          "x-ratelimit-requests-limit",
          "x-ratelimit-requests-remaining",
          "x-ratelimit-requests-reset",
          "retry-after",
          "ratelimit-policy",
        ].map((name) => headers.get(name));
      expect([200, 404]).toContain(first.status);
      expect(shown(first)).toEqual(["1", "0", "1", "0", `"${scope}";q=1;w=1`]);
      expect(shown(second)).toEqual(["1", "0", "1", "1", `"${scope}";q=1;w=1`]);
      expect(await seen(second)).toStrictEqual(refusal(429, "rate_limit_error", undefined, { code: "rate_limit_exceeded" }));
    });

    test.each([
      ["an error of ours", 500, new Error("D1_ERROR: no such table: SQLITE_ERROR")],
      ["a database that is down", 503, new Error("Network connection lost.")],
    ])("says nothing of what is behind %s", async (_name, status, error) => {
      const { key } = await newTenant();
      await send(key); // so that the gate knows the key
      const broken = stillEnv({ DB: faultyDatabase(() => Promise.reject(error)) });
      const answer = await handle(new Request(ORIGIN + path, init(key)), broken, createExecutionContext());
      expect(answer.headers.get("retry-after")).toBe(status === 503 ? "2" : "0");
      const said = await seen(answer);
      expect(said).toStrictEqual(refusal(status, "server_error"));
      expect(JSON.stringify(said)).not.toMatch(/D1|SQLITE|connection lost/);
    });
  });

  test.each([
    ["POST", `${ROOT}/models`, "GET, HEAD"],
    ["POST", `${ROOT}/requests`, "GET, HEAD"],
    ["POST", `${ROOT}/requests/${ANY}`, "GET, HEAD"],
    ["DELETE", `${ROOT}/requests/${ANY}`, "GET, HEAD"],
    ["POST", `${ROOT}/requests/${ANY}/status`, "GET, HEAD"],
    ["GET", `${ROOT}/requests/${ANY}/cancel`, "POST"],
    ["PUT", `${ROOT}/requests/${ANY}/cancel`, "POST"],
    ["GET", `${ROOT}/any-model/text-to-image`, "POST"],
  ])("does not know %s %s and says what it knows", async (method, path, allow) => {
    const { key } = await newTenant();
    const answer = await as(key, method, path);
    expect(answer.headers.get("allow")).toBe(allow);
    expect(await seen(answer)).toStrictEqual(refusal(405, "validation_error", `This path takes ${allow}.`));
  });

  test("leaves chat completions to OpenAI's API, also where a model is called chat", async () => {
    const { key } = await newTenant();
    await operator("POST", "/models", { name: "chat", capabilities: ["completions", "completions-2"] });
    await submit(key, "chat", "completions-2");
    for (const [method, path] of [
      ["POST", "completions"],
      ["POST", "completions/"],
      ["GET", "completions"],
      ["DELETE", "completions"],
    ] as const) {
      const body = method === "POST" ? { input: INPUT } : undefined;
      const { status, body: said } = await seen(as(key, method, `${ROOT}/chat/${path}`, body));
      expect(status).toBeGreaterThanOrEqual(400);
      expect(said).not.toMatchObject({ error: { type: expect.stringMatching(/^(?:validation|not_found)_error$/) } });
    }
  });

  test.each([ROOT, `${ROOT}/`, `${ROOT}/a`, `${ROOT}/requests/a/b`, `${ROOT}/requests/${ANY}/logs`])("has nothing at %s", async (path) => {
    const { key } = await newTenant();
    expect(await seen(as(key, "GET", path))).toStrictEqual(refusal(404, "not_found_error"));
  });
});

/** Our own API over inferences, and what every answer of every wire has in common. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import * as z from "zod";
import { describe, expect, test, vi } from "vitest";
import { handle } from "../../src/router.ts";
import { run } from "../../src/inferences/run.ts";
import { BATCH_ITEMS, INLINE_BYTES, JSON_BODY_BYTES } from "../../src/limits.ts";
import { portsOf } from "../../src/entry/bindings.ts";
import { settingsOf } from "../../src/entry/delivery-object.ts";
import { DeliveryLoop } from "../../src/webhooks/deliver.ts";
import { ended, expire, laneOf, submitted } from "./support/inferences.ts";
import { held } from "./support/clock.ts";
import { asDatabase, ports, stillAs, stillEnv } from "./support/ports.ts";
import { backendIs, echo, publicNames } from "./support/outside.ts";
import { newBackend, newModel, newTenant, unknownKey } from "./support/tenants.ts";
import { ORIGIN, as, call, object, operator, until, seen } from "./support/requests.ts";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Problem details (RFC 9457) with our members, as `seen` shows an answer. */
const refusal = (status: number, code: string, members: Record<string, unknown> = {}) => ({
  status,
  type: "application/problem+json",
  body: {
    type: "about:blank",
    title: expect.stringMatching(/\S/),
    status,
    detail: expect.stringMatching(/\S/),
    code,
    request_id: expect.stringMatching(UUID),
    ...members,
  },
});

const read = (key: string, id: string) => object(as(key, "GET", `/v1/inferences/${id}`));

/** A model whose backend answers with its input. */
async function echoing(): Promise<string> {
  const model = await newModel();
  await newBackend(model);
  backendIs(echo);
  return model;
}

async function succeeded(key: string, input: unknown = { text: "hello" }): Promise<string> {
  const id = await submitted(key, await echoing(), input);
  expect((await ended(key, id))["status"]).toBe("succeeded");
  return id;
}

async function failed(key: string): Promise<string> {
  const model = await newModel();
  await newBackend(model);
  backendIs(() => Response.json({ error: "not a picture" }, { status: 422 }));
  const id = await submitted(key, model);
  expect((await ended(key, id))["status"]).toBe("failed");
  return id;
}

async function expired(key: string): Promise<string> {
  const id = await submitted(key, await newModel());
  await expire(id);
  expect((await ended(key, id))["status"]).toBe("expired");
  return id;
}

async function canceled(key: string): Promise<string> {
  const id = await submitted(key, await newModel());
  expect((await as(key, "POST", `/v1/inferences/${id}/cancel`)).status).toBe(200);
  return id;
}

/** A span as a collector gets it: what the protocol's definition has of those that we send, and nothing else. */
const attributesSchema = z.array(
  z.strictObject({
    key: z.string(),
    value: z.union([
      z.strictObject({ stringValue: z.string() }),
      z.strictObject({ intValue: z.string().regex(/^-?\d+$/) }),
      z.strictObject({ doubleValue: z.number() }),
      z.strictObject({ boolValue: z.boolean() }),
    ]),
  }),
);
const traceIdSchema = z.string().regex(/^[0-9a-f]{32}$/);
const spanIdSchema = z.string().regex(/^[0-9a-f]{16}$/);
const nanosSchema = z.string().regex(/^\d{19}$/);
const linkSchema = z.strictObject({ traceId: traceIdSchema, spanId: spanIdSchema, traceState: z.string().optional(), flags: z.int() });
const spanSchema = z
  .strictObject({
    ...linkSchema.shape,
    parentSpanId: spanIdSchema.optional(),
    name: z.string(),
    kind: z.int().min(1).max(5),
    startTimeUnixNano: nanosSchema,
    endTimeUnixNano: nanosSchema,
    attributes: attributesSchema,
    events: z.array(z.strictObject({ timeUnixNano: nanosSchema, name: z.string() })).optional(),
    links: z.array(linkSchema).optional(),
    status: z.strictObject({ code: z.literal(2), message: z.string() }).optional(),
  })
  .refine(({ startTimeUnixNano: from, endTimeUnixNano: to }) => BigInt(from) <= BigInt(to), "ends before it begins")
  .transform((span) => ({ ...span, said: Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]])) }));
const exportSchema = z.strictObject({
  resourceSpans: z.tuple([
    z.strictObject({
      resource: z.strictObject({ attributes: attributesSchema }),
      scopeSpans: z.tuple([
        z.strictObject({ scope: z.strictObject({ name: z.string(), version: z.string() }), spans: z.array(spanSchema) }),
      ]),
    }),
  ]),
});
const spansIn = (text: string) => exportSchema.parse(JSON.parse(text)).resourceSpans[0].scopeSpans[0].spans;

describe("an inference", () => {
  test("is accepted as queued, with every member in place", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const answer = await as(key, "POST", "/v1/inferences", { model, input: { text: "x" }, priority: 1, metadata: { order: "7" } });
    const inference = await object(answer.clone());
    const self = `${ORIGIN}/v1/inferences/${String(inference["id"])}`;
    expect(answer.status).toBe(202);
    expect(answer.headers.get("location")).toBe(self);
    expect(inference).toStrictEqual({
      id: expect.stringMatching(UUID),
      model,
      version: null,
      capability: null,
      status: "queued",
      is_final: false,
      priority: 1,
      created_at: expect.stringMatching(TIME),
      updated_at: inference["created_at"],
      started_at: null,
      finished_at: null,
      expires_at: null,
      data_removed: false,
      waiting_on: "position",
      queue_position: null,
      estimated_start_at: null,
      poll_after: 1,
      attempts: 0,
      max_attempts: 3,
      metrics: { queue_ms: null, run_ms: null, total_ms: null },
      input_items: 1,
      output_items: null,
      output: null,
      error: null,
      metadata: { order: "7" },
      webhook: null,
      webhook_status: "none",
      urls: { self, result: `${self}/result`, cancel: `${self}/cancel`, web: `${ORIGIN}/console/inferences/${String(inference["id"])}` },
    });
    const waiting = { waiting_on: "backend_down", queue_position: 1 };
    expect(await read(key, String(inference["id"]))).toStrictEqual({ ...inference, ...waiting });
  });

  test("that succeeded shows its output, its times and for how long its result is kept", async () => {
    const { key } = await newTenant();
    const id = await succeeded(key, { text: "hello" });
    const inference = await read(key, id);
    expect(inference).toMatchObject({
      status: "succeeded",
      is_final: true,
      waiting_on: null,
      poll_after: null,
      attempts: 1,
      output: { echo: "hello" },
      output_items: 1,
      error: null,
    });
    const at = (name: string) => Date.parse(String(inference[name]));
    expect(at("expires_at") - at("finished_at")).toBe(7 * 86_400_000);
    expect(inference["metrics"]).toStrictEqual({
      queue_ms: at("started_at") - at("created_at"),
      run_ms: at("finished_at") - at("started_at"),
      total_ms: at("finished_at") - at("created_at"),
    });
  });

  test("tells its life in its log when asked to", async () => {
    const { key } = await newTenant();
    const id = await failed(key);
    expect(await read(key, id)).not.toHaveProperty("logs");
    const { logs } = await object(as(key, "GET", `/v1/inferences/${id}?logs=1`));
    expect(logs).toMatchObject([
      { at: expect.stringMatching(TIME), event: "queued" },
      { at: expect.stringMatching(TIME), event: "claimed", attempt: 1 },
      { at: expect.stringMatching(TIME), event: "failed", attempt: 1, error: { class: "input" } },
    ]);
  });

  test("shows its life as spans to its account and to the operator, who gets its input and output too", async () => {
    const { key, accountId } = await newTenant();
    const id = await succeeded(key);
    const timeline = await object(as(key, "GET", `/v1/inferences/${id}/timeline`));
    expect(timeline).toMatchObject({ inference_id: id, trace_id: id.replaceAll("-", ""), moments: [], is_cut: false });
    const spans = timeline["spans"] as { name: string; start_at: string; end_at: string; outcome: string | null }[];
    expect(spans.map(({ name }) => name)).toEqual(["inference", "queued", "attempt", "prepare", "backend", "store"]);
    expect(spans[2]).toMatchObject({ attempt: 1, backend: expect.stringMatching(/\S/), outcome: "succeeded" });
    expect(spans[4]).toHaveProperty("first_byte_at");
    expect(spans.every(({ start_at: from, end_at: to }) => from <= to)).toBe(true);

    const path = `/inferences/${accountId}/${id}`;
    const self = `${ORIGIN}/admin/v1${path}`;
    const urls = { self, result: `${self}/result`, cancel: `${self}/cancel`, web: `${ORIGIN}/console${path}` };
    expect(await object(operator("GET", path))).toEqual({ account_id: accountId, ...(await read(key, id)), urls });
    expect(await object(operator("GET", `${path}/timeline`))).toEqual(timeline);
    const input = await as(key, "GET", `/v1/inferences/${id}/input`);
    expect(await input.json()).toEqual({ text: "hello" });
    expect(await object(operator("GET", `${path}/input`))).toEqual({ text: "hello" });
    expect(await object(operator("GET", `${path}/result`))).toEqual(await object(as(key, "GET", `/v1/inferences/${id}/result`)));
    expect((await operator("GET", `/inferences/${(await newTenant()).accountId}/${id}`)).status).toBe(404);
  });

  test("is shown to the operator without its input and output where the deployment hides those", async () => {
    const { key, accountId } = await newTenant();
    const id = await succeeded(key);
    const hiding = { ...env, OPERATOR_PAYLOADS: "hidden" } as unknown as Env; // a setting of another deployment
    const asked = (path: string) => stillAs(env.ADMIN_TOKEN, "GET", `/admin/v1/inferences${path}`, undefined, {}, hiding);
    for (const part of ["input", "result", "result/x"]) {
      expect(await seen(await asked(`/${accountId}/${id}/${part}`))).toEqual(refusal(403, "payloads_hidden"));
    }
    const hidden = { id, status: "succeeded", output: null };
    expect(await object(asked(`/${accountId}/${id}`))).toMatchObject(hidden);
    expect(await object(asked(`?account_id=${accountId}`))).toMatchObject({ data: [hidden] });
    expect(await read(key, id)).not.toMatchObject(hidden);
  });

  test("goes to the operator's collector as spans once it has ended, linked to the call that submitted it", async () => {
    const { key, accountId } = await newTenant();
    const model = await newModel();
    const backendId = await newBackend(model, { protocol: "openai", url: "https://llm.gpu.test" });
    const sent: { headers: Headers; text: string }[] = [];
    const told: (string | null)[] = [];
    backendIs(async (request) => {
      const { hostname } = new URL(request.url);
      if (hostname === "otel.example.com") {
        sent.push({ headers: request.headers, text: await request.text() });
        return Response.json({ partialSuccess: {} });
      }
      if (hostname !== "llm.gpu.test") return publicNames(request);
      told.push(request.headers.get("traceparent"));
      if (told.length === 1) return new Response("my secret words", { status: 500 });
      const choices = [{ index: 0, message: { role: "assistant", content: "my secret answer" }, finish_reason: "stop" }];
      return Response.json({ choices, usage: { prompt_tokens: 9, completion_tokens: 2 } });
    });
    const traced = stillEnv({ OTLP_URL: "https://otel.example.com", OTLP_HEADERS: "api-key=s%3Dcret, x-team=a" });
    const body = {
      model,
      input: { messages: [{ role: "user", content: "my secret question" }] },
      retry: { initial_delay_ms: 0, max_delay_ms: 0 },
      webhook: { url: "https://hooks.example.com/secret-path" },
    };
    const client = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };
    const headers = { traceparent: `00-${client.traceId}-${client.spanId}-01`, tracestate: "vendor=1" };
    const submit = await stillAs(key, "POST", "/v1/inferences", body, headers, traced);
    const id = String((await object(submit))["id"]);
    await run(portsOf(traced), [laneOf(model)], "lease");
    await new DeliveryLoop(portsOf(traced), await settingsOf(traced), accountId, () => undefined).drain();
    const spans = await until(
      () => Promise.resolve(sent.flatMap(({ text }) => spansIn(text))),
      (all) => all.some(({ name }) => name === "POST") && all.some(({ name }) => name === `inference ${model}`),
    );

    expect(sent.map((request) => [request.headers.get("api-key"), request.headers.get("x-team")])).toEqual(sent.map(() => ["s=cret", "a"]));
    expect(sent.map(({ text }) => text).join("")).not.toMatch(/secret/);
    const byName = (name: string) => spans.filter((span) => span.name === name);
    const [[server], [whole], [delivery]] = [byName("POST /v1/inferences"), byName(`inference ${model}`), byName("POST")];
    expect(server).toMatchObject({ kind: 2, traceId: client.traceId, parentSpanId: client.spanId, traceState: "vendor=1" });
    expect(submit.headers.get("traceresponse")).toBe(`00-${client.traceId}-${server?.spanId ?? ""}-01`);
    expect(whole).toMatchObject({
      traceId: client.traceId,
      kind: 5,
      links: [{ traceId: client.traceId, spanId: server?.spanId, traceState: "vendor=1" }],
      said: {
        "claimcheck.inference.id": id,
        "claimcheck.account.id": accountId,
        "claimcheck.outcome": "succeeded",
        "claimcheck.attempts": "2",
      },
    });
    expect(whole).not.toHaveProperty("parentSpanId");
    const calls = byName(`infer ${model}`);
    expect(calls.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`)).toEqual(told);
    expect(calls[1]).toMatchObject({
      kind: 3,
      said: {
        "claimcheck.attempt.number": "2",
        "claimcheck.backend.id": backendId,
        "gen_ai.usage.input_tokens": "9",
        "gen_ai.usage.output_tokens": "2",
      },
      events: [{ name: "first_byte" }],
    });
    expect(byName("attempt")).toMatchObject([
      { parentSpanId: whole?.spanId, status: { code: 2, message: "backend_error" } },
      { parentSpanId: whole?.spanId, spanId: calls[1]?.parentSpanId },
    ]);
    expect(delivery).toMatchObject({
      kind: 3,
      parentSpanId: whole?.spanId,
      said: { "server.address": "hooks.example.com", "http.response.status_code": "200" },
    });
    const known = new Set([client.spanId, ...spans.map(({ spanId }) => spanId)]);
    expect(known.size).toBe(spans.length + 1);
    expect(spans.filter(({ parentSpanId }) => parentSpanId !== undefined && !known.has(parentSpanId))).toEqual([]);
  });

  test("that waits for another attempt says so", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    await newBackend(model);
    backendIs(() => Response.json({ error: "full" }, { status: 503, headers: { "Retry-After": "60" } }));
    const id = await submitted(key, model);
    const inference = await until(
      () => read(key, id),
      (answer) => answer["waiting_on"] === "retry_backoff",
    );
    expect(inference).toMatchObject({ status: "queued", waiting_on: "retry_backoff", attempts: 1, is_final: false });
  });

  test.each<[string, (key: string) => Promise<string>, Record<string, unknown>]>([
    ["failed", failed, { class: "input", code: "backend_rejected", message: "The backend answered 422: not a picture" }],
    ["expired", expired, { class: "timeout", code: "max_time_in_queue_seconds", message: expect.stringMatching(/\S/) }],
  ])("that %s shows its error with its class", async (status, make, error) => {
    const { key } = await newTenant();
    expect(await read(key, await make(key))).toMatchObject({ status, is_final: true, error, output: null });
  });

  test("need not be sent again when it can no longer change", async () => {
    const { key } = await newTenant();
    const id = await succeeded(key);
    for (const path of [`/v1/inferences/${id}`, `/v1/inferences/${id}/result`]) {
      const got = await as(key, "GET", path);
      const etag = got.headers.get("etag") ?? "";
      expect(got.headers.get("cache-control")).toContain("immutable");
      const again = await as(key, "GET", path, undefined, { "If-None-Match": etag });
      expect({ status: again.status, etag: again.headers.get("etag"), text: await again.text() }).toEqual({ status: 304, etag, text: "" });
    }
  });

  test("that waits has another validator after it has changed", async () => {
    const { key } = await newTenant();
    const id = await submitted(key, await newModel());
    const before = await as(key, "GET", `/v1/inferences/${id}`);
    const etag = before.headers.get("etag") ?? "";
    expect(before.headers.get("cache-control")).toBe("private, no-cache");
    expect((await as(key, "GET", `/v1/inferences/${id}`, undefined, { "If-None-Match": etag })).status).toBe(304);
    await as(key, "POST", `/v1/inferences/${id}/cancel`);
    expect((await as(key, "GET", `/v1/inferences/${id}`, undefined, { "If-None-Match": etag })).status).toBe(200);
  });

  test("that moves up in its queue is sent anew to a client that knows its old position", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const first = await submitted(key, model);
    const second = await submitted(key, model);
    const before = await as(key, "GET", `/v1/inferences/${second}`);
    expect((await object(before.clone()))["queue_position"]).toBe(2);
    await as(key, "POST", `/v1/inferences/${first}/cancel`);
    const known = { "If-None-Match": before.headers.get("etag") ?? "" };
    const after = await as(key, "GET", `/v1/inferences/${second}`, undefined, known);
    expect(after.status).toBe(200);
    expect((await object(after))["queue_position"]).toBe(1);
  });
});

describe("a result", () => {
  test("is the output itself", async () => {
    const { key } = await newTenant();
    const id = await succeeded(key, { text: "hello" });
    const answer = await as(key, "GET", `/v1/inferences/${id}/result`);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(await answer.text()).toBe('{"echo":"hello"}');
  });

  test("of a tensor input is the server's own answer, to the letter", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    await newBackend(model);
    const inputs = [{ name: "x", shape: [2], datatype: "FP32", data: [1.5, 2] }];
    const said = '{ "model_name":"m", "outputs":[ {"name":"y","shape":[2],"datatype":"FP32","data":[1.50,2.0]} ] }';
    let received: unknown;
    backendIs(async (request) => {
      received = await request.json();
      return new Response(said);
    });
    const id = await submitted(key, model, { id: "mine", inputs });
    expect(await ended(key, id)).toMatchObject({ status: "succeeded", input_items: 2, output_items: 2 });
    expect(received).toEqual({ id: "mine", inputs });
    expect(await (await as(key, "GET", `/v1/inferences/${id}/result`)).text()).toBe(said);
  });

  test.each([
    ["as large as a row may hold", INLINE_BYTES, true],
    ["one byte larger", INLINE_BYTES + 1, false],
    ["as large as an answer may be", 5_000_000, false],
  ])("%s comes back exactly", async (_name, bytes, inline) => {
    const { key } = await newTenant();
    const text = "x".repeat(bytes - '{"echo":""}'.length);
    const id = await succeeded(key, { text });
    const result = await as(key, "GET", `/v1/inferences/${id}/result`);
    expect(await result.text()).toBe(`{"echo":"${text}"}`);
    expect((await read(key, id))["output"]).toEqual(inline ? { echo: text } : null);
    const { objects } = await env.PAYLOADS.list({ prefix: "outputs/" });
    expect(objects.filter((stored) => stored.key.includes(id)).map((stored) => stored.size)).toEqual(inline ? [] : [bytes]);
  });

  test("that is no longer stored is gone", async () => {
    const { key } = await newTenant();
    const id = await succeeded(key, { text: "x".repeat(INLINE_BYTES) });
    const { objects } = await env.PAYLOADS.list();
    await env.PAYLOADS.delete(objects.filter((stored) => stored.key.includes(id)).map((stored) => stored.key));
    expect(await seen(as(key, "GET", `/v1/inferences/${id}/result`))).toStrictEqual(refusal(410, "payload_gone"));
  });

  test("is not there before the end, and says when to ask again", async () => {
    const { key } = await newTenant();
    const id = await submitted(key, await newModel());
    const answer = await as(key, "GET", `/v1/inferences/${id}/result`);
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(await seen(answer)).toStrictEqual(refusal(409, "not_finished", { inference_status: "queued" }));
  });

  test("is not there while the inference runs", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    await newBackend(model);
    const gpu = held<string>();
    backendIs(async () => new Response(await gpu.promise));
    const id = await submitted(key, model);
    await until(
      () => read(key, id),
      (answer) => answer["status"] === "in_progress",
    );
    expect(await seen(as(key, "GET", `/v1/inferences/${id}/result`))).toStrictEqual(
      refusal(409, "not_finished", { inference_status: "in_progress" }),
    );
    gpu.release('{"outputs":[]}');
    expect((await ended(key, id))["status"]).toBe("succeeded");
  });

  test.each<[string, (key: string) => Promise<string>, unknown]>([
    ["failed", failed, { class: "input", code: "backend_rejected", message: "The backend answered 422: not a picture" }],
    ["expired", expired, { class: "timeout", code: "max_time_in_queue_seconds", message: expect.stringMatching(/\S/) }],
    ["canceled", canceled, null],
  ])("of an inference that %s is its error", async (inference_status, make, error) => {
    const { key } = await newTenant();
    const answer = await as(key, "GET", `/v1/inferences/${await make(key)}/result`);
    expect(answer.headers.get("retry-after")).toBeNull();
    expect(await seen(answer)).toStrictEqual(refusal(409, "inference_failed", { inference_status, error }));
  });
});

describe("canceling", () => {
  const cancel = (key: string, id: string) => as(key, "POST", `/v1/inferences/${id}/cancel`);

  test("a queued inference ends it at once, and again is the same answer", async () => {
    const { key } = await newTenant();
    const id = await submitted(key, await newModel());
    const first = await cancel(key, id);
    const inference = await object(first.clone());
    expect(first.status).toBe(200);
    expect(inference).toMatchObject({ id, status: "canceled", is_final: true, attempts: 0, finished_at: expect.stringMatching(TIME) });
    const second = await cancel(key, id);
    expect(second.status).toBe(200);
    expect(await object(second)).toStrictEqual(inference);
    expect(await read(key, id)).toStrictEqual(inference);
  });

  test("keeps a queued inference from ever being run", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const first = await submitted(key, model, { text: "first" });
    await cancel(key, first);
    const asked: unknown[] = [];
    backendIs(async (request) => {
      asked.push(await request.clone().json());
      return echo(request);
    });
    await newBackend(model);
    await ended(key, await submitted(key, model, { text: "second" }));
    expect(asked).toMatchObject([{ inputs: [{ data: ["second"] }] }]);
  });

  test.each<[string, (key: string) => Promise<string>]>([
    ["succeeded", succeeded],
    ["failed", failed],
    ["expired", expired],
  ])("what has %s is refused and changes nothing", async (inference_status, make) => {
    const { key } = await newTenant();
    const id = await make(key);
    const before = await read(key, id);
    expect(await seen(cancel(key, id))).toStrictEqual(refusal(409, "already_final", { inference_status }));
    expect(await read(key, id)).toStrictEqual(before);
  });

  /** A model whose one slot is taken by a runner that has called a backend, which answers when released. */
  async function running(key: string): Promise<{ model: string; id: string; answer: (text: string) => void; runner: Promise<void> }> {
    const model = await newModel();
    const id = await submitted(key, model);
    await newBackend(model, { max_concurrency: 1 });
    const asked = held<void>();
    const gpu = held<string>();
    const fetch = async () => {
      asked.release();
      return new Response(await gpu.promise);
    };
    const runner = run(ports({ fetch }), [{ model, version: "" }], "a-runner");
    await asked.promise;
    expect(await read(key, id)).toMatchObject({ status: "in_progress", attempts: 1, waiting_on: null });
    return { model, id, answer: gpu.release, runner };
  }

  test("what runs drops its outcome, however late it comes", async () => {
    const { key } = await newTenant();
    const { id, answer, runner } = await running(key);
    const inference = await object(cancel(key, id));
    expect(inference).toMatchObject({ status: "canceled", is_final: true });
    answer('{"outputs":[{"name":"late","shape":[1],"datatype":"BYTES","data":["late"]}]}');
    await runner;
    expect(await read(key, id)).toStrictEqual(inference);
    expect((await as(key, "GET", `/v1/inferences/${id}/result`)).status).toBe(409);
  });

  test("what runs makes room for the next when its call has ended, and the next one's outcome is kept", async () => {
    const { key } = await newTenant();
    const { model, id, answer, runner } = await running(key);
    await cancel(key, id);
    backendIs(echo);
    const next = await submitted(key, model, { text: "next" });
    answer('{"outputs":[]}');
    await runner;
    expect(await ended(key, next)).toMatchObject({ status: "succeeded" });
    expect(await read(key, id)).toMatchObject({ status: "canceled", output: null });
  });
});

describe("versions of a model", () => {
  test("are asked for by name, or the default is taken, and each goes to its own backend", async () => {
    const { key } = await newTenant();
    const model = await newModel({ versions: ["1", "2", "3"], default_version: "2" });
    await newBackend(model, { version: "1", url: "https://one.gpu.test" });
    await newBackend(model, { url: "https://two.gpu.test" });
    const asked: string[] = [];
    backendIs((request) => {
      asked.push(request.url);
      return echo(request);
    });
    const byDefault = await submitted(key, model);
    expect(await ended(key, byDefault)).toMatchObject({ status: "succeeded", version: "2" });
    const first = await submitted(key, model, { text: "x" }, { version: "1" });
    expect(await ended(key, first)).toMatchObject({ status: "succeeded", version: "1" });
    expect(asked).toEqual([
      `https://two.gpu.test/v2/models/${model}/versions/2/infer`,
      `https://one.gpu.test/v2/models/${model}/versions/1/infer`,
    ]);
  });

  test.each([
    ["a version that the model lacks", { versions: ["1", "2", "4"] }, { version: "3" }, 'has no version "3". It has "1", "2" and "4".'],
    ["a version of a model without versions", {}, { version: "1" }, 'has no version "1". It has no versions, so leave the version out.'],
    [
      "a version of a model with many",
      { versions: Array.from({ length: 25 }, (_, number) => `v${number}`) },
      { version: "1" },
      '"v18", "v19" and 5 more.',
    ],
  ])("are not found, and what is there is named: %s", async (_name, made, asked, told) => {
    const { key } = await newTenant();
    const model = await newModel(made);
    for (const text of ["x", "x".repeat(INLINE_BYTES)]) {
      const answer = as(key, "POST", "/v1/inferences", { model, input: { text }, ...asked });
      const { status, body } = await seen(answer);
      expect({ status, body }).toMatchObject({ status: 404, body: { code: "model_not_found", detail: expect.stringContaining(told) } });
    }
  });

  test("belong to a model that is there", async () => {
    const { key } = await newTenant();
    for (const text of ["x", "x".repeat(INLINE_BYTES)]) {
      const answer = as(key, "POST", "/v1/inferences", { model: "no-such-model", input: { text } });
      expect(await seen(answer)).toStrictEqual(refusal(404, "model_not_found"));
    }
    const { objects } = await env.PAYLOADS.list({ prefix: "inputs/" });
    expect(objects.filter((stored) => stored.key.includes(key.slice(3, 15)))).toEqual([]);
  });
});

describe("a submission", () => {
  const post = (key: string, body: unknown, headers: Record<string, string> = {}) => as(key, "POST", "/v1/inferences", body, headers);

  /** [member, as the body has it, least, most] */
  const RANGES: [member: string, wrap: (value: unknown) => Record<string, unknown>, least: number, most: number][] = [
    ["priority", (priority) => ({ priority }), 0, 2],
    ["cancel_after_seconds", (value) => ({ cancel_after_seconds: value }), 1, 864_000],
    ["max_time_in_queue_seconds", (value) => ({ max_time_in_queue_seconds: value }), 10, 259_200],
    ["run_within_seconds", (value) => ({ run_within_seconds: value }), 1, 840],
    ["retry/max_attempts", (value) => ({ retry: { max_attempts: value } }), 1, 10],
    ["retry/initial_delay_ms", (value) => ({ retry: { initial_delay_ms: value } }), 0, 10_000],
    ["retry/max_delay_ms", (value) => ({ retry: { max_delay_ms: value } }), 0, 60_000],
  ];

  test.each(RANGES)("may give %s from its least to its most, and nothing beyond", async (member, wrap, least, most) => {
    const { key } = await newTenant();
    const model = await newModel();
    for (const value of [least, most]) expect((await post(key, { model, input: 1, ...wrap(value) })).status).toBe(202);
    for (const value of [least - 1, most + 1, least + 0.5, String(least), null, true]) {
      const errors = [{ pointer: `#/${member}`, detail: expect.stringMatching(/\S/) }];
      expect(await seen(post(key, { model, input: 1, ...wrap(value) }))).toStrictEqual(refusal(422, "invalid_input", { errors }));
    }
  });

  test("is kept as it was given, in the numbers that decide about it", async () => {
    const { key } = await newTenant();
    const retry = { max_attempts: 7, initial_delay_ms: 1, max_delay_ms: 2 };
    const more = { priority: 2, max_time_in_queue_seconds: 11, run_within_seconds: 12, retry };
    const id = await submitted(key, await newModel(), 1, more);
    expect(await read(key, id)).toMatchObject({ priority: 2, max_attempts: 7 });
    const row = await env.DB.prepare(
      "SELECT priority, start_by - created_at AS queue_ms, run_within_seconds, max_attempts, initial_delay_ms, max_delay_ms FROM inferences WHERE id = ?",
    )
      .bind(id)
      .first();
    expect(row).toEqual({ priority: 2, queue_ms: 11_000, run_within_seconds: 12, ...retry });
  });

  test.each<[string, (model: string) => unknown, string, string | RegExp]>([
    ["an array", () => [], "#", /object/],
    ["a text", () => '"x"', "#", /object/],
    ["no model", () => ({ input: 1 }), "#/model", "is missing"],
    ["a number for a model", () => ({ model: 1, input: 1 }), "#/model", /string/],
    ["an empty model", () => ({ model: "", input: 1 }), "#/model", /\S/],
    ["a model of 129 characters", () => ({ model: "m".repeat(129), input: 1 }), "#/model", /\S/],
    ["no input", (model) => ({ model }), "#/input", "is missing"],
    ["a number for a version", (model) => ({ model, input: 1, version: 2 }), "#/version", /string/],
    ["an array for retry", (model) => ({ model, input: 1, retry: [] }), "#/retry", /object/],
    ["metadata that is a text", (model) => ({ model, input: 1, metadata: "x" }), "#/metadata", /\S/],
    ["metadata with half a character", (model) => ({ model, input: 1, metadata: { order: "a\ud83d" } }), "#/metadata/order", /surrogate/],
    ["metadata under half a character", (model) => ({ model, input: 1, metadata: { "\ude00": "x" } }), "#/metadata/%EF%BF%BD", /surrogate/],
    ["metadata with a number", (model) => ({ model, input: 1, metadata: { order: 7 } }), "#/metadata/order", /string/],
    ["metadata with a text too long", (model) => ({ model, input: 1, metadata: { a: "x".repeat(513) } }), "#/metadata/a", /\S/],
    ["metadata under an odd name", (model) => ({ model, input: 1, metadata: { "a/b~c d": 7 } }), "#/metadata/a~1b~0c%20d", /\S/],
    [
      "metadata of 17 entries",
      (model) => ({ model, input: 1, metadata: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`m${index}`, "x"])) }),
      "#/metadata",
      "must have at most 16 entries, and has 17",
    ],
    ["an unknown member", (model) => ({ model, input: 1, inputs: 1 }), "#/inputs", 'is not a known member; did you mean "input"?'],
    [
      "an unknown member of retry",
      (model) => ({ model, input: 1, retry: { attempts: 1 } }),
      "#/retry/attempts",
      'is not a known member; did you mean "max_attempts"?',
    ],
  ])("with %s is refused with a pointer to it", async (_name, body, pointer, said) => {
    const { key } = await newTenant();
    const detail = said instanceof RegExp ? expect.stringMatching(said) : said;
    const answer = await seen(post(key, body(await newModel())));
    expect(answer).toStrictEqual(refusal(422, "invalid_input", { errors: [{ pointer, detail }] }));
    if (said !== "is missing") expect(JSON.stringify(answer.body)).not.toContain("is missing");
  });

  test("may carry 16 entries of metadata, each as long as may be", async () => {
    const { key } = await newTenant();
    const metadata = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`${index}`.padEnd(64, "m"), "é".repeat(512)]));
    const id = await submitted(key, await newModel(), 1, { metadata });
    expect((await read(key, id))["metadata"]).toEqual(metadata);
  });

  test.each([
    ["GET", `/v1/inferences/${crypto.randomUUID()}?log=1`, '"log" is not a query parameter of this call; did you mean "logs"?'],
    ["GET", "/v1/files?afer=x", '"afer" is not a query parameter of this call; did you mean "after"?'],
    ["GET", "/v1/webhooks?limit=5", '"limit" is not a query parameter of this call.'],
    ["POST", "/v1/inferences?model=m", '"model" is not a query parameter of this call.'],
    ["GET", "/v1/models/any/queue?versoin=2", '"versoin" is not a query parameter of this call; did you mean "version"?'],
    ["GET", "/v1/models/any/queue?version=1&version=2", '"version" must be given once, and is given 2 times.'],
    ["GET", "/v1/files?limit=1&limit=1", '"limit" must be given once, and is given 2 times.'],
    ["POST", "/v1/inferences/bulk?atomic=true&atomic=false", '"atomic" must be given once, and is given 2 times.'],
    ["GET", "/v1/usage?from=2026-11-01&from=2026-11-02&by=day&by=model", '"from" must be given once, and is given 2 times.'],
  ])("%s %s is refused, since nothing would read that parameter", async (method, path, detail) => {
    const { key } = await newTenant();
    const answer = await as(key, method, path, method === "POST" ? { model: "m", input: 1 } : undefined);
    expect([answer.status, (await object(answer))["detail"]]).toEqual([400, detail]);
  });

  test.each<[string, (key: string) => Record<string, string>, string]>([
    ["no header", () => ({}), 'The request has no API key; send one in a header, as "Authorization: Bearer <key>" or "X-API-Key: <key>".'],
    ["Basic", (key) => ({ Authorization: `Basic ${btoa(`:${key}`)}` }), 'it must be "Bearer", a space and one key.'],
    ["two keys in one header", (key) => ({ Authorization: `Bearer ${key}, Bearer ${key}` }), 'it must be "Bearer", a space and one key.'],
    ["half a key", (key) => ({ "X-API-Key": key.slice(0, 30) }), "The API key is not valid; it must be a whole key of this deployment."],
  ])("with %s instead of a key is told what is wanted", async (_name, headersOf, detail) => {
    const { key } = await newTenant();
    const answer = await call("/v1/files", { headers: headersOf(key) });
    expect([answer.status, (await object(answer))["detail"]]).toEqual([401, expect.stringContaining(detail)]);
  });

  test("of an unknown version of a model does not blame the model", async () => {
    const { key } = await newTenant();
    const model = await newModel({ versions: ["1"] });
    const answer = await object(as(key, "GET", `/v1/models/${model}/queue?version=7`));
    expect(answer).toMatchObject({ code: "model_not_found", detail: expect.stringContaining(`The model "${model}" has no version "7".`) });
  });

  test("names every fault at once", async () => {
    const { key } = await newTenant();
    const answer = await object(post(key, { model: "m", input: 1, priority: 9, retry: { max_attempts: 0, max_delay_ms: -1 } }));
    const pointers = [answer["errors"]].flat().map((fault) => (fault as { pointer: string }).pointer);
    expect(pointers).toEqual(["#/priority", "#/retry/max_attempts", "#/retry/max_delay_ms"]);
  });

  test.each([
    ["nothing", "", {}, 400, "bad_json"],
    ["half an object", '{"model":', {}, 400, "bad_json"],
    ["65 levels", `${"[".repeat(65)}${"]".repeat(65)}`, {}, 400, "bad_json"],
    ["plain text", "x", { "Content-Type": "text/plain" }, 415, "unsupported_media_type"],
    ["too much", `"${"x".repeat(JSON_BODY_BYTES)}"`, {}, 413, "body_too_large"],
  ])("of %s is refused", async (_name, body, headers, status, code) => {
    const { key } = await newTenant();
    expect(await seen(post(key, body, headers))).toStrictEqual(refusal(status, code));
  });

  test("of what is not JSON is told line and column, and what is wanted there", async () => {
    const { key } = await newTenant();
    expect(await object(post(key, '{"model": "m",\n  "input": 1,\n}'))).toMatchObject({
      code: "bad_json",
      detail: 'The body is not JSON: at line 3, column 1 there must be a name in double quotes, and there is "}".',
    });
  });

  test.each<[string, unknown]>([
    ["a fraction", 1.5],
    ["a negative number", -1],
    ["a number beyond the integers", 1e300],
  ])("of tensors whose first dimension is %s is never our failure", async (_name, size) => {
    const { key } = await newTenant();
    const inputs = [{ name: "x", shape: [size], datatype: "FP32", data: [] }];
    const answer = await post(key, { model: await newModel(), input: { inputs } });
    expect([202, 422]).toContain(answer.status);
    const { input_items = 1 } = await object(answer);
    expect(input_items).toBe(1);
  });
});

describe("the catalogue", () => {
  test("lists models in OpenAI's shape with our members beside it", async () => {
    const { key } = await newTenant();
    const name = await newModel({ description: "Colours of a picture", versions: ["1", "2"] });
    const { object: kind, data } = await object(as(key, "GET", "/v1/models?limit=100"));
    expect(kind).toBe("list");
    expect([data].flat().find((model) => (model as { id: string }).id === name)).toStrictEqual({
      id: name,
      object: "model",
      created: expect.any(Number),
      owned_by: "claimcheck",
      description: "Colours of a picture",
      versions: ["1", "2"],
      default_version: "2",
      capabilities: [],
    });
  });

  test("comes in pages that neither leave out nor repeat a model", async () => {
    const { key } = await newTenant();
    const names = [await newModel(), await newModel(), await newModel()];
    const listed: string[] = [];
    for (let after = "", more = true; more;) {
      const page = await object(as(key, "GET", `/v1/models?limit=2&after=${after}`));
      const ids = [page["data"]].flat().map((model) => (model as { id: string }).id);
      expect(ids.length).toBeLessThanOrEqual(2);
      listed.push(...ids);
      more = page["has_more"] === true;
      expect(page["next_after"]).toBe(more ? ids.at(-1) : null);
      after = String(page["next_after"]);
    }
    expect(listed).toEqual([...new Set(listed)].toSorted());
    for (const name of names) expect(listed).toContain(name);
  });
});

describe("health", () => {
  test("is told to anyone, without asking storage", async () => {
    const untouchable = new Proxy({}, { get: () => expect.unreachable("storage was asked") });
    const request = new Request(`${ORIGIN}/healthz`);
    const guarded = { ...env, DB: untouchable as D1Database, PAYLOADS: untouchable as R2Bucket };
    const answer = await handle(request, guarded, createExecutionContext());
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ status: "ok" });
  });
});

/** Every keyed route: method, path for an id, body, scope, and what a key with that scope gets for an id that nobody has. */
const KEYED: [method: string, path: (id: string) => string, body: unknown, scope: string, status: number][] = [
  ["POST", () => "/v1/inferences", { model: "no-such-model", input: 1 }, "submit", 404],
  ["GET", (id) => `/v1/inferences/${id}`, undefined, "read", 404],
  ["GET", (id) => `/v1/inferences/${id}/result`, undefined, "read", 404],
  ["POST", (id) => `/v1/inferences/${id}/cancel`, undefined, "cancel", 404],
  ["POST", (id) => `/v1/inferences/${id}/redrive`, undefined, "submit", 404],
  ["POST", () => "/v1/inferences/cancel", { model: "no-such-model" }, "cancel", 200],
  ["GET", () => "/v1/models/no-such-model/queue", undefined, "read", 404],
  ["POST", () => "/inference/no-such-model", [{ image_path: "x", product_type: "x" }], "submit", 404],
  ["GET", (id) => `/inference/${id}/status`, undefined, "read", 404],
  ["GET", (id) => `/inference/${id}/results`, undefined, "read", 404],
];
const named = KEYED.map(([method, path, body, scope, status]) => [method, path(":id"), path, body, scope, status] as const);

describe("who may call", () => {
  describe.each(named)("%s %s", (method, _route, path, body, scope, expected) => {
    const url = path(crypto.randomUUID());
    const send = (headers: Record<string, string>) =>
      call(url, {
        method,
        headers: { "Content-Type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });

    test.each<[string, (key: string) => Record<string, string>]>([
      ["x-vody-api-key", (key) => ({ "x-vody-api-key": key })],
      ["X-Api-Key", (key) => ({ "X-Api-Key": key })],
      ["Authorization: Bearer", (key) => ({ Authorization: `Bearer ${key}` })],
      ["Authorization: Api-Key", (key) => ({ Authorization: `Api-Key ${key}` })],
      ["Authorization: Key", (key) => ({ Authorization: `Key ${key}` })],
      ["Authorization: Token", (key) => ({ Authorization: `Token ${key}` })],
      ["Authorization, bare", (key) => ({ Authorization: key })],
      ["authorization: bearer, in small letters", (key) => ({ authorization: `bearer ${key}` })],
    ])("takes the key in %s", async (_name, headers) => {
      const { key } = await newTenant();
      const { status } = await send(headers(key));
      expect(status).toBe(expected);
    });

    test.each<[string, string, (key: string) => Record<string, string>]>([
      ["no key", "missing_key", () => ({})],
      ["a key under a scheme that nobody knows", "missing_key", (key) => ({ Authorization: `Basic ${key}` })],
      ["what is no key", "invalid_key", () => ({ Authorization: "Bearer secret" })],
      ["what is no key, bare", "missing_key", () => ({ Authorization: "secret" })],
      ["what only begins as a key, bare", "invalid_key", () => ({ Authorization: "ck_secret" })],
      ["the operator's token", "invalid_key", () => ({ Authorization: `Bearer ${env.ADMIN_TOKEN}` })],
    ])("refuses %s", async (_name, code, headers) => {
      const { key } = await newTenant();
      const answer = await send(headers(key));
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer realm="/);
      if (url.startsWith("/v1/")) expect(await seen(answer)).toStrictEqual(refusal(401, code));
    });

    test("refuses a key that is unknown, revoked, expired or lacks the scope", async () => {
      const tenant = await newTenant();
      const revoked = await newTenant();
      await operator("DELETE", `/keys/${revoked.keyId}`);
      const gone = await newTenant();
      await operator("DELETE", `/accounts/${gone.accountId}`);
      const expiredKey = await newTenant({ expires_at: new Date(Date.now() - 1).toISOString() });
      const narrow = await newTenant({ scopes: ["submit", "read", "cancel"].filter((other) => other !== scope) });
      const keys = [await unknownKey(tenant.accountId), revoked.key, gone.key, expiredKey.key, narrow.key];
      const statuses = await Promise.all(keys.map(async (key) => (await send({ Authorization: `Bearer ${key}` })).status));
      expect(statuses).toEqual([401, 401, 401, 401, 403]);
    });

    test("says in every answer where the key stands against its limit", async () => {
      const { key } = await newTenant({ limits: { read: 2, submit: 2, cancel: 2 } });
      const answers = [];
      for (let count = 0; count < 3; count++) answers.push(await send({ Authorization: `Bearer ${key}` }));
      expect(answers.map((answer) => answer.headers.get("ratelimit-policy"))).toEqual(Array(3).fill(`"${scope}";q=2;w=1`));
      const remaining = answers.map((answer) => new RegExp(`^"${scope}";r=(\\d+);t=1$`).exec(answer.headers.get("ratelimit") ?? "")?.[1]);
      expect(remaining).toEqual(["1", "0", "0"]);
      expect(answers.map((answer) => answer.headers.get("retry-after"))).toEqual([null, null, "1"]);
      expect(answers[2]?.status).toBe(429);
      if (answers[2] && url.startsWith("/v1/"))
        expect(await seen(answers[2])).toStrictEqual(
          refusal(429, "rate_limited", {
            "violated-policies": [scope],
            detail: expect.stringMatching(new RegExp(`2 "${scope}".*can raise "limits\\.${scope}"`)),
          }),
        );
    });
  });
});

describe("another account's inference", () => {
  const MADE: [status: string, make: (key: string) => Promise<string>][] = [
    ["queued", async (key) => submitted(key, await newModel())],
    ["succeeded", succeeded],
    ["failed", failed],
    ["expired", expired],
    ["canceled", canceled],
  ];
  const PAIRS = named
    .filter(([, route]) => route.includes(":id"))
    .flatMap(([method, route, path]) => MADE.map(([status, make]) => [method, route, status, path, make] as const));

  test.each(PAIRS)("is not there for %s %s when it is %s", async (method, _route, _status, path, make) => {
    const owner = await newTenant();
    const stranger = await newTenant();
    const id = await make(owner.key);
    const before = await read(owner.key, id);
    const nobodys = crypto.randomUUID();
    const view = async (asked: string) => {
      const answer = await as(stranger.key, method, path(asked));
      const text = (await answer.text()).replaceAll(asked, "<id>").replace(/"request_id":"[^"]*"/, "");
      const headers = [...answer.headers].filter(([name]) => name !== "x-request-id" && name !== "ratelimit");
      return { status: answer.status, text, headers };
    };
    const answer = await view(id);
    expect(answer.status).toBe(404);
    expect(answer).toEqual(await view(nobodys));
    expect(answer).toEqual(await view("not-an-id"));
    expect(await read(owner.key, id)).toStrictEqual(before);
  });
});

describe("every answer", () => {
  test("says how it may be kept, who it is, and that its type is not to be guessed", async () => {
    const { key } = await newTenant({ scopes: ["read", "submit"] });
    const id = await succeeded(key);
    const large = await succeeded(key, { text: "x".repeat(INLINE_BYTES) });
    const waiting = await submitted(key, await newModel());
    const model = await newModel();
    const etag = (await as(key, "GET", `/v1/inferences/${id}`)).headers.get("etag") ?? "";
    const picture = [{ image_path: "x", product_type: "x" }];
    const sent: [status: number, answer: Response][] = [
      [202, await as(key, "POST", "/v1/inferences", { model, input: 1 })],
      [202, await as(key, "POST", `/inference/${model}`, picture)],
      [200, await as(key, "GET", `/v1/inferences/${id}`)],
      [200, await as(key, "HEAD", `/v1/inferences/${id}`)],
      [304, await as(key, "GET", `/v1/inferences/${id}`, undefined, { "If-None-Match": etag })],
      [200, await as(key, "GET", `/v1/inferences/${id}/result`)],
      [200, await as(key, "GET", `/v1/inferences/${large}/result`)],
      [200, await as(key, "HEAD", `/v1/inferences/${large}/result`)],
      [409, await as(key, "GET", `/v1/inferences/${waiting}/result`)],
      [200, await as(key, "GET", `/inference/${id}/status`)],
      [200, await as(key, "GET", `/inference/${id}/results`)],
      [202, await as(key, "GET", `/inference/${waiting}/results`)],
      [200, await as(key, "GET", "/v1/models")],
      [200, await call("/healthz")],
      [400, await as(key, "POST", "/v1/inferences", "{")],
      [401, await call(`/v1/inferences/${id}`)],
      [401, await call(`/inference/${id}/status`)],
      [401, await call("/admin/v1/accounts")],
      [403, await as(key, "POST", `/v1/inferences/${id}/cancel`)],
      [404, await as(key, "GET", "/nowhere")],
      [404, await as(key, "GET", "/inference/nope/status")],
      [404, await operator("GET", "/nowhere")],
      [405, await as(key, "PUT", "/v1/inferences")],
      [405, await as(key, "PUT", "/inference/x")],
      [415, await as(key, "POST", `/inference/${model}`, "x", { "Content-Type": "text/plain" })],
      [422, await as(key, "POST", `/inference/${model}`, [])],
      [200, await operator("GET", "/accounts")],
    ];
    expect(sent.map(([, answer]) => answer.status)).toEqual(sent.map(([status]) => status));
    for (const [, { headers }] of sent) {
      expect(headers.get("cache-control")).toMatch(/^private, (?:no-store|no-cache|max-age=\d+(?:, immutable)?)$/);
      expect(headers.get("x-request-id")).toMatch(UUID);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
    expect(new Set(sent.map(([, { headers }]) => headers.get("x-request-id"))).size).toBe(sent.length);
  });

  test("of a refusal carries the request's id in its body too", async () => {
    const answer = await call("/nowhere");
    expect((await object(answer.clone()))["request_id"]).toBe(answer.headers.get("x-request-id"));
    expect(await seen(answer)).toStrictEqual(refusal(404, "not_found"));
  });

  test.each([
    ["PUT", "/v1/inferences", /\bPOST\b/],
    ["PUT", `/v1/inferences/${crypto.randomUUID()}`, /\bGET, HEAD\b/],
    ["DELETE", `/v1/inferences/${crypto.randomUUID()}/result`, /\bGET, HEAD\b/],
    ["GET", `/v1/inferences/${crypto.randomUUID()}/cancel`, /^POST$/],
    ["GET", "/v1/inferences/bulk", /^POST$/],
    ["DELETE", "/v1/inferences/counts/", /^GET, HEAD$/],
    ["DELETE", "/v1/models/any/queue", /^GET, HEAD$/],
    ["POST", "/healthz", /^GET, HEAD$/],
  ])("to %s %s names the methods that there are", async (method, path, allow) => {
    const answer = await call(path, { method });
    expect(answer.headers.get("allow")).toMatch(allow);
    expect(await seen(answer)).toStrictEqual(refusal(405, "method_not_allowed"));
  });

  describe.each([
    ["a failure of our own", "D1_ERROR: no such table: secrets: SQLITE_ERROR", 500, "internal", null],
    ["a database that can't answer", "Network connection to 10.0.0.7 lost", 503, "unavailable", "2"],
  ])("to %s", (_name, message, status, code, retryAfter) => {
    test.each(["/v1/models/any/queue", `/inference/${crypto.randomUUID()}/status`])("tells nothing of it at %s", async (path) => {
      const { key } = await newTenant();
      const told = vi.spyOn(console, "error").mockImplementation(() => {});
      const prepare = () => {
        throw new Error(message);
      };
      const request = new Request(ORIGIN + path, { headers: { Authorization: `Bearer ${key}` } });
      const answer = await handle(request, { ...env, DB: asDatabase({ prepare }) }, createExecutionContext());
      told.mockRestore();
      const body = await object(answer.clone());
      expect(answer.status).toBe(status);
      expect(body["code"]).toBe(path.startsWith("/v1/") ? code : status);
      expect(await answer.text()).not.toMatch(/D1|secrets|10\.0\.0\.7|stack/);
      expect(answer.headers.get("retry-after")).toBe(retryAfter);
      expect(answer.headers.get("ratelimit-policy")).toMatch(/^"read"/);
    });
  });
});

describe("whatever is sent to a submit route", () => {
  const anything = fc.oneof(
    { weight: 4, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
    { weight: 1, arbitrary: fc.constantFrom(null, [], {}, "", -0, 1e308, "\u0000", "\ud800", { __proto__: null, constructor: 1 }) },
  );
  const raw = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json(),
    fc.constantFrom("{", "[[", '{"a":1e999}', '"\\ud800"', "[1,]", "\ufeff[]", "NaN"),
  );
  const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.oneof({ weight: 15, arbitrary }, { weight: 1, arbitrary: anything });

  const item = fc.record(
    {
      image_path: maybe(fc.webUrl()),
      product_type: maybe(fc.string()),
      category: maybe(fc.string()),
      hex_color_label: maybe(fc.constantFrom("#AA3300", "#000000")),
      ["__proto__"]: anything,
    },
    { requiredKeys: ["image_path", "product_type"] },
  );
  const batch = fc.oneof(
    fc.array(maybe(item), { maxLength: 4 }),
    fc.array(item, { minLength: BATCH_ITEMS - 2, maxLength: BATCH_ITEMS + 2, size: "max" }),
  );

  const tensor = fc.record(
    {
      name: maybe(fc.string()),
      shape: maybe(fc.array(fc.oneof(fc.double(), fc.integer()), { maxLength: 3 })),
      datatype: maybe(fc.constantFrom("FP32", "BYTES")),
      data: maybe(fc.array(fc.integer())),
    },
    { requiredKeys: ["shape"] },
  );
  const input = fc.oneof(anything, fc.record({ inputs: maybe(fc.array(tensor, { maxLength: 3 })) }), fc.array(item, { maxLength: 3 }));
  const name = fc.string({ unit: "binary", maxLength: 70 });
  const submission = (model: string) =>
    fc.record(
      {
        model: fc.oneof({ weight: 12, arbitrary: fc.constant(model) }, { weight: 1, arbitrary: maybe(name) }),
        input,
        priority: maybe(fc.integer({ min: 0, max: 2 })),
        max_time_in_queue_seconds: maybe(fc.integer({ min: 9, max: 259_201 })),
        run_within_seconds: maybe(fc.integer({ min: 0, max: 841 })),
        retry: maybe(fc.record({ max_attempts: maybe(fc.integer({ min: 1, max: 10 })) }, { requiredKeys: [] })),
        metadata: maybe(fc.dictionary(name, maybe(name), { maxKeys: 4 })),
      },
      { requiredKeys: ["model", "input"] },
    );
  const odd = (model: string) => fc.record({ model: fc.constant(model), input: fc.constant(1), version: name });
  const extra = (model: string) => fc.record({ model: fc.constant(model), input: fc.constant(1), extra: anything });
  const text = (arbitrary: fc.Arbitrary<unknown>) =>
    fc.oneof({ weight: 6, arbitrary: arbitrary.map((value) => JSON.stringify(value)) }, { weight: 1, arbitrary: raw });

  const RUNS = { numRuns: 300 };

  test("of the Vody API is either taken or refused in Vody's shape", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const statuses = new Set<number>();
    await fc.assert(
      fc.asyncProperty(text(fc.oneof({ weight: 6, arbitrary: batch }, { weight: 1, arbitrary: anything })), async (body) => {
        const answer = await as(key, "POST", `/inference/${model}`, body);
        const value = await object(answer.clone());
        statuses.add(answer.status);
        if (answer.status === 202) expect(value).toMatchObject({ id: expect.stringMatching(UUID), status: "in_progress" });
        else {
          expect([400, 422]).toContain(answer.status);
          const { status: code } = answer;
          expect(value).toStrictEqual({ error: expect.stringMatching(/\S/), message: expect.stringMatching(/\S/), code });
        }
      }),
      RUNS,
    );
    expect(statuses).toEqual(new Set([202, 400, 422]));
  });

  test("of our own API is either taken or refused with a problem", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const statuses = new Set<number>();
    const bodies = fc.oneof(
      { weight: 10, arbitrary: submission(model) },
      { weight: 1, arbitrary: odd(model) },
      { weight: 1, arbitrary: extra(model) },
      { weight: 1, arbitrary: anything },
    );
    await fc.assert(
      fc.asyncProperty(text(bodies), async (body) => {
        const answer = await as(key, "POST", "/v1/inferences", body);
        const value = await object(answer.clone());
        statuses.add(answer.status);
        if (answer.status === 202) expect(value).toMatchObject({ id: expect.stringMatching(UUID), status: "queued" });
        else {
          expect([400, 404, 422]).toContain(answer.status);
          expect(answer.headers.get("content-type")).toBe("application/problem+json");
          expect(value).toMatchObject({ status: answer.status, code: expect.any(String), request_id: expect.stringMatching(UUID) });
        }
      }),
      RUNS,
    );
    expect(statuses).toEqual(new Set([202, 400, 404, 422]));
  });
});

/** The Baseten dialect as its published page and specification have it: what goes well, what is refused, what nobody may see. */
import { createExecutionContext } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import * as fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { handle } from "../../src/router.ts";
import { ASYNC_BODY_BYTES } from "../../src/dialects/baseten/schemas.ts";
import { statusOf } from "../../src/dialects/baseten/present.ts";
import { STATUSES } from "../../src/inferences/status.ts";
import { BACKEND_ANSWER_BYTES, INLINE_BYTES, NOT_READY_RETRY_SECONDS, JSON_BODY_BYTES } from "../../src/limits.ts";
import { backendRow, ended, expire, rowOf, submitted } from "./support/inferences.ts";
import { held } from "./support/clock.ts";
import { faultyDatabase, stillAs, stillEnv } from "./support/ports.ts";
import { type ScriptedBackend, backendIs, echo, hang, publicNames } from "./support/outside.ts";
import { newBackend, newModel, newTenant, unknownKey, restBackends, servedBy } from "./support/tenants.ts";
import { ORIGIN, as, call, object, operator, until, seen } from "./support/requests.ts";

// What backs off waits for ticks of the sweep, and a busy machine is slow.
vi.setConfig({ testTimeout: 30_000 });

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/;
const ONCE = { inference_retry_config: { max_attempts: 1 } };
/** A model with an environment of its own beside production. */
const VERSIONS = { versions: ["v1", "v2", "staging", "prod-us", "development"], default_version: "v2" };

/** Where the vendor's clients send a call: the host names the model or chain. */
const hostOf = (id: string, kind = "model") => `https://${kind}-${id}.api.claimcheck.test`;

/** A call as the vendor's own examples make it. */
function send(key: string, method: string, url: string, body?: unknown, more: Record<string, string> = {}): Promise<Response> {
  return exports.default.fetch(
    new Request(url, {
      method,
      headers: { Authorization: `Api-Key ${key}`, ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...more },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );
}

async function submitTo(key: string, path: string, body: Record<string, unknown> = {}): Promise<string> {
  const answer = await as(key, "POST", path, { model_input: { text: "x" }, ...body });
  expect(answer.status).toBe(201);
  return String((await object(answer))["request_id"]);
}

const submit = (key: string, model: string, body?: Record<string, unknown>) => submitTo(key, `/baseten/${model}/async_predict`, body);
const requestOf = (key: string, id: string) => object(as(key, "GET", `/async_request/${id}`));
const modelOf = (name: string) => `/baseten/${name}`;

/** The published error, as `seen` shows an answer. */
const refusal = (status: number, error_code: string, error: unknown = expect.stringMatching(/\S/), detail?: unknown) => ({
  status,
  type: "application/json",
  body: { error, error_code, ...(detail === undefined ? {} : { detail }) },
});

describe("the published example", () => {
  test("runs unchanged but for address, id and key, and shows the published members", async () => {
    const { key: basetenApiKey } = await newTenant();
    const modelId = await newModel();
    const requestId = await submit(basetenApiKey, modelId);

    const resp = await exports.default.fetch(`${hostOf(modelId)}/async_request/${requestId}`, {
      headers: { Authorization: `Api-Key ${basetenApiKey}` },
    });

    expect(resp.status).toBe(200);
    expect(resp.headers.get("content-type")).toBe("application/json");
    expect(await resp.json()).toStrictEqual({
      request_id: requestId,
      model_id: modelId,
      deployment_id: modelId,
      status: "QUEUED",
      webhook_status: "NO_WEBHOOK_PROVIDED",
      created_at: expect.stringMatching(TIME),
      status_at: expect.stringMatching(TIME),
      errors: [],
    });
  });

  test("goes from a submit with every published member to the end", async () => {
    const { key } = await newTenant();
    const received: unknown[] = [];
    const model = await servedBy(async (request) => {
      if (!request.url.includes(".gpu.test")) return publicNames(request);
      received.push(await request.json());
      return Response.json({ data: 1 });
    });
    const answer = await send(key, "POST", `${hostOf(model)}/production/async_predict`, {
      model_input: { hello: "world!", big: 1 },
      webhook_endpoint: "https://my_webhook.example.com/webhook",
      priority: 1,
      max_time_in_queue_seconds: 100,
      inference_retry_config: { max_attempts: 3, initial_delay_ms: 1000, max_delay_ms: 5000 },
    });
    const id = String((await object(answer.clone()))["request_id"]);
    expect(await seen(answer)).toStrictEqual({ status: 201, type: "application/json", body: { request_id: expect.stringMatching(UUID) } });
    expect(answer.headers.get("location")).toBe(`${hostOf(model)}/async_request/${id}`);
    await ended(key, id);
    const request = await requestOf(key, id);
    expect(request).toMatchObject({ status: "SUCCEEDED", webhook_status: expect.stringMatching(/^(PENDING|SUCCEEDED)$/), errors: [] });
    expect(Date.parse(String(request["status_at"]))).toBeGreaterThanOrEqual(Date.parse(String(request["created_at"])));
    expect(received).toEqual([{ hello: "world!", big: 1 }]);
    expect(await (await as(key, "GET", `/v1/inferences/${id}/result`)).json()).toEqual({ data: 1 });
  });
});

describe("an asynchronous request", () => {
  test("has the published defaults, and hands on what it is told instead", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    expect(await rowOf(await submit(key, model))).toMatchObject({
      dialect: "baseten",
      model,
      capability: "",
      input: '{"text":"x"}',
      priority: 0,
      max_time_in_queue_seconds: 600,
      max_attempts: 3,
      initial_delay_ms: 1000,
      max_delay_ms: 5000,
    });
    for (const { inference_retry_config, ...others } of [
      {
        priority: 2,
        max_time_in_queue_seconds: 259_200,
        inference_retry_config: { max_attempts: 10, initial_delay_ms: 10_000, max_delay_ms: 60_000 },
      },
      {
        priority: 0,
        max_time_in_queue_seconds: 10,
        inference_retry_config: { max_attempts: 1, initial_delay_ms: 0, max_delay_ms: 0 },
      },
    ]) {
      const told = await rowOf(await submit(key, model, { ...others, inference_retry_config }));
      expect(told).toMatchObject({ ...others, ...inference_retry_config });
    }
  });

  test.each<[string, Record<string, unknown>]>([
    ["a webhook", { webhook_endpoint: "https://example.com/hook" }],
    ["no webhook, in as many words", { webhook_endpoint: null }],
    ["members that are not published", { model: "x", nothing: { at: "all" }, inference_retry_config: { jitter: true } }],
    ["an input that is an array", { model_input: [1, [2]] }],
    ["an input that is a text", { model_input: "x" }],
    ["an input that is null", { model_input: null }],
    ["an input with a large integer", { model_input: { id: 9007199254740991 } }],
  ])("may have %s", async (_name, body) => {
    const { key } = await newTenant();
    backendIs(publicNames);
    const id = await submit(key, await newModel(), body);
    expect((await rowOf(id))["input"]).toBe(JSON.stringify("model_input" in body ? body["model_input"] : { text: "x" }));
    const webhook_status = body["webhook_endpoint"] ? "PENDING" : "NO_WEBHOOK_PROVIDED";
    expect(await requestOf(key, id)).toMatchObject({ status: "QUEUED", webhook_status });
  });

  test("keeps an integer that a double can't hold", async () => {
    const { key } = await newTenant();
    const answer = await as(key, "POST", `${modelOf(await newModel())}/async_predict`, '{"model_input":{"id":9007199254740993}}');
    expect((await rowOf(String((await object(answer))["request_id"])))["input"]).toBe('{"id":9007199254740993}');
  });

  /** A setting of the retries that is not taken, and where its refusal says that it is. */
  const retryFault = (name: string, member: string, value: number): [string, unknown, string, string] => [
    name,
    { inference_retry_config: { [member]: value } },
    `"inference_retry_config.${member}" `,
    `#/inference_retry_config/${member}`,
  ];

  test.each<[string, unknown, string, string]>([
    ["nothing to infer from", {}, '"model_input" is missing', "#/model_input"],
    ["a priority of 3", { priority: 3 }, '"priority" ', "#/priority"],
    ["a priority below 0", { priority: -1 }, '"priority" ', "#/priority"],
    ["a priority of 0.5", { priority: 0.5 }, '"priority" ', "#/priority"],
    ["a priority in words", { priority: "1" }, '"priority" ', "#/priority"],
    ["a priority that is null", { priority: null }, '"priority" ', "#/priority"],
    ["9 s in the queue", { max_time_in_queue_seconds: 9 }, '"max_time_in_queue_seconds" ', "#/max_time_in_queue_seconds"],
    ["259201 s in the queue", { max_time_in_queue_seconds: 259_201 }, '"max_time_in_queue_seconds" ', "#/max_time_in_queue_seconds"],
    retryFault("no attempt", "max_attempts", 0),
    retryFault("11 attempts", "max_attempts", 11),
    retryFault("a first delay of 10001 ms", "initial_delay_ms", 10_001),
    retryFault("a first delay below 0", "initial_delay_ms", -1),
    retryFault("a longest delay of 60001 ms", "max_delay_ms", 60_001),
    retryFault("a longest delay below 0", "max_delay_ms", -1),
    ["a retry configuration in words", { inference_retry_config: "3" }, '"inference_retry_config" ', "#/inference_retry_config"],
    ["a webhook without TLS", { webhook_endpoint: "http://example.com/hook" }, '"webhook_endpoint" must use https', "#/webhook_endpoint"],
    ["a webhook on this machine", { webhook_endpoint: "http://localhost:3000/hook" }, '"webhook_endpoint" must', "#/webhook_endpoint"],
    [
      "a webhook that only looks local",
      { webhook_endpoint: "http://localhost.example.com" },
      '"webhook_endpoint" must use https',
      "#/webhook_endpoint",
    ],
    ["a webhook that is no URL", { webhook_endpoint: "example.com/hook" }, '"webhook_endpoint" must be', "#/webhook_endpoint"],
    ["a webhook of another scheme", { webhook_endpoint: "ftp://example.com" }, '"webhook_endpoint" must use https', "#/webhook_endpoint"],
    ["a webhook that is empty", { webhook_endpoint: "" }, '"webhook_endpoint" must have', "#/webhook_endpoint"],
    ["a webhook that is a number", { webhook_endpoint: 5 }, '"webhook_endpoint" ', "#/webhook_endpoint"],
  ])("with %s is 400 and says where", async (_name, fault, message, place) => {
    const { key } = await newTenant();
    const body = _name === "nothing to infer from" ? fault : { model_input: 1, ...(fault as object) }; // all the others are objects
    const answer = await as(key, "POST", `${modelOf(await newModel())}/async_predict`, body);
    expect(await seen(answer)).toStrictEqual(refusal(400, "client_error", expect.stringContaining(message), place));
  });

  test.each(["[]", "null", '"x"', "5", "true"])("that is %s as a whole is 400", async (body) => {
    const { key } = await newTenant();
    const answer = await as(key, "POST", `${modelOf(await newModel())}/async_predict`, body);
    expect(await seen(answer)).toStrictEqual(refusal(400, "client_error", expect.stringContaining("object"), "#"));
  });

  test("may have 256 KiB and not one byte more", async () => {
    const { key } = await newTenant();
    const path = `${modelOf(await newModel())}/async_predict`;
    const bare = JSON.stringify({ model_input: "" }).length;
    const ofLength = (bytes: number) => JSON.stringify({ model_input: "x".repeat(bytes - bare) });
    expect(ASYNC_BODY_BYTES).toBe(262_144);
    const whole = await as(key, "POST", path, ofLength(ASYNC_BODY_BYTES));
    expect(whole.status).toBe(201);
    const refused = as(key, "POST", path, ofLength(ASYNC_BODY_BYTES + 1));
    expect(await seen(refused)).toStrictEqual(refusal(413, "payload_too_large", "The body exceeds 262144 bytes."));
  });

  test("is accepted once for one Idempotency-Key", async () => {
    const { key } = await newTenant();
    const path = `${modelOf(await newModel())}/async_predict`;
    const again = () => as(key, "POST", path, { model_input: 1 }, { "Idempotency-Key": "order-7" });
    const [first, second] = [await again(), await again()];
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect(await seen(second)).toStrictEqual(await seen(first));
    const other = as(key, "POST", path, { model_input: 2 }, { "Idempotency-Key": "order-7" });
    expect(await seen(other)).toStrictEqual(refusal(422, "client_error"));
  });

  test("need not be sent again while its client knows it", async () => {
    const { key } = await newTenant();
    const id = await submit(key, await newModel());
    const etag = (await as(key, "GET", `/async_request/${id}`)).headers.get("etag") ?? "";
    const known = await as(key, "GET", `/async_request/${id}`, undefined, { "If-None-Match": etag });
    expect([known.status, known.headers.get("cache-control")]).toEqual([304, "private, no-cache"]);
  });

  test("is found under its id in capitals, with or without a model before it", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const id = await submit(key, model);
    const request = await requestOf(key, id);
    expect(await requestOf(key, id.toUpperCase())).toStrictEqual(request);
    expect(await object(as(key, "GET", `${modelOf(model)}/async_request/${id}`))).toStrictEqual(request);
  });
});

describe("the model and its version", () => {
  const PREFIXES: [prefix: string, version: string][] = [
    ["", "v2"],
    ["/production", "v2"],
    ["/development", "development"],
    ["/environments/production", "v2"],
    ["/environments/staging", "staging"],
    ["/environments/prod-us", "prod-us"],
    ["/deployment/v1", "v1"],
    ["/deployment/staging", "staging"],
  ];

  test.each(PREFIXES)("are named by the prefix %j, by host and by path", async (prefix, version) => {
    const { key } = await newTenant();
    const model = await newModel(VERSIONS);
    const asked: string[] = [];
    for (const each of VERSIONS.versions)
      await newBackend(model, { version: each, protocol: "http", url: `https://${each}.${model}.test` });
    backendIs((request) => {
      asked.push(new URL(request.url).hostname);
      return Response.json("done");
    });
    for (const base of [hostOf(model), `https://claimcheck.test${modelOf(model)}`]) {
      const accepted = await send(key, "POST", `${base}${prefix}/async_predict`, { model_input: 1 });
      expect(accepted.status).toBe(201);
      const id = String((await object(accepted))["request_id"]);
      await ended(key, id);
      expect(await requestOf(key, id)).toMatchObject({ model_id: model, deployment_id: version, status: "SUCCEEDED" });

      const answer = await send(key, "POST", `${base}${prefix}/predict`, { x: 1 });
      expect([answer.status, await answer.json()]).toEqual([200, "done"]);
      const queue = await object(send(key, "GET", `${base}${prefix}/async_queue_status`));
      expect(queue).toStrictEqual({ model_id: model, deployment_id: version, num_queued_requests: 0, num_in_progress_requests: 0 });
      expect((await send(key, "POST", `${base}${prefix}/wake`)).status).toBe(202);
    }
    expect(asked).toEqual(Array(4).fill(`${version}.${model}.test`));
  });

  test.each(["/environments/nowhere", "/deployment/nowhere", "/deployment/production", "/environments/v3"])(
    "are 404 under %s, whatever is asked",
    async (prefix) => {
      const { key } = await newTenant();
      const model = await newModel(VERSIONS);
      const at = `${modelOf(model)}${prefix}`;
      const large = { model_input: "x".repeat(INLINE_BYTES) };
      for (const answer of [
        as(key, "POST", `${at}/async_predict`, { model_input: 1 }),
        as(key, "POST", `${at}/async_predict`, large),
        as(key, "POST", `${at}/predict`, large),
        as(key, "POST", `${at}/wake`),
        as(key, "GET", `${at}/async_queue_status`),
      ]) {
        const said = `The model "${model}" has no version "${prefix.split("/").at(-1)}".`;
        expect(await seen(answer)).toStrictEqual(refusal(404, "model_does_not_exist", expect.stringContaining(said)));
      }
    },
  );

  test("without a server that takes work is not ready, in the published words and with a time to come back", async () => {
    const { key } = await newTenant();
    const answer = await as(key, "POST", `${modelOf(await newModel())}/predict`, {});
    expect(answer.headers.get("retry-after")).toBe(String(NOT_READY_RETRY_SECONDS));
    expect(await seen(answer)).toStrictEqual(refusal(503, "model_not_ready"));
  });

  test("without versions is a deployment under its own name, as it is shown; with versions it is not", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const large = "x".repeat(INLINE_BYTES);
    const id = await submitTo(key, `${modelOf(model)}/deployment/${model}/async_predict`, { model_input: large });
    expect(await requestOf(key, id)).toMatchObject({ model_id: model, deployment_id: model });
    const versioned = await newModel(VERSIONS);
    const answer = as(key, "POST", `${modelOf(versioned)}/deployment/${versioned}/async_predict`, { model_input: 1 });
    expect(await seen(answer)).toStrictEqual(refusal(404, "model_does_not_exist"));
    const queue = await object(as(key, "GET", `${modelOf(model)}/deployment/${model}/async_queue_status`));
    expect(queue).toMatchObject({ model_id: model, deployment_id: model });
  });

  test.each([
    ["staging", "staging"],
    ["prod-us", "prod-us"],
    ["production", "v2"],
  ])("are both in a regional host: the environment %s after the model's name", async (environment, version) => {
    const { key } = await newTenant();
    const model = await newModel(VERSIONS);
    const host = hostOf(`${model}-${environment}`);
    const accepted = await send(key, "POST", `${host}/async_predict`, { model_input: 1 });
    const id = String((await object(accepted))["request_id"]);
    expect(await object(send(key, "GET", `${host}/async_request/${id}`))).toMatchObject({ model_id: model, deployment_id: version });
    expect(await object(send(key, "GET", `${host}/async_queue_status`))).toMatchObject({ deployment_id: version, num_queued_requests: 1 });
    expect((await send(key, "POST", `${host}/wake`)).status).toBe(202);
    // Their regional hosts take no environment in the path.
    const both = send(key, "POST", `${host}/production/async_predict`, { model_input: 1 });
    expect(await seen(both)).toStrictEqual(refusal(404, "model_does_not_exist"));
  });

  test("of a regional host are a model of that whole name, where there is one", async () => {
    const { key } = await newTenant();
    const model = await newModel(VERSIONS);
    const whole = `${model}-staging`;
    await operator("POST", "/models", { name: whole });
    const accepted = await send(key, "POST", `${hostOf(whole)}/async_predict`, { model_input: 1 });
    const id = String((await object(accepted))["request_id"]);
    expect(await requestOf(key, id)).toMatchObject({ model_id: whole, deployment_id: whole });
    expect(await object(send(key, "GET", `${hostOf(whole)}/async_queue_status`))).toMatchObject({ model_id: whole });
  });

  test("may have a dot in the name, by path", async () => {
    const { key } = await newTenant();
    const name = `sdxl.1-${crypto.randomUUID()}`;
    await operator("POST", "/models", { name });
    expect(await requestOf(key, await submit(key, name))).toMatchObject({ model_id: name });
  });

  test.each(["no-such-model", "a-b-c-d-e-f-g-h", "%00", "%E0%A4%A", "..%2Fadmin", "%20"])("are not there under %s", async (name) => {
    const { key } = await newTenant();
    for (const answer of [
      as(key, "POST", `${modelOf(name)}/async_predict`, { model_input: 1 }),
      as(key, "POST", `${modelOf(name)}/predict`, {}),
      as(key, "POST", `${modelOf(name)}/wake`),
      as(key, "GET", `${modelOf(name)}/async_queue_status`),
    ]) {
      expect(await seen(answer)).toStrictEqual(refusal(404, "model_does_not_exist"));
    }
  });

  test("in a host take nothing away from the other wires: the deployment's own host may begin with model-", async () => {
    const { key } = await newTenant();
    const own = hostOf("gateway");
    expect(await object(send(key, "GET", `${own}/healthz`))).toEqual({ status: "ok" });
    expect((await send(key, "GET", `${own}/v1/models`)).status).toBe(200);
    const model = await newModel();
    expect((await send(key, "POST", `${own}${modelOf(model)}/async_predict`, { model_input: 1 })).status).toBe(201);
  });
});

describe("the status of a request", () => {
  const shown = async (key: string, id: string) => {
    const { status, webhook_status, errors } = await requestOf(key, id);
    return { status, webhook_status, errors };
  };
  const none = { webhook_status: "NO_WEBHOOK_PROVIDED", errors: [] };

  test("is each of the published ones in its turn", async () => {
    const { key } = await newTenant();
    const waits = await newModel();
    const queued = await submit(key, waits);
    expect(await shown(key, queued)).toEqual({ status: "QUEUED", ...none });
    expect((await as(key, "DELETE", `/async_request/${queued}`)).status).toBe(200);
    expect(await shown(key, queued)).toEqual({ status: "CANCELED", ...none });

    const late = await submit(key, waits);
    await expire(late);
    expect(await shown(key, late)).toEqual({ status: "EXPIRED", ...none });

    const { promise, release } = held<true>();
    const model = await servedBy(async () => Response.json(await promise));
    const running = await submit(key, model);
    await until(
      () => requestOf(key, running),
      ({ status }) => status === "IN_PROGRESS",
    );
    expect(await shown(key, running)).toEqual({ status: "IN_PROGRESS", ...none });
    release(true);
    await ended(key, running);
    expect(await shown(key, running)).toEqual({ status: "SUCCEEDED", ...none });
  });

  test("is WEBHOOK_FAILED of a success whose delivery was given up, and of nothing else", () => {
    const all = ["QUEUED", "IN_PROGRESS", "SUCCEEDED", "FAILED", "CANCELED", "EXPIRED"];
    for (const webhook of ["PENDING", "SUCCEEDED", "CANCELED", "NO_WEBHOOK_PROVIDED"] as const) {
      expect(STATUSES.map((status) => statusOf(status, webhook))).toEqual(all);
    }
    const givenUp = STATUSES.map((status) => statusOf(status, "FAILED"));
    expect(givenUp).toEqual(all.map((status) => (status === "SUCCEEDED" ? "WEBHOOK_FAILED" : status)));
  });

  test("is kept for ever where it can't change, and for a second where a redrive may change it", async () => {
    const { key } = await newTenant();
    const model = await servedBy(() => Response.json({ error: "no" }, { status: 400 }));
    const cached = async (id: string) => (await as(key, "GET", `/async_request/${id}`)).headers.get("cache-control");
    const failed = await submit(key, model);
    await ended(key, failed);
    expect(await cached(failed)).toBe("private, max-age=1");
    const canceled = await submit(key, await newModel());
    await as(key, "DELETE", `/async_request/${canceled}`);
    expect(await cached(canceled)).toContain("immutable");
  });

  const answering = (status: number, body?: unknown) => () => (body ? Response.json(body, { status }) : new Response(null, { status }));
  const garbage = () => new Response("{", { headers: { "content-type": "application/json" } });
  const tooMuch = () => new Response(null, { headers: { "content-length": String(BACKEND_ANSWER_BYTES + 1) } });
  /** What the backend does; the published code of the request's error; an answer's status, code and detail; what the backend answered. */
  const FAILURES: [string, ScriptedBackend, string, string, string | RegExp][] = [
    [
      "answers 500",
      answering(500, { error: "CUDA" }),
      "MODEL_PREDICT_ERROR",
      "500 application_error infrastructure: backend_error",
      "500: CUDA",
    ],
    ["answers 502", answering(502), "MODEL_UNAVAILABLE", "502 model_unavailable infrastructure: backend_error", "502."],
    ["answers 503", answering(503), "MODEL_UNAVAILABLE", "503 model_unavailable capacity: backend_unavailable", "503."],
    ["answers 429", answering(429), "MODEL_UNAVAILABLE", "503 model_unavailable capacity: backend_busy", "429."],
    ["answers 504", answering(504), "MODEL_PREDICT_TIMEOUT", "504 timeout timeout: backend_timeout", "504."],
    ["answers 400", answering(400, { error: "no dog" }), "MODEL_INVALID_INPUT", "400 client_error input: backend_rejected", "400: no dog"],
    ["answers 422", answering(422, { detail: "no" }), "MODEL_INVALID_INPUT", "422 client_error input: backend_rejected", "422: no"],
    ["answers 401", answering(401), "INTERNAL_SERVER_ERROR", "502 internal_baseten_error infrastructure: backend_misconfigured", /401/],
    ["answers with garbage", garbage, "MODEL_PREDICT_ERROR", "502 application_error infrastructure: backend_garbage", /JSON/],
    ["answers with too much", tooMuch, "MODEL_PREDICT_ERROR", "502 application_error model: backend_oversized", /exceeds/],
  ];
  const protocolOf = (script: ScriptedBackend) => ({ protocol: script === tooMuch ? "oip" : "http" });

  const saying = (said: string | RegExp): unknown =>
    said instanceof RegExp ? expect.stringMatching(said) : `The backend answered ${said}`;

  test.each(FAILURES)("is FAILED when the backend %s, with the published code", async (_how, script, published, _answer, said) => {
    const { key } = await newTenant();
    const id = await submit(key, await servedBy(script, protocolOf(script)), ONCE);
    await ended(key, id);
    const errors = [{ code: published, message: saying(said) }];
    expect(await shown(key, id)).toEqual({ status: "FAILED", webhook_status: "NO_WEBHOOK_PROVIDED", errors });
  });

  test.each(FAILURES)("is told to a call that waits when the backend %s", async (_how, script, _published, answer, said) => {
    const { key } = await newTenant();
    const model = await servedBy(script, protocolOf(script));
    const noThird = env.DB.prepare("UPDATE inferences SET max_attempts = 2 WHERE model = ?").bind(model);
    backendIs(async (request) => {
      await noThird.run(); // a call that waits brings no retry configuration; two attempts are as good as three
      return script(request);
    });
    const answered = await as(key, "POST", `${modelOf(model)}/predict`, { text: "x" });
    const [, status = "", errorCode = "", detail = ""] = /^(\d+) (\S+) (.+)$/.exec(answer) ?? [];
    expect(answered.headers.get("x-baseten-request-id")).toMatch(UUID);
    expect(answered.headers.get("retry-after")).toBe(detail.startsWith("capacity") ? "1" : null);
    expect(await seen(answered)).toStrictEqual(refusal(Number(status), errorCode, saying(said), detail));
  });

  test("is EXPIRED when its backend was never reached in its time", async () => {
    const { key } = await newTenant();
    const id = await submit(key, await servedBy(() => Promise.reject(new Error("refused"))), ONCE);
    await until(
      async () => (await object(as(key, "GET", `/v1/inferences/${id}`)))["waiting_on"],
      (why) => why === "backend_down" || why === "retry_backoff",
    );
    await expire(id);
    expect(await shown(key, id)).toEqual({
      status: "EXPIRED",
      webhook_status: "NO_WEBHOOK_PROVIDED",
      errors: [{ code: "MODEL_UNAVAILABLE", message: expect.stringContaining("reached") }],
    });
  });

  test("tells of each attempt that failed while there may be another, and of none once one succeeded", async () => {
    const { key } = await newTenant();
    const statuses = [503, 500];
    const seenThen: unknown[] = [];
    let id = "";
    const model = await servedBy(async () => {
      const status = statuses.shift();
      if (status !== undefined) return new Response(null, { status });
      seenThen.push((await shown(key, id)).errors);
      return Response.json("at last");
    });
    id = await submit(key, model, { inference_retry_config: { max_attempts: 3, initial_delay_ms: 0, max_delay_ms: 0 } });
    await ended(key, id);
    expect(seenThen).toEqual([
      [
        { code: "MODEL_UNAVAILABLE", message: "The backend answered 503." },
        { code: "MODEL_PREDICT_ERROR", message: "The backend answered 500." },
      ],
    ]);
    expect(await shown(key, id)).toEqual({ status: "SUCCEEDED", ...none });
  });

  test("forgets the errors of before a redrive", async () => {
    const { key } = await newTenant();
    const id = await submit(key, await servedBy(() => new Response(null, { status: 500 })), ONCE);
    await ended(key, id);
    backendIs(hang);
    await as(key, "POST", `/v1/inferences/${id}/redrive`);
    expect((await requestOf(key, id))["errors"]).toEqual([]);
    await as(key, "POST", `/v1/inferences/${id}/cancel`);
  });

  test("is shown of an inference of any other wire", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const vody = await as(key, "POST", `/inference/${model}`, [{ image_path: "x", product_type: "y" }]);
    for (const id of [String((await object(vody))["id"]), await submitted(key, model)]) {
      expect(await requestOf(key, id)).toMatchObject({ request_id: id, model_id: model, deployment_id: model, status: "QUEUED", ...none });
    }
  });
});

describe("a cancel", () => {
  const cancel = (key: string, id: string) => seen(as(key, "DELETE", `/async_request/${id}`));
  const answered = (request_id: string, canceled: boolean, message: unknown) => ({
    status: 200,
    type: "application/json",
    body: { request_id, canceled, message },
  });

  test("of a queued request cancels it, and says the same again", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const id = await submit(key, model);
    const answer = await send(key, "DELETE", `${hostOf(model)}/async_request/${id}`);
    expect(await seen(answer)).toStrictEqual(answered(id, true, "The request was canceled."));
    expect(await requestOf(key, id)).toMatchObject({ status: "CANCELED" });
    expect(await cancel(key, id.toUpperCase())).toStrictEqual(answered(id, true, "The request was canceled before."));
  });

  test("of a running one does nothing and says so", async () => {
    const { key } = await newTenant();
    const { promise, release } = held<true>();
    const model = await servedBy(async () => Response.json(await promise));
    const id = await submit(key, model);
    await until(
      () => requestOf(key, id),
      ({ status }) => status === "IN_PROGRESS",
    );
    expect(await cancel(key, id)).toStrictEqual(answered(id, false, expect.stringMatching(/in progress/)));
    release(true);
    expect(await ended(key, id)).toMatchObject({ status: "succeeded" });
    expect(await cancel(key, id)).toStrictEqual(answered(id, false, expect.stringMatching(/succeeded/)));
  });

  test("of one that waits for its next attempt cancels it, with the errors it had", async () => {
    const { key } = await newTenant();
    const model = await servedBy(() => new Response(null, { status: 500 }));
    const id = await submit(key, model, { inference_retry_config: { max_attempts: 10, initial_delay_ms: 10_000, max_delay_ms: 60_000 } });
    await until(
      () => requestOf(key, id),
      ({ status, errors }) => status === "QUEUED" && Array.isArray(errors) && errors.length > 0,
    );
    expect(await cancel(key, id)).toStrictEqual(answered(id, true, "The request was canceled."));
    const request = await requestOf(key, id);
    expect(request).toMatchObject({ status: "CANCELED", errors: [{ code: "MODEL_PREDICT_ERROR" }] });
  });

  test("of a failed or expired one does nothing and says so", async () => {
    const { key } = await newTenant();
    const failed = await submit(key, await servedBy(() => new Response(null, { status: 400 })));
    await ended(key, failed);
    expect(await cancel(key, failed)).toStrictEqual(answered(failed, false, expect.stringMatching(/failed/)));
    const late = await submit(key, await newModel());
    await expire(late);
    expect(await cancel(key, late)).toStrictEqual(answered(late, false, expect.stringMatching(/expired/)));
  });
});

describe("a model's queue", () => {
  test("is counted by what waits and what runs, and a wake is accepted whatever it holds", async () => {
    const { key } = await newTenant();
    const { promise, release } = held<true>();
    const model = await servedBy(async () => Response.json(await promise));
    const running = await submit(key, model);
    await until(
      () => requestOf(key, running),
      ({ status }) => status === "IN_PROGRESS",
    );
    const waiting = [await submit(key, model), await submit(key, model)];
    const queue = await seen(send(key, "GET", `${hostOf(model)}/production/async_queue_status`));
    expect(queue).toStrictEqual({
      status: 200,
      type: "application/json",
      body: { model_id: model, deployment_id: model, num_queued_requests: 2, num_in_progress_requests: 1 },
    });
    release(true);
    for (const id of waiting) await ended(key, id);
  });

  test("is looked at by a runner after a wake, and the sweep is armed", async () => {
    const { key } = await newTenant();
    const model = await newModel(VERSIONS);
    const sent: unknown[] = [];
    let armed = 0;
    const told = stillEnv({
      WAKE_UPS: { sendBatch: async (messages: unknown[]) => void sent.push(...messages) },
      SWEEP: { getByName: () => ({ arm: async () => void armed++ }) },
    });
    const answer = await stillAs(key, "POST", `${modelOf(model)}/deployment/v1/wake`, undefined, {}, told);
    expect(await seen(answer)).toStrictEqual({ status: 202, type: "application/json", body: {} });
    expect(sent).toEqual([{ body: { model, version: "v1" } }]);
    expect(armed).toBeLessThanOrEqual(1); // an isolate arms it once in a while
  });
});

describe("a call that waits", () => {
  test("sends its body to the model and answers with the output itself", async () => {
    const { key } = await newTenant();
    const received: unknown[] = [];
    const model = await servedBy(async (request) => {
      received.push(await request.text());
      return new Response('[1, 2.50, "x"]', { headers: { "content-type": "application/json; charset=utf-8" } });
    });
    const answer = await as(key, "POST", `${modelOf(model)}/production/predict`, '{"big":9007199254740993}');
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(answer.headers.get("cache-control")).toBe("private, no-store");
    expect(await answer.text()).toBe('[1, 2.50, "x"]');
    expect(received).toEqual(['{"big":9007199254740993}']);
    const id = answer.headers.get("x-baseten-request-id") ?? "";
    expect(await requestOf(key, id)).toMatchObject({ request_id: id, model_id: model, status: "SUCCEEDED", errors: [] });
  });

  test.each([
    ["a row", 3],
    ["a bucket", INLINE_BYTES],
  ])("gets bytes as they are, from %s", async (_place, count) => {
    const { key } = await newTenant();
    const bytes = Uint8Array.from({ length: count }, (_, index) => index % 256);
    const model = await servedBy(() => new Response(bytes, { headers: { "content-type": "image/png" } }));
    const answer = await as(key, "POST", `${modelOf(model)}/predict`, {});
    expect([answer.status, answer.headers.get("content-type"), answer.headers.get("content-length")]).toEqual([
      200,
      "image/png",
      String(count),
    ]);
    expect(await answer.bytes()).toEqual(bytes);
  });

  test("is answered in plain JSON by a tensor model, and in tensors where it sent tensors", async () => {
    const { key } = await newTenant();
    const model = await servedBy(echo, { protocol: "oip" });
    const plain = await as(key, "POST", `${modelOf(model)}/predict`, { text: "hi" });
    expect(await plain.json()).toEqual({ echo: "hi" });
    const inputs = [{ name: "n", shape: [2], datatype: "INT64", data: [1, 2] }];
    const tensors = await as(key, "POST", `${modelOf(model)}/predict`, { inputs });
    expect(await tensors.json()).toMatchObject({ outputs: [{ name: "echo", shape: [2], datatype: "INT64", data: [1, 2] }] });
  });

  test("gets tensors that come as raw data as JSON", async () => {
    const { key } = await newTenant();
    const head = new TextEncoder().encode(
      JSON.stringify({ model_name: "m", outputs: [{ name: "o", shape: [2], datatype: "UINT8", parameters: { binary_data_size: 2 } }] }),
    );
    const model = await servedBy(
      () => {
        const headers = { "content-type": "application/octet-stream", "inference-header-content-length": String(head.length) };
        return new Response(Uint8Array.of(...head, 7, 8), { headers });
      },
      { protocol: "oip" },
    );
    const inputs = [{ name: "n", shape: [1], datatype: "INT64", data: [1] }];
    const answer = await as(key, "POST", `${modelOf(model)}/predict`, { inputs });
    expect(await seen(answer)).toStrictEqual({
      status: 200,
      type: "application/json",
      body: { model_name: "m", outputs: [{ name: "o", shape: [2], datatype: "UINT8", data: [7, 8] }] },
    });
  });

  test("is told that its wait was too long, or that somebody cancelled it", async () => {
    const { key } = await newTenant();
    const resting = async () => {
      const model = await newModel();
      await newBackend(model, { protocol: "http" });
      await restBackends(model);
      return model;
    };
    const waitingOn = async (model: string) => {
      const answer = as(key, "POST", `${modelOf(model)}/predict`, {});
      const id = await until(
        async () => env.DB.prepare("SELECT id FROM inferences WHERE model = ?").bind(model).first<string>("id"),
        (found) => found !== null,
      );
      return { answer, id: id ?? "" };
    };
    const late = await waitingOn(await resting());
    await expire(late.id);
    expect(await seen(late.answer)).toStrictEqual(
      refusal(504, "timeout", expect.stringMatching(/queue/), "timeout: max_time_in_queue_seconds"),
    );
    const canceled = await waitingOn(await resting());
    await as(key, "DELETE", `/async_request/${canceled.id}`);
    expect(await seen(canceled.answer)).toStrictEqual(refusal(499, "client_error", "The request was canceled."));
  });

  test("is cancelled when its client goes away, and the model is let go", async () => {
    const { key } = await newTenant();
    const client = new AbortController();
    const [called, stop] = [held<true>(), held<true>()];
    const model = await servedBy((request) => {
      request.signal.addEventListener("abort", () => stop.release(true));
      called.release(true);
      return hang(request);
    });
    const headers = { Authorization: `Api-Key ${key}`, "Content-Type": "application/json" };
    const request = new Request(`${hostOf(model)}/predict`, { method: "POST", headers, body: "{}", signal: client.signal });
    const answer = handle(request, env, createExecutionContext());
    await called.promise;
    client.abort();
    expect((await answer).status).toBe(499);
    expect(await stop.promise).toBe(true);
    const status = await until(
      () => env.DB.prepare("SELECT status FROM inferences WHERE model = ?").bind(model).first("status"),
      (now) => now === "canceled",
    );
    expect(status).toBe("canceled");
  });

  test("may send as much JSON as may be parsed, not the 256 KiB of a request, and not more", async () => {
    const { key } = await newTenant();
    const model = await servedBy(async (request) => Response.json((await request.text()).length));
    const ofLength = (bytes: number) => `"${"x".repeat(bytes - 2)}"`;
    const large = await as(key, "POST", `${modelOf(model)}/predict`, ofLength(ASYNC_BODY_BYTES * 4));
    expect([large.status, await large.json()]).toEqual([200, ASYNC_BODY_BYTES * 4]);
    const refused = as(key, "POST", `${modelOf(model)}/predict`, ofLength(JSON_BODY_BYTES + 1));
    expect(await seen(refused)).toStrictEqual(refusal(413, "payload_too_large"));
  });

  test("gives the first output again for the same Idempotency-Key", async () => {
    const { key } = await newTenant();
    let calls = 0;
    const model = await servedBy(() => Response.json(++calls));
    const again = () => as(key, "POST", `${modelOf(model)}/predict`, {}, { "Idempotency-Key": "p" });
    const [first, second] = [await again(), await again()];
    expect([await first.json(), await second.json()]).toEqual([1, 1]);
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect(second.headers.get("x-baseten-request-id")).toBe(first.headers.get("x-baseten-request-id"));
  });
});

describe("a chain", () => {
  test("is asked by run_remote on its host, and is shown as a chain", async () => {
    const { key } = await newTenant();
    const received: unknown[] = [];
    const chain = await servedBy(async (request) => {
      received.push(await request.json());
      return Response.json({ length: 5 });
    });
    const host = hostOf(chain, "chain");
    const waited = await send(key, "POST", `${host}/production/run_remote`, { text: "hello" });
    expect([waited.status, await waited.json()]).toEqual([200, { length: 5 }]);
    const accepted = await send(key, "POST", `${host}/environments/production/async_run_remote`, { text: "hello" });
    expect(accepted.status).toBe(201);
    const id = String((await object(accepted))["request_id"]);
    await ended(key, id);
    expect(await object(send(key, "GET", `${host}/async_request/${id}`))).toStrictEqual({
      request_id: id,
      chain_id: chain,
      deployment_id: chain,
      status: "SUCCEEDED",
      webhook_status: "NO_WEBHOOK_PROVIDED",
      created_at: expect.stringMatching(TIME),
      status_at: expect.stringMatching(TIME),
      errors: [],
    });
    expect(received).toEqual([{ text: "hello" }, { text: "hello" }]);
  });

  test("takes the envelope of async_predict too, with its rules", async () => {
    const { key } = await newTenant();
    const path = `${modelOf(await newModel())}/async_run_remote`;
    const id = await submitTo(key, path, { model_input: { a: 1 }, priority: 2 });
    expect(await rowOf(id)).toMatchObject({ input: '{"a":1}', priority: 2, capability: "run_remote" });
    const refused = as(key, "POST", path, { model_input: { a: 1 }, priority: 3 });
    expect(await seen(refused)).toStrictEqual(refusal(400, "client_error", expect.stringContaining("priority"), "#/priority"));
    const bare = await as(key, "POST", path, { priority: 3 });
    expect(await rowOf(String((await object(bare))["request_id"]))).toMatchObject({ input: '{"priority":3}', priority: 0 });
  });

  test("is not there where a model offers other things only", async () => {
    const { key } = await newTenant();
    const model = await newModel({ capabilities: ["text-to-image"] });
    expect(await seen(as(key, "POST", `${modelOf(model)}/run_remote`, {}))).toStrictEqual(refusal(404, "model_does_not_exist"));
    expect((await as(key, "POST", `${modelOf(model)}/async_predict`, { model_input: 1 })).status).toBe(201);
  });
});

describe("a key's default limits", () => {
  /** Calls of one class sent at once by a fresh key, in no time, however slow the machine is: those that were refused. */
  async function flood(count: number, perSecond: number, request: (key: string) => Promise<Response>) {
    const { key } = await newTenant({ limits: {} });
    const now = vi.spyOn(Date, "now").mockReturnValue(Date.now());
    try {
      const answers = await Promise.all(Array.from({ length: count }, () => request(key)));
      const refused = answers.filter(({ status }) => status === 429);
      expect(count - refused.length).toBe(perSecond);
      return refused;
    } finally {
      now.mockRestore();
    }
  }

  const id = crypto.randomUUID();

  test.each<[string, number, number, (key: string) => Promise<Response>, string]>([
    ["20 status checks", 60, 20, (key) => as(key, "GET", `/async_request/${id}`), '"read";q=20;w=1'],
    [
      "20 looks at a queue, which are as good as status checks",
      60,
      20,
      (key) => as(key, "GET", "/baseten/m/async_queue_status"),
      '"read";q=20;w=1',
    ],
    ["20 cancels", 60, 20, (key) => as(key, "DELETE", `/async_request/${id}`), '"cancel";q=20;w=1'],
    // Refused by what they are, so that as many as this can be sent within a moment.
    [
      "200 submits",
      600,
      200,
      (key) => as(key, "POST", "/baseten/m/async_predict", "", { "Content-Type": "text/plain" }),
      '"submit";q=200;w=1',
    ],
  ])("are %s a second", async (_name, count, perSecond, request, policy) => {
    const refused = await flood(count, perSecond, request);
    // Each has a turn of its own; requests that can't wake each other are not refused in their order.
    const [first] = refused.toSorted((a, b) => Number(a.headers.get("retry-after")) - Number(b.headers.get("retry-after")));
    if (!first) throw new Error("nothing was refused");
    expect(first.headers.get("retry-after")).toBe("1");
    expect(first.headers.get("ratelimit-policy")).toBe(policy);
    expect(await seen(first)).toStrictEqual(
      refusal(429, "rate_limited", expect.stringMatching(`This key may make ${perSecond} "(?:submit|read|cancel)" requests? a second`)),
    );
  });
});

describe("who may call the Baseten API", () => {
  const id = crypto.randomUUID();
  const ROUTES: [method: string, path: string, scope: string][] = [
    ...["", "/production", "/development", "/environments/e", "/deployment/d"].flatMap((prefix): [string, string, string][] => [
      ["POST", `/baseten/m${prefix}/async_predict`, "submit"],
      ["POST", `/baseten/m${prefix}/async_run_remote`, "submit"],
      ["POST", `/baseten/m${prefix}/predict`, "submit"],
      ["POST", `/baseten/m${prefix}/run_remote`, "submit"],
      ["POST", `/baseten/m${prefix}/wake`, "submit"],
      ["GET", `/baseten/m${prefix}/async_queue_status`, "read"],
    ]),
    ["GET", `/async_request/${id}`, "read"],
    ["DELETE", `/async_request/${id}`, "cancel"],
    ["GET", `/baseten/m/async_request/${id}`, "read"],
    ["DELETE", `/baseten/m/async_request/${id}`, "cancel"],
  ];
  const request = (key: string | null, method: string, path: string) =>
    call(path, {
      method,
      headers: { "Content-Type": "application/json", ...(key === null ? {} : { Authorization: `Api-Key ${key}` }) },
      ...(method === "POST" ? { body: JSON.stringify({ model_input: {} }) } : {}),
    });

  test.each(ROUTES)("%s %s: by key, scope and limit", async (method, path, scope) => {
    const { key, keyId, accountId } = await newTenant();
    const expired = await newTenant({ expires_at: "2020-01-01T00:00:00Z" });
    expect((await request(key, method, path)).status).toBe(404);
    await operator("DELETE", `/keys/${keyId}`);
    for (const bad of [null, "", "abcd1234.abcd1234", await unknownKey(accountId), key, expired.key]) {
      const answer = await request(bad, method, path);
      expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer realm="/);
      expect(await seen(answer)).toStrictEqual(refusal(401, "unauthorized"));
    }
    const without = await newTenant({ scopes: ["submit", "read", "cancel"].filter((other) => other !== scope) });
    expect(await seen(request(without.key, method, path))).toStrictEqual(
      refusal(403, "unauthorized", `This call needs a key with the scope "${scope}".`),
    );
    const slow = await newTenant({ limits: { read: 1, submit: 1, cancel: 1 } });
    const now = vi.spyOn(Date, "now").mockReturnValue(Date.now());
    expect((await request(slow.key, method, path)).status).toBe(404);
    const limited = await request(slow.key, method, path);
    now.mockRestore();
    expect(limited.headers.get("retry-after")).toBe("1");
    expect(await seen(limited)).toStrictEqual(refusal(429, "rate_limited"));
  });

  test.each(["GET", "DELETE"])("%s finds nothing of an id that is not the caller's, whoever's it is", async (method) => {
    const { key } = await newTenant();
    const other = await newTenant();
    const theirs = await submit(other.key, await newModel());
    const strange = crypto.randomUUID();
    for (const unknown of [strange, theirs, "nope", strange.replaceAll("-", ""), `${strange}0`]) {
      for (const path of [`/async_request/${unknown}`, `/baseten/m/async_request/${unknown}`]) {
        const answer = as(key, method, path);
        expect(await seen(answer)).toStrictEqual(refusal(404, "client_error", `There is no async request "${unknown}".`));
      }
    }
    expect(await requestOf(other.key, theirs)).toMatchObject({ status: "QUEUED" });
  });

  test.each([
    ["GET", "/baseten/m/async_predict", "POST"],
    ["PUT", "/baseten/m/production/predict", "POST"],
    ["GET", "/baseten/m/environments/e/wake", "POST"],
    ["POST", "/baseten/m/deployment/d/async_queue_status", "GET, HEAD"],
    ["POST", `/async_request/${id}`, "GET, HEAD, DELETE"],
    ["PATCH", `/baseten/m/async_request/${id}`, "GET, HEAD, DELETE"],
  ])("does not know %s %s and says what it knows, by path and by host", async (method, path, allow) => {
    const { key } = await newTenant();
    const answers = [as(key, method, path)];
    if (path.startsWith("/baseten/m/")) answers.push(send(key, method, hostOf("m") + path.slice("/baseten/m".length)));
    for (const answer of answers) {
      expect((await answer).headers.get("allow")).toBe(allow);
      expect(await seen(answer)).toStrictEqual(refusal(405, "client_error", `This path takes ${allow}.`));
    }
  });

  test.each([
    "/baseten",
    "/baseten/",
    "/baseten/m",
    "/baseten/m/environments/predict",
    "/baseten/m/production/async_request/x",
    "/async_request",
  ])("has nothing at %s", async (path) => {
    const { key } = await newTenant();
    expect(await seen(as(key, "POST", path, {}))).toStrictEqual(refusal(404, "client_error"));
  });

  test("has nothing at another path of a model's host either", async () => {
    const { key } = await newTenant();
    for (const path of ["/nothing", "/production", "/production/nothing"]) {
      expect(await seen(send(key, "GET", hostOf("m") + path))).toStrictEqual(refusal(404, "client_error"));
    }
  });

  const BODIES = ["async_predict", "async_run_remote", "predict", "run_remote"];

  test.each(BODIES)("takes nothing but JSON that can be read for %s", async (what) => {
    const { key } = await newTenant();
    const path = `${modelOf(await newModel())}/${what}`;
    for (const type of ["text/plain", "multipart/form-data; boundary=x", "application/octet-stream", "application/x-www-form-urlencoded"]) {
      const answer = as(key, "POST", path, "{}", { "Content-Type": type });
      expect(await seen(answer)).toStrictEqual(refusal(415, "client_error"));
    }
    for (const body of [
      "",
      " \n",
      "{",
      '{"model_input":}',
      "x",
      '{"model_input":1e999}',
      "[".repeat(200_000),
      `${"[".repeat(65)}${"]".repeat(65)}`,
    ]) {
      expect(await seen(as(key, "POST", path, body))).toStrictEqual(refusal(400, "client_error"));
    }
    for (const bytes of [[0xff, 0xfe, 0x7b, 0x00], [0x22, 0xc3, 0x22], [0x80]]) {
      const headers = { Authorization: `Api-Key ${key}`, "Content-Type": "application/json" };
      const answer = call(path, { method: "POST", headers, body: Uint8Array.from(bytes) });
      expect(await seen(answer)).toStrictEqual(refusal(400, "client_error", "The body is not UTF-8."));
    }
  });

  test("says in its own shape that a part of the platform is away, and that something of ours is broken", async () => {
    const { key } = await newTenant();
    const broken = (message: string) => stillEnv({ DB: faultyDatabase(() => Promise.reject(new Error(message))) });
    const model = await newModel();
    const calls: [string, string, unknown?][] = [
      ["POST", `${modelOf(model)}/async_predict`, { model_input: 1 }],
      ["POST", `${modelOf(model)}/predict`, {}],
      ["POST", `${modelOf(model)}/wake`],
      ["GET", `${modelOf(model)}/async_queue_status`],
      ["GET", `/async_request/${id}`],
      ["DELETE", `/async_request/${id}`],
    ];
    for (const [method, path, body] of calls) {
      const away = await stillAs(key, method, path, body, {}, broken("the network is down"));
      expect(away.headers.get("retry-after")).toMatch(/^[1-9]/);
      expect(await seen(away)).toStrictEqual(refusal(503, "internal_baseten_error"));
      const ours = await stillAs(key, method, path, body, {}, broken("no such column: SQLITE_ERROR"));
      expect(await seen(ours)).toStrictEqual(refusal(500, "internal_baseten_error", expect.not.stringContaining("SQLITE")));
    }
  });

  test.each(BODIES)("never breaks over a body of %s: it is taken, or refused in the published shape", async (what) => {
    const { key } = await newTenant();
    const model = await servedBy(() => Response.json("fine"));
    const path = `${modelOf(model)}/${what}`;
    const member = fc.oneof(
      fc.constantFrom("model_input", "webhook_endpoint", "priority", "max_time_in_queue_seconds", "inference_retry_config"),
      fc.constantFrom("max_attempts", "initial_delay_ms", "max_delay_ms", "__proto__", "constructor", "toString", ""),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(
          "0",
          "3",
          "-1",
          "600",
          "1e308",
          "-0",
          "9007199254740993",
          "1e999",
          `1${"0".repeat(400)}`,
          "0.1",
          "null",
          "true",
          "{}",
        ),
        fc.constantFrom('"https://example.com"', '"http://localhost"', '"https://["', '"\\ud800"', '"\\u0000"', '""'),
        fc.json(),
        fc.array(tie("value"), { maxLength: 3 }).map((items) => `[${items.join(",")}]`),
        fc
          .array(fc.tuple(member, tie("value")), { maxLength: 5 })
          .map((members) => `{${members.map(([name, each]) => `${JSON.stringify(name)}:${String(each)}`).join(",")}}`),
      ),
    }));
    const body = fc.oneof(
      { weight: 6, arbitrary: value.map(String) },
      { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) },
      {
        weight: 1,
        arbitrary: fc.integer({ min: 1, max: 2_000 }).map((depth) => `{"model_input":${"[".repeat(depth)}${"]".repeat(depth)}}`),
      },
    );
    const accepted = what.startsWith("async") ? 201 : 200;
    await fc.assert(
      fc.asyncProperty(body, async (each) => {
        const headers = { Authorization: `Api-Key ${key}`, "Content-Type": "application/json" };
        const answer = await call(path, { method: "POST", headers, body: each });
        if (answer.status === accepted) {
          await answer.body?.cancel();
          return;
        }
        expect([400, 413]).toContain(answer.status);
        expect(await object(answer)).toMatchObject({
          error: expect.stringMatching(/\S/),
          error_code: expect.stringMatching(/^client_error$|^payload_too_large$/),
        });
      }),
      { numRuns: 150 },
    );
    await as(key, "POST", "/v1/inferences/cancel", { model }); // else the tests that follow wait for those that it has left
  });

  test("blames no backend for what its clients send", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const backend = await newBackend(model, { protocol: "http" });
    backendIs(() => Response.json({ error: "no" }, { status: 422 }));
    await as(key, "POST", `${modelOf(model)}/predict`, {});
    expect(await backendRow(backend)).toMatchObject({ failures: 0 });
  });
});

describe("a path of the model's server after sync/", () => {
  /** A server that answers with what it was asked. */
  const told: ScriptedBackend = async (request) => {
    const body: Record<string, unknown> = request.method === "POST" ? await request.json() : {};
    const asked = { path: new URL(request.url).pathname, model: body["model"] ?? null };
    const items = { choices: [{ index: 0, message: { content: "Hi" }, finish_reason: "stop" }], data: [{ index: 0, embedding: [0.5] }] };
    return Response.json({ ...asked, ...items, model: body["model"] ?? "none", asked });
  };
  const RESTS: [string, Record<string, unknown>][] = [
    ["v1/chat/completions", { model: "other", messages: [{ role: "user", content: "Hi" }] }],
    ["v1/completions", { model: "other", prompt: "Hi" }],
    ["v1/embeddings", { model: "other", input: ["a"] }],
    ["rerank", { query: "q", texts: ["a", "b"] }],
    ["predict", { inputs: [["a"]] }],
  ];

  test.each(["", "/production", "/environments/production", "/environments/v1", "/deployment/v1", "/development"])(
    "is asked under the prefix %s, by path and by host, for the model that is named there",
    async (prefix) => {
      const { key } = await newTenant();
      const model = await newModel({ versions: ["v1", "development"], default_version: "v1" });
      for (const version of ["v1", "development"]) await newBackend(model, { protocol: "openai", remote_model: "org/bert", version });
      backendIs(told);
      for (const [rest, body] of RESTS)
        for (const base of [`${ORIGIN}/baseten/${model}`, hostOf(model)]) {
          const answer = await send(key, "POST", `${base}${prefix}/sync/${rest}`, body);
          expect(answer.headers.get("x-baseten-request-id")).toMatch(UUID);
          const asked = { path: `/${rest}`, model: "model" in body ? "org/bert" : null };
          expect(await seen(answer)).toMatchObject({ status: 200, body: { asked, model } });
        }
    },
  );

  test.each([
    ["https://gpu.test", ""],
    ["https://gpu.test/predict", ""],
    ["https://gpu.test/v1/chat/completions", ""],
    ["https://gpu.test/one/predict", "/one"],
    ["https://gpu.test/one/v1/models/m:predict", "/one"],
  ])("of a server of plain HTTP at %s begins at its %s/", async (url, root) => {
    const { key } = await newTenant();
    const model = await servedBy(told, { protocol: "http", url });
    for (const [rest, body] of RESTS) {
      const { body: answer } = await seen(send(key, "POST", `${ORIGIN}/baseten/${model}/sync/${rest}`, body));
      expect(answer).toMatchObject({ asked: { path: `${root}/${rest}`, model: body["model"] ?? null } });
    }
  });

  test.each(["http", "openai"])("is asked for the model in the path where `model` is the endpoint's address: %s", async (protocol) => {
    const { key } = await newTenant();
    const model = await servedBy(told, { protocol, url: "https://gpu.test/predict", remote_model: "org/bert" });
    const endpoint = `${ORIGIN}/baseten/${model}/sync`;
    // As Hugging Face's client sends it that knows its endpoint alone.
    const body = { messages: [{ role: "user", content: "https://x" }], model: endpoint };
    const answer = await seen(send(key, "POST", `${endpoint}/v1/chat/completions`, body));
    expect(answer).toMatchObject({ status: 200, body: { asked: { model: "org/bert" } } });
  });

  test("streams a completion that asks for it", async () => {
    const { key } = await newTenant();
    const chunk = (delta: unknown, finish_reason: string | null) =>
      `data: ${JSON.stringify({ id: "c", model: "x", choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
    const events = `${chunk({ role: "assistant", content: "Hi" }, null)}${chunk({}, "stop")}data: [DONE]\n\n`;
    const model = await servedBy(async () => new Response(events, { headers: { "Content-Type": "text/event-stream" } }), {
      protocol: "openai",
      remote_model: "x",
    });
    const body = { messages: [{ role: "user", content: "Hi" }], stream: true };
    const answer = await send(key, "POST", `${hostOf(model)}/production/sync/v1/chat/completions`, body);
    expect(answer.headers.get("content-type")).toBe("text/event-stream");
    expect((await answer.text()).replaceAll(/^:\n/gm, "")).toBe(events.replaceAll('"model":"x"', `"model":"${model}"`));
  });

  test.each([
    ["?detach=1", {}],
    ["", { Prefer: "respond-async" }],
  ])("streams%s so that it can be read again, and goes on if its client leaves", async (query, headers: Record<string, string>) => {
    const { key } = await newTenant();
    const chunk = (delta: unknown, finish_reason: string | null) =>
      `data: ${JSON.stringify({ id: "c", choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
    const events = `${chunk({ role: "assistant", content: "Hi" }, null)}${chunk({}, "stop")}data: [DONE]\n\n`;
    const stream = { headers: { "Content-Type": "text/event-stream" } };
    const model = await servedBy(async () => new Response(events, stream), { protocol: "openai" });
    const body = { messages: [{ role: "user", content: "Hi" }], stream: true };
    const endpoint = `${hostOf(model)}/production/sync/v1/chat/completions${query}`;
    const left = await send(key, "POST", endpoint, body, headers);
    await left.body?.cancel();
    const id = left.headers.get("x-baseten-request-id") ?? "";
    expect(left.headers.get("content-location")).toMatch(new RegExp(`/v1/inferences/${id}/stream$`));
    expect(await ended(key, id)).toMatchObject({ status: "succeeded", output: { choices: [{ message: { content: "Hi" } }] } });
    const again = await (await send(key, "GET", `${ORIGIN}/v1/inferences/${id}/stream`)).text();
    expect(again.replaceAll(/^(?:id|retry): .*\n+/gm, "")).toBe(events);
  });

  test("is taken only where the model offers it, and where its server can have it", async () => {
    const { key } = await newTenant();
    const model = await newModel({ capabilities: ["rerank", "embeddings"] });
    await newBackend(model, { protocol: "openai" });
    backendIs(told);
    const statusAt = async (of: string, rest: string, body: unknown) =>
      (await send(key, "POST", `${ORIGIN}/baseten/${of}/sync/${rest}`, body)).status;
    expect(await statusAt(model, "rerank", {})).toBe(200);
    expect(await statusAt(model, "v1/embeddings", { input: "a" })).toBe(200);
    expect(await statusAt(model, "v1/chat/completions", { messages: [] })).toBe(404);
    expect(await statusAt(model, "reload", {})).toBe(404);
    expect([await statusAt(model, "rerank//", {}), await statusAt(model, `rerank${"/".repeat(10_000)}`, {})]).toEqual([200, 404]);
    for (const rest of ["..%2Fadmin", "%2e%2e%2fadmin", "a/..%2f..%2fadmin", "a%3Fb", "a//b", ".env"])
      expect(await statusAt(model, rest, {})).toBe(404);
    const silent = await servedBy(told, { protocol: "openai" });
    expect([await statusAt(silent, "rerank", {}), await statusAt(silent, "v1/load_lora_adapter", {})]).toEqual([200, 404]);
    const tensors = await servedBy(told, { protocol: "oip" });
    const refused = await seen(send(key, "POST", `${ORIGIN}/baseten/${tensors}/sync/rerank`, {}));
    expect(refused).toMatchObject({ status: 422, body: { detail: "input: path_not_served" } });
  });
});

/** fal's dialect as its published pages and its clients have it: what goes well, what is refused, what nobody may see. */
import { type JsonWebKey, createPublicKey, verify } from "node:crypto";
import { exports } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { JSON_BODY_BYTES } from "../../src/limits.ts";
import { ended, expire, rowOf } from "./support/inferences.ts";
import { held } from "./support/clock.ts";
import { faultyDatabase, stillAs, stillEnv } from "./support/ports.ts";
import { type ScriptedBackend, backendIs, publicNames } from "./support/outside.ts";
import { BAD_KEYS, newBackend, newTenant, restBackends } from "./support/tenants.ts";
import { ORIGIN, as, call, object, operator, seen, until } from "./support/requests.ts";

// What backs off waits for ticks of the sweep, and a busy machine is slow.
vi.setConfig({ testTimeout: 30_000 });

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NO_RETRY = { "X-Fal-No-Retry": "1" };

let apps = 0;

/** A model with an owner, as fal's are named, whose server answers by the script; none answers without one. */
async function newApp(script?: ScriptedBackend, more: Record<string, unknown> = {}): Promise<string> {
  const app = `acme/painter-${++apps}-${crypto.randomUUID().slice(0, 8)}`;
  await operator("POST", "/models", { name: app, ...more });
  if (script) {
    await newBackend(app, { protocol: "http", max_concurrency: 100, url: "https://painter.gpu.test/" });
    backendIs(script);
  }
  return app;
}

/** A call as the vendor's clients make it: with `Key`, and a content type without a body. */
const fal = (key: string, method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  as(key, method, `/fal${path}`, body, { Authorization: `Key ${key}`, ...headers });

const queue = (app: string, id: string, end = "") => `/queue/${app}/requests/${id}${end}`;

async function submit(
  key: string,
  app: string,
  input: unknown = { prompt: "a kite" },
  headers: Record<string, string> = {},
): Promise<string> {
  const answer = await fal(key, "POST", `/queue/${app}`, JSON.stringify(input), headers);
  expect(answer.status).toBe(200);
  return String((await object(answer))["request_id"]);
}

const statusOf = (key: string, app: string, id: string, query = "") => fal(key, "GET", `${queue(app, id, "/status")}${query}`);

/** An error as `seen` shows it. */
const refusal = (status: number, message: unknown, more: Record<string, unknown> = {}, detail: unknown = message) => ({
  status,
  type: "application/json",
  body: { detail, message, ...more },
});
const listed = (loc: unknown[], msg: unknown) => [{ loc, msg, type: "value_error" }];

describe("a request in the queue", () => {
  test("goes from its submit to its output, with the published members", async () => {
    const { key } = await newTenant();
    const gate = held<unknown>();
    const got: unknown[] = [];
    const app = await newApp(async (request) => {
      got.push(await request.json());
      return Response.json(await gate.promise);
    });
    const answer = await fal(key, "POST", `/queue/${app}/`, { prompt: "a kite" });
    expect(answer.headers.get("x-fal-request-id")).toMatch(UUID);
    const accepted = (await seen(answer)) as { status: number; body: Record<string, string> };
    const id = accepted.body["request_id"] ?? "";
    const self = `${ORIGIN}/fal/queue/${app}/requests/${id}`;
    const urls = { request_id: id, response_url: self, status_url: `${self}/status`, cancel_url: `${self}/cancel` };
    expect(accepted).toStrictEqual({ status: 200, type: "application/json", body: { status: "IN_QUEUE", ...urls, queue_position: 0 } });

    const running = await until(
      () => seen(statusOf(key, app, id, "?logs=1")),
      ({ body }) => (body as Record<string, unknown>)["status"] === "IN_PROGRESS",
    );
    expect(running).toStrictEqual({ status: 202, type: "application/json", body: { status: "IN_PROGRESS", ...urls, logs: [] } });
    const early = await fal(key, "GET", queue(app, id));
    expect(early.headers.get("x-fal-request-id")).toBe(id);
    expect(await seen(early)).toStrictEqual(refusal(400, "Request is still in progress"));

    gate.release({ images: [{ url: "https://cdn.test/1.png" }] });
    await ended(key, id);
    const done = await statusOf(key, app, id);
    expect(done.headers.get("cache-control")).toContain("immutable");
    expect(await seen(done)).toStrictEqual({
      status: 200,
      type: "application/json",
      body: { status: "COMPLETED", ...urls, logs: null, metrics: { inference_time: expect.any(Number) } },
    });
    for (const end of ["", "/response"]) {
      const result = await fal(key, "GET", queue(app, id, end));
      expect(result.headers.get("x-fal-request-id")).toBe(id);
      expect(await seen(result)).toStrictEqual({
        status: 200,
        type: "application/json",
        body: { images: [{ url: "https://cdn.test/1.png" }] },
      });
    }
    expect(got).toEqual([{ prompt: "a kite" }]);
  });

  test("may have any JSON as its input, or none, or a query", async () => {
    const { key } = await newTenant();
    const app = await newApp();
    for (const input of [[1, [2]], "x", null, 5, { id: 9007199254740991 }]) {
      expect((await rowOf(await submit(key, app, input)))["input"]).toBe(JSON.stringify(input));
    }
    const bare = String((await object(fal(key, "POST", `/queue/${app}`)))["request_id"]);
    expect(await rowOf(bare)).toMatchObject({ input: "{}", dialect: "fal" });
    const asked = String((await object(fal(key, "GET", `/queue/${app}?prompt=a%20kite&size=2&fal_max_queue_length=9`)))["request_id"]);
    expect((await rowOf(asked))["input"]).toBe('{"prompt":"a kite","size":"2"}');
    const head = await fal(key, "HEAD", `/queue/${app}?prompt=x`);
    expect([head.status, head.headers.get("allow")]).toEqual([405, "GET, POST"]);
  });

  test.each<[string, Record<string, string>, Record<string, unknown>]>([
    ["nothing", {}, { priority: 0, max_time_in_queue_seconds: 600, max_attempts: 3, retention_seconds: null, metadata: "{}" }],
    ["a priority", { "x-fal-queue-priority": "low" }, { priority: 2 }],
    ["a time to start", { "x-fal-request-timeout": "30.5" }, { max_time_in_queue_seconds: 31 }],
    ["a short time to start", { "x-fal-request-timeout": "1.5" }, { max_time_in_queue_seconds: 2 }],
    ["a time to start that is beyond ours", { "x-fal-request-timeout": "9999999" }, { max_time_in_queue_seconds: 259_200 }],
    ["no retry", NO_RETRY, { max_attempts: 1 }],
    ["retries", { "x-fal-retry-config": '{"server_error":{"retries":1},"timeout":{"retries":4}}' }, { max_attempts: 5 }],
    ["more retries than we make", { "x-fal-retry-config": '{"server_error":{"retries":99}}' }, { max_attempts: 10 }],
    [
      "a lifetime",
      { "x-fal-object-lifecycle-preference": '{"expiration_duration_seconds":3600,"initial_acl":{}}' },
      { retention_seconds: 3600 },
    ],
    ["nothing to be stored", { "x-fal-store-io": "0" }, { retention_seconds: 60 }],
    ["tags", { "x-fal-tags": "order=4711, team=a=b" }, { metadata: '{"order":"4711","team":"a=b"}' }],
    ["hints of where to run it", { "x-fal-runner-hint": "warm", "x-app-fal-disable-fallback": "1" }, { priority: 0 }],
  ])("is run as its headers say: %s", async (_name, headers, expected) => {
    const { key } = await newTenant();
    expect(await rowOf(await submit(key, await newApp(), {}, headers))).toMatchObject(expected);
  });

  test.each<[string, string, string]>([
    ["x-fal-queue-priority", "high", 'must be "normal" or "low", and is "high"'],
    ["x-fal-request-timeout", "soon", 'must be a number of seconds above 0, and is "soon"'],
    ["x-fal-request-timeout", "0", 'must be a number of seconds above 0, and is "0"'],
    ["x-fal-request-timeout", "-3", 'must be a number of seconds above 0, and is "-3"'],
    ["x-fal-retry-config", "{", "must be JSON"],
    ["x-fal-object-lifecycle-preference", "never", "must be JSON"],
    ["x-fal-tags", "order", 'must be pairs as in "name=value", and has "order"'],
  ])("with %s: %s is 422 and says where", async (header, value, msg) => {
    const { key } = await newTenant();
    const answer = fal(key, "POST", `/queue/${await newApp()}`, {}, { [header]: value });
    expect(await seen(answer)).toStrictEqual(refusal(422, `"${header}" ${msg}`, {}, listed(["header", header], msg)));
  });

  test.each<[string, string, unknown[], string]>([
    ["a retry that is no number", '{"timeout":{"retries":"2"}}', ["header", "x-fal-retry-config", "timeout", "retries"], "must be"],
    ["retries in a list", "[1]", ["header", "x-fal-retry-config"], "must be an object"],
  ])("with %s is 422 and says where", async (_name, value, loc, msg) => {
    const { key } = await newTenant();
    const answer = await fal(key, "POST", `/queue/${await newApp()}`, {}, { "x-fal-retry-config": value });
    expect([answer.status, await object(answer)]).toMatchObject([422, { detail: [{ loc, msg: expect.stringContaining(msg) }] }]);
  });

  test("is refused where the queue is longer than it says", async () => {
    const { key } = await newTenant();
    const app = await newApp();
    await submit(key, app);
    expect((await fal(key, "POST", `/queue/${app}?fal_max_queue_length=1`, {})).status).toBe(200);
    const refused = await fal(key, "POST", `/queue/${app}?fal_max_queue_length=1`, {});
    expect(refused.headers.get("retry-after")).toBe("1");
    const message = "2 requests wait for the model, and fal_max_queue_length is 1.";
    expect(await seen(refused)).toStrictEqual(refusal(429, message, { error_type: "concurrent_requests_limit" }));
    const wrong = fal(key, "POST", `/queue/${app}?fal_max_queue_length=few`, {});
    expect(await seen(wrong)).toMatchObject({ status: 422, body: { detail: [{ loc: ["query", "fal_max_queue_length"] }] } });
  });

  test("is accepted once for one Idempotency-Key", async () => {
    const { key } = await newTenant();
    const app = await newApp();
    const again = (input: unknown) => fal(key, "POST", `/queue/${app}`, input, { "Idempotency-Key": "order-7" });
    const [first, second] = [await again(1), await again(1)];
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect(await object(second)).toStrictEqual(await object(first));
    expect(await seen(again(2))).toMatchObject({ status: 422, body: { detail: expect.stringContaining("order-7") } });
  });

  test("need not be sent again while its client knows it, and a poll may wait", async () => {
    const { key } = await newTenant();
    const app = await newApp(() => Response.json({ x: 1 }));
    const id = await submit(key, app);
    const waited = await fal(key, "GET", queue(app, id, "/status"), undefined, { Prefer: "wait=10" });
    expect([waited.status, waited.headers.get("preference-applied")]).toEqual([200, "wait=10"]);
    for (const end of ["", "/status"]) {
      const etag = (await fal(key, "GET", queue(app, id, end))).headers.get("etag") ?? "";
      expect((await fal(key, "GET", queue(app, id, end), undefined, { "If-None-Match": etag })).status).toBe(304);
    }
  });
});

describe("an endpoint", () => {
  test("is the model of the whole id, or of the app with what it lists among its capabilities; a status asks for the id alone", async () => {
    const { key } = await newTenant();
    const paths: string[] = [];
    const app = await newApp((request) => (paths.push(new URL(request.url).pathname), Response.json({})), {
      capabilities: ["fast", "fast/est"],
    });
    await operator("POST", "/models", { name: `${app}/whole/id` });
    for (const [sub, model, capability] of [
      ["", app, ""],
      ["/fast", app, "/fast"],
      ["/fast/est", app, "/fast/est"],
      ["/whole/id", `${app}/whole/id`, ""],
    ] as const) {
      const answer = await object(fal(key, "POST", `/queue/${app}${sub}`, {}));
      const id = String(answer["request_id"]);
      expect(await rowOf(id)).toMatchObject({ model, capability });
      expect(answer["status_url"]).toBe(`${ORIGIN}/fal/queue/${app}/requests/${id}/status`);
      if (model === app) await ended(key, id);
      for (const other of [app, "any/thing", "workflows/acme/flow"]) expect((await statusOf(key, other, id.toUpperCase())).ok).toBe(true);
    }
    expect(paths).toEqual(["/", "/fast", "/fast/est"]);
    for (const sub of ["/other", "/fast/er", "/../admin"]) {
      const refused = fal(key, "POST", `/queue/${app}${sub}`, {});
      expect(await seen(refused)).toMatchObject({ status: 404, body: { detail: expect.stringContaining("There is no model") } });
    }
  });

  test("in a namespace keeps three parts", async () => {
    const { key } = await newTenant();
    const name = `workflows/acme/flow-${crypto.randomUUID()}`;
    await operator("POST", "/models", { name, capabilities: ["big"] });
    const answer = await object(fal(key, "POST", `/queue/${name}/big`, {}));
    expect(answer["response_url"]).toBe(`${ORIGIN}/fal/queue/${name}/requests/${String(answer["request_id"])}`);
  });

  test("is reached by the hosts of fal under a domain of the deployment's, and by what the proxy is told", async () => {
    const { key } = await newTenant();
    const app = await newApp(() => Response.json({ x: 1 }));
    const send = (url: string, method = "GET", headers: Record<string, string> = {}) =>
      exports.default.fetch(
        new Request(url, {
          method,
          headers: { Authorization: `Key ${key}`, "Content-Type": "application/json", ...headers },
          ...(method === "POST" ? { body: "{}" } : {}),
        }),
      );
    for (const domain of ["example.com", "claimcheck.test"]) {
      const accepted = await object(send(`https://queue.fal.${domain}/${app}?prompt=x`, "POST"));
      const id = String(accepted["request_id"]);
      expect(accepted["status_url"]).toBe(`https://queue.fal.${domain}/fal/queue/${app}/requests/${id}/status`);
      await ended(key, id);
      for (const url of [accepted["response_url"], `https://queue.fal.${domain}/${app}/requests/${id}`]) {
        expect(await object(send(String(url)))).toEqual({ x: 1 });
      }
      expect(await object(send(`https://fal.${domain}/${app}`, "POST"))).toEqual({ x: 1 });
    }
    const proxied = (target: string, method?: string) => send(`${ORIGIN}/fal/proxy`, method, { "x-fal-target-url": target });
    const accepted = await object(proxied(`https://queue.fal.run/${app}`, "POST"));
    const [id, other] = [String(accepted["request_id"]), await submit(key, app)];
    expect(accepted["response_url"]).toBe(`${ORIGIN}/fal/queue/${app}/requests/${id}`);
    await Promise.all([ended(key, id), ended(key, other)]);
    // Answers that can't change are kept by their address: each of these is another.
    for (const each of [id, other, id]) {
      const status = await object(proxied(`https://queue.fal.run/${app}/requests/${each}/status?logs=0`));
      expect(status).toMatchObject({ status: "COMPLETED", request_id: each });
    }
    expect(await object(proxied(`https://fal.run/${app}`, "POST"))).toEqual({ x: 1 });
    expect(await object(proxied("https://rest.fal.ai/storage/upload/initiate", "POST"))).toHaveProperty("upload_url");
    for (const target of ["https://evil.example/x", "file:///fal.run/x", "no URL", "https://falx.run/a/b", "https://queue.fal.run/"]) {
      expect((await proxied(target, "POST")).status).toBe(404);
    }
  });
});

describe("the end of a request", () => {
  const error = (status: number, message: unknown, error_type: string | null, detail: unknown = message) =>
    refusal(status, message, error_type === null ? {} : { error_type }, detail);

  test.each<[string, () => Response, number, string | null]>([
    ["what it takes for wrong", () => Response.json({ error: "not a picture" }, { status: 400 }), 422, null],
    ["a failure of the model", () => new Response("", { status: 500 }), 500, "runner_server_error"],
    ["that it is busy", () => new Response("", { status: 429 }), 503, "runner_scheduling_failure"],
    ["that it took too long", () => new Response("", { status: 504 }), 504, "request_timeout"],
    ["a gateway's failure", () => new Response("", { status: 502 }), 503, "runner_connection_error"],
    ["what can't be read", () => new Response("{", { headers: { "Content-Type": "application/json" } }), 502, "runner_incomplete_response"],
    ["that its address is wrong", () => new Response("", { status: 404 }), 500, "internal_error"],
  ])("is COMPLETED with an error where its server answers %s, and waits tell the same", async (_name, answer, status, type) => {
    const { key } = await newTenant();
    const app = await newApp(answer);
    const id = await submit(key, app, {}, NO_RETRY);
    const { message } = (await ended(key, id))["error"] as { message: string };
    const shown = await statusOf(key, app, id, "?logs=1");
    const said = { status: "COMPLETED", error: message, ...(type === null ? {} : { error_type: type }) };
    expect([shown.status, await object(shown)]).toMatchObject([200, said]);
    const logs = ((await object(statusOf(key, app, id, "?logs=1"))) as { logs: { message: string; level: string }[] }).logs;
    expect(logs).toContainEqual(expect.objectContaining({ message, level: "ERROR", source: "USER" }));
    const expected = error(status, message, type, type === null ? listed(["body"], message) : message);
    const result = await fal(key, "GET", queue(app, id));
    expect([result.headers.get("x-fal-error-type"), result.headers.get("x-fal-request-id")]).toEqual([type, id]);
    expect(await seen(result)).toStrictEqual(expected);
    await restBackends(app, false);
    expect(await seen(fal(key, "POST", `/run/${app}`, {}, NO_RETRY))).toMatchObject({
      status,
      body: type === null ? {} : { error_type: type },
    });
  });

  test("is 504 as the client's own timeout where it did not begin in time", async () => {
    const { key } = await newTenant();
    const app = await newApp();
    const id = await submit(key, app);
    await expire(id);
    expect(await object(statusOf(key, app, id))).toMatchObject({
      status: "COMPLETED",
      error_type: "request_timeout",
      metrics: { inference_time: null },
    });
    const result = await fal(key, "GET", queue(app, id));
    expect([result.status, result.headers.get("x-fal-request-timeout-type")]).toEqual([504, "user"]);
  });

  test("by a cancel is told once it is asked for; what has ended can't be canceled", async () => {
    const { key } = await newTenant();
    const app = await newApp();
    const id = await submit(key, app);
    for (const _time of [1, 2]) {
      const canceled = await fal(key, "PUT", queue(app, id, "/cancel"));
      expect(await seen(canceled)).toStrictEqual({ status: 202, type: "application/json", body: { status: "CANCELLATION_REQUESTED" } });
    }
    expect(await object(statusOf(key, app, id))).toMatchObject({ status: "COMPLETED", error_type: "client_cancelled" });
    expect(await seen(fal(key, "GET", queue(app, id)))).toStrictEqual(error(499, "The request was canceled.", "client_cancelled"));
    const done = await submit(key, await newApp(() => Response.json(1)));
    await ended(key, done);
    const refused = fal(key, "PUT", queue(app, done, "/cancel"));
    const message = "The request has ended already, so it can't be canceled.";
    expect(await seen(refused)).toStrictEqual(refusal(400, message, { status: "ALREADY_COMPLETED" }));
  });

  test("may be an output that is no JSON, of which its client gets a link that needs no key", async () => {
    const { key } = await newTenant();
    const app = await newApp(() => new Response("a picture", { headers: { "Content-Type": "image/png" } }));
    const id = await submit(key, app);
    await ended(key, id);
    for (const answer of [await fal(key, "GET", queue(app, id)), await fal(key, "POST", `/run/${app}`, {})]) {
      expect(answer.headers.get("cache-control")).toBe("private, no-store");
      const { file } = (await object(answer)) as { file: Record<string, unknown> };
      expect(file).toMatchObject({ content_type: "image/png", file_name: expect.stringMatching(/\.png$/), file_size: 9 });
      expect(await (await exports.default.fetch(String(file["url"]))).text()).toBe("a picture");
    }
  });

  test("may be JSON with a file in it, for which a link stands that needs no key", async () => {
    const { key } = await newTenant();
    const app = await newApp(() => Response.json({ image: btoa("a picture"), seed: 7 }), {
      output_files: [{ field: "image", content_type: "image/png" }],
    });
    const id = await submit(key, app);
    await ended(key, id);
    const output = await object(fal(key, "GET", queue(app, id)));
    expect(output).toMatchObject({ seed: 7, image: expect.stringContaining("/v1/links/") });
    expect(await (await exports.default.fetch(String(output["image"]))).text()).toBe("a picture");
  });
});

describe("a call that waits", () => {
  const CHAT = { messages: [{ role: "user", content: "hello" }] };
  const chunk = (content: string) => ({
    id: "c",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index: 0, delta: { content }, finish_reason: content === "" ? "stop" : null }],
  });
  const events = (some: readonly unknown[]) =>
    new Response(some.map((each) => `data: ${typeof each === "string" ? each : JSON.stringify(each)}\n\n`).join(""), {
      headers: { "Content-Type": "text/event-stream" },
    });
  /** The data of a stream, each of which must be JSON. */
  const dataOf = async (answer: Response): Promise<unknown[]> =>
    (await answer.text()).split("\n").flatMap((line) => (line.startsWith("data: ") ? [JSON.parse(line.slice(6)) as unknown] : []));

  test("gets the output, as the one event of a stream if its model does not stream", async () => {
    const { key } = await newTenant();
    const app = await newApp(async (request) => Response.json({ got: await request.json() }));
    const answer = await fal(key, "POST", `/run/${app}`, { x: 1 });
    expect(answer.headers.get("x-fal-request-id")).toMatch(UUID);
    expect(await seen(answer)).toStrictEqual({ status: 200, type: "application/json", body: { got: { x: 1 } } });
    expect(await object(fal(key, "GET", `/run/${app}?x=1`))).toEqual({ got: { x: "1" } });
    const stream = await fal(key, "POST", `/run/${app}/stream`, { x: 2 });
    expect([stream.headers.get("content-type"), await dataOf(stream)]).toEqual(["text/event-stream", [{ got: { x: 2 } }]]);
  });

  test("reads what a model streams, and a failure as the last event", async () => {
    const { key } = await newTenant();
    const app = await newApp();
    await newBackend(app, { protocol: "openai", url: "https://chat.gpu.test/v1", max_concurrency: 9 });
    backendIs(() => events([chunk("Hel"), chunk("lo"), chunk(""), "[DONE]"]));
    const whole = await fal(key, "POST", `/run/${app}/stream`, CHAT);
    const id = whole.headers.get("x-fal-request-id") ?? "";
    const texts = (await dataOf(whole)).map((it) => (it as { choices?: { delta?: { content?: string } }[] }).choices?.[0]?.delta?.content);
    expect(texts.join("")).toBe("Hello");
    expect(await object(statusOf(key, app, id))).toMatchObject({ status: "COMPLETED" });
    backendIs(() => events([chunk("Hel"), { error: { message: "out of memory" } }]));
    const cut = await dataOf(await fal(key, "POST", `/run/${app}/stream`, CHAT));
    expect(cut.at(-1)).toMatchObject({ detail: expect.stringContaining("out of memory"), error_type: expect.any(String) });
  });

  test("without a server that takes work is 503", async () => {
    const { key } = await newTenant();
    const answer = fal(key, "POST", `/run/${await newApp()}`, {});
    expect(await seen(answer)).toMatchObject({ status: 503, body: { error_type: "runner_scheduling_failure" } });
  });
});

describe("a stream of statuses", () => {
  test("has one for each change, with the logs that none before it had, and ends with the request", async () => {
    const { key } = await newTenant();
    const gate = held<unknown>();
    const app = await newApp();
    const backend = await newBackend(app, { protocol: "http" });
    backendIs(async () => Response.json(await gate.promise, { status: 400 }));
    await restBackends(app);
    const id = await submit(key, app, {}, NO_RETRY);
    const answer = await fal(key, "GET", queue(app, id, "/status/stream?logs=1"));
    expect([answer.headers.get("content-type"), answer.headers.get("x-fal-request-id")]).toEqual(["text/event-stream", id]);
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    const all: { status: string; logs: unknown[]; error?: string }[] = [];
    let text = "";
    for (;;) {
      const { value, done } = (await reader?.read()) ?? { done: true };
      if (done) break;
      text += value ?? "";
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const line =
          text
            .slice(0, end)
            .split("\n")
            .find((each) => each.startsWith("data: ")) ?? "";
        text = text.slice(end + 2);
        all.push(JSON.parse(line.slice(6)) as (typeof all)[number]);
        if (all.length === 1) {
          await restBackends(app, false);
          await operator("PATCH", `/backends/${backend}`, { state: "active" });
        }
        if (all.at(-1)?.status === "IN_PROGRESS") gate.release({ error: "not a picture" });
      }
    }
    expect(all.map(({ status }) => status)).toEqual(["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]);
    expect(all.flatMap(({ logs }) => logs)).toEqual([expect.objectContaining({ level: "ERROR", message: all.at(-1)?.error })]);
    const again = await fal(key, "GET", queue(app, id, "/status/stream"));
    expect((await again.text()).match(/data: /g)).toHaveLength(1);
  });
});

describe("a webhook", () => {
  const HOOK = "https://app.example.com/hook";
  interface Told {
    readonly headers: Headers;
    readonly body: string;
  }

  async function told(
    script: () => Response,
  ): Promise<{ readonly tenant: Awaited<ReturnType<typeof newTenant>>; readonly id: string; readonly it: Told }> {
    const got = held<Told>();
    const tenant = await newTenant();
    const app = await newApp(async (request) => {
      if (request.url === HOOK) got.release({ headers: request.headers, body: await request.text() });
      return request.url.includes(".gpu.test") ? script() : publicNames(request);
    });
    const answer = await object(fal(tenant.key, "POST", `/queue/${app}?fal_webhook=${encodeURIComponent(HOOK)}`, {}, NO_RETRY));
    const id = String(answer["request_id"]);
    expect(answer["gateway_request_id"]).toBe(id);
    return { tenant, id, it: await got.promise };
  }

  test("is sent the output, signed with a key that the deployment publishes", async () => {
    const { tenant, id, it } = await told(() => Response.json({ images: [] }));
    const { headers, body } = it;
    expect(JSON.parse(body)).toEqual({ request_id: id, gateway_request_id: id, status: "OK", payload: { images: [] } });
    const [user, timestamp] = [headers.get("x-fal-webhook-user-id"), headers.get("x-fal-webhook-timestamp")];
    expect([headers.get("x-fal-webhook-request-id"), user]).toEqual([id, tenant.accountId]);
    expect(Math.abs(Number(timestamp) - Date.now() / 1000)).toBeLessThan(60);
    const digest = Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from(body))).toString("hex");
    const signed = Buffer.from([id, user, timestamp, digest].join("\n"));
    const signature = Buffer.from(headers.get("x-fal-webhook-signature") ?? "", "hex");
    for (const path of ["/fal/.well-known/jwks.json", "/fal/rest/.well-known/jwks.json"]) {
      const { keys } = (await object(call(path))) as { keys: JsonWebKey[] };
      expect(keys.map((key) => verify(null, signed, createPublicKey({ key, format: "jwk" }), signature))).toEqual([true]);
    }
    const ofHost = await exports.default.fetch("https://rest.fal.example.com/.well-known/jwks.json");
    expect(await ofHost.json()).toEqual(await object(call("/fal/.well-known/jwks.json")));
    const ours = (await object(call("/.well-known/jwks.json"))) as { keys: JsonWebKey[] };
    expect(ours.keys.map((key) => verify(null, signed, createPublicKey({ key, format: "jwk" }), signature))).toEqual([false]);
    expect(headers.get("webhook-signature")).toMatch(/^v1,\S+ v1a,\S+$/);
  });

  test("is sent a failure in the form of an error", async () => {
    const { id, it } = await told(() => new Response("", { status: 500 }));
    expect(JSON.parse(it.body)).toMatchObject({
      request_id: id,
      status: "ERROR",
      error: expect.any(String),
      payload: { error_type: "runner_server_error" },
    });
  });

  test.each(["http://example.com/hook", "https://localhost/hook", "", "x"])("that may not be called is refused: %j", async (url) => {
    const { key } = await newTenant();
    const answer = fal(key, "POST", `/queue/${await newApp()}?fal_webhook=${encodeURIComponent(url)}`, {});
    expect(await seen(answer)).toMatchObject({ status: 422, body: { detail: [{ loc: ["query", "fal_webhook"] }] } });
  });
});

describe("a file", () => {
  const initiate = (
    key: string,
    body: unknown = { content_type: "image/png", file_name: "a kite.png" },
    headers: Record<string, string> = {},
  ) => fal(key, "POST", "/rest/storage/upload/initiate?storage_type=fal-cdn-v3", body, headers);
  const put = (url: string, body = "a picture", headers: Record<string, string> = { "Content-Type": "image/png" }) =>
    call(url.replace(ORIGIN, ""), { method: "PUT", body, headers });

  test("is sent without a key, once or again, and fetched without one", async () => {
    const { key } = await newTenant();
    const { upload_url, file_url } = (await object(initiate(key))) as { upload_url: string; file_url: string };
    expect((await call(file_url.replace(ORIGIN, ""))).status).toBe(404);
    for (const body of ["a picture", "another"])
      expect(await seen(put(upload_url, body))).toStrictEqual({ status: 200, type: "application/json", body: {} });
    const got = await exports.default.fetch(file_url);
    expect([got.headers.get("content-type"), got.headers.get("content-disposition"), await got.text()]).toEqual([
      "image/png",
      'inline; filename="a kite.png"',
      "a picture",
    ]);
  });

  test("is not lost where it is sent twice at once, or once more while its client does not know that it is there", async () => {
    const { key } = await newTenant();
    for (let round = 0; round < 5; round++) {
      const { upload_url, file_url } = (await object(initiate(key))) as { upload_url: string; file_url: string };
      const answers = await Promise.all([1, 2, 3].map(() => put(upload_url)));
      const statuses = answers.map(({ status }) => status);
      expect(statuses).toContain(200);
      for (const status of statuses) expect([200, 503]).toContain(status);
      expect(await (await call(file_url.replace(ORIGIN, ""))).text()).toBe("a picture");
    }
  });

  test("can't be sent by a link to read it, read by a link to send it, or sent once the key is revoked", async () => {
    const { key, keyId } = await newTenant();
    const { upload_url, file_url } = (await object(initiate(key))) as { upload_url: string; file_url: string };
    const [send = "", read = ""] = [upload_url, file_url].map((url) => new URL(url).pathname.split("/").at(-1));
    expect((await put(`/fal/rest/storage/files/${read}`)).status).toBe(403);
    expect((await call(`/v1/links/${send}`)).status).toBe(403);
    expect((await put(`/fal/rest/storage/files/${send.slice(0, -1)}${send.endsWith("A") ? "B" : "A"}`)).status).toBe(403);
    await operator("DELETE", `/keys/${keyId}`);
    expect(await seen(put(upload_url))).toMatchObject({ status: 403, body: { message: "The link is not valid any more." } });
  });

  test("has the lifetime that is asked for, as long as links may have", async () => {
    const { key } = await newTenant();
    for (const header of ["X-Fal-Object-Lifecycle", "X-Fal-Object-Lifecycle-Preference"]) {
      const { upload_url, file_url } = (await object(initiate(key, {}, { [header]: '{"expiration_duration_seconds":60}' }))) as {
        upload_url: string;
        file_url: string;
      };
      await put(upload_url, "x", {});
      const age = (await exports.default.fetch(file_url)).headers.get("cache-control") ?? "";
      expect(Number(/max-age=(\d+)/.exec(age)?.[1])).toBeLessThanOrEqual(60);
    }
  });

  test.each<[string, unknown]>([
    ["file_name", { file_name: "a/b" }],
    ["content_type", { content_type: "picture" }],
  ])("whose %s is none is refused", async (member, body) => {
    const { key } = await newTenant();
    expect(await seen(initiate(key, body))).toMatchObject({ status: 422, body: { detail: [{ loc: ["body", member] }] } });
  });
});

describe("what is refused", () => {
  test.each(BAD_KEYS)("%s is 401 in fal's form", async (_fault, make) => {
    const bad = await make();
    for (const [method, path] of [
      ["POST", "/queue/acme/painter"],
      ["GET", `/queue/acme/painter/requests/${crypto.randomUUID()}/status`],
      ["PUT", `/queue/acme/painter/requests/${crypto.randomUUID()}/cancel`],
      ["POST", "/run/acme/painter"],
      ["POST", "/rest/storage/upload/initiate"],
    ] as const) {
      const headers = bad === null ? {} : { Authorization: `Key ${bad}` };
      const answer = await call(`/fal${path}`, { method, headers, ...(method === "POST" ? { body: "{}" } : {}) });
      expect(await seen(answer)).toStrictEqual(refusal(401, expect.any(String)));
    }
  });

  test("is a request of another account, or of none, as NOT_FOUND", async () => {
    const [{ key }, other] = [await newTenant(), await newTenant()];
    const app = await newApp();
    const theirs = await submit(other.key, app);
    for (const id of [theirs, crypto.randomUUID(), "1"]) {
      for (const [method, end] of [
        ["GET", "/status"],
        ["GET", "/status/stream"],
        ["GET", ""],
        ["GET", "/response"],
        ["PUT", "/cancel"],
      ] as const) {
        expect(await seen(fal(key, method, queue(app, id, end)))).toStrictEqual(
          refusal(404, `There is no request "${id}".`, { status: "NOT_FOUND" }),
        );
      }
    }
  });

  test("is a key without the scope, a wrong method, an unknown path, and what fal has beside", async () => {
    const { key } = await newTenant({ scopes: ["read"] });
    expect(await seen(fal(key, "POST", "/queue/acme/painter", {}))).toMatchObject({
      status: 403,
      body: { message: expect.stringContaining('"submit"') },
    });
    const wrong = await fal(key, "DELETE", "/queue/acme/painter");
    expect([wrong.headers.get("allow"), await seen(wrong)]).toMatchObject([
      "POST, GET, HEAD",
      { status: 405, body: { detail: expect.any(String) } },
    ]);
    for (const path of ["", "/nothing", "/rest/tokens/", "/rest/storage/auth/token", "/rest/storage/upload/initiate-multipart", "/proxy"]) {
      expect(await seen(fal(key, "POST", path, {}))).toStrictEqual(refusal(404, `There is nothing at /fal${path}.`));
    }
  });

  test.each<[string, string, Record<string, string>, number, string | undefined]>([
    ["that is not JSON", "{", {}, 400, "bad_request"],
    ["of another type", "x", { "Content-Type": "text/plain" }, 415, undefined],
    ["that is too large", JSON.stringify("x".repeat(JSON_BODY_BYTES)), {}, 413, undefined],
  ])("is a body %s", async (_name, body, headers, status, error_type) => {
    const { key } = await newTenant();
    for (const room of ["queue", "run"]) {
      const answer = await fal(key, "POST", `/${room}/${await newApp()}`, body, headers);
      expect([answer.status, (await object(answer))["error_type"]]).toEqual([status, error_type]);
    }
  });

  test("is an input that the model's schema does not allow, with its place", async () => {
    const { key } = await newTenant();
    const app = await newApp();
    await operator("PUT", `/models/${encodeURIComponent(app)}/schema`, {
      input_schema: { type: "object", properties: { size: { type: "string" } } },
    });
    expect(await seen(fal(key, "POST", `/queue/${app}`, { size: 9 }))).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ["body", "size"] }] },
    });
  });

  test("is one call too many, and what a part of the platform that is away can't answer", async () => {
    const { key } = await newTenant({ limits: { read: 1 } });
    const path = queue("acme/painter", crypto.randomUUID(), "/status");
    const answers = await Promise.all(Array.from({ length: 5 }, () => fal(key, "GET", path)));
    const limited = answers.find(({ status }) => status === 429);
    expect([limited?.headers.get("retry-after"), await seen(limited ?? new Response())]).toMatchObject([
      "1",
      { status: 429, body: { detail: expect.any(String) } },
    ]);
    const { key: other } = await newTenant();
    const away = stillEnv({ DB: faultyDatabase(() => Promise.reject(new Error("D1_ERROR: Network connection lost."))) });
    const answer = await stillAs(other, "GET", `/fal${path}`, undefined, {}, away);
    expect([answer.headers.has("retry-after"), await seen(answer)]).toMatchObject([
      true,
      { status: 503, body: { detail: expect.any(String) } },
    ]);
  });
});

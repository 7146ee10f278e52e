/** Every way in which a GPU server can let an inference down, over real sockets: what the client is told, and that the deployment is none the worse. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { freePort } from "../../src/local/runtime.ts";
import { type Answer, type Deployment, type Shown, ask, deploy, endAll, newFolder, until } from "../support/deployment.ts";
import {
  type Behaviour,
  type Gpu,
  answer,
  cut,
  cutChunked,
  hang,
  hints,
  noContent,
  notHttp,
  ok,
  oversized,
  reset,
  slow,
  stall,
  startGpu,
  status,
  wrongLength,
} from "../support/gpu.ts";

/** What is read of a backend's answer. */
const LIMIT_BYTES = 10_000_000;
const TIMEOUT_SECONDS = 1;

let deployment: Deployment;
let accountId: string;
let key: string;
let healthy: Gpu;
let gpu: Gpu;
let model: string;
let models = 0;

beforeAll(async () => {
  deployment = await deploy({ folder: newFolder() });
  accountId = String((await deployment.operator("POST", "/accounts", { name: "Outcomes" }))["id"]);
  key = await newKey({ submit: 10_000, read: 10_000, cancel: 10_000 });
  healthy = await startGpu([ok]);
  await serve("healthy", healthy.url, 30);
});

beforeEach(async () => {
  gpu = await startGpu();
  model = `model-${++models}`;
  await serve(model, gpu.url);
});

/** None the worse: it answers, and an inference on another server runs at once. */
afterEach(async () => {
  await gpu.close();
  const health = await fetch(`${deployment.url}/healthz`);
  const { status: state, attempts } = await run({ model: "healthy", input: { still: ["fine"] } });
  if (!health.ok || state !== "succeeded" || attempts !== 1)
    throw new Error(`health ${health.status}, ${state} after ${attempts} attempts`);
});

afterAll(async () => {
  await healthy.close();
  endAll();
});

async function newKey(limits: Record<string, number>): Promise<string> {
  return String((await deployment.operator("POST", "/keys", { account_id: accountId, limits }))["key"]);
}

async function serve(name: string, url: string, timeoutSeconds = TIMEOUT_SECONDS): Promise<void> {
  await deployment.operator("POST", "/models", { name });
  await deployment.operator("POST", "/backends", {
    model: name,
    url,
    protocol: "oip",
    max_concurrency: 4,
    timeout_seconds: timeoutSeconds,
  });
}

/** Submits, and shows the inference once it is final. */
async function run(submission: Record<string, unknown>): Promise<Shown> {
  const submitted = await ask(deployment.url, key, "POST", "/v1/inferences", { model, input: { n: [1] }, ...submission });
  expect(submitted.status).toBe(202);
  return finished((submitted.body as Shown).id);
}

async function finished(id: string): Promise<Shown> {
  const last = await until(
    async () => (await ask(deployment.url, key, "GET", `/v1/inferences/${id}?logs=1`)).body as Shown,
    ({ is_final }) => is_final,
  );
  expect(last.is_final).toBe(true);
  return last;
}

const once = { max_attempts: 1 };
const quickly = (maxAttempts: number) => ({ max_attempts: maxAttempts, initial_delay_ms: 100, max_delay_ms: 200 });

const RETRYABLE: readonly [how: string, behaviour: Behaviour, failureClass: string, code: string, message: RegExp][] = [
  ["answers 408", status(408), "timeout", "backend_timeout", /answered 408: scripted 408/],
  ["answers 425", status(425), "capacity", "backend_busy", /answered 425/],
  ["answers 429", status(429), "capacity", "backend_busy", /answered 429/],
  ["answers 500", status(500), "infrastructure", "backend_error", /answered 500: scripted 500/],
  [
    "answers 502 in HTML",
    status(502, { "Content-Type": "text/html" }, "<h1>Bad Gateway</h1>"),
    "infrastructure",
    "backend_error",
    /answered 502: Bad Gateway/,
  ],
  ["answers 503", status(503), "capacity", "backend_unavailable", /answered 503/],
  ["answers 504", status(504), "timeout", "backend_timeout", /answered 504/],
  ["answers an error under 200", answer({ error: "out of memory" }), "infrastructure", "backend_error", /answered 500: out of memory/],
  ["answers 409", status(409), "capacity", "backend_busy", /answered 409/],
  ["answers 530", status(530), "infrastructure", "backend_error", /answered 530/],
  ["answers what is not HTTP", notHttp, "infrastructure", "backend_unreachable", /could not be reached/],
  ["never answers", hang, "timeout", "run_within_seconds", /within 1 s/],
  ["stops in the middle of its answer", stall, "timeout", "run_within_seconds", /within 1 s/],
  ["is too slow", slow(5_000), "timeout", "run_within_seconds", /within 1 s/],
  ["resets the connection", reset, "infrastructure", "backend_unreachable", /could not be reached/],
  ["breaks off its answer", cut, "infrastructure", "backend_cut", /broke off/],
  ["breaks off a chunked answer", cutChunked, "infrastructure", "backend_cut", /broke off/],
  ["announces more than it sends", wrongLength(100), "infrastructure", "backend_cut", /broke off/],
];

const FINAL: readonly [how: string, behaviour: Behaviour, failureClass: string, code: string, message: RegExp][] = [
  ["answers 400", status(400), "input", "backend_rejected", /answered 400: scripted 400/],
  [
    "answers 422 and no body, which it calls gzip",
    status(422, { "Content-Encoding": "gzip" }, ""),
    "input",
    "backend_rejected",
    /answered 422/,
  ],
  [
    "answers 422 and a body that is no gzip, as it says",
    status(422, { "Content-Encoding": "gzip" }),
    "input",
    "backend_rejected",
    /answered 422/,
  ],
  ["answers 600 in deflate", status(600, { "Content-Encoding": "deflate" }), "infrastructure", "backend_error", /answered 600/],
  ...["gzip", "br", "deflate"].map((coding): (typeof RETRYABLE)[number] => [
    `answers with no bytes, which it calls ${coding}`,
    status(200, { "Content-Encoding": coding, "Content-Length": "0" }, ""),
    "infrastructure",
    "backend_garbage",
    /not JSON/,
  ]),
  ["answers what is not JSON", answer("<html>welcome</html>"), "infrastructure", "backend_garbage", /not JSON/],
  ["answers nothing", answer(""), "infrastructure", "backend_garbage", /not JSON/],
  ["answers 204", status(204, {}, ""), "infrastructure", "backend_garbage", /not JSON/],
  ["answers 204 with a body", noContent, "infrastructure", "backend_garbage", /not JSON/],
  ["answers 205", status(205, {}, ""), "infrastructure", "backend_garbage", /not JSON/],
  ["answers 304", status(304, {}, ""), "infrastructure", "backend_error", /answered 304/],
  ["answers 600", status(600), "infrastructure", "backend_error", /answered 600/],
  ["answers 999", status(999), "infrastructure", "backend_error", /answered 999/],
  ["answers JSON that is no infer response", answer({ hello: "world" }), "infrastructure", "backend_garbage", /no outputs/],
  ["answers an array", answer([1, 2, 3]), "infrastructure", "backend_garbage", /not a JSON object/],
  [
    "answers a tensor with too few elements",
    answer({ outputs: [{ name: "y", shape: [3], datatype: "INT64", data: [1] }] }),
    "infrastructure",
    "backend_garbage",
    /"y".* data has 1/,
  ],
  [
    "answers a tensor that is nested without end",
    answer(`{"outputs":[{"name":"y","shape":[1],"datatype":"INT64","data":${"[".repeat(200_000)}${"]".repeat(200_000)}}]}`),
    "infrastructure",
    "backend_garbage",
    /"y"/,
  ],
  ["announces less than it sends", wrongLength(-10), "infrastructure", "backend_garbage", /not JSON/],
  ["answers 413", status(413), "input", "backend_rejected", /answered 413/],
  ["answers 422", status(422), "input", "backend_rejected", /answered 422/],
  ["answers 401", status(401), "infrastructure", "backend_misconfigured", /answered 401/],
  ["answers 403", status(403), "infrastructure", "backend_misconfigured", /answered 403/],
  ["answers 404", status(404), "infrastructure", "backend_misconfigured", /answered 404/],
  ["answers 405", status(405), "infrastructure", "backend_misconfigured", /answered 405/],
  ["answers 501", status(501), "infrastructure", "backend_error", /answered 501/],
  ["redirects", status(302, { Location: "http://127.0.0.1:1/" }), "infrastructure", "backend_error", /answered 302/],
  ["announces too large an answer", oversized(LIMIT_BYTES + 1, true), "model", "backend_oversized", /exceeds 10000000 bytes/],
  [
    "sends too large an answer without announcing it",
    oversized(2 * LIMIT_BYTES, false),
    "model",
    "backend_oversized",
    /exceeds 10000000 bytes/,
  ],
];

describe("a server that", () => {
  test.each(RETRYABLE)("%s fails an inference that has no other attempt", async (_, behaviour, failureClass, code, message) => {
    gpu.does([behaviour]);
    const shown = await run({ retry: once });
    expect(shown).toMatchObject({ status: "failed", attempts: 1, output: null, error: { class: failureClass, code } });
    expect(shown.error?.message).toMatch(message);
    expect(gpu.calls).toHaveLength(1);
  });

  test.each(FINAL)("%s fails an inference at once, whatever attempts it has left", async (_, behaviour, failureClass, code, message) => {
    gpu.does([behaviour, ok]);
    const shown = await run({ retry: quickly(5) });
    expect(shown).toMatchObject({ status: "failed", attempts: 1, output: null, error: { class: failureClass, code } });
    expect(shown.error?.message).toMatch(message);
    expect(gpu.calls).toHaveLength(1);
  });

  test("does any of these once is asked again, and succeeds then", async () => {
    const again = RETRYABLE.map(async ([how, behaviour, , code], index) => {
      const server = await startGpu([behaviour, ok]);
      await serve(`${model}-${index}`, server.url);
      const shown = await run({ model: `${model}-${index}`, retry: quickly(3) });
      await server.close();
      const failures = shown.logs.filter(({ event }) => event === "attempt_failed").map(({ error }) => error?.code);
      const { status: state, attempts, output, error } = shown;
      expect({ how, state, attempts, output, error, failures, calls: server.calls.length }).toEqual({
        how,
        state: "succeeded",
        attempts: 2,
        output: { n: [1] },
        error: null,
        failures: [code],
        calls: 2,
      });
    });
    await Promise.all(again);
  });

  test("is not there costs an inference no attempt: it waits for as long as it may, and then says why", async () => {
    await serve(`${model}-nowhere`, `http://127.0.0.1:${await freePort("127.0.0.1")}`);
    const shown = await run({ model: `${model}-nowhere`, retry: once, max_time_in_queue_seconds: 10 });
    expect(shown).toMatchObject({ status: "expired", error: { class: "infrastructure", code: "backend_unreachable" } });
    expect(shown.attempts).toBeGreaterThan(1);
  });

  test("is never called for an input that no tensor can hold", async () => {
    const shown = await run({ input: { picture: { nested: true } }, retry: quickly(3) });
    expect(shown).toMatchObject({ status: "failed", attempts: 1, error: { class: "input", code: "input_not_tensors" } });
    expect(shown.error?.message).toContain('"picture"');
    expect(gpu.calls).toHaveLength(0);
  });

  test("fails as often as it may fails the inference with its last error", async () => {
    gpu.does([status(503), status(500), status(429), ok]);
    const shown = await run({ retry: quickly(3) });
    expect(shown).toMatchObject({ status: "failed", attempts: 3, error: { class: "capacity", code: "backend_busy" } });
    expect(gpu.calls).toHaveLength(3);
  });

  test("says that its answer is still to come, in any status below 200, is waited for", async () => {
    gpu.does([hints]);
    const shown = await run({ retry: once });
    expect(shown).toMatchObject({ status: "succeeded", attempts: 1, output: { y: [1] } });
    expect(gpu.calls).toHaveLength(1);
  });

  test("is slow within its time limit is waited for", async () => {
    gpu.does([slow(300)]);
    expect(await run({ retry: once })).toMatchObject({ status: "succeeded", attempts: 1, output: { n: [1] } });
  });

  test("takes longer than the inference may run is left, however long the backend's own limit", async () => {
    await serve(`${model}-patient`, gpu.url, 60);
    gpu.does([hang]);
    const shown = await run({ model: `${model}-patient`, run_within_seconds: 1, retry: once });
    expect(shown).toMatchObject({ status: "failed", error: { class: "timeout", code: "run_within_seconds" } });
    const [call] = gpu.calls;
    const ended = await until(
      async () => call?.endedAt ?? null,
      (at) => at !== null,
    );
    expect(Number(ended) - Number(call?.startedAt)).toBeLessThan(5_000); // its connection is closed
  });
});

describe("a retry", () => {
  test("comes after a back-off, again and again until the server is well", async () => {
    gpu.does([status(503), status(503), ok]);
    const shown = await run({ retry: { max_attempts: 3, initial_delay_ms: 500, max_delay_ms: 1_000 } });
    expect(shown).toMatchObject({ status: "succeeded", attempts: 3, output: { n: [1] }, error: null });
    expect(gpu.calls).toHaveLength(3);
    const failed = shown.logs.filter(({ event }) => event === "attempt_failed");
    expect(failed).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
    for (const [index, { at, retry_at = "" }] of failed.entries()) {
      const delayMs = Date.parse(retry_at) - Date.parse(at);
      expect(delayMs).toBeGreaterThanOrEqual(0);
      expect(delayMs).toBeLessThanOrEqual(500 * 2 ** index);
      expect(gpu.calls[index + 1]?.startedAt).toBeGreaterThanOrEqual(Date.parse(retry_at));
      // The sweep looks once a second; the rest is what a busy machine may add.
      expect(gpu.calls[index + 1]?.startedAt).toBeLessThan(Date.parse(retry_at) + 4_000);
    }
  });

  test.each([
    ["seconds", () => "2"],
    ["a date", () => new Date(Date.now() + 3_000).toUTCString()],
  ])("comes no sooner than the server asks for in %s", async (_, retryAfter) => {
    gpu.does(({ index }) => (index === 0 ? status(503, { "Retry-After": retryAfter() }) : ok));
    const shown = await run({ retry: { max_attempts: 2, initial_delay_ms: 0, max_delay_ms: 0 } });
    expect(shown).toMatchObject({ status: "succeeded", attempts: 2 });
    const [first, second] = gpu.calls;
    const gapMs = Number(second?.startedAt) - Number(first?.startedAt);
    expect(gapMs).toBeGreaterThanOrEqual(1_990); // a date names whole seconds, so 3 s ahead are more than 2
    expect(gapMs).toBeLessThan(8_000);
  });

  test("leaves the server's other work alone", async () => {
    gpu.does(({ body }) => (body.inputs[0]?.data[0] === 13 ? status(500) : ok));
    const submitted = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        ask(deployment.url, key, "POST", "/v1/inferences", { model, input: { n: [index] }, retry: quickly(2) }),
      ),
    );
    const shown = await Promise.all(submitted.map(({ body }) => finished((body as Shown).id)));
    expect(shown.map((it) => it.status)).toEqual(Array.from({ length: 20 }, (_, index) => (index === 13 ? "failed" : "succeeded")));
    expect(gpu.calls).toHaveLength(21);
    expect(gpu.mostAtOnce).toBeLessThanOrEqual(4);
  });
});

describe("a cancel", () => {
  test("closes the connection to the server within a renewal of its lease, and what was running is dropped", async () => {
    await serve(`${model}-patient`, gpu.url, 60);
    gpu.does([hang]);
    const submitted = await ask(deployment.url, key, "POST", "/v1/inferences", { model: `${model}-patient`, input: { n: [1] } });
    const { id } = submitted.body as Shown;
    await until(
      async () => gpu.calls.length,
      (calls) => calls === 1,
    );
    expect((await ask(deployment.url, key, "POST", `/v1/inferences/${id}/cancel`)).body).toMatchObject({ status: "canceled" });
    const ended = await until(
      async () => gpu.calls[0]?.endedAt ?? null,
      (at) => at !== null,
      15,
    );
    expect(ended).not.toBeNull();
    expect(await finished(id)).toMatchObject({ status: "canceled", output: null, error: null });
  });
});

describe("60 status checks at once with a fresh key of 20 a second", () => {
  const LIMIT = 20;

  /** What passed and what was refused. */
  async function fire(count: number, path: string, fresh: string) {
    const startedAt = Date.now();
    const answers = await Promise.all(Array.from({ length: count }, () => ask(deployment.url, fresh, "GET", path)));
    const seconds = (Date.now() - startedAt) / 1000;
    const of = (code: number) => answers.filter((it) => it.status === code);
    return { passed: of(200), refused: of(429), seconds, answers };
  }

  function expectRefusal({ headers, body }: Answer): void {
    expect(body).toMatchObject({ status: 429, code: "rate_limited", "violated-policies": ["read"] });
    expect(headers.get("content-type")).toBe("application/problem+json");
    const turnMs = Number(headers.get("retry-after-ms")); // 40 turns, one each 50 ms
    expect(turnMs).toBeGreaterThan(0);
    expect(turnMs).toBeLessThanOrEqual(2_000);
    expect(headers.get("retry-after")).toBe(String(Math.ceil(turnMs / 1_000)));
    expect(headers.get("ratelimit-policy")).toBe('"read";q=20;w=1');
    expect(headers.get("ratelimit")).toMatch(/^"read";r=0;t=1$/);
  }

  test("let 20 pass and one more each 50 ms, refuse the rest with Retry-After, and 20 pass again once that is over", async () => {
    const { id } = await run({ model: "healthy" });
    const fresh = await newKey({ read: LIMIT });
    const path = `/v1/inferences/${id}`;
    const first = await fire(60, path, fresh);
    expect(first.passed.length + first.refused.length).toBe(60);
    console.log(`${first.passed.length} of 60 passed within ${first.seconds} s`);
    expect(first.passed.length).toBeGreaterThanOrEqual(LIMIT);
    expect(first.passed.length).toBeLessThanOrEqual(Math.floor(LIMIT + LIMIT * first.seconds));
    for (const refused of first.refused) expectRefusal(refused);
    for (const { headers, body } of first.passed) {
      expect(body).toMatchObject({ id, status: "succeeded" });
      expect(headers.get("ratelimit-policy")).toBe('"read";q=20;w=1');
      expect(headers.get("ratelimit")).toMatch(/^"read";r=\d+;t=1$/);
    }
    // As the answers say: full again in a second.
    const full = Date.now() + 1_000;
    await until(
      async () => Date.now(),
      (now) => now >= full,
    );
    const second = await fire(LIMIT, path, fresh);
    expect(second.passed).toHaveLength(LIMIT);
  });

  test("cost the other classes of call and the other keys nothing", async () => {
    const { id } = await run({ model: "healthy" });
    const fresh = await newKey({ read: LIMIT, submit: 10 });
    await fire(60, `/v1/inferences/${id}`, fresh);
    expect((await ask(deployment.url, fresh, "POST", "/v1/inferences", { model: "healthy", input: { n: [1] } })).status).toBe(202);
    expect((await ask(deployment.url, key, "GET", `/v1/inferences/${id}`)).status).toBe(200);
  });

  test("are told apart from a status that does not exist: a stranger's inference is not found, and counts", async () => {
    const { id } = await run({ model: "healthy" });
    const other = await deployment.operator("POST", "/accounts", { name: "Other" });
    const stranger = String((await deployment.operator("POST", "/keys", { account_id: other["id"], limits: { read: LIMIT } }))["key"]);
    const { answers } = await fire(60, `/v1/inferences/${id}`, stranger);
    expect(new Set(answers.map((it) => it.status))).toEqual(new Set([404, 429]));
  });
});

/**
 * What lies outside fails: the database throws, stalls or loses its answer, the queue and the alarm are gone, backends
 * echo what they must not. Nothing accepted is lost or doubled, and no secret gets out.
 */
import { createExecutionContext, createScheduledController, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { handle } from "../../src/router.ts";
import { run } from "../../src/inferences/run.ts";
import { sweep } from "../../src/maintenance/sweep.ts";
import { DATABASE_MS, LEASE_MARGIN_MS, LEASE_MS } from "../../src/limits.ts";
import type { Ports } from "../../src/ports.ts";
import { SWEEP_NAME, portsOf } from "../../src/entry/bindings.ts";
import worker from "../../src/worker.ts";
import { forgetAll, laneOf, queued, rowOf } from "./support/inferences.ts";
import { databaseNow, held, standingClock, timePasses } from "./support/clock.ts";
import { faultyDatabase, still, stillAs, stillEnv } from "./support/ports.ts";
import { backendIs, gpu, hang } from "./support/outside.ts";
import { newBackend, newModel, newTenant, served } from "./support/tenants.ts";
import { ORIGIN, object, operator } from "./support/requests.ts";

const LOST = new Error("D1_ERROR: Network connection lost.");
const ONCE = { maxAttempts: 1, initialDelayMs: 0, maxDelayMs: 0 };

beforeEach(forgetAll);
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const stored = async (model: string) =>
  Number(await env.DB.prepare("SELECT count(*) AS count FROM inferences WHERE model = ?").bind(model).first("count"));

const errorOf = async (id: string) => JSON.parse(String((await rowOf(id))["error"])) as Record<string, unknown>;

/** The calls of a client that need the database, by dialect. */
const CALLS: [string, string, (model: string, id: string) => [string, string, unknown?]][] = [
  ["own", "a submit", (model) => ["POST", "/v1/inferences", { model, input: {} }]],
  ["own", "a large submit", (model) => ["POST", "/v1/inferences", { model, input: { text: "x".repeat(40_000) } }]],
  ["own", "a poll", (_, id) => ["GET", `/v1/inferences/${id}`]],
  ["own", "a result", (_, id) => ["GET", `/v1/inferences/${id}/result`]],
  ["own", "a cancel", (_, id) => ["POST", `/v1/inferences/${id}/cancel`]],
  ["own", "a queue's depth", (model) => ["GET", `/v1/models/${model}/queue`]],
  ["vody", "a submit", (model) => ["POST", `/inference/${model}`, [{ image_path: "https://pictures.test/1", product_type: "shoe" }]]],
  ["vody", "a status", (_, id) => ["GET", `/inference/${id}/status`]],
  ["vody", "results", (_, id) => ["GET", `/inference/${id}/results`]],
];

async function expectUnavailable(answer: Response, dialect: string): Promise<void> {
  expect(answer.status).toBe(503);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(answer.headers.get("cache-control")).toContain("no-store");
  const body = await object(answer);
  if (dialect === "vody") expect(body).toEqual({ error: "Service Unavailable", message: expect.stringContaining("try again"), code: 503 });
  else expect(body).toMatchObject({ status: 503, code: "unavailable", detail: expect.stringContaining("try again") });
  expect(JSON.stringify(body)).not.toContain("D1_ERROR");
}

describe("while the database fails,", () => {
  test.each(CALLS)(
    "%s: %s is answered 503 with Retry-After in the dialect's shape, and nothing is written",
    async (dialect, _what, request) => {
      const { key, accountId } = await newTenant();
      const model = await served();
      const id = await queued(model, { accountId });
      const before = await rowOf(id);
      const down = stillEnv({ DB: faultyDatabase(() => Promise.reject(LOST)) });
      const [method, path, body] = request(model, id);
      await expectUnavailable(await stillAs(key, method, path, body, {}, down), dialect);
      expect(await stored(model)).toBe(1);
      expect(await rowOf(id)).toEqual(before);
      expect((await env.PAYLOADS.list({ prefix: `inputs/${accountId}/` })).objects).toEqual([]);
    },
  );
});

describe("while the database stalls,", () => {
  test.each(CALLS)("%s: %s is answered 503 within the time limit", async (dialect, _what, request) => {
    const { key, accountId } = await newTenant();
    const model = await served();
    const id = await queued(model, { accountId });
    const asked = held<true>();
    const stalled = stillEnv({
      DB: faultyDatabase(() => {
        asked.release(true);
        return new Promise(() => {});
      }),
    });
    const [method, path, body] = request(model, id);
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const answering = handle(new Request(ORIGIN + path, init), stalled, createExecutionContext());
    await asked.promise;
    await vi.advanceTimersByTimeAsync(DATABASE_MS);
    await expectUnavailable(await answering, dialect);
    vi.useRealTimers();
    expect(await stored(model)).toBe(1);
  });
});

describe("an insert whose answer is lost after its effect", () => {
  /** Does what it is asked, but its first so many answers to an insert are lost. */
  function forgetful(times: number): Env {
    let left = times;
    return stillEnv({
      DB: faultyDatabase(async (texts, effect) => {
        const answer = await effect();
        if (texts.some((text) => text.includes("INSERT INTO inferences")) && left-- > 0) throw LOST;
        return answer;
      }),
    });
  }

  test.each<[string, Record<string, string>, number]>([
    ["", {}, 10],
    ["with an idempotency key ", { "Idempotency-Key": "order-7" }, 10],
    ["with a large input ", {}, 40_000],
  ])("%sis accepted once and is not doubled", async (_what, headers, size) => {
    const { key, accountId } = await newTenant();
    const model = await served();
    const answer = await stillAs(key, "POST", "/v1/inferences", { model, input: { text: "x".repeat(size) } }, headers, forgetful(1));
    expect([answer.status, answer.headers.get("idempotency-replayed")]).toEqual([202, null]);
    expect(await stored(model)).toBe(1);
    const { id } = (await object(answer)) as { id: string };
    const inputs: number[] = [];
    const fetch = gpu(async (request) => {
      inputs.push((await request.text()).length);
      return Response.json({});
    });
    await run(still({ fetch }), [laneOf(model)], "lease");
    expect([(await rowOf(id))["status"], inputs]).toEqual(["succeeded", [size + JSON.stringify({ text: "" }).length]]);
    expect((await env.PAYLOADS.list({ prefix: `inputs/${accountId}/` })).objects).toHaveLength(size > 32_768 ? 1 : 0);
  });

  test("for good is 503, and the same submit with its key finds what was written", async () => {
    const { key } = await newTenant();
    const model = await served();
    const send = (environment: Env) =>
      stillAs(key, "POST", "/v1/inferences", { model, input: {} }, { "Idempotency-Key": "order-7" }, environment);
    await expectUnavailable(await send(forgetful(100)), "own");
    const again = await send(stillEnv());
    expect([again.status, again.headers.get("idempotency-replayed"), await stored(model)]).toEqual([202, "true", 1]);
  });
});

describe("a cancel whose answer is lost after its effect", () => {
  test("answers with the canceled inference all the same", async () => {
    const { key, accountId } = await newTenant();
    const id = await queued(await served(), { accountId });
    let left = 1;
    const forgetful = stillEnv({
      DB: faultyDatabase(async (texts, effect) => {
        const answer = await effect();
        if (texts.some((text) => text.trimStart().startsWith("UPDATE inferences")) && left-- > 0) throw LOST;
        return answer;
      }),
    });
    const answer = await stillAs(key, "POST", `/v1/inferences/${id}/cancel`, undefined, {}, forgetful);
    expect(left).toBeLessThan(1);
    expect([answer.status, (await object(answer))["status"]]).toEqual([200, "canceled"]);
  });
});

describe("a runner whose database fails", () => {
  /** Ports with a clock that stands still and a database that fails while `down` holds for what it is asked. */
  function faulty(down: (texts: readonly string[]) => boolean, instead: Partial<Ports> = {}) {
    const clock = standingClock();
    const database = faultyDatabase((texts, effect) => (down(texts) ? Promise.reject(LOST) : effect()));
    const { db } = portsOf(stillEnv({ DB: database }));
    return { clock, ports: still({ db, clock, ...instead }) };
  }

  const records = (texts: readonly string[]) => texts.some((text) => text.includes("SET status = (asked.it"));
  const renews = (texts: readonly string[]) => texts.some((text) => text.includes("SET lease_until") && text.includes("json_each"));

  /** Moves the clock on until the work is over; how far it was moved. */
  async function movedUntil(work: Promise<unknown>, clock: ReturnType<typeof standingClock>, step: number, most: number): Promise<number> {
    const state = { over: false };
    const done = work.finally(() => {
      state.over = true;
    });
    let moved = 0;
    while (!state.over && moved < most) {
      clock.advance(step);
      moved += step;
      await databaseNow(); // what the clock has woken goes to the database before this does
    }
    await done;
    return moved;
  }

  test("keeps the result and writes it when the database is back, without asking the backend again", async () => {
    const model = await served();
    const id = await queued(model);
    let failures = 5;
    let called = 0;
    const fetch = gpu(() => {
      called++;
      return Response.json({ done: called });
    });
    const { clock, ports } = faulty((texts) => records(texts) && failures-- > 0, { fetch });
    const running = run(ports, [laneOf(model)], "lease");
    await movedUntil(running, clock, 1_000, 25_000);
    expect(failures).toBeLessThan(0);
    expect([called, await rowOf(id)]).toEqual([1, expect.objectContaining({ status: "succeeded", attempt: 1, output: '{"done":1}' })]);
  });

  test("writes a result once whose answer was lost after the effect", async () => {
    const model = await served();
    const id = await queued(model);
    const next = await queued(model);
    let left = 1;
    const clock = standingClock();
    const database = faultyDatabase(async (texts, effect) => {
      const answer = await effect();
      if (records(texts) && left-- > 0) throw LOST;
      return answer;
    });
    const seen: string[] = [];
    const fetch = gpu(async (request) => {
      seen.push((await request.json<{ id: string }>()).id);
      return Response.json({});
    });
    const { db } = portsOf(stillEnv({ DB: database }));
    await movedUntil(run(still({ db, clock, fetch }), [laneOf(model)], "lease"), clock, 1_000, 25_000);
    const log = JSON.parse(String((await rowOf(id))["log"])) as { event: string }[];
    expect(log.map(({ event }) => event)).toEqual(["queued", "claimed", "succeeded"]);
    expect(seen[0]).toBe(id);
    // The lost answer held the claim of the next one: its runner never heard of it, so it comes back with its lease's lapse.
    expect(["in_progress", "succeeded"]).toContain((await rowOf(next))["status"]);
    await timePasses(model, LEASE_MS);

    await sweep(still());
    await run(still({ fetch }), [laneOf(model)], "another");
    expect((await rowOf(next))["status"]).toBe("succeeded");
  });

  test("gives up only when its lease can't hold any longer", async () => {
    const model = await served();
    const id = await queued(model);
    const { clock, ports } = faulty((texts) => records(texts) || renews(texts), { fetch: gpu(() => Response.json({})) });
    const moved = await movedUntil(run(ports, [laneOf(model)], "lease"), clock, 500, 60_000);
    expect(moved).toBeGreaterThanOrEqual(LEASE_MS - LEASE_MARGIN_MS);
    expect(moved).toBeLessThan(LEASE_MS + 5_000);
    expect(await rowOf(id)).toMatchObject({ status: "in_progress", attempt: 1, output: null });
  });

  test("closes its connection to the backend before a lease that it can't renew lapses", async () => {
    const model = await served();
    const id = await queued(model);
    const { clock, ports } = faulty(renews, { fetch: gpu(hang) });
    const moved = await movedUntil(run(ports, [laneOf(model)], "lease"), clock, 500, 60_000);
    expect(moved).toBeGreaterThanOrEqual(LEASE_MS - LEASE_MARGIN_MS);
    expect(moved).toBeLessThan(LEASE_MS);
    expect(await rowOf(id)).toMatchObject({ status: "in_progress", attempt: 1 });
  });

  test("keeps its lease through a renewal that fails once", async () => {
    const model = await served();
    const id = await queued(model);
    const finish = held<true>();
    const called = held<true>();
    let failures = 2;
    const fetch = gpu(async () => {
      called.release(true);
      await finish.promise;
      return Response.json({});
    });
    const { clock, ports } = faulty((texts) => renews(texts) && failures-- > 0, { fetch });
    const running = run(ports, [laneOf(model)], "lease");
    await called.promise;
    for (let moved = 0; moved < 60_000; moved += 1_000) {
      clock.advance(1_000);
      await databaseNow(); // what the clock has woken goes to the database before this does
    }
    finish.release(true);
    await running;
    expect(failures).toBeLessThan(0);
    expect(await rowOf(id)).toMatchObject({ status: "succeeded", attempt: 1 });
  });
});

describe("a submit is accepted and answered although", () => {
  const throws = () => {
    throw new Error("Queue is overloaded");
  };

  test.each<[string, Record<string, unknown>]>([
    ["the queue refuses", { WAKE_UPS: { sendBatch: () => Promise.reject(new Error("Queue is overloaded")) } }],
    ["the queue throws", { WAKE_UPS: { sendBatch: throws } }],
    ["the sweep can't be armed", { SWEEP: { getByName: () => ({ arm: () => Promise.reject(new Error("Durable Object reset")) }) } }],
  ])("%s, in every dialect", async (_what, broken) => {
    const { key } = await newTenant();
    const model = await served();
    for (const [, what, request] of CALLS.filter(([, name]) => name === "a submit")) {
      const [method, path, body] = request(model, "");
      expect([what, (await stillAs(key, method, path, body, {}, stillEnv(broken))).status]).toEqual([what, 202]);
    }
    expect(await stored(model)).toBe(2);
  });
});

test("an alarm of the sweep that was lost is set again by the cron trigger", async () => {
  const stub = env.SWEEP.getByName(SWEEP_NAME);
  await runInDurableObject(stub, (_, { storage }) => storage.deleteAlarm());
  await worker.scheduled(createScheduledController(), env);
  const alarm = await runInDurableObject(stub, (_, { storage }) => storage.getAlarm());
  await runInDurableObject(stub, (_, { storage }) => storage.deleteAlarm());
  expect(alarm).not.toBeNull();
});

describe("a backend's credential", () => {
  const SECRET = "hunter2:correct-horse-battery";
  const secret = (name: string) => (name === "BACKEND_TOKEN" ? SECRET : null);
  const withSecret = () => stillEnv({ BACKEND_TOKEN: SECRET });

  test.each([
    [{ kind: "bearer", secret: "BACKEND_TOKEN" }, "authorization", `Bearer ${SECRET}`],
    [{ kind: "basic", secret: "BACKEND_TOKEN" }, "authorization", `Basic ${btoa(SECRET)}`],
    [{ kind: "header", header: "X-Api-Key", secret: "BACKEND_TOKEN" }, "x-api-key", SECRET],
  ])("%j is sent with every inference and every health probe, by any protocol", async (credential, header, value) => {
    for (const protocol of ["http", "openai", "oip"]) {
      const model = await newModel();
      const backend = await newBackend(model, { protocol, credential });
      await queued(model, { input: { at: "row", body: '{"messages":[],"x":1}', contentType: "application/json" }, retry: ONCE });
      const seen: [string, string | null][] = [];
      const script = (request: Request) => {
        seen.push([request.method, request.headers.get(header)]);
        return Response.json({});
      };
      await run(still({ fetch: gpu(script), secret }), [laneOf(model)], "lease");
      backendIs(script);
      await stillAs(env.ADMIN_TOKEN, "GET", `/admin/v1/backends/${backend}/ready`, undefined, {}, withSecret());
      expect([protocol, new Set(seen.map(([method]) => method))]).toEqual([protocol, new Set(["POST", "GET"])]);
      expect([protocol, new Set(seen.map(([, sent]) => sent))]).toEqual([protocol, new Set([value])]);
    }
  });

  test("is in no answer and in no line of the log", async () => {
    const lines: unknown[] = [];
    for (const method of ["log", "error", "warn", "info", "debug"] as const) {
      vi.spyOn(console, method).mockImplementation((...line: unknown[]) => lines.push(line));
    }
    const { key, accountId } = await newTenant();
    const model = await newModel();
    const answers: string[] = [];
    const asOperator = async (method: string, path: string, body?: unknown) => {
      const answer = await stillAs(env.ADMIN_TOKEN, method, `/admin/v1${path}`, body, {}, withSecret());
      const text = await answer.text();
      answers.push(text);
      return JSON.parse(text) as { id: string };
    };
    const credential = { kind: "bearer", secret: "BACKEND_TOKEN" };
    const { id: backend } = await asOperator("POST", "/backends", { model, url: "https://gpu.test", protocol: "http", credential });
    for (const script of [
      () => Response.json({ done: true }),
      () => Response.json({ error: "no" }, { status: 401 }),
      () => Promise.reject(LOST),
    ]) {
      const id = await queued(model, { accountId, retry: ONCE });
      await run(still({ fetch: gpu(script), secret }), [laneOf(model)], "lease");
      for (const path of [
        `/v1/inferences/${id}?logs=1`,
        `/v1/inferences/${id}/result`,
        `/inference/${id}/status`,
        `/inference/${id}/results`,
      ]) {
        answers.push(await (await stillAs(key, "GET", path, undefined, {}, withSecret())).text());
      }
    }
    backendIs(() => new Response(null, { status: 503 }));
    await asOperator("GET", `/backends/${backend}`);
    await asOperator("GET", `/backends?model=${model}`);
    await asOperator("GET", `/backends/${backend}/ready`);
    await asOperator("PATCH", `/backends/${backend}`, { credential: { kind: "basic", secret: "BACKEND_TOKEN" } });
    expect(answers).toHaveLength(17);
    expect(lines.length).toBeGreaterThan(0);
    for (const text of [...answers, ...lines.map((line) => JSON.stringify(line))]) {
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain(btoa(SECRET));
    }
    expect(JSON.stringify(await env.DB.prepare("SELECT * FROM backends").all())).not.toContain(SECRET);
  });

  test.each<[string, string, string]>([
    ["bearer", SECRET, "you sent"],
    ["bearer", `Bearer ${SECRET}`, "you sent"],
    ["basic", SECRET, "you sent"],
    ["basic", `Basic ${btoa(SECRET)}`, "you sent"],
    ["bearer", SECRET, "x".repeat(940)],
  ])("%s that the backend gives back as %j is not told to the client, wherever it stands", async (kind, echo, before) => {
    const model = await served(1, { credential: { kind, secret: "BACKEND_TOKEN" } });
    for (const status of [401, 422, 500]) {
      const id = await queued(model, { retry: ONCE });
      await run(
        still({ fetch: gpu(() => Response.json({ error: `${before} ${echo}, which is wrong` }, { status })), secret }),
        [laneOf(model)],
        "l",
      );
      const { message } = await errorOf(id);
      expect(message).toContain(before);
      for (const part of [SECRET.slice(0, 12), SECRET.slice(8), btoa(SECRET).slice(0, 16)]) expect(message).not.toContain(part);
      expect(JSON.stringify(await rowOf(id))).not.toContain(SECRET.slice(8));
    }
  });

  test("that the backend gives back to a health probe is not told to the operator", async () => {
    const model = await newModel();
    const backend = await newBackend(model, { protocol: "openai", credential: { kind: "bearer", secret: "BACKEND_TOKEN" } });
    backendIs(() => Response.json({ error: `${SECRET} is no key of ours` }, { status: 401 }));
    const answer = await stillAs(env.ADMIN_TOKEN, "GET", `/admin/v1/backends/${backend}/ready`, undefined, {}, withSecret());
    const text = await answer.text();
    expect(text).toContain("is no key of ours");
    expect(text).not.toContain(SECRET);
  });

  test("whose secret the deployment lacks fails the inference as misconfigured, and nothing is sent", async () => {
    const model = await served(1, { credential: { kind: "bearer", secret: "BACKEND_ABSENT" } });
    const id = await queued(model);
    let asked = 0;
    await run(
      still({
        secret,
        fetch: gpu(() => {
          asked++;
          return Response.json({});
        }),
      }),
      [laneOf(model)],
      "lease",
    );
    expect(await errorOf(id)).toMatchObject({ class: "infrastructure", code: "backend_misconfigured" });
    expect([asked, (await rowOf(id))["status"]]).toEqual([0, "failed"]);
  });

  test.each(["KEY_SECRET", "ADMIN_TOKEN", "DB", "backend_token", "BACKEND_", "MY_BACKEND_TOKEN", "BACKEND_TOKEN ", "BACKEND_a"])(
    "can't be the secret %j, which is not meant for backends",
    async (name) => {
      const model = await newModel();
      const answer = await operator("POST", "/backends", {
        model,
        url: "https://gpu.test",
        protocol: "http",
        credential: { kind: "bearer", secret: name },
      });
      expect([answer.status, (await object(answer))["code"]]).toEqual([422, "invalid_input"]);
      const backend = await newBackend(model, { protocol: "http" });
      expect((await operator("PATCH", `/backends/${backend}`, { credential: { kind: "basic", secret: name } })).status).toBe(422);
    },
  );
});

describe("a backend of the protocol http", () => {
  /** What becomes of one inference with that input at a backend that answers so. */
  async function outcome(input: string, script: (request: Request) => Response | Promise<Response>) {
    const { key, accountId } = await newTenant();
    const model = await served(1, { url: "https://gpu.test/v1/predict" });
    const id = await queued(model, { accountId, retry: ONCE, input: { at: "row", body: input, contentType: "application/json" } });
    await run(still({ fetch: gpu(script) }), [laneOf(model)], "lease");
    const inference = await object(stillAs(key, "GET", `/v1/inferences/${id}`));
    return { inference, result: await stillAs(key, "GET", `/v1/inferences/${id}/result`) };
  }

  test("is asked by POST at its very address with the input as it came, and its JSON comes back as it is", async () => {
    const input = '{"prompt": "caf\u00e9",  "n": 1.0}';
    let asked: unknown[] = [];
    const { inference, result } = await outcome(input, async (request) => {
      asked = [request.method, request.url, request.headers.get("content-type"), await request.text()];
      return new Response('{"b": 1.50, "a": [1,2]}', { headers: { "Content-Type": "application/vnd.mine+json; charset=utf-8" } });
    });
    expect(asked).toEqual(["POST", "https://gpu.test/v1/predict", "application/json", input]);
    expect(inference).toMatchObject({ status: "succeeded", output: { b: 1.5, a: [1, 2] } });
    expect(result.headers.get("content-type")).toBe("application/vnd.mine+json; charset=utf-8");
    expect(await result.text()).toBe('{"b": 1.50, "a": [1,2]}');
  });

  test("may answer with JSON of Latin-1, which goes on as UTF-8", async () => {
    const body = Uint8Array.from('{"a":"caf\u00e9"}', (character) => character.charCodeAt(0));
    const { inference, result } = await outcome(
      "{}",
      () => new Response(body, { headers: { "Content-Type": "application/json; charset=latin1" } }),
    );
    expect(inference).toMatchObject({ status: "succeeded", output: { a: "caf\u00e9" } });
    expect([result.headers.get("content-type"), await result.json()]).toEqual(["application/json", { a: "caf\u00e9" }]);
  });

  test("is told which inference it is, which attempt at it, until when, and of which trace", async () => {
    const { key, accountId } = await newTenant();
    const model = await served(1, { url: "https://gpu.test/v1/predict", timeout_seconds: 30 });
    const id = await queued(model, { accountId, retry: { ...ONCE, maxAttempts: 2 } });
    const asked: Headers[] = [];
    const script = ({ headers }: Request) => {
      asked.push(headers);
      return asked.length === 1 ? new Response(null, { status: 500 }) : Response.json(1);
    };
    const began = Date.now();
    await run(still({ fetch: gpu(script) }), [laneOf(model)], "lease");
    await env.DB.prepare("UPDATE inferences SET not_before = NULL WHERE id = ? AND status = 'queued'").bind(id).run();
    await run(still({ fetch: gpu(script) }), [laneOf(model)], "lease");
    expect(await object(stillAs(key, "GET", `/v1/inferences/${id}`))).toMatchObject({ status: "succeeded", attempts: 2 });
    const told = (name: string) => asked.map((headers) => headers.get(name));
    expect([told("x-inference-id"), told("x-inference-attempt")]).toEqual([
      [id, id],
      ["1", "2"],
    ]);
    const trace = id.replaceAll("-", "");
    const { spans } = (await object(stillAs(key, "GET", `/v1/inferences/${id}/timeline`))) as { spans: { name: string; id: string }[] };
    const calls = spans.flatMap((span) => (span.name === "backend" ? [`00-${trace}-${span.id}-01`] : []));
    expect(told("traceparent")).toEqual(calls);
    expect(new Set(calls).size).toBe(2);
    for (const deadline of told("x-inference-deadline")) {
      const within = Date.parse(String(deadline)) - began;
      expect([within > 0, within < 90_000]).toEqual([true, true]);
    }
  });

  test.each([
    ["image/png", [0x89, 0x50, 0x4e, 0x47, 0, 255, 254]],
    ["audio/wav", Array.from({ length: 100_000 }, (_, index) => index % 256)],
    ["text/plain; charset=latin1", [0x63, 0x61, 0x66, 0xe9]],
    [null, [1, 2, 3]],
  ])("may answer with bytes of type %s, which are the result to the last", async (type, bytes) => {
    const body = new Uint8Array(bytes);
    const { inference, result } = await outcome("{}", () => new Response(body, { headers: type === null ? {} : { "Content-Type": type } }));
    expect(inference).toMatchObject({ status: "succeeded", output: null, output_items: 1 });
    expect([result.status, result.headers.get("content-type")]).toEqual([200, type ?? "application/octet-stream"]);
    expect(result.headers.get("content-length")).toBe(String(body.byteLength));
    expect(new Uint8Array(await result.arrayBuffer())).toEqual(body);
  });

  test.each<Record<string, string>>([{}, { "Content-Type": "application/json", "Content-Length": "70" }])(
    "may answer with nothing at all, and the headers %j",
    async (headers) => {
      const { inference, result } = await outcome("{}", () => new Response(null, { status: 204, headers }));
      expect(inference).toMatchObject({ status: "succeeded" });
      expect([result.status, (await result.arrayBuffer()).byteLength]).toEqual([200, 0]);
    },
  );

  test.each<[string, () => Response, Record<string, unknown>]>([
    [
      "JSON that is none",
      () => new Response("{", { headers: { "Content-Type": "application/json" } }),
      { class: "infrastructure", code: "backend_garbage" },
    ],
    [
      "what is not gzip, as it says",
      () => new Response("{}", { headers: { "Content-Type": "application/json", "Content-Encoding": "x-gzip" } }),
      { class: "infrastructure", code: "backend_garbage" },
    ],
    [
      "a coding that was not asked for",
      () => new Response("{}", { headers: { "Content-Type": "image/png", "Content-Encoding": "zstd" } }),
      { class: "infrastructure", code: "backend_garbage" },
    ],
    ["a refusal", () => Response.json({ detail: "no prompt" }, { status: 400 }), { class: "input", code: "backend_rejected" }],
    ["a wrong address", () => new Response("nope", { status: 404 }), { class: "infrastructure", code: "backend_misconfigured" }],
    ["a redirect", () => new Response(null, { status: 302, headers: { Location: "https://evil.test" } }), { code: "backend_error" }],
    ["a failure", () => new Response("panic", { status: 500 }), { class: "infrastructure", code: "backend_error" }],
  ])("that answers with %s fails the inference with its class", async (_what, script, error) => {
    const { inference } = await outcome("{}", script);
    expect(inference).toMatchObject({ status: "failed", error, output: null });
  });
});

describe("a backend of the protocol openai", () => {
  async function outcome(input: unknown, script: (request: Request) => Response | Promise<Response>) {
    const { key, accountId } = await newTenant();
    const model = await newModel();
    await newBackend(model, { protocol: "openai", url: "https://vllm.test", remote_model: "meta/llama" });
    const id = await queued(model, {
      accountId,
      retry: ONCE,
      input: { at: "row", body: JSON.stringify(input), contentType: "application/json" },
    });
    await run(still({ fetch: gpu(script) }), [laneOf(model)], "lease");
    return object(stillAs(key, "GET", `/v1/inferences/${id}`));
  }

  const chat = { messages: [{ role: "user", content: "hi" }], temperature: 0.5, model: "mine", stream: true };
  const answer = { id: "c1", choices: [{ index: 0, message: { role: "assistant", content: "ho" } }] };

  test("is asked for a chat completion by its own name of the model, never for a stream", async () => {
    let asked: unknown[] = [];
    const inference = await outcome(chat, async (request) => {
      asked = [request.method, request.url, await request.json()];
      return Response.json(answer);
    });
    expect(asked).toEqual(["POST", "https://vllm.test/v1/chat/completions", { ...chat, model: "meta/llama", stream: false }]);
    expect(inference).toMatchObject({ status: "succeeded", output: answer, output_items: 1 });
  });

  test.each([[{}], [[]], ["hi"], [{ messages: "hi" }], [null]])("refuses the input %j, which is no chat, without asking", async (input) => {
    let asked = 0;
    const inference = await outcome(input, () => {
      asked++;
      return Response.json(answer);
    });
    expect([asked, inference]).toEqual([0, expect.objectContaining({ status: "failed" })]);
    expect(inference["error"]).toMatchObject({ class: "input", code: "input_not_chat" });
  });

  test.each<[string, () => Response, Record<string, unknown>]>([
    ["no choices", () => Response.json({ id: "c1" }), { class: "infrastructure", code: "backend_garbage" }],
    ["no JSON", () => new Response("<html>"), { class: "infrastructure", code: "backend_garbage" }],
    [
      "an error of its API",
      () => Response.json({ error: { message: "context too long", type: "invalid_request_error" } }, { status: 400 }),
      { class: "input", code: "backend_rejected", message: "The backend answered 400: context too long" },
    ],
    ["being overloaded", () => Response.json({ error: { message: "busy" } }, { status: 429 }), { class: "capacity", code: "backend_busy" }],
  ])("that answers with %s fails the inference with its class", async (_what, script, error) => {
    expect(await outcome(chat, script)).toMatchObject({ status: "failed", error, output: null });
  });

  test("is ready when it lists its models", async () => {
    const model = await newModel();
    const backend = await newBackend(model, { protocol: "openai", url: "https://vllm.test" });
    const asked: string[] = [];
    backendIs((request) => {
      asked.push(request.url);
      return Response.json({ object: "list", data: [] });
    });
    const ready = () => object(stillAs(env.ADMIN_TOKEN, "GET", `/admin/v1/backends/${backend}/ready`));
    expect(await ready()).toMatchObject({ ready: true });
    backendIs(() => Response.json({ error: { message: "loading" } }, { status: 503 }));
    expect(await ready()).toMatchObject({ ready: false, detail: expect.stringContaining("loading") });
    expect(asked).toEqual(["https://vllm.test/v1/models"]);
  });
});

/** RunPod's wire as its pages and its clients have it: what goes well, what is refused, what nobody may see. */
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { changeStatements } from "../../src/inferences/sql/change.ts";
import { BACKEND_ANSWER_BYTES, INLINE_BYTES, JSON_BODY_BYTES } from "../../src/limits.ts";
import { claimed, ended, expire, queued, rowOf, submitted } from "./support/inferences.ts";
import { backendIs, publicNames } from "./support/outside.ts";
import { faultyDatabase, still, stillAs, stillEnv } from "./support/ports.ts";
import { ORIGIN, as, call, object, operator, seen, until } from "./support/requests.ts";
import { newBackend, newModel, newTenant, served, servedBy, unknownKey } from "./support/tenants.ts";

// What backs off waits for ticks of the sweep, and a busy machine is slow.
vi.setConfig({ testTimeout: 30_000 });

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const HOOK = "https://hooks.example.com/done";
const at = (model: string, path: string) => `/runpod/v2/${encodeURIComponent(model)}/${path}`;
const MS = expect.any(Number);

async function ran(key: string, model: string, body: Record<string, unknown> = {}): Promise<string> {
  const answer = await as(key, "POST", at(model, "run"), { input: { text: "x" }, ...body });
  expect(answer.status).toBe(200);
  return String((await object(answer))["id"]);
}

const jobOf = (key: string, model: string, id: string) => object(as(key, "GET", at(model, `status/${id}`)));

/** An answer as `seen` shows it. */
const good = (body: unknown) => ({ status: 200, type: "application/json", body });
const refusal = (status: number, error: unknown = expect.stringMatching(/\S/)) => ({ status, type: "application/json", body: { error } });

/** A job that a client of that account has run and that is in that state now. */
async function inState(state: string): Promise<{ key: string; model: string; id: string }> {
  const { key } = await newTenant();
  const model = await served();
  const it = { key, model, id: String((await object(stillAs(key, "POST", at(model, "run"), { input: { text: "x" } })))["id"]) };
  const fail = async (error: object) => {
    const claim = await claimed(model);
    await still().db.all(
      changeStatements.fail(claim, { class: "model", code: "backend_error", status: 500, message: "It broke.", ...error }),
    );
  };
  switch (state) {
    case "IN_PROGRESS":
      await claimed(model);
      return it;
    case "COMPLETED":
      await still().db.all(
        changeStatements.succeed(await claimed(model), { at: "row", body: "[1,2.50]", contentType: "application/json" }, 8, 2),
      );
      return it;
    case "FAILED":
      await fail({});
      return it;
    case "TIMED_OUT":
      await fail({ class: "timeout", code: "backend_timeout", status: 504, message: "It took too long." });
      return it;
    case "TIMED_OUT in the queue":
      await expire(it.id);
      return it;
    case "CANCELLED":
      await stillAs(key, "POST", at(model, `cancel/${it.id}`), {});
      return it;
    default:
      return it;
  }
}

const STATES: readonly (readonly [state: string, job: Record<string, unknown>, caching: string])[] = [
  ["IN_QUEUE", { status: "IN_QUEUE" }, "private, no-cache"],
  ["IN_PROGRESS", { status: "IN_PROGRESS", delayTime: MS }, "private, no-cache"],
  ["COMPLETED", { status: "COMPLETED", delayTime: MS, executionTime: MS, output: [1, 2.5] }, "private, max-age=31536000, immutable"],
  ["FAILED", { status: "FAILED", delayTime: MS, executionTime: MS, error: "It broke." }, "private, max-age=1"],
  ["TIMED_OUT", { status: "TIMED_OUT", delayTime: MS, executionTime: MS, error: "It took too long." }, "private, max-age=1"],
  ["TIMED_OUT in the queue", { status: "TIMED_OUT", error: expect.stringMatching(/queue/) }, "private, max-age=1"],
  ["CANCELLED", { status: "CANCELLED" }, "private, max-age=31536000, immutable"],
];

describe("a job", () => {
  test("goes from a run with every published member to its output", async () => {
    const { key } = await newTenant();
    const received: unknown[] = [];
    const told: unknown[] = [];
    const model = await servedBy(async (request) => {
      if (request.url.startsWith("https://hooks.")) {
        told.push(await request.json());
        return new Response("taken");
      }
      if (!request.url.includes(".gpu.test")) return publicNames(request);
      received.push(await request.json());
      return Response.json({ data: 1 });
    });
    const policy = { executionTimeout: 60_000, lowPriority: true, ttl: 120_000 };
    const answer = await seen(as(key, "POST", at(model, "run"), { input: { prompt: "hi" }, webhook: HOOK, policy, s3Config: null }));
    const id = String((answer.body as Record<string, unknown>)["id"]);
    expect(answer).toStrictEqual(good({ id: expect.stringMatching(UUID), status: "IN_QUEUE" }));
    expect(await rowOf(id)).toMatchObject({ dialect: "runpod", priority: 2, max_time_in_queue_seconds: 120, run_within_seconds: 60 });
    await ended(key, id);
    const job = { id, status: "COMPLETED", delayTime: MS, executionTime: MS, output: { data: 1 } };
    expect(await jobOf(key, model, id)).toStrictEqual(job);
    expect(received).toEqual([{ prompt: "hi" }]);
    expect(
      await until(
        async () => told,
        ({ length }) => length > 0,
      ),
    ).toStrictEqual([await jobOf(key, model, id)]);
  });

  test.each(STATES)("that is %s is shown so, and kept as long as it is so", async (state, job, caching) => {
    const { key, model, id } = await inState(state);
    const path = at(model, `status/${id}`);
    const answer = await as(key, "GET", path);
    expect(answer.headers.get("cache-control")).toBe(caching);
    const etag = answer.headers.get("etag") ?? "";
    expect(await seen(answer)).toStrictEqual(good({ id, ...job }));
    expect((await as(key, "GET", path, undefined, { "If-None-Match": etag })).status).toBe(304);
    expect(await seen(as(key, "POST", path, {}, { "If-None-Match": etag }))).toStrictEqual(good({ id, ...job }));
  });

  test("is one of the version that its endpoint names, or of the default one", async () => {
    const { key } = await newTenant();
    const model = await newModel({ versions: ["v1", "v2"], default_version: "v2" });
    expect(await rowOf(await ran(key, model))).toMatchObject({ model, version: "v2" });
    const run = await object(as(key, "POST", `/runpod/v2/${model}/versions/v1/run`, { input: 1 }));
    expect(await rowOf(String(run["id"]))).toMatchObject({ model, version: "v1" });
    expect(await object(as(key, "GET", `/runpod/v2/${model}/versions/v1/status/${String(run["id"])}`))).toMatchObject(run);
    const nothing = as(key, "POST", `/runpod/v2/${model}/versions/v3/run`, { input: 1 });
    expect(await seen(nothing)).toStrictEqual(refusal(404, expect.stringContaining('no version "v3"')));
  });

  test("of a model whose name has slashes is run by the name as it is written in a path", async () => {
    const { key } = await newTenant();
    const model = `org/${await newModel()}`;
    await operator("POST", "/models", { name: model });
    expect(await rowOf(await ran(key, model))).toMatchObject({ model });
  });

  test("is found by its id alone, in capitals too, whatever submitted it", async () => {
    const { key } = await newTenant();
    const id = await submitted(key, await newModel());
    expect(await jobOf(key, "another", id.toUpperCase())).toStrictEqual({ id, status: "IN_QUEUE" });
  });

  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ["nothing", {}, { priority: 0, max_time_in_queue_seconds: 86_400, run_within_seconds: null, cancel_at: null }],
    ["null", { policy: null, webhook: null, s3Config: null }, { priority: 0, max_time_in_queue_seconds: 86_400, run_within_seconds: null }],
    ["null in each", { policy: { executionTimeout: null, ttl: null, lowPriority: null } }, { max_time_in_queue_seconds: 86_400 }],
    ["the least", { policy: { executionTimeout: 5_000, ttl: 10_000 } }, { run_within_seconds: 5, max_time_in_queue_seconds: 10 }],
    ["parts of a second", { policy: { executionTimeout: 5_001, ttl: 10_999 } }, { run_within_seconds: 6, max_time_in_queue_seconds: 11 }],
    [
      "more than we allow",
      { policy: { executionTimeout: 604_800_000, ttl: 604_800_000 } },
      { run_within_seconds: 840, max_time_in_queue_seconds: 259_200 },
    ],
    ["members that nobody publishes", { timeout: 60_000, policy: { jitter: 1 }, model: "x" }, { max_time_in_queue_seconds: 86_400 }],
  ])("whose policy says %s has the clocks of it", async (_what, body, row) => {
    const { key } = await newTenant();
    expect(await rowOf(await ran(key, await newModel(), body))).toMatchObject({ input: '{"text":"x"}', ...row });
  });

  test("is cancelled by its ttl while it runs", async () => {
    const { key } = await newTenant();
    const row = await rowOf(await ran(key, await newModel(), { policy: { ttl: 604_800_000 } }));
    expect(Number(row["cancel_at"]) - Number(row["created_at"])).toBe(604_800_000);
  });

  test.each([["a text"], [null], [[1, [2]]], [0], [false]])("may have the input %j", async (input) => {
    const { key } = await newTenant();
    expect((await rowOf(await ran(key, await newModel(), { input })))["input"]).toBe(JSON.stringify(input));
  });

  test("is accepted once for one Idempotency-Key", async () => {
    const { key } = await newTenant();
    const path = at(await newModel(), "run");
    const again = (input: number) => as(key, "POST", path, { input }, { "Idempotency-Key": "order-7" });
    const [first, second] = [await again(1), await again(1)];
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect(await seen(second)).toStrictEqual(await seen(first));
    expect(await seen(again(2))).toStrictEqual(refusal(422));
  });
});

describe("an output", () => {
  test.each([
    ["of another type", "a picture", "image/png"],
    ["that is text", "It is blue.", "text/plain"],
    ["of more JSON than is read", `"${"x".repeat(BACKEND_ANSWER_BYTES)}"`, "application/json"],
  ])("%s is a link that needs no key, and is good for as long as the answer is", async (_what, body, type) => {
    const { key } = await newTenant();
    const model = await servedBy(() => new Response(body, { headers: { "Content-Type": type } }));
    const id = await ran(key, model);
    await ended(key, id);
    const answer = await as(key, "GET", at(model, `status/${id}`));
    const known = { "If-None-Match": answer.headers.get("etag") ?? "" };
    const again = () => as(key, "GET", at(model, `status/${id}`), undefined, known);
    expect([answer.headers.get("cache-control"), (await again()).status]).toEqual(["private, no-cache", 304]);
    const { output } = (await object(answer)) as { output: { url: string } };
    expect(output).toStrictEqual({ url: expect.stringMatching(/\/v1\/links\//), content_type: type, file_size: body.length });
    const followed = await call(output.url.slice(ORIGIN.length));
    expect([followed.status, followed.headers.get("content-type"), await followed.text()]).toEqual([200, type, body]);
    const hour = 3_600_000;
    const now = vi.spyOn(Date, "now").mockReturnValue(Date.now() + hour);
    expect([(await again()).status, (await call(output.url.slice(ORIGIN.length))).status]).toEqual([200, 200]);
    now.mockRestore();
  });

  test("that is a link is another answer to another key, since the link dies with its key", async () => {
    const { accountId, key } = await newTenant();
    const other = String((await object(operator("POST", "/keys", { account_id: accountId })))["key"]);
    const model = await servedBy(() => new Response("text", { headers: { "Content-Type": "text/plain" } }));
    const id = await ran(key, model);
    await ended(key, id);
    const known = (await as(key, "GET", at(model, `status/${id}`))).headers.get("etag") ?? "";
    expect((await as(other, "GET", at(model, `status/${id}`), undefined, { "If-None-Match": known })).status).toBe(200);
  });

  test("with files in it has a link in the place of each, and is another one when they are", async () => {
    const { key } = await newTenant();
    const model = await newModel({ output_files: [{ field: "images" }] });
    await newBackend(model, { protocol: "http" });
    const quote = 'It is at "/v1/inferences/".';
    backendIs(() => Response.json({ quote, images: [btoa("first"), btoa("second")] }));
    const id = await ran(key, model);
    await ended(key, id);
    const answer = await as(key, "GET", at(model, `status/${id}`));
    const known = { "If-None-Match": answer.headers.get("etag") ?? "" };
    const again = async () => (await as(key, "GET", at(model, `status/${id}`), undefined, known)).status;
    const { output } = (await object(answer)) as { output: { quote: string; images: string[] } };
    expect(output.quote).toBe(quote);
    const files = await Promise.all(output.images.map(async (url) => (await call(url.slice(ORIGIN.length))).text()));
    expect(files).toEqual(["first", "second"]);
    expect(await again()).toBe(304);
    const now = vi.spyOn(Date, "now").mockReturnValue(Date.now() + 3_600_000);
    expect(await again()).toBe(200);
    now.mockRestore();
  });

  test("that is in the bucket is shown as it is", async () => {
    const { key } = await newTenant();
    const model = await servedBy(() => Response.json("x".repeat(INLINE_BYTES)));
    const id = await ran(key, model);
    await ended(key, id);
    expect((await jobOf(key, model, id))["output"]).toBe("x".repeat(INLINE_BYTES));
  });

  test("that was removed is 410", async () => {
    const { key, model, id } = await inState("COMPLETED");
    await env.DB.prepare("UPDATE inferences SET data_removed_at = 1, output = NULL, output_type = NULL WHERE id = ?").bind(id).run();
    expect(await seen(as(key, "GET", at(model, `status/${id}`)))).toStrictEqual(refusal(410));
  });
});

describe("a call that waits", () => {
  test("is answered at the end by runsync", async () => {
    const { key } = await newTenant();
    const model = await servedBy(async (request) => Response.json(await request.json()));
    const answer = await seen(as(key, "POST", at(model, "runsync?wait=60000"), { input: { a: 1 } }));
    expect(answer).toStrictEqual(
      good({ id: expect.stringMatching(UUID), status: "COMPLETED", delayTime: MS, executionTime: MS, output: { a: 1 } }),
    );
  });

  test("is answered by the job as it stands when its time is over, and runs on", async () => {
    const { key } = await newTenant();
    const model = await served();
    const answer = await object(stillAs(key, "POST", at(model, "runsync?wait=1"), { input: { a: 1 } }));
    expect(answer).toStrictEqual({ id: expect.stringMatching(UUID), status: "IN_QUEUE" });
    const id = String(answer["id"]);
    for (const method of ["GET", "POST"])
      expect(await object(as(key, method, at(model, `status-sync/${id}?wait=1`)))).toStrictEqual(answer);
    const waiting = object(as(key, "GET", at(model, `status-sync/${id}`)));
    await until(
      () => rowOf(id),
      (row) => Number(row["watched_until"]) > 0,
    );
    await still().db.all(changeStatements.succeed(await claimed(model), { at: "row", body: "1", contentType: "application/json" }, 1, 1));
    expect(await waiting).toMatchObject({ id, status: "COMPLETED", output: 1 });
    expect((await as(key, "GET", at(model, `status-sync/${id}`), undefined, { "If-None-Match": "*" })).status).toBe(304);
  });

  test.each(["", "soon", "-1", "1.5", "300001", "1e3"])("for wait=%s is 400, and nothing is submitted", async (wait) => {
    const { key } = await newTenant();
    const model = await newModel();
    const wanted = refusal(400, '"wait" must be milliseconds from 0 to 300000');
    expect(await seen(as(key, "POST", at(model, `runsync?wait=${wait}`), { input: 1 }))).toStrictEqual(wanted);
    expect(await seen(as(key, "GET", at(model, `status-sync/${crypto.randomUUID()}?wait=${wait}`)))).toStrictEqual(wanted);
    expect(await env.DB.prepare("SELECT count(*) AS n FROM inferences WHERE model = ?").bind(model).first("n")).toBe(0);
  });
});

describe("cancel and retry", () => {
  test.each(STATES)("a cancel of a job that was %s answers how it is", async (state, job) => {
    const { key, model, id } = await inState(state);
    const body = state.startsWith("IN_") ? expect.objectContaining({ id, status: "CANCELLED" }) : { id, ...job };
    for (const path of [`cancel/${id}`, `cancel/${id}`]) expect(await seen(as(key, "POST", at(model, path), {}))).toStrictEqual(good(body));
  });

  test("a cancel does not show an output to a key that may not read", async () => {
    const { accountId, key } = await newTenant();
    const other = await object(operator("POST", "/keys", { account_id: accountId, scopes: ["cancel"] }));
    const model = await servedBy(() => Response.json("a secret"));
    const id = await ran(key, model);
    await ended(key, id);
    const shown = await object(as(String(other["key"]), "POST", at(model, `cancel/${id}`), {}));
    expect(shown).toStrictEqual({ id, status: "COMPLETED", delayTime: MS, executionTime: MS });
  });

  test.each(STATES)("a retry of a job that was %s runs it again only if it has failed or timed out", async (state, job) => {
    const { key, model, id } = await inState(state);
    const answer = await seen(stillAs(key, "POST", at(model, `retry/${id}`)));
    const isRetried = /^(?:FAILED|TIMED_OUT)/.test(state);
    if (isRetried) expect(answer).toStrictEqual(good(expect.objectContaining({ id, status: "IN_QUEUE" })));
    else expect(answer).toStrictEqual(refusal(409, expect.stringContaining(`this one is ${String(job["status"])}`)));
    expect(await jobOf(key, model, id)).toMatchObject({ status: isRetried ? "IN_QUEUE" : job["status"] });
  });

  test("a retry of what has no input any more, or too many attempts, or no model, is refused", async () => {
    const { key, model, id } = await inState("FAILED");
    const retry = async () => seen(stillAs(key, "POST", at(model, `retry/${id}`)));
    const set = (what: string) => env.DB.prepare(`UPDATE inferences SET ${what} WHERE id = ?`).bind(id).run();
    await set("data_removed_at = 1");
    expect(await retry()).toStrictEqual(refusal(410, expect.stringContaining("input")));
    await set("data_removed_at = NULL, attempt = 1000");
    expect(await retry()).toStrictEqual(refusal(409, expect.stringContaining("1000 attempts")));
    await set("attempt = 1, model = 'gone'");
    expect(await retry()).toStrictEqual(refusal(404, expect.stringContaining('no model "gone"')));
  });
});

describe("health", () => {
  test("counts what waits and runs of the model, what has ended of the account, and slots", async () => {
    const { key, accountId } = await newTenant();
    const model = await served(3);
    const states = ["succeeded", "failed", "canceled"];
    for (const _ of states) await queued(model, { accountId });
    const [done, failed] = [await claimed(model), await claimed(model, "other")];
    await still().db.all(changeStatements.succeed(done, { at: "row", body: "1", contentType: "application/json" }, 1, 1));
    await still().db.all(changeStatements.fail(failed, { class: "model", code: "x", status: 500, message: "x" }));
    await claimed(model);
    await queued(model, { accountId: "somebody" });
    expect(await seen(as(key, "GET", at(model, "health")))).toStrictEqual(
      good({
        jobs: { completed: 1, failed: 1, inProgress: 1, inQueue: 1, retried: 0 },
        workers: { idle: 2, initializing: 0, ready: 3, running: 1, throttled: 0, unhealthy: 0 },
      }),
    );
  });

  test("is that of the version in the path, and 404 for what is not there", async () => {
    const { key } = await newTenant();
    const model = await newModel({ versions: ["v1", "v2"], default_version: "v2" });
    await newBackend(model, { version: "v1", max_concurrency: 5 });
    expect(await object(as(key, "GET", at(model, "health")))).toMatchObject({ workers: { ready: 0 } });
    expect(await object(as(key, "GET", `/runpod/v2/${model}/versions/v1/health`))).toMatchObject({ workers: { ready: 5 } });
    expect(await seen(as(key, "GET", `/runpod/v2/${model}/versions/v3/health`))).toStrictEqual(refusal(404));
    expect(await seen(as(key, "GET", "/runpod/v2/nothing/health"))).toStrictEqual(refusal(404, 'There is no model "nothing".'));
  });
});

describe("a body", () => {
  const RUNS = ["run", "runsync?wait=1"];
  const S3 = { accessId: "id", accessSecret: "hush-hush", bucketName: "b", endpointUrl: "https://s3.example.com" };

  test.each<[string, unknown, string]>([
    ["nothing to run", {}, '"input" is missing'],
    ["a list", [], "The body must be an object"],
    ["a bucket of the client's", { input: 1, s3Config: S3 }, '"s3Config" is not taken here'],
    ["another webhook", { input: 1, webhookV2: HOOK }, '"webhookV2" is not taken here: give the URL as "webhook"'],
    ["a policy in words", { input: 1, policy: "fast" }, '"policy" must be an object'],
    [
      "too short a time to run",
      { input: 1, policy: { executionTimeout: 4_999 } },
      '"policy.executionTimeout" must be from 5000 to 604800000',
    ],
    ["too long a time to run", { input: 1, policy: { executionTimeout: 604_800_001 } }, '"policy.executionTimeout" must be from'],
    ["a time to run in words", { input: 1, policy: { executionTimeout: "60000" } }, '"policy.executionTimeout" must be'],
    ["half a millisecond", { input: 1, policy: { ttl: 10_000.5 } }, '"policy.ttl" must be'],
    ["too short a time to live", { input: 1, policy: { ttl: 9_999 } }, '"policy.ttl" must be from 10000 to 604800000, and is 9999'],
    ["too long a time to live", { input: 1, policy: { ttl: 604_800_001 } }, '"policy.ttl" must be from'],
    ["a low priority of 1", { input: 1, policy: { lowPriority: 1 } }, '"policy.lowPriority" must be a boolean'],
    ["a webhook that is a number", { input: 1, webhook: 5 }, '"webhook" must be'],
    ["a webhook that is empty", { input: 1, webhook: "" }, '"webhook" must'],
    ["a webhook without TLS", { input: 1, webhook: "http://example.com/hook" }, '"webhook" must use https'],
    ["a webhook on this machine", { input: 1, webhook: "https://10.0.0.1/hook" }, '"webhook" must'],
  ])("with %s is 400 and says where", async (_name, body, message) => {
    const { key, accountId } = await newTenant();
    const model = await newModel();
    for (const path of RUNS) {
      const answer = await seen(as(key, "POST", at(model, path), body));
      expect(answer).toStrictEqual(refusal(400, expect.stringContaining(message)));
      expect(JSON.stringify(answer)).not.toContain("hush-hush");
    }
    expect(await env.DB.prepare("SELECT count(*) AS n FROM inferences WHERE account_id = ?").bind(accountId).first("n")).toBe(0);
  });

  test.each(RUNS)("of %s is JSON, of at most 10 MB", async (what) => {
    const { key } = await newTenant();
    const path = at(await newModel(), what);
    for (const type of ["text/plain", "multipart/form-data; boundary=x", "application/octet-stream"])
      expect(await seen(as(key, "POST", path, "{}", { "Content-Type": type }))).toStrictEqual(refusal(415));
    for (const body of ["", "{", '{"input":}', '{"input":1e999}', `{"input":${"[".repeat(65)}${"]".repeat(65)}}`])
      expect(await seen(as(key, "POST", path, body))).toStrictEqual(refusal(400));
    const large = as(key, "POST", path, `{"input":"${"x".repeat(JSON_BODY_BYTES)}"}`);
    expect(await seen(large)).toStrictEqual(refusal(413, `The body exceeds ${JSON_BODY_BYTES} bytes.`));
  });

  test("never breaks the wire: it is taken, or refused in the wire's form", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const member = fc.constantFrom("input", "webhook", "policy", "s3Config", "executionTimeout", "ttl", "lowPriority", "__proto__", "");
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom("0", "-1", "60000", "1e308", "9007199254740993", "0.1", "null", "true", "{}", '"https://example.com"', '"\\ud800"'),
        fc.json(),
        fc
          .array(fc.tuple(member, tie("value")), { maxLength: 5 })
          .map((members) => `{${members.map(([name, each]) => `${JSON.stringify(name)}:${String(each)}`).join(",")}}`),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(fc.oneof({ weight: 6, arbitrary: value.map(String) }, fc.string({ unit: "binary" })), async (body) => {
        const answer = await as(key, "POST", at(model, "run"), body);
        if (answer.status === 200) expect(await object(answer)).toMatchObject({ status: "IN_QUEUE" });
        else expect(await seen(answer)).toStrictEqual(refusal(400));
      }),
      { numRuns: 100 },
    );
  });
});

describe("who may call", () => {
  const id = crypto.randomUUID();
  const ROUTES: readonly (readonly [method: string, call: string, scope: string])[] = [
    ["POST", "run", "submit"],
    ["POST", "runsync", "submit"],
    ["GET", `status/${id}`, "read"],
    ["POST", `status/${id}`, "read"],
    ["GET", `status-sync/${id}`, "read"],
    ["POST", `status-sync/${id}`, "read"],
    ["GET", `stream/${id}`, "read"],
    ["POST", `stream/${id}`, "read"],
    ["POST", "purge-queue", "cancel"],
    ["POST", `cancel/${id}`, "cancel"],
    ["POST", `retry/${id}`, "submit"],
    ["GET", "health", "read"],
  ];
  const request = (key: string | null, method: string, path: string, header = `Bearer ${key}`) =>
    call(path, {
      method,
      headers: { "Content-Type": "application/json", ...(key === null ? {} : { Authorization: header }) },
      ...(method === "POST" ? { body: JSON.stringify({ input: {} }) } : {}),
    });

  test.each(ROUTES)("%s %s: by key, scope and limit", async (method, name, scope) => {
    const { key, keyId, accountId } = await newTenant();
    for (const path of [`/runpod/v2/m/${name}`, `/runpod/v2/m/versions/v/${name}`]) {
      expect(await seen(request(key, method, path))).toStrictEqual(refusal(404));
      expect((await request(key, method, path, key)).status).toBe(404); // a bare key
    }
    const path = `/runpod/v2/m/${name}`;
    await operator("DELETE", `/keys/${keyId}`);
    for (const bad of [null, "sk-000", await unknownKey(accountId), key]) {
      const answer = await request(bad, method, path);
      expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer realm="/);
      expect(await seen(answer)).toStrictEqual(refusal(401));
    }
    const without = await newTenant({ scopes: ["submit", "read", "cancel"].filter((other) => other !== scope) });
    expect(await seen(request(without.key, method, path))).toStrictEqual(refusal(403, `This call needs a key with the scope "${scope}".`));
    const slow = await newTenant({ limits: { read: 1, submit: 1, cancel: 1 } });
    const now = vi.spyOn(Date, "now").mockReturnValue(Date.now());
    expect((await request(slow.key, method, path)).status).toBe(404);
    const limited = await request(slow.key, method, path);
    now.mockRestore();
    expect(limited.headers.get("retry-after")).toBe("1");
    expect(await seen(limited)).toStrictEqual(refusal(429));
  });

  test("nobody finds a job that is not the caller's, or by an id as RunPod makes them", async () => {
    const { key } = await newTenant();
    const other = await newTenant();
    const theirs = await ran(other.key, await newModel());
    for (const unknown of [theirs, id, `${theirs}-u1`, `sync-${theirs}`, "nope"]) {
      for (const [method, name] of ROUTES.filter(([, each]) => each.includes(id))) {
        const answer = await seen(request(unknown === theirs ? key : other.key, method, `/runpod/v2/m/${name.replace(id, unknown)}`));
        expect([name, answer]).toStrictEqual([name, refusal(404, `There is no job "${unknown}".`)]);
      }
    }
    expect(await jobOf(other.key, "m", theirs)).toMatchObject({ status: "IN_QUEUE" });
  });

  test.each([
    ["GET", "/runpod/v2/m/run", "POST"],
    ["PUT", `/runpod/v2/m/status/${id}`, "GET, HEAD, POST"],
    ["DELETE", `/runpod/v2/m/versions/v/cancel/${id}`, "POST"],
  ])("%s %s is 405 and says what there is", async (method, path, allow) => {
    const { key } = await newTenant();
    const answer = await as(key, method, path);
    expect(answer.headers.get("allow")).toBe(allow);
    expect(await seen(answer)).toStrictEqual(refusal(405, `This path takes ${allow}.`));
  });

  test.each(["/runpod", "/runpod/v2", "/runpod/v2/m", "/runpod/v2/m/nothing", "/runpod/v1/m/run", "/runpod/v2/m/versions/run"])(
    "there is nothing at %s",
    async (path) => {
      const { key } = await newTenant();
      expect(await seen(as(key, "POST", path, {}))).toStrictEqual(refusal(404));
    },
  );

  test.each(ROUTES)("%s %s says in the wire's form that the platform is away, or that something is broken", async (method, name) => {
    const { key } = await newTenant();
    const broken = (message: string) => stillEnv({ DB: faultyDatabase(() => Promise.reject(new Error(message))) });
    const path = `/runpod/v2/m/${name}`;
    const body = method === "POST" ? { input: 1 } : undefined;
    const away = await stillAs(key, method, path, body, {}, broken("the network is down"));
    expect(away.headers.get("retry-after")).toMatch(/^[1-9]/);
    expect(await seen(away)).toStrictEqual(refusal(503));
    const ours = await stillAs(key, method, path, body, {}, broken("no such column: SQLITE_ERROR"));
    expect(await seen(ours)).toStrictEqual(refusal(500, expect.not.stringContaining("SQLITE")));
  });
});

/**
 * What RunPod's wire gives of a job while it runs: each chunk once, whoever asks and however often, and an end that every client of theirs
 * sees. And what is done to all jobs of a model.
 */
import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { changeStatements } from "../../src/inferences/sql/change.ts";
import { cancelWaiting } from "../../src/inferences/change.ts";
import type { Claim } from "../../src/inferences/sql/record.ts";
import { LogSink } from "../../src/inferences/streams/sink.ts";
import { BULK_ROWS, HEAD_ROWS, STREAM_GIVEN_MS } from "../../src/limits.ts";
import { claimed, expire, laneOf, queued, queuedMany, rowOf } from "./support/inferences.ts";
import { backendIs } from "./support/outside.ts";
import { ports, still, stillAs } from "./support/ports.ts";
import { ORIGIN, as, call, object, seen } from "./support/requests.ts";
import { newModel, newTenant, served, servedBy } from "./support/tenants.ts";

vi.setConfig({ testTimeout: 30_000 });

const encoder = new TextEncoder();
const CHAT = { messages: [{ role: "user", content: "Hi" }], stream: true };
const good = (body: unknown) => ({ status: 200, type: "application/json", body });

/** A job of a model that streams, and the attempt that runs it. */
class Job {
  readonly key: string;
  readonly accountId: string;
  readonly model: string;
  readonly id: string;
  #claim: Claim | null = null;
  #sink: LogSink | null = null;

  constructor(tenant: { key: string; accountId: string }, model: string, id: string) {
    this.key = tenant.key;
    this.accountId = tenant.accountId;
    this.model = model;
    this.id = id;
  }

  static async run(input: unknown = CHAT): Promise<Job> {
    const tenant = await newTenant();
    const model = await served(1, { protocol: "openai" });
    const answer = await object(stillAs(tenant.key, "POST", `/runpod/v2/${model}/run`, { input }));
    return new Job(tenant, model, String(answer["id"]));
  }

  next(method = "GET", headers: Record<string, string> = {}): Promise<Response> {
    return as(this.key, method, `/runpod/v2/${this.model}/stream/${this.id}`, undefined, headers);
  }

  get claim(): Claim {
    if (!this.#claim) throw new Error("it does not run");
    return this.#claim;
  }

  async starts(): Promise<void> {
    this.#claim = await claimed(this.model);
    this.#sink = new LogSink(still(), this.#claim);
  }

  /** Says these as events. */
  async says(...data: string[]): Promise<void> {
    await this.#sink?.write(encoder.encode(data.map((each) => `data: ${each}\n\n`).join("")));
  }

  async succeeds(body = '"whole"'): Promise<void> {
    await this.#sink?.end();
    const kept = await this.#sink?.store({ ...still(), begun: async () => undefined });
    const output = { at: "row", body, contentType: "application/json" } as const;
    await still().db.all(changeStatements.succeed(this.claim, output, body.length, 1, null, kept ? [kept] : []));
  }

  async fails(): Promise<void> {
    await this.#sink?.end();
    await still().db.all(changeStatements.fail(this.claim, { class: "model", code: "x", status: 500, message: "It broke." }));
  }

  get object() {
    return env.STREAM.getByName(`${this.accountId}/${this.id}`);
  }
}

const shown = (status: string, ...outputs: unknown[]) => ({ status, stream: outputs.map((output) => ({ output })) });

describe("a stream", () => {
  test("gives each chunk once, as JSON or as text, and its last status with the rest", async () => {
    const job = await Job.run();
    await job.starts();
    await job.says('{"n":1.50}', "[DONE]", "not JSON");
    expect(await (await job.next()).text()).toBe('{"status":"IN_PROGRESS","stream":[{"output":{"n":1.50}},{"output":"not JSON"}]}');
    const asked = job.next(); // before there is more
    await job.says('{"n":2}');
    expect(await seen(asked)).toStrictEqual(good(shown("IN_PROGRESS", { n: 2 })));
    await job.says('{"n":3}');
    await job.succeeds();
    expect(await seen(job.next())).toStrictEqual(good(shown("COMPLETED", { n: 3 })));
    for (const method of ["GET", "POST"]) expect(await seen(job.next(method))).toStrictEqual(good(shown("COMPLETED")));
    expect(await object(as(job.key, "GET", `/runpod/v2/m/status/${job.id}`))).toMatchObject({ output: "whole" });
  });

  test("is held while there is nothing, and no longer than a client waits", async () => {
    const job = await Job.run();
    const begun = Date.now();
    expect(await seen(job.next())).toStrictEqual(good(shown("IN_QUEUE")));
    expect(Date.now() - begun).toBeGreaterThan(4_000);
    expect(Date.now() - begun).toBeLessThan(9_000);
  });

  test("is held for as long as its client says", async () => {
    const job = await Job.run();
    for (const method of ["GET", "POST"]) {
      const begun = Date.now();
      const asked = await seen(as(job.key, method, `/runpod/v2/m/stream/${job.id}?wait=200`));
      expect([asked, Date.now() - begun < 4_000]).toStrictEqual([good(shown("IN_QUEUE")), true]);
    }
    expect((await as(job.key, "GET", `/runpod/v2/m/stream/${job.id}?wait=long`)).status).toBe(400);
  });

  test("gives what comes next to one of those who ask at once", async () => {
    const job = await Job.run();
    await job.starts();
    const asked = [job.next(), job.next(), job.next()];
    await job.says("1");
    const answers = await Promise.all(asked.map(async (each) => (await object(each))["stream"] as unknown[]));
    expect(answers.flat()).toEqual([{ output: 1 }]);
  });

  test("keeps what a client that has left was to get, and what a HEAD asks for", async () => {
    const job = await Job.run();
    await job.starts();
    await job.says("1");
    await job.next("HEAD");
    const client = new AbortController();
    const headers = { Authorization: `Bearer ${job.key}` };
    const left = call(`/runpod/v2/m/stream/${job.id}`, { headers, signal: client.signal });
    client.abort();
    await left.catch(() => null);
    expect(await object(job.next())).toEqual(shown("IN_PROGRESS", 1));
  });

  test("of an attempt that was lost is followed by all of the next one", async () => {
    const job = await Job.run();
    await job.starts();
    await job.says("1", "2");
    expect(await object(job.next())).toEqual(shown("IN_PROGRESS", 1, 2));
    const error = { class: "infrastructure", code: "x", status: 500, message: "x" } as const;
    await still().db.all(changeStatements.retry(job.claim, error, 0, false));
    await job.starts();
    await job.says("1");
    expect(await object(job.next())).toEqual(shown("IN_PROGRESS", 1));
    await job.succeeds();
    expect(await object(job.next())).toEqual(shown("COMPLETED"));
  });

  test("ends for every client: of what failed with the reason, and of what is cancelled as one that failed", async () => {
    const job = await Job.run();
    await job.starts();
    await job.says("1");
    await job.fails();
    expect(await object(job.next())).toEqual({ ...shown("FAILED", 1), error: "It broke." });
    expect(await object(job.next())).toEqual({ ...shown("FAILED"), error: "It broke." });
    expect(await object(stillAs(job.key, "POST", `/runpod/v2/m/retry/${job.id}`))).toMatchObject({ status: "IN_QUEUE" });
    await job.starts();
    await job.says("2");
    expect(await object(job.next())).toEqual(shown("IN_PROGRESS", 2));
    await as(job.key, "POST", `/runpod/v2/m/cancel/${job.id}`);
    expect(await object(job.next())).toEqual(shown("FAILED"));
    const late = await Job.run({ prompt: "x" });
    await expire(late.id);
    expect(await object(late.next())).toEqual({ ...shown("TIMED_OUT"), error: expect.stringMatching(/queue/) });
  });

  test("that is long comes in several answers, the last of which says that it is", async () => {
    const job = await Job.run();
    await job.starts();
    const said = Array.from({ length: 24 }, (_, index) => `"${String(index).padEnd(100_000, "x")}"`);
    for (const each of said) await job.says(each);
    await job.succeeds();
    const got: unknown[] = [];
    const states: unknown[] = [];
    while (states.at(-1) !== "COMPLETED") {
      const { status, stream } = (await object(job.next())) as { status: string; stream: { output: string }[] };
      states.push(status);
      got.push(...stream.map(({ output }) => output));
    }
    expect(got).toEqual(said.map((each) => JSON.parse(each) as string));
    expect(states.length).toBeGreaterThan(1);
  });

  test("gives a whole output once, of a model that does not stream or was not asked to", async () => {
    const streaming = await Job.run();
    await streaming.starts();
    await streaming.succeeds();
    const { key } = await newTenant();
    const model = await servedBy(() => Response.json({ a: 1 }));
    const run = await object(as(key, "POST", `/runpod/v2/${model}/run`, { input: { prompt: "x" } }));
    const next = () => object(as(key, "GET", `/runpod/v2/${model}/stream/${String(run["id"])}`));
    const lists = [await next(), await next()];
    expect(lists).toEqual([shown("COMPLETED", { a: 1 }), shown("COMPLETED")]);
    expect([await object(streaming.next()), await object(streaming.next())]).toEqual([shown("COMPLETED", "whole"), shown("COMPLETED")]);
  });

  test("gives bytes as a link that needs no key", async () => {
    const { key } = await newTenant();
    const model = await servedBy(() => new Response("a picture", { headers: { "Content-Type": "image/png" } }));
    const run = await object(as(key, "POST", `/runpod/v2/${model}/runsync`, { input: { prompt: "x" } }));
    const { stream } = (await object(as(key, "GET", `/runpod/v2/${model}/stream/${String(run["id"])}`))) as {
      stream: { output: { url: string } }[];
    };
    expect(await (await call(String(stream[0]?.output.url).slice(ORIGIN.length))).text()).toBe("a picture");
  });

  test("remembers for an hour what it gave, when what was kept of it is long gone", async () => {
    const job = await Job.run();
    await job.starts();
    await job.says("1");
    await job.succeeds();
    expect(await object(job.next())).toEqual(shown("COMPLETED", 1));
    await runDurableObjectAlarm(job.object);
    expect(await ports().streams.after(job.accountId, job.id, 0, 0, 0)).toMatchObject({ length: 0 });
    expect(await object(job.next())).toEqual(shown("COMPLETED"));
    const now = vi.spyOn(Date, "now").mockReturnValue(Date.now() + STREAM_GIVEN_MS);
    await runDurableObjectAlarm(job.object);
    now.mockRestore();
    expect(await object(job.next())).toEqual(shown("COMPLETED", 1));
  });

  test("of what was removed, of another's job and of none is refused", async () => {
    const job = await Job.run();
    const { key } = await newTenant();
    const theirs = as(key, "GET", `/runpod/v2/m/stream/${job.id}`);
    expect(await seen(theirs)).toStrictEqual({ status: 404, type: "application/json", body: { error: `There is no job "${job.id}".` } });
    await job.starts();
    await job.succeeds();
    await env.DB.prepare("UPDATE inferences SET data_removed_at = 1 WHERE id = ?").bind(job.id).run();
    expect((await job.next()).status).toBe(410);
  });
});

describe("a purge", () => {
  test("cancels all that the account has waiting for the model, and nothing else", async () => {
    const [{ key, accountId }, other] = [await newTenant(), await newTenant()];
    const [model, another] = [await served(), await newModel()];
    const running = (await queued(model, { accountId })) && (await claimed(model)).id;
    await queuedMany(HEAD_ROWS, model, { accountId: other.accountId });
    await queuedMany(HEAD_ROWS, model, { accountId });
    const late = await queued(model, { accountId, notBefore: Date.now() + 3_600_000 });
    const rest = [await queued(another, { accountId }), await queued(model, { accountId: other.accountId })];
    const purge = () => seen(as(key, "POST", `/runpod/v2/${model}/purge-queue`, {}));
    expect(await purge()).toStrictEqual(good({ removed: HEAD_ROWS + 1, status: "completed" }));
    expect(await rowOf(late)).toMatchObject({ status: "canceled" });
    expect(await rowOf(running)).toMatchObject({ status: "in_progress" });
    for (const id of rest) expect(await rowOf(id)).toMatchObject({ status: "queued" });
    expect(await purge()).toStrictEqual(good({ removed: 0, status: "completed" }));
  });

  test("says that it is not through when its time is over", async () => {
    const { accountId } = await newTenant();
    const model = await newModel();
    await queuedMany(BULK_ROWS + 1, model, { accountId });
    const purge = () => cancelWaiting(still(), accountId, laneOf(model), 0, () => undefined);
    expect([await purge(), await purge()]).toEqual([
      { canceled: BULK_ROWS, isAll: false },
      { canceled: 1, isAll: true },
    ]);
  });

  test("is that of the version in the path, and 404 for what is not there", async () => {
    const { key, accountId } = await newTenant();
    const model = await newModel({ versions: ["v1", "v2"], default_version: "v2" });
    const ids = [await queued(model, { accountId, version: "v1" }), await queued(model, { accountId, version: "v2" })];
    expect(await object(as(key, "POST", `/runpod/v2/${model}/versions/v1/purge-queue`))).toEqual({ removed: 1, status: "completed" });
    expect(await Promise.all(ids.map(async (id) => (await rowOf(id))["status"]))).toEqual(["canceled", "queued"]);
    expect((await as(key, "POST", `/runpod/v2/${model}/versions/v3/purge-queue`)).status).toBe(404);
  });
});

describe("OpenAI's wire below an endpoint", () => {
  test("is asked for the model that the body names, in OpenAI's words", async () => {
    const { key } = await newTenant();
    const model = await served(1, { protocol: "openai" });
    backendIs(() =>
      Response.json({
        id: "c",
        object: "chat.completion",
        created: 1,
        model: "m",
        choices: [{ index: 0, message: { content: "Hi" }, finish_reason: "stop" }],
      }),
    );
    const chat = (endpoint: string, named: string) =>
      as(key, "POST", `/runpod/v2/${endpoint}/openai/v1/chat/completions`, { model: named, messages: CHAT.messages });
    expect(await object(chat("any", model))).toMatchObject({ model, choices: [{ message: { content: "Hi" } }] });
    const unknown = await chat(model, "nothing");
    expect([unknown.status, await object(unknown)]).toEqual([404, { error: expect.objectContaining({ code: "model_not_found" }) }]);
    expect(await object(as(key, "GET", `/runpod/v2/any/openai/v1/models/${model}`))).toMatchObject({ id: model });
    for (const path of ["/v1/inferences", "/admin/v1/keys", "", "/"]) {
      const nothing = await as(key, "GET", `/runpod/v2/any/openai${path}`);
      expect([path, nothing.status, await object(nothing)]).toEqual([path, 404, { error: expect.any(String) }]);
    }
  });
});

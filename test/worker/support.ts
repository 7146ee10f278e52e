/**
 * What the tests inside workerd share: the Worker called as a client calls it, an operator, and a GPU server that does
 * as it is told. StorageUse, queues and Durable Objects are the real ones; only what lies outside is scripted.
 */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterEach, vi } from "vitest";
import { handle } from "../../src/router.ts";
import type { Fetch } from "../../src/backends/backend.ts";
import { newInferenceId } from "../../src/ids.ts";
import type { Lane } from "../../src/models/lane.ts";
import type { Claim } from "../../src/inferences/sql/record.ts";
import { claim } from "../../src/inferences/sql/claim.ts";
import { type NewInference, insertInference } from "../../src/inferences/sql/insert.ts";
import { sweep } from "../../src/maintenance/sweep.ts";
import { mintKey } from "../../src/keys/key.ts";
import { INITIAL_DELAY_MS, MAX_ATTEMPTS, MAX_DELAY_MS, MAX_TIME_IN_QUEUE_SECONDS, PRIORITY } from "../../src/limits.ts";
import type { Clock, Ports } from "../../src/ports.ts";
import { portsOf } from "../../src/entry/bindings.ts";
import { asDocumented } from "./documented.ts";

export const ORIGIN = "http://claimcheck.test";

/** A request to the Worker. */
export async function call(path: string, init: RequestInit = {}): Promise<Response> {
  const request = new Request(ORIGIN + path, init);
  const { method, url } = request;
  return asDocumented({ method, url }, await exports.default.fetch(request));
}

/** A JSON request with a key, in the header that every dialect takes. */
export function as(key: string, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return call(path, {
    method,
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
}

export function operator(method: string, path: string, body?: unknown): Promise<Response> {
  return as(env.ADMIN_TOKEN, method, `/admin/v1${path}`, body);
}

/** The body of an answer that is a JSON object. */
export async function object(response: Response | Promise<Response>): Promise<Record<string, unknown>> {
  return (await response).json();
}

export interface Tenant {
  accountId: string;
  keyId: string;
  key: string;
}

/** A new account with a key; the limits are high by default. One that has expired is made to have by its row. */
export async function newTenant({ expires_at, ...key }: Record<string, unknown> & { expires_at?: string } = {}): Promise<Tenant> {
  const account = await object(operator("POST", "/accounts", { name: "tenant" }));
  const limits = { read: 10_000, submit: 10_000, cancel: 10_000 };
  const made = await object(operator("POST", "/keys", { account_id: account["id"], limits, ...key }));
  if (expires_at !== undefined) {
    await env.DB.prepare("UPDATE keys SET expires_at = ? WHERE id = ?").bind(Date.parse(expires_at), made["id"]).run();
  }
  return { accountId: String(account["id"]), keyId: String(made["id"]), key: String(made["key"]) };
}

/** A new model of a name of its own, without a backend: what is submitted to it waits. */
export async function newModel(more: Record<string, unknown> = {}): Promise<string> {
  const name = `model-${crypto.randomUUID()}`;
  await operator("POST", "/models", { name, ...more });
  return name;
}

/**
 * A backend of a model; its requests go to whatever `backendIs` says. Returns its id. It is registered without the
 * wake-ups that a new backend sends, or a real runner would race with the test for what the test queues and claims itself.
 */
export async function newBackend(model: string, more: Record<string, unknown> = {}): Promise<string> {
  const body = { model, url: `https://${model}.gpu.test`, protocol: "oip", ...more };
  const backend = await object(stillAs(env.ADMIN_TOKEN, "POST", "/admin/v1/backends", body));
  return String(backend["id"]);
}

export type ScriptedBackend = (request: Request) => Response | Promise<Response>;

const outside = globalThis.fetch;

/** From now on every outbound request is answered by the script; the question which forms of tensors a server takes only where it `tellsForms`. */
export function backendIs(script: ScriptedBackend, { tellsForms = false } = {}): void {
  vi.stubGlobal("fetch", async (input: RequestInfo, init?: RequestInit) => {
    const request = new Request(input, init);
    const isAboutForms = request.method === "GET" && new URL(request.url).pathname === "/v2";
    return isAboutForms && !tellsForms ? new Response(null, { status: 404 }) : script(request);
  });
}

afterEach(() => {
  vi.stubGlobal("fetch", outside);
});

/** A backend that answers each infer request with one output: the data of its first input. */
export const echo: ScriptedBackend = async (request) => {
  const body: { inputs: { name: string; shape: number[]; datatype: string; data: unknown[] }[] } = await request.json();
  return Response.json({ model_name: "echo", outputs: body.inputs.slice(0, 1).map((input) => ({ ...input, name: "echo" })) });
};

/** A world in which every name has a public address, and every receiver takes what it is sent. */
export const publicNames: ScriptedBackend = (request) =>
  request.url.startsWith("https://cloudflare-dns.com/")
    ? Response.json({ Status: 0, Answer: [{ type: 1, data: "93.184.215.14" }] })
    : new Response("taken");

/** The real ports, with those given put in their place. */
export function ports(instead: Partial<Ports> = {}): Ports {
  return { ...portsOf(env), ...instead };
}

/** Asks until the answer satisfies, at most `seconds`; the last answer either way. */
export async function until<T>(ask: () => Promise<T>, satisfied: (answer: T) => boolean, seconds = 10): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (satisfied(answer) || Date.now() > end) return answer;
    await scheduler.wait(20);
  }
}

/** The id that a submission was given. */
export async function submitted(
  key: string,
  model: string,
  input: unknown = { text: "x" },
  more: Record<string, unknown> = {},
): Promise<string> {
  const answer = await as(key, "POST", "/v1/inferences", { model, input, ...more });
  if (answer.status !== 202) throw new Error(`not accepted: ${answer.status} ${await answer.text()}`);
  return String((await object(answer))["id"]);
}

/** The inference once its client need not wait any longer. */
export function ended(key: string, id: string): Promise<Record<string, unknown>> {
  return until(
    () => object(as(key, "GET", `/v1/inferences/${id}`)),
    (inference) => inference["is_final"] === true,
  );
}

/** An inference that has waited for longer than it may, and a sweep that has seen it. */
export async function expire(id: string): Promise<void> {
  await env.DB.prepare("UPDATE inferences SET start_by = 1 WHERE id = ?").bind(id).run();
  await sweep(ports());
}

/** A promise that is kept when the test says so. */
export function held<T>(): { promise: Promise<T>; release: (value: T) => void } {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { promise, release: resolve };
}

/** A key that the server's secret made but that is stored nowhere: authentic, yet nobody's. */
export async function unknownKey(accountId: string): Promise<string> {
  const { key } = await mintKey(accountId, env.KEY_SECRET, (count) => crypto.getRandomValues(new Uint8Array(count)));
  return key;
}

/** The real ports, but nobody is told of anything: no wake-up is sent and no sweep armed, so only what the test does happens. */
export function still(instead: Partial<Ports> = {}): Ports {
  return ports({ wake: async () => {}, armSweep: async () => {}, deliver: async () => {}, ...instead });
}

/** An environment whose queue and sweep keep still, for a Worker that is called as a function. */
export function stillEnv(instead: Record<string, unknown> = {}): Env {
  const quiet = {
    WAKE_UPS: { sendBatch: async () => {} },
    SWEEP: { getByName: () => ({ arm: async () => {} }) },
    DELIVERY: { getByName: () => ({ deliver: async () => {} }) },
  };
  return { ...env, ...quiet, ...instead } as unknown as Env; // stands in for the few calls that are made of these bindings
}

/** As `as`, of a Worker with that environment; the answer comes when all that was left for after it is done too. */
export async function stillAs(
  key: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
  environment: Env = stillEnv(),
): Promise<Response> {
  const ctx = createExecutionContext();
  const init = {
    method,
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  };
  const request = new Request(ORIGIN + path, init);
  const answer = await handle(request, environment, ctx);
  await waitOnExecutionContext(ctx);
  return asDocumented(request, answer);
}

/** A model without versions has one lane. */
export const laneOf = (model: string): Lane => ({ model, version: "" });

let born = 0;

/** A complete submission for the store. Ids sort in the order in which they were made here. */
export function submission(model: string, more: Partial<NewInference> = {}): NewInference {
  const id = newInferenceId(Date.now() + born++, (count) => crypto.getRandomValues(new Uint8Array(count)));
  return {
    accountId: "account-a",
    id,
    keyId: "key",
    dialect: "claimcheck",
    model,
    version: null,
    priority: PRIORITY.default,
    retry: { maxAttempts: MAX_ATTEMPTS.default, initialDelayMs: INITIAL_DELAY_MS.default, maxDelayMs: MAX_DELAY_MS.default },
    maxTimeInQueueSeconds: MAX_TIME_IN_QUEUE_SECONDS.default,
    runWithinSeconds: null,
    cancelAfterSeconds: null,
    idempotencyKey: null,
    fingerprint: null,
    metadata: {},
    input: { at: "row", body: JSON.stringify({ id }), contentType: "application/json" },
    inputBytes: 44,
    inputItems: 1,
    capability: "",
    waiter: null,
    webhook: null,
    ...more,
  };
}

/** Queues an inference in the store itself and tells nobody. Returns its id. */
export async function queued(model: string, more: Partial<NewInference> = {}): Promise<string> {
  const { inference } = await insertInference(still().db, submission(model, more));
  if (!inference) throw new Error(`not queued: ${model}`);
  return inference.id;
}

/** What a lane gives to a runner that asks, or an error where it gives nothing. */
export async function claimed(model: string, lease = "lease"): Promise<Claim> {
  const claim_ = await claim(still().db, laneOf(model), lease);
  if (!claim_) throw new Error(`nothing is claimable of ${model}`);
  return claim_;
}

/** An inference's row, as it is stored. */
export async function rowOf(id: string): Promise<Record<string, unknown>> {
  const row = await env.DB.prepare("SELECT * FROM inferences WHERE id = ?").bind(id).first();
  if (!row) throw new Error(`no row: ${id}`);
  return row;
}

/** A backend's row, as it is stored. */
export async function backendRow(id: string): Promise<Record<string, unknown>> {
  const row = await env.DB.prepare("SELECT * FROM backends WHERE id = ?").bind(id).first();
  if (!row) throw new Error(`no backend: ${id}`);
  return row;
}

/** The database's own clock, in ms. */
export async function databaseNow(): Promise<number> {
  return Number(await env.DB.prepare("SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now").first("now"));
}

const INFERENCE_STAMPS = [
  "created_at",
  "updated_at",
  "start_by",
  "not_before",
  "ages_at",
  "cancel_at",
  "first_started_at",
  "started_at",
  "finished_at",
  "lease_until",
];
const BACKEND_STAMPS = ["created_at", "rested_until", "probe_at"];

/** Lets time pass for a model and all that is its: every stamp moves that far into the past. */
export async function timePasses(model: string, ms: number): Promise<void> {
  const earlier = (stamps: readonly string[]) => stamps.map((stamp) => `${stamp} = ${stamp} - ?1`).join(", ");
  await env.DB.batch([
    env.DB.prepare(`UPDATE inferences SET ${earlier(INFERENCE_STAMPS)} WHERE model = ?2`).bind(ms, model),
    env.DB.prepare(`UPDATE backends SET ${earlier(BACKEND_STAMPS)} WHERE model = ?2`).bind(ms, model),
  ]);
}

/** A script in the place of the outside world, for `Ports.fetch`. */
export function gpu(script: ScriptedBackend): Fetch {
  return async (url, init) => script(new Request(url, init));
}

/** Never answers; the connection ends when the caller closes it. */
export const hang: ScriptedBackend = (request) =>
  new Promise((_, reject) => request.signal.addEventListener("abort", () => reject(new Error("closed by the caller"))));

/** A clock that stands still until it is moved; `asked` are the pauses that sleepers asked for. */
export function standingClock(): Clock & { asked: number[]; advance(ms: number): void } {
  let now = Date.now();
  const sleepers = new Set<{ until: number; wake: () => void }>();
  const asked: number[] = [];
  return {
    ...still().clock,
    asked,
    now: () => now,
    sleep(ms, signal) {
      if (signal?.aborted) return Promise.resolve();
      asked.push(ms);
      return new Promise((resolve) => {
        const sleeper = { until: now + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", () => {
          sleepers.delete(sleeper);
          resolve();
        });
      });
    },
    after(ms, run) {
      asked.push(ms);
      const sleeper = { until: now + ms, wake: run };
      sleepers.add(sleeper);
      return () => void sleepers.delete(sleeper);
    },
    advance(ms) {
      now += ms;
      for (const sleeper of sleepers) {
        if (sleeper.until > now) continue;
        sleepers.delete(sleeper);
        sleeper.wake();
      }
    },
  };
}

/** Forgets every inference, for tests of the sweep, which looks at all of them. */
export async function forgetAll(): Promise<void> {
  await env.DB.batch([env.DB.prepare("DELETE FROM inferences"), env.DB.prepare("DELETE FROM backends")]);
}

/** A database that does what the fault makes of each question: it may refuse it, stall, or lose the answer after the effect. */
export function faultyDatabase(fault: <T>(texts: readonly string[], effect: () => Promise<T>) => Promise<T>): unknown {
  interface Bound {
    text: string;
    real: D1PreparedStatement;
  }
  return {
    prepare: (text: string) => ({
      bind: (...params: unknown[]) => {
        const real = env.DB.prepare(text).bind(...params);
        return { text, real, all: () => fault([text], () => real.all()) };
      },
    }),
    batch: (statements: Bound[]) =>
      fault(
        statements.map(({ text }) => text),
        () => env.DB.batch(statements.map(({ real }) => real)),
      ),
  };
}

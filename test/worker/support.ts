/**
 * What the tests inside workerd share: the Worker called as a client calls it, an operator, and a GPU server that does
 * as it is told. Storage, queues and Durable Objects are the real ones; only what lies outside is scripted.
 */
import { env, exports } from "cloudflare:workers";
import { afterEach, vi } from "vitest";
import type { Ports } from "../../src/ports.ts";
import { portsOf } from "../../src/ports.ts";

export const ORIGIN = "http://claimcheck.test";

/** A request to the Worker. */
export function call(path: string, init: RequestInit = {}): Promise<Response> {
  return exports.default.fetch(new Request(ORIGIN + path, init));
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

/** A new account with a key; the limits are high unless told. */
export async function newTenant(key: Record<string, unknown> = {}): Promise<Tenant> {
  const account = await object(operator("POST", "/accounts", { name: "tenant" }));
  const limits = { read: 10_000, submit: 10_000, cancel: 10_000 };
  const made = await object(operator("POST", "/keys", { account_id: account["id"], limits, ...key }));
  return { accountId: String(account["id"]), keyId: String(made["id"]), key: String(made["key"]) };
}

/** A new model of a name of its own, without a backend: what is submitted to it waits. */
export async function newModel(more: Record<string, unknown> = {}): Promise<string> {
  const name = `model-${crypto.randomUUID()}`;
  await operator("POST", "/models", { name, ...more });
  return name;
}

/** A backend of a model; its requests go to whatever `backendIs` says. Returns its id. */
export async function newBackend(model: string, more: Record<string, unknown> = {}): Promise<string> {
  const backend = await object(operator("POST", "/backends", { model, url: `https://${model}.gpu.test`, protocol: "oip", ...more }));
  return String(backend["id"]);
}

export type ScriptedBackend = (request: Request) => Response | Promise<Response>;

const outside = globalThis.fetch;

/** From now on every outbound request is answered by the script. */
export function backendIs(script: ScriptedBackend): void {
  vi.stubGlobal("fetch", async (input: RequestInfo, init?: RequestInit) => script(new Request(input, init)));
}

afterEach(() => {
  vi.stubGlobal("fetch", outside);
});

/** A backend that answers each infer request with one output: the data of its first input. */
export const echo: ScriptedBackend = async (request) => {
  const body: { inputs: { name: string; shape: number[]; datatype: string; data: unknown[] }[] } = await request.json();
  return Response.json({ model_name: "echo", outputs: body.inputs.slice(0, 1).map((input) => ({ ...input, name: "echo" })) });
};

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

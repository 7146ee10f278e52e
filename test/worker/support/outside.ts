/** What lies outside: GPU servers, receivers and resolvers, scripted by the test. */
import { afterEach, vi } from "vitest";
import type { Fetch } from "../../../src/backends/backend.ts";

export type ScriptedBackend = (request: Request) => Response | Promise<Response>;

const outside = globalThis.fetch;

afterEach(() => {
  vi.stubGlobal("fetch", outside);
});

/** From now on every outbound request is answered by the script; the question which forms of tensors a server takes only where it `tellsForms`. */
export function backendIs(script: ScriptedBackend, { tellsForms = false } = {}): void {
  vi.stubGlobal("fetch", async (input: RequestInfo, init?: RequestInit) => {
    const request = new Request(input, init);
    const isAboutForms = request.method === "GET" && new URL(request.url).pathname === "/v2";
    return isAboutForms && !tellsForms ? new Response(null, { status: 404 }) : script(request);
  });
}

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

/** A script in the place of the outside world, for `Ports.fetch`. */
export function gpu(script: ScriptedBackend): Fetch {
  return async (url, init) => script(new Request(url, init));
}

/** Never answers; the connection ends when the caller closes it. */
export const hang: ScriptedBackend = (request) =>
  new Promise((_, reject) => request.signal.addEventListener("abort", () => reject(new Error("closed by the caller"))));

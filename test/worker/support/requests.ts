/** Requests to the Worker, and what comes of their answers. */
import { env, exports } from "cloudflare:workers";
import { asDocumented } from "./documented.ts";

export const ORIGIN = "http://claimcheck.test";

/** A request to the Worker, each from an address of its own unless a test gives one. */
export async function call(path: string, init: RequestInit = {}): Promise<Response> {
  const request = new Request(ORIGIN + path, init);
  if (!request.headers.has("CF-Connecting-IP")) request.headers.set("CF-Connecting-IP", crypto.randomUUID());
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

/** What a client sees of an answer that is a JSON object. */
export async function seen(answer: Response | Promise<Response>): Promise<{ status: number; type: string | null; body: unknown }> {
  const { status, headers } = await answer;
  return { status, type: headers.get("content-type"), body: await object(answer) };
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

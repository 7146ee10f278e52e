/** One call to a deployment with its retries, and how long each try may take. */
import { ApiError, ConnectionFailed } from "./errors.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface CallsOptions {
  /** Where the deployment is, such as `https://claimcheck.example.workers.dev`. */
  readonly url: string;
  /** An API key: `ck_…`. */
  readonly key: string;
  /** In the place of the global `fetch`. */
  readonly fetch?: Fetch | undefined;
  /** How often a call that may be repeated is tried again; 5 by default. `run`, `wait`, `result` and `events` try twice as often. */
  readonly maxRetries?: number | undefined;
  /** How many seconds a call may go without its answer, beside the time that it asks to wait; 60 by default. */
  readonly timeout?: number | undefined;
}

export interface Sent {
  readonly method?: string;
  readonly body?: unknown;
  readonly bytes?: Blob;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether it may be sent twice; reads may. */
  readonly repeatable?: boolean;
  /** Whether the caller would rather wait for a deployment that restarts than see it fail. */
  readonly isPatient?: boolean;
  /** How many seconds the answer may wait at the deployment. */
  readonly wait?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The longest that a call may wait at the deployment. */
export const WAIT_SECONDS = 60;
/** The first pause; each next one is twice as long. */
export const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 60_000;
/** Between tries of a patient call, which has a restart behind it sooner than a minute. */
const LONGEST_PATIENT_PAUSE_MS = 8_000;
const RETRIED = new Set([408, 429, 502, 503, 504]);
/** A sender this slow is still waited for. */
const SLOWEST_BYTES_PER_MS = 16;

export class Calls {
  readonly #url: string;
  readonly #key: string;
  readonly #fetch: Fetch;
  readonly #timeoutMs: number;
  readonly maxRetries: number;

  constructor({ url, key, fetch, maxRetries = 5, timeout = 60 }: CallsOptions) {
    this.#url = url.replace(/\/+$/, "");
    this.#key = key;
    this.#fetch = fetch ?? ((to, init) => globalThis.fetch(to, init));
    this.#timeoutMs = timeout * 1000;
    this.maxRetries = maxRetries;
  }

  /** The answer as JSON. */
  json<T>(path: string, sent: Sent = {}): Promise<T> {
    return this.send(path, sent, async (answer) => {
      const text = await answer.text();
      try {
        return JSON.parse(text) as T; // as the deployment's schemas have it
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        throw new ApiError(answer.status, { detail: `The answer to ${path} is not JSON: ${text.slice(0, 200)}` }, answer.headers);
      }
    });
  }

  /** What `read` makes of the answer. Throws `ApiError` for a refusal, and `ConnectionFailed` if no answer comes or it is cut. */
  async send<T>(path: string, sent: Sent, read: (answer: Response) => T | Promise<T>): Promise<T> {
    const { method = "GET", body, bytes, headers, repeatable = method === "GET", isPatient = false, wait = 0, signal } = sent;
    const init: RequestInit = {
      method,
      headers: {
        Authorization: `Bearer ${this.#key}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(wait > 0 ? { Prefer: `wait=${Math.min(WAIT_SECONDS, Math.ceil(wait))}` } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(bytes ? { body: bytes } : {}),
    };
    const timeoutMs = this.#timeoutMs + wait * 1000 + (bytes?.size ?? 0) / SLOWEST_BYTES_PER_MS;
    const retries = isPatient ? 2 * this.maxRetries : this.maxRetries;
    for (let retry = 0; ; retry++) {
      const isLast = retry >= retries;
      let refused: Response | null = null;
      signal?.throwIfAborted();
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(new Error(`no answer within ${Number((timeoutMs / 1000).toPrecision(3))} s`)), timeoutMs);
      try {
        const answer = await this.#fetch(this.#url + path, {
          ...init,
          signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal,
        });
        if (answer.ok) return await read(answer);
        const error = new ApiError(answer.status, await problemIn(answer), answer.headers);
        if (isLast || !RETRIED.has(answer.status) || !(repeatable || answer.status === 429)) throw error;
        refused = answer;
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof ApiError) throw error;
        if (isLast || !repeatable) throw new ConnectionFailed(`${method} ${path} got no answer: ${reasonOf(error)}`, { cause: error });
      } finally {
        clearTimeout(timer);
      }
      await pause(pauseBefore(retry, isPatient ? LONGEST_PATIENT_PAUSE_MS : LONGEST_PAUSE_MS, refused), signal);
    }
  }
}

/** In words; what `fetch` throws often has its cause inside. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message;
}

async function problemIn(answer: Response): Promise<Record<string, unknown>> {
  const text = await answer.text();
  try {
    const problem: unknown = JSON.parse(text);
    if (typeof problem === "object" && problem !== null) return problem as Record<string, unknown>; // an object, by the check before
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error; // a proxy's page is no JSON
  }
  return { detail: text.slice(0, 500) };
}

/** As the answer asks for, else longer each time, with jitter. In ms. */
function pauseBefore(retry: number, longestMs: number, answer: Response | null): number {
  const asked = Number(answer?.headers.get("retry-after-ms") ?? Number(answer?.headers.get("retry-after") ?? Number.NaN) * 1000);
  if (asked >= 0) return Math.min(LONGEST_PAUSE_MS, asked) + Math.random() * 10;
  return Math.min(longestMs, FIRST_PAUSE_MS * 2 ** retry) * (0.5 + Math.random() / 2);
}

/** Throws what the signal is aborted with. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error); // what the caller aborted with
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

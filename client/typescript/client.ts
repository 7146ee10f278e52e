/**
 * A client of Claimcheck for Node, browsers, Workers, Deno and Bun: what each call sends and what comes of its answer. It needs
 * nothing but `fetch` and Web Crypto.
 */
import { ApiError, ConnectionFailed, InferenceFailed, WaitTimeout } from "./errors.ts";
import { type Event, eventsIn } from "./events.ts";
import type { File, Inference, Me, Submission, Upload, Usage } from "./types.ts";

export type { Event } from "./events.ts";
export type * from "./types.ts";
export { ApiError, ClaimcheckError, ConnectionFailed, InferenceFailed, InvalidSignature, WaitTimeout } from "./errors.ts";
export { type VerifyOptions, verify } from "./webhooks.ts";

export interface ClientOptions {
  /** Where the deployment is, such as `https://claimcheck.example.workers.dev`. */
  readonly url: string;
  /** An API key: `ck_…`. */
  readonly key: string;
  /** In the place of the global `fetch`. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** How often a call that may be repeated is tried again; 5 by default. */
  readonly maxRetries?: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** What a submission may have beside its model and input. */
export interface SubmitOptions extends CallOptions, Omit<Submission, "model" | "input"> {
  /** Names the submission; the same one sent again is answered as the first was. A random one by default. */
  readonly idempotencyKey?: string;
  /** How many seconds the answer may wait for the end, up to 60. */
  readonly wait?: number;
}

export interface WaitOptions extends CallOptions {
  /** In seconds; without end by default. Then `WaitTimeout` is thrown. */
  readonly timeout?: number;
}

export interface UploadOptions extends CallOptions {
  readonly name?: string;
  readonly contentType?: string;
  readonly onProgress?: (sent: number, total: number) => void;
  /** The id of an upload that was begun and cut: only the parts that are missing are sent. */
  readonly resume?: string;
  /** Is told the id of an upload in parts, to resume it by. */
  readonly onStart?: (id: string) => void;
}

/** An inference, or its id. */
export type Named = string | { readonly id: string };

interface Sent {
  readonly method?: string;
  readonly body?: unknown;
  readonly bytes?: Blob;
  readonly headers?: Record<string, string>;
  /** Whether it may be sent twice; reads may. */
  readonly repeatable?: boolean;
  readonly signal?: AbortSignal | undefined;
}

const WAIT_SECONDS = 60;
const RETRIED = new Set([408, 429, 502, 503, 504]);
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 60_000;
const PART_BYTES = 8 * 1024 * 1024;
const BULK = 1_000;

export class Claimcheck {
  readonly #url: string;
  readonly #key: string;
  readonly #fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly #maxRetries: number;

  constructor({ url, key, fetch, maxRetries = 5 }: ClientOptions) {
    this.#url = url.replace(/\/+$/, "");
    this.#key = key;
    this.#fetch = fetch ?? ((to, init) => globalThis.fetch(to, init));
    this.#maxRetries = maxRetries;
  }

  /** Submits an inference. It is never submitted twice, however often the call is repeated. */
  submit(model: string, input: unknown, { signal, idempotencyKey, wait, ...rest }: SubmitOptions = {}): Promise<Inference> {
    const headers = { "Idempotency-Key": idempotencyKey ?? crypto.randomUUID(), ...prefer(wait) };
    return this.#json("/v1/inferences", { method: "POST", body: { ...rest, model, input }, headers, repeatable: true, signal });
  }

  /** Submits, waits and returns the output: JSON as it is, anything else as a `Blob`. Throws `InferenceFailed` if it has none. */
  async run(model: string, input: unknown, { timeout, ...options }: SubmitOptions & WaitOptions = {}): Promise<unknown> {
    const until = timeout === undefined ? Infinity : Date.now() + timeout * 1000;
    const submitted = await this.submit(model, input, { wait: Math.min(WAIT_SECONDS, Math.ceil(timeout ?? WAIT_SECONDS)), ...options });
    const left = until === Infinity ? {} : { timeout: Math.max(0, (until - Date.now()) / 1000) };
    const inference = await this.wait(submitted, { ...left, ...only(options.signal) });
    if (inference.status !== "succeeded") throw new InferenceFailed(inference);
    return inference.output ?? this.result(inference, only(options.signal));
  }

  /** The inference as it stands; with `wait` when it has ended, or after so many seconds. */
  get(
    inference: Named,
    { signal, wait, logs }: CallOptions & { readonly wait?: number; readonly logs?: boolean } = {},
  ): Promise<Inference> {
    return this.#json(`${pathOf(inference)}${logs ? "?logs=1" : ""}`, { headers: prefer(wait), signal });
  }

  /** The inference once it has ended, however it did. Each answer waits; where none may, it asks again after `poll_after`. */
  async wait(inference: Named, { signal, timeout }: WaitOptions = {}): Promise<Inference> {
    const until = timeout === undefined ? Infinity : Date.now() + timeout * 1000;
    let seen = typeof inference === "object" && "is_final" in inference ? (inference as Inference) : null; // as all that have it
    for (;;) {
      if (seen?.is_final) return seen;
      const left = (until - Date.now()) / 1000;
      if (seen && left <= 0) throw new WaitTimeout(seen);
      const asked = Math.max(1, Math.min(WAIT_SECONDS, Math.ceil(left)));
      const began = Date.now();
      seen = await this.get(inference, { wait: asked, ...only(signal) });
      const waited = (Date.now() - began) / 1000;
      if (!seen.is_final && waited < asked / 2)
        await pause(Math.min((seen.poll_after ?? 1) * 1000, Math.max(0, until - Date.now())), signal);
    }
  }

  /** The output, or one of its parts: JSON as it is, anything else as a `Blob`. */
  async result(inference: Named, options: CallOptions & { readonly part?: string } = {}): Promise<unknown> {
    const answer = await this.resultResponse(inference, options);
    const type = answer.headers.get("content-type") ?? "";
    return /^application\/(?:[\w.-]+\+)?json\b/i.test(type) ? answer.json() : answer.blob();
  }

  /** The same as a `Response`, to be streamed: an output may be of any size. */
  resultResponse(inference: Named, { signal, part }: CallOptions & { readonly part?: string } = {}): Promise<Response> {
    return this.#ask(`${pathOf(inference)}/result${part === undefined ? "" : `/${encodeURIComponent(part)}`}`, { signal });
  }

  cancel(inference: Named, { signal }: CallOptions = {}): Promise<Inference> {
    return this.#json(`${pathOf(inference)}/cancel`, { method: "POST", repeatable: true, signal });
  }

  /** Queues a failed or expired inference again, under its id. */
  redrive(inference: Named, { signal }: CallOptions = {}): Promise<Inference> {
    return this.#json(`${pathOf(inference)}/redrive`, { method: "POST", signal });
  }

  /** Deletes an inference that has ended, with its input and output. */
  async delete(inference: Named, { signal }: CallOptions = {}): Promise<void> {
    await this.#ask(pathOf(inference), { method: "DELETE", signal });
  }

  /** The inferences that the filters of `GET /v1/inferences` let through, page after page. */
  async *list({ signal, ...filters }: CallOptions & Filters = {}): AsyncGenerator<Inference, void, undefined> {
    for (let after: string | null | undefined; after !== null;) {
      const query = queryOf(after === undefined ? filters : { ...filters, after });
      const page: { readonly data: readonly Inference[]; readonly next: string | null } = await this.#json(`/v1/inferences${query}`, {
        signal,
      });
      yield* page.data;
      after = page.next ?? null;
    }
  }

  /** Submits many, each with its own idempotency key: an inference or an `ApiError` for each, in order. */
  async submitMany(submissions: readonly Submission[], { signal }: CallOptions = {}): Promise<(Inference | ApiError)[]> {
    const results: (Inference | ApiError)[] = [];
    for (let begin = 0; begin < submissions.length; begin += BULK) {
      const body = submissions.slice(begin, begin + BULK).map((one) => ({ idempotency_key: crypto.randomUUID(), ...one }));
      const answer: { readonly results: readonly { readonly inference?: Inference; readonly error?: Record<string, unknown> }[] } =
        await this.#json("/v1/inferences/bulk", { method: "POST", body, repeatable: true, signal });
      for (const { inference, error = {} } of answer.results) {
        results.push(inference ?? new ApiError(Number(error["status"] ?? 422), error, new Headers()));
      }
    }
    return results;
  }

  /** What happens to an inference until its end, or to all of the account; comes back by itself where it was cut. */
  async *events(inference?: Named | null, { signal, after, ...filters }: CallOptions & Filters & { readonly after?: string } = {}) {
    let last = after;
    for (let failures = 0; ;) {
      const headers = { Accept: "text/event-stream", ...(last === undefined ? {} : { "Last-Event-ID": last }) };
      const answer = await this.#ask(`${inference ? pathOf(inference) : "/v1"}/events${queryOf(filters)}`, { headers, signal });
      if (answer.status === 204 || !answer.body) return;
      try {
        for await (const event of eventsIn(answer.body)) {
          failures = 0;
          last = event.id ?? last;
          yield event satisfies Event;
          if (inference && event.event === "final") return;
        }
      } catch (error) {
        if (signal?.aborted || ++failures > this.#maxRetries) throw error;
      }
      await pause(FIRST_PAUSE_MS, signal);
    }
  }

  /** Uploads a file; above 8 MiB in parts, which a cut upload is resumed by. */
  async upload(source: Blob | Uint8Array<ArrayBuffer> | string, options: UploadOptions = {}): Promise<File> {
    const { signal, name, contentType, onProgress, resume } = options;
    const blob = source instanceof Blob ? source : new Blob([source]);
    const type = contentType ?? (blob.type || "application/octet-stream");
    if (blob.size > PART_BYTES || resume !== undefined) return this.#uploadParts(blob, type, options);
    const query = queryOf({ ...(name === undefined ? {} : { name }), ...(blob.size === 0 ? { empty: "1" } : {}) });
    const sent = { method: "POST", bytes: blob, headers: { "Content-Type": type }, signal };
    const file: File = await this.#json(`/v1/files${query}`, sent);
    onProgress?.(blob.size, blob.size);
    return file;
  }

  async #uploadParts(blob: Blob, contentType: string, { signal, name, onProgress, onStart, resume }: UploadOptions): Promise<File> {
    const body = { bytes: blob.size, content_type: contentType, ...(name === undefined ? {} : { name }) };
    const upload: Upload =
      resume === undefined
        ? await this.#json("/v1/uploads", { method: "POST", body, signal })
        : await this.#json(`/v1/uploads/${encodeURIComponent(resume)}`, { signal });
    onStart?.(upload.id);
    const size = upload.part_bytes ?? blob.size;
    const lengthOf = (number: number) => Math.min(size, blob.size - (number - 1) * size);
    let sent = upload.received.reduce((sum, number) => sum + lengthOf(number), 0);
    for (let number = 1; number <= upload.parts; number++) {
      if (upload.received.includes(number)) continue;
      const bytes = blob.slice((number - 1) * size, (number - 1) * size + lengthOf(number));
      const headers = { "Content-Type": "application/octet-stream" };
      await this.#ask(`/v1/uploads/${upload.id}/parts/${number}`, { method: "PUT", bytes, headers, repeatable: true, signal });
      sent += bytes.size;
      onProgress?.(sent, blob.size);
    }
    return this.#json(`/v1/uploads/${upload.id}/complete`, { method: "POST", repeatable: true, signal });
  }

  /** What the account has used. */
  usage({ signal, ...filters }: CallOptions & Filters = {}): Promise<Usage> {
    return this.#json(`/v1/usage${queryOf(filters)}`, { signal });
  }

  /** Whose key this is, and what it may do. */
  me({ signal }: CallOptions = {}): Promise<Me> {
    return this.#json("/v1/me", { signal });
  }

  async #json<T>(path: string, sent: Sent): Promise<T> {
    const answer = await this.#ask(path, sent);
    return (await answer.json()) as T; // as the deployment's schemas have it
  }

  /** One call with its retries. Throws `ApiError` for a refusal and `ConnectionFailed` if no answer comes. */
  async #ask(path: string, { method = "GET", body, bytes, headers, repeatable = method === "GET", signal }: Sent): Promise<Response> {
    const init: RequestInit = {
      method,
      headers: { Authorization: `Bearer ${this.#key}`, ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(bytes ? { body: bytes } : {}),
      ...(signal ? { signal } : {}),
    };
    for (let retry = 0; ; retry++) {
      const isLast = retry >= this.#maxRetries;
      const answer = await this.#fetch(this.#url + path, init).catch((error: unknown) => {
        signal?.throwIfAborted();
        if (isLast || !repeatable) throw new ConnectionFailed(`${method} ${path} got no answer`, { cause: error });
        return null;
      });
      if (answer && (answer.status < 400 || answer.status === 304)) return answer;
      if (answer) {
        const error = new ApiError(answer.status, await problemIn(answer), answer.headers);
        if (isLast || !RETRIED.has(answer.status) || !(repeatable || answer.status === 429)) throw error;
      }
      await pause(pauseBefore(retry, answer), signal);
    }
  }
}

/** Filters as their routes take them; `metadata` by name. */
export interface Filters {
  readonly [name: string]: string | number | boolean | readonly string[] | Readonly<Record<string, string>> | AbortSignal | undefined;
}

function pathOf(inference: Named): string {
  return `/v1/inferences/${encodeURIComponent(typeof inference === "string" ? inference : inference.id)}`;
}

function prefer(seconds: number | undefined): Record<string, string> {
  return seconds ? { Prefer: `wait=${Math.min(WAIT_SECONDS, Math.round(seconds))}` } : {};
}

function only(signal: AbortSignal | undefined): CallOptions {
  return signal ? { signal } : {};
}

function queryOf(filters: Filters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) {
    if (value === undefined) continue;
    if (typeof value !== "object") query.set(name, String(value));
    else if (Array.isArray(value)) query.set(name, value.join(","));
    else for (const [member, its] of Object.entries(value)) query.set(`${name}[${member}]`, String(its));
  }
  return query.size > 0 ? `?${query.toString()}` : "";
}

async function problemIn(answer: Response): Promise<Record<string, unknown>> {
  const text = await answer.text();
  try {
    const problem: unknown = JSON.parse(text);
    if (typeof problem === "object" && problem !== null) return problem as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error; // a proxy's page is no JSON
  }
  return { detail: text.slice(0, 500) };
}

/** As the answer asks for, else longer each time, with jitter. In ms. */
function pauseBefore(retry: number, answer: Response | null): number {
  const asked = Number(answer?.headers.get("retry-after-ms") ?? Number(answer?.headers.get("retry-after") ?? Number.NaN) * 1000);
  if (asked >= 0) return Math.min(LONGEST_PAUSE_MS, asked) + Math.random() * 10;
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** retry) * (0.5 + Math.random() / 2);
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
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

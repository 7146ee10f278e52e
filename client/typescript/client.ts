/**
 * A client of Claimcheck for Node, browsers, Workers, Deno and Bun: what each call sends and what comes of its answer. It needs
 * nothing but `fetch` and Web Crypto.
 */
import { type Canceled, type Redriven, cancelMany, redriveMany } from "./by-filter.ts";
import { Calls, type CallsOptions, FIRST_PAUSE_MS, WAIT_SECONDS, pause } from "./calls.ts";
import { ApiError, ClaimcheckError, ConnectionFailed, InferenceFailed, WaitTimeout } from "./errors.ts";
import { type Event, Silence, eventsIn } from "./events.ts";
import type { File, Inference, Link, Me, Submission, Usage } from "./types.ts";
import { type UploadOptions, upload } from "./upload.ts";

export type { Canceled, Redriven } from "./by-filter.ts";
export type { Event } from "./events.ts";
export type { UploadOptions } from "./upload.ts";
export type * from "./types.ts";
export { ApiError, ClaimcheckError, ConnectionFailed, InferenceFailed, InvalidSignature, WaitTimeout } from "./errors.ts";
export { type VerifyOptions, verify } from "./webhooks.ts";

export type ClientOptions = CallsOptions;

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
  /** Is called with the inference at each change: its status, its place in line, how far it has come. */
  readonly onUpdate?: (inference: Inference) => void;
}

/** What a link to a file may have; it needs no key. */
export interface FileLinkOptions extends CallOptions {
  /** How long it is good for; an hour by default. */
  readonly expires_in_seconds?: number;
  /** `["HEAD"]` lets it be asked about, but not read. */
  readonly methods?: Link["methods"];
}

/** What a link to a result may have. */
export interface LinkOptions extends FileLinkOptions {
  /** A part of the result; the output by default. */
  readonly part?: string;
}

/** An inference or a file, or its id. */
export type Named = string | { readonly id: string };

/** Inferences that one request of `submitMany` carries. */
const BULK = 1_000;
/** A stream of events that lasts as long as this was a good one, whatever cut it. */
const GOOD_STREAM_MS = 10_000;
/** What `setTimeout` takes at most. */
const LONGEST_MS = 2 ** 31 - 1;

export class Claimcheck {
  readonly #calls: Calls;
  /** No stream has come through: the next wait need not try. */
  #streamsFail = false;

  constructor(options: ClientOptions) {
    this.#calls = new Calls(options);
  }

  /** Submits an inference. It is never submitted twice, however often the call is repeated. */
  submit(model: string, input: unknown, options: SubmitOptions = {}): Promise<Inference> {
    return this.#submit(model, input, options, false);
  }

  #submit(model: string, input: unknown, options: SubmitOptions, isPatient: boolean): Promise<Inference> {
    const { signal, idempotencyKey = randomKey(), wait, ...rest } = options;
    const headers = { "Idempotency-Key": idempotencyKey };
    return this.#calls.json("/v1/inferences", {
      method: "POST",
      body: { ...rest, model, input },
      headers,
      repeatable: true,
      isPatient,
      wait,
      signal,
    });
  }

  /** Submits, waits and returns the output: JSON as it is, anything else as a `Blob`. Throws `InferenceFailed` if it has none. */
  async run(model: string, input: unknown, { timeout, onUpdate, ...options }: SubmitOptions & WaitOptions = {}): Promise<unknown> {
    const until = timeout === undefined ? Infinity : Date.now() + timeout * 1000;
    const submitted = await this.#submit(model, input, { wait: Math.min(WAIT_SECONDS, timeout ?? WAIT_SECONDS), ...options }, true);
    const left = until === Infinity ? {} : { timeout: Math.max(0, (until - Date.now()) / 1000) };
    const inference = await this.wait(submitted, { ...left, ...(onUpdate ? { onUpdate } : {}), ...only(options.signal) });
    if (inference.status !== "succeeded") throw new InferenceFailed(inference);
    return inference.output ?? this.result(inference, only(options.signal));
  }

  /** The inference as it stands; with `wait` when it has ended, or after so many seconds. */
  get(inference: Named, options: CallOptions & { readonly wait?: number; readonly logs?: boolean } = {}): Promise<Inference> {
    return this.#get(inference, options, false);
  }

  #get(
    inference: Named,
    { signal, wait, logs }: CallOptions & { readonly wait?: number; readonly logs?: boolean },
    isPatient: boolean,
  ): Promise<Inference> {
    return this.#calls.json(`${pathOf(inference)}${logs ? "?logs=1" : ""}`, { isPatient, wait, signal });
  }

  /**
   * The inference once it has ended, however it did. It is told by a stream of events; where none comes through, by answers that
   * wait for the end; and where those may not wait either, it asks again after `poll_after`.
   */
  async wait(inference: Named, { signal, timeout, onUpdate }: WaitOptions = {}): Promise<Inference> {
    let seen = typeof inference === "object" && "is_final" in inference ? (inference as Inference) : null; // as all that have it
    if (seen?.is_final) return seen;
    const until = timeout === undefined ? Infinity : Date.now() + timeout * 1000;
    const over = new AbortController();
    const timer = until === Infinity ? undefined : setTimeout(() => over.abort(), Math.min(LONGEST_MS, until - Date.now()));
    const ends = { signal: signal ? AbortSignal.any([signal, over.signal]) : over.signal };
    try {
      for await (const shown of this.#watch(inference, ends)) {
        seen = shown;
        onUpdate?.(seen);
        if (seen.is_final) return seen;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!over.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
    }
    throw new WaitTimeout(seen ?? (await this.get(inference, only(signal))));
  }

  /** The inference at each change that comes to be known, the end being the last. */
  async *#watch(inference: Named, ends: { readonly signal: AbortSignal }): AsyncGenerator<Inference, void, undefined> {
    let last: Inference | undefined;
    try {
      for await (const { event, data } of this.#streamsFail ? [] : this.events(inference, ends)) {
        const { inference: whole, inference_id: _, ...news } = data;
        if (whole) last = whole as Inference; // as the deployment writes it
        else if (last && event === "position") last = { ...last, ...news };
        else if (last && event === "progress") last = { ...last, progress: news as NonNullable<Inference["progress"]> }; // likewise
        else continue;
        yield last;
      }
    } catch (error) {
      if (!(error instanceof ClaimcheckError)) throw error;
      this.#streamsFail ||= error instanceof ConnectionFailed;
    }
    for (;;) {
      const began = Date.now();
      const shown = await this.#get(inference, { wait: WAIT_SECONDS, ...ends }, true);
      yield shown;
      // One that did not wait says when to ask again.
      if (Date.now() - began < (WAIT_SECONDS * 1000) / 2) await pause((shown.poll_after ?? 1) * 1000, ends.signal);
    }
  }

  /** The output, or one of its parts: JSON as it is, anything else as a `Blob`. */
  async result(inference: Named, options: CallOptions & { readonly part?: string } = {}): Promise<unknown> {
    return this.#calls.send(resultPath(inference, options.part), { isPatient: true, ...only(options.signal) }, (answer) => {
      const type = answer.headers.get("content-type") ?? "";
      return /^application\/(?:[\w.-]+\+)?json\b/i.test(type) ? answer.json() : answer.blob();
    });
  }

  /** The same as a `Response`, to be streamed: an output may be of any size. */
  resultResponse(inference: Named, { signal, part }: CallOptions & { readonly part?: string } = {}): Promise<Response> {
    return this.#calls.send(resultPath(inference, part), { isPatient: true, signal }, (answer) => answer);
  }

  cancel(inference: Named, { signal }: CallOptions = {}): Promise<Inference> {
    return this.#calls.json(`${pathOf(inference)}/cancel`, { method: "POST", repeatable: true, signal });
  }

  /** Queues a failed or expired inference again, under its id. */
  redrive(inference: Named, { signal }: CallOptions = {}): Promise<Inference> {
    return this.#calls.json(`${pathOf(inference)}/redrive`, { method: "POST", signal });
  }

  /** Deletes an inference that has ended, with its input and output. */
  async delete(inference: Named, { signal }: CallOptions = {}): Promise<void> {
    await this.#calls.send(pathOf(inference), { method: "DELETE", signal }, () => {});
  }

  /** The inferences that the filters of `GET /v1/inferences` let through, page after page. */
  async *list({ signal, ...filters }: CallOptions & Filters = {}): AsyncGenerator<Inference, void, undefined> {
    for (let after: string | null | undefined; after !== null;) {
      const query = queryOf(after === undefined ? filters : { ...filters, after });
      const page: { readonly data: readonly Inference[]; readonly next: string | null } = await this.#calls.json(`/v1/inferences${query}`, {
        signal,
      });
      yield* page.data;
      after = page.next ?? null;
    }
  }

  /** Cancels all that the filters of `list` pick, of which one at least is wanted; with `dry_run` only counts them. */
  cancelMany(filters: CallOptions & Filters): Promise<Canceled> {
    return cancelMany(this.#calls, filters);
  }

  /** Queues all failed and expired ones again that the filters of `list` pick, likewise. */
  redriveMany(filters: CallOptions & Filters): Promise<Redriven> {
    return redriveMany(this.#calls, filters);
  }

  /** A link to the result that needs no key, for a browser or a colleague; also before the inference has ended. */
  link(inference: Named, { signal, ...wanted }: LinkOptions = {}): Promise<Link> {
    return this.#calls.json(`${pathOf(inference)}/link`, { method: "POST", body: wanted, repeatable: true, signal });
  }

  /** Submits many, each with an idempotency key, its own or a random one: an inference or an `ApiError` for each, in order. */
  async submitMany(
    submissions: readonly (Submission & { readonly idempotency_key?: string | undefined })[],
    { signal }: CallOptions = {},
  ): Promise<(Inference | ApiError)[]> {
    const results: (Inference | ApiError)[] = [];
    for (let begin = 0; begin < submissions.length; begin += BULK) {
      const body = submissions.slice(begin, begin + BULK).map((one) => ({ ...one, idempotency_key: one.idempotency_key ?? randomKey() }));
      const answer: { readonly results: readonly { readonly inference?: Inference; readonly error?: Record<string, unknown> }[] } =
        await this.#calls.json("/v1/inferences/bulk", { method: "POST", body, repeatable: true, signal });
      for (const { inference, error = {} } of answer.results) {
        results.push(inference ?? new ApiError(Number(error["status"] ?? 422), error, new Headers()));
      }
    }
    return results;
  }

  /** What happens to an inference until its end, or to all of the account; comes back by itself where it was cut. */
  events(
    inference?: Named | null,
    { signal, after, ...filters }: CallOptions & Filters & { readonly after?: string } = {},
  ): AsyncGenerator<Event, void, undefined> {
    const path = `${inference ? pathOf(inference) : "/v1"}/events${queryOf(filters)}`;
    return this.#follow(path, ({ event }) => Boolean(inference) && event === "final", after, signal);
  }

  /**
   * The output of an inference that was submitted with `stream: true`, from its beginning or after an event; comes back by itself
   * where it was cut. An event `restart` says that another attempt begins it again: what came before is void.
   */
  stream(inference: Named, { signal, after }: CallOptions & { readonly after?: string } = {}): AsyncGenerator<Event, void, undefined> {
    return this.#follow(`${pathOf(inference)}/stream`, ({ id }) => id?.endsWith(".end") ?? false, after, signal);
  }

  async *#follow(
    path: string,
    isLast: (event: Event) => boolean,
    after: string | undefined,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Event, void, undefined> {
    let last = after;
    for (let failures = 0; ; await pause(FIRST_PAUSE_MS, signal)) {
      const headers = { Accept: "text/event-stream", ...(last === undefined ? {} : { "Last-Event-ID": last }) };
      const body = await this.#calls.send(path, { headers, isPatient: true, signal }, (answer) =>
        answer.status === 204 ? null : answer.body,
      );
      if (!body) return;
      const began = Date.now();
      let failure: unknown;
      try {
        for await (const event of eventsIn(body, signal, (id) => (last = id))) {
          failures = 0;
          last = event.id ?? last;
          yield event;
          if (isLast(event)) return;
        }
      } catch (error) {
        failure = error;
      }
      signal?.throwIfAborted();
      if (failure instanceof Silence) throw new ConnectionFailed(`GET ${path}: ${failure.message}`, { cause: failure });
      failures = Date.now() - began > GOOD_STREAM_MS ? 0 : failures + 1;
      if (failures > this.#calls.maxRetries) throw new ConnectionFailed(`GET ${path} is cut again and again`, { cause: failure });
    }
  }

  /** Uploads a file; above 8 MiB in parts, which a cut upload is resumed by. */
  upload(source: Blob | Uint8Array<ArrayBuffer> | string, options: UploadOptions = {}): Promise<File> {
    return upload(this.#calls, source, options);
  }

  /** A link to a file that needs no key, likewise. */
  linkFile(file: Named, { signal, ...wanted }: FileLinkOptions = {}): Promise<Link> {
    return this.#calls.json(`/v1/files/${idOf(file)}/link`, { method: "POST", body: wanted, repeatable: true, signal });
  }

  /** What the account has used. */
  usage({ signal, ...filters }: CallOptions & Filters = {}): Promise<Usage> {
    return this.#calls.json(`/v1/usage${queryOf(filters)}`, { signal });
  }

  /** Whose key this is, and what it may do. */
  me({ signal }: CallOptions = {}): Promise<Me> {
    return this.#calls.json("/v1/me", { signal });
  }
}

/** Filters as their routes take them; `metadata` by name. */
export interface Filters {
  readonly [name: string]: string | number | boolean | readonly string[] | Readonly<Record<string, string>> | AbortSignal | undefined;
}

function idOf(named: Named): string {
  return encodeURIComponent(typeof named === "string" ? named : named.id);
}

function pathOf(inference: Named): string {
  return `/v1/inferences/${idOf(inference)}`;
}

function resultPath(inference: Named, part: string | undefined): string {
  return `${pathOf(inference)}/result${part === undefined ? "" : `/${encodeURIComponent(part)}`}`;
}

/** `crypto.randomUUID` would be for pages of a secure origin only. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
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

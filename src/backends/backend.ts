/**
 * What a runner knows of a GPU server, whatever it speaks: one call that always ends in an outcome, never in an
 * exception. The exchange below is shared by the protocols; here each way in which a server can let us down gets its
 * own code: no connection, cut connection, time limit, oversized answer, refusal, garbage.
 */
import { bytesUpTo } from "../encoding/streams.ts";
import { parseJson } from "../encoding/json.ts";
import type { Content } from "../content/content.ts";
import type { FileField } from "../content/embedded.ts";
import type { Memory } from "../platform/memory.ts";
import { BACKEND_ANSWER_BYTES, MESSAGE_CHARACTERS } from "../limits.ts";
import { retryAfterMs } from "../encoding/retry-after.ts";
import { readInferRequest } from "../tensors/infer.ts";
import { headOf, writeInferRequest } from "../tensors/wire.ts";
import type { Failure, FailureClass, Kept, KeptPart, Outcome } from "./outcome.ts";
import type { ClaimedBackend } from "./store.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** The way to a backend: the network, and the clock that bounds it. */
export interface Outside {
  readonly fetch: Fetch;
  readonly clock: {
    now(): number;
    /** Aborted after `ms`. */
    timeout(ms: number): AbortSignal;
  };
  /** What this isolate knows of servers: whether one takes raw tensors. Without it all are given JSON, and none is asked. */
  readonly forms?: Memory<boolean>;
}

/** What is needed to speak to a backend. */
export type Server = Pick<ClaimedBackend, "id" | "url" | "protocol" | "remoteModel" | "credential">;

export interface BackendCall {
  readonly backend: Server;
  /** The model's name as clients know it. */
  readonly model: string;
  readonly version: string;
  readonly input: Content;
  /** What is asked of the model, where the dialect tells that apart; '' otherwise. */
  readonly capability: string;
  /** Of this attempt. */
  readonly timeoutMs: number;
  /** Aborted when the runner must let go. */
  readonly stop: AbortSignal;
  readonly identity: Identity;
  readonly takeIn: TakeIn;
  /** Null where nothing of the model's output is to be a file. */
  readonly extract: FieldExtraction | null;
}

/**
 * Takes in a body: into memory where it has no more than `most` bytes, else into the bucket while it comes. Throws where
 * the body breaks off or `over` is aborted; nothing is left of it then. That the bucket has failed is no fault of the
 * backend, so it is a value.
 */
export type TakeIn = (response: Response, most: number, over: AbortSignal) => Promise<TakenIn>;

export type TakenIn =
  | { readonly bytes: Uint8Array }
  | { readonly kept: Kept }
  /** Of a multipart body: what it has to say in JSON, if anything, and all else; `discard` takes that back. */
  | { readonly json: Uint8Array | null; readonly parts: readonly KeptPart[]; readonly discard: () => Promise<void> }
  /** Fields of it were to be files, and are none, for this reason. */
  | { readonly garbage: string }
  | { readonly failed: unknown };

/** Puts the fields of an output in JSON that are to be files into the bucket; their addresses take their places. Rejects where the bucket fails. */
export interface FieldExtraction {
  readonly fields: readonly FileField[];
  of(json: string): Promise<ExtractedFields>;
}

export type ExtractedFields = { readonly json: string; readonly parts: readonly KeptPart[] } | { readonly garbage: string };

/** How a protocol is spoken. */
export interface Protocol {
  infer(call: BackendCall, outside: Outside): Promise<Outcome>;
  /** As `infer`, where the server can answer bit by bit: what comes goes to the sink as it comes. */
  stream?(call: BackendCall, outside: Outside, sink: Sink): Promise<Outcome>;
  /** Whether the server says that the model is ready; one connection. */
  ready(call: Inquiry, outside: Outside): Promise<Readiness>;
  /** What the server says of the model, where it says anything; null otherwise. */
  describe(call: Inquiry, outside: Outside): Promise<unknown>;
}

/** Where a streamed answer goes, to a client that waits for it. */
export interface Sink {
  /** Whether anything was given out: then there can be no other attempt. */
  readonly begun: boolean;
  /** Resolves when the client takes more; rejects when it is gone. */
  write(chunk: Uint8Array): Promise<void>;
}

type Inquiry = Pick<BackendCall, "backend" | "version" | "identity" | "timeoutMs">;

export interface Readiness {
  readonly ready: boolean;
  /** Why not, in words. */
  readonly detail: string | null;
}

/** How we say who we are to a backend, and how what it says back is kept from telling it on. */
export interface Identity {
  readonly headers: Readonly<Record<string, string>>;
  /** A text of the backend's without our secret, in whatever form it was sent. */
  readonly conceal: (text: string) => string;
}

/** Who we are to this backend, or null where the deployment lacks the secret that its credential names. */
export function identityFor(backend: Pick<Server, "credential">, secret: (name: string) => string | null): Identity | null {
  const { credential } = backend;
  if (!credential) return { headers: {}, conceal: (text) => text };
  const clear = secret(credential.secret);
  if (clear === null || clear === "") return null;
  const encoded = btoa(String.fromCharCode(...new TextEncoder().encode(clear)));
  const conceal = (text: string) => text.replaceAll(clear, "[secret]").replaceAll(encoded, "[secret]");
  switch (credential.kind) {
    case "bearer":
      return { headers: { Authorization: `Bearer ${clear}` }, conceal };
    case "basic":
      return { headers: { Authorization: `Basic ${encoded}` }, conceal };
    case "header":
      return { headers: { [credential.header]: clear }, conceal };
    default:
      return credential satisfies never;
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** When it began to come, by the isolate's clock. */
  readonly at: number;
  readonly bytes: Uint8Array;
  /** See Identity. */
  readonly conceal: Identity["conceal"];
}

/** A question to a backend. */
export interface Question {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface Bounds {
  readonly timeoutMs: number;
  readonly identity: Identity;
  readonly stop?: AbortSignal;
}

/** A backend's answer read whole and within bounds, or the outcome that its failure amounts to. */
export async function exchange(
  outside: Outside,
  url: string,
  question: Question,
  bounds: Bounds,
): Promise<{ answer: Answer } | { outcome: Outcome }> {
  return connect(outside, url, question, bounds, (response) => answerOf(response, outside, bounds));
}

/**
 * What is made of a backend's response while it comes, or the outcome that its failure amounts to. `over` is aborted when
 * the time is up or the runner must let go; whatever `take` throws counts as an answer that broke off.
 */
export async function connect<T>(
  { fetch, clock }: Outside,
  url: string,
  question: Question,
  bounds: Bounds,
  take: (response: Response, over: AbortSignal) => Promise<T>,
): Promise<T | { outcome: Outcome }> {
  const timeout = clock.timeout(bounds.timeoutMs);
  const over = bounds.stop ? AbortSignal.any([timeout, bounds.stop]) : timeout;
  let begun = false;
  try {
    const headers = { ...question.headers, ...bounds.identity.headers };
    const response = await fetch(url, { ...question, headers, redirect: "manual", signal: over });
    begun = true;
    return await take(response, over);
  } catch {
    if (bounds.stop?.aborted) return { outcome: { kind: "abandoned" } };
    if (timeout.aborted) {
      return { outcome: tooSlow(bounds.timeoutMs) };
    }
    if (begun) return { outcome: cutOff() };
    return { outcome: retry("infrastructure", "backend_unreachable", 502, "The backend could not be reached.") };
  }
}

/** A response read whole, or the outcome where it is too large. */
export async function answerOf(
  response: Response,
  { clock }: Outside,
  { identity }: Bounds,
): Promise<{ answer: Answer } | { outcome: Outcome }> {
  const at = clock.now();
  const bytes = await readBounded(response, BACKEND_ANSWER_BYTES);
  if (bytes === null) return { outcome: oversized() };
  return { answer: { status: response.status, headers: response.headers, at, bytes, conceal: identity.conceal } };
}

/** No answer in the time that there is. */
export function tooSlow(timeoutMs: number): Outcome {
  return retry("timeout", "run_within_seconds", 504, `The backend did not answer within ${timeoutMs / 1000} s.`);
}

/** An answer that ended before its end. */
export function cutOff(): Outcome {
  return retry("infrastructure", "backend_cut", 502, "The backend's answer broke off.");
}

export function oversized(): Outcome {
  return rejected("model", "backend_oversized", 502, `The backend's answer exceeds ${BACKEND_ANSWER_BYTES} bytes.`);
}

/** An inference's input as JSON text, for a server that takes nothing else: raw tensors are written out. */
export function inputText({ body, contentType }: Content): string {
  if (typeof body === "string") return body;
  const headLength = headOf(contentType);
  if (headLength === null) return new TextDecoder().decode(body);
  const read = readInferRequest(body, headLength);
  if (!read.ok) throw new Error(`stored tensors can't be read: ${read.fault.detail}`);
  const written = writeInferRequest(read.value, { binary: false }).body;
  return typeof written === "string" ? written : new TextDecoder().decode(written);
}

/** An answer's body as JSON; undefined where it is none. */
export function jsonOf(answer: Answer): unknown {
  return parsed(textOf(answer));
}

/** A text as JSON; undefined where it is none. */
export function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

export function textOf(answer: Answer): string {
  return new TextDecoder().decode(answer.bytes);
}

/** The reason in an error body: `{"error": text}`, `{"error": {"message": text}}` or `{"detail": text}`. */
export function reasonIn(body: unknown): string | null {
  if (typeof body !== "object" || body === null) return null;
  const error = "error" in body ? body.error : "detail" in body ? body.detail : null;
  if (typeof error === "string") return error;
  if (typeof error === "object" && error !== null && "message" in error && typeof error.message === "string") return error.message;
  return null;
}

/** Asks a health address; ready where it answers with a success. */
export async function askReady(outside: Outside, url: string, bounds: { timeoutMs: number; identity: Identity }): Promise<Readiness> {
  const asked = await exchange(outside, url, { method: "GET", headers: { Accept: "application/json" } }, bounds);
  const refused = "outcome" in asked ? asked.outcome : refusal(asked.answer, reasonIn(jsonOf(asked.answer)));
  return { ready: refused === null, detail: refused && "error" in refused ? refused.error.message : null };
}

/**
 * The outcome of an answer that is not a success; null for one that is. Which status is worth another attempt:
 * design, section 4. `reason` is what the server said, for the client to read.
 */
export function refusal(answer: Omit<Answer, "bytes">, reason: string | null): Outcome | null {
  const { status } = answer;
  if (status >= 200 && status < 300) return null;
  const said = reason ? `: ${answer.conceal(reason)}` : ".";
  const message = `The backend answered ${status}${said}`;
  const after = retryAfterMs(answer.headers.get("retry-after"), answer.at);
  switch (status) {
    case 408:
      return retry("timeout", "backend_timeout", 504, message, after);
    case 425:
    case 429:
      return retry("capacity", "backend_busy", 503, message, after);
    case 503:
      return retry("capacity", "backend_unavailable", 503, message, after);
    case 504:
      return retry("timeout", "backend_timeout", 504, message, after);
    case 500:
    case 502:
      return retry("infrastructure", "backend_error", status, message, after);
    case 401:
    case 403:
    case 404:
    case 405:
    case 407:
      // Ours to mend, not the client's: a wrong URL, credential or model name of the backend.
      return rejected("infrastructure", "backend_misconfigured", 502, message);
    default:
      if (status >= 400 && status < 500) return rejected("input", "backend_rejected", status, message);
      return rejected("infrastructure", "backend_error", 502, message);
  }
}

/** An answer that is no answer: not what the protocol promises. */
export function garbage(what: string): Outcome {
  return retry("infrastructure", "backend_garbage", 502, `The backend's answer is not valid: ${what}.`);
}

export function rejected(failureClass: FailureClass, code: string, status: number, message: string): Outcome {
  return { kind: "rejected", error: failure(failureClass, code, status, message) };
}

function retry(failureClass: FailureClass, code: string, status: number, message: string, after: number | null = null): Outcome {
  const error = failure(failureClass, code, status, message);
  return after === null ? { kind: "retry", error } : { kind: "retry", error, retryAfterMs: after };
}

function failure(failureClass: FailureClass, code: string, status: number, message: string): Failure {
  return { class: failureClass, code, message: message.slice(0, MESSAGE_CHARACTERS), status };
}

/** The body, or null where it is larger than `limit` bytes; the rest is then not read. */
async function readBounded(response: Response, limit: number): Promise<Uint8Array | null> {
  const announced = response.headers.get("content-length");
  if (Number(announced ?? 0) > limit) {
    await response.body?.cancel();
    return null;
  }
  // What is announced is the length before decoding, which says nothing of the length after.
  if (announced !== null && !response.headers.has("content-encoding")) return new Uint8Array(await response.arrayBuffer()); // no longer than it was announced to be
  return response.body ? bytesUpTo(response.body, limit) : new Uint8Array();
}

/**
 * What a runner knows of a GPU server, whatever it speaks: one call that always ends in an outcome, never in an
 * exception. The exchange below is shared by the protocols; here each way in which a server can let us down gets its
 * own code: no connection, cut connection, time limit, oversized answer, refusal, garbage.
 */
import { parseJson } from "../json.ts";
import type { Content } from "../content.ts";
import { BACKEND_ANSWER_BYTES, MESSAGE_CHARACTERS } from "../numbers.ts";
import { retryAfterMs } from "../retryafter.ts";
import type { Failure, FailureClass, Outcome } from "./outcome.ts";
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
}

/** What is needed to speak to a backend. */
export type Server = Pick<ClaimedBackend, "id" | "url" | "protocol" | "remoteModel" | "credential">;

export interface BackendCall {
  readonly backend: Server;
  readonly version: string;
  readonly input: Content;
  /** What is asked of the model, where the dialect tells that apart; '' otherwise. */
  readonly capability: string;
  /** Of this attempt. */
  readonly timeoutMs: number;
  /** Aborted when the runner must let go. */
  readonly letGo: AbortSignal;
  readonly identity: Identity;
}

/** How a protocol is spoken. */
export interface Protocol {
  infer(call: BackendCall, outside: Outside): Promise<Outcome>;
  /** As `infer`, where the server can answer bit by bit: what comes goes to the sink as it comes. */
  stream?(call: BackendCall, outside: Outside, sink: Sink): Promise<Outcome>;
  /** Whether the server says that the model is ready; one connection. */
  ready(call: Question, outside: Outside): Promise<Readiness>;
  /** What the server says of the model, where it says anything; null otherwise. */
  describe(call: Question, outside: Outside): Promise<unknown>;
}

/** Where a streamed answer goes, to a client that waits for it. */
export interface Sink {
  /** Whether anything was given out: then there can be no other attempt. */
  readonly begun: boolean;
  /** Resolves when the client takes more; rejects when it is gone. */
  write(chunk: Uint8Array): Promise<void>;
}

type Question = Pick<BackendCall, "backend" | "version" | "identity" | "timeoutMs">;

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

/** A backend's answer read whole and within bounds, or the outcome that its failure amounts to. */
export async function exchange(
  { fetch, clock }: Outside,
  url: string,
  init: { method: string; headers: Readonly<Record<string, string>>; body?: string | Uint8Array },
  bounds: { timeoutMs: number; identity: Identity; letGo?: AbortSignal },
): Promise<{ answer: Answer } | { outcome: Outcome }> {
  const timeout = clock.timeout(bounds.timeoutMs);
  const signal = bounds.letGo ? AbortSignal.any([timeout, bounds.letGo]) : timeout;
  let begun = false;
  try {
    const headers = { ...init.headers, ...bounds.identity.headers };
    const response = await fetch(url, { ...init, headers, redirect: "manual", signal });
    begun = true;
    const at = clock.now();
    const bytes = await readBounded(response, BACKEND_ANSWER_BYTES);
    if (bytes === null) {
      return { outcome: rejected("model", "backend_oversized", 502, `The backend's answer exceeds ${BACKEND_ANSWER_BYTES} bytes.`) };
    }
    return { answer: { status: response.status, headers: response.headers, at, bytes, conceal: bounds.identity.conceal } };
  } catch {
    if (bounds.letGo?.aborted) return { outcome: { kind: "abandoned" } };
    if (timeout.aborted) {
      return { outcome: retry("timeout", "run_within_seconds", 504, `The backend did not answer within ${bounds.timeoutMs / 1000} s.`) };
    }
    if (begun) return { outcome: retry("infrastructure", "backend_cut", 502, "The backend's answer broke off.") };
    return { outcome: retry("infrastructure", "backend_unreachable", 502, "The backend could not be reached.") };
  }
}

/** An inference's input as JSON text, for a server that takes nothing else. */
export function inputText({ body }: Content): string {
  return typeof body === "string" ? body : new TextDecoder().decode(body);
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
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = (response.body ?? new Blob([]).stream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > limit) {
      await reader.cancel();
      return null;
    }
    parts.push(value);
  }
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  return bytes;
}

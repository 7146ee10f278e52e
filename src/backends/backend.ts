/**
 * What a runner knows of a GPU server, whatever protocol it speaks: one call that ends in an outcome. Whatever a server
 * does becomes one (judgement.ts); an exception is a fault of ours. The exchange below is shared by the protocols.
 */
import { parseJson } from "../encoding/json.ts";
import { type Result, faulty, read } from "../encoding/result.ts";
import { BrokenOff, bytesUpTo, fromSender } from "../encoding/streams.ts";
import type { Content } from "../content/content.ts";
import type { FileField } from "../content/file-fields.ts";
import { log } from "../platform/log.ts";
import type { Memory } from "../platform/memory.ts";
import { jsonTextIn } from "../encoding/charset.ts";
import { BACKEND_ANSWER_BYTES } from "../limits.ts";
import { readInferRequest } from "../tensors/infer.ts";
import { headOf, writeInferRequest } from "../tensors/wire.ts";
import { LAST_STATUS, decodedResponse, emptied, isOfCoding, isUndecodable } from "./coding.ts";
import type { Identity } from "./identity.ts";
import { UNREACHABLE, cutOff, findingOf, garbage, misconfigured, oversized, refusal, saysAway, tooSlow } from "./judgement.ts";
import type { Kept, KeptPart, Outcome } from "./outcome.ts";
import type { ClaimedBackend } from "./store.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** The way to a backend: the network, and the clock that bounds it. */
export interface Outside {
  readonly fetch: Fetch;
  readonly clock: {
    now(): number;
    /** Runs something after `ms`, unless what is returned is called before. */
    after(ms: number, run: () => void): () => void;
    /** Aborted after `ms`. */
    timeout(ms: number): AbortSignal;
  };
  /** What this isolate knows of servers: whether one takes raw tensors, or `stream_options`. Without it all are given JSON, and none is asked. */
  readonly forms?: Memory<boolean>;
}

/** What is needed to speak to a backend. */
export type Server = Pick<ClaimedBackend, "id" | "url" | "protocol" | "remoteModel" | "credential"> &
  Partial<Pick<ClaimedBackend, "readyPath">>;

export interface BackendCall {
  readonly backend: Server;
  /** The model's name as clients know it. */
  readonly model: string;
  readonly version: string;
  readonly attempt: Attempt;
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
 * Takes in a body: into memory if it has no more than `most` bytes, else into the bucket while it comes. A fault is what is
 * odd in the body. Rejects with BrokenOff if the body breaks off, and if `over` is aborted or the bucket fails; nothing is
 * left of it then.
 */
export type TakeIn = (response: Response, most: number, over: AbortSignal) => Promise<Result<TakenIn>>;

export type TakenIn =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "kept"; readonly kept: Kept }
  /** Of a multipart body: what it has to say in JSON, if anything, and all else; `discard` takes that back. */
  | {
      readonly kind: "parts";
      readonly json: Uint8Array | null;
      readonly parts: readonly KeptPart[];
      readonly discard: () => Promise<void>;
    };

/** Puts the fields of an output in JSON that are to be files into the bucket; their addresses take their places. Rejects if the bucket fails. */
export interface FieldExtraction {
  readonly fields: readonly FileField[];
  of(json: string): Promise<Result<ExtractedFields>>;
}

export interface ExtractedFields {
  readonly json: string;
  readonly parts: readonly KeptPart[];
}

/** How a protocol is spoken. */
export interface Protocol {
  infer(call: BackendCall, outside: Outside): Promise<Outcome>;
  /** As `infer`, where the server can answer bit by bit: what comes goes to the sink as it comes. */
  stream?(call: BackendCall, outside: Outside, sink: Sink): Promise<Outcome>;
  /** Asks the server to stop an inference that it runs. Only where it can be asked. */
  stop?(asked: StopAsked, outside: Outside): Promise<Stopping>;
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

export interface StopAsked {
  readonly backend: Server;
  readonly inferenceId: string;
  readonly identity: Identity;
}

/** What a server says when it is asked to stop an inference: it will, it runs none of that id, or something else. */
export type Stopping = "stopping" | "gone" | "unknown";

type Inquiry = Pick<BackendCall, "backend" | "version" | "identity" | "timeoutMs">;

export interface Readiness {
  readonly ready: boolean;
  /** False if no connection was made. */
  readonly reached: boolean;
  /** Why not, in words. */
  readonly detail: string | null;
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
  /** Of which inference; not of a question for its health. */
  readonly attempt?: Attempt;
}

/** Which attempt a call is. */
export interface Attempt {
  readonly inferenceId: string;
  /** Counts from 1. */
  readonly number: number;
  /** Where the model may tell of its progress. */
  readonly progressUrl?: string | null;
  /** In which trace it is (W3C Trace Context). */
  readonly trace?: Readonly<Record<string, string>>;
}

/** A backend's answer read whole and within bounds, or the outcome that its failure amounts to. */
export function exchange(outside: Outside, url: string, question: Question, bounds: Bounds): Promise<Result<Answer, Outcome>> {
  return connect(outside, url, question, bounds, (response) => answerOf(response, outside, bounds));
}

/**
 * What is made of a backend's response while it comes, or the outcome that its failure amounts to. `over` is aborted when
 * the time is up or the runner must let go. A body that fails makes the reader reject with BrokenOff (encoding/streams.ts);
 * whatever else `take` throws is a fault of ours, and is thrown on.
 */
export async function connect<T>(
  { fetch, clock }: Outside,
  url: string,
  question: Question,
  bounds: Bounds,
  take: (response: Response, over: AbortSignal) => Promise<Result<T, Outcome>>,
): Promise<Result<T, Outcome>> {
  const headers = headersOf(question, bounds, clock.now());
  if (headers === null) return faulty(misconfigured("The backend's credential can't be sent: it is not a header's value."));
  // No `AbortSignal.timeout`: that can't be called off, so that the invocation of a runner would keep all that it ever had.
  const over = new AbortController();
  let isLate = false;
  const inTime = clock.after(bounds.timeoutMs, () => {
    isLate = true;
    over.abort();
  });
  const letGo = () => over.abort();
  bounds.stop?.addEventListener("abort", letGo);
  if (bounds.stop?.aborted) letGo();
  let response: Response | null = null;
  try {
    response = await fetch(url, { ...question, headers, redirect: "manual", signal: over.signal });
    const plain = decodedResponse(response);
    if (plain.ok) return await take(plain.value, over.signal);
    if (findingOf(response.status) !== null) return await take(response, over.signal); // its status says enough
    await response.body?.cancel();
    return faulty(garbage(plain.fault));
  } catch (error) {
    if (bounds.stop?.aborted) return faulty({ kind: "abandoned" });
    if (isLate) return faulty(tooSlow(bounds.timeoutMs));
    const isTheirs = response === null || error instanceof BrokenOff;
    if (!isTheirs) throw error;
    if (response !== null && response.status <= LAST_STATUS && findingOf(response.status) !== null && isOfCoding(error))
      return await take(emptied(response), over.signal); // its status says enough
    if (isUndecodable(error)) return faulty(garbage("it is not what its Content-Encoding says"));
    log("backend_broke_off", { server: new URL(url).host, begun: response !== null, cause: causeOf(error) });
    return faulty(response === null ? UNREACHABLE : cutOff());
  } finally {
    inTime();
    bounds.stop?.removeEventListener("abort", letGo);
  }
}

/** Null if they can't be sent: our own are sound, so that a secret is not. */
function headersOf(question: Question, { identity, attempt, timeoutMs }: Bounds, now: number): Headers | Record<string, string> | null {
  const plain = { ...question.headers, ...(attempt && tracing(attempt, now + timeoutMs)) };
  const own = Object.entries(identity.headers);
  if (own.length === 0) return plain;
  const headers = new Headers(plain);
  try {
    for (const [name, value] of own) headers.set(name, value);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
  return headers;
}

/** What tells a backend which attempt a call is: delivery is at least once, so it must be able to tell a double. */
function tracing({ inferenceId, number, progressUrl, trace }: Attempt, deadline: number): Record<string, string> {
  return {
    "X-Inference-Id": inferenceId,
    "X-Inference-Attempt": String(number),
    "X-Inference-Deadline": new Date(deadline).toISOString(),
    ...(progressUrl ? { "Claimcheck-Progress-Url": progressUrl } : {}),
    ...trace,
  };
}

function causeOf(error: unknown): string {
  const cause = error instanceof BrokenOff ? error.cause : error;
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
}

/** An inference's input as JSON text, for a server that takes nothing else: raw tensors are written out. */
export function inputText({ body, contentType }: Content): string {
  if (typeof body === "string") return body;
  const headLength = headOf(contentType);
  if (headLength === null) return new TextDecoder().decode(body);
  const stored = readInferRequest(body, headLength);
  if (!stored.ok) throw new Error(`stored tensors can't be read: ${stored.fault.detail}`);
  const written = writeInferRequest(stored.value, { binary: false }).body;
  return typeof written === "string" ? written : new TextDecoder().decode(written);
}

/** An answer's body as JSON; undefined if it is none. */
export function jsonOf(answer: Answer): unknown {
  return parsed(textOf(answer));
}

/** A text as JSON; undefined if it is none. */
export function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function textOf(answer: Answer): string {
  return jsonTextIn(answer.bytes, answer.headers.get("content-type"));
}

/** Asks a health address; ready if it answers with a success in which `unready` finds nothing against it. */
export async function askReady(
  outside: Outside,
  url: string,
  bounds: { timeoutMs: number; identity: Identity },
  unready: (answer: Answer) => string | null = () => null,
): Promise<Readiness> {
  const asked = await exchange(outside, url, { method: "GET", headers: { Accept: "application/json" } }, bounds);
  if (!asked.ok) return readinessIn(asked.fault);
  const refused = refusal(asked.value);
  const detail = refused ? null : unready(asked.value);
  return detail === null ? readinessIn(refused) : { ready: false, reached: true, detail };
}

/** What the outcome of a question for its health says: null is a success. */
export function readinessIn(outcome: Outcome | null): Readiness {
  const error = outcome && "error" in outcome ? outcome.error : null;
  return {
    ready: outcome === null,
    reached: error === null || !(error.code === "backend_unreachable" || saysAway(error)),
    detail: error?.message ?? null,
  };
}

/** The length that a message's body will have; null if it does not say, or comes in chunks all the same (RFC 9112, 6.3); NaN if its lines differ (RFC 9110, 8.6). */
export function contentLengthOf(headers: Headers): number | null {
  const text = headers.get("content-length");
  if (text === null || headers.has("transfer-encoding")) return null;
  const [first = "", ...others] = text.split(",").map((each) => each.trim());
  return /^\d{1,15}$/.test(first) && others.every((other) => other === first) ? Number(first) : Number.NaN;
}

/** A response read whole, or the outcome that its length amounts to. */
export async function answerOf(response: Response, { clock }: Outside, { identity }: Bounds): Promise<Result<Answer, Outcome>> {
  const at = clock.now();
  const announced = contentLengthOf(response.headers);
  const fault = announced !== null && faultOfLength(announced);
  if (fault) {
    await response.body?.cancel();
    return faulty(fault);
  }
  // What is announced is the length before decoding, which says nothing about the length after.
  const isExact = announced !== null && !response.headers.has("content-encoding");
  const bytes = isExact
    ? new Uint8Array(await fromSender(response.arrayBuffer())) // no longer than it was announced to be
    : response.body
      ? await bytesUpTo(response.body, BACKEND_ANSWER_BYTES)
      : new Uint8Array();
  if (bytes === null) return faulty(oversized());
  return read({ status: response.status, headers: response.headers, at, bytes, conceal: identity.conceal });
}

function faultOfLength(announced: number): Outcome | null {
  if (Number.isNaN(announced)) return garbage("its Content-Length is not one length");
  return announced > BACKEND_ANSWER_BYTES ? oversized() : null;
}

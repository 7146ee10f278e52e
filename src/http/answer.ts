/**
 * Builds answers. Every one carries an explicit Cache-Control: what is not said to be cacheable must not be stored, and
 * an inference that can never change again may be kept by its client for ever.
 */
import { writeJson } from "../encoding/json.ts";
import type { Inference } from "../inferences/inference.ts";
import type { Submitted } from "../inferences/submit.ts";

const NO_STORE = "private, no-store";
const FOR_EVER = "private, max-age=31536000, immutable";

/** On every answer: its type is as it says, and a browser runs nothing in it. */
export const SAFE_HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy": "default-src 'none'; sandbox",
} as const;

interface Init {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Made once: to copy them costs less than to read them from an object for each answer. */
const JSON_HEADERS = new Headers({ "Content-Type": "application/json", "Cache-Control": NO_STORE, ...SAFE_HEADERS });
const FINAL_HEADERS = new Headers({ "Content-Type": "application/json", "Cache-Control": FOR_EVER, ...SAFE_HEADERS });
const NOT_MODIFIED_HEADERS = new Headers({ "Cache-Control": FOR_EVER, ...SAFE_HEADERS });

export function json(body: unknown, init: Init = {}): Response {
  return jsonText(writeJson(body), init);
}

/** An answer whose body is JSON text already. */
export function jsonText(text: string, { status = 200, headers = {} }: Init = {}): Response {
  const { ETag, ...more } = headers;
  if (status === 200 && ETag !== undefined && more["Cache-Control"] === FOR_EVER && Object.keys(more).length === 1) {
    const prepared = new Headers(FINAL_HEADERS);
    prepared.set("ETag", ETag);
    return asFinal(new Response(text, { headers: prepared }), FOR_EVER, {
      characters: text.length,
      isSafe: true,
      again: (request) => (isKnown(request, ETag) ? notModified(ETag) : new Response(text, { headers: prepared })),
    });
  }
  const answer = new Response(text, { status, headers: JSON_HEADERS });
  set(answer.headers, headers);
  return answer;
}

function notModified(etag: string): Response {
  const answer = new Response(null, { status: 304, headers: NOT_MODIFIED_HEADERS });
  answer.headers.set("ETag", etag);
  return answer;
}

/** How an answer that can never change is given to whoever asks for it again. */
export interface FinalAnswer {
  /** How much is kept for it, about. */
  readonly characters: number;
  /** Whether it has SAFE_HEADERS. */
  readonly isSafe: boolean;
  again(request: Request): Response | Promise<Response>;
}

const finals = new WeakMap<Response, FinalAnswer>();

/** Says of an answer how it is given again, if by its Cache-Control it can never change. */
export function asFinal(answer: Response, cacheControl: string, final: FinalAnswer): Response {
  if (cacheControl === FOR_EVER) finals.set(answer, final);
  return answer;
}

/** How an answer is given again; null if it may change. */
export function finalOf(answer: Response): FinalAnswer | null {
  return finals.get(answer) ?? null;
}

/** Sets headers of an answer, in place if it is ours. `Vary` is added to what is there. */
export function withHeaders(answer: Response, headers: Readonly<Record<string, string>>): Response {
  return changed(answer, (its) => set(its, headers));
}

/** What an answer carries beside its own headers. */
interface Carried {
  readonly requestId: string;
  /** It is known to have SAFE_HEADERS, which costs less than to look. */
  readonly isSafe: boolean;
  /** Set in any case. */
  readonly ours: Readonly<Record<string, string>>;
  /** Set unless the answer has them itself. */
  readonly others: Readonly<Record<string, string>>;
}

/** An answer as it leaves. All is set at one go, since each look at an answer's headers costs the runtime as much as to set one. */
export function leaving(answer: Response, { requestId, isSafe, ours, others }: Carried): Response {
  return changed(answer, (its) => {
    for (const [name, value] of Object.entries(others)) if (!its.has(name)) its.set(name, value);
    set(its, ours);
    its.set("X-Request-Id", requestId);
    if (!isSafe && !its.has("x-content-type-options")) set(its, SAFE_HEADERS); // json() has set them
  });
}

function changed(answer: Response, change: (headers: Headers) => void): Response {
  try {
    change(answer.headers);
    return answer;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const copy = new Response(answer.body, answer); // what was fetched can't be changed
    change(copy.headers);
    return copy;
  }
}

function set(to: Headers, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (name === "Vary") to.append(name, value);
    else to.set(name, value);
  }
}

/**
 * The validators of an answer that shows this inference. `succeeded` and `canceled` never change; `failed` and
 * `expired` may be redriven, so they are kept for a second; what still waits is not kept, only compared.
 */
export function cachingOf(inference: Inference): Record<string, string> {
  const { status, attempt, updatedAt, webhook } = inference;
  const ETag = `"${[status, attempt, updatedAt, ...waitTag(inference), ...progressTag(inference), ...(webhook ? [webhook.status] : [])].join("-")}"`;
  switch (status) {
    case "succeeded":
    case "canceled":
      // Until it has been told of, and where that failed, which may be mended.
      if (webhook?.status === "pending" || webhook?.status === "failed") return { ETag, "Cache-Control": "private, no-cache" };
      return { ETag, "Cache-Control": FOR_EVER };
    case "failed":
    case "expired":
      return { ETag, "Cache-Control": "private, max-age=1" };
    case "queued":
    case "in_progress":
      return { ETag, "Cache-Control": "private, no-cache" };
    default:
      return status satisfies never;
  }
}

/** What an answer shows of its progress, which changes while the status does not. */
function progressTag(inference: Inference): number[] {
  return inference.status === "in_progress" && inference.progress ? [inference.progress.at] : [];
}

/** What an answer shows of a wait, which changes while its row does not. */
function waitTag(inference: Inference): (string | number)[] {
  if (inference.status !== "queued" || !inference.wait) return [];
  const { on, ahead, estimatedMs } = inference.wait;
  return [inference.level, on, ahead ?? "", estimatedMs === null ? "" : Math.ceil(estimatedMs / 1000)];
}

/** Says of an answer that it is the first one, given again. */
export function replayHeaders({ replayed }: Pick<Submitted, "replayed">): Record<string, string> {
  return replayed ? { "Idempotency-Replayed": "true" } : {};
}

/** That answer, for a route's shape. */
export const NOT_MODIFIED = { description: "It is as `If-None-Match` says." } as const;

/** 304 where the client has this very version (RFC 9110, 13.1.2), else the answer as it is. */
export function unlessKnown(request: Request, answer: Response): Response {
  const etag = answer.headers.get("etag");
  if (!etag || answer.status !== 200 || !isKnown(request, etag)) return answer;
  const headers = new Headers(answer.headers);
  headers.delete("content-type");
  headers.delete("content-length");
  return new Response(null, { status: 304, headers });
}

/** Whether the client says that it has this version (RFC 9110, 13.1.2). `*` is any version, and only if it stands alone. */
export function isKnown(request: Request, etag: string): boolean {
  const known = request.headers.get("if-none-match")?.trim();
  if (!known) return false;
  return known === "*" || known.split(",").some((candidate) => candidate.trim().replace(/^W\//, "") === etag);
}

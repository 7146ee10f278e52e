/**
 * The one catalogue of what can go wrong at the edge. A problem is thrown where it is noticed and given its shape in
 * one place, by the dialect of the caller. What a problem says is safe to show: no ids of other accounts, no internals.
 * Source of the shape of our own answers: RFC 9457.
 */

const CATALOGUE = {
  bad_json: { status: 400, title: "Malformed JSON" },
  bad_request: { status: 400, title: "Bad request" },
  missing_key: { status: 401, title: "API key missing" },
  invalid_key: { status: 401, title: "API key not valid" },
  revoked_key: { status: 401, title: "API key revoked" },
  expired_key: { status: 401, title: "API key expired" },
  invalid_admin_token: { status: 401, title: "Admin token missing or wrong" },
  budget_exceeded: { status: 402, title: "Budget exceeded" },
  link_not_valid: { status: 403, title: "Link not valid" },
  payloads_hidden: { status: 403, title: "Inputs and outputs are hidden from the operator" },
  missing_scope: { status: 403, title: "API key lacks the scope" },
  not_found: { status: 404, title: "Not found" },
  inference_not_found: { status: 404, title: "Inference not found" },
  file_not_found: { status: 404, title: "File not found" },
  model_not_found: { status: 404, title: "Model not found" },
  method_not_allowed: { status: 405, title: "Method not allowed" },
  body_too_slow: { status: 408, title: "Body too slow" },
  not_finished: { status: 409, title: "Inference not finished" },
  already_final: { status: 409, title: "Inference already final" },
  conflict: { status: 409, title: "Conflict" },
  upload_incomplete: { status: 409, title: "Upload not complete" },
  payload_gone: { status: 410, title: "Payload removed" },
  body_too_large: { status: 413, title: "Body too large" },
  quota_exceeded: { status: 413, title: "Storage quota exceeded" },
  unsupported_media_type: { status: 415, title: "Unsupported media type" },
  idempotency_key_reused: { status: 422, title: "Idempotency-Key used for another request" },
  digest_mismatch: { status: 422, title: "Digest does not match" },
  invalid_input: { status: 422, title: "Input not valid" },
  rate_limited: { status: 429, title: "Too many requests" },
  too_many_waiting: { status: 429, title: "Too many waiting requests" },
  too_many_open: { status: 429, title: "Too many open inferences" },
  inference_failed: { status: 500, title: "Inference failed" },
  internal: { status: 500, title: "Internal error" },
  not_implemented: { status: 501, title: "Not implemented" },
  model_not_ready: { status: 503, title: "Model not ready" },
  database_full: { status: 503, title: "Database nearly full" },
  unavailable: { status: 503, title: "Temporarily unavailable" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof CATALOGUE;

export const PROBLEM_CODES = Object.keys(CATALOGUE) as readonly ProblemCode[]; // as the catalogue has them

/** One fault in what was sent: where (path of keys and indexes from the body's root) and a phrase that goes on from there: `must be …`. */
export interface Fault {
  readonly path: readonly (string | number)[];
  readonly detail: string;
}

interface Details {
  /** For a reader, complete in itself. */
  detail?: string;
  faults?: readonly Fault[];
  headers?: Record<string, string>;
  /** Further members of the answer, snake_case. */
  members?: Record<string, unknown>;
  /** Replaces the catalogue's status where a dialect shows another's code, such as a backend's. */
  status?: number;
}

declare global {
  /** Of V8: how many frames of the way to it an error notes. */
  interface ErrorConstructor {
    stackTraceLimit: number;
  }
}

export class Problem extends Error {
  readonly code: ProblemCode;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly faults: readonly Fault[];
  readonly headers: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: ProblemCode, details: Details = {}) {
    const { status, title } = CATALOGUE[code];
    const faults = details.faults ?? [];
    const detail = details.detail ?? (faults.length > 0 ? sentence(faultsText(faults)) : `${title}.`);
    const frames = Error.stackTraceLimit;
    Error.stackTraceLimit = 0; // a problem is an answer: its stack would cost as much as its text, and nobody reads it
    super(`${code}: ${detail}`);
    Error.stackTraceLimit = frames;
    this.name = "Problem";
    this.code = code;
    this.status = details.status ?? status;
    this.title = title;
    this.detail = detail;
    this.faults = faults;
    this.headers = details.headers ?? {};
    this.members = details.members ?? {};
  }
}

export function problem(code: ProblemCode, details?: Details): Problem {
  return new Problem(code, details);
}

function sentence(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`;
}

/** A JSON Pointer (RFC 6901) as a URI fragment, such as `#/0/image_path`. */
export function pointer(path: Fault["path"]): string {
  return `#${path.map((part) => `/${encodeURIComponent(String(part).toWellFormed().replaceAll("~", "~0").replaceAll("/", "~1"))}`).join("")}`;
}

/** A fault as one phrase: `"retry.max_attempts" must be from 1 to 10, and is 12`; in a batch, `"image_path" of item 0 is missing`. */
export function faultText({ path, detail }: Fault): string {
  const [first, ...rest] = path;
  if (first === undefined) return `The body ${detail}`;
  if (typeof first === "string") return `"${path.join(".")}" ${detail}`;
  return rest.length === 0 ? `Item ${first} ${detail}` : `"${rest.join(".")}" of item ${first} ${detail}`;
}

/** Several faults as one phrase, in which only the first begins with a capital. */
export function faultsText(faults: readonly Fault[], textOf: (fault: Fault) => string = faultText): string {
  return faults
    .map((fault, place) => (place === 0 ? textOf(fault) : textOf(fault).replace(/^(?:The|Item) /, (word) => word.toLowerCase())))
    .join("; ");
}

/** What a message says back of a text. */
const VALUE_CHARACTERS = 40;

/** A value in a message. A longer text is not said back: it may be a secret, or a picture. */
export function shown(value: unknown): string {
  if (typeof value === "string") {
    return value.length <= VALUE_CHARACTERS ? JSON.stringify(value.toWellFormed()) : `a string of ${value.length} characters`;
  }
  if (Array.isArray(value)) return "an array";
  if (value === null || typeof value !== "object") return String(value);
  return "an object";
}

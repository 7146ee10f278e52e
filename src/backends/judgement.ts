/**
 * PURE. What a backend's answer means, for every protocol: the status, the headers, the body and the error events of a stream
 * become an outcome with a reason, and the outcome becomes evidence for the backend's circuit. All of it is in the tables
 * below, and nobody else decides whether an attempt is made again. docs/operations.md shows them to operators.
 * - A status that nobody has defined counts as the first of its hundred (RFC 9110, 15): 530 as 500, 470 as 400.
 * - "Not now" (409, 421, 423, 425, 429 and the like) says nothing about the input, so it is tried again.
 * - Odd content in a success is never tried again: the same input gives the same.
 */
import { BACKEND_ANSWER_BYTES, MESSAGE_CHARACTERS, RETRY_AFTER_MAX_MS, UPSTREAM_CHARACTERS } from "../limits.ts";
import { waitIn } from "../encoding/retry-after.ts";
import { isObject } from "../tensors/tensor.ts";
import type { Failure, FailureClass, Outcome, Upstream } from "./outcome.ts";
import { errorValues, reasonOf } from "./reason.ts";
import type { SaidFailure } from "./streams/stream-events.ts";

/** What a failed attempt tells about its backend. */
export type Evidence =
  /** The inference was done there. */
  | "succeeded"
  /** It answered, whatever it thinks of the input: it lives. */
  | "answered"
  /** It failed; the circuit counts. The second: perhaps because of the input, so one inference counts once in a row. */
  | "failed"
  | "perhaps"
  /** No connection was made. */
  | "away"
  /** It can't work as it is registered: shown to the operator, but not counted. */
  | "misconfigured"
  /** Nothing. */
  | "nothing";

interface Finding {
  readonly class: FailureClass;
  readonly code: string;
  /** The status that says the same to a client; "own" = that of the backend. */
  readonly status: number | "own";
  /** Whether another attempt may end otherwise. */
  readonly again: boolean;
  readonly evidence: Evidence;
}

/** Every way in which an attempt fails at its backend. */
export const FINDINGS = {
  unreachable: { class: "infrastructure", code: "backend_unreachable", status: 502, again: true, evidence: "failed" },
  cut: { class: "infrastructure", code: "backend_cut", status: 502, again: true, evidence: "failed" },
  tooSlow: { class: "timeout", code: "run_within_seconds", status: 504, again: true, evidence: "perhaps" },
  timedOut: { class: "timeout", code: "backend_timeout", status: 504, again: true, evidence: "perhaps" },
  busy: { class: "capacity", code: "backend_busy", status: 503, again: true, evidence: "nothing" },
  unavailable: { class: "capacity", code: "backend_unavailable", status: 503, again: true, evidence: "failed" },
  error: { class: "infrastructure", code: "backend_error", status: 500, again: true, evidence: "perhaps" },
  gateway: { class: "infrastructure", code: "backend_error", status: 502, again: true, evidence: "failed" },
  unable: { class: "infrastructure", code: "backend_error", status: 502, again: false, evidence: "misconfigured" },
  misconfigured: { class: "infrastructure", code: "backend_misconfigured", status: 502, again: false, evidence: "misconfigured" },
  rejected: { class: "input", code: "backend_rejected", status: "own", again: false, evidence: "answered" },
  odd: { class: "infrastructure", code: "backend_garbage", status: 502, again: false, evidence: "answered" },
  oversized: { class: "model", code: "backend_oversized", status: 502, again: false, evidence: "answered" },
  /** It stopped what nobody had asked it to stop: it ends, or somebody else did. */
  canceled: { class: "infrastructure", code: "backend_canceled", status: 502, again: true, evidence: "nothing" },
  modelFailed: { class: "model", code: "model_failed", status: 500, again: false, evidence: "answered" },
} as const satisfies Record<string, Finding>;

export const CANCELED_CODE = FINDINGS.canceled.code;

export type FindingName = keyof typeof FINDINGS;

/** What a status says; one that is not here counts as the first of its hundred, and 1xx and 3xx are no answers to us. */
export const STATUSES: Readonly<Record<number, FindingName>> = {
  400: "rejected",
  // Ours to mend, not the client's: a wrong URL, credential, model name or plan.
  401: "misconfigured",
  402: "misconfigured",
  403: "misconfigured",
  404: "misconfigured",
  405: "misconfigured",
  406: "misconfigured",
  407: "misconfigured",
  408: "timedOut",
  409: "busy",
  410: "misconfigured",
  411: "misconfigured",
  420: "busy",
  421: "busy",
  423: "busy",
  424: "error", // TGI and SageMaker: the model failed
  425: "busy",
  426: "misconfigured",
  429: "busy",
  449: "busy",
  460: "cut", // a load balancer of AWS, and below nginx: the connection was closed
  495: "misconfigured", // nginx: of our certificate, and of plain HTTP where TLS is wanted
  496: "misconfigured",
  497: "misconfigured",
  499: "cut",
  500: "error",
  501: "unable",
  502: "gateway",
  503: "unavailable",
  504: "timedOut",
  505: "unable",
  511: "unable",
};

/** What a status says; null for a success. */
export function findingOf(status: number): FindingName | null {
  if (status >= 200 && status < 300) return null;
  const known = STATUSES[status];
  if (known) return known;
  if (status >= 500 && status < 600) return "error";
  return status >= 400 && status < 500 ? "rejected" : "unable";
}

/** What an edge or a tunnel says for a server that it can't connect to: refused, timed out, no route, TLS, no tunnel. */
const NOT_CONNECTED: ReadonlySet<number> = new Set([521, 522, 523, 525, 526, 530]);

/** Whether a failure is somebody's word for a server that he could not connect to; the server itself may use the same status. */
export function saysAway({ code, upstream }: Failure): boolean {
  return code === "backend_error" && upstream !== undefined && NOT_CONNECTED.has(upstream.status);
}

/** What of an answer is judged. */
export interface Judged {
  readonly status: number;
  readonly headers: Headers;
  /** When it began to come, by the isolate's clock. */
  readonly at: number;
  /** Takes our credential out of a text. */
  readonly conceal: (text: string) => string;
}

/** The outcome of an answer that is not a success; null for one that is. Its body tells the reason. */
export function refusal(answer: Judged & { readonly bytes: Uint8Array }): Outcome | null {
  if (findingOf(answer.status) === null) return null;
  const type = answer.headers.get("content-type");
  const error = errorValues(answer.bytes, type)
    .map(openaiErrorIn)
    .find((it) => it !== undefined);
  return refused(answer, reasonOf(answer.bytes, type), error);
}

/**
 * The outcome of a failure that a server says inside a success: in a body with status 200, or as an event of a stream. It
 * stands for the status that it says; by default 500.
 */
export function refusedInside({ status, reason, object }: SaidFailure, { conceal }: Pick<Judged, "conceal">): Outcome {
  const judged = { status: status ?? 500, headers: new Headers(), at: 0, conceal };
  return refused(judged, reason, openaiErrorIn(object)) ?? failing("error", "The backend answered an error.");
}

function refused(answer: Judged, reason: string | null, error: Upstream["error"]): Outcome | null {
  const finding = findingOf(answer.status);
  if (finding === null) return null;
  const message = `The backend answered ${answer.status}${reason === null ? "." : `: ${answer.conceal(reason)}`}`;
  const after = waitIn(answer.headers, answer.at) ?? undefined;
  const upstream: Upstream = {
    status: answer.status,
    ...(after === undefined ? {} : { retryAfterMs: after }),
    ...(error ? { error: concealed(error, answer.conceal) } : {}),
  };
  return failing(finding, message, { upstream, ...(after === undefined ? {} : { retryAfterMs: after }) });
}

/** An outcome by its finding. `message` is a sentence for the client. */
export function failing(
  finding: FindingName,
  message: string,
  { upstream, retryAfterMs: after }: { readonly upstream?: Upstream; readonly retryAfterMs?: number } = {},
): Outcome {
  const error = errorOf(FINDINGS[finding], message, upstream);
  if (!FINDINGS[finding].again) return { kind: "rejected", error };
  return after === undefined ? { kind: "retry", error } : { kind: "retry", error, retryAfterMs: after };
}

function errorOf({ class: failureClass, code, status }: Finding, message: string, upstream?: Upstream): Failure {
  return {
    class: failureClass,
    code,
    message: message.slice(0, MESSAGE_CHARACTERS),
    status: status === "own" ? (upstream?.status ?? 400) : status,
    ...(upstream && { upstream }),
  };
}

/** No connection, or one that broke before any answer. */
export const UNREACHABLE_ERROR: Failure = errorOf(FINDINGS.unreachable, "The backend could not be reached.");
export const UNREACHABLE: Outcome = { kind: "retry", error: UNREACHABLE_ERROR };

/** An answer that ended before its end. */
export function cutOff(): Outcome {
  return failing("cut", "The backend's answer broke off.");
}

/** No answer in the time that there is: what was left of it, to a tenth of a second. */
export function tooSlow(timeoutMs: number): Outcome {
  return failing("tooSlow", `The backend did not answer within ${Math.ceil(timeoutMs / 100) / 10} s.`);
}

export function oversized(): Outcome {
  return failing("oversized", `The backend's answer exceeds ${BACKEND_ANSWER_BYTES} bytes.`);
}

/** A success that is no answer: not what the protocol promises. */
export function garbage(what: string): Outcome {
  return failing("odd", `The backend's answer is not valid: ${what}.`);
}

/** An input that is not sent, because no server of this protocol could take it. */
export function unsendable(code: string, message: string, status = 422): Outcome {
  return { kind: "rejected", error: { class: "input", code, message, status } };
}

/** Nothing was sent: the deployment lacks what is needed to ask. */
export function misconfigured(message: string): Outcome {
  return failing("misconfigured", message);
}

const EVIDENCE: ReadonlyMap<string, Evidence> = new Map(
  Object.values(FINDINGS).map(({ class: failureClass, code, status, again, evidence }) => [
    nameOf({ class: failureClass, code, status: status === "own" ? 0 : status }, again),
    evidence,
  ]),
);

/** Findings that share a code differ in their status or in whether they are tried again. */
function nameOf({ class: failureClass, code, status }: Pick<Failure, "class" | "code" | "status">, again: boolean): string {
  return code === "backend_error" ? `${code} ${status} ${again}` : `${code} ${failureClass}`;
}

/** What an outcome tells about its backend, beside what it makes of the inference; `ms` = it asked to be left alone for so long. */
export type BackendEvidence = { readonly kind: Evidence } | { readonly kind: "asked"; readonly ms: number };

export function evidenceOf(outcome: Outcome): BackendEvidence {
  switch (outcome.kind) {
    case "done":
    case "kept":
      return { kind: "succeeded" };
    case "abandoned":
      return { kind: "nothing" };
    case "unreached":
      return { kind: "away" };
    case "rejected":
      return { kind: EVIDENCE.get(nameOf(outcome.error, false)) ?? "nothing" };
    case "retry":
      if (outcome.error.class === "capacity" && outcome.retryAfterMs !== undefined) {
        return { kind: "asked", ms: Math.min(outcome.retryAfterMs, RETRY_AFTER_MAX_MS) };
      }
      return { kind: EVIDENCE.get(nameOf(outcome.error, true)) ?? "nothing" };
    default:
      return outcome satisfies never;
  }
}

/** The error object of OpenAI's API, within `error` or, of older servers, bare. */
function openaiErrorIn(value: unknown): Upstream["error"] {
  const error = isObject(value) ? (isObject(value["error"]) ? value["error"] : value["object"] === "error" ? value : null) : null;
  if (!error || typeof error["message"] !== "string") return undefined;
  const { message, type, param, code } = error;
  return { message, type: textOrNull(type), param: textOrNull(param), code: typeof code === "number" ? code : textOrNull(code) };
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function concealed(error: NonNullable<Upstream["error"]>, conceal: Judged["conceal"]): NonNullable<Upstream["error"]> {
  const short = (text: string | null) => (text === null ? null : conceal(text).slice(0, UPSTREAM_CHARACTERS));
  const { message, type, param, code } = error;
  return {
    message: conceal(message).slice(0, MESSAGE_CHARACTERS),
    type: short(type),
    param: short(param),
    code: typeof code === "number" ? code : short(code),
  };
}

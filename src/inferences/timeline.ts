/**
 * PURE. The life of an inference as spans: how long it waited each time and for what, and its attempts with what took how long
 * in them. All of it is read from its log.
 */
import type { Failure } from "../backends/outcome.ts";
import { isFinal } from "./status.ts";
import type { Inference, LogEntry } from "./inference.ts";
import { spanIdOf } from "./trace.ts";
import { type WaitReason, delayedBy } from "./wait.ts";

/** The name of the span of a backend's call, within its inference. */
export const backendSpan = (attempt: number) => `backend/${attempt}`;

/** How a span ended. */
export const SPAN_OUTCOMES = ["succeeded", "failed", "canceled", "expired"] as const;
export type SpanOutcome = (typeof SPAN_OUTCOMES)[number];

/** Times in ms. */
export interface Span {
  readonly id: string;
  readonly parentId: string | null;
  readonly name: "inference" | "queued" | "attempt" | "prepare" | "backend" | "store";
  readonly startAt: number;
  /** Null while it goes on. */
  readonly endAt: number | null;
  /** Null while it goes on, and of what only takes its time. */
  readonly outcome: SpanOutcome | null;
  /** Of an attempt and what is in it: its number. */
  readonly attempt?: number;
  readonly backendId?: string;
  /** Of a wait: for what; null if that is not known, so for its turn or a free slot. */
  readonly waitingOn?: WaitReason | null;
  readonly error?: Failure;
  /** Of the call of a backend: when the head of its answer came. */
  readonly firstByteAt?: number;
}

/** What happened at one moment. Times in ms. */
export interface Moment {
  readonly name: "aged" | "redriven" | "log";
  readonly at: number;
  readonly message?: string;
}

export interface Life {
  /** The first is the whole, and the parent of all others without one of their own. */
  readonly spans: readonly Span[];
  readonly moments: readonly Moment[];
  /** Lines between were dropped from its log, so spans are missing. */
  readonly isCut: boolean;
}

interface Wait {
  readonly startAt: number;
  readonly waitingOn: WaitReason | null;
}

interface Run {
  readonly startAt: number;
  readonly attempt: number;
  readonly backendId: string;
}

/** Its life so far; what goes on has no end yet. */
export function lifeOf(inference: Inference): Life {
  const { id, log, createdAt } = inference;
  const root = spanIdOf(id, "inference");
  const spans: Span[] = [];
  const moments: Moment[] = [];
  let wait: Wait | null = null;
  let run: Run | null = null;
  let isCut = false;

  const waited = (endAt: number | null, waitingOn?: WaitReason | null) => {
    if (!wait) return;
    const span = { parentId: root, name: "queued", outcome: null, startAt: wait.startAt, endAt } as const;
    spans.push({ ...span, id: spanIdOf(id, `queued/${wait.startAt}`), waitingOn: waitingOn === undefined ? wait.waitingOn : waitingOn });
    wait = null;
  };
  const ran = (line: LogEntry | null, outcome: SpanOutcome | null) => {
    if (run) spans.push(...attemptSpans(id, root, run, line, outcome));
    run = null;
  };

  for (const [index, line] of log.entries()) {
    const { at } = line;
    switch (line.event) {
      case "queued":
        wait = { startAt: at, waitingOn: null };
        break;
      case "ready":
        waited(at, inference.log.slice(0, index).some(({ event }) => event === "claimed") ? "retry_backoff" : "scheduled");
        wait = { startAt: at, waitingOn: null };
        break;
      case "claimed":
        waited(at);
        run = { startAt: at, attempt: line.attempt ?? 0, backendId: line.backend ?? "" };
        break;
      case "attempt_failed":
        ran(line, "failed");
        wait = { startAt: at, waitingOn: (line.retry_at ?? at) > at ? "retry_backoff" : null };
        break;
      case "redriven":
        moments.push({ name: "redriven", at });
        wait = { startAt: at, waitingOn: null };
        break;
      case "succeeded":
      case "failed":
      case "canceled":
      case "expired":
        waited(at);
        ran(line, line.event);
        break;
      case "aged":
        moments.push({ name: "aged", at });
        break;
      case "log":
        moments.push({ name: "log", at, ...(line.message === undefined ? {} : { message: line.message }) });
        break;
      case "shortened":
        isCut = true;
        wait = null;
        break;
      default:
        line.event satisfies never;
    }
  }
  if (inference.status === "queued") waited(null, waitingOnOf(inference));
  ran(null, null);

  const isOver = isFinal(inference.status);
  const whole: Span = {
    id: root,
    parentId: null,
    name: "inference",
    startAt: createdAt,
    endAt: "finishedAt" in inference ? inference.finishedAt : null,
    outcome: isOver ? (inference.status as SpanOutcome) : null,
    ...("error" in inference ? { error: inference.error } : {}),
  };
  return { spans: [whole, ...spans], moments, isCut };
}

const waitingOnOf = (inference: Extract<Inference, { status: "queued" }>): WaitReason | null =>
  inference.wait?.on ?? (inference.notBefore === null ? null : delayedBy(inference.attempt));

/** An attempt, and what took how long in it, as far as its runner has told; `end` is the line of its log that ended it. */
function attemptSpans(id: string, root: string, run: Run, end: LogEntry | null, outcome: SpanOutcome | null): Span[] {
  const { startAt, attempt, backendId } = run;
  const own = spanIdOf(id, `attempt/${attempt}`);
  const common = { attempt, backendId };
  const error = end?.error ? { error: end.error } : {};
  const whole = { id: own, parentId: root, name: "attempt", startAt, endAt: end?.at ?? null, outcome, ...common, ...error } as const;
  const { sent_ms: sent, first_byte_ms: head, answered_ms: answered } = end?.timing ?? {};
  if (!end || sent === undefined) return [whole];
  const after = (ms: number) => Math.min(startAt + ms, end.at); // by the runner's clock, within what the database's says
  const step = (name: Span["name"], from: number, to: number): Span => ({
    id: spanIdOf(id, `${name}/${attempt}`),
    parentId: own,
    name,
    startAt: from,
    endAt: to,
    outcome: null,
    ...common,
  });
  const backend = step("backend", after(sent), answered === undefined ? end.at : after(answered));
  return [
    whole,
    step("prepare", startAt, after(sent)),
    { ...backend, outcome: outcome === "succeeded" ? "succeeded" : "failed", ...(head === undefined ? {} : { firstByteAt: after(head) }) },
    ...(answered === undefined ? [] : [step("store", after(answered), end.at)]),
  ];
}

/**
 * PURE. What an inference is, which status may become which, and what follows from the end of an attempt. Nothing
 * else decides about a status: the store derives the WHERE of every change from this table.
 */
import type { Failure, KeptPart, Outcome, Usage } from "../backends/outcome.ts";
import type { Webhook, WebhookStatus } from "../webhooks/delivery.ts";
import { QUARANTINE_TAKEDOWNS, RETRY_AFTER_MAX_MS } from "../numbers.ts";

export const STATUSES = ["queued", "in_progress", "succeeded", "failed", "canceled", "expired"] as const;
export type Status = (typeof STATUSES)[number];

/** `failed` and `expired` end a client's wait, but an explicit redrive may queue them again under the same id. */
export const TRANSITIONS: Readonly<Record<Status, readonly Status[]>> = {
  queued: ["in_progress", "canceled", "expired", "failed"],
  in_progress: ["succeeded", "failed", "queued", "canceled"],
  succeeded: [],
  failed: ["queued"],
  canceled: [],
  expired: ["queued"],
};

export function mayBecome(from: Status, to: Status): boolean {
  return TRANSITIONS[from].includes(to);
}

/** Whether a client's wait is over. */
export function isFinal(status: Status): boolean {
  return status !== "queued" && status !== "in_progress";
}

/** Bytes of an input or output: in the row when small, else an object in R2 under `key`. */
export type Payload =
  | { readonly at: "row"; readonly body: string | Uint8Array; readonly contentType: string }
  | {
      readonly at: "object";
      /** Null where it was removed. */
      readonly key: string | null;
      readonly bytes: number;
      readonly contentType: string;
      /** Of its bytes, in hex; null where it was not reckoned. */
      readonly sha256?: string | null;
    };

/** One line of an inference's life, kept in its row. Times in ms. */
export interface LogEntry {
  readonly at: number;
  readonly event:
    | "queued"
    | "claimed"
    | "attempt_failed"
    | "ready"
    | "aged"
    | "succeeded"
    | "failed"
    | "canceled"
    | "expired"
    | "redriven"
    | "shortened";
  readonly attempt?: number;
  readonly backend?: string;
  readonly error?: Failure;
  readonly retry_at?: number;
}

interface Common {
  readonly id: string;
  readonly accountId: string;
  readonly model: string;
  /** Empty where the model has no versions. */
  readonly version: string;
  readonly dialect: string;
  readonly priority: number;
  /** The priority as it counts now. */
  readonly level: number;
  /** Attempts begun so far. */
  readonly attempt: number;
  readonly retry: RetrySettings;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** When its first attempt began. */
  readonly startedAt: number | null;
  /** Spent in attempts so far. */
  readonly runMs: number;
  readonly inputItems: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly log: readonly LogEntry[];
  /** What was asked of the model, where its dialect tells that apart: `text-to-image`, `chat/completions`; '' otherwise. */
  readonly capability: string;
  /** The URL that was given with it, and how it stands with telling it of the end. */
  readonly webhook: (Webhook & { readonly status: WebhookStatus }) | null;
}

interface Ended extends Common {
  readonly finishedAt: number;
  /** Until then its input and output are kept. */
  readonly expiresAt: number;
  /** Its input and output were removed. */
  readonly dataRemoved: boolean;
}

/** An inference as its row tells it; the members that a status cannot have are not there. */
export type Inference =
  | (Common & { readonly status: "queued"; readonly startBy: number; readonly notBefore: number | null; readonly wait: Wait | null })
  | (Common & { readonly status: "in_progress"; readonly backendId: string; readonly lastStartedAt: number })
  | (Ended & {
      readonly status: "succeeded";
      readonly output: Payload;
      readonly parts: readonly KeptPart[];
      readonly outputItems: number;
      readonly usage: Usage | null;
    })
  | (Ended & { readonly status: "failed" | "expired"; readonly error: Failure })
  | (Ended & { readonly status: "canceled"; readonly stopped: Stopped });

/** What a cancel could do: it never began, or its backend was told to stop by closing the connection. */
export type Stopped = "confirmed" | "best_effort";

/** Why an inference waits, and for how long it will by the measured run times. Null where nothing is measured. */
export interface Wait {
  readonly on: "position" | "concurrency" | "backend_down" | "retry_backoff";
  /** How many go before it; null while it backs off. At most POSITION_MAX. */
  readonly ahead: number | null;
  /** Until its start; null where it can't be told. */
  readonly estimatedMs: number | null;
}

/** What the wait is reckoned from: the state of the lane at the moment of asking. */
export interface LaneState {
  readonly ahead: number;
  /** Slots of the backends that take work. */
  readonly capacity: number;
  readonly freeSlots: number;
  readonly meanRunMs: number | null;
}

/** Reckons the wait of a queued inference. `now` and `notBefore` by one clock. */
export function waitOf(lane: LaneState, notBefore: number | null, now: number): Wait {
  const rounds = lane.capacity > 0 ? Math.max(0, lane.ahead + 1 - lane.freeSlots) / lane.capacity : null;
  const inLine = rounds === 0 ? 0 : rounds === null || lane.meanRunMs === null ? null : Math.ceil(rounds * lane.meanRunMs);
  if (notBefore !== null)
    return { on: "retry_backoff", ahead: null, estimatedMs: inLine === null ? null : Math.max(0, notBefore - now) + inLine };
  if (lane.capacity === 0) return { on: "backend_down", ahead: lane.ahead, estimatedMs: null };
  return { on: lane.ahead > 0 ? "position" : "concurrency", ahead: lane.ahead, estimatedMs: inLine };
}

/** An inference as it was right after its submit: what a replay of the submit answers. */
export function asSubmitted(inference: Inference): Inference {
  const { id, accountId, model, version, dialect, priority, retry, createdAt, inputItems, metadata, log, capability, webhook } = inference;
  return {
    id,
    accountId,
    model,
    version,
    dialect,
    priority,
    level: priority,
    attempt: 0,
    retry,
    createdAt,
    updatedAt: createdAt,
    startedAt: null,
    runMs: 0,
    inputItems,
    metadata,
    log: log.slice(0, 1),
    capability,
    webhook: webhook && { ...webhook, status: "pending" },
    status: "queued",
    startBy: createdAt,
    notBefore: null,
    wait: null,
  };
}

export interface RetrySettings {
  /** Counts the first try. */
  readonly maxAttempts: number;
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
}

/** What an attempt's failure makes of its inference: another attempt after a delay, or the end. */
export type Verdict = { readonly next: "queued"; readonly delayMs: number } | { readonly next: "failed"; readonly error: Failure };

/**
 * Decides after a failed attempt. `random` in [0, 1).
 * The delay is exponential with full jitter (AWS Architecture Blog, "Exponential Backoff and Jitter"), never
 * shorter than the backend's own `Retry-After`, which counts up to RETRY_AFTER_MAX_MS. `attempt` counts from 1 since
 * the submit or the last redrive.
 */
export function afterFailure(
  outcome: Extract<Outcome, { kind: "retry" | "rejected" }>,
  attempt: number,
  retry: RetrySettings,
  random: number,
): Verdict {
  if (outcome.kind === "rejected" || attempt >= retry.maxAttempts) return { next: "failed", error: outcome.error };
  const ceiling = Math.min(retry.maxDelayMs, retry.initialDelayMs * 2 ** (attempt - 1));
  const asked = Math.min(outcome.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS);
  return { next: "queued", delayMs: Math.max(Math.floor(random * (ceiling + 1)), asked) };
}

/** Its attempts, each on a healthy backend, took the backends down: another would take down another. */
export const QUARANTINED: Failure = {
  class: "model",
  code: "quarantined",
  message: `Quarantined: ${QUARANTINE_TAKEDOWNS} attempts at it took down a healthy backend.`,
  status: 500,
};

/** A runner that vanished: its lease lapsed without a word. */
export const RUNNER_LOST: Failure = {
  class: "infrastructure",
  code: "runner_lost",
  message: "The runner of this attempt stopped without a word; its lease lapsed.",
  status: 500,
};

export const WAITED_TOO_LONG: Failure = {
  class: "timeout",
  code: "max_time_in_queue_seconds",
  message: "Waited in the queue for longer than max_time_in_queue_seconds.",
  status: 504,
};

/**
 * A UUID of version 7 (RFC 9562, 5.7): 48 bits of time, the rest random, so ids sort by age.
 * `random` gives at least 10 bytes.
 */
export function newInferenceId(now: number, random: (count: number) => Uint8Array): string {
  const bytes = new Uint8Array(16);
  bytes.set(random(10), 6);
  new DataView(bytes.buffer).setUint16(0, Math.floor(now / 2 ** 32));
  new DataView(bytes.buffer).setUint32(2, now >>> 0);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The least id that an inference submitted at that time, in ms, or later can have. */
export function earliestId(ms: number): string {
  const hex = Math.min(Math.max(0, ms), 2 ** 48 - 1)
    .toString(16)
    .padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a text can be an inference's id at all; what can't is simply not found. */
export function isInferenceId(text: string): boolean {
  return UUID.test(text);
}

/**
 * PURE. What an inference is, which status may become which, and what follows from the end of an attempt. Nothing
 * else decides about a status: the store derives the WHERE of every change from this table.
 */
import type { Failure, KeptPart, Usage } from "../backends/outcome.ts";
import type { Webhook, WebhookStatus } from "./webhook.ts";
import type { Payload } from "../payloads/payload.ts";
import type { RetrySettings } from "./retry.ts";
import type { Wait } from "./wait.ts";

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
    | "shortened"
    | "log";
  readonly attempt?: number;
  readonly backend?: string;
  readonly error?: Failure;
  readonly retry_at?: number;
  /** Of the end of an attempt that called its backend. */
  readonly timing?: Timing;
  /** Of a line of the model's own. */
  readonly message?: string;
}

/** When what happened in an attempt, in ms after its claim, by its runner's clock. */
export interface Timing {
  /** Its backend was called. */
  readonly sent_ms: number;
  /** The head of its answer came. */
  readonly first_byte_ms?: number;
  /** All of its answer was there. */
  readonly answered_ms?: number;
}

/** What a model says of how far its attempt has come. */
export interface Progress {
  readonly attempt: number;
  /** In ms. */
  readonly at: number;
  /** From 0 to 1. */
  readonly progress: number | null;
  readonly message: string | null;
  readonly previewUrl: string | null;
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
  /** The call that submitted it, within its client's trace, as the row has it; null if that named none. */
  readonly trace: string | null;
  /** Whether its output is kept as a stream while it comes, so that it can be read again. */
  readonly resumable: boolean;
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
  | (Common & {
      readonly status: "in_progress";
      readonly backendId: string;
      readonly lastStartedAt: number;
      readonly progress: Progress | null;
    })
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

/** What of a submission an inference shows at once. */
type Newest = Pick<
  Common,
  "id" | "accountId" | "model" | "version" | "dialect" | "priority" | "retry" | "createdAt" | "inputItems" | "metadata" | "capability"
> & {
  readonly webhook: Webhook | null;
  readonly startBy: number;
  readonly notBefore?: number | null;
  readonly trace?: string | null;
  readonly resumable?: boolean;
};

/** An inference as it is right after its submit. */
export function newlyQueued(it: Newest): Inference {
  return {
    id: it.id,
    accountId: it.accountId,
    model: it.model,
    version: it.version,
    dialect: it.dialect,
    priority: it.priority,
    level: it.priority,
    attempt: 0,
    retry: it.retry,
    createdAt: it.createdAt,
    updatedAt: it.createdAt,
    startedAt: null,
    runMs: 0,
    inputItems: it.inputItems,
    metadata: it.metadata,
    log: [{ at: it.createdAt, event: "queued" }],
    capability: it.capability,
    trace: it.trace ?? null,
    resumable: it.resumable ?? false,
    webhook: it.webhook && { ...it.webhook, status: "pending" },
    status: "queued",
    startBy: it.startBy,
    notBefore: it.notBefore ?? null,
    wait: null,
  };
}

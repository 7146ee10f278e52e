/** PURE. What follows from the end of an attempt: another one after a delay, or the end. */
import type { Failure, Outcome } from "../backends/outcome.ts";
import { QUARANTINE_TAKEDOWNS, RETRY_AFTER_MAX_MS } from "../limits.ts";

export interface RetrySettings {
  /** Counts the first try. */
  readonly maxAttempts: number;
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
}

/** The settings as clients write them, in our own API and in Baseten's. */
export function retryOf(
  said:
    | {
        readonly max_attempts?: number | undefined;
        readonly initial_delay_ms?: number | undefined;
        readonly max_delay_ms?: number | undefined;
      }
    | undefined,
): { [Setting in keyof RetrySettings]: RetrySettings[Setting] | undefined } {
  return { maxAttempts: said?.max_attempts, initialDelayMs: said?.initial_delay_ms, maxDelayMs: said?.max_delay_ms };
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
  outcome: Extract<Outcome, { error: Failure }>,
  attempt: number,
  retry: RetrySettings,
  random: number,
): Verdict {
  // Its backend is rested meanwhile, and its time in the queue goes on.
  if (outcome.kind === "unreached") return { next: "queued", delayMs: 0 };
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

/** It waited for as long as it may, and no attempt reached a backend: not its fault, and worth a redrive. */
export const NEVER_REACHED: Failure = {
  class: "infrastructure",
  code: "backend_unreachable",
  message: "No backend could be reached within max_time_in_queue_seconds.",
  status: 502,
};

export const WAITED_TOO_LONG: Failure = {
  class: "timeout",
  code: "max_time_in_queue_seconds",
  message: "Waited in the queue for longer than max_time_in_queue_seconds.",
  status: 504,
};

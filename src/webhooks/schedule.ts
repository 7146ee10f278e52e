/**
 * PURE. What follows from the end of an attempt at a delivery: for the delivery, and for the endpoint it went to.
 * Attempts go on by the example schedule of Standard Webhooks 1.0.0 ("Deliverability and reliability"): ten over about
 * three days, each delay with jitter so that deliveries that failed together don't come back together. The answers'
 * meanings are those of the same document; a redirect is a failure, since who may be called was judged for this URL
 * and no other.
 */
import {
  ENDPOINT_REST_FAILURES,
  ENDPOINT_REST_MS,
  WEBHOOK_DELAYS_SECONDS,
  WEBHOOK_HOLD_MAX_MS,
  WEBHOOK_HOLD_MS,
  WEBHOOK_JITTER,
  WEBHOOK_RETRY_AFTER_MAX_MS,
} from "../limits.ts";

/** How one attempt ended. */
export type DeliveryOutcome =
  /** `retryAfterMs`: what the receiver's `Retry-After` asks for, null without one. */
  | { readonly kind: "answered"; readonly status: number; readonly retryAfterMs: number | null }
  /** No answer within WEBHOOK_TIMEOUT_MS. */
  | { readonly kind: "timed_out" }
  /** No connection, or a cut one. */
  | { readonly kind: "unreachable" }
  /** Not called at all: the target may not be (target.ts). Tried again, since a name may get its public address back. */
  | { readonly kind: "refused"; readonly reason: string }
  /** A fault of ours, before or after the call. Tried again, and not the endpoint's failure. */
  | { readonly kind: "internal_error" };

/** What an outcome makes of its delivery. */
export type DeliveryVerdict =
  | { readonly next: "succeeded" }
  | { readonly next: "pending"; readonly delayMs: number }
  /** `gone`: the receiver wants no more at this URL, which is disabled for the account. */
  | { readonly next: "failed"; readonly why: "exhausted" | "gone" };

/**
 * Decides after an attempt, which counts from 1. `random` in [0, 1). A report of progress is out of date before long: it is tried once.
 * A `Retry-After` puts the next attempt off, up to WEBHOOK_RETRY_AFTER_MAX_MS, and never brings it forward: it says when
 * the receiver is back, not that it is in a hurry.
 */
export function afterAttempt(outcome: DeliveryOutcome, attempt: number, random: number, isReport = false): DeliveryVerdict {
  if (isSuccess(outcome)) return { next: "succeeded" };
  if (isGone(outcome)) return { next: "failed", why: "gone" };
  const seconds = isReport ? undefined : WEBHOOK_DELAYS_SECONDS[attempt - 1];
  if (seconds === undefined) return { next: "failed", why: "exhausted" };
  const jittered = Math.round(seconds * 1000 * (1 + WEBHOOK_JITTER * (2 * random - 1)));
  return { next: "pending", delayMs: Math.max(jittered, Math.min(askedMs(outcome), WEBHOOK_RETRY_AFTER_MAX_MS)) };
}

/**
 * For how long the endpoint's other deliveries are held back, in ms; 0 where they go on. The receiver is under load, or
 * it said how long it needs. At most WEBHOOK_HOLD_MAX_MS: one answer must not silence an endpoint for a day.
 */
export function holdMs(outcome: DeliveryOutcome): number {
  if (isSuccess(outcome) || isGone(outcome)) return 0;
  return Math.min(Math.max(askedMs(outcome), isThrottle(outcome) ? WEBHOOK_HOLD_MS : 0), WEBHOOK_HOLD_MAX_MS);
}

/** Failures of an endpoint in a row, over all of its deliveries; any success ends it. Counted in the database (sql/endpoints.ts). */
export interface Streak {
  readonly failures: number;
  /** When the first of them was, in ms. */
  readonly since: number;
}

/**
 * Whether an endpoint is rested: many failures in a row, and over a long time. A busy endpoint fails a hundred times in
 * a minute's outage; a quiet one fails for a day with one delivery.
 */
export function isToRest(streak: Streak | null, now: number): boolean {
  return streak !== null && streak.failures >= ENDPOINT_REST_FAILURES && now - streak.since >= ENDPOINT_REST_MS;
}

/** Any 2xx. */
export function isSuccess(outcome: DeliveryOutcome): boolean {
  return outcome.kind === "answered" && outcome.status >= 200 && outcome.status < 300;
}

function isGone(outcome: DeliveryOutcome): boolean {
  return outcome.kind === "answered" && outcome.status === 410;
}

function isThrottle(outcome: DeliveryOutcome): boolean {
  return outcome.kind === "answered" && (outcome.status === 429 || outcome.status === 502 || outcome.status === 504);
}

function askedMs(outcome: DeliveryOutcome): number {
  return outcome.kind === "answered" ? (outcome.retryAfterMs ?? 0) : 0;
}

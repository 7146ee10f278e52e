/**
 * PURE. How an attempt at a backend can end, and what that tells of the backend. What it makes of the inference is
 * decided in inferences/inference.ts.
 */
import type { Content } from "../content/content.ts";
import { RETRY_AFTER_MAX_MS } from "../limits.ts";

export const FAILURE_CLASSES = ["input", "model", "capacity", "infrastructure", "timeout"] as const;
export type FailureClass = (typeof FAILURE_CLASSES)[number];

/** Why an attempt, or an inference, failed. */
export interface Failure {
  readonly class: FailureClass;
  /** Stable, snake_case: `backend_timeout`, `backend_cut`, `max_time_in_queue_seconds` … */
  readonly code: string;
  readonly message: string;
  /** The HTTP status that says the same: of the backend where it gave one. */
  readonly status: number;
}

/** How one attempt ended, as its backend tells it. */
export type Outcome =
  | { readonly kind: "done"; readonly output: Output }
  /** Done, with an output that went into the bucket while it came. */
  | { readonly kind: "kept"; readonly kept: Kept; readonly items: number }
  | { readonly kind: "retry"; readonly error: Failure; readonly retryAfterMs?: number }
  | { readonly kind: "rejected"; readonly error: Failure }
  /** Its runner let go of it: cancelled, or its lease lost. Nothing is to be recorded. */
  | { readonly kind: "abandoned" };

export interface Output extends Content {
  readonly items: number;
  /** What came beside it, each an object of its own. */
  readonly parts?: readonly KeptPart[];
  /** Tokens, where the backend counts them. */
  readonly usage?: Usage;
}

/** An object in the bucket. */
export interface Kept {
  readonly key: string;
  readonly bytes: number;
  readonly contentType: string;
  /** Of its bytes, in hex. */
  readonly sha256: string;
}

/** One of several objects that an inference has as its output, under a name that no other has. */
export interface KeptPart extends Kept {
  readonly name: string;
}

/** What a text model took in and gave out, in tokens. */
export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** What an outcome tells of the backend, beside what it makes of the inference. */
export type BackendEvidence =
  | { readonly kind: "proved" }
  /** `itsOwn`: the failure may be the inference's own doing, such as an input that makes a server answer 500. */
  | { readonly kind: "failed"; readonly itsOwn: boolean }
  /** It asked to be left alone for so long. */
  | { readonly kind: "asked"; readonly ms: number }
  | { readonly kind: "unknown" };

/** A server that answers is proved, whatever it thinks of the input; one that is busy is not broken. */
export function evidenceOf(outcome: Outcome): BackendEvidence {
  switch (outcome.kind) {
    case "done":
    case "kept":
      return { kind: "proved" };
    case "rejected":
      return { kind: outcome.error.class === "infrastructure" ? "unknown" : "proved" };
    case "abandoned":
      return { kind: "unknown" };
    case "retry":
      if (outcome.error.class === "capacity") {
        if (outcome.retryAfterMs !== undefined) return { kind: "asked", ms: Math.min(outcome.retryAfterMs, RETRY_AFTER_MAX_MS) };
        return outcome.error.code === "backend_unavailable" ? { kind: "failed", itsOwn: false } : { kind: "unknown" };
      }
      return { kind: "failed", itsOwn: outcome.error.code !== "backend_cut" && outcome.error.code !== "backend_unreachable" };
    default:
      return outcome satisfies never;
  }
}

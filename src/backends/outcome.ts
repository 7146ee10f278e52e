/**
 * PURE. How an attempt at a backend can end. What a backend's answer means is decided in judgement.ts, what follows for the
 * inference in inferences/retry.ts.
 */
import * as z from "zod";
import type { Content } from "../content/content.ts";

export const FAILURE_CLASSES = ["input", "model", "capacity", "infrastructure", "timeout"] as const;
export type FailureClass = (typeof FAILURE_CLASSES)[number];

/** Why an attempt, or an inference, failed. */
export interface Failure {
  readonly class: FailureClass;
  /** Stable, snake_case: `backend_timeout`, `backend_cut`, `max_time_in_queue_seconds` … */
  readonly code: string;
  readonly message: string;
  /** The HTTP status that says the same. */
  readonly status: number;
  /** What the backend itself said, if it answered with an error. */
  readonly upstream?: Upstream | undefined;
}

/** A backend's own words, for clients of a wire that has them too. */
export const upstreamSchema = z.object({
  status: z.number(),
  /** How long it asked to be left alone. */
  retryAfterMs: z.number().optional(),
  /** The error object of OpenAI's API, if it sent one. */
  error: z
    .object({
      message: z.string(),
      type: z.string().nullable(),
      param: z.string().nullable(),
      code: z.union([z.string(), z.number()]).nullable(),
    })
    .optional(),
});
export type Upstream = Readonly<z.infer<typeof upstreamSchema>>;

/** How one attempt ended, as its backend tells it. */
export type Outcome =
  | { readonly kind: "done"; readonly output: Output }
  /** Done, with an output that went into the bucket while it came. */
  | { readonly kind: "kept"; readonly kept: Kept; readonly items: number }
  | { readonly kind: "retry"; readonly error: Failure; readonly retryAfterMs?: number }
  | { readonly kind: "rejected"; readonly error: Failure }
  /** It never reached its backend: it does not count as an attempt. */
  | { readonly kind: "unreached"; readonly error: Failure }
  /** Its runner let go of it: canceled, or its lease lost. Nothing is to be recorded. */
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

/** What the client throws. */
import type { Inference } from "./types.ts";

export class ClaimcheckError extends Error {
  override readonly name: string = "ClaimcheckError";
}

/** No answer came. */
export class ConnectionFailed extends ClaimcheckError {
  override readonly name = "ConnectionFailed";
}

/** The deployment refused the call. */
export class ApiError extends ClaimcheckError {
  override readonly name = "ApiError";
  readonly status: number;
  /** For programs, such as `invalid_input`. */
  readonly code: string;
  /** For people. */
  readonly detail: string;
  /** The operator's log has it. */
  readonly requestId: string | null;
  /** What is wrong with the body, place by place. */
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[];
  /** The whole answer. */
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(status: number, problem: Readonly<Record<string, unknown>>, headers: Headers) {
    const text = (name: string) => (typeof problem[name] === "string" ? problem[name] : "");
    super(text("detail") || text("title") || `The deployment answered ${status}.`);
    this.status = status;
    this.code = text("code");
    this.detail = this.message;
    this.requestId = text("request_id") || headers.get("x-request-id");
    this.errors = Array.isArray(problem["errors"]) ? (problem["errors"] as ApiError["errors"]) : []; // as problem details have them
    this.problem = problem;
  }
}

/** The inference ended, and not well. */
export class InferenceFailed extends ClaimcheckError {
  override readonly name = "InferenceFailed";
  readonly inference: Inference;

  constructor(inference: Inference) {
    super(inference.error?.message ?? `The inference is ${inference.status}.`);
    this.inference = inference;
  }
}

/** The inference has not ended in the time that was given; it goes on. */
export class WaitTimeout extends ClaimcheckError {
  override readonly name = "WaitTimeout";
  readonly inference: Inference;

  constructor(inference: Inference) {
    super(`The inference is still ${inference.status}.`);
    this.inference = inference;
  }
}

/** A webhook was not sent by the deployment, or too long ago. */
export class InvalidSignature extends ClaimcheckError {
  override readonly name = "InvalidSignature";
}

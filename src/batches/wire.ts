/** What a batch needs of the wire that it was made in: what a line asks for, and how what became of it is said there. */
import type { Failure } from "../backends/outcome.ts";
import type { Submission } from "../inferences/submission.ts";
import type { Problem } from "../problem.ts";

/** An answer of the wire, as a line of a file shows it. */
export interface LineAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** What a line asks for. */
export type LineAsked = Pick<Submission, "dialect" | "model" | "capability" | "input" | "given" | "inputItems">;

export interface BatchWire {
  /** What is asked of the model by an endpoint; null if that takes no batches. */
  capabilityOf(endpoint: string): string | null;
  /** Throws what refuses the body. */
  ask(endpoint: string, body: Readonly<Record<string, unknown>>): LineAsked;
  refused(problem: Problem): LineAnswer;
  /** Null: it was canceled. */
  failed(error: Failure | null): LineAnswer;
  /** Of an output; its value is null if it is nothing that can be shown. A status that is no success says so. */
  succeeded(endpoint: string, inference: { readonly id: string; readonly model: string }, output: unknown): LineAnswer;
}

/**
 * The reference model: what every inference has been through, and what must be true of it. It sees each change of each row
 * in order, with who made it. The rules are in rooms of their own beside it.
 */
import type { BackendRow, InferenceRow } from "../platform/rows.ts";
import { Answers } from "./answers.ts";
import { Calls } from "./calls.ts";
import { Claims } from "./claims.ts";
import { Heads } from "./heads.ts";
import { type Actor, Lives, type Outside } from "./lives.ts";
import { type Neighbourhood, Neighbours } from "./neighbours.ts";
import { Transitions } from "./transitions.ts";
import { Waiting } from "./waiting.ts";

export class Model {
  readonly known: Lives;
  readonly claims: Claims;
  readonly calls: Calls;
  readonly heads: Heads;
  readonly answers: Answers;
  readonly neighbours: Neighbours;
  readonly waiting: Waiting;
  readonly transitions: Transitions;

  constructor(outside: Outside, jobOf: (row: InferenceRow) => number, fair: boolean, neighbours: Neighbourhood) {
    this.known = new Lives(outside);
    this.claims = new Claims(this.known, fair);
    this.calls = new Calls(this.known);
    this.heads = new Heads(this.known);
    this.neighbours = new Neighbours(this.known, neighbours);
    this.answers = new Answers(this.known);
    this.waiting = new Waiting(this.known);
    this.transitions = new Transitions(this.known, this.claims, this.calls, this.answers, jobOf);
  }

  /** How many inferences have not ended. */
  get open(): number {
    return this.known.lives.size - this.transitions.finals;
  }

  seeInference(row: InferenceRow, by: Actor): void {
    this.transitions.see(row, by);
  }

  seeBackend(row: BackendRow): void {
    this.known.backends.set(row.id, row);
  }

  /** Which job an inference is of, once it is known. */
  jobOf({ accountId, id }: InferenceRow): number | null {
    return this.known.lives.get(`${accountId}/${id}`)?.job ?? null;
  }

  isCanceled(job: number): boolean {
    return this.known.jobs.get(job)?.row.status === "canceled";
  }

  /** Since when an inference has been final, if it is. */
  finalSince(job: number): number | null {
    return this.known.jobs.get(job)?.finalAt ?? null;
  }
}

/**
 * Submits of one call, each by itself. What needs nothing asked or stored first is written in one transaction, without the waiting for
 * other requests that single submits do for each other's sake, and without a promise for each. What that has not taken goes on as
 * a single submit does; those that are ready at the same moment are written together. All are announced once, at the end.
 */
import { BULK_INPUT_BYTES, BULK_SUBMITS_AT_ONCE, WAKE_UPS_PER_LANE } from "../limits.ts";
import type { Lane } from "../models/lane.ts";
import { NO_SCHEMAS } from "../models/schemas.ts";
import { several } from "../platform/several.ts";
import { type Asked, give } from "../platform/together.ts";
import type { Ports } from "../ports.ts";
import { Problem } from "../problem.ts";
import { type After, hintSweep, hintWork } from "./hints.ts";
import type { Inserted, NewInference } from "./sql/insert.ts";
import { insertTogether } from "./sql/insert-group.ts";
import { writtenNotes } from "./sql/notes.ts";
import { type Begun, type Submitted, type Way, submit, submittedAs } from "./submit.ts";
import { rowAtOnce, type Submission } from "./submission.ts";

type Result = Submitted | Problem;

/** What becomes of each, in their order; those that are refused already stay so. Throws what is no refusal. */
export async function submitEach(ports: Ports, all: readonly (Submission | Problem)[], after: After): Promise<Result[]> {
  const way = new OneCall(ports);
  try {
    const askedAt = ports.clock.now();
    const begun = await begin(ports, all);
    const results = all.map((submission, index) => {
      if (submission instanceof Problem) return submission;
      const inserted = insertedOf(begun[index]);
      return inserted && submittedAs(inserted, askedAt, way);
    });
    const left = results.flatMap((result, index) => (result === null ? [index] : []));
    await several(left, BULK_SUBMITS_AT_ONCE, async (index) => {
      const submission = all[index];
      if (!submission || submission instanceof Problem) return;
      results[index] = await resultOf(() => submit(ports, submission, after, way, begun[index]));
    });
    return results.flatMap((result) => result ?? []);
  } finally {
    way.hint(after);
  }
}

/** Inserts what needs nothing asked or stored first; null for the others. Never rejects. */
async function begin(ports: Ports, all: readonly (Submission | Problem)[]): Promise<(Begun | null)[]> {
  const begun = all.map((submission): Begun | null => {
    if (submission instanceof Problem) return null;
    const schemas = ports.schemas?.get(submission.model, 0) ?? NO_SCHEMAS;
    const question = rowAtOnce(ports, submission, schemas);
    return question && { question, schemas, outcome: null };
  });
  let some: Begun[] = [];
  let bytes = 0;
  const insert = () => give(some, (rows) => insertTogether(ports.db, rows, writtenNotes(ports.isolate)));
  for (const one of begun) {
    if (one === null) continue;
    const { inputBytes } = one.question;
    if (some.length > 0 && bytes + inputBytes > BULK_INPUT_BYTES) {
      await insert();
      [some, bytes] = [[], 0];
    }
    some.push(one);
    bytes += inputBytes;
  }
  if (some.length > 0) await insert();
  return begun;
}

/** What was inserted; null if nothing was, or nobody knows. */
function insertedOf(begun: Begun | null | undefined): Inserted | null {
  try {
    return begun?.outcome?.() ?? null;
  } catch {
    return null; // submit sees it, and asks again
  }
}

export async function resultOf<T>(work: () => Promise<T>): Promise<T | Problem> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

interface Waiting extends Asked<NewInference, Inserted> {
  readonly done: () => void;
}

export class OneCall implements Way {
  readonly #ports: Ports;
  #waiting: Waiting[] = [];
  /** Those that may have a slot, with how many inferences were accepted for each. */
  readonly #lanes = new Map<string, { readonly lane: Lane; count: number }>();
  #isAnything = false;

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  async insert(it: NewInference): Promise<Inserted> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const one: Waiting = { question: it, outcome: null, done: resolve };
    this.#waiting.push(one);
    if (this.#waiting.length === 1) void this.#insertSoon();
    await promise;
    if (!one.outcome) throw new Error("a submission of a call was not decided");
    return one.outcome();
  }

  /** Never rejects. */
  async #insertSoon(): Promise<void> {
    await this.#ports.clock.sleep(0);
    const all = this.#waiting;
    this.#waiting = [];
    await give(all, (rows) => insertTogether(this.#ports.db, rows, writtenNotes(this.#ports.isolate)));
    for (const { done } of all) done();
  }

  announce(lane: Lane | null): void {
    this.#isAnything = true;
    if (!lane) return;
    const name = JSON.stringify([lane.model, lane.version]);
    const known = this.#lanes.get(name) ?? { lane, count: 0 };
    known.count++;
    this.#lanes.set(name, known);
  }

  /** Says what was accepted to who works on it. */
  hint(after: After): void {
    const lanes = [...this.#lanes.values()].flatMap(({ lane, count }) =>
      Array.from({ length: Math.min(count, WAKE_UPS_PER_LANE) }, () => lane),
    );
    if (lanes.length > 0) after(hintWork(this.#ports, lanes));
    if (this.#isAnything) hintSweep(this.#ports, after);
  }
}

/**
 * Submits of one call, each by itself. What needs nothing asked or stored first is written in one transaction, without the waiting for
 * other requests that single submits do for each other's sake, and without a promise for each. Of what that has not taken, what was
 * accepted before and what the account has no room for is answered by a few questions for all. The rest goes on as single submits do,
 * those together that are ready at the same moment. All are announced once, at the end.
 */
import { BULK_INPUT_BYTES, BULK_SUBMITS_AT_ONCE, WAKE_UPS_PER_LANE } from "../limits.ts";
import type { Lane } from "../models/lane.ts";
import { NO_SCHEMAS } from "../models/schemas.ts";
import { several } from "../platform/several.ts";
import { type Asked, give } from "../platform/together.ts";
import type { Ports } from "../ports.ts";
import { Problem } from "../problem.ts";
import { type After, hintSweep, hintWork } from "./hints.ts";
import { type Inserted, type NewInference, standingOf } from "./sql/insert.ts";
import { bytesIn, findByIdempotencyKeys, insertGroups, insertTogether } from "./sql/insert-group.ts";
import { writtenNotes } from "./sql/notes.ts";
import { isBelowOpenLimit } from "./sql/open.ts";
import { type Begun, type Submitted, type Way, chargesOf, refusalIn, replayedAs, submit, submittedAs } from "./submit.ts";
import { rowAtOnce, type Submission, wantedIn } from "./submission.ts";

type Result = Submitted | Problem;

/** What becomes of each, in their order; those that are refused already stay so. Throws what is no refusal. */
export async function submitEach(ports: Ports, all: readonly (Submission | Problem)[], after: After): Promise<Result[]> {
  const way = new OneCall(ports);
  const results = all.map((submission) => (submission instanceof Problem ? submission : null)) as (Result | null)[]; // wider than map's
  const begun = all.map((submission, index) => (submission instanceof Problem ? null : beginOf(ports, submission, index)));
  try {
    const firsts = begun.flatMap((one) => one ?? []);
    let trying = firsts;
    for (let tries = 0; tries < TRIES_TOGETHER && trying.length > 0; tries++) {
      const askedAt = ports.clock.now();
      await insertAll(ports, trying);
      for (const one of trying) {
        const inserted = insertedOf(one);
        results[one.index] = inserted && submittedAs(inserted, askedAt, way);
      }
      const refused = firsts.filter((one) => results[one.index] === null && isDecided(one));
      if (refused.length < 2) break;
      trying = await decide(ports, refused, (index, result) => (results[index] = result));
    }
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

/** All; those for which there is room, once the others are known; and once more if others have taken that meanwhile. */
const TRIES_TOGETHER = 3;
/** So many different wishes for a model are looked into together. */
const WISHES = 10;

interface First extends Begun {
  readonly index: number;
  readonly submission: Submission;
}

/** The submit of one that needs nothing asked or stored first; null for others. */
function beginOf(ports: Ports, submission: Submission, index: number): First | null {
  const schemas = ports.schemas?.get(submission.model, 0) ?? NO_SCHEMAS;
  const question = rowAtOnce(ports, submission, schemas);
  return question && { question, schemas, outcome: null, index, submission };
}

/** Tries to insert them, in as few transactions as their size allows. Never rejects. */
async function insertAll(ports: Ports, all: readonly First[]): Promise<void> {
  let some: First[] = [];
  let bytes = 0;
  const insert = () => give(some, (rows) => insertGroups(ports.db, rows, writtenNotes(ports.isolate)));
  for (const one of all) {
    const its = bytesIn(one.question);
    if (some.length > 0 && bytes + its > BULK_INPUT_BYTES) {
      await insert();
      [some, bytes] = [[], 0];
    }
    some.push(one);
    bytes += its;
  }
  await insert();
}

/** What was inserted; null if nothing was, or nobody knows. */
const insertedOf = (one: First): Inserted | null => (isDecided(one) ? (one.outcome?.() ?? null) : null);

/** Whether the database has answered; if not, submit asks again. */
function isDecided({ outcome }: First): boolean {
  try {
    return outcome?.() !== undefined;
  } catch {
    return false;
  }
}

/**
 * Of those of an account that were not inserted, answers what was accepted before and what the account's standing refuses. Returns those
 * for which there is room beside each other; those that are in neither are for submit.
 */
async function decide(ports: Ports, all: readonly First[], answer: (index: number, result: Result) => void): Promise<First[]> {
  const { db, clock } = ports;
  const accountId = all[0]?.submission.accountId ?? "";
  const keys = all.flatMap(({ submission }) => submission.idempotency?.key ?? []);
  const earlier = await findByIdempotencyKeys(db, accountId, keys);
  const others = all.filter(({ index, submission }) => {
    const known = earlier.get(submission.idempotency?.key ?? "");
    if (known) answer(index, replayedAs(known, submission, clock.now()));
    return !known;
  });
  if (others.length > 0) await isBelowOpenLimit(db, accountId); // which counts once more if it seems to be at its limit
  const standings = new Map<string, Awaited<ReturnType<typeof standingOf>>>();
  const again: First[] = [];
  let [count, bytes, rowBytes] = [0, 0, 0]; // of those
  for (const one of others) {
    const wanted = wantedIn(one.submission);
    const wish = JSON.stringify(wanted);
    if (!standings.has(wish) && standings.size === WISHES) continue;
    const standing = standings.get(wish) ?? (await standingOf(ports, accountId, wanted));
    standings.set(wish, standing);
    const refusal = refusalIn(one.submission, standing);
    const { open, stored, inDatabase } = standing;
    const withThose = { ...standing, open: open + count, stored: stored + bytes, inDatabase: inDatabase + rowBytes };
    if (refusal) answer(one.index, refusal);
    else if (standing.schemas === one.schemas.revision && !refusalIn(one.submission, withThose)) {
      again.push(one);
      const charges = chargesOf(one.submission);
      [count, bytes, rowBytes] = [count + 1, bytes + charges.bytes, rowBytes + charges.rowBytes];
    }
  }
  return again;
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

class OneCall implements Way {
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

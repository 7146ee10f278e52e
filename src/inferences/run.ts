/**
 * Run: a runner claims an inference of its lane, calls the backend, stores the output, records the outcome, and claims
 * the next in the same round trip, until nothing is claimable or RUN_SECONDS have passed. It never stops while work
 * remains without sending a wake-up. An output is stored before the status says so. A runner may die between any two
 * lines: its lease lapses and the sweep takes over; if it wakes up after that, the fence refuses what it writes.
 */
import { log, logError } from "../platform/log.ts";
import { RUN_SECONDS } from "../limits.ts";
import { Unavailable } from "../platform/unavailable.ts";
import type { Ports } from "../ports.ts";
import { Endings, type Next } from "./endings.ts";
import { logEnds } from "./ends.ts";
import { Leases } from "./leases.ts";
import { bestEffort, hintDeliveries, hintWork } from "./hints.ts";
import type { Lane } from "../models/lane.ts";
import type { Claim } from "./sql/record.ts";
import { changeStatements } from "./sql/change.ts";
import { type Ending, claim, claimOfWhole, claimStatements } from "./sql/claim.ts";
import { type Recording, attempt, BROKE } from "./attempt.ts";

const RECORD_RETRY_MS = 250;

const RECORD_RETRY_MAX_MS = 4_000;

/**
 * A runner for each wake-up at most, all under the leases of one invocation. Of the wake-ups of one lane only the first
 * asks at once; each runner that finds something to do calls the next, so that a busy lane is asked once and not once
 * for each of the wake-ups that pile up. Ends when all runners have.
 */
export async function run(ports: Ports, lanes: readonly Lane[], lease: string): Promise<void> {
  const leases = new Leases(ports, lease);
  const endings = new Endings(ports);
  const counts = new Map<string, { lane: Lane; count: number }>();
  for (const lane of lanes) {
    const name = JSON.stringify([lane.model, lane.version]);
    counts.set(name, { lane, count: (counts.get(name)?.count ?? 0) + 1 });
  }
  await Promise.all([...counts.values()].map(({ lane, count }) => staff(ports, lane, leases, endings, count)));
}

/** One runner of a lane, and up to `more - 1` others as soon as it has found something to do. Never throws. */
async function staff(ports: Ports, lane: Lane, leases: Leases, endings: Endings, more: number): Promise<void> {
  const others: Promise<void>[] = [];
  try {
    await drain(ports, lane, leases, endings, () => {
      if (more > 1) others.push(staff(ports, lane, leases, endings, more - 1));
    });
  } catch (error) {
    logError("runner_failed", error, { lease: leases.lease, model: lane.model });
  }
  await Promise.all(others);
}

/** Runs one inference of the lane after the other; says once when it has its first. */
async function drain(ports: Ports, lane: Lane, leases: Leases, endings: Endings, found: () => void): Promise<void> {
  const { clock, db } = ports;
  const stopAt = clock.now() + RUN_SECONDS * 1000;
  const begunAt = clock.now();
  const claimNext = { lane, lease: leases.lease };
  const told: Promise<void>[] = []; // not waited for in between, but this invocation must not end before them
  const first = await claim(db, lane, leases.lease);
  if (first) found();
  let next: Next = { ...NOTHING, claimed: first, askedAt: begunAt };
  while (next.claimed) {
    const current: Claim = next.claimed;
    if (current.lease !== leases.lease) {
      // Claimed in the name of the request that waits for it, which sees that soon and runs it itself.
      const askedAt = clock.now();
      next = { ...NOTHING, claimed: await claim(db, lane, leases.lease), askedAt };
      continue;
    }
    const recording = await attempt(ports, leases, current, leases.take(current, next.askedAt));
    const stop = clock.now() >= stopAt;
    next = await conclude(ports, leases, endings, current, recording, stop ? null : claimNext);
    leases.release(current);
    if (current.watched) told.push(hintDeliveries(ports, [current.accountId]));
    if (next.isLeft) next = await claimRest(ports, lane, leases.lease);
    if (stop) await ports.wake([lane]);
  }
  await Promise.all(told);
}

/** Claims what a claim of the front has left. If that can't be asked, somebody else is to. */
async function claimRest(ports: Ports, lane: Lane, lease: string): Promise<Next> {
  const askedAt = ports.clock.now();
  try {
    return { ...NOTHING, claimed: await claimOfWhole(ports.db, lane, lease), askedAt };
  } catch (error) {
    logError("lane_not_asked", error, { lease, model: lane.model });
    await hintWork(ports, [lane]);
    return NOTHING;
  }
}

/**
 * Records how an attempt ended, and claims what comes next in the lane. Where there was nothing to record any more, because
 * it was canceled or taken over, its slot is given back: by a statement of its own, which no other end has to pay for.
 */
async function conclude(
  ports: Ports,
  leases: Leases,
  endings: Endings,
  claimed: Claim,
  recording: Recording,
  claimNext: Ending["claim"],
): Promise<Next> {
  const write = async (what: Recording, following: Ending["claim"]) =>
    (await persist(ports, leases, claimed, () => endings.write({ ...what, claim: following }))) ?? NOTHING;
  const next = recording.end || recording.statements.length > 0 ? await write(recording, claimNext) : null;
  if (next?.recorded) return next;
  const release = { end: null, statements: [claimStatements.release(claimed)] };
  if (!next?.claimed) return write(release, claimNext);
  // Another slot was free too; this one is for whoever hears of it. Tried once: what was claimed must not wait for it, and it lapses.
  await bestEffort("slot_not_given_back", endings.write({ ...release, claim: null }));
  await hintWork(ports, [{ model: claimed.model, version: claimed.version }]);
  return next;
}

/** Nothing more to do. */
const NOTHING: Next = { recorded: true, claimed: null, isLeft: false, askedAt: 0 };

/**
 * Writes the end of an attempt, again and again while the lease is held: the GPU has done its work, and a database that
 * stalls for a moment must not throw it away. What the database refuses for good is written as a failure instead. Where
 * the lease was lost first, all that is left is to give back the slot and go on. Null where it could not be written as it was.
 */
export async function persist<T>(ports: Ports, leases: Leases, claimed: Claim, write: () => Promise<T>): Promise<T | null> {
  const known = { inference: claimed.id, attempt: claimed.attempt };
  for (let pause = RECORD_RETRY_MS; leases.has(claimed); pause = Math.min(pause * 2, RECORD_RETRY_MAX_MS)) {
    try {
      return await write();
    } catch (error) {
      logError("outcome_not_recorded", error, known);
      if (!(error instanceof Unavailable)) {
        logEnds(await ports.db.all(changeStatements.fail(claimed, BROKE)));
        return null;
      }
      await ports.clock.sleep(pause);
    }
  }
  log("lease_lost", known);
  return write();
}

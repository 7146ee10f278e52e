/**
 * Run: a runner has an inference of its lane, calls the backend, stores the output, records the outcome, and claims
 * the next in the same round trip, until nothing is claimable or RUN_SECONDS have passed. It never stops while work
 * remains without sending a wake-up. An output is stored before the status says so. A runner may die between any two
 * lines: its lease lapses and the sweep takes over; if it wakes up after that, the fence refuses what it writes.
 */
import { log, logError } from "../platform/log.ts";
import { RUNNERS_PER_BATCH, RUN_SECONDS } from "../limits.ts";
import { Unavailable } from "../platform/unavailable.ts";
import type { Ports } from "../ports.ts";
import { Endings, type Next } from "./endings.ts";
import { logEnds } from "./ends.ts";
import { Leases } from "./leases.ts";
import { bestEffort, hintDeliveries, hintWork } from "./hints.ts";
import type { Lane } from "../models/lane.ts";
import type { Claim } from "./sql/record.ts";
import { changeStatements } from "./sql/change.ts";
import { type Ending, claimOfWhole, claimStatements } from "./sql/claim.ts";
import { type Recording, attempt, BROKE } from "./attempt.ts";

const RECORD_RETRY_MS = 250;

const RECORD_RETRY_MAX_MS = 4_000;

/** Runs what waits in these lanes with so many runners at most, under the leases of one invocation. Ends when all of them have. */
export async function run(ports: Ports, lanes: readonly Lane[], lease: string, places = RUNNERS_PER_BATCH): Promise<void> {
  await new Crew(ports, lease).work(lanes, places);
}

/** Nothing was run. */
const NO_END: Recording = { end: null, statements: [] };

/** Nothing more to do. */
const NOTHING: Next = { recorded: true, claims: [], left: null, askedAt: 0 };

/**
 * The runners of one invocation. Each is hired for what was claimed, and asks for the next when that has
 * ended; with its own place it asks for those that are vacant, in the same statement. So one wake-up is enough for all of them.
 * Where more is left than was asked for, and slots for it, another crew is woken.
 */
class Crew {
  readonly #ports: Ports;
  readonly #leases: Leases;
  readonly #endings: Endings;
  readonly #stopAt: number;
  /** What goes on beside each other; the invocation must not end before it. */
  readonly #works = new Set<Promise<void>>();
  /** Places of runners that nobody has, and nobody asks for. */
  #vacant = 0;

  constructor(ports: Ports, lease: string) {
    this.#ports = ports;
    this.#leases = new Leases(ports, lease);
    this.#endings = new Endings(ports, (work) => this.#keep(work));
    this.#stopAt = ports.clock.now() + RUN_SECONDS * 1000;
  }

  /** Never throws. */
  async work(lanes: readonly Lane[], places: number): Promise<void> {
    const shares = new Map<string, { readonly lane: Lane; places: number }>();
    for (let place = 0; place < places; place++) {
      const lane = lanes[place % lanes.length];
      if (!lane) return;
      const name = JSON.stringify([lane.model, lane.version]);
      const share = shares.get(name) ?? { lane, places: 0 };
      share.places += 1;
      shares.set(name, share);
    }
    for (const share of shares.values()) this.#go(share.lane, () => this.#begin(share.lane, share.places));
    while (this.#works.size > 0) await Promise.all(this.#works);
  }

  #go(lane: Lane, begin: () => Promise<void>): void {
    this.#keep(begin().catch((error: unknown) => logError("runner_failed", error, { lease: this.#leases.lease, model: lane.model })));
  }

  /** Has the invocation wait for it, which never rejects. */
  #keep(work: Promise<unknown>): void {
    const kept = work.then(() => void this.#works.delete(kept));
    this.#works.add(kept);
  }

  /** Fills so many places from a lane. */
  async #begin(lane: Lane, places: number): Promise<void> {
    let next = await this.#endings.write({ ...NO_END, claim: { lane, lease: this.#leases.lease, count: places } });
    let got = next.claims.length;
    this.#hire(lane, { ...next, left: null }); // there is a wake-up for each crew that is wanted for what has come together
    if (next.left === "whole") {
      do {
        next = await this.#claimRest(lane);
        got += next.claims.length;
        this.#hire(lane, next);
      } while (next.claims.length > 0 && got < places);
    }
    this.#vacant += places - got;
  }

  /** A runner for each of what was claimed, and a crew for what is left. */
  #hire(lane: Lane, { claims, left, askedAt }: Next): void {
    for (const claimed of claims) this.#go(lane, () => this.#drain(lane, claimed, askedAt));
    if (left === "more") this.#go(lane, () => hintWork(this.#ports, [lane]));
  }

  /** One runner: runs one inference of the lane after the other. */
  async #drain(lane: Lane, first: Claim, askedAt: number): Promise<void> {
    let next: Next = { ...NOTHING, claims: [first], askedAt };
    for (;;) {
      const [current, ...others] = next.claims;
      this.#hire(lane, { ...next, claims: others });
      if (!current) break;
      next = await this.#runOne(lane, current, next.askedAt);
    }
    this.#vacant += 1;
  }

  /** Runs one, and claims what comes next for its runner and for the vacant places. */
  async #runOne(lane: Lane, current: Claim, askedAt: number): Promise<Next> {
    const leases = this.#leases;
    // One in the name of the request that waits for it is run by that request, which sees it soon.
    const isOurs = current.lease === leases.lease;
    const recording = isOurs ? await attempt(this.#ports, leases, current, leases.take(current, askedAt)) : NO_END;
    const isOver = this.#ports.clock.now() >= this.#stopAt;
    const places = isOver ? 1 : 1 + this.#vacant;
    this.#vacant -= places - 1;
    const claimNext = isOver ? null : { lane, lease: leases.lease, count: places };
    const next = isOurs
      ? await conclude(this.#ports, leases, this.#endings, current, recording, claimNext)
      : await this.#endings.write({ ...NO_END, claim: claimNext });
    this.#vacant += places - Math.max(1, next.claims.length);
    leases.release(current);
    if (isOurs && current.watched) this.#go(lane, () => hintDeliveries(this.#ports, [current.accountId]));
    if (isOver) await this.#ports.wake([lane]);
    return next.left === "whole" ? this.#claimRest(lane) : next;
  }

  /** Claims one of what a claim of the front has left. If that can't be asked, somebody else is to. */
  async #claimRest(lane: Lane): Promise<Next> {
    const { lease } = this.#leases;
    const askedAt = this.#ports.clock.now();
    try {
      const claimed = await claimOfWhole(this.#ports.db, lane, lease);
      return claimed ? { ...NOTHING, claims: [claimed], askedAt } : NOTHING;
    } catch (error) {
      logError("lane_not_asked", error, { lease, model: lane.model });
      await hintWork(this.#ports, [lane]);
      return NOTHING;
    }
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
  if (!next || next.claims.length === 0) return write(release, claimNext);
  // Another slot was free too; this one is for whoever hears of it. Tried once: what was claimed must not wait for it, and it lapses.
  await bestEffort("slot_not_given_back", endings.write({ ...release, claim: null }));
  await hintWork(ports, [{ model: claimed.model, version: claimed.version }]);
  return next;
}

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

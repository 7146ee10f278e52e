/** SQL on claims and leases: who runs an inference, runners and requests that wait for it alike, and how an attempt's end is written. */
import * as z from "zod";
import { LEASE_MS } from "../../limits.ts";
import type { Lane } from "../../models/lane.ts";
import { type Database, NOW, type Row, type Sql, first, sql } from "../../platform/sql.ts";
import type { Inference } from "../inference.ts";
import { changeStatements } from "./change.ts";
import { logEnds } from "../ends.ts";
import { type End, endTogether } from "./end.ts";
import { fenced, from, logged, releaseLease } from "./fragments.ts";
import { ahead, claimable, leftIn, live, pickFront, pickOf, pickOwn } from "./lane.ts";
import { readStatements } from "./read.ts";
import { type Claim, type Fence, claimColumns, claimOrNull, claimSchema, inferenceOrNull } from "./record.ts";

const isPicked = sql`pick.backend_id IS NOT NULL AND inferences.account_id = pick.account_id AND inferences.id = pick.id
  AND ${from(["queued"], "in_progress")}`;

const setClaimed = (lease: Sql) => sql`status = 'in_progress', attempt = attempt + 1, backend_id = pick.backend_id,
  lease = ${lease}, lease_until = pick.now + ${LEASE_MS}, started_at = pick.now,
  first_started_at = coalesce(first_started_at, pick.now), updated_at = pick.now,
  log = ${logged("claimed", sql`, 'attempt', attempt + 1, 'backend', pick.backend_id`, sql`pick.now`)}`;

export const claimStatements = {
  /**
   * One statement: the lane's next inference, given to the backend with the most free slots; a retry goes to another
   * backend than the last where one has a slot. One that a request waits for is claimed in that request's name.
   */
  claim: (lane: Lane, lease: string) => sql`
    UPDATE inferences SET ${setClaimed(sql`coalesce(inferences.waiter, ${lease})`)}
    FROM (${pickOf(lane)}) AS pick
    WHERE ${isPicked} RETURNING ${claimColumns}`,
  /**
   * The same for each of these leases, in far fewer words: of what need not let others pass. Fewer, where fewer wait or fewer slots
   * are free; what it leaves though it might go, `left` tells.
   */
  claimFront: (lane: Lane, leases: readonly string[]) => sql`
    UPDATE inferences SET ${setClaimed(sql`coalesce(inferences.waiter, pick.lease)`)}
    FROM (${pickFront(lane, leases)}) AS pick
    WHERE ${isPicked} RETURNING ${claimColumns}`,
  left: (lane: Lane) => leftIn(lane),
  /** The same, for the request that waits for this one: only when it is the lane's next. */
  claimOwn: (accountId: string, id: string, waiter: string) => sql`
    UPDATE inferences SET ${setClaimed(sql`${waiter}`)}
    FROM (${pickOwn(accountId, id)}) AS pick
    WHERE ${isPicked} AND inferences.waiter = ${waiter} RETURNING ${claimColumns}`,
  /**
   * What was claimed in the name of the request that waits for it, since the attempts that it has begun: that may have
   * been a while ago, so the lease is made to count from now.
   */
  handedOver: (accountId: string, id: string, waiter: string, begun: number) => sql`
    UPDATE inferences SET lease_until = ${NOW} + ${LEASE_MS}
    WHERE account_id = ${accountId} AND id = ${id} AND status = 'in_progress' AND lease = ${waiter} AND lease_until > ${NOW}
      AND attempt > ${begun}
    RETURNING ${claimColumns}`,
  /** It was canceled after it was claimed in the name of its request, which has not begun to run it. */
  giveBack: (accountId: string, id: string, waiter: string) => sql`
    UPDATE inferences SET ${releaseLease} WHERE account_id = ${accountId} AND id = ${id} AND lease = ${waiter} AND status = 'canceled' RETURNING id`,
  /** Whether one that a request waits for is the first of its lane, so that its turn may come at any moment. */
  isFront: (accountId: string, id: string) => sql`
    SELECT NOT EXISTS (${ahead}) AS front
    FROM inferences WHERE account_id = ${accountId} AND id = ${id} AND status = 'queued' AND not_before IS NULL`,
  /** Its request is gone without cancelling it. */
  releaseWaiter: (accountId: string, id: string, waiter: string) => sql`
    UPDATE inferences SET waiter = NULL WHERE account_id = ${accountId} AND id = ${id} AND waiter = ${waiter} RETURNING id`,
  /** Whether anything waits in a lane. */
  anyWaiting: (lane: Lane) => sql`SELECT 1 AS waiting FROM inferences WHERE ${claimable(lane.model, lane.version)} LIMIT 1`,
  /** Whether a backend has nothing else in progress and nobody has seen it fail. */
  standsAlone: (backendId: string, fence: Fence) => sql`
    SELECT 1 AS alone FROM backends WHERE id = ${backendId} AND failures = 0 AND NOT EXISTS (
      SELECT 1 FROM inferences AS other INDEXED BY inferences_running
      WHERE other.backend_id = ${backendId} AND ${live(sql`other`)} AND (other.account_id, other.id) <> (${fence.accountId}, ${fence.id}))`,
  /**
   * Renews the leases of one runner invocation; those that do not come back are lost to it. A lease that has lapsed is
   * not renewed, though nobody took it: its slot may have been given away already.
   */
  renew: (lease: string, fences: readonly Fence[]) => sql`
    UPDATE inferences SET lease_until = ${NOW} + ${LEASE_MS}
    WHERE (account_id, id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${JSON.stringify(fences.map((fence) => [fence.accountId, fence.id]))}))
      AND status = 'in_progress' AND lease = ${lease} AND lease_until > ${NOW}
    RETURNING account_id AS accountId, id, attempt`,
  /** Which of a runner's attempts were canceled under it. */
  canceled: (lease: string, fences: readonly Fence[]) => sql`
    SELECT account_id AS accountId, id, attempt FROM inferences
    WHERE (account_id, id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${JSON.stringify(fences.map((fence) => [fence.accountId, fence.id]))}))
      AND status = 'canceled' AND lease = ${lease}`,
  /** A runner has let go of one that was canceled under it: only now is the slot free. */
  release: (fence: Fence) => sql`UPDATE inferences SET ${releaseLease} WHERE ${fenced(fence)} AND status = 'canceled' RETURNING id`,
} satisfies Record<string, (...args: never[]) => Sql>;

/** Who asks for what comes next in a lane, and for how many. */
export interface Asking {
  readonly lane: Lane;
  readonly lease: string;
  readonly count: number;
}

/** What was claimed for who asked. */
export interface Given {
  readonly claims: readonly Claim[];
  /**
   * `whole`: nothing was claimed of what waits, and only a claim of the whole lane can tell which may go. `more`: more waits than was
   * claimed, and there is a slot for it; one alone of those who asked hears it.
   */
  readonly left: "whole" | "more" | null;
}

const leftSchema = z.object({ left: z.enum(["whole", "more"]) });

/** One that asks for a lane, among all who ask, under its lease. */
interface Place {
  readonly of: number;
  readonly lease: string;
}

/** By lane, everybody's first place before anybody's second. */
function placesIn(all: readonly (Asking | null)[]): readonly { readonly lane: Lane; readonly places: readonly Place[] }[] {
  const lanes = new Map<string, { readonly lane: Lane; readonly places: Place[] }>();
  const rounds = Math.max(0, ...all.map((asking) => asking?.count ?? 0));
  for (let round = 0; round < rounds; round++) {
    for (const [of, asking] of all.entries()) {
      if (!asking || asking.count <= round) continue;
      const name = JSON.stringify([asking.lane.model, asking.lane.version]);
      const known = lanes.get(name) ?? { lane: asking.lane, places: [] };
      known.places.push({ of, lease: asking.lease });
      lanes.set(name, known);
    }
  }
  return [...lanes.values()];
}

/** Gives each claim to one of the places under its lease; one in the name of a request that waits to any that has got nothing. */
function givenTo(places: readonly Place[], rows: readonly Row[]): (readonly [of: number, claim: Claim])[] {
  const free = [...places];
  const claims = rows.map((row) => claimSchema.parse(row));
  const isOfNone = ({ lease }: Claim) => places.every((place) => place.lease !== lease);
  return [...claims.filter((claim) => !isOfNone(claim)), ...claims.filter(isOfNone)].flatMap((claim) => {
    const at = isOfNone(claim) ? 0 : free.findIndex(({ lease }) => lease === claim.lease);
    return free.splice(at, 1).map(({ of }) => [of, claim] as const);
  });
}

/** One statement for all who ask for a lane, and one that tells what it leaves; of their answers, in order, what each is given. */
function claimsFor(all: readonly (Asking | null)[]): { readonly statements: readonly Sql[]; given(answers: readonly Row[][]): Given[] } {
  const lanes = placesIn(all);
  return {
    statements: lanes.flatMap(({ lane, places }) => [claimStatements.claimFront(lane, leasesOf(places)), claimStatements.left(lane)]),
    given(answers) {
      const given = all.map((): { claims: Claim[]; left: Given["left"] } => ({ claims: [], left: null }));
      for (const [index, { places }] of lanes.entries()) {
        const [rows = [], [row] = []] = answers.slice(2 * index);
        for (const [of, claim] of givenTo(places, rows)) given[of]?.claims.push(claim);
        const left = row ? leftSchema.parse(row).left : null;
        const told = new Set(places.map(({ of }) => of));
        for (const of of left === "more" ? [...told].slice(0, 1) : told) {
          const one = given[of];
          if (one) one.left = left;
        }
      }
      return given;
    },
  };
}

const leasesOf = (places: readonly Place[]) => places.map(({ lease }) => lease);

/** Claims the lane's next inference, where a claim of the front has left that to it; null where nothing is claimable. */
export async function claimOfWhole(db: Database, lane: Lane, lease: string): Promise<Claim | null> {
  return claimOrNull(await first(db, claimStatements.claim(lane, lease)));
}

/** An inference as the request that waits for it finds it. */
export interface WaiterState {
  readonly inference: Inference | null;
  /** Its turn has come: what is needed to run it. */
  readonly claimed: Claim | null;
  /** It is the next of its lane. */
  readonly isFront: boolean;
}

/**
 * Claims the inference if it is the lane's next, and tells how it stands. What was claimed in its name already comes back
 * as claimed too, unless it is an attempt that its request has begun before.
 */
export async function claimForWaiter(db: Database, accountId: string, id: string, waiter: string, begun: number): Promise<WaiterState> {
  const [handedOver = [], claimed = [], front = [], found = []] = await db.batch([
    claimStatements.handedOver(accountId, id, waiter, begun),
    claimStatements.claimOwn(accountId, id, waiter),
    claimStatements.isFront(accountId, id),
    readStatements.find(accountId, id),
  ]);
  return {
    inference: inferenceOrNull(found[0]),
    claimed: claimOrNull(handedOver[0] ?? claimed[0]),
    isFront: front[0]?.["front"] === 1,
  };
}

/** Records how the attempt of a waiting request ended, and tells how the inference stands now and whether others wait in its lane. */
export async function recordForWaiter(
  db: Database,
  statements: readonly Sql[],
  { accountId, id, model, version }: Claim,
): Promise<{ inference: Inference | null; othersWait: boolean }> {
  const answers = await db.batch([...statements, claimStatements.anyWaiting({ model, version }), readStatements.find(accountId, id)]);
  for (const rows of answers) logEnds(rows);
  return { inference: inferenceOrNull(answers.at(-1)?.[0]), othersWait: answers.at(-2)?.[0] !== undefined };
}

/** It was canceled: a slot that was taken in its request's name, before that began to run it, is free. */
export async function giveBack(db: Database, accountId: string, id: string, waiter: string): Promise<void> {
  await db.all(claimStatements.giveBack(accountId, id, waiter));
}

/** Its request is gone while it waits: canceled, and its slot is free where it had one. Null where it is final already. */
export async function cancelForWaiter(db: Database, accountId: string, id: string, waiter: string): Promise<Inference | null> {
  const [canceled = []] = await db.batch([changeStatements.cancel(accountId, id), claimStatements.giveBack(accountId, id, waiter)]);
  logEnds(canceled);
  return inferenceOrNull(canceled[0]);
}

/** Nobody waits for it any more: a runner is to have it. */
export async function releaseWaiter(db: Database, accountId: string, id: string, waiter: string): Promise<void> {
  await db.all(claimStatements.releaseWaiter(accountId, id, waiter));
}

/** What records how an attempt ended, and what is claimed next; null if nothing more is to be claimed. */
export interface Ending {
  /** Null if its inference does not end with it, or if other statements say so. */
  readonly end: End | null;
  /** What is written with it; first what records it, if `end` does not. */
  readonly statements: readonly Sql[];
  readonly claim: Asking | null;
}

/**
 * Records how attempts ended, those that end their inferences in one statement, and then claims of the front of each lane for all who
 * ask for it, in one transaction and round trip. What became of each, in the order of the endings; `recorded` if what records it changed
 * anything.
 */
export async function recordAndClaim(
  db: Database,
  endings: readonly Ending[],
  random: () => number,
): Promise<(Given & { readonly recorded: boolean })[]> {
  const together = endTogether(
    endings.flatMap(({ end }) => end ?? []),
    random,
  );
  const others = endings.flatMap(({ statements }) => statements);
  const claims = claimsFor(endings.map(({ claim: asking }) => asking));
  const answers = await db.batch([...together.statements, ...others, ...claims.statements]);
  for (const rows of answers) logEnds(rows);
  let begin = together.statements.length;
  const ended = together.endedBy(answers.slice(0, begin));
  const given = claims.given(answers.slice(begin + others.length));
  return endings.map(({ end, statements }, index) => {
    const [of] = answers.slice(begin, (begin += statements.length));
    return { recorded: end ? ended.has(end) : of?.[0] !== undefined, ...(given[index] ?? NOTHING) };
  });
}

const NOTHING: Given = { claims: [], left: null };

export async function standsAlone(db: Database, backendId: string, fence: Fence): Promise<boolean> {
  return (await first(db, claimStatements.standsAlone(backendId, fence))) !== null;
}

/** Renews leases of one runner invocation. Returns which attempts it still has, each as `account/id/attempt`. */
export async function renewLeases(db: Database, lease: string, fences: readonly Fence[]): Promise<Set<string>> {
  return attemptsIn(await db.all(claimStatements.renew(lease, fences)));
}

/** Which attempts of a runner invocation were canceled, each as `account/id/attempt`. */
export async function canceledLeases(db: Database, lease: string, fences: readonly Fence[]): Promise<Set<string>> {
  return attemptsIn(await db.all(claimStatements.canceled(lease, fences)));
}

function attemptsIn(rows: readonly Row[]): Set<string> {
  return new Set(rows.map((row) => `${String(row["accountId"])}/${String(row["id"])}/${String(row["attempt"])}`));
}

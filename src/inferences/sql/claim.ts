/** SQL on claims and leases: who runs an inference, runners and requests that wait for it alike, and how an attempt's end is written. */
import { LEASE_MS } from "../../limits.ts";
import type { Lane } from "../../models/lane.ts";
import { type Database, NOW, type Row, type Sql, first, sql } from "../../platform/sql.ts";
import type { Inference } from "../inference.ts";
import { changeStatements } from "./change.ts";
import { type End, endTogether } from "./end.ts";
import { logEnds } from "../ends.ts";
import { fenced, from, logged, releaseLease } from "./fragments.ts";
import { ahead, claimable, isPickedWhole, live, pickFront, pickOf, pickOwn } from "./lane.ts";
import { readStatements } from "./read.ts";
import { type Claim, type Fence, claimColumns, claimOrNull, inferenceOrNull } from "./record.ts";

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
  /** The same in a tenth of the time to compile, if the lane's first need not let others pass; no row if it may have to. */
  claimFront: (lane: Lane, lease: string) => sql`
    UPDATE inferences SET ${setClaimed(sql`coalesce(inferences.waiter, ${lease})`)}
    FROM (${pickFront(lane)}) AS pick
    WHERE ${isPicked} RETURNING ${claimColumns}`,
  /** Whether something waits that claimFront leaves to `claim`. */
  isLeft: (lane: Lane) => isPickedWhole(lane),
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

/** A claim as it is asked first: of the lane's front. */
const asked = (lane: Lane, lease: string) => [claimStatements.claimFront(lane, lease), claimStatements.isLeft(lane)];

/** What came of a claim of the lane's front; `isLeft` if the lane must be asked as a whole. */
interface Front {
  readonly claimed: Claim | null;
  readonly isLeft: boolean;
}

const frontOf = ([claimed = [], left = []]: readonly Row[][]): Front => {
  const it = claimOrNull(claimed[0]);
  return { claimed: it, isLeft: !it && left.length > 0 };
};

/** Claims the lane's next inference under `lease`; null where nothing is claimable. */
export async function claim(db: Database, lane: Lane, lease: string): Promise<Claim | null> {
  const { claimed, isLeft } = frontOf(await db.batch(asked(lane, lease)));
  return isLeft ? claimOfWhole(db, lane, lease) : claimed;
}

/** The same, where a claim of the front has left that to it. */
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
  readonly claim: { readonly lane: Lane; readonly lease: string } | null;
}

/**
 * Records how attempts ended, those that end their inferences in one statement, and makes the claims of their lanes' fronts that follow, in
 * one transaction and round trip. What became of each, in the order of the endings; `recorded` if what records it changed anything.
 */
export async function recordAndClaim(
  db: Database,
  endings: readonly Ending[],
  random: () => number,
): Promise<(Front & { readonly recorded: boolean })[]> {
  const together = endTogether(
    endings.flatMap(({ end }) => end ?? []),
    random,
  );
  const all = endings.map(({ statements, claim: next }) => (next ? [...statements, ...asked(next.lane, next.lease)] : statements));
  const answers = await db.batch([...together.statements, ...all.flat()]);
  for (const rows of answers) logEnds(rows);
  let begin = together.statements.length;
  const ended = together.endedBy(answers.slice(0, begin));
  return endings.map(({ end, claim: next }, index) => {
    const of = answers.slice(begin, (begin += all[index]?.length ?? 0));
    return { recorded: end ? ended.has(end) : of[0]?.[0] !== undefined, ...frontOf(next ? of.slice(-2) : []) };
  });
}

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

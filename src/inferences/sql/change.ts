/** SQL on changes of status: how an attempt ends, cancel and redrive, of one inference or of a page of them. */
import * as z from "zod";
import { FAILURE_CLASSES, type Failure } from "../../backends/outcome.ts";
import { STOPPABLE } from "../../backends/protocols.ts";
import { REDRIVE_ATTEMPTS_MAX, STOP_ASKED_MS } from "../../limits.ts";
import { type Lane, laneSchema } from "../../models/lane.ts";
import { type Database, NOW, type Sql, sql } from "../../platform/sql.ts";
import type { Inference, Timing } from "../inference.ts";
import type { Status } from "../status.ts";
import { type Cursor, type Filter, matching, pageAfter } from "./filter.ts";
import {
  OPEN,
  agesAt,
  endForLog,
  fenced,
  from,
  isSpent,
  json,
  logged,
  notBefore,
  openIn,
  openLimitOf,
  ranFor,
  releaseLease,
  setCanceled,
  setCanceledAfter,
  startByAfter,
} from "./fragments.ts";
import { toldTo } from "./told.ts";
import { logEnds } from "../ends.ts";
import { endStatements, failure, loggedError, success } from "./end.ts";
import { comesBack, headOf } from "./head.ts";
import { laneOfRow, nextTurn, turnAgain } from "./lane.ts";
import { type Fence, inferenceOrNull, inferenceColumns } from "./record.ts";

const setRedriven = sql`status = 'queued', updated_at = ${NOW}, finished_at = NULL, error = NULL, attempts_before = attempt, run_ms_before = run_ms, takedowns = 0, unreached = 0,
  not_before = NULL, waiter = NULL, noted = 0, start_by = ${NOW} + max_time_in_queue_seconds * 1000, level = priority, ages_at = ${agesAt(sql`priority`)},
  turn = ${nextTurn(sql`inferences.account_id`, ...laneOfRow, sql`inferences.priority`)}, ${comesBack},
  log = ${logged("redriven")}`;

/** It runs at a backend that can be asked to stop it. */
const isStoppable = sql`(status = 'in_progress' AND EXISTS (SELECT 1 FROM backends
  WHERE backends.id = inferences.backend_id AND protocol IN (SELECT value FROM json_each(${JSON.stringify(STOPPABLE)}))))`;

/** Whether its model has its version: nothing runs one of a lane that is gone. */
const isServed = sql`EXISTS (SELECT 1 FROM models WHERE models.name = inferences.model
  AND inferences.version IN (SELECT value FROM json_each(iif(models.versions = '[]', '[""]', models.versions))))`;

/** Its batch writes its files, in which it stands as it has ended. */
const isBeingWritten = sql`batch_id IS NOT NULL AND EXISTS (SELECT 1 FROM batches
  WHERE batches.account_id = inferences.account_id AND batches.id = inferences.batch_id AND batches.phase IN ('stop', 'write'))`;

/** Why one that failed or expired is not run again, as the code of the problem that says so; null if it may be. */
const obstacle = sql`CASE WHEN data_removed_at IS NOT NULL THEN 'payload_gone' WHEN attempt >= ${REDRIVE_ATTEMPTS_MAX} OR (${isBeingWritten}) THEN 'conflict'
  WHEN NOT ${isServed} THEN 'model_not_found' END`;

const redrivable = sql`${from(["failed", "expired"], "queued")} AND ${obstacle} IS NULL`;

/** Whether so many more of an account are taken: its budget is not spent, and it may have them open. */
const takes = (owner: Sql, count: Sql) => sql`NOT ${isSpent(owner)} AND ${openIn(owner)} + ${count} <= ${openLimitOf(owner)}`;

/** What took how long in an attempt that called its backend. */
const timed = (timing: Timing | null) => (timing === null ? sql`` : sql`, 'timing', ${json(timing)}`);

export const changeStatements = {
  succeed: (...how: Parameters<typeof success>) => endStatements.end([success(...how)], null),
  fail: (...how: Parameters<typeof failure>) => endStatements.end([failure(...how)], null),
  retry: (fence: Fence, error: Failure, delayMs: number, tookDown: boolean, unreached = false, timing: Timing | null = null) => sql`
    UPDATE inferences SET status = 'queued', updated_at = ${NOW}, ${ranFor}, ${releaseLease}, ${startByAfter(delayMs)},
      turn = ${delayMs > 0 ? sql`turn` : turnAgain}, ${comesBack}, not_before = ${notBefore(delayMs)}, takedowns = takedowns + ${tookDown ? 1 : 0},
      unreached = unreached + ${unreached ? 1 : 0},
      log = ${logged("attempt_failed", sql`, 'attempt', attempt, 'error', ${json(loggedError(error))}, 'retry_at', ${NOW} + ${delayMs}${timed(timing)}`)}
    WHERE ${fenced(fence)} AND ${from(["in_progress"], "queued")} RETURNING status, ${toldTo}`,
  cancel: (accountId: string, id: string, only: readonly Status[] = OPEN, stoppedAttempt: number | null = null) => sql`
    UPDATE inferences SET ${setCanceledAfter(stoppedAttempt)}
    WHERE account_id = ${accountId} AND id = ${id} AND ${from(only, "canceled")} RETURNING ${inferenceColumns}, ${endForLog}, ${toldTo}`,
  /** The same, unless its backend can be asked to stop it first. */
  cancelUnlessStoppable: (accountId: string, id: string) => sql`
    UPDATE inferences SET ${setCanceled}
    WHERE account_id = ${accountId} AND id = ${id} AND ${from(OPEN, "canceled")} AND NOT ${isStoppable} RETURNING ${inferenceColumns}, ${endForLog}, ${toldTo}`,
  /** Notes that its backend is asked to stop it: what that stops is canceled. The sweep cancels it if nothing more comes of it. */
  askStop: (accountId: string, id: string) => sql`
    UPDATE inferences SET cancel_at = min(coalesce(cancel_at, ${NOW} + ${STOP_ASKED_MS}), ${NOW} + ${STOP_ASKED_MS})
    WHERE account_id = ${accountId} AND id = ${id} AND ${isStoppable} RETURNING attempt, backend_id AS backendId`,
  /** Its backend has stopped it, as it was asked to. */
  stopped: (fence: Fence) => sql`
    UPDATE inferences SET ${setCanceledAfter(fence.attempt)}, ${releaseLease}
    WHERE ${fenced(fence)} AND ${from(["in_progress"], "canceled")} AND cancel_at <= ${NOW} + ${STOP_ASKED_MS} RETURNING status, ${endForLog}, ${toldTo}`,
  /** `bounded`: only if its account may have one more. */
  redrive: (accountId: string, id: string, bounded = false) => sql`
    UPDATE inferences SET ${setRedriven}
    WHERE account_id = ${accountId} AND id = ${id} AND ${redrivable}${
      bounded
        ? sql` AND NOT EXISTS (SELECT 1 FROM accounts AS owner WHERE owner.id = inferences.account_id AND NOT (${takes(sql`owner`, sql`1`)}))`
        : sql``
    }
    RETURNING ${inferenceColumns}, ${toldTo}`,
  /** Counts it as open, if the statement before it has redriven it. */
  countRedriven: (accountId: string) => sql`
    UPDATE accounts SET open_at_most = open_at_most + 1 WHERE id = ${accountId} AND changes() > 0 RETURNING id`,
  /** One page of a bulk cancel; the statement after it tells how far it has come. */
  cancelPage: (cursor: Cursor, whole: boolean, filter: Filter, limit: number) => sql`
    UPDATE inferences SET ${setCanceled}
    WHERE (account_id, id) IN (${pageAfter(cursor, whole, limit)}) AND ${from(["queued", "in_progress"], "canceled")} AND ${matching(filter)}
    RETURNING id, ${endForLog}, ${toldTo}`,
  /**
   * Cancels so many at most of what an account has waiting in a lane: what the index by account has, what only the lane's head has
   * (head.ts), and what backs off or is to begin later.
   */
  cancelWaiting: (accountId: string, { model, version }: Lane, limit: number) => sql`
    UPDATE inferences SET ${setCanceled} WHERE account_id = ${accountId} AND ${from(["queued"], "canceled")} AND id IN (
      SELECT id FROM (
        SELECT id FROM inferences AS own INDEXED BY inferences_by_account
        WHERE own.status = 'queued' AND own.not_before IS NULL AND own.by_account = 1 AND own.model = ${model} AND own.version = ${version}
          AND own.account_id = ${accountId}
        UNION ALL SELECT id FROM (${headOf(model, version)}) WHERE by_account = 0 AND account_id = ${accountId}
        UNION ALL SELECT id FROM inferences AS later INDEXED BY inferences_backing_off
        WHERE later.status = 'queued' AND later.not_before IS NOT NULL AND later.model = ${model} AND later.version = ${version}
          AND later.account_id = ${accountId})
      LIMIT ${limit})
    RETURNING id, ${endForLog}, ${toldTo}`,
  /** Counts as open what the next statement redrives; nothing of it if it is `bounded` and the account takes no more. */
  countRedrives: (cursor: Cursor, whole: boolean, filter: Filter, limit: number, bounded = false) => sql`
    UPDATE accounts SET open_at_most = open_at_most + page.redrives FROM (
      SELECT account_id, count(*) AS redrives FROM inferences
      WHERE (account_id, id) IN (${pageAfter(cursor, whole, limit)}) AND ${redrivable} AND ${matching(filter)} GROUP BY account_id) AS page
    WHERE accounts.id = page.account_id${bounded ? sql` AND ${takes(sql`accounts`, sql`page.redrives`)}` : sql``} RETURNING accounts.id`,
  /** `bounded`: only if the statement before it has counted them. */
  redrivePage: (cursor: Cursor, whole: boolean, filter: Filter, limit: number, bounded = false) => sql`
    UPDATE inferences SET ${setRedriven}
    WHERE (account_id, id) IN (${pageAfter(cursor, whole, limit)}) AND ${redrivable} AND ${matching(filter)}${bounded ? sql` AND changes() > 0` : sql``}
    RETURNING model, version, ${toldTo}`,
  /** What a page of cancels or redrives would be about, counted; of redrives with what is in the way of some. */
  countPage: (action: "cancel" | "redrive", cursor: Cursor, whole: boolean, filter: Filter, limit: number) => sql`
    SELECT error ->> 'class' AS class, error ->> 'code' AS code, ${action === "redrive" ? obstacle : sql`NULL`} AS obstacle, count(*) AS count
    FROM inferences WHERE (account_id, id) IN (${pageAfter(cursor, whole, limit)}) AND ${matching(filter)} GROUP BY 1, 2, 3`,
  pageEnd: (cursor: Cursor, whole: boolean, limit: number) => sql`
    SELECT count(*) AS seen, max(account_id) AS accountId, (SELECT id FROM (${pageAfter(cursor, whole, limit)}) ORDER BY account_id DESC, id DESC LIMIT 1) AS id
    FROM (${pageAfter(cursor, whole, limit)})`,
} satisfies Record<string, (...args: never[]) => Sql>;

/** Cancels what is not final yet, or only what has one of these statuses; null where there is nothing to cancel. */
export async function cancelInference(
  db: Database,
  accountId: string,
  id: string,
  only: readonly Status[] = OPEN,
  stoppedAttempt: number | null = null,
): Promise<Inference | null> {
  const canceled = await db.all(changeStatements.cancel(accountId, id, only, stoppedAttempt));
  logEnds(canceled);
  return inferenceOrNull(canceled[0]);
}

/** An attempt whose backend can be asked to stop it. */
export type Stoppable = z.infer<typeof stoppableSchema>;
const stoppableSchema = z.object({ attempt: z.number(), backendId: z.string() });

/** Cancels what is not final yet, unless its backend can be asked to stop it first; both null where there is nothing to cancel. */
export async function cancelOrAsk(
  db: Database,
  accountId: string,
  id: string,
): Promise<{ readonly canceled: Inference | null; readonly stoppable: Stoppable | null }> {
  const [asked = [], canceled = []] = await db.batch([
    changeStatements.askStop(accountId, id),
    changeStatements.cancelUnlessStoppable(accountId, id),
  ]);
  logEnds(canceled);
  return { canceled: inferenceOrNull(canceled[0] ?? null), stoppable: asked[0] ? stoppableSchema.parse(asked[0]) : null };
}

/** Cancels what an account has waiting in a lane, so many at most. How many. */
export async function cancelWaitingPage(db: Database, accountId: string, lane: Lane, limit: number): Promise<number> {
  const canceled = await db.all(changeStatements.cancelWaiting(accountId, lane, limit));
  logEnds(canceled);
  return canceled.length;
}

/** Queues a failed or expired one again; null where there is nothing to redrive, or, if `bounded`, its account may have no more. */
export async function redriveInference(db: Database, accountId: string, id: string, bounded = false): Promise<Inference | null> {
  const [redriven = []] = await db.batch([changeStatements.redrive(accountId, id, bounded), changeStatements.countRedriven(accountId)]);
  return inferenceOrNull(redriven[0]);
}

/** One page of a bulk call: how many of the rows it looked at matched, and where to go on; null at the end. */
export interface BulkPage {
  seen: number;
  matched: number;
  /** The same by what they failed with; most first. Not of those that were canceled. */
  byError: { class: Counted["class"]; code: Counted["code"]; count: number }[];
  /** Those that the filter selects and that can't be redriven, by the code that each would be refused with. */
  refused: { code: string; count: number }[];
  next: Cursor | null;
  /** Of those that were redriven. */
  lanes: Lane[];
  /** Nothing was redriven, though something matched: the account may not have so many open. */
  isTooMuch: boolean;
}

const countSchema = z.object({
  class: z.enum(FAILURE_CLASSES).nullable(),
  code: z.string().nullable(),
  obstacle: z.string().nullable(),
  count: z.number(),
});
type Counted = z.infer<typeof countSchema>;
const pageEndSchema = z.object({ seen: z.number(), accountId: z.string().nullable(), id: z.string().nullable() });

/** Cancels or redrives what the filter matches among the next rows after the cursor, or only counts it; `bounded` as `redrivePage` has it. */
export async function bulk(
  db: Database,
  action: "cancel" | "redrive",
  cursor: Cursor,
  whole: boolean,
  filter: Filter,
  limit: number,
  { bounded = false, dryRun = false }: { readonly bounded?: boolean | undefined; readonly dryRun?: boolean } = {},
): Promise<BulkPage> {
  const { cancelPage, countPage, countRedrives, pageEnd, redrivePage } = changeStatements;
  const counts = dryRun || action === "redrive" ? [countPage(action, cursor, whole, filter, limit)] : [];
  const changes = {
    cancel: () => [cancelPage(cursor, whole, filter, limit)],
    redrive: () => [countRedrives(cursor, whole, filter, limit, bounded), redrivePage(cursor, whole, filter, limit, bounded)],
  }[action];
  const [ends = [], ...answers] = await db.batch([pageEnd(cursor, whole, limit), ...counts, ...(dryRun ? [] : changes())]);
  const { seen, accountId, id } = pageEndSchema.parse(ends[0]);
  const counted = z.array(countSchema).parse(counts.length > 0 ? answers[0] : []);
  const changed = dryRun ? [] : (answers.at(-1) ?? []);
  if (action === "cancel") logEnds(changed);
  const mayChange = counted.filter(({ obstacle: it }) => it === null);
  const countOf = (counts_: readonly Counted[]) => counts_.reduce((sum, { count }) => sum + count, 0);
  const refused = Map.groupBy(counted, ({ obstacle: it }) => it ?? "");
  refused.delete("");
  return {
    seen,
    matched: dryRun ? countOf(mayChange) : changed.length,
    byError: mayChange
      .map(({ class: kind, code, count }) => ({ class: kind, code, count }))
      .toSorted((one, other) => other.count - one.count),
    refused: [...refused].map(([code, all]) => ({ code, count: countOf(all) })),
    next: seen === limit && accountId !== null && id !== null ? { accountId, id } : null,
    lanes: action === "redrive" ? z.array(laneSchema).parse(changed) : [],
    isTooMuch: bounded && !dryRun && action === "redrive" && mayChange.length > 0 && changed.length === 0,
  };
}

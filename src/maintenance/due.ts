/** SQL of the sweep: all that is due, in one pass, and what is to be done about it. */
import * as z from "zod";
import type { Failure } from "../backends/outcome.ts";
import { logEnds } from "../inferences/ends.ts";
import { NEVER_REACHED } from "../inferences/retry.ts";
import { logError } from "../platform/log.ts";
import { Unavailable } from "../platform/unavailable.ts";
import { type Database, NOW, type Row, type Sql, sql } from "../platform/sql.ts";
import { deliveryStatements, waitingFrom } from "../webhooks/sql/deliveries.ts";
import { type Lane, laneSchema } from "../models/lane.ts";
import {
  agesAt,
  due,
  endForLog,
  ended,
  from,
  isDated,
  json,
  lapsed,
  logged,
  ranFor,
  releaseLease,
  setCanceled,
  startByAfter,
} from "../inferences/sql/fragments.ts";
import { comesBack } from "../inferences/sql/head.ts";
import { ANYBODY, claimable, laneOfRow, nextTurn, slots, turnAgain } from "../inferences/sql/lane.ts";
import { areNotesLeft, noteStatements } from "../inferences/sql/notes.ts";
import { toldTo } from "../inferences/sql/told.ts";
import { WAKE_UP_LOST_MS } from "../limits.ts";

/** Whose inference is the first in line of a row of `backends`; anybody's if none waits. */
const firstAccount = sql`coalesce((SELECT account_id FROM inferences WHERE ${claimable(sql`backends.model`, sql`backends.version`)}
  ORDER BY level, turn, id LIMIT 1), ${ANYBODY})`;

export const dueStatements = {
  /** Sweep: waited longer than they may. */
  expireDue: (limit: number, error: Failure) => sql`
    UPDATE inferences SET status = 'expired', ${ended},
      error = iif(unreached > 0 AND unreached = attempt - attempts_before, ${JSON.stringify(NEVER_REACHED)}, ${JSON.stringify(error)}), log = ${logged("expired")}
    WHERE ${due(limit)} AND ${from(["queued"], "expired")} AND start_by <= ${NOW} RETURNING id, ${endForLog}, ${toldTo}`,
  /** Sweep: to be canceled by now, as asked at submit. */
  cancelDue: (limit: number) => sql`
    UPDATE inferences SET ${setCanceled}
    WHERE ${due(limit)} AND ${from(["queued", "in_progress"], "canceled")} AND cancel_at <= ${NOW} RETURNING id, ${endForLog}, ${toldTo}`,
  /** Sweep: their runner is lost and no attempt is left. */
  failLapsed: (limit: number, error: Failure) => sql`
    UPDATE inferences SET status = 'failed', ${ended}, ${ranFor}, ${releaseLease},
      error = ${JSON.stringify(error)}, log = ${logged("failed", sql`, 'attempt', attempt, 'error', ${json(error)}`)}
    WHERE ${lapsed(limit)} AND ${from(["in_progress"], "failed")} AND lease_until <= ${NOW} AND attempt - attempts_before - unreached >= max_attempts RETURNING id, ${endForLog}, ${toldTo}`,
  /** Sweep: their runner is lost; they are claimable again at once, by a runner: whoever waited is as lost. */
  requeueLapsed: (limit: number, error: Failure) => sql`
    UPDATE inferences SET status = 'queued', updated_at = ${NOW}, ${ranFor}, ${releaseLease}, ${startByAfter(0)}, not_before = NULL, turn = ${turnAgain},
      ${comesBack}, waiter = NULL,
      log = ${logged("attempt_failed", sql`, 'attempt', attempt, 'error', ${json(error)}, 'retry_at', ${NOW}`)}
    WHERE ${lapsed(limit)} AND ${from(["in_progress"], "queued")} AND lease_until <= ${NOW} AND attempt - attempts_before - unreached < max_attempts
    RETURNING model, version, ${toldTo}`,
  /** Sweep: they were canceled, and their runner is lost before it let go of them. */
  releaseLapsed: (limit: number) => sql`
    UPDATE inferences SET ${releaseLease} WHERE ${lapsed(limit)} AND status = 'canceled' RETURNING id`,
  /** Sweep: their back-off is over, or the time has come before which they were not to begin: those take their account's next turn. */
  readyDue: (limit: number) => sql`
    UPDATE inferences SET not_before = NULL,
      turn = iif(attempt = 0, ${nextTurn(sql`inferences.account_id`, ...laneOfRow, sql`inferences.level`)}, ${turnAgain}),
      ${comesBack}, updated_at = ${NOW}, log = ${logged("ready")}
    WHERE ${due(limit)} AND status = 'queued' AND not_before <= ${NOW} AND start_by > ${NOW} RETURNING model, version, ${toldTo}`,
  /** Sweep: waited so long that they count for one level more, in its account's next turn there. */
  ageDue: (limit: number) => sql`
    UPDATE inferences SET level = level - 1, ages_at = ${agesAt(sql`level - 1`)},
      turn = ${nextTurn(sql`inferences.account_id`, ...laneOfRow, sql`inferences.level - 1`)},
      log = ${logged("aged", sql`, 'level', level - 1`)}
    WHERE ${due(limit)} AND status = 'queued' AND ages_at <= ${NOW} RETURNING id`,
  /**
   * Sweep: lanes with free slots whose next inference nobody took: its wake-up was lost, or its backend is back. A backend that
   * rests for the account of the first in line alone is worth one, for others may wait behind it.
   */
  lostWakeUps: () => sql`
    SELECT lane.model, lane.version, lane.slots FROM (
      SELECT model, version, sum(max(0, ${slots(firstAccount)}, min(1, ${slots(ANYBODY)}))) AS slots
      FROM backends WHERE (model, version) > ('', '') GROUP BY model, version
    ) AS lane
    WHERE lane.slots > 0 AND (
      SELECT updated_at FROM inferences WHERE ${claimable(sql`lane.model`, sql`lane.version`)} ORDER BY level, turn, id LIMIT 1
    ) <= ${NOW} - ${WAKE_UP_LOST_MS}`,
  /** Whether there is anything that the sweep has to come back for. */
  anyDated: () => sql`
    SELECT 1 AS dated WHERE EXISTS (SELECT 1 FROM inferences WHERE ${isDated})
      OR EXISTS (SELECT 1 FROM inferences INDEXED BY inferences_claimable WHERE status = 'queued' AND not_before IS NULL AND model > '')
      OR EXISTS (SELECT 1 FROM inferences INDEXED BY inferences_running WHERE lease_until IS NOT NULL AND backend_id > '')`,
  /** Declares the runners of all attempts that began before then dead: their inferences are due at once. */
  lapse: (startedBefore: number) => sql`
    UPDATE inferences SET lease_until = ${NOW}
    WHERE status = 'in_progress' AND lease_until IS NOT NULL AND backend_id > '' AND started_at < ${startedBefore} RETURNING id`,
} satisfies Record<string, (...args: never[]) => Sql>;

export interface SweepPass {
  canceled: number;
  expired: number;
  aged: number;
  lost: number;
  /** A lane for each inference that became claimable. */
  ready: Lane[];
  /** Lanes whose wake-ups were lost, with their free slots. */
  neglected: (Lane & { slots: number })[];
  /** Accounts with deliveries that are due. */
  deliveries: string[];
  /** More notes may be due than it has taken up. */
  areNotesLeft: boolean;
  /** Whether there is a row to come back for. */
  dated: boolean;
}

/** All statements in one transaction; where the database refuses one of them for good, each by itself. */
async function batchOrEach(db: Database, statements: readonly Sql[]): Promise<Row[][]> {
  try {
    return await db.batch(statements);
  } catch (error) {
    if (error instanceof Unavailable) throw error;
    logError("sweep_statement_refused", error);
  }
  const answers: Row[][] = [];
  for (const statement of statements) {
    answers.push(
      await db.all(statement).catch((error: unknown) => {
        if (error instanceof Unavailable) throw error;
        logError("sweep_statement_refused", error);
        return [];
      }),
    );
  }
  return answers;
}

/** What a pass asks about inferences, in this order. */
export const passStatements = (limit: number, lost: Failure, waited: Failure): Sql[] => [
  noteStatements.remove(),
  noteStatements.see(),
  dueStatements.cancelDue(limit),
  dueStatements.expireDue(limit, waited),
  dueStatements.failLapsed(limit, lost),
  dueStatements.requeueLapsed(limit, lost),
  dueStatements.releaseLapsed(limit),
  dueStatements.readyDue(limit),
  dueStatements.ageDue(limit),
  dueStatements.lostWakeUps(),
  dueStatements.anyDated(),
];

/** One pass over all that is due, in one transaction and round trip. */
export async function sweepDue(db: Database, limit: number, lost: Failure, waited: Failure): Promise<SweepPass> {
  const statements = [...passStatements(limit, lost, waited), deliveryStatements.waiting()];
  const [
    removed = [],
    seen = [],
    canceled = [],
    expired = [],
    failed = [],
    requeued = [],
    ,
    ready = [],
    aged = [],
    neglected = [],
    dated = [],
    waiting = [],
  ] = await batchOrEach(db, statements);
  for (const those of [canceled, expired, failed]) logEnds(those);
  const deliveries = waitingFrom(waiting);
  return {
    canceled: canceled.length,
    expired: expired.length,
    aged: aged.length,
    lost: failed.length + requeued.length,
    ready: z.array(laneSchema).parse([...requeued, ...ready]),
    neglected: z.array(laneSchema.extend({ slots: z.number() })).parse(neglected),
    deliveries: deliveries.accounts,
    areNotesLeft: areNotesLeft(removed, seen),
    dated: dated.length > 0 || deliveries.soon,
  };
}

/** Makes what began before then due at once: for an operator who knows that no runner of that time is alive. */
export async function lapseLeases(db: Database, startedBefore: number): Promise<number> {
  return (await db.all(dueStatements.lapse(startedBefore))).length;
}

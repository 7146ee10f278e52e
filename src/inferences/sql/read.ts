/** SQL that reads inferences: one by its name, with why it waits; lists; the state of a lane. */
import * as z from "zod";
import { DEPTH_MAX, POSITION_MAX, STATISTICS_ROWS } from "../../limits.ts";
import type { Lane } from "../../models/lane.ts";
import type { Payload } from "../../payloads/payload.ts";
import { type Database, NOW, type Row, type Sql, first, jsonColumn, sql } from "../../platform/sql.ts";
import type { Inference } from "../inference.ts";
import type { LaneState } from "../wait.ts";
import { type Filter, idsOf, matching } from "./filter.ts";
import { among } from "./fragments.ts";
import { ANYBODY, ahead, claimable, isClosedTo, live, slots } from "./lane.ts";
import { fromRow, inferenceOrNull, inputColumns, inputFrom, laneStateSchema, inferenceColumns } from "./record.ts";

/** What a list is to return. */
export interface ListPage {
  /** Only older ones than this id. */
  readonly before: string | null;
  readonly offset: number;
  readonly limit: number;
}

/** An inference as it is asked for: its account and its id. */
export type Name = readonly [accountId: string, id: string];

const UNSUCCESSFUL = ["failed", "canceled", "expired"] as const;

/** With the state of its lane where it waits, from which its wait is reckoned. */
const waitingColumns = sql`${inferenceColumns}, ${NOW} AS now,
  CASE WHEN status = 'queued' THEN (SELECT count(*) FROM (${ahead} LIMIT ${POSITION_MAX})) END AS ahead,
  CASE WHEN status = 'queued' THEN (SELECT json_object(
      'capacity', coalesce(sum(iif(${isClosedTo(sql`inferences.account_id`)}, max_concurrency, 0)), 0),
      'freeSlots', coalesce(sum(max(0, ${slots(sql`inferences.account_id`)})), 0), 'meanRunMs', avg(mean_run_ms))
    FROM backends WHERE backends.model = inferences.model AND backends.version = inferences.version) END AS lane`;

/** From when on it has waited: its submit, its `not_before` or its redrive, put off by all in which it ran or backed off. */
const waitsSince = sql`start_by - max_time_in_queue_seconds * 1000`;

export const readStatements = {
  find: (accountId: string, id: string) => sql`
    SELECT ${inferenceColumns} FROM inferences WHERE account_id = ${accountId} AND id = ${id}`,
  findWaiting: (accountId: string, id: string) => sql`
    SELECT ${waitingColumns} FROM inferences WHERE account_id = ${accountId} AND id = ${id}`,
  /** The same of several, by account and id. */
  findAll: (names: readonly Name[], withWait: boolean) => sql`
    SELECT ${withWait ? waitingColumns : inferenceColumns}
    FROM (SELECT value ->> 0 AS askedAccount, value ->> 1 AS askedId FROM json_each(${JSON.stringify(names)})) AS asked
    CROSS JOIN inferences ON inferences.account_id = askedAccount AND inferences.id = askedId`,
  findInput: (accountId: string, id: string) => sql`
    SELECT ${inputColumns} FROM inferences WHERE account_id = ${accountId} AND id = ${id}`,
  /** The same, and when it is canceled unless it has ended. */
  findGiven: (accountId: string, id: string) => sql`
    SELECT ${inputColumns}, cancel_at AS cancelAt FROM inferences WHERE account_id = ${accountId} AND id = ${id}`,
  /** An account's inferences, newest first: those before an id (all, where it is null), from the offset-th of them on. */
  list: (accountId: string, filter: Filter, page: ListPage, inputs = false) => sql`
    SELECT ${inputs ? sql`${inferenceColumns}, ${inputColumns}` : inferenceColumns} FROM inferences
    WHERE account_id = ${accountId}${page.before === null ? sql`` : sql` AND id < ${page.before}`} AND ${idsOf(filter)} AND ${matching(filter)}
    ORDER BY id DESC LIMIT ${page.limit} OFFSET ${page.offset}`,
  /** Of an account's newest, however many: what became of them, by model and version; of one model, or of all where it is null. */
  statistics: (accountId: string, model: string | null) => sql`
    SELECT model, version, max(created_at) AS lastAt, count(*) FILTER (WHERE status = 'succeeded') AS succeeded,
      coalesce(sum(input_items) FILTER (WHERE status = 'succeeded'), 0) AS items,
      coalesce(sum(finished_at - created_at) FILTER (WHERE status = 'succeeded'), 0) AS succeededMs,
      coalesce(sum(min(run_ms, finished_at - created_at)) FILTER (WHERE status = 'succeeded'), 0) AS runMs,
      count(*) FILTER (WHERE ${among(UNSUCCESSFUL)}) AS failed,
      coalesce(sum(finished_at - created_at) FILTER (WHERE ${among(UNSUCCESSFUL)}), 0) AS failedMs
    FROM (SELECT model, version, status, created_at, finished_at, run_ms, input_items
      FROM inferences WHERE account_id = ${accountId} ORDER BY id DESC LIMIT ${STATISTICS_ROWS})
    ${model === null ? sql`` : sql`WHERE model = ${model}`} GROUP BY model, version`,
  /**
   * The state of a model's queue. Counted up to DEPTH_MAX, so that a deep queue costs no more to look at. What has not been tried and is
   * not to begin yet is looked at (`seen`), and does not wait.
   */
  depth: (lane: Lane) => sql`
    SELECT ${NOW} AS now, claimable.queued + resting.queued AS queued, claimable.queued + resting.seen AS seen,
      min(coalesce(claimable.oldest, resting.oldest), coalesce(resting.oldest, claimable.oldest)) AS oldest, (
        SELECT count(*) FROM backends JOIN inferences AS running INDEXED BY inferences_running
          ON running.backend_id = backends.id AND ${live(sql`running`)}
        WHERE backends.model = ${lane.model} AND backends.version = ${lane.version}) AS inProgress,
      (SELECT json_object(
          'capacity', coalesce(sum(iif(${isClosedTo(ANYBODY)}, max_concurrency, 0)), 0),
          'freeSlots', coalesce(sum(max(0, ${slots(ANYBODY)})), 0), 'meanRunMs', avg(mean_run_ms))
        FROM backends WHERE backends.model = ${lane.model} AND backends.version = ${lane.version}) AS lane
    FROM (SELECT count(*) AS queued, min(since) AS oldest
      FROM (SELECT ${waitsSince} AS since FROM inferences WHERE ${claimable(lane.model, lane.version)} LIMIT ${DEPTH_MAX})) AS claimable,
    (SELECT count(*) AS seen, count(since) AS queued, min(since) AS oldest
      FROM (SELECT iif(attempt > 0, ${waitsSince}, NULL) AS since FROM inferences INDEXED BY inferences_backing_off
        WHERE status = 'queued' AND not_before IS NOT NULL AND model = ${lane.model} AND version = ${lane.version} LIMIT ${DEPTH_MAX})) AS resting`,
} satisfies Record<string, (...args: never[]) => Sql>;

export async function findInference(db: Database, accountId: string, id: string): Promise<Inference | null> {
  return inferenceOrNull(await first(db, readStatements.find(accountId, id)));
}

/** As findInference, and why it waits where it does; reads as many rows more as wait before it. */
export async function findWithWait(db: Database, accountId: string, id: string): Promise<Inference | null> {
  return inferenceOrNull(await first(db, readStatements.findWaiting(accountId, id)));
}

/** The question for several inferences in one statement, each read once, and what its rows are for those who ask, in their order: null for each that is not there. */
export function askingFor(
  names: readonly Name[],
  withWait: boolean,
): { readonly statement: Sql; readonly answersIn: (rows: readonly Row[]) => (Inference | null)[] } {
  const asked = names.length === 1 ? names : [...new Map(names.map((name) => [textOf(name), name])).values()];
  const [only] = asked;
  if (only && asked.length === 1) {
    const statement = (withWait ? readStatements.findWaiting : readStatements.find)(...only);
    const answersIn = ([row]: readonly Row[]) => {
      const one = inferenceOrNull(row);
      return names.map(() => one);
    };
    return { statement, answersIn };
  }
  const answersIn = (rows: readonly Row[]) => {
    const found = new Map(rows.map(fromRow).map((it) => [textOf([it.accountId, it.id]), it]));
    return names.map((name) => found.get(textOf(name)) ?? null);
  };
  return { statement: readStatements.findAll(asked, withWait), answersIn };
}

const textOf = ([accountId, id]: Name) => `${accountId} ${id}`;

/** Several inferences, as `askingFor` has them. */
export async function findTogether(db: Database, names: readonly Name[], withWait: boolean): Promise<(Inference | null)[]> {
  const { statement, answersIn } = askingFor(names, withWait);
  return answersIn(await db.all(statement));
}

/** The columns of a delivery's snapshot, under the names that they are read by (see inferenceColumns). */
const MEMBERS: Readonly<Record<string, string>> = {
  updated_at: "updatedAt",
  start_by: "startBy",
  not_before: "notBefore",
  first_started_at: "startedAt",
  started_at: "lastStartedAt",
  finished_at: "finishedAt",
  run_ms: "runMs",
  backend_id: "backendId",
};

/** An inference as an earlier change left it, of which a delivery has kept the columns that change. */
export async function findAsOf(db: Database, accountId: string, id: string, snapshot: Row): Promise<Inference | null> {
  const row = await first(db, readStatements.find(accountId, id));
  if (!row) return null;
  const columns = Object.entries(snapshot).map(([column, value]) => [MEMBERS[column] ?? column, value]);
  const unsaid = { endDelivery: null, progress: null }; // its model said nothing of an attempt before that began
  const { log, ...then } = fromRow({ ...row, ...Object.fromEntries(columns), ...unsaid });
  return { ...then, log: log.filter(({ at }) => at <= then.updatedAt) };
}

/** What was submitted; null where there is no such inference. */
export async function findInput(db: Database, accountId: string, id: string): Promise<Payload | null> {
  const row = await first(db, readStatements.findInput(accountId, id));
  return row && inputFrom(row);
}

/** What was submitted, and the time (ms) at which it is canceled unless it has ended; that is null if there is none. */
export interface Given {
  readonly input: Payload;
  readonly cancelAt: number | null;
}

const givenSchema = z.object({ cancelAt: z.number().nullable() });

/** Null where there is no such inference. */
export async function findGiven(db: Database, accountId: string, id: string): Promise<Given | null> {
  const row = await first(db, readStatements.findGiven(accountId, id));
  return row && { input: inputFrom(row), ...givenSchema.parse(row) };
}

/** Of one account, newest first. Reads as many rows as it passes over: what the filter leaves out, and the offset. */
export async function listInferences(db: Database, accountId: string, filter: Filter, page: ListPage): Promise<Inference[]> {
  return (await db.all(readStatements.list(accountId, filter, page))).map(fromRow);
}

/** As listInferences, each with its input. */
export async function listWithInputs(
  db: Database,
  accountId: string,
  filter: Filter,
  page: ListPage,
): Promise<{ inference: Inference; input: Payload }[]> {
  const rows = await db.all(readStatements.list(accountId, filter, page, true));
  return rows.map((row) => ({ inference: fromRow(row), input: inputFrom(row) }));
}

/** What a lane has to do. `queued` counts up to DEPTH_MAX. */
export interface Depth {
  queued: number;
  isExact: boolean;
  inProgress: number;
  oldestWaitMs: number | null;
  lane: LaneState;
}

const depthSchema = z.object({
  now: z.number(),
  queued: z.number(),
  seen: z.number(),
  oldest: z.number().nullable(),
  inProgress: z.number(),
  lane: jsonColumn(laneStateSchema),
});

export async function depthOf(db: Database, lane: Lane): Promise<Depth> {
  const { now, oldest, seen, ...depth } = depthSchema.parse(await first(db, readStatements.depth(lane)));
  const oldestWaitMs = oldest === null ? null : Math.max(0, now - oldest);
  return { ...depth, isExact: seen < DEPTH_MAX, oldestWaitMs, lane: { ahead: depth.queued, ...depth.lane } };
}

const statisticsSchema = z.object({
  model: z.string(),
  version: z.string(),
  /** When the latest was submitted. */
  lastAt: z.number(),
  succeeded: z.number(),
  /** Of those that succeeded: the items of their inputs, from submit to end, and of that at a backend. */
  items: z.number(),
  succeededMs: z.number(),
  runMs: z.number(),
  /** What has ended otherwise, for whatever reason, and from submit to end. */
  failed: z.number(),
  failedMs: z.number(),
});
export type Statistics = Readonly<z.infer<typeof statisticsSchema>>;

/** What became of an account's newest STATISTICS_ROWS inferences, by model and version. */
export async function statisticsOf(db: Database, accountId: string, model: string | null): Promise<Statistics[]> {
  return (await db.all(readStatements.statistics(accountId, model))).map((row) => statisticsSchema.parse(row));
}

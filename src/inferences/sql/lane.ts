/**
 * The lane, as SQL: in which order its inferences come, which of them is next, and how much its backends may be given.
 * Fragments only; the statements are made of them. Invariants kept here:
 * - accounts take turns within a level, whatever each has waiting;
 * - load is counted from the rows that hold a live lease, never kept;
 * - a lane's next inference is found by index, however many wait.
 */
import { CIRCUIT_FAILURES } from "../../limits.ts";
import { NOW, type Sql, type SqlValue, sql } from "../../platform/sql.ts";

/** What waits in a lane and may be claimed; the condition of two partial indexes. */
export const claimable = (model: SqlValue | Sql, version: SqlValue | Sql) =>
  sql`status = 'queued' AND not_before IS NULL AND model = ${model} AND version = ${version}`;

/** The turns of those that may be claimed in a lane at a level; `peer` is what the outer statement is not about. */
const turns = (
  turn: Sql,
  index: Sql,
  model: SqlValue | Sql,
  version: Sql,
  level: SqlValue | Sql,
) => sql`SELECT ${turn} FROM inferences AS peer INDEXED BY ${index}
  WHERE peer.status = 'queued' AND peer.not_before IS NULL AND peer.model = ${model} AND peer.version = ${version} AND peer.level = ${level}`;

/**
 * The turn of one more inference of an account in a level: the round after its account's last that waits there, or after the
 * one that is being served; so accounts take turns, whatever each has. The round that is being served takes nobody more:
 * it comes to its end, whoever keeps coming back, and so every round that somebody waits for is served.
 */
export const nextTurn = (accountId: SqlValue | Sql, model: SqlValue | Sql, version: Sql, level: SqlValue | Sql) => sql`coalesce(
  (${turns(sql`max(peer.turn) + 1`, sql`inferences_by_account`, model, version, level)} AND peer.account_id = ${accountId}),
  (${turns(sql`min(peer.turn) + 1`, sql`inferences_claimable`, model, version, level)}), 0)`;

/**
 * Those of the row's lane that come before it. Its own place is given by expressions without an affinity (`+`): of a comparison
 * of columns with columns SQLite's index serves the first one alone, and the first in line would read the whole line.
 */
export const ahead = sql`SELECT 1 FROM inferences AS other
  WHERE other.status = 'queued' AND other.not_before IS NULL AND other.model = inferences.model AND other.version = inferences.version
    AND (other.level, other.turn, other.id) < (+inferences.level, +inferences.turn, +inferences.id)`;

export const laneOfRow = [sql`inferences.model`, sql`inferences.version`] as const;

/** The turn of one that comes back after an attempt: its round has been served or is, so it goes with that one. */
export const turnAgain = sql`coalesce((${turns(sql`min(peer.turn)`, sql`inferences_claimable`, ...laneOfRow, sql`inferences.level`)}), 0)`;

/** What keeps a slot: a lease that lives, also of one that was canceled while its runner has not let go of it yet. */
export const live = (alias: Sql) => sql`${alias}.lease_until > ${NOW}`;

/**
 * How much more a row of `backends` may be given now. Its load is counted, never kept, so it can't drift, and a dead
 * runner's slot is free when its lease lapses; the index alone is read, once, and never further than the backend's own
 * limit. An open circuit whose rest is over gets one probe at a time.
 */
export const slots = sql`iif(backends.state = 'active' AND coalesce(backends.rested_until, 0) <= ${NOW}, min(
  backends.max_concurrency - (SELECT count(*) FROM inferences AS running INDEXED BY inferences_running
    WHERE running.backend_id = backends.id AND ${live(sql`running`)}),
  iif(backends.failures < ${CIRCUIT_FAILURES}, backends.max_concurrency,
    1 - (SELECT count(*) FROM inferences AS probe INDEXED BY inferences_running
      WHERE probe.backend_id = backends.id AND ${live(sql`probe`)} AND probe.started_at >= backends.rested_until))), 0)`;

/** Whether a lane has a slot for one more: where it has none, whoever frees the next will claim what waits. */
export const hasSlot = (model: Sql, version: Sql) =>
  sql`EXISTS (SELECT 1 FROM backends WHERE backends.model = ${model} AND backends.version = ${version} AND ${slots} > 0)`;

/** A lane, named or looked up. */
interface LaneSql {
  readonly model: SqlValue | Sql;
  readonly version: SqlValue | Sql;
}

/** How many of an account's inferences a model has running, in all its versions. */
const runningOf = (accountId: Sql, lane: LaneSql) => sql`(SELECT count(*) FROM backends AS host
  JOIN inferences AS running INDEXED BY inferences_running ON running.backend_id = host.id AND ${live(sql`running`)}
  WHERE host.model = ${lane.model} AND running.account_id = ${accountId})`;

const accountCap = (lane: LaneSql) => sql`(SELECT account_concurrency FROM models WHERE name = ${lane.model})`;

/** An account's own next inference in a lane. */
const ownNext = (accountId: Sql, lane: LaneSql) => sql`SELECT id FROM inferences AS own INDEXED BY inferences_by_account
  WHERE own.status = 'queued' AND own.not_before IS NULL AND own.model = ${lane.model} AND own.version = ${lane.version}
    AND own.account_id = ${accountId} AND own.start_by > ${NOW} ORDER BY own.level, own.turn, own.id LIMIT 1`;

/** The first in order of a lane, unless its account already runs as many as it may. */
const frontOf = (lane: LaneSql) => sql`
  SELECT account_id, id, backend_id FROM (
    SELECT account_id, id, backend_id FROM inferences
    WHERE ${claimable(lane.model, lane.version)} AND start_by > ${NOW} ORDER BY level, turn, id LIMIT 1
  ) AS front
  WHERE NOT EXISTS (SELECT 1 FROM models WHERE name = ${lane.model} AND account_concurrency IS NOT NULL
    AND account_concurrency <= ${runningOf(sql`front.account_id`, lane)})`;

/**
 * The lane's next inference: the first in order, or, where its account already runs as many as it may, the first of the
 * accounts that may run another. The second half is reached only then, and goes from account to account by index.
 */
const nextOf = (lane: LaneSql) => sql`
  ${frontOf(lane)}
  UNION ALL
  SELECT account_id, id, backend_id FROM (
    WITH RECURSIVE full AS MATERIALIZED (
      SELECT running.account_id FROM backends AS host
      JOIN inferences AS running INDEXED BY inferences_running ON running.backend_id = host.id AND ${live(sql`running`)}
      WHERE host.model = ${lane.model}
      GROUP BY running.account_id HAVING count(*) >= ${accountCap(lane)}
    ), waiting (account_id) AS (
      SELECT min(account_id) FROM inferences INDEXED BY inferences_by_account WHERE ${claimable(lane.model, lane.version)}
      UNION ALL
      SELECT (SELECT min(account_id) FROM inferences INDEXED BY inferences_by_account WHERE ${claimable(lane.model, lane.version)} AND account_id > waiting.account_id)
      FROM waiting WHERE waiting.account_id IS NOT NULL
    )
    SELECT first.account_id, first.id, first.backend_id
    FROM waiting JOIN inferences AS first ON first.account_id = waiting.account_id AND first.id = (${ownNext(sql`waiting.account_id`, lane)})
    WHERE ${accountCap(lane)} IS NOT NULL AND waiting.account_id NOT IN (SELECT account_id FROM full)
    ORDER BY first.level, first.turn, first.id LIMIT 1
  ) AS other
  LIMIT 1`;

/** The backend of a lane with the most free slots; one that comes back goes to another than its last if one has a slot. */
const hostFor = (lane: LaneSql, last: Sql) => sql`(
  WITH host_load AS MATERIALIZED (
    SELECT id, ${slots} AS free FROM backends WHERE backends.model = ${lane.model} AND backends.version = ${lane.version})
  SELECT id FROM host_load WHERE free > 0 ORDER BY id = ${last}, free DESC, id LIMIT 1)`;

/** The lane's next inference, and the backend that is to have it; `LIMIT` keeps SQLite from asking once for each use of the answer. */
export const pickOf = (lane: LaneSql) => sql`
  SELECT next.account_id, next.id, ${hostFor(lane, sql`next.backend_id`)} AS backend_id
  FROM (${nextOf(lane)}) AS next LIMIT 1`;

/** The same, for the one inference named: no row unless it is its lane's next. */
export const pickOwn = (accountId: string, id: string) => {
  const lane = { model: sql`mine.model`, version: sql`mine.version` };
  return sql`
  SELECT mine.account_id, mine.id, ${hostFor(lane, sql`mine.backend_id`)} AS backend_id
  FROM inferences AS mine
  WHERE mine.account_id = ${accountId} AND mine.id = ${id} AND mine.status = 'queued'
    AND (mine.account_id, mine.id) = (SELECT account_id, id FROM (${nextOf(lane)})) LIMIT 1`;
};

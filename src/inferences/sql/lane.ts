/**
 * The lane, as SQL: in which order its inferences come, which of them is next, and how much its backends may be given.
 * Fragments only; the statements are made of them. Invariants kept here:
 * - accounts take turns within a level, whatever each has waiting;
 * - load is counted from the rows that hold a live lease, never kept;
 * - a lane's next inference is found by index, however many wait.
 */
import { isAnothers } from "../../backends/store.ts";
import { CIRCUIT_FAILURES } from "../../limits.ts";
import { NOW, type Sql, type SqlValue, sql } from "../../platform/sql.ts";
import { headOf, lastInHead } from "./head.ts";

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
 * The turn after an account's last that waits in a level, by an index that has what has failed apart, or in the head of the lane.
 * NULL if none waits there.
 */
const ownLast = (accountId: SqlValue | Sql, model: SqlValue | Sql, version: Sql, level: SqlValue | Sql, inHead: Sql) => {
  const last = (hasFailed: 0 | 1) => sql`(${turns(sql`max(peer.turn) + 1`, sql`inferences_by_account`, model, version, level)}
    AND peer.by_account = 1 AND peer.account_id = ${accountId} AND peer.has_failed = ${hasFailed})`;
  return sql`(SELECT max(own) FROM (SELECT ${last(0)} AS own UNION ALL SELECT ${last(1)} UNION ALL SELECT ${inHead}))`;
};

/**
 * The turn of one more inference of an account in a level: the round after its account's last that waits there, or after the
 * one that is being served; so accounts take turns, whatever each has. The round that is being served takes nobody more:
 * it comes to its end, whoever keeps coming back, and so every round that somebody waits for is served. `ofEmpty` is its turn if
 * nobody waits, `inHead` the turn after its last in the head of the lane.
 */
export const nextTurn = (
  accountId: SqlValue | Sql,
  model: SqlValue | Sql,
  version: Sql,
  level: SqlValue | Sql,
  ofEmpty: Sql = sql`0`,
  inHead = lastInHead(accountId, model, version, level),
) => sql`coalesce(
  ${ownLast(accountId, model, version, level, inHead)},
  (${turns(sql`min(peer.turn) + 1`, sql`inferences_claimable`, model, version, level)}), ${ofEmpty})`;

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

/** Whether the circuit of a row of `backends` is open or half open to an account. */
const isDoubted = (accountId: SqlValue | Sql) => sql`(backends.failures >= ${CIRCUIT_FAILURES} AND NOT ${isAnothers(accountId)})`;

/** Whether it takes what an account sends, without a doubt. */
export const isClosedTo = (accountId: SqlValue | Sql) => sql`(backends.state = 'active' AND (${isAnothers(accountId)}
  OR coalesce(backends.rested_until, 0) <= ${NOW} AND backends.failures < ${CIRCUIT_FAILURES}))`;

/** Stands for an account whose failures have opened no circuit: what there is for it is the most that there is for any. */
export const ANYBODY = "";

/**
 * How many more of an account's a row of `backends` may be given now. Its load is counted, never kept, so it can't drift, and a
 * dead runner's slot is free when its lease lapses; the index alone is read, once, and never further than the backend's own
 * limit. An open circuit whose rest is over gets one probe at a time.
 */
export const slots = (accountId: SqlValue | Sql) => sql`iif(backends.state = 'active'
    AND (${isAnothers(accountId)} OR coalesce(backends.rested_until, 0) <= ${NOW}), min(
  backends.max_concurrency - (SELECT count(*) FROM inferences AS running INDEXED BY inferences_running
    WHERE running.backend_id = backends.id AND ${live(sql`running`)}),
  iif(NOT ${isDoubted(accountId)}, backends.max_concurrency,
    1 - (SELECT count(*) FROM inferences AS probe INDEXED BY inferences_running
      WHERE probe.backend_id = backends.id AND ${live(sql`probe`)} AND probe.started_at >= backends.rested_until
        AND probe.account_id = coalesce(backends.failures_of, probe.account_id)))), 0)`;

/** Whether a lane has a slot for one more of an account: if it has none, whoever frees the next will claim what waits. */
export const hasSlot = (accountId: SqlValue | Sql, model: SqlValue | Sql, version: SqlValue | Sql, only = sql`1`) =>
  sql`EXISTS (SELECT 1 FROM backends WHERE backends.model = ${model} AND backends.version = ${version} AND ${only} AND ${slots(accountId)} > 0)`;

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

/** Whether a circuit of a lane is open or half open, to whomever. */
const isInDoubt = ({ model, version }: LaneSql) =>
  sql`EXISTS (SELECT 1 FROM backends WHERE backends.model = ${model} AND backends.version = ${version} AND backends.failures >= ${CIRCUIT_FAILURES})`;

/** Whether a backend that is in no doubt has a slot for an account. */
const isFree = (accountId: Sql, { model, version }: LaneSql) => hasSlot(accountId, model, version, sql`NOT ${isDoubted(accountId)}`);

/** An account's first inference in a lane among those that have failed already, or have not. */
const ownFirst = (
  accountId: Sql,
  lane: LaneSql,
  hasFailed: 0 | 1,
) => sql`SELECT level, turn, id FROM inferences AS own INDEXED BY inferences_by_account
  WHERE own.status = 'queued' AND own.not_before IS NULL AND own.by_account = 1 AND own.model = ${lane.model} AND own.version = ${lane.version}
    AND own.account_id = ${accountId} AND own.has_failed = ${hasFailed} AND own.start_by > ${NOW} ORDER BY own.level, own.turn, own.id LIMIT 1`;

/** An account's own next inference in a lane, of those that are in the index; for a probe, what has not been tried goes first. */
const ownNext = (accountId: Sql, isProbe: Sql, lane: LaneSql) => sql`SELECT id FROM (
    SELECT 0 AS has_failed, * FROM (${ownFirst(accountId, lane, 0)}) UNION ALL SELECT 1, * FROM (${ownFirst(accountId, lane, 1)})
  ) ORDER BY iif(${isProbe}, has_failed, 0), level, turn, id LIMIT 1`;

/** The first in order of a lane, unless its account already runs as many as it may, or all that is left for it is in doubt. */
const frontOf = (lane: LaneSql) => sql`
  SELECT account_id, id, backend_id FROM (
    SELECT account_id, id, backend_id FROM inferences
    WHERE ${claimable(lane.model, lane.version)} AND start_by > ${NOW} ORDER BY level, turn, id LIMIT 1
  ) AS front
  WHERE NOT EXISTS (SELECT 1 FROM models WHERE name = ${lane.model} AND account_concurrency IS NOT NULL
    AND account_concurrency <= ${runningOf(sql`front.account_id`, lane)})
    AND (NOT ${isInDoubt(lane)} OR ${isFree(sql`front.account_id`, lane)})`;

/**
 * The lane's next inference: the first in order, or, if that may not go, the first of the accounts that may run another. It may
 * not go if its account already runs as many as it may, or if all that is left for it is a backend in doubt: what proves such a
 * one must not be what has made others fail, so of all that could go there what has failed goes last. The second half is reached
 * only then, and goes from account to account by index, and through what of the lane's head is not there: that has never failed.
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
      SELECT iif(${hasSlot(ANYBODY, lane.model, lane.version)},
        (SELECT min(account_id) FROM inferences INDEXED BY inferences_by_account WHERE ${claimable(lane.model, lane.version)} AND by_account = 1), NULL)
      UNION ALL
      SELECT (SELECT min(account_id) FROM inferences INDEXED BY inferences_by_account WHERE ${claimable(lane.model, lane.version)} AND by_account = 1 AND account_id > waiting.account_id)
      FROM waiting WHERE waiting.account_id IS NOT NULL
    ), near AS MATERIALIZED (
      SELECT account_id, id FROM (${headOf(lane.model, lane.version)}) WHERE by_account = 0
    ), able AS MATERIALIZED (
      SELECT account_id, NOT ${isFree(sql`waiting.account_id`, lane)} AS is_probe
      FROM (SELECT account_id FROM waiting WHERE account_id IS NOT NULL UNION SELECT account_id FROM near) AS waiting
      WHERE account_id NOT IN (SELECT account_id FROM full)
        AND ${hasSlot(sql`waiting.account_id`, lane.model, lane.version)}
    )
    SELECT account_id, id, backend_id FROM (
      SELECT first.account_id, first.id, first.backend_id, first.level, first.turn, iif(able.is_probe, first.has_failed, 0) AS is_held
      FROM able JOIN inferences AS first ON first.account_id = able.account_id AND first.id = (${ownNext(sql`able.account_id`, sql`able.is_probe`, lane)})
      UNION ALL
      SELECT first.account_id, first.id, first.backend_id, first.level, first.turn, 0
      FROM near JOIN able ON able.account_id = near.account_id
        JOIN inferences AS first ON first.account_id = near.account_id AND first.id = near.id AND first.start_by > ${NOW}
    ) ORDER BY is_held, level, turn, id LIMIT 1
  ) AS other
  LIMIT 1`;

/** The backend of a lane with the most free slots for one of an account: in no doubt, and not its last, if there is such a one. */
const hostFor = (lane: LaneSql, accountId: Sql, last: Sql) => sql`(
  WITH host_load AS MATERIALIZED (
    SELECT id, ${isDoubted(accountId)} AS is_doubted, ${slots(accountId)} AS free
    FROM backends WHERE backends.model = ${lane.model} AND backends.version = ${lane.version})
  SELECT id FROM host_load WHERE free > 0 ORDER BY is_doubted, id = ${last}, free DESC, id LIMIT 1)`;

/** Whether a lane's first inference may have to let others pass: accounts of its model have a cap, or one of its circuits is open. */
const mayBePassed = ({
  model,
  version,
}: LaneSql) => sql`(EXISTS (SELECT 1 FROM models WHERE name = ${model} AND account_concurrency IS NOT NULL)
  OR ${isInDoubt({ model, version })})`;

/** What a row of `backends` may be given more, whoever's it is; nothing of one that a lane asked as a whole might still give some. */
const room = sql`backends.max_concurrency - (SELECT count(*) FROM inferences AS running INDEXED BY inferences_running
  WHERE running.backend_id = backends.id AND ${live(sql`running`)})`;

const takes = ({ model, version }: LaneSql) =>
  sql`model = ${model} AND version = ${version} AND state = 'active' AND coalesce(rested_until, 0) <= ${NOW}`;

const waitsIn = ({ model, version }: LaneSql) => sql`${claimable(model, version)} AND start_by > ${NOW}`;

/**
 * For each of these leases an inference of the lane and its backend, as pickOf would pick them one after the other, in far fewer
 * words; none if the lane's first may have to let others pass. The slots stand in the order in which they are given: the next is
 * always one of the backend that has the most left. What comes back goes to another backend than its last if that has a slot;
 * that changes the order, so what follows it is left to the next statement.
 */
export const pickFront = (lane: LaneSql, leases: readonly string[]) => sql`
  WITH host AS MATERIALIZED (SELECT id, ${room} AS free FROM backends WHERE ${takes(lane)} AND NOT ${mayBePassed(lane)})
  SELECT line.value ->> 0 AS account_id, line.value ->> 1 AS id, coalesce(iif(slots.several AND slots.them ->> line.key = line.value ->> 2,
      (SELECT value FROM json_each(slots.them) AS other WHERE other.key > line.key AND other.value <> line.value ->> 2 ORDER BY other.key LIMIT 1),
      NULL), slots.them ->> line.key) AS backend_id, ${JSON.stringify(leases)} ->> line.key AS lease, ${NOW} AS now
  FROM (SELECT json_group_array(host.id ORDER BY host.free - asker.key DESC, host.id) AS them, count(DISTINCT host.id) > 1 AS several
      FROM host JOIN json_each(${JSON.stringify(leases)}) AS asker ON asker.key < host.free) AS slots,
    (SELECT json_group_array(json_array(account_id, id, backend_id) ORDER BY level, turn, id) AS them FROM (
      SELECT account_id, id, backend_id, level, turn FROM inferences WHERE ${waitsIn(lane)} ORDER BY level, turn, id LIMIT ${leases.length})) AS lines,
    json_each(lines.them) AS line
  WHERE (NOT slots.several OR line.key <= coalesce(
    (SELECT min(back.key) FROM json_each(lines.them) AS back WHERE back.value ->> 2 = slots.them ->> back.key), line.key))
  LIMIT ${leases.length}`;

/**
 * What a claim of the front has left: `whole` if something waits and only a claim of the whole lane can tell which may go; `more` if
 * something waits and there is a slot for it. Not by EXISTS: SQLite makes a join of that, which reads the whole lane.
 */
export const leftIn = (lane: LaneSql) => sql`
  SELECT iif(passed, 'whole', 'more') AS "left" FROM (SELECT ${mayBePassed(lane)} AS passed LIMIT 1)
  WHERE (SELECT 1 FROM inferences WHERE ${waitsIn(lane)} LIMIT 1) AND (passed OR (SELECT 1 FROM backends WHERE ${takes(lane)} AND ${room} > 0 LIMIT 1))`;

/** The lane's next inference, and the backend that is to have it; `LIMIT` keeps SQLite from asking once for each use of the answer. */
export const pickOf = (lane: LaneSql) => sql`
  SELECT next.account_id, next.id, ${hostFor(lane, sql`next.account_id`, sql`next.backend_id`)} AS backend_id, ${NOW} AS now
  FROM (${nextOf(lane)}) AS next LIMIT 1`;

/** The same, for the one inference named: no row unless it is its lane's next. */
export const pickOwn = (accountId: string, id: string) => {
  const lane = { model: sql`mine.model`, version: sql`mine.version` };
  return sql`
  SELECT mine.account_id, mine.id, ${hostFor(lane, sql`mine.account_id`, sql`mine.backend_id`)} AS backend_id, ${NOW} AS now
  FROM inferences AS mine
  WHERE mine.account_id = ${accountId} AND mine.id = ${id} AND mine.status = 'queued'
    AND (mine.account_id, mine.id) = (SELECT account_id, id FROM (${nextOf(lane)})) LIMIT 1`;
};

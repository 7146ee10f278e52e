/**
 * The statements on inferences, as values: every change of one, and what is read of one by itself, in a lane or in a list.
 * What becomes of one after its end is in retained.ts. Invariants kept here:
 * - every change of status is ONE conditional UPDATE … RETURNING, its WHERE derived from the transition table;
 *   no row back means that somebody else won, and the loser stops quietly;
 * - whatever a runner writes names status, attempt and lease, so a stale attempt can change nothing;
 * - all times are the database's own (NOW), so clocks of isolates don't matter;
 * - the line of the log is appended by the statement that makes the change.
 */
import type { Failure, KeptPart, Usage } from "../backends/outcome.ts";
import {
  AGEING_MS,
  CIRCUIT_FAILURES,
  DEPTH_MAX,
  IDEMPOTENCY_MS,
  ID_MARGIN_MS,
  LEASE_MS,
  LOG_CHARACTERS,
  POSITION_MAX,
  REDRIVE_ATTEMPTS_MAX,
  WAKE_UP_LOST_MS,
} from "../limits.ts";
import { NOW, type Sql, type SqlValue, join, sql } from "../platform/sql.ts";
import type { Webhook } from "./webhook.ts";
import type { LogEntry } from "./inference.ts";
import type { RetrySettings } from "./retry.ts";
import { type Status, mayBecome } from "./status.ts";
import type { Payload } from "../payloads/payload.ts";
import { earliestId } from "../ids.ts";
import { claimable, hasSlot, laneOfRow, live, nextTurn, pickOf, slots, turnAgain } from "./sql/lane.ts";
import type { Lane } from "../models/lane.ts";
import { type Fence, claimColumns, digestOf, inputColumns, textOf, typeOf, withOutput } from "./sql/record.ts";

/** A submission, complete: every default is filled in and the input is stored or small. */
export interface NewInference {
  accountId: string;
  id: string;
  keyId: string;
  dialect: string;
  model: string;
  /** Null: the model's default. */
  version: string | null;
  priority: number;
  retry: RetrySettings;
  maxTimeInQueueSeconds: number;
  runWithinSeconds: number | null;
  cancelAfterSeconds: number | null;
  idempotencyKey: string | null;
  fingerprint: string | null;
  metadata: Readonly<Record<string, string>>;
  input: Payload;
  inputBytes: number;
  inputItems: number;
  /** What is asked of the model, where a dialect tells that apart; '' otherwise. */
  capability: string;
  /** The lease of the request that waits for it and will run it itself; null where a runner is to. */
  waiter: string | null;
  /** How long after the end its input and output are kept, where that is asked for; never longer than the account's retention. */
  retentionSeconds?: number | null;
  /** Who is told of it, beside the account's own webhooks. */
  webhook: Webhook | null;
}

/** Which inferences a bulk call is about; every member narrows. */
export interface Filter {
  statuses: readonly Status[];
  model?: string | undefined;
  errorClass?: string | undefined;
  createdAfter?: number | undefined;
  createdBefore?: number | undefined;
  metadata?: Readonly<Record<string, string>> | undefined;
  capability?: string | undefined;
}

/** A place in the order of all inferences; a bulk call goes on after it. */
export interface Cursor {
  accountId: string;
  id: string;
}

/** What a list is to return. */
export interface ListPage {
  /** Only older ones than this id. */
  readonly before: string | null;
  readonly offset: number;
  readonly limit: number;
}

export const OPEN: readonly Status[] = ["queued", "in_progress"];

/** `status IN (…)`: the statuses given, each checked against the transition table when the module is loaded. */
function from(statuses: readonly Status[], to: Status): Sql {
  for (const status of statuses) {
    if (!mayBecome(status, to)) throw new Error(`no transition from ${status} to ${to}`);
  }
  return among(statuses);
}

function among(statuses: readonly Status[]): Sql {
  return sql`status IN (${join(statuses.map(text), ",")})`;
}

/** A constant of ours as a literal, so that the planner can match the condition of a partial index. */
function text(constant: Status): Sql {
  return { text: `'${constant}'`, params: [] };
}

/** The log with one more line; its time is NOW. */
function logged(event: LogEntry["event"], members: Sql = sql`'{}'`): Sql {
  return sql`json_insert(iif(length(log) > ${LOG_CHARACTERS}, json_array(log -> '$[0]', json_object('at', ${NOW}, 'event', 'shortened')), log),
    '$[#]', json_patch(json_object('at', ${NOW}, 'event', ${event}), ${members}))`;
}

const json = (value: unknown) => sql`json(${JSON.stringify(value)})`;
const held = (hold: Fence) =>
  sql`account_id = ${hold.accountId} AND id = ${hold.id} AND attempt = ${hold.attempt} AND lease = ${hold.lease}`;
const releaseLease = sql`lease = NULL, lease_until = NULL`;
const ended = sql`finished_at = ${NOW}, updated_at = ${NOW}, ages_at = NULL, cancel_at = NULL`;
const ranFor = sql`run_ms = run_ms + (${NOW} - started_at)`;
const ranForIfRunning = sql`run_ms = run_ms + iif(status = 'in_progress', ${NOW} - started_at, 0)`;
/** The time in the queue that an inference has not used up when its attempt ends: it may wait that long again. */
const startByAfter = (delayMs: SqlValue) => sql`start_by = ${NOW} + ${delayMs} + max(0, start_by - started_at)`;
const notBefore = (delayMs: number) => (delayMs > 0 ? sql`${NOW} + ${delayMs}` : sql`NULL`);
const agesAt = (level: Sql) => sql`iif(${level} > 0, ${NOW} + ${AGEING_MS}, NULL)`;
/** Rows whose time has come, oldest first. */
const due = (limit: number) =>
  sql`(account_id, id) IN (SELECT account_id, id FROM inferences WHERE due_at <= ${NOW} ORDER BY due_at LIMIT ${limit})`;

const isPicked = sql`pick.backend_id IS NOT NULL AND inferences.account_id = pick.account_id AND inferences.id = pick.id
  AND ${from(["queued"], "in_progress")}`;

const setClaimed = (lease: Sql) => sql`status = 'in_progress', attempt = attempt + 1, backend_id = pick.backend_id,
  lease = ${lease}, lease_until = ${NOW} + ${LEASE_MS}, started_at = ${NOW},
  first_started_at = coalesce(first_started_at, ${NOW}), updated_at = ${NOW},
  log = ${logged("claimed", sql`json_object('attempt', attempt + 1, 'backend', pick.backend_id)`)}`;

const matching = (filter: Filter) =>
  join(
    [
      among(filter.statuses),
      ...(filter.model === undefined ? [] : [sql`model = ${filter.model}`]),
      ...(filter.capability === undefined ? [] : [sql`capability = ${filter.capability}`]),
      ...(filter.errorClass === undefined ? [] : [sql`error ->> 'class' = ${filter.errorClass}`]),
      ...(filter.createdAfter === undefined ? [] : [sql`created_at >= ${filter.createdAfter}`]),
      ...(filter.createdBefore === undefined ? [] : [sql`created_at < ${filter.createdBefore}`]),
      ...Object.entries(filter.metadata ?? {}).map(
        ([name, value]) => sql`EXISTS (SELECT 1 FROM json_each(metadata) WHERE json_each.key = ${name} AND json_each.value = ${value})`,
      ),
    ],
    " AND ",
  );

/** Of rows that were created when the filter asks for: the part of the primary key in which they are. */
const idsOf = ({ createdAfter, createdBefore }: Filter) =>
  join(
    [
      sql`TRUE`,
      ...(createdAfter === undefined ? [] : [sql`id >= ${earliestId(createdAfter - ID_MARGIN_MS)}`]),
      ...(createdBefore === undefined ? [] : [sql`id < ${earliestId(createdBefore + ID_MARGIN_MS)}`]),
    ],
    " AND ",
  );

/** The next rows after a cursor, in the order of the primary key: of one account, or of all. */
const pageAfter = (cursor: Cursor, whole: boolean, limit: number) =>
  whole
    ? sql`SELECT account_id, id FROM inferences WHERE (account_id, id) > (${cursor.accountId}, ${cursor.id}) ORDER BY account_id, id LIMIT ${limit}`
    : sql`SELECT account_id, id FROM inferences WHERE account_id = ${cursor.accountId} AND id > ${cursor.id} ORDER BY id LIMIT ${limit}`;

const setCanceled = sql`status = 'canceled', stopped = iif(status = 'queued', 'confirmed', 'best_effort'),
  ${ended}, ${ranForIfRunning}, log = ${logged("canceled")}`;

const setRedriven = sql`status = 'queued', updated_at = ${NOW}, finished_at = NULL, error = NULL, attempts_before = attempt, takedowns = 0,
  not_before = NULL, waiter = NULL, start_by = ${NOW} + max_time_in_queue_seconds * 1000, level = priority, ages_at = ${agesAt(sql`priority`)},
  turn = ${nextTurn(sql`inferences.account_id`, ...laneOfRow, sql`inferences.priority`)},
  log = ${logged("redriven")}`;

/** What was not removed may be run again, but not for ever. */
const redrivable = sql`${from(["failed", "expired"], "queued")} AND data_removed_at IS NULL AND attempt < ${REDRIVE_ATTEMPTS_MAX}`;

export const inferenceStatements = {
  /**
   * Nothing is written, and no row comes back, where the model or version is unknown or the model does not offer the
   * capability, or where the id or the account's idempotency key is taken: the one write decides. Beside the row it tells
   * whether its lane has a slot for it.
   */
  insert: (it: NewInference) => sql`
    INSERT INTO inferences (account_id, id, key_id, dialect, model, version, status, priority, level, turn, idempotency_key, fingerprint,
      max_time_in_queue_seconds, max_attempts, initial_delay_ms, max_delay_ms, run_within_seconds, metadata, created_at, updated_at,
      start_by, ages_at, cancel_at, input, input_object, input_type, input_bytes, input_items, capability, waiter, retention_seconds, webhook, log)
    SELECT ${it.accountId}, ${it.id}, ${it.keyId}, ${it.dialect}, lane.model, lane.version, 'queued', ${it.priority}, ${it.priority},
      ${nextTurn(it.accountId, sql`lane.model`, sql`lane.version`, it.priority)}, ${it.idempotencyKey}, ${it.fingerprint},
      ${it.maxTimeInQueueSeconds}, ${it.retry.maxAttempts}, ${it.retry.initialDelayMs}, ${it.retry.maxDelayMs}, ${it.runWithinSeconds},
      ${JSON.stringify(it.metadata)}, lane.now, lane.now, lane.now + ${it.maxTimeInQueueSeconds * 1000}, ${agesAt(sql`${it.priority}`)},
      lane.now + ${it.cancelAfterSeconds === null ? null : it.cancelAfterSeconds * 1000},
      ${textOf(it.input)}, ${it.input.at === "object" ? it.input.key : null}, ${typeOf(it.input)},
      ${it.inputBytes}, ${it.inputItems}, ${it.capability}, ${it.waiter}, ${it.retentionSeconds ?? null},
      ${it.webhook === null ? null : JSON.stringify(it.webhook)}, json_array(json_object('at', lane.now, 'event', 'queued'))
    FROM (
      SELECT name AS model, coalesce(${it.version}, default_version) AS version, versions, capabilities, ${NOW} AS now
      FROM models WHERE name = ${it.model}
    ) AS lane
    WHERE (lane.version = '' AND lane.versions = '[]'
        OR EXISTS (SELECT 1 FROM json_each(lane.versions) WHERE json_each.value = lane.version))
      AND (${it.capability} = '' OR lane.capabilities = '[]'
        OR EXISTS (SELECT 1 FROM json_each(lane.capabilities) WHERE json_each.value = ${it.capability}))
    ON CONFLICT DO NOTHING
    RETURNING ${withOutput}, ${hasSlot(...laneOfRow)} AS has_slot`,

  findByIdempotencyKey: (accountId: string, key: string) => sql`
    SELECT ${withOutput} FROM inferences WHERE account_id = ${accountId} AND idempotency_key = ${key}`,
  /** Frees a key whose day is over. */
  releaseIdempotencyKey: (accountId: string, key: string | null) => sql`
    UPDATE inferences SET idempotency_key = NULL
    WHERE account_id = ${accountId} AND idempotency_key = ${key} AND created_at <= ${NOW} - ${IDEMPOTENCY_MS} RETURNING id`,

  /**
   * One statement: the lane's next inference, given to the backend with the most free slots; a retry goes to another
   * backend than the last where one has a slot. One that a request waits for is claimed in that request's name.
   */
  claim: (lane: Lane, lease: string) => sql`
    UPDATE inferences SET ${setClaimed(sql`coalesce(inferences.waiter, ${lease})`)}
    FROM (${pickOf(lane)}) AS pick
    WHERE ${isPicked} RETURNING ${claimColumns}`,

  /** The same, for the request that waits for this one: only when it is the lane's next. */
  claimOwn: (accountId: string, id: string, waiter: string) => {
    const own = (column: Sql) => sql`(SELECT ${column} FROM inferences WHERE account_id = ${accountId} AND id = ${id})`;
    return sql`
    UPDATE inferences SET ${setClaimed(sql`${waiter}`)}
    FROM (${pickOf({ model: own(sql`model`), version: own(sql`version`) })}) AS pick
    WHERE ${isPicked} AND inferences.account_id = ${accountId} AND inferences.id = ${id} AND inferences.waiter = ${waiter}
    RETURNING ${claimColumns}`;
  },

  /**
   * What was claimed in the name of the request that waits for it, since the attempts that it has begun: that may have
   * been a while ago, so the lease is made to count from now.
   */
  handedOver: (accountId: string, id: string, waiter: string, begun: number) => sql`
    UPDATE inferences SET lease_until = ${NOW} + ${LEASE_MS}
    WHERE account_id = ${accountId} AND id = ${id} AND status = 'in_progress' AND lease = ${waiter} AND lease_until > ${NOW}
      AND attempt > ${begun}
    RETURNING ${claimColumns}`,

  /** It was cancelled after it was claimed in the name of its request, which has not begun to run it. */
  giveBack: (accountId: string, id: string, waiter: string) => sql`
    UPDATE inferences SET ${releaseLease} WHERE account_id = ${accountId} AND id = ${id} AND lease = ${waiter} AND status = 'canceled' RETURNING id`,

  /** Whether one that a request waits for is the first of its lane, so that its turn may come at any moment. */
  isFront: (accountId: string, id: string) => sql`
    SELECT NOT EXISTS (SELECT 1 FROM inferences AS other
      WHERE other.status = 'queued' AND other.not_before IS NULL AND other.model = inferences.model AND other.version = inferences.version
        AND (other.level, other.turn, other.id) < (inferences.level, inferences.turn, inferences.id)) AS front
    FROM inferences WHERE account_id = ${accountId} AND id = ${id} AND status = 'queued' AND not_before IS NULL`,

  /** Its request is gone without cancelling it. */
  releaseWaiter: (accountId: string, id: string, waiter: string) => sql`
    UPDATE inferences SET waiter = NULL WHERE account_id = ${accountId} AND id = ${id} AND waiter = ${waiter} RETURNING id`,

  /** Whether anything waits in a lane. */
  anyWaiting: (lane: Lane) => sql`SELECT 1 AS waiting FROM inferences WHERE ${claimable(lane.model, lane.version)} LIMIT 1`,

  /** Whether a backend has nothing else in progress and nobody has seen it fail. */
  standsAlone: (backendId: string, hold: Fence) => sql`
    SELECT 1 AS alone FROM backends WHERE id = ${backendId} AND failures = 0 AND NOT EXISTS (
      SELECT 1 FROM inferences AS other INDEXED BY inferences_running
      WHERE other.backend_id = ${backendId} AND ${live(sql`other`)} AND (other.account_id, other.id) <> (${hold.accountId}, ${hold.id}))`,

  succeed: (hold: Fence, output: Payload, bytes: number, items: number, usage: Usage | null = null, parts: readonly KeptPart[] = []) => sql`
    UPDATE inferences SET status = 'succeeded', ${ended}, ${ranFor}, ${releaseLease},
      output = ${textOf(output)}, output_object = ${output.at === "object" ? output.key : null},
      output_type = ${typeOf(output)}, output_bytes = ${bytes}, output_items = ${items}, output_sha256 = ${digestOf(output)},
      output_parts = ${parts.length === 0 ? null : JSON.stringify(parts)}, parts_bytes = ${parts.reduce((sum, part) => sum + part.bytes, 0)},
      usage = ${usage === null ? null : JSON.stringify(usage)},
      log = ${logged("succeeded", sql`json_object('attempt', attempt)`)}
    WHERE ${held(hold)} AND ${from(["in_progress"], "succeeded")} RETURNING status`,

  fail: (hold: Fence, error: Failure) => sql`
    UPDATE inferences SET status = 'failed', ${ended}, ${ranFor}, ${releaseLease},
      error = ${JSON.stringify(error)}, log = ${logged("failed", sql`json_object('attempt', attempt, 'error', ${json(error)})`)}
    WHERE ${held(hold)} AND ${from(["in_progress"], "failed")} RETURNING status`,

  retry: (hold: Fence, error: Failure, delayMs: number, tookDown: boolean) => sql`
    UPDATE inferences SET status = 'queued', updated_at = ${NOW}, ${ranFor}, ${releaseLease}, ${startByAfter(delayMs)},
      turn = ${delayMs > 0 ? sql`turn` : turnAgain}, not_before = ${notBefore(delayMs)}, takedowns = takedowns + ${tookDown ? 1 : 0},
      log = ${logged("attempt_failed", sql`json_object('attempt', attempt, 'error', ${json(error)}, 'retry_at', ${NOW} + ${delayMs})`)}
    WHERE ${held(hold)} AND ${from(["in_progress"], "queued")} RETURNING status`,

  /**
   * Renews all that one runner invocation holds; those that do not come back are lost to it. A lease that has lapsed is
   * not renewed, though nobody took it: its slot may have been given away already.
   */
  renew: (lease: string, holds: readonly Fence[]) => sql`
    UPDATE inferences SET lease_until = ${NOW} + ${LEASE_MS}
    WHERE (account_id, id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${JSON.stringify(holds.map((hold) => [hold.accountId, hold.id]))}))
      AND status = 'in_progress' AND lease = ${lease} AND lease_until > ${NOW}
    RETURNING account_id, id, attempt`,

  /** A runner has let go of one that was cancelled under it: only now is the slot free. */
  release: (hold: Fence) => sql`UPDATE inferences SET ${releaseLease} WHERE ${held(hold)} AND status = 'canceled' RETURNING id`,

  cancel: (accountId: string, id: string, only: readonly Status[] = OPEN) => sql`
    UPDATE inferences SET ${setCanceled}
    WHERE account_id = ${accountId} AND id = ${id} AND ${from(only, "canceled")} RETURNING ${withOutput}`,

  redrive: (accountId: string, id: string) => sql`
    UPDATE inferences SET ${setRedriven}
    WHERE account_id = ${accountId} AND id = ${id} AND ${redrivable} RETURNING ${withOutput}`,

  find: (accountId: string, id: string) => sql`
    SELECT ${withOutput} FROM inferences WHERE account_id = ${accountId} AND id = ${id}`,

  /** With the state of its lane where it waits, from which its wait is reckoned. */
  findWaiting: (accountId: string, id: string) => sql`
    SELECT ${withOutput}, ${NOW} AS now,
      CASE WHEN status = 'queued' THEN (SELECT count(*) FROM (SELECT 1 FROM inferences AS other
        WHERE other.status = 'queued' AND other.not_before IS NULL AND other.model = inferences.model AND other.version = inferences.version
          AND (other.level, other.turn, other.id) < (inferences.level, inferences.turn, inferences.id) LIMIT ${POSITION_MAX})) END AS ahead,
      CASE WHEN status = 'queued' THEN (SELECT json_object(
          'capacity', coalesce(sum(iif(state = 'active' AND coalesce(rested_until, 0) <= ${NOW} AND failures < ${CIRCUIT_FAILURES}, max_concurrency, 0)), 0),
          'freeSlots', coalesce(sum(max(0, ${slots})), 0), 'meanRunMs', avg(mean_run_ms))
        FROM backends WHERE backends.model = inferences.model AND backends.version = inferences.version) END AS lane
    FROM inferences WHERE account_id = ${accountId} AND id = ${id}`,

  /** The state of a model's queue. Counted up to DEPTH_MAX, so that a deep queue costs no more to look at. */
  depth: (lane: Lane) => sql`
    SELECT ${NOW} AS now, claimable.queued + resting.queued AS queued, min(coalesce(claimable.oldest, resting.oldest), coalesce(resting.oldest, claimable.oldest)) AS oldest, (
        SELECT count(*) FROM backends JOIN inferences AS running INDEXED BY inferences_running
          ON running.backend_id = backends.id AND ${live(sql`running`)}
        WHERE backends.model = ${lane.model} AND backends.version = ${lane.version}) AS in_progress,
      (SELECT json_object(
          'capacity', coalesce(sum(iif(state = 'active' AND coalesce(rested_until, 0) <= ${NOW} AND failures < ${CIRCUIT_FAILURES}, max_concurrency, 0)), 0),
          'freeSlots', coalesce(sum(max(0, ${slots})), 0), 'meanRunMs', avg(mean_run_ms))
        FROM backends WHERE backends.model = ${lane.model} AND backends.version = ${lane.version}) AS lane
    FROM (SELECT count(*) AS queued, min(created_at) AS oldest
      FROM (SELECT created_at FROM inferences WHERE ${claimable(lane.model, lane.version)} LIMIT ${DEPTH_MAX})) AS claimable,
    (SELECT count(*) AS queued, min(created_at) AS oldest
      FROM (SELECT created_at FROM inferences INDEXED BY inferences_backing_off
        WHERE status = 'queued' AND not_before IS NOT NULL AND model = ${lane.model} AND version = ${lane.version} LIMIT ${DEPTH_MAX})) AS resting`,

  /** An account's inferences, newest first: those before an id (all, where it is null), from the offset-th of them on. */
  list: (accountId: string, filter: Filter, page: ListPage, inputs = false) => sql`
    SELECT ${inputs ? sql`${withOutput}, ${inputColumns}` : withOutput} FROM inferences
    WHERE account_id = ${accountId}${page.before === null ? sql`` : sql` AND id < ${page.before}`} AND ${idsOf(filter)} AND ${matching(filter)}
    ORDER BY id DESC LIMIT ${page.limit} OFFSET ${page.offset}`,

  findInput: (accountId: string, id: string) => sql`
    SELECT ${inputColumns} FROM inferences WHERE account_id = ${accountId} AND id = ${id}`,

  /** One page of a bulk cancel; the statement after it tells how far it has come. */
  cancelPage: (cursor: Cursor, whole: boolean, filter: Filter, limit: number) => sql`
    UPDATE inferences SET ${setCanceled}
    WHERE (account_id, id) IN (${pageAfter(cursor, whole, limit)}) AND ${from(["queued", "in_progress"], "canceled")} AND ${matching(filter)}
    RETURNING id`,
  redrivePage: (cursor: Cursor, whole: boolean, filter: Filter, limit: number) => sql`
    UPDATE inferences SET ${setRedriven}
    WHERE (account_id, id) IN (${pageAfter(cursor, whole, limit)}) AND ${redrivable} AND ${matching(filter)}
    RETURNING model, version`,
  /** What a page would be about, counted. */
  countPage: (cursor: Cursor, whole: boolean, filter: Filter, limit: number) => sql`
    SELECT count(*) AS matched FROM inferences WHERE (account_id, id) IN (${pageAfter(cursor, whole, limit)}) AND ${matching(filter)}`,
  pageEnd: (cursor: Cursor, whole: boolean, limit: number) => sql`
    SELECT count(*) AS seen, max(account_id) AS account_id, (SELECT id FROM (${pageAfter(cursor, whole, limit)}) ORDER BY account_id DESC, id DESC LIMIT 1) AS id
    FROM (${pageAfter(cursor, whole, limit)})`,

  /** Sweep: waited longer than they may. */
  expireDue: (limit: number, error: Failure) => sql`
    UPDATE inferences SET status = 'expired', ${ended}, error = ${JSON.stringify(error)}, log = ${logged("expired")}
    WHERE ${due(limit)} AND ${from(["queued"], "expired")} AND start_by <= ${NOW} RETURNING id`,
  /** Sweep: to be cancelled by now, as asked at submit. */
  cancelDue: (limit: number) => sql`
    UPDATE inferences SET ${setCanceled}
    WHERE ${due(limit)} AND ${from(["queued", "in_progress"], "canceled")} AND cancel_at <= ${NOW} RETURNING id`,
  /** Sweep: their runner is lost and no attempt is left. */
  failLapsed: (limit: number, error: Failure) => sql`
    UPDATE inferences SET status = 'failed', ${ended}, ${ranFor}, ${releaseLease},
      error = ${JSON.stringify(error)}, log = ${logged("failed", sql`json_object('attempt', attempt, 'error', ${json(error)})`)}
    WHERE ${due(limit)} AND ${from(["in_progress"], "failed")} AND lease_until <= ${NOW} AND attempt - attempts_before >= max_attempts RETURNING id`,
  /** Sweep: their runner is lost; they are claimable again at once, by a runner: whoever waited is as lost. */
  requeueLapsed: (limit: number, error: Failure) => sql`
    UPDATE inferences SET status = 'queued', updated_at = ${NOW}, ${ranFor}, ${releaseLease}, ${startByAfter(0)}, not_before = NULL, turn = ${turnAgain},
      waiter = NULL,
      log = ${logged("attempt_failed", sql`json_object('attempt', attempt, 'error', ${json(error)}, 'retry_at', ${NOW})`)}
    WHERE ${due(limit)} AND ${from(["in_progress"], "queued")} AND lease_until <= ${NOW} AND attempt - attempts_before < max_attempts
    RETURNING model, version`,
  /** Sweep: their back-off is over. */
  readyDue: (limit: number) => sql`
    UPDATE inferences SET not_before = NULL, turn = ${turnAgain}, updated_at = ${NOW}, log = ${logged("ready")}
    WHERE ${due(limit)} AND status = 'queued' AND not_before <= ${NOW} AND start_by > ${NOW} RETURNING model, version`,
  /** Sweep: waited so long that they count for one level more, in its account's next turn there. */
  ageDue: (limit: number) => sql`
    UPDATE inferences SET level = level - 1, ages_at = ${agesAt(sql`level - 1`)},
      turn = ${nextTurn(sql`inferences.account_id`, ...laneOfRow, sql`inferences.level - 1`)},
      log = ${logged("aged", sql`json_object('level', level - 1)`)}
    WHERE ${due(limit)} AND status = 'queued' AND ages_at <= ${NOW} RETURNING id`,
  /** Sweep: lanes with free slots whose next inference nobody took: its wake-up was lost, or its backend is back. */
  lostWakeUps: () => sql`
    SELECT lane.model, lane.version, lane.slots FROM (
      SELECT model, version, sum(max(0, ${slots})) AS slots
      FROM backends WHERE (model, version) > ('', '') GROUP BY model, version
    ) AS lane
    WHERE lane.slots > 0 AND (
      SELECT updated_at FROM inferences WHERE ${claimable(sql`lane.model`, sql`lane.version`)} ORDER BY level, turn, id LIMIT 1
    ) <= ${NOW} - ${WAKE_UP_LOST_MS}`,

  /** Whether there is anything that the sweep has to come back for. */
  anyDated: () => sql`SELECT 1 AS dated FROM inferences WHERE due_at IS NOT NULL LIMIT 1`,
  /** Declares the runners of all attempts that began before then dead: their inferences are due at once. */
  lapse: (startedBefore: number) => sql`
    UPDATE inferences SET lease_until = ${NOW}
    WHERE status = 'in_progress' AND lease IS NOT NULL AND backend_id > '' AND started_at < ${startedBefore} RETURNING id`,
} satisfies Record<string, (...args: never[]) => Sql>;

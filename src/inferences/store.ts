/**
 * All SQL on inferences. Invariants kept here:
 * - every change of status is ONE conditional UPDATE … RETURNING, its WHERE derived from the transition table;
 *   no row back means that somebody else won, and the loser stops quietly;
 * - whatever a runner writes names status, attempt and lease, so a stale attempt can change nothing;
 * - all times are the database's own (NOW), so clocks of isolates don't matter;
 * - the line of the log is appended by the statement that makes the change.
 * What may go wrong: an error does not tell whether a write took effect. Every write here may be sent again.
 */
import * as z from "zod";
import { fromBase64, toBase64 } from "../base64.ts";
import {
  AGEING_MS,
  CIRCUIT_FAILURES,
  DEPTH_MAX,
  IDEMPOTENCY_MS,
  ID_MARGIN_MS,
  LEASE_MS,
  LOG_CHARACTERS,
  POSITION_MAX,
  RETENTION_SECONDS,
  WAKE_UP_LOST_MS,
} from "../numbers.ts";
import { FAILURE_CLASSES, type Failure, type KeptPart, type Usage } from "../backends/outcome.ts";
import { type ClaimedBackend, claimedBackendSchema } from "../backends/store.ts";
import { logError } from "../log.ts";
import { Unavailable } from "../platform.ts";
import { type Database, NOW, type Row, type Sql, type SqlValue, first, join, sql } from "../sql.ts";
import { DELIVERY_STATUSES, EVENTS, type Webhook, webhookStatusOf } from "../webhooks/delivery.ts";
import { deliveryStatements, waitingFrom } from "../webhooks/store.ts";
import {
  type Inference,
  type LaneState,
  type LogEntry,
  type Payload,
  type RetrySettings,
  STATUSES,
  type Status,
  type Wait,
  earliestId,
  mayBecome,
  waitOf,
} from "./inference.ts";

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
  attendant: string | null;
  /** How long after the end its input and output are kept, where that is asked for; never longer than the account's retention. */
  retentionSeconds?: number | null;
  /** Who is told of it, beside the account's own webhooks. */
  webhook: Webhook | null;
}

/** A model and version with one queue of its own. */
export interface Lane {
  model: string;
  version: string;
}

/** Names one attempt of one inference: the fence of all that its runner writes. */
export interface Hold {
  accountId: string;
  id: string;
  attempt: number;
  lease: string;
}

/** What a runner gets when it claims: the inference's input and the backend to call. */
export interface Claim extends Hold, Lane {
  input: Payload;
  capability: string;
  retry: RetrySettings;
  /** Of this attempt, counted since the submit or the last redrive. */
  attemptsSince: number;
  runWithinSeconds: number | null;
  /** Healthy backends that its attempts took down so far. */
  takedowns: number;
  /** Somebody may want to be told of its end. */
  watched: boolean;
  backend: ClaimedBackend;
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

const OPEN: readonly Status[] = ["queued", "in_progress"];

const PLAIN = "application/json";
/** Ends the stored media type of bytes that are in a row; a row holds text. */
const BASE64 = ";base64";

/** Everything but the payloads' text. */
const head = sql`account_id, id, dialect, model, version, status, priority, level, max_attempts, initial_delay_ms, max_delay_ms,
  metadata, created_at, updated_at, start_by, not_before, first_started_at, started_at, finished_at, run_ms, attempt,
  backend_id, input_items, output_object, output_type, output_bytes, output_items, error, stopped, fingerprint, log, capability, usage,
  output_sha256, output_parts, retention_seconds, data_removed_at,
  (SELECT retention_seconds FROM accounts WHERE accounts.id = inferences.account_id) AS account_retention_seconds,
  webhook, iif(webhook IS NULL, NULL, (SELECT deliveries.status FROM deliveries
    WHERE deliveries.account_id = inferences.account_id AND deliveries.inference_id = inferences.id AND deliveries.webhook_id = ''
      AND deliveries.event = 'inference.' || inferences.status ORDER BY deliveries.sequence DESC LIMIT 1)) AS end_delivery`;
const withOutput = sql`${head}, output`;
const inputColumns = sql`input, input_object, input_type, input_bytes`;

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
const held = (hold: Hold) =>
  sql`account_id = ${hold.accountId} AND id = ${hold.id} AND attempt = ${hold.attempt} AND lease = ${hold.lease}`;
const letGo = sql`lease = NULL, lease_until = NULL`;
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

/** What waits in a lane and may be claimed; the condition of two partial indexes. */
const claimable = (model: SqlValue | Sql, version: SqlValue | Sql) =>
  sql`status = 'queued' AND not_before IS NULL AND model = ${model} AND version = ${version}`;

/** The turns of those that may be claimed in a lane at a level; `peer` is what the outer statement is not about. */
const turns = (turn: Sql, model: Sql, version: Sql, level: SqlValue | Sql) => sql`SELECT ${turn} FROM inferences AS peer
  WHERE peer.status = 'queued' AND peer.not_before IS NULL AND peer.model = ${model} AND peer.version = ${version} AND peer.level = ${level}`;

/**
 * The turn of one more inference of an account: start-time fair queueing with a cost of one. It is the round that is
 * being served, or the one after the account's last, whichever is later; so accounts take turns, whatever each has.
 */
const nextTurn = (accountId: SqlValue | Sql, model: Sql, version: Sql, level: SqlValue | Sql) => sql`max(
  coalesce((${turns(sql`min(peer.turn)`, model, version, level)}), 0),
  coalesce((${turns(sql`max(peer.turn) + 1`, model, version, level)} AND peer.account_id = ${accountId}), 0))`;

const laneOfRow = [sql`inferences.model`, sql`inferences.version`] as const;

/**
 * The turn of one that comes back after an attempt: it has had its turn, so it goes with the round that is being served,
 * but not with an earlier one, or whoever comes next would be given that round too, before all that have waited since.
 */
const turnAgain = sql`max(turn, coalesce((${turns(sql`min(peer.turn)`, ...laneOfRow, sql`inferences.level`)}), 0))`;

/** What keeps a slot: a lease that lives, also of one that was cancelled while its runner has not let go of it yet. */
const live = (alias: Sql) => sql`${alias}.lease IS NOT NULL AND ${alias}.lease_until > ${NOW}`;

/**
 * How much more a row of `backends` may be given now. Its load is counted, never kept, so it can't drift, and a dead
 * runner's slot is free when its lease lapses. An open circuit whose rest is over gets one probe at a time.
 */
const slots = sql`CASE
  WHEN backends.state <> 'active' OR backends.rested_until > ${NOW} THEN 0
  WHEN backends.failures >= ${CIRCUIT_FAILURES} THEN min(
    1 - (SELECT count(*) FROM inferences AS probe INDEXED BY inferences_running
      WHERE probe.backend_id = backends.id AND ${live(sql`probe`)} AND probe.started_at >= backends.rested_until),
    backends.max_concurrency - (SELECT count(*) FROM inferences AS running INDEXED BY inferences_running
      WHERE running.backend_id = backends.id AND ${live(sql`running`)}))
  ELSE backends.max_concurrency - (SELECT count(*) FROM inferences AS running INDEXED BY inferences_running
    WHERE running.backend_id = backends.id AND ${live(sql`running`)})
END`;

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

/**
 * The lane's next inference: the first in order, or, where its account already runs as many as it may, the first of the
 * accounts that may run another. The second half is reached only then, and goes from account to account by index.
 */
const nextOf = (lane: LaneSql) => sql`
  SELECT account_id, id, backend_id FROM (
    SELECT account_id, id, backend_id FROM inferences
    WHERE ${claimable(lane.model, lane.version)} AND start_by > ${NOW} ORDER BY level, turn, id LIMIT 1
  ) AS front
  WHERE ${accountCap(lane)} IS NULL OR ${runningOf(sql`front.account_id`, lane)} < ${accountCap(lane)}
  UNION ALL
  SELECT account_id, id, backend_id FROM (
    WITH RECURSIVE full AS MATERIALIZED (
      SELECT running.account_id FROM backends AS host
      JOIN inferences AS running INDEXED BY inferences_running ON running.backend_id = host.id AND ${live(sql`running`)}
      WHERE host.model = ${lane.model}
      GROUP BY running.account_id HAVING count(*) >= ${accountCap(lane)}
    ), waiting (account_id) AS (
      SELECT min(account_id) FROM inferences WHERE ${claimable(lane.model, lane.version)}
      UNION ALL
      SELECT (SELECT min(account_id) FROM inferences WHERE ${claimable(lane.model, lane.version)} AND account_id > waiting.account_id)
      FROM waiting WHERE waiting.account_id IS NOT NULL
    )
    SELECT first.account_id, first.id, first.backend_id
    FROM waiting JOIN inferences AS first ON first.account_id = waiting.account_id AND first.id = (${ownNext(sql`waiting.account_id`, lane)})
    WHERE ${accountCap(lane)} IS NOT NULL AND waiting.account_id NOT IN (SELECT account_id FROM full)
    ORDER BY first.level, first.turn, first.id LIMIT 1
  ) AS other
  LIMIT 1`;

/** The lane's next inference, and the backend that is to have it. */
const pickOf = (lane: LaneSql) => sql`
  SELECT next.account_id, next.id, (
    SELECT backends.id FROM backends
    WHERE backends.model = ${lane.model} AND backends.version = ${lane.version} AND ${slots} > 0
    ORDER BY backends.id = next.backend_id, ${slots} DESC, backends.id LIMIT 1
  ) AS backend_id
  FROM (${nextOf(lane)}) AS next`;

const isPicked = sql`pick.backend_id IS NOT NULL AND inferences.account_id = pick.account_id AND inferences.id = pick.id
  AND ${from(["queued"], "in_progress")}`;

const setClaimed = (lease: Sql) => sql`status = 'in_progress', attempt = attempt + 1, backend_id = pick.backend_id,
  lease = ${lease}, lease_until = ${NOW} + ${LEASE_MS}, started_at = ${NOW},
  first_started_at = coalesce(first_started_at, ${NOW}), updated_at = ${NOW},
  log = ${logged("claimed", sql`json_object('attempt', attempt + 1, 'backend', pick.backend_id)`)}`;

/** What whoever runs an attempt needs to know. */
const claimColumns = sql`account_id, id, model, version, attempt, attempts_before, takedowns, lease, ${inputColumns},
  capability, max_attempts, initial_delay_ms, max_delay_ms, run_within_seconds,
  webhook IS NOT NULL OR EXISTS (SELECT 1 FROM webhooks WHERE webhooks.account_id = inferences.account_id) AS watched,
  (SELECT json_object('id', id, 'url', url, 'protocol', protocol, 'remoteModel', remote_model, 'timeoutSeconds', timeout_seconds,
      'credential', json(credential), 'files', files, 'failures', failures, 'sampled', mean_run_ms IS NOT NULL,
      'alone', NOT EXISTS (SELECT 1 FROM inferences AS other INDEXED BY inferences_running WHERE other.backend_id = backends.id
        AND ${live(sql`other`)} AND (other.account_id, other.id) <> (inferences.account_id, inferences.id)))
    FROM backends WHERE backends.id = inferences.backend_id) AS backend`;

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
  not_before = NULL, attendant = NULL, start_by = ${NOW} + max_time_in_queue_seconds * 1000, level = priority, ages_at = ${agesAt(sql`priority`)},
  turn = ${nextTurn(sql`inferences.account_id`, ...laneOfRow, sql`inferences.priority`)},
  log = ${logged("redriven")}`;

/** What was not removed may be run again. */
const redrivable = sql`${from(["failed", "expired"], "queued")} AND data_removed_at IS NULL`;

/** Rows that were seen at their end, have not changed since, and that no runner holds any more: `[account, id, finished_at]` of each. */
const seenEnded = (those: readonly Expired[]) => sql`finished_at IS NOT NULL AND coalesce(lease_until, 0) <= ${NOW}
  AND (account_id, id, finished_at) IN (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(${JSON.stringify(
    those.map(({ accountId, id, finishedAt }) => [accountId, id, finishedAt]),
  )}))`;

/** The least id of that time; as earliestId, for a time that only the database knows. */
const idAt = (ms: Sql) => sql`printf('%08x-%04x', (${ms}) >> 16, (${ms}) & 65535)`;

export const inferenceStatements = {
  /**
   * Nothing is written, and no row comes back, where the model or version is unknown or the model does not offer the
   * capability, or where the id or the account's idempotency key is taken: the one write decides.
   */
  insert: (it: NewInference) => sql`
    INSERT INTO inferences (account_id, id, key_id, dialect, model, version, status, priority, level, turn, idempotency_key, fingerprint,
      max_time_in_queue_seconds, max_attempts, initial_delay_ms, max_delay_ms, run_within_seconds, metadata, created_at, updated_at,
      start_by, ages_at, cancel_at, input, input_object, input_type, input_bytes, input_items, capability, attendant, retention_seconds, webhook, log)
    SELECT ${it.accountId}, ${it.id}, ${it.keyId}, ${it.dialect}, lane.model, lane.version, 'queued', ${it.priority}, ${it.priority},
      ${nextTurn(it.accountId, sql`lane.model`, sql`lane.version`, it.priority)}, ${it.idempotencyKey}, ${it.fingerprint},
      ${it.maxTimeInQueueSeconds}, ${it.retry.maxAttempts}, ${it.retry.initialDelayMs}, ${it.retry.maxDelayMs}, ${it.runWithinSeconds},
      ${JSON.stringify(it.metadata)}, lane.now, lane.now, lane.now + ${it.maxTimeInQueueSeconds * 1000}, ${agesAt(sql`${it.priority}`)},
      lane.now + ${it.cancelAfterSeconds === null ? null : it.cancelAfterSeconds * 1000},
      ${textOf(it.input)}, ${it.input.at === "object" ? it.input.key : null}, ${typeOf(it.input)},
      ${it.inputBytes}, ${it.inputItems}, ${it.capability}, ${it.attendant}, ${it.retentionSeconds ?? null},
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
    RETURNING ${withOutput}`,

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
    UPDATE inferences SET ${setClaimed(sql`coalesce(inferences.attendant, ${lease})`)}
    FROM (${pickOf(lane)}) AS pick
    WHERE ${isPicked} RETURNING ${claimColumns}`,

  /** The same, for the request that waits for this one: only when it is the lane's next. */
  claimOwn: (accountId: string, id: string, attendant: string) => {
    const own = (column: Sql) => sql`(SELECT ${column} FROM inferences WHERE account_id = ${accountId} AND id = ${id})`;
    return sql`
    UPDATE inferences SET ${setClaimed(sql`${attendant}`)}
    FROM (${pickOf({ model: own(sql`model`), version: own(sql`version`) })}) AS pick
    WHERE ${isPicked} AND inferences.account_id = ${accountId} AND inferences.id = ${id} AND inferences.attendant = ${attendant}
    RETURNING ${claimColumns}`;
  },

  /**
   * What was claimed in the name of the request that waits for it, since the attempts that it has begun: that may have
   * been a while ago, so the lease is made to count from now.
   */
  handedOver: (accountId: string, id: string, attendant: string, begun: number) => sql`
    UPDATE inferences SET lease_until = ${NOW} + ${LEASE_MS}
    WHERE account_id = ${accountId} AND id = ${id} AND status = 'in_progress' AND lease = ${attendant} AND lease_until > ${NOW}
      AND attempt > ${begun}
    RETURNING ${claimColumns}`,

  /** It was cancelled after it was claimed in the name of its request, which has not begun to run it. */
  giveBack: (accountId: string, id: string, attendant: string) => sql`
    UPDATE inferences SET ${letGo} WHERE account_id = ${accountId} AND id = ${id} AND lease = ${attendant} AND status = 'canceled' RETURNING id`,

  /** Whether one that a request waits for is the first of its lane, so that its turn may come at any moment. */
  isFront: (accountId: string, id: string) => sql`
    SELECT NOT EXISTS (SELECT 1 FROM inferences AS other
      WHERE other.status = 'queued' AND other.not_before IS NULL AND other.model = inferences.model AND other.version = inferences.version
        AND (other.level, other.turn, other.id) < (inferences.level, inferences.turn, inferences.id)) AS front
    FROM inferences WHERE account_id = ${accountId} AND id = ${id} AND status = 'queued' AND not_before IS NULL`,

  /** Its request is gone without cancelling it. */
  unattend: (accountId: string, id: string, attendant: string) => sql`
    UPDATE inferences SET attendant = NULL WHERE account_id = ${accountId} AND id = ${id} AND attendant = ${attendant} RETURNING id`,

  /** Whether anything waits in a lane. */
  anyWaiting: (lane: Lane) => sql`SELECT 1 AS waiting FROM inferences WHERE ${claimable(lane.model, lane.version)} LIMIT 1`,

  /** Whether a backend has nothing else in progress and nobody has seen it fail. */
  standsAlone: (backendId: string, hold: Hold) => sql`
    SELECT 1 AS alone FROM backends WHERE id = ${backendId} AND failures = 0 AND NOT EXISTS (
      SELECT 1 FROM inferences AS other INDEXED BY inferences_running
      WHERE other.backend_id = ${backendId} AND ${live(sql`other`)} AND (other.account_id, other.id) <> (${hold.accountId}, ${hold.id}))`,

  succeed: (hold: Hold, output: Payload, bytes: number, items: number, usage: Usage | null = null, parts: readonly KeptPart[] = []) => sql`
    UPDATE inferences SET status = 'succeeded', ${ended}, ${ranFor}, ${letGo},
      output = ${textOf(output)}, output_object = ${output.at === "object" ? output.key : null},
      output_type = ${typeOf(output)}, output_bytes = ${bytes}, output_items = ${items}, output_sha256 = ${digestOf(output)},
      output_parts = ${parts.length === 0 ? null : JSON.stringify(parts)}, parts_bytes = ${parts.reduce((sum, part) => sum + part.bytes, 0)},
      usage = ${usage === null ? null : JSON.stringify(usage)},
      log = ${logged("succeeded", sql`json_object('attempt', attempt)`)}
    WHERE ${held(hold)} AND ${from(["in_progress"], "succeeded")} RETURNING status`,

  fail: (hold: Hold, error: Failure) => sql`
    UPDATE inferences SET status = 'failed', ${ended}, ${ranFor}, ${letGo},
      error = ${JSON.stringify(error)}, log = ${logged("failed", sql`json_object('attempt', attempt, 'error', ${json(error)})`)}
    WHERE ${held(hold)} AND ${from(["in_progress"], "failed")} RETURNING status`,

  retry: (hold: Hold, error: Failure, delayMs: number, tookDown: boolean) => sql`
    UPDATE inferences SET status = 'queued', updated_at = ${NOW}, ${ranFor}, ${letGo}, ${startByAfter(delayMs)},
      turn = ${delayMs > 0 ? sql`turn` : turnAgain}, not_before = ${notBefore(delayMs)}, takedowns = takedowns + ${tookDown ? 1 : 0},
      log = ${logged("attempt_failed", sql`json_object('attempt', attempt, 'error', ${json(error)}, 'retry_at', ${NOW} + ${delayMs})`)}
    WHERE ${held(hold)} AND ${from(["in_progress"], "queued")} RETURNING status`,

  /**
   * Renews all that one runner invocation holds; those that do not come back are lost to it. A lease that has lapsed is
   * not renewed, though nobody took it: its slot may have been given away already.
   */
  renew: (lease: string, holds: readonly Hold[]) => sql`
    UPDATE inferences SET lease_until = ${NOW} + ${LEASE_MS}
    WHERE (account_id, id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${JSON.stringify(holds.map((hold) => [hold.accountId, hold.id]))}))
      AND status = 'in_progress' AND lease = ${lease} AND lease_until > ${NOW}
    RETURNING account_id, id, attempt`,

  /** A runner has let go of one that was cancelled under it: only now is the slot free. */
  release: (hold: Hold) => sql`UPDATE inferences SET ${letGo} WHERE ${held(hold)} AND status = 'canceled' RETURNING id`,

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
    UPDATE inferences SET status = 'failed', ${ended}, ${ranFor}, ${letGo},
      error = ${JSON.stringify(error)}, log = ${logged("failed", sql`json_object('attempt', attempt, 'error', ${json(error)})`)}
    WHERE ${due(limit)} AND ${from(["in_progress"], "failed")} AND lease_until <= ${NOW} AND attempt - attempts_before >= max_attempts RETURNING id`,
  /** Sweep: their runner is lost; they are claimable again at once, by a runner: whoever waited is as lost. */
  requeueLapsed: (limit: number, error: Failure) => sql`
    UPDATE inferences SET status = 'queued', updated_at = ${NOW}, ${ranFor}, ${letGo}, ${startByAfter(0)}, not_before = NULL, turn = ${turnAgain},
      attendant = NULL,
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
  /** Sweep: their own retention is over: input and output go, the row stays. */
  expiredPayloads: (limit: number) => sql`
    SELECT account_id, id, finished_at FROM inferences WHERE expires_at <= ${NOW} ORDER BY expires_at LIMIT ${limit}`,
  /**
   * Sweep: of the rows that were created before their account's retention began, the next after the cursor, and which of
   * them have ended before it too. Ids sort by age and begin with the account's, so the primary key has them together,
   * and an inference costs no index of its own for this. An account whose rows are all younger is one row read.
   */
  retentionPage: (cursor: Cursor, limit: number) => sql`
    SELECT old.account_id, old.id, old.finished_at,
      old.finished_at <= ${NOW} - owner.retention_seconds * 1000 AND coalesce(old.lease_until, 0) <= ${NOW} AS over
    FROM accounts AS owner CROSS JOIN inferences AS old
      ON old.account_id = owner.id AND old.id > iif(owner.id = ${cursor.accountId}, ${cursor.id}, '')
        AND old.id < ${idAt(sql`${NOW} - owner.retention_seconds * 1000 + ${ID_MARGIN_MS}`)}
    WHERE owner.id >= ${cursor.accountId} ORDER BY owner.id, old.id LIMIT ${limit}`,
  /** The objects of inferences that are about to lose them, noted so that they go whatever happens in between. */
  noteObjects: (those: readonly Expired[]) => sql`
    INSERT INTO removals (due_at, object, upload_id)
    SELECT 0, input_object, '' FROM inferences WHERE ${seenEnded(those)} AND input_object IS NOT NULL
    UNION ALL SELECT 0, output_object, '' FROM inferences WHERE ${seenEnded(those)} AND output_object IS NOT NULL
    UNION ALL SELECT 0, part.value ->> 'key', ''
      FROM (SELECT output_parts FROM inferences WHERE ${seenEnded(those)} AND output_parts IS NOT NULL) AS them, json_each(them.output_parts) AS part
    WHERE TRUE
    ON CONFLICT DO NOTHING RETURNING object`,
  removePayloads: (those: readonly Expired[]) => sql`
    UPDATE inferences SET input = NULL, input_object = NULL, output = NULL, output_object = NULL, output_sha256 = NULL, output_parts = NULL, parts_bytes = 0,
      data_removed_at = ${NOW}, updated_at = ${NOW}
    WHERE ${seenEnded(those)} RETURNING id`,
  remove: (those: readonly Expired[]) => sql`DELETE FROM inferences WHERE ${seenEnded(those)} RETURNING id`,
  /** Those of these that no row names: keys of inputs and of outputs. A success keeps what its last attempt has written. */
  unnamed: (keys: readonly ObjectKey[]) => sql`
    SELECT named.value ->> 0 AS object FROM json_each(${JSON.stringify(
      keys.map(({ key, accountId, id, attempt }) => [key, accountId, id, attempt]),
    )}) AS named
    WHERE NOT EXISTS (SELECT 1 FROM inferences AS owner
      WHERE owner.account_id = named.value ->> 1 AND owner.id = named.value ->> 2 AND owner.data_removed_at IS NULL
        AND iif(named.value ->> 3 IS NULL, owner.input_object = named.value ->> 0,
          owner.attempt = named.value ->> 3 AND owner.status IN ('succeeded', 'in_progress')))`,

  /** Whether there is anything that the sweep has to come back for. */
  anyDated: () => sql`SELECT 1 AS dated FROM inferences WHERE due_at IS NOT NULL LIMIT 1`,
  /** Declares the runners of all attempts that began before then dead: their inferences are due at once. */
  lapse: (startedBefore: number) => sql`
    UPDATE inferences SET lease_until = ${NOW}
    WHERE status = 'in_progress' AND lease IS NOT NULL AND backend_id > '' AND started_at < ${startedBefore} RETURNING id`,
} satisfies Record<string, (...args: never[]) => Sql>;

const rowSchema = z.object({
  account_id: z.string(),
  id: z.string(),
  dialect: z.string(),
  model: z.string(),
  version: z.string(),
  status: z.enum(STATUSES),
  priority: z.number(),
  level: z.number(),
  max_attempts: z.number(),
  initial_delay_ms: z.number(),
  max_delay_ms: z.number(),
  metadata: z.string(),
  created_at: z.number(),
  updated_at: z.number(),
  start_by: z.number(),
  not_before: z.number().nullable(),
  first_started_at: z.number().nullable(),
  started_at: z.number().nullable(),
  finished_at: z.number().nullable(),
  run_ms: z.number(),
  attempt: z.number(),
  backend_id: z.string().nullable(),
  input_items: z.number(),
  output: z.string().nullable(),
  output_object: z.string().nullable(),
  output_type: z.string().nullable(),
  output_bytes: z.number().nullable(),
  output_items: z.number().nullable(),
  error: z.string().nullable(),
  stopped: z.enum(["confirmed", "best_effort"]).nullable(),
  log: z.string(),
  capability: z.string(),
  usage: z.string().nullable(),
  output_sha256: z.string().nullable(),
  output_parts: z.string().nullable(),
  retention_seconds: z.number().nullable(),
  data_removed_at: z.number().nullable(),
  account_retention_seconds: z.number().nullable(),
  webhook: z.string().nullable(),
  end_delivery: z.enum(DELIVERY_STATUSES).nullable(),
  // Of findWaiting alone.
  now: z.number().optional(),
  ahead: z.number().nullish(),
  lane: z.string().nullish(),
});

const laneStateSchema = z.object({ capacity: z.number(), freeSlots: z.number(), meanRunMs: z.number().nullable() });

const usageSchema = z.object({ promptTokens: z.number(), completionTokens: z.number() });

const webhookSchema = z.object({ url: z.string(), events: z.array(z.enum(EVENTS)), origin: z.string() });

const failureSchema = z.object({ class: z.enum(FAILURE_CLASSES), code: z.string(), message: z.string(), status: z.number() });

function fromRow(raw: Row): Inference {
  const row = rowSchema.parse(raw);
  const common = {
    id: row.id,
    accountId: row.account_id,
    model: row.model,
    version: row.version,
    dialect: row.dialect,
    priority: row.priority,
    level: row.level,
    attempt: row.attempt,
    retry: { maxAttempts: row.max_attempts, initialDelayMs: row.initial_delay_ms, maxDelayMs: row.max_delay_ms },
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    startedAt: row.first_started_at,
    runMs: row.run_ms,
    inputItems: row.input_items,
    metadata: z.record(z.string(), z.string()).parse(JSON.parse(row.metadata)),
    log: JSON.parse(row.log) as LogEntry[], // written by the statements above alone
    capability: row.capability,
    webhook: webhookFrom(row),
  };
  const finishedAt = row.finished_at ?? row.updated_at;
  const retention = row.account_retention_seconds ?? RETENTION_SECONDS.default;
  const expiresAt = finishedAt + Math.min(row.retention_seconds ?? retention, retention) * 1000;
  const end = { finishedAt, expiresAt, dataRemoved: row.data_removed_at !== null };
  switch (row.status) {
    case "queued":
      return { ...common, status: row.status, startBy: row.start_by, notBefore: row.not_before, wait: waitFrom(row) };
    case "in_progress":
      return { ...common, status: row.status, backendId: row.backend_id ?? "", lastStartedAt: row.started_at ?? row.updated_at };
    case "succeeded":
      return {
        ...common,
        status: row.status,
        ...end,
        output: outputFrom(row),
        parts: row.output_parts === null ? [] : (JSON.parse(row.output_parts) as KeptPart[]), // written by the statement above alone
        outputItems: row.output_items ?? 0,
        usage: row.usage === null ? null : usageSchema.parse(JSON.parse(row.usage)),
      };
    case "failed":
    case "expired":
      return { ...common, status: row.status, ...end, error: failureSchema.parse(JSON.parse(row.error ?? "null")) };
    case "canceled":
      return { ...common, status: row.status, ...end, stopped: row.stopped ?? "best_effort" };
    default:
      return row.status satisfies never;
  }
}

function webhookFrom({ webhook, status, end_delivery }: z.infer<typeof rowSchema>): Inference["webhook"] {
  if (webhook === null) return null;
  const known = webhookSchema.parse(JSON.parse(webhook));
  return { ...known, status: webhookStatusOf(status, known.events, end_delivery) };
}

function waitFrom(row: z.infer<typeof rowSchema>): Wait | null {
  if (row.now === undefined || !row.lane) return null;
  return waitOf({ ahead: row.ahead ?? 0, ...laneStateSchema.parse(JSON.parse(row.lane)) }, row.not_before, row.now);
}

function outputFrom(row: z.infer<typeof rowSchema>): Payload {
  const it = payload(row.output, row.output_object, row.output_type, row.output_bytes);
  if (row.data_removed_at === null) return it.at === "object" ? { ...it, sha256: row.output_sha256 } : it;
  return { at: "object", key: null, bytes: row.output_bytes ?? 0, contentType: it.contentType };
}

function digestOf(it: Payload): string | null {
  return it.at === "object" ? (it.sha256 ?? null) : null;
}

/** What a row holds of a payload: its text, or its bytes as base64. */
function textOf(it: Payload): string | null {
  if (it.at === "object") return null;
  return typeof it.body === "string" ? it.body : toBase64(it.body);
}

function typeOf(it: Payload): string {
  return it.at === "row" && typeof it.body !== "string" ? it.contentType + BASE64 : it.contentType;
}

function payload(inline: string | null, key: string | null, type: string | null, bytes: number | null): Payload {
  const contentType = type ?? PLAIN;
  if (key !== null) return { at: "object", key, bytes: bytes ?? 0, contentType };
  if (contentType.endsWith(BASE64)) {
    return { at: "row", body: fromBase64(inline ?? ""), contentType: contentType.slice(0, -BASE64.length) };
  }
  return { at: "row", body: inline ?? "", contentType };
}

const inputSchema = z.object({
  input: z.string().nullable(),
  input_object: z.string().nullable(),
  input_type: z.string(),
  input_bytes: z.number(),
});

function inputFrom(row: Row): Payload {
  const { input, input_object, input_type, input_bytes } = inputSchema.parse(row);
  const it = payload(input, input_object, input_type, input_bytes);
  const isRemoved = input === null && input_object === null;
  return isRemoved ? { at: "object", key: null, bytes: input_bytes, contentType: it.contentType } : it;
}

const claimSchema = inputSchema
  .extend({
    account_id: z.string(),
    id: z.string(),
    model: z.string(),
    version: z.string(),
    attempt: z.number(),
    attempts_before: z.number(),
    takedowns: z.number(),
    lease: z.string(),
    capability: z.string(),
    max_attempts: z.number(),
    initial_delay_ms: z.number(),
    max_delay_ms: z.number(),
    run_within_seconds: z.number().nullable(),
    watched: z.number(),
    backend: z.string(),
  })
  .transform((row): Claim => ({
    accountId: row.account_id,
    id: row.id,
    model: row.model,
    version: row.version,
    attempt: row.attempt,
    attemptsSince: row.attempt - row.attempts_before,
    takedowns: row.takedowns,
    lease: row.lease,
    input: payload(row.input, row.input_object, row.input_type, row.input_bytes),
    capability: row.capability,
    retry: { maxAttempts: row.max_attempts, initialDelayMs: row.initial_delay_ms, maxDelayMs: row.max_delay_ms },
    runWithinSeconds: row.run_within_seconds,
    watched: row.watched === 1,
    backend: claimedBackendSchema.parse(JSON.parse(row.backend)),
  }));

const orNull = (row: Row | null | undefined): Inference | null => (row ? fromRow(row) : null);

export interface Inserted {
  /** Null where nothing was written: no model offers that, or the id or idempotency key is taken. */
  readonly inference: Inference | null;
  /** Where it has an attendant and its turn came at once. */
  readonly claimed: Claim | null;
}

export async function insertInference(db: Database, it: NewInference): Promise<Inserted> {
  const { accountId, id, idempotencyKey, attendant } = it;
  if (idempotencyKey === null && attendant === null) {
    return { inference: orNull(await first(db, inferenceStatements.insert(it))), claimed: null };
  }
  const [, inserted = [], claimed = []] = await db.batch([
    inferenceStatements.releaseIdempotencyKey(accountId, idempotencyKey),
    inferenceStatements.insert(it),
    ...(attendant === null ? [] : [inferenceStatements.claimOwn(accountId, id, attendant)]),
  ]);
  return { inference: orNull(inserted[0]), claimed: claimOrNull(claimed[0]) };
}

/** How it stands with an inference that a request waits for. */
export interface Turn {
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
export async function takeTurn(db: Database, accountId: string, id: string, attendant: string, begun: number): Promise<Turn> {
  const [handedOver = [], claimed = [], front = [], found = []] = await db.batch([
    inferenceStatements.handedOver(accountId, id, attendant, begun),
    inferenceStatements.claimOwn(accountId, id, attendant),
    inferenceStatements.isFront(accountId, id),
    inferenceStatements.find(accountId, id),
  ]);
  return {
    inference: orNull(found[0]),
    claimed: claimOrNull(handedOver[0] ?? claimed[0]),
    isFront: front[0]?.["front"] === 1,
  };
}

/** Records how an attended attempt ended, and tells how the inference stands now and whether others wait in its lane. */
export async function recordAttended(
  db: Database,
  statements: readonly Sql[],
  { accountId, id, model, version }: Claim,
): Promise<{ inference: Inference | null; othersWait: boolean }> {
  const answers = await db.batch([
    ...statements,
    inferenceStatements.anyWaiting({ model, version }),
    inferenceStatements.find(accountId, id),
  ]);
  return { inference: orNull(answers.at(-1)?.[0]), othersWait: answers.at(-2)?.[0] !== undefined };
}

/** It was cancelled: a slot that was taken in its request's name, before that began to run it, is free. */
export async function giveBack(db: Database, accountId: string, id: string, attendant: string): Promise<void> {
  await db.all(inferenceStatements.giveBack(accountId, id, attendant));
}

/** Its request is gone while it waits: cancelled, and its slot is free where it had one. Null where it is final already. */
export async function leaveInference(db: Database, accountId: string, id: string, attendant: string): Promise<Inference | null> {
  const [canceled = []] = await db.batch([
    inferenceStatements.cancel(accountId, id),
    inferenceStatements.giveBack(accountId, id, attendant),
  ]);
  return orNull(canceled[0]);
}

/** Nobody waits for it any more: a runner is to have it. */
export async function unattend(db: Database, accountId: string, id: string, attendant: string): Promise<void> {
  await db.all(inferenceStatements.unattend(accountId, id, attendant));
}

/** The inference that a key of a submit stands for, with the fingerprint of that submit. */
export async function findByIdempotencyKey(
  db: Database,
  accountId: string,
  key: string,
): Promise<{ inference: Inference; fingerprint: string } | null> {
  const row = await first(db, inferenceStatements.findByIdempotencyKey(accountId, key));
  return row ? { inference: fromRow(row), fingerprint: String(row["fingerprint"]) } : null;
}

export async function findInference(db: Database, accountId: string, id: string): Promise<Inference | null> {
  return orNull(await first(db, inferenceStatements.find(accountId, id)));
}

/** An inference as an earlier change left it, of which a delivery has kept the columns that change. */
export async function findAsOf(db: Database, accountId: string, id: string, snapshot: Row): Promise<Inference | null> {
  const row = await first(db, inferenceStatements.find(accountId, id));
  if (!row) return null;
  const { log, ...then } = fromRow({ ...row, ...snapshot, end_delivery: null });
  return { ...then, log: log.filter(({ at }) => at <= then.updatedAt) };
}

/** As findInference, and why it waits where it does; reads as many rows more as wait before it. */
export async function findWithWait(db: Database, accountId: string, id: string): Promise<Inference | null> {
  return orNull(await first(db, inferenceStatements.findWaiting(accountId, id)));
}

/** What a lane has to do. `queued` counts up to DEPTH_MAX. */
export interface Depth {
  queued: number;
  inProgress: number;
  oldestWaitMs: number | null;
  lane: LaneState;
}

export async function depthOf(db: Database, lane: Lane): Promise<Depth> {
  const schema = z.object({
    now: z.number(),
    queued: z.number(),
    oldest: z.number().nullable(),
    in_progress: z.number(),
    lane: z.string(),
  });
  const row = schema.parse(await first(db, inferenceStatements.depth(lane)));
  return {
    queued: row.queued,
    inProgress: row.in_progress,
    oldestWaitMs: row.oldest === null ? null : row.now - row.oldest,
    lane: { ahead: row.queued, ...laneStateSchema.parse(JSON.parse(row.lane)) },
  };
}

/** What a list is to return. */
export interface ListPage {
  /** Only older ones than this id. */
  readonly before: string | null;
  readonly offset: number;
  readonly limit: number;
}

/** Of one account, newest first. Reads as many rows as it passes over: what the filter leaves out, and the offset. */
export async function listInferences(db: Database, accountId: string, filter: Filter, page: ListPage): Promise<Inference[]> {
  return (await db.all(inferenceStatements.list(accountId, filter, page))).map(fromRow);
}

/** As listInferences, each with its input. */
export async function listWithInputs(
  db: Database,
  accountId: string,
  filter: Filter,
  page: ListPage,
): Promise<{ inference: Inference; input: Payload }[]> {
  const rows = await db.all(inferenceStatements.list(accountId, filter, page, true));
  return rows.map((row) => ({ inference: fromRow(row), input: inputFrom(row) }));
}

/** What was submitted; null where there is no such inference. */
export async function findInput(db: Database, accountId: string, id: string): Promise<Payload | null> {
  const row = await first(db, inferenceStatements.findInput(accountId, id));
  return row && inputFrom(row);
}

/** Queues a failed or expired one again; null where there is nothing to redrive. */
export async function redriveInference(db: Database, accountId: string, id: string): Promise<Inference | null> {
  return orNull(await first(db, inferenceStatements.redrive(accountId, id)));
}

/** One page of a bulk call: how many of the rows it looked at matched, and where to go on; null at the end. */
export interface BulkPage {
  seen: number;
  matched: number;
  next: Cursor | null;
  /** Of those that were redriven. */
  lanes: Lane[];
}

/** Cancels, redrives or only counts what the filter matches among the next rows after the cursor. */
export async function bulk(
  db: Database,
  action: "cancel" | "redrive" | "count",
  cursor: Cursor,
  whole: boolean,
  filter: Filter,
  limit: number,
): Promise<BulkPage> {
  const statement = {
    cancel: inferenceStatements.cancelPage,
    redrive: inferenceStatements.redrivePage,
    count: inferenceStatements.countPage,
  }[action](cursor, whole, filter, limit);
  const [ends = [], rows = []] = await db.batch([inferenceStatements.pageEnd(cursor, whole, limit), statement]);
  const end = z.object({ seen: z.number(), account_id: z.string().nullable(), id: z.string().nullable() }).parse(ends[0]);
  return {
    seen: end.seen,
    matched: action === "count" ? Number(rows[0]?.["matched"] ?? 0) : rows.length,
    next: end.seen === limit && end.account_id !== null && end.id !== null ? { accountId: end.account_id, id: end.id } : null,
    lanes: action === "redrive" ? z.array(laneSchema).parse(rows) : [],
  };
}

/** Cancels what is not final yet, or only what has one of these statuses; null where there is nothing to cancel. */
export async function cancelInference(
  db: Database,
  accountId: string,
  id: string,
  only: readonly Status[] = OPEN,
): Promise<Inference | null> {
  return orNull(await first(db, inferenceStatements.cancel(accountId, id, only)));
}

const claimOrNull = (row: Row | null | undefined): Claim | null => (row ? claimSchema.parse(row) : null);

/** Claims the lane's next inference under `lease`; null where nothing is claimable. */
export async function claim(db: Database, lane: Lane, lease: string): Promise<Claim | null> {
  return claimOrNull(await first(db, inferenceStatements.claim(lane, lease)));
}

/**
 * Records how attempts ended (succeed, fail or retry first, then what it tells of the backend) and claims the next for
 * each that has a lane, in one transaction and round trip. The claims in the order of the endings.
 */
export async function recordAndClaim(
  db: Database,
  endings: readonly { statements: readonly Sql[]; lane: Lane | null }[],
  lease: string,
): Promise<(Claim | null)[]> {
  const all = endings.map(({ statements, lane }) => [...statements, ...(lane ? [inferenceStatements.claim(lane, lease)] : [])]);
  const answers = await db.batch(all.flat());
  let end = 0;
  return endings.map(({ lane }, index) => {
    end += all[index]?.length ?? 0;
    return claimOrNull(lane ? answers[end - 1]?.[0] : undefined);
  });
}

export async function standsAlone(db: Database, backendId: string, hold: Hold): Promise<boolean> {
  return (await first(db, inferenceStatements.standsAlone(backendId, hold))) !== null;
}

/** The ids, each `account/id/attempt`, that the lease still holds. */
export async function renewLeases(db: Database, lease: string, holds: readonly Hold[]): Promise<Set<string>> {
  const rows = await db.all(inferenceStatements.renew(lease, holds));
  return new Set(rows.map((row) => `${String(row["account_id"])}/${String(row["id"])}/${String(row["attempt"])}`));
}

const laneSchema = z.object({ model: z.string(), version: z.string() });

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

/** One pass over all that is due, in one transaction and round trip. */
export async function sweepDue(db: Database, limit: number, lost: Failure, waited: Failure): Promise<SweepPass> {
  const statements = [
    inferenceStatements.cancelDue(limit),
    inferenceStatements.expireDue(limit, waited),
    inferenceStatements.failLapsed(limit, lost),
    inferenceStatements.requeueLapsed(limit, lost),
    inferenceStatements.readyDue(limit),
    inferenceStatements.ageDue(limit),
    inferenceStatements.lostWakeUps(),
    inferenceStatements.anyDated(),
    deliveryStatements.waiting(),
  ];
  const [canceled = [], expired = [], failed = [], requeued = [], ready = [], aged = [], neglected = [], dated = [], waiting = []] =
    await batchOrEach(db, statements);
  const deliveries = waitingFrom(waiting);
  return {
    canceled: canceled.length,
    expired: expired.length,
    aged: aged.length,
    lost: failed.length + requeued.length,
    ready: z.array(laneSchema).parse([...requeued, ...ready]),
    neglected: z.array(laneSchema.extend({ slots: z.number() })).parse(neglected),
    deliveries: deliveries.accounts,
    dated: dated.length > 0 || deliveries.soon,
  };
}

/** An inference whose time is over, as it was seen. */
export interface Expired {
  readonly accountId: string;
  readonly id: string;
  readonly finishedAt: number;
}

/** An object's key, and what it says of whose it is. */
export interface ObjectKey {
  readonly key: string;
  readonly accountId: string;
  readonly id: string;
  /** Null for an input. */
  readonly attempt: number | null;
}

const expiredSchema = z
  .object({ account_id: z.string(), id: z.string(), finished_at: z.number() })
  .transform((row): Expired => ({ accountId: row.account_id, id: row.id, finishedAt: row.finished_at }));

export const expiredFrom = (rows: readonly Row[]): Expired[] => z.array(expiredSchema).parse(rows);

/** The next rows after a cursor that may be past their account's retention: those that are, and where to go on; null at the end. */
export async function findPastRetention(db: Database, cursor: Cursor, limit: number): Promise<{ past: Expired[]; next: Cursor | null }> {
  const rows = await db.all(inferenceStatements.retentionPage(cursor, limit));
  const last = rows.at(-1);
  return {
    past: expiredFrom(rows.filter((row) => row["over"] === 1)),
    next: last && rows.length === limit ? { accountId: String(last["account_id"]), id: String(last["id"]) } : null,
  };
}

/** Removes rows, or only their payloads, as they were seen; what has changed since stays. How many, and the objects that are to follow. */
export async function removeEnded(
  db: Database,
  those: readonly Expired[],
  what: "row" | "payloads",
): Promise<{ removed: number; objects: number }> {
  const remove = what === "row" ? inferenceStatements.remove(those) : inferenceStatements.removePayloads(those);
  const [objects = [], removed = []] = await db.batch([inferenceStatements.noteObjects(those), remove]);
  return { removed: removed.length, objects: objects.length };
}

/** Of the objects of inferences, those that none has. */
export async function unnamedObjects(db: Database, keys: readonly ObjectKey[]): Promise<string[]> {
  return (await db.all(inferenceStatements.unnamed(keys))).map((row) => String(row["object"]));
}

/** Makes what began before then due at once: for an operator who knows that no runner of that time is alive. */
export async function lapseLeases(db: Database, startedBefore: number): Promise<number> {
  return (await db.all(inferenceStatements.lapse(startedBefore))).length;
}

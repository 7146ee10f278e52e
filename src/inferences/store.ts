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
import { LEASE_MS, WAKE_UP_LOST_MS } from "../numbers.ts";
import { type Database, NOW, type Row, type Sql, type SqlValue, first, join, sql } from "../sql.ts";
import {
  FAILURE_CLASSES,
  type Failure,
  type Inference,
  type LogEntry,
  type Payload,
  type RetrySettings,
  STATUSES,
  type Status,
  mayBecome,
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
  metadata: Readonly<Record<string, string>>;
  input: Payload;
  inputBytes: number;
  inputItems: number;
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
  retry: RetrySettings;
  runWithinSeconds: number | null;
  backend: ClaimedBackend;
}

/** A backend as the claim hands it to a runner. */
export interface ClaimedBackend {
  id: string;
  url: string;
  protocol: "oip";
  remoteModel: string;
  timeoutSeconds: number;
}

const PLAIN = "application/json";

/** Everything but the payloads' text. */
const head = sql`account_id, id, dialect, model, version, status, priority, max_attempts, initial_delay_ms, max_delay_ms,
  metadata, created_at, updated_at, start_by, not_before, first_started_at, started_at, finished_at, run_ms, attempt,
  backend_id, input_items, output_object, output_type, output_bytes, output_items, error, log`;
const withOutput = sql`${head}, output`;

/** `status IN (…)`: the statuses given, each checked against the transition table when the module is loaded. */
function from(statuses: readonly Status[], to: Status): Sql {
  for (const status of statuses) {
    if (!mayBecome(status, to)) throw new Error(`no transition from ${status} to ${to}`);
  }
  return sql`status IN (${join(statuses.map(text), ",")})`;
}

/** A constant of ours as a literal, so that the planner can match the condition of a partial index. */
function text(constant: Status): Sql {
  return { text: `'${constant}'`, params: [] };
}

/** The log with one more line; its time is NOW. */
function logged(event: LogEntry["event"], members: Sql = sql`'{}'`): Sql {
  return sql`json_insert(log, '$[#]', json_patch(json_object('at', ${NOW}, 'event', ${event}), ${members}))`;
}

const held = (hold: Hold) =>
  sql`account_id = ${hold.accountId} AND id = ${hold.id} AND attempt = ${hold.attempt} AND lease = ${hold.lease}`;
const letGo = sql`lease = NULL, lease_until = NULL`;
const ranFor = sql`run_ms = run_ms + (${NOW} - started_at)`;
/** The time in the queue that an inference has not used up when its attempt ends: it may wait that long again. */
const startByAfter = (delayMs: SqlValue) => sql`start_by = ${NOW} + ${delayMs} + max(0, start_by - started_at)`;
const notBefore = (delayMs: number) => (delayMs > 0 ? sql`${NOW} + ${delayMs}` : sql`NULL`);
/** Rows whose time has come, oldest first. */
const due = (limit: number) =>
  sql`(account_id, id) IN (SELECT account_id, id FROM inferences WHERE due_at <= ${NOW} ORDER BY due_at LIMIT ${limit})`;

export const inferenceStatements = {
  /**
   * Nothing is written, and no row comes back, where the model or version is unknown. The turn is start-time fair
   * queueing: the round that is being served, or the one after the account's last.
   */
  insert: (it: NewInference) => sql`
    INSERT INTO inferences (account_id, id, key_id, dialect, model, version, status, priority, turn, max_attempts,
      initial_delay_ms, max_delay_ms, run_within_seconds, metadata, created_at, updated_at, start_by, input, input_object,
      input_bytes, input_items, log)
    SELECT ${it.accountId}, ${it.id}, ${it.keyId}, ${it.dialect}, lane.model, lane.version, 'queued', ${it.priority},
      max(
        coalesce((SELECT min(turn) FROM inferences WHERE status = 'queued' AND not_before IS NULL
          AND model = lane.model AND version = lane.version AND priority = ${it.priority}), 0),
        coalesce((SELECT max(turn) + 1 FROM inferences WHERE status = 'queued' AND account_id = ${it.accountId}
          AND model = lane.model AND version = lane.version AND priority = ${it.priority}), 0)),
      ${it.retry.maxAttempts}, ${it.retry.initialDelayMs}, ${it.retry.maxDelayMs}, ${it.runWithinSeconds},
      ${JSON.stringify(it.metadata)}, lane.now, lane.now, lane.now + ${it.maxTimeInQueueSeconds * 1000},
      ${it.input.at === "row" ? it.input.text : null}, ${it.input.at === "object" ? it.input.key : null},
      ${it.inputBytes}, ${it.inputItems}, json_array(json_object('at', lane.now, 'event', 'queued'))
    FROM (
      SELECT name AS model, coalesce(${it.version}, default_version) AS version, versions, ${NOW} AS now
      FROM models WHERE name = ${it.model}
    ) AS lane
    WHERE lane.version = '' AND lane.versions = '[]'
      OR EXISTS (SELECT 1 FROM json_each(lane.versions) WHERE json_each.value = lane.version)
    RETURNING ${withOutput}`,

  /** The first waiting inference of the lane, for the lane's backend with the most free slots; one statement. */
  claim: (lane: Lane, lease: string) => sql`
    UPDATE inferences SET status = 'in_progress', attempt = attempt + 1, backend_id = pick.backend_id,
      lease = ${lease}, lease_until = ${NOW} + ${LEASE_MS}, started_at = ${NOW},
      first_started_at = coalesce(first_started_at, ${NOW}), updated_at = ${NOW},
      log = ${logged("claimed", sql`json_object('attempt', attempt + 1, 'backend', pick.backend_id)`)}
    FROM (
      SELECT free.id AS backend_id, next.account_id, next.id
      FROM (
        SELECT id, max_concurrency - (SELECT count(*) FROM inferences AS running
          WHERE running.backend_id = backends.id AND running.status = 'in_progress' AND running.lease_until > ${NOW}) AS slots
        FROM backends WHERE model = ${lane.model} AND version = ${lane.version} AND state = 'active'
        ORDER BY slots DESC, id LIMIT 1
      ) AS free
      JOIN (
        SELECT account_id, id FROM inferences
        WHERE status = 'queued' AND not_before IS NULL AND model = ${lane.model} AND version = ${lane.version} AND start_by > ${NOW}
        ORDER BY priority, turn, id LIMIT 1
      ) AS next
      WHERE free.slots > 0
    ) AS pick
    WHERE inferences.account_id = pick.account_id AND inferences.id = pick.id AND ${from(["queued"], "in_progress")}
    RETURNING account_id, id, model, version, attempt, lease, input, input_object, input_bytes, max_attempts, initial_delay_ms,
      max_delay_ms, run_within_seconds,
      (SELECT json_object('id', id, 'url', url, 'protocol', protocol, 'remoteModel', remote_model, 'timeoutSeconds', timeout_seconds)
        FROM backends WHERE backends.id = inferences.backend_id) AS backend`,

  succeed: (hold: Hold, output: Payload, bytes: number, items: number) => sql`
    UPDATE inferences SET status = 'succeeded', finished_at = ${NOW}, updated_at = ${NOW}, ${ranFor}, ${letGo},
      output = ${output.at === "row" ? output.text : null}, output_object = ${output.at === "object" ? output.key : null},
      output_type = ${output.contentType}, output_bytes = ${bytes}, output_items = ${items}, log = ${logged("succeeded")}
    WHERE ${held(hold)} AND ${from(["in_progress"], "succeeded")} RETURNING status`,

  fail: (hold: Hold, error: Failure) => sql`
    UPDATE inferences SET status = 'failed', finished_at = ${NOW}, updated_at = ${NOW}, ${ranFor}, ${letGo},
      error = ${JSON.stringify(error)}, log = ${logged("failed", sql`json_object('attempt', attempt, 'error', json(${JSON.stringify(error)}))`)}
    WHERE ${held(hold)} AND ${from(["in_progress"], "failed")} RETURNING status`,

  retry: (hold: Hold, error: Failure, delayMs: number) => sql`
    UPDATE inferences SET status = 'queued', updated_at = ${NOW}, ${ranFor}, ${letGo}, ${startByAfter(delayMs)},
      not_before = ${notBefore(delayMs)},
      log = ${logged("attempt_failed", sql`json_object('attempt', attempt, 'error', json(${JSON.stringify(error)}), 'retry_at', ${NOW} + ${delayMs})`)}
    WHERE ${held(hold)} AND ${from(["in_progress"], "queued")} RETURNING status`,

  /** Renews all that one runner invocation holds; those that do not come back are lost to it. */
  renew: (lease: string, holds: readonly Hold[]) => sql`
    UPDATE inferences SET lease_until = ${NOW} + ${LEASE_MS}
    WHERE (account_id, id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${JSON.stringify(holds.map((hold) => [hold.accountId, hold.id]))}))
      AND status = 'in_progress' AND lease = ${lease}
    RETURNING account_id, id, attempt`,

  cancel: (accountId: string, id: string) => sql`
    UPDATE inferences SET status = 'canceled', finished_at = ${NOW}, updated_at = ${NOW},
      run_ms = run_ms + iif(status = 'in_progress', ${NOW} - started_at, 0), ${letGo}, log = ${logged("canceled")}
    WHERE account_id = ${accountId} AND id = ${id} AND ${from(["queued", "in_progress"], "canceled")} RETURNING ${withOutput}`,

  find: (accountId: string, id: string) => sql`
    SELECT ${withOutput} FROM inferences WHERE account_id = ${accountId} AND id = ${id}`,

  /** Sweep: waited longer than they may. */
  expireDue: (limit: number, error: Failure) => sql`
    UPDATE inferences SET status = 'expired', finished_at = ${NOW}, updated_at = ${NOW}, error = ${JSON.stringify(error)}, log = ${logged("expired")}
    WHERE ${due(limit)} AND ${from(["queued"], "expired")} AND start_by <= ${NOW} RETURNING id`,
  /** Sweep: their runner is lost and no attempt is left. */
  failLapsed: (limit: number, error: Failure) => sql`
    UPDATE inferences SET status = 'failed', finished_at = ${NOW}, updated_at = ${NOW}, ${ranFor}, ${letGo},
      error = ${JSON.stringify(error)}, log = ${logged("failed", sql`json_object('attempt', attempt, 'error', json(${JSON.stringify(error)}))`)}
    WHERE ${due(limit)} AND ${from(["in_progress"], "failed")} AND lease_until <= ${NOW} AND attempt >= max_attempts RETURNING id`,
  /** Sweep: their runner is lost; they are claimable again at once. */
  requeueLapsed: (limit: number, error: Failure) => sql`
    UPDATE inferences SET status = 'queued', updated_at = ${NOW}, ${ranFor}, ${letGo}, ${startByAfter(0)}, not_before = NULL,
      log = ${logged("attempt_failed", sql`json_object('attempt', attempt, 'error', json(${JSON.stringify(error)}), 'retry_at', ${NOW})`)}
    WHERE ${due(limit)} AND ${from(["in_progress"], "queued")} AND lease_until <= ${NOW} AND attempt < max_attempts
    RETURNING model, version`,
  /** Sweep: their back-off is over. */
  readyDue: (limit: number) => sql`
    UPDATE inferences SET not_before = NULL, updated_at = ${NOW}, log = ${logged("ready")}
    WHERE ${due(limit)} AND status = 'queued' AND not_before <= ${NOW} AND start_by > ${NOW} RETURNING model, version`,
  /** Sweep: lanes with free slots whose first inference nobody took: its wake-up was lost. */
  lostWakeUps: () => sql`
    SELECT lane.model, lane.version, lane.slots FROM (
      SELECT model, version, sum(max(0, max_concurrency - (SELECT count(*) FROM inferences AS running
        WHERE running.backend_id = backends.id AND running.status = 'in_progress' AND running.lease_until > ${NOW}))) AS slots
      FROM backends WHERE (model, version) > ('', '') AND state = 'active' GROUP BY model, version
    ) AS lane
    WHERE lane.slots > 0 AND (
      SELECT updated_at FROM inferences WHERE status = 'queued' AND not_before IS NULL AND model = lane.model AND version = lane.version
      ORDER BY priority, turn, id LIMIT 1
    ) <= ${NOW} - ${WAKE_UP_LOST_MS}`,
  /** Whether there is anything that the sweep has to come back for. */
  anyDated: () => sql`SELECT 1 AS dated FROM inferences WHERE due_at IS NOT NULL LIMIT 1`,
  /** Declares every runner dead: their inferences are due at once. */
  lapseAll: () => sql`
    UPDATE inferences SET lease_until = ${NOW} WHERE status = 'in_progress' AND backend_id > '' RETURNING id`,
} satisfies Record<string, (...args: never[]) => Sql>;

const rowSchema = z.object({
  account_id: z.string(),
  id: z.string(),
  dialect: z.string(),
  model: z.string(),
  version: z.string(),
  status: z.enum(STATUSES),
  priority: z.number(),
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
  log: z.string(),
});

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
    attempt: row.attempt,
    retry: { maxAttempts: row.max_attempts, initialDelayMs: row.initial_delay_ms, maxDelayMs: row.max_delay_ms },
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    startedAt: row.first_started_at,
    runMs: row.run_ms,
    inputItems: row.input_items,
    metadata: z.record(z.string(), z.string()).parse(JSON.parse(row.metadata)),
    log: JSON.parse(row.log) as LogEntry[], // written by the statements above alone
  };
  const finishedAt = row.finished_at ?? row.updated_at;
  switch (row.status) {
    case "queued":
      return { ...common, status: row.status, startBy: row.start_by, notBefore: row.not_before };
    case "in_progress":
      return { ...common, status: row.status, backendId: row.backend_id ?? "", lastStartedAt: row.started_at ?? row.updated_at };
    case "succeeded":
      return {
        ...common,
        status: row.status,
        finishedAt,
        output: payload(row.output, row.output_object, row.output_type, row.output_bytes),
        outputItems: row.output_items ?? 0,
      };
    case "failed":
    case "expired":
      return { ...common, status: row.status, finishedAt, error: failureSchema.parse(JSON.parse(row.error ?? "null")) };
    case "canceled":
      return { ...common, status: row.status, finishedAt };
    default:
      return row.status satisfies never;
  }
}

function payload(inline: string | null, key: string | null, contentType: string | null, bytes: number | null): Payload {
  if (key !== null) return { at: "object", key, bytes: bytes ?? 0, contentType: contentType ?? PLAIN };
  return { at: "row", text: inline ?? "", contentType: contentType ?? PLAIN };
}

const claimSchema = z
  .object({
    account_id: z.string(),
    id: z.string(),
    model: z.string(),
    version: z.string(),
    attempt: z.number(),
    lease: z.string(),
    input: z.string().nullable(),
    input_object: z.string().nullable(),
    input_bytes: z.number(),
    max_attempts: z.number(),
    initial_delay_ms: z.number(),
    max_delay_ms: z.number(),
    run_within_seconds: z.number().nullable(),
    backend: z.string(),
  })
  .transform((row): Claim => ({
    accountId: row.account_id,
    id: row.id,
    model: row.model,
    version: row.version,
    attempt: row.attempt,
    lease: row.lease,
    input: payload(row.input, row.input_object, PLAIN, row.input_bytes),
    retry: { maxAttempts: row.max_attempts, initialDelayMs: row.initial_delay_ms, maxDelayMs: row.max_delay_ms },
    runWithinSeconds: row.run_within_seconds,
    backend: backendSchema.parse(JSON.parse(row.backend)),
  }));

const backendSchema = z.object({
  id: z.string(),
  url: z.string(),
  protocol: z.enum(["oip"]),
  remoteModel: z.string(),
  timeoutSeconds: z.number(),
});

const orNull = (row: Row | null | undefined): Inference | null => (row ? fromRow(row) : null);

/** Null where the model or version is unknown; nothing is written then. */
export async function insertInference(db: Database, it: NewInference): Promise<Inference | null> {
  return orNull(await first(db, inferenceStatements.insert(it)));
}

export async function findInference(db: Database, accountId: string, id: string): Promise<Inference | null> {
  return orNull(await first(db, inferenceStatements.find(accountId, id)));
}

/** Cancels what is not final yet; null where there is nothing to cancel. */
export async function cancelInference(db: Database, accountId: string, id: string): Promise<Inference | null> {
  return orNull(await first(db, inferenceStatements.cancel(accountId, id)));
}

/** Claims the lane's next inference under `lease`; null where nothing is claimable. */
export async function claim(db: Database, lane: Lane, lease: string): Promise<Claim | null> {
  const row = await first(db, inferenceStatements.claim(lane, lease));
  return row ? claimSchema.parse(row) : null;
}

/** Records how an attempt ended (one of the statements succeed, fail, retry) and claims the next, in one round trip. */
export async function recordAndClaim(
  db: Database,
  ending: Sql,
  lane: Lane,
  lease: string,
): Promise<{ recorded: boolean; next: Claim | null }> {
  const [recorded, claimed] = await db.batch([ending, inferenceStatements.claim(lane, lease)]);
  const row = claimed?.[0];
  return { recorded: (recorded?.length ?? 0) > 0, next: row ? claimSchema.parse(row) : null };
}

/** Whether the statement (succeed, fail, retry) found its attempt still alive. */
export async function record(db: Database, statement: Sql): Promise<boolean> {
  return (await first(db, statement)) !== null;
}

/** The ids, each `account/id/attempt`, that the lease still holds. */
export async function renewLeases(db: Database, lease: string, holds: readonly Hold[]): Promise<Set<string>> {
  const rows = await db.all(inferenceStatements.renew(lease, holds));
  return new Set(rows.map((row) => `${String(row["account_id"])}/${String(row["id"])}/${String(row["attempt"])}`));
}

const laneSchema = z.object({ model: z.string(), version: z.string() });

export interface SweepPass {
  expired: number;
  lost: number;
  /** A lane for each inference that became claimable. */
  ready: Lane[];
  /** Lanes whose wake-ups were lost, with their free slots. */
  neglected: (Lane & { slots: number })[];
  /** Whether there is a row to come back for. */
  dated: boolean;
}

/** One pass over all that is due, in one transaction and round trip. */
export async function sweepDue(db: Database, limit: number, lost: Failure, waited: Failure): Promise<SweepPass> {
  const [expired = [], failed = [], requeued = [], ready = [], neglected = [], dated = []] = await db.batch([
    inferenceStatements.expireDue(limit, waited),
    inferenceStatements.failLapsed(limit, lost),
    inferenceStatements.requeueLapsed(limit, lost),
    inferenceStatements.readyDue(limit),
    inferenceStatements.lostWakeUps(),
    inferenceStatements.anyDated(),
  ]);
  return {
    expired: expired.length,
    lost: failed.length + requeued.length,
    ready: z.array(laneSchema).parse([...requeued, ...ready]),
    neglected: z.array(laneSchema.extend({ slots: z.number() })).parse(neglected),
    dated: dated.length > 0,
  };
}

/** Makes every running inference due at once: for an operator who knows that no runner is alive. */
export async function lapseAllLeases(db: Database): Promise<number> {
  return (await db.all(inferenceStatements.lapseAll())).length;
}

/**
 * What the statements on inferences are made of. Invariants kept here:
 * - every change of status is ONE conditional UPDATE … RETURNING, its WHERE derived from the transition table; no row back
 *   means that another writer won, and the loser stops quietly;
 * - a statement of a runner names attempt and lease, so a stale attempt can change nothing;
 * - all times are the database's own (NOW), so isolates' clocks don't matter;
 * - the line of the log is appended by the statement that makes the change.
 */
import { AGEING_MS, LOG_CHARACTERS, OPEN_INFERENCES } from "../../limits.ts";
import { NOW, type Sql, type SqlValue, join, sql } from "../../platform/sql.ts";
import type { LogEntry } from "../inference.ts";
import { type Status, mayBecome } from "../status.ts";
import type { Fence } from "./record.ts";

export const OPEN: readonly Status[] = ["queued", "in_progress"];

/** `status IN (…)`: the statuses given, each checked against the transition table when the module is loaded. */
export function from(statuses: readonly Status[], ...all: readonly Status[]): Sql {
  for (const to of all) {
    for (const status of statuses) if (!mayBecome(status, to)) throw new Error(`no transition from ${status} to ${to}`);
  }
  return among(statuses);
}

export function among(statuses: readonly Status[]): Sql {
  return sql`status IN (${join(statuses.map(text), ",")})`;
}

/** A constant of ours as a literal, so that the planner can match the condition of a partial index. */
function text(constant: Status): Sql {
  return { text: `'${constant}'`, params: [] };
}

/** The log with one more line, of `at`, the event and more members of its object (`, 'name', value`). */
export function logged(event: LogEntry["event"], members: Sql = sql``, at: Sql = NOW): Sql {
  return withLine(sql`json_object('at', ${at}, 'event', ${event}${members})`, at);
}

/** The log with this object as one more line. */
export const withLine = (line: Sql, at: Sql) =>
  sql`json_insert(iif(length(log) > ${LOG_CHARACTERS}, json_array(log -> '$[0]', json_object('at', ${at}, 'event', 'shortened')), log), '$[#]', ${line})`;

export const json = (value: unknown) => sql`json(${JSON.stringify(value)})`;
/** The row of an attempt, while its runner holds the lease. */
export const fenced = (fence: Fence) =>
  sql`account_id = ${fence.accountId} AND id = ${fence.id} AND attempt = ${fence.attempt} AND lease = ${fence.lease}`;
export const releaseLease = sql`lease = NULL, lease_until = NULL`;
export const ended = sql`finished_at = ${NOW}, updated_at = ${NOW}, ages_at = NULL, cancel_at = NULL`;
export const ranFor = sql`run_ms = run_ms + (${NOW} - started_at)`;
const ranForIfRunning = sql`run_ms = run_ms + iif(status = 'in_progress', ${NOW} - started_at, 0)`;
/** The time in the queue that an inference has not used up when its attempt ends: it may wait that long again. */
export const startByAfter = (delayMs: SqlValue) => sql`start_by = ${NOW} + ${delayMs} + max(0, start_by - started_at)`;
export const notBefore = (delayMs: number) => (delayMs > 0 ? sql`${NOW} + ${delayMs}` : sql`NULL`);
export const agesAt = (level: Sql) => sql`iif(${level} > 0, ${NOW} + ${AGEING_MS}, NULL)`;
/** What is in the index of what is due: whatever waits and has no note, and what is to be canceled at a time. */
export const isDated = sql`due_at IS NOT NULL AND (lease_until IS NULL OR cancel_at IS NOT NULL) AND (noted = 0 OR attempt > 0)`;
/** Rows whose time has come, oldest first; leases aside. */
export const due = (limit: number) =>
  sql`(account_id, id) IN (SELECT account_id, id FROM inferences WHERE ${isDated} AND due_at <= ${NOW} ORDER BY due_at LIMIT ${limit})`;
const holdsLease = sql`lease_until IS NOT NULL AND backend_id`;
/** Rows whose lease has lapsed, from backend to backend in the index of what runs. */
export const lapsed = (limit: number) => sql`(account_id, id) IN (
  WITH RECURSIVE host (id) AS (
    SELECT min(backend_id) FROM inferences INDEXED BY inferences_running WHERE ${holdsLease} > ''
    UNION ALL
    SELECT (SELECT min(backend_id) FROM inferences INDEXED BY inferences_running WHERE ${holdsLease} > host.id) FROM host WHERE host.id IS NOT NULL
  )
  SELECT held.account_id, held.id FROM host CROSS JOIN inferences AS held INDEXED BY inferences_running
    ON held.backend_id = host.id AND held.lease_until <= ${NOW} LIMIT ${limit})`;

/** What the log says of an inference that has ended: each statement that ends some returns it, and its answer goes to `logEnds`. */
export const endForLog = sql`json_object('inference', id, 'account', account_id, 'model', model, 'version', version, 'backend', backend_id, 'attempt', attempt,
  'outcome', status, 'class', error ->> 'class', 'code', error ->> 'code', 'queue_ms', first_started_at - created_at, 'run_ms', run_ms) AS endForLog`;
/** Canceled; `stoppedAttempt` is the one whose backend says that it has stopped. */
export const setCanceledAfter = (stoppedAttempt: number | null) => sql`status = 'canceled',
  stopped = iif(status = 'queued' OR attempt = ${stoppedAttempt}, 'confirmed', 'best_effort'),
  ${ended}, ${ranForIfRunning}, log = ${logged("canceled")}`;
export const setCanceled = setCanceledAfter(null);

/** Of a row of `accounts`, or of none: how many it has open at most, how many it may have, and whether its budget is spent. */
export const openIn = (account: Sql) => sql`coalesce(${account}.open_at_most, 0)`;
export const openLimitOf = (account: Sql) => sql`coalesce(${account}.open_limit, ${OPEN_INFERENCES.default})`;
export const isSpent = (account: Sql) => sql`coalesce(${account}.budget_state = 'spent', FALSE)`;

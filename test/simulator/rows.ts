/**
 * What the simulated database tells of every change, row by row and statement by statement, in the order in which they
 * happen: temporary triggers hand each new row to a function of ours. So nothing that is written can go unseen, not even
 * what one transaction writes and overwrites.
 */
import type { SQLInputValue } from "node:sqlite";
import type { Status } from "../../src/inferences/status.ts";

export interface InferenceRow {
  readonly accountId: string;
  readonly id: string;
  readonly model: string;
  readonly version: string;
  readonly status: Status;
  readonly priority: number;
  readonly level: number;
  readonly turn: number;
  readonly idempotencyKey: string | null;
  readonly maxTimeInQueueSeconds: number;
  readonly maxAttempts: number;
  readonly maxDelayMs: number;
  readonly runWithinSeconds: number | null;
  readonly createdAt: number;
  readonly startBy: number;
  readonly notBefore: number | null;
  readonly agesAt: number | null;
  readonly cancelAt: number | null;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly attempt: number;
  readonly attemptsBefore: number;
  readonly unreached: number;
  readonly takedowns: number;
  readonly backendId: string | null;
  readonly lease: string | null;
  readonly leaseUntil: number | null;
  readonly input: string | null;
  readonly inputObject: string | null;
  readonly output: string | null;
  readonly outputObject: string | null;
  readonly error: string | null;
  readonly stopped: string | null;
  readonly dueAt: number | null;
  readonly waiter: string | null;
}

export interface BackendRow {
  readonly model: string;
  readonly version: string;
  readonly id: string;
  readonly state: string;
  readonly maxConcurrency: number;
  readonly timeoutSeconds: number;
  readonly failures: number;
  readonly restedUntil: number | null;
}

export type Change =
  | { readonly of: "inference"; readonly row: InferenceRow }
  | { readonly of: "backend"; readonly row: BackendRow }
  | { readonly of: "removal"; readonly table: string; readonly id: string };

const INFERENCE_COLUMNS = [
  "account_id",
  "id",
  "model",
  "version",
  "status",
  "priority",
  "level",
  "turn",
  "idempotency_key",
  "max_time_in_queue_seconds",
  "max_attempts",
  "max_delay_ms",
  "run_within_seconds",
  "created_at",
  "start_by",
  "not_before",
  "ages_at",
  "cancel_at",
  "started_at",
  "finished_at",
  "attempt",
  "attempts_before",
  "unreached",
  "takedowns",
  "backend_id",
  "lease",
  "lease_until",
  "input",
  "input_object",
  "output",
  "output_object",
  "error",
  "stopped",
  "due_at",
  "waiter",
];
const BACKEND_COLUMNS = ["model", "version", "id", "state", "max_concurrency", "timeout_seconds", "failures", "rested_until"];

const of = (columns: readonly string[], row: "NEW" | "OLD") => columns.map((column) => `${row}.${column}`).join(", ");
const trigger = (name: string, when: string, body: string) => `CREATE TEMP TRIGGER ${name} AFTER ${when} BEGIN SELECT ${body}; END;`;

export const TRIGGERS = [
  trigger("inference_inserted", "INSERT ON inferences", `inference_is(${of(INFERENCE_COLUMNS, "NEW")})`),
  trigger("inference_updated", "UPDATE ON inferences", `inference_is(${of(INFERENCE_COLUMNS, "NEW")})`),
  trigger("inference_deleted", "DELETE ON inferences", "is_gone('inferences', OLD.id)"),
  trigger("backend_inserted", "INSERT ON backends", `backend_is(${of(BACKEND_COLUMNS, "NEW")})`),
  trigger("backend_updated", "UPDATE ON backends", `backend_is(${of(BACKEND_COLUMNS, "NEW")})`),
  trigger("backend_deleted", "DELETE ON backends", "is_gone('backends', OLD.id)"),
].join("\n");

const number = (value: SQLInputValue | undefined) => Number(value);
const text = (value: SQLInputValue | undefined) => value as string; // TEXT NOT NULL of a STRICT table
const numberOrNull = (value: SQLInputValue | undefined) => (value === null || value === undefined ? null : Number(value));
const textOrNull = (value: SQLInputValue | undefined) => (typeof value === "string" ? value : null);

export function inferenceRow(values: readonly SQLInputValue[]): InferenceRow {
  let next = 0;
  const take = () => values[next++];
  // In the order of INFERENCE_COLUMNS.
  return {
    accountId: text(take()),
    id: text(take()),
    model: text(take()),
    version: text(take()),
    status: text(take()) as Status, // the table's CHECK
    priority: number(take()),
    level: number(take()),
    turn: number(take()),
    idempotencyKey: textOrNull(take()),
    maxTimeInQueueSeconds: number(take()),
    maxAttempts: number(take()),
    maxDelayMs: number(take()),
    runWithinSeconds: numberOrNull(take()),
    createdAt: number(take()),
    startBy: number(take()),
    notBefore: numberOrNull(take()),
    agesAt: numberOrNull(take()),
    cancelAt: numberOrNull(take()),
    startedAt: numberOrNull(take()),
    finishedAt: numberOrNull(take()),
    attempt: number(take()),
    attemptsBefore: number(take()),
    unreached: number(take()),
    takedowns: number(take()),
    backendId: textOrNull(take()),
    lease: textOrNull(take()),
    leaseUntil: numberOrNull(take()),
    input: textOrNull(take()),
    inputObject: textOrNull(take()),
    output: textOrNull(take()),
    outputObject: textOrNull(take()),
    error: textOrNull(take()),
    stopped: textOrNull(take()),
    dueAt: numberOrNull(take()),
    waiter: textOrNull(take()),
  };
}

export function backendRow(values: readonly SQLInputValue[]): BackendRow {
  let next = 0;
  const take = () => values[next++];
  // In the order of BACKEND_COLUMNS.
  return {
    model: text(take()),
    version: text(take()),
    id: text(take()),
    state: text(take()),
    maxConcurrency: number(take()),
    timeoutSeconds: number(take()),
    failures: number(take()),
    restedUntil: numberOrNull(take()),
  };
}

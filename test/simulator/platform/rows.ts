/**
 * What the simulated database tells of every change, row by row and statement by statement, in the order in which they
 * happen: temporary triggers hand each row to a function of ours. So nothing that is written can go unseen, not even
 * what one transaction writes and overwrites.
 */
import type { SQLInputValue } from "node:sqlite";
import type { Status } from "../../../src/inferences/status.ts";

export interface InferenceRow {
  readonly accountId: string;
  readonly id: string;
  readonly keyId: string;
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
  readonly runMs: number;
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
  readonly inputBytes: number;
  readonly outputBytes: number | null;
  readonly partsBytes: number;
  readonly webhook: string | null;
  readonly outputParts: string | null;
  /** JSON array. */
  readonly log: string;
  readonly dataRemovedAt: number | null;
  /** 0 = not in the index of that name. */
  readonly byAccount: number;
  /** What its log's last entry says of an error, as JSON. */
  readonly lastError: string | null;
  /** JSON. */
  readonly progress: string | null;
}

export interface BackendRow {
  readonly model: string;
  readonly version: string;
  readonly id: string;
  readonly state: string;
  readonly maxConcurrency: number;
  readonly timeoutSeconds: number;
  readonly failures: number;
  readonly failuresOf: string | null;
  readonly restedUntil: number | null;
}

export interface FileRow {
  readonly accountId: string;
  readonly id: string;
  readonly state: "uploading" | "ready";
  readonly bytes: number;
  readonly expiresAt: number;
}

export interface AccountRow {
  readonly id: string;
  readonly quotaBytes: number | null;
  readonly storedBytes: number;
  readonly databaseBytes: number;
  readonly openAtMost: number;
  readonly retentionSeconds: number;
}

export interface WebhookRow {
  readonly accountId: string;
  readonly id: string;
  readonly url: string;
  /** JSON array. */
  readonly events: string;
}

export interface EndpointRow {
  readonly accountId: string;
  readonly url: string;
  readonly state: string | null;
}

export interface DeliveryRow {
  readonly accountId: string;
  readonly inferenceId: string;
  readonly sequence: number;
  readonly webhookId: string;
  readonly event: string;
  readonly url: string;
  readonly status: "pending" | "held" | "succeeded" | "failed" | "canceled";
  readonly attempt: number;
  readonly dueAt: number | null;
  readonly lease: string | null;
  readonly createdAt: number;
  readonly snapshot: string;
  /** JSON array. */
  readonly attempts: string;
  /** 1 = of a report of progress. */
  readonly hint: number;
}

export interface UsageRow {
  readonly accountId: string;
  readonly day: number;
  readonly model: string;
  readonly keyId: string;
  readonly succeeded: number;
  readonly failed: number;
  readonly canceled: number;
  readonly expired: number;
  readonly attempts: number;
  readonly runMs: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
}

interface Rows {
  readonly inferences: InferenceRow;
  readonly backends: BackendRow;
  readonly files: FileRow;
  readonly accounts: AccountRow;
  readonly webhooks: WebhookRow;
  readonly endpoints: EndpointRow;
  readonly deliveries: DeliveryRow;
  readonly usage: UsageRow;
}

/** A row as it is now, or, where it was deleted, as it was. */
export type Change = { [Table in keyof Rows]: { readonly of: Table; readonly row: Rows[Table]; readonly isGone: boolean } }[keyof Rows];

const COLUMNS: Readonly<Record<keyof Rows, readonly string[]>> = {
  inferences: [
    "account_id",
    "id",
    "key_id",
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
    "run_ms",
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
    "input_bytes",
    "output_bytes",
    "parts_bytes",
    "webhook",
    "output_parts",
    "log",
    "data_removed_at",
    "by_account",
    "last_error",
    "progress",
  ],
  backends: ["model", "version", "id", "state", "max_concurrency", "timeout_seconds", "failures", "failures_of", "rested_until"],
  files: ["account_id", "id", "state", "bytes", "expires_at"],
  accounts: ["id", "quota_bytes", "stored_bytes", "database_bytes", "open_at_most", "retention_seconds"],
  webhooks: ["account_id", "id", "url", "events"],
  endpoints: ["account_id", "url", "state"],
  deliveries: [
    "account_id",
    "inference_id",
    "sequence",
    "webhook_id",
    "event",
    "url",
    "status",
    "attempt",
    "due_at",
    "lease",
    "created_at",
    "snapshot",
    "attempts",
    "hint",
  ],
  usage: [
    "account_id",
    "day",
    "model",
    "key_id",
    "succeeded",
    "failed",
    "canceled",
    "expired",
    "attempts",
    "run_ms",
    "input_bytes",
    "output_bytes",
  ],
};

const NAMES = new Map(
  Object.entries(COLUMNS).map(([table, columns]) => [
    table,
    columns.map((column) => column.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase())),
  ]),
);

/** What is no column, but made of one. */
const MADE: Readonly<Record<string, (row: string) => string>> = {
  "inferences last_error": (row) => `${row}.log ->> '$[#-1].error'`,
};

/** Each tells `row_is` the table, whether the row is gone, and the row's columns. */
export const TRIGGERS = Object.entries(COLUMNS)
  .flatMap(([table, columns]) =>
    (["INSERT", "UPDATE", "DELETE"] as const).map((change) => {
      const isGone = change === "DELETE";
      const row = isGone ? "OLD" : "NEW";
      const values = columns.map((column) => MADE[`${table} ${column}`]?.(row) ?? `${row}.${column}`).join(", ");
      const told = `SELECT row_is('${table}', ${isGone ? 1 : 0}, ${values})`;
      return `CREATE TEMP TRIGGER ${table}_${change.toLowerCase()} AFTER ${change} ON ${table} BEGIN ${told}; END;`;
    }),
  )
  .join("\n");

/** What a trigger has told. */
export function changeOf(table: string, isGone: SQLInputValue, values: readonly SQLInputValue[]): Change {
  const names = NAMES.get(table) ?? [];
  const row = Object.fromEntries(names.map((name, index) => [name, values[index]]));
  // The schema's tables are STRICT, so that each column has the type that is stated above.
  return { of: table, row, isGone: isGone === 1 } as unknown as Change;
}

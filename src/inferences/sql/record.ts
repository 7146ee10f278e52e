/**
 * Rows of the table `inferences`, in both directions: the columns that are read, what is checked of them, and the inference,
 * claim or payload that they make; and how a payload is put into columns. Nobody else makes an inference from a row.
 * Text that only our own statements write (the log, the parts of an output) is taken as it is.
 */
import * as z from "zod";
import { fromBase64, toBase64 } from "../../encoding/base64.ts";
import { FAILURE_CLASSES, type KeptPart } from "../../backends/outcome.ts";
import { type ClaimedBackend, claimedBackendSchema } from "../../backends/store.ts";
import type { FileField } from "../../content/embedded.ts";
import { fileFieldsSchema } from "../../models/store.ts";
import { RETENTION_SECONDS } from "../../limits.ts";
import { type Row, sql } from "../../platform/sql.ts";
import { DELIVERY_STATUSES, EVENTS, webhookStatusOf } from "../webhook.ts";
import type { Inference, LogEntry } from "../inference.ts";
import { type Wait, waitOf } from "../wait.ts";
import type { RetrySettings } from "../retry.ts";
import { STATUSES } from "../status.ts";
import type { Payload } from "../../payloads/payload.ts";
import { live } from "./lane.ts";
import type { Lane } from "../../models/lane.ts";

/** Names one attempt of one inference: the fence of all that its runner writes. */
export interface Fence {
  accountId: string;
  id: string;
  attempt: number;
  lease: string;
}

/** What a runner gets when it claims: the inference's input and the backend to call. */
export interface Claim extends Fence, Lane {
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
  /** The fields of its model's outputs that are kept as files. */
  outputFiles: readonly FileField[];
  backend: ClaimedBackend;
}

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
export const withOutput = sql`${head}, output`;
export const inputColumns = sql`input, input_object, input_type, input_bytes`;

/** What whoever runs an attempt needs to know. */
export const claimColumns = sql`account_id, id, model, version, attempt, attempts_before, takedowns, lease, ${inputColumns},
  capability, max_attempts, initial_delay_ms, max_delay_ms, run_within_seconds,
  webhook IS NOT NULL OR EXISTS (SELECT 1 FROM webhooks WHERE webhooks.account_id = inferences.account_id) AS watched,
  (SELECT output_files FROM models WHERE models.name = inferences.model) AS output_files,
  (SELECT json_object('id', id, 'url', url, 'protocol', protocol, 'remoteModel', remote_model, 'timeoutSeconds', timeout_seconds,
      'credential', json(credential), 'files', files, 'failures', failures, 'sampled', mean_run_ms IS NOT NULL,
      'alone', NOT EXISTS (SELECT 1 FROM inferences AS other INDEXED BY inferences_running WHERE other.backend_id = backends.id
        AND ${live(sql`other`)} AND (other.account_id, other.id) <> (inferences.account_id, inferences.id)))
    FROM backends WHERE backends.id = inferences.backend_id) AS backend`;

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

export const laneStateSchema = z.object({ capacity: z.number(), freeSlots: z.number(), meanRunMs: z.number().nullable() });

const usageSchema = z.object({ promptTokens: z.number(), completionTokens: z.number() });

const webhookSchema = z.object({ url: z.string(), events: z.array(z.enum(EVENTS)), origin: z.string() });

const failureSchema = z.object({ class: z.enum(FAILURE_CLASSES), code: z.string(), message: z.string(), status: z.number() });

export function fromRow(raw: Row): Inference {
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
    log: JSON.parse(row.log) as LogEntry[], // written by statements.ts alone
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
        parts: row.output_parts === null ? [] : (JSON.parse(row.output_parts) as KeptPart[]), // written by statements.ts alone
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

export function digestOf(it: Payload): string | null {
  return it.at === "object" ? (it.sha256 ?? null) : null;
}

/** What a row holds of a payload: its text, or its bytes as base64. */
export function textOf(it: Payload): string | null {
  if (it.at === "object") return null;
  return typeof it.body === "string" ? it.body : toBase64(it.body);
}

export function typeOf(it: Payload): string {
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

export function inputFrom(row: Row): Payload {
  const { input, input_object, input_type, input_bytes } = inputSchema.parse(row);
  const it = payload(input, input_object, input_type, input_bytes);
  const isRemoved = input === null && input_object === null;
  return isRemoved ? { at: "object", key: null, bytes: input_bytes, contentType: it.contentType } : it;
}

export const claimSchema = inputSchema
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
    output_files: z.string().nullable(),
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
    outputFiles: row.output_files === null ? [] : fileFieldsSchema.parse(JSON.parse(row.output_files)),
    backend: claimedBackendSchema.parse(JSON.parse(row.backend)),
  }));

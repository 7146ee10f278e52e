/**
 * Rows of the table `inferences`, in both directions: the columns that are read, each under its member's name, the schemas
 * that check and type them, and how a payload is put into columns. Nobody else makes an inference from a row.
 * Text that only our own statements write (the log, the parts of an output) is taken as it is.
 */
import * as z from "zod";
import { fromBase64, toBase64 } from "../../encoding/base64.ts";
import { FAILURE_CLASSES, type KeptPart, upstreamSchema } from "../../backends/outcome.ts";
import { claimedBackendSchema, isWitnessed, othersSucceed } from "../../backends/store.ts";
import { fileFieldsSchema } from "../../models/store.ts";
import { OUTPUT_BYTES, RETENTION_SECONDS } from "../../limits.ts";
import { type Row, jsonColumn, sql } from "../../platform/sql.ts";
import { DELIVERY_STATUSES, EVENTS, webhookStatusOf } from "../webhook.ts";
import type { Inference, LogEntry, Progress } from "../inference.ts";
import { type Wait, waitOf } from "../wait.ts";
import { STATUSES } from "../status.ts";
import type { Payload } from "../../payloads/payload.ts";
import { live } from "./lane.ts";
import { toldTo } from "./told.ts";

/** Names one attempt of one inference: whatever its runner writes is fenced by it. */
export interface Fence {
  readonly accountId: string;
  readonly id: string;
  readonly attempt: number;
  readonly lease: string;
}

export const PLAIN = "application/json";
/** Ends the stored media type of bytes that are in a row; a row holds text. */
const BASE64 = ";base64";

const retryColumns = sql`max_attempts AS maxAttempts, initial_delay_ms AS initialDelayMs, max_delay_ms AS maxDelayMs`;

/** All that an inference is made of. */
export const inferenceColumns = sql`account_id AS accountId, id, dialect, model, version, status, priority, level, ${retryColumns},
  metadata, created_at AS createdAt, updated_at AS updatedAt, start_by AS startBy, not_before AS notBefore, first_started_at AS startedAt,
  started_at AS lastStartedAt, finished_at AS finishedAt, run_ms AS runMs, attempt, backend_id AS backendId, input_items AS inputItems,
  output, output_object AS outputObject, output_type AS outputType, output_bytes AS outputBytes, output_items AS outputItems,
  output_sha256 AS outputSha256, output_parts AS parts, error, stopped, fingerprint, log, progress, capability, usage, resumable,
  retention_seconds AS retentionSeconds, trace, data_removed_at AS dataRemovedAt,
  (SELECT retention_seconds FROM accounts WHERE accounts.id = inferences.account_id) AS accountRetentionSeconds,
  webhook, iif(webhook IS NULL, NULL, (SELECT deliveries.status FROM deliveries
    WHERE deliveries.account_id = inferences.account_id AND deliveries.inference_id = inferences.id AND deliveries.webhook_id = ''
      AND deliveries.event = 'inference.' || inferences.status ORDER BY deliveries.sequence DESC LIMIT 1)) AS endDelivery`;
export const inputColumns = sql`input, input_object AS inputObject, input_type AS inputType, input_bytes AS inputBytes`;

/** All that is needed to run an attempt. */
export const claimColumns = sql`account_id AS accountId, id, model, version, attempt, attempt - attempts_before - unreached AS attemptsSince,
  takedowns, unreached, lease, ${inputColumns}, capability, trace, resumable, ${retryColumns}, run_within_seconds AS runWithinSeconds,
  webhook IS NOT NULL OR EXISTS (SELECT 1 FROM webhooks WHERE webhooks.account_id = inferences.account_id) AS watched,
  (SELECT json_array(json(output_files), max_output_bytes) FROM models WHERE models.name = inferences.model) AS offer,
  (SELECT json_object('id', id, 'url', url, 'protocol', protocol, 'remoteModel', remote_model, 'timeoutSeconds', timeout_seconds,
      'credential', json(credential), 'readyPath', ready_path, 'files', files, 'failures', failures, 'sampled', mean_run_ms IS NOT NULL,
      'othersSucceed', ${othersSucceed(sql`inferences.account_id`)}, 'witnessed', ${isWitnessed(sql`inferences.account_id`)},
      'alone', NOT EXISTS (SELECT 1 FROM inferences AS other INDEXED BY inferences_running WHERE other.backend_id = backends.id
        AND ${live(sql`other`)} AND (other.account_id, other.id) <> (inferences.account_id, inferences.id)))
    FROM backends WHERE backends.id = inferences.backend_id) AS backend, ${toldTo}`;

/** JSON text that only our own statements write. */
const ourJson = <T>() => z.string().transform((text) => JSON.parse(text) as T);

export const laneStateSchema = z.object({ capacity: z.number(), freeSlots: z.number(), meanRunMs: z.number().nullable() });

const retrySchema = z.object({ maxAttempts: z.number(), initialDelayMs: z.number(), maxDelayMs: z.number() });
const webhookSchema = z.object({ url: z.string(), events: z.array(z.enum(EVENTS)), origin: z.string() });
const failureSchema = z.object({
  class: z.enum(FAILURE_CLASSES),
  code: z.string(),
  message: z.string(),
  status: z.number(),
  upstream: upstreamSchema.optional(),
});

const isOne = z.number().transform((value) => value === 1);

const commonSchema = z.object({
  id: z.string(),
  accountId: z.string(),
  model: z.string(),
  version: z.string(),
  dialect: z.string(),
  priority: z.number(),
  level: z.number(),
  attempt: z.number(),
  createdAt: z.number(),
  updatedAt: z.number(),
  startedAt: z.number().nullable(),
  runMs: z.number(),
  inputItems: z.number(),
  metadata: jsonColumn(z.record(z.string(), z.string())),
  log: ourJson<LogEntry[]>(),
  capability: z.string(),
  trace: z.string().nullable().default(null), // a watch object may have kept a row of before there was one
  resumable: isOne.default(false), // the same
});

/** What an inference is made of beside the members that it has in any status. */
const rowSchema = z.object({
  status: z.enum(STATUSES),
  startBy: z.number(),
  notBefore: z.number().nullable(),
  lastStartedAt: z.number().nullable(),
  finishedAt: z.number().nullable(),
  backendId: z.string().nullable(),
  output: z.string().nullable(),
  outputObject: z.string().nullable(),
  outputType: z.string().nullable(),
  outputBytes: z.number().nullable(),
  outputItems: z.number().nullable(),
  outputSha256: z.string().nullable(),
  parts: ourJson<KeptPart[]>().nullable(),
  usage: jsonColumn(z.object({ promptTokens: z.number(), completionTokens: z.number() })).nullable(),
  error: jsonColumn(failureSchema).nullable(),
  stopped: z.enum(["confirmed", "best_effort"]).nullable(),
  progress: ourJson<Progress>().nullable(),
  retentionSeconds: z.number().nullable(),
  dataRemovedAt: z.number().nullable(),
  accountRetentionSeconds: z.number().nullable(),
  webhook: jsonColumn(webhookSchema).nullable(),
  endDelivery: z.enum(DELIVERY_STATUSES).nullable(),
  // Read by findWithWait alone.
  now: z.number().optional(),
  ahead: z.number().nullish(),
  lane: jsonColumn(laneStateSchema).nullish(),
});

type InferenceRow = z.infer<typeof rowSchema>;

export function fromRow(raw: Row): Inference {
  const row = rowSchema.parse(raw);
  const { status, webhook } = row;
  const common = {
    ...commonSchema.parse(raw),
    retry: retrySchema.parse(raw),
    webhook: webhook && { ...webhook, status: webhookStatusOf(status, webhook.events, row.endDelivery) },
  };
  const finishedAt = row.finishedAt ?? common.updatedAt;
  const retention = row.accountRetentionSeconds ?? RETENTION_SECONDS.default;
  const expiresAt = finishedAt + Math.min(row.retentionSeconds ?? retention, retention) * 1000;
  const end = { finishedAt, expiresAt, dataRemoved: row.dataRemovedAt !== null };
  switch (status) {
    case "queued":
      return { ...common, status, startBy: row.startBy, notBefore: row.notBefore, wait: waitFrom(row, common.attempt) };
    case "in_progress":
      return {
        ...common,
        status,
        backendId: row.backendId ?? "",
        lastStartedAt: row.lastStartedAt ?? common.updatedAt,
        progress: row.progress?.attempt === common.attempt ? row.progress : null,
      };
    case "succeeded":
      return {
        ...common,
        status,
        ...end,
        output: outputFrom(row),
        parts: row.parts ?? [],
        outputItems: row.outputItems ?? 0,
        usage: row.usage,
      };
    case "failed":
    case "expired":
      return { ...common, status, ...end, error: failureSchema.parse(row.error) };
    case "canceled":
      return { ...common, status, ...end, stopped: row.stopped ?? "best_effort" };
    default:
      return status satisfies never;
  }
}

const INFERENCE_MEMBERS = Object.keys({
  ...commonSchema.shape,
  ...retrySchema.shape,
  ...rowSchema.omit({ now: true, ahead: true, lane: true }).shape,
});

/**
 * The inference in a row that a change has returned, to be told of; null if it is not all there. Where it has a webhook it never is:
 * what a statement returns is older than what its triggers write, and they write the delivery.
 */
export function rowToTell(row: Row): Row | null {
  if (row["webhook"] !== null || INFERENCE_MEMBERS.some((member) => row[member] === undefined)) return null;
  return Object.fromEntries(Object.entries(row).filter(([member]) => member !== "toldTo" && member !== "endForLog"));
}

export const inferenceOrNull = (row: Row | null | undefined): Inference | null => (row ? fromRow(row) : null);

function waitFrom({ now, ahead, lane, notBefore }: InferenceRow, attempt: number): Wait | null {
  return now === undefined || !lane ? null : waitOf({ ahead: ahead ?? 0, ...lane }, notBefore, now, attempt);
}

function outputFrom(row: InferenceRow): Payload {
  const it = payload(row.output, row.outputObject, row.outputType, row.outputBytes);
  if (row.dataRemovedAt === null) return it.at === "object" ? { ...it, sha256: row.outputSha256 } : it;
  return { at: "object", key: null, bytes: row.outputBytes ?? 0, contentType: it.contentType };
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

export function payload(inline: string | null, key: string | null, type: string | null, bytes: number | null): Payload {
  const contentType = type ?? PLAIN;
  if (key !== null) return { at: "object", key, bytes: bytes ?? 0, contentType };
  if (contentType.endsWith(BASE64)) {
    return { at: "row", body: fromBase64(inline ?? ""), contentType: contentType.slice(0, -BASE64.length) };
  }
  return { at: "row", body: inline ?? "", contentType };
}

const inputSchema = z.object({
  input: z.string().nullable(),
  inputObject: z.string().nullable(),
  inputType: z.string(),
  inputBytes: z.number(),
});

export function inputFrom(row: Row): Payload {
  const { input, inputObject, inputType, inputBytes } = inputSchema.parse(row);
  const it = payload(input, inputObject, inputType, inputBytes);
  const isRemoved = input === null && inputObject === null;
  return isRemoved ? { at: "object", key: null, bytes: inputBytes, contentType: it.contentType } : it;
}

/** What a model says of outputs: which files are in them, and how large they may be. */
const offerSchema = z.tuple([fileFieldsSchema, z.number().nullable()]);

export const claimSchema = inputSchema
  .extend({
    accountId: z.string(),
    id: z.string(),
    model: z.string(),
    version: z.string(),
    attempt: z.number(),
    /** Of this attempt, counted since the submit or the last redrive, without those that never reached a backend. */
    attemptsSince: z.number(),
    /** Attempts since then that never reached a backend. */
    unreached: z.number(),
    /** Healthy backends that its attempts took down so far. */
    takedowns: z.number(),
    lease: z.string(),
    capability: z.string(),
    trace: z.string().nullable(),
    /** Whether its output is kept as a stream while it comes. */
    resumable: isOne,
    runWithinSeconds: z.number().nullable(),
    /** Whether a webhook may hear of its end. */
    watched: isOne,
    offer: jsonColumn(offerSchema).nullable(),
    backend: jsonColumn(claimedBackendSchema),
    ...retrySchema.shape,
  })
  .transform(({ input, inputObject, inputType, inputBytes, maxAttempts, initialDelayMs, maxDelayMs, offer, ...claim }) => ({
    ...claim,
    input: payload(input, inputObject, inputType, inputBytes),
    retry: { maxAttempts, initialDelayMs, maxDelayMs },
    /** The fields of its model's outputs that are kept as files. */
    outputFiles: offer?.[0] ?? [],
    /** What its output may be, as it comes out decoded. */
    maxOutputBytes: offer?.[1] ?? OUTPUT_BYTES.default,
  }));

/** What a runner gets when it claims: its fence, the inference's input and the backend to call. */
export type Claim = z.infer<typeof claimSchema>;

export const claimOrNull = (row: Row | null | undefined): Claim | null => (row ? claimSchema.parse(row) : null);

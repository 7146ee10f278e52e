/** SQL that makes an inference of a submission: one write decides whether it is accepted. */
import { IDEMPOTENCY_MS } from "../../limits.ts";
import type { Payload } from "../../payloads/payload.ts";
import { type Database, NOW, type Row, type Sql, first, sql } from "../../platform/sql.ts";
import type { Inference } from "../inference.ts";
import type { RetrySettings } from "../retry.ts";
import type { Webhook } from "../webhook.ts";
import { claimStatements } from "./claim.ts";
import { agesAt } from "./fragments.ts";
import { hasSlot, laneOfRow, nextTurn } from "./lane.ts";
import { type Claim, claimOrNull, inferenceOrNull, textOf, typeOf, inferenceColumns } from "./record.ts";

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

export const insertStatements = {
  /**
   * Nothing is written, and no row comes back, where the model or version is unknown or the model does not offer the
   * capability, or where the id or the account's idempotency key is taken: the one write decides. Beside the row it returns
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
    RETURNING ${inferenceColumns}, ${hasSlot(...laneOfRow)} AS hasSlot`,
  /** Frees a key whose day is over. */
  releaseIdempotencyKey: (accountId: string, key: string | null) => sql`
    UPDATE inferences SET idempotency_key = NULL
    WHERE account_id = ${accountId} AND idempotency_key = ${key} AND created_at <= ${NOW} - ${IDEMPOTENCY_MS} RETURNING id`,
} satisfies Record<string, (...args: never[]) => Sql>;

export interface Inserted {
  /** Null where nothing was written: no model offers that, or the id or idempotency key is taken. */
  readonly inference: Inference | null;
  /** If a request waits for it and its turn came at once. */
  readonly claimed: Claim | null;
  /** Whether its lane may have a slot for it, so that a runner is wanted. */
  readonly hasSlot: boolean;
}

export async function insertInference(db: Database, it: NewInference): Promise<Inserted> {
  const { accountId, id, idempotencyKey, waiter } = it;
  if (idempotencyKey === null && waiter === null) {
    return insertedAs(await first(db, insertStatements.insert(it)));
  }
  const [, inserted = [], claimed = []] = await db.batch([
    insertStatements.releaseIdempotencyKey(accountId, idempotencyKey),
    insertStatements.insert(it),
    ...(waiter === null ? [] : [claimStatements.claimOwn(accountId, id, waiter)]),
  ]);
  return insertedAs(inserted[0], claimed[0]);
}

function insertedAs(row: Row | null | undefined, claimed?: Row): Inserted {
  return { inference: inferenceOrNull(row), claimed: claimOrNull(claimed), hasSlot: row?.["hasSlot"] === 1 };
}

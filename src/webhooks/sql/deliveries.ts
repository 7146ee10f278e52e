/**
 * SQL on deliveries, the outbox. A trigger (schema.sql) fills it in the transaction that changes an inference's status,
 * whichever statement changes it; nothing here inserts a delivery. Invariants kept here:
 * - one statement claims a delivery under a lease, and the record of an attempt names that lease. So of two attempts at
 *   the same delivery only the last to claim it is recorded, and a delivery whose lease lapses is due again;
 * - nothing stays due for an endpoint that is not called: what comes due is held, some rows at a time.
 */
import * as z from "zod";
import {
  DELIVERIES_RESENT,
  DELIVERIES_SEEN,
  DELIVERY_ATTEMPTS_KEPT,
  DELIVERY_EARLIER_ANSWER_CHARACTERS,
  DELIVERY_HORIZON_MS,
  DELIVERY_LEASE_MS,
} from "../../limits.ts";
import { DELIVERY_STATUSES } from "../../inferences/webhook.ts";
import { type Database, NOW, type Row, type Sql, first, jsonColumn, sql } from "../../platform/sql.ts";
import { ALL_EVENTS, type DeliveryKey } from "../delivery.ts";

const keySchema = z.object({ accountId: z.string(), inferenceId: z.string(), sequence: z.number(), webhookId: z.string() });

const attemptSchema = z.object({
  /** When it began, in ms. */
  at: z.number(),
  outcome: z.enum(["answered", "timed_out", "unreachable", "refused", "internal_error"]),
  status: z.number().nullable(),
  durationMs: z.number(),
  /** The beginning of the answer, shorter once another attempt was made, or why the URL was refused. */
  answer: z.string(),
  /** The id of its span, which its receiver was told. */
  span: z.string().optional(),
});

/** One attempt, as it is kept. */
export type Attempt = Readonly<z.infer<typeof attemptSchema>>;

const deliverySchema = keySchema.extend({
  event: z.enum(ALL_EVENTS),
  url: z.string(),
  status: z.enum(DELIVERY_STATUSES),
  createdAt: z.number(),
  /** When it is tried next; null if it is not tried again, or is being tried. */
  nextAt: z.number().nullable(),
  attempts: jsonColumn(z.array(attemptSchema)),
});

export type Delivery = Readonly<z.infer<typeof deliverySchema>>;

/** Where a delivery stands among those of its account: by `at`, its event's time, or the time of its next attempt; in ms. */
export interface DeliveryPlace extends Omit<DeliveryKey, "accountId"> {
  readonly at: number;
}

export type PlacedDelivery = Delivery & DeliveryPlace;

const claimSchema = keySchema.extend({
  lease: z.string(),
  event: z.enum(ALL_EVENTS),
  url: z.string(),
  dialect: z.string(),
  /** Attempts recorded so far. */
  attempt: z.number(),
  createdAt: z.number(),
  /** The inference's columns as the event left them; of an event of the account, what there is to say of it. */
  snapshot: jsonColumn(z.record(z.string(), z.unknown())),
  /** Of a report of progress: sent once, as it stands then. */
  hint: z.number().transform((value) => value === 1),
  /** Of the subscription; null for the URL of an inference, which has its own. */
  origin: z.string().nullable(),
});

/** A delivery that is to be tried. */
export type ClaimedDelivery = Readonly<z.infer<typeof claimSchema>>;

/** A delivery under the lease of the attempt at it. */
export type LeasedDelivery = DeliveryKey & Pick<ClaimedDelivery, "lease">;

/** What follows for a delivery from an attempt. */
export type Recorded = { readonly status: "succeeded" | "failed" } | { readonly status: "pending"; readonly delayMs: number };

const key = sql`account_id, inference_id, sequence, webhook_id`;
const keyColumns = sql`account_id AS accountId, inference_id AS inferenceId, sequence, webhook_id AS webhookId`;
const deliveryColumns = sql`${keyColumns}, event, url, status, created_at AS createdAt,
  iif(lease IS NULL, due_at, NULL) AS nextAt, attempts`;
const isKey = (it: DeliveryKey) => sql`account_id = ${it.accountId} AND inference_id = ${it.inferenceId}
  AND sequence = ${it.sequence} AND webhook_id = ${it.webhookId}`;
const isLeased = (it: LeasedDelivery) => sql`${isKey(it)} AND lease = ${it.lease}`;
/** Due at once, with all of its attempts ahead of it. */
const again = sql`status = 'pending', attempt = 0, due_at = ${NOW}, lease = NULL`;
/** The first of an account's due deliveries. An account may have a great many, so they are looked at in parts. */
const dueOf = (accountId: string) => sql`SELECT ${key}, url, hint, due_at FROM deliveries INDEXED BY deliveries_due
  WHERE account_id = ${accountId} AND due_at <= ${NOW} ORDER BY due_at LIMIT ${DELIVERIES_SEEN}`;

export const deliveryStatements = {
  /**
   * Settles what is due for an endpoint that is not called: canceled if its webhook was removed, held until somebody
   * sends it again if the endpoint is stopped, else put off until the endpoint may be called.
   */
  settle: (accountId: string) => sql`
    UPDATE deliveries SET lease = NULL, status = iif(found.removed, 'canceled', iif(found.state IS NULL, 'pending', 'held')),
      due_at = iif(found.removed OR found.state IS NOT NULL, NULL, found.held_until)
    FROM (
      SELECT waiting.*, endpoints.state, endpoints.held_until, waiting.webhook_id <> ''
        AND NOT EXISTS (SELECT 1 FROM webhooks WHERE webhooks.account_id = waiting.account_id AND webhooks.id = waiting.webhook_id) AS removed
      FROM (${dueOf(accountId)}) AS waiting
      LEFT JOIN endpoints ON endpoints.account_id = waiting.account_id AND endpoints.url = waiting.url
    ) AS found
    WHERE (deliveries.account_id, deliveries.inference_id, deliveries.sequence, deliveries.webhook_id)
        = (found.account_id, found.inference_id, found.sequence, found.webhook_id)
      AND (found.removed OR found.state IS NOT NULL OR found.held_until > ${NOW})
    RETURNING deliveries.sequence`,
  /** Claims due deliveries of the account: each endpoint's first before any endpoint's second, and reports of progress after all others. */
  claim: (accountId: string, lease: string, limit: number) => sql`
    UPDATE deliveries SET lease = ${lease}, due_at = ${NOW} + ${DELIVERY_LEASE_MS}
    WHERE (${key}) IN (
      SELECT ${key} FROM (SELECT ${key}, hint, due_at, row_number() OVER (PARTITION BY url, hint ORDER BY due_at) AS place
        FROM (${dueOf(accountId)}) AS waiting) AS lined
      ORDER BY hint, place, due_at LIMIT ${limit})
    RETURNING ${keyColumns}, lease, event, url, dialect, attempt, created_at AS createdAt, snapshot, hint,
      (SELECT origin FROM webhooks WHERE webhooks.account_id = deliveries.account_id AND webhooks.id = deliveries.webhook_id) AS origin`,
  /** Records how an attempt ended; of the answer before, less is kept now. Changes nothing if the delivery is no longer under that lease. */
  record: (it: LeasedDelivery, made: Recorded, attempt: Omit<Attempt, "at">) => sql`
    UPDATE deliveries SET status = ${made.status}, attempt = attempt + 1, lease = NULL,
      due_at = ${made.status === "pending" ? sql`${NOW} + ${made.delayMs}` : sql`NULL`},
      attempts = json_insert(json_replace(iif(json_array_length(attempts) >= ${DELIVERY_ATTEMPTS_KEPT}, json_remove(attempts, '$[0]'), attempts),
          '$[#-1].answer', substr(attempts ->> '$[#-1].answer', 1, ${DELIVERY_EARLIER_ANSWER_CHARACTERS})),
        '$[#]', json_insert(${JSON.stringify(attempt)}, '$.at', ${NOW} - ${attempt.durationMs}))
    WHERE ${isLeased(it)} RETURNING status`,
  /** What it would tell of is gone. */
  cancel: (it: LeasedDelivery) => sql`
    UPDATE deliveries SET status = 'canceled', due_at = NULL, lease = NULL WHERE ${isLeased(it)} RETURNING status`,
  /** Those of an inference after one of them, the oldest event first. */
  list: (after: DeliveryKey, limit: number) => sql`
    SELECT ${deliveryColumns} FROM deliveries WHERE account_id = ${after.accountId} AND inference_id = ${after.inferenceId}
      AND (sequence, webhook_id) > (${after.sequence}, ${after.webhookId}) ORDER BY sequence, webhook_id LIMIT ${limit}`,
  /** Those of an account that failed or are held, before one of them, webhook by webhook, each one's newest event first. */
  failed: (accountId: string, webhookId: string | null, before: DeliveryPlace | null, limit: number) => sql`
    SELECT ${deliveryColumns}, created_at AS at FROM deliveries INDEXED BY deliveries_kept
    WHERE status IN ('held', 'failed') AND account_id = ${accountId} ${webhookId === null ? sql`` : sql`AND webhook_id = ${webhookId}`}
      ${before ? sql`AND (webhook_id, created_at, inference_id, sequence) < (${before.webhookId}, ${before.at}, ${before.inferenceId}, ${before.sequence})` : sql``}
    ORDER BY webhook_id DESC, created_at DESC, inference_id DESC, sequence DESC LIMIT ${limit}`,
  /** Those of an account that wait for an attempt, or are in one, after one of them, the next to be tried first. */
  pending: (accountId: string, after: DeliveryPlace | null, limit: number) => sql`
    SELECT ${deliveryColumns}, due_at AS at FROM deliveries INDEXED BY deliveries_due WHERE due_at IS NOT NULL AND account_id = ${accountId}
      ${after ? sql`AND (due_at, inference_id, sequence, webhook_id) > (${after.at}, ${after.inferenceId}, ${after.sequence}, ${after.webhookId})` : sql``}
    ORDER BY due_at, inference_id, sequence, webhook_id LIMIT ${limit}`,
  find: (it: DeliveryKey) => sql`SELECT ${deliveryColumns} FROM deliveries WHERE ${isKey(it)}`,
  /** At once, unless it is being tried right now. */
  resend: (it: DeliveryKey) => sql`
    UPDATE deliveries SET ${again} WHERE ${isKey(it)} AND (lease IS NULL OR due_at <= ${NOW}) RETURNING ${deliveryColumns}`,
  /** The first of what failed or was held since a time, of a webhook, or of the URLs given with inferences (''). */
  resendSince: (accountId: string, webhookId: string, since: number) => sql`
    UPDATE deliveries SET ${again}
    WHERE (${key}) IN (SELECT ${key} FROM deliveries INDEXED BY deliveries_kept
      WHERE status IN ('held', 'failed') AND account_id = ${accountId} AND webhook_id = ${webhookId} AND created_at >= ${since}
        AND NOT EXISTS (SELECT 1 FROM endpoints WHERE endpoints.account_id = deliveries.account_id AND endpoints.url = deliveries.url AND state IS NOT NULL)
      ORDER BY created_at LIMIT ${DELIVERIES_RESENT})
    RETURNING created_at AS createdAt`,
  /** Accounts that have something due soon, found one after the other by index, and in how long, in ms. */
  waiting: () => sql`
    WITH RECURSIVE account (id) AS (
      SELECT min(account_id) FROM deliveries INDEXED BY deliveries_due WHERE due_at IS NOT NULL
      UNION ALL
      SELECT (SELECT min(account_id) FROM deliveries INDEXED BY deliveries_due WHERE due_at IS NOT NULL AND account_id > account.id)
      FROM account WHERE account.id IS NOT NULL
    )
    SELECT * FROM (
      SELECT account.id AS accountId, (SELECT min(due_at) FROM deliveries INDEXED BY deliveries_due
        WHERE account_id = account.id AND due_at IS NOT NULL) - ${NOW} AS dueInMs FROM account WHERE account.id IS NOT NULL
    ) AS found WHERE dueInMs <= ${DELIVERY_HORIZON_MS}`,
} satisfies Record<string, (...args: never[]) => Sql>;

/** Claims what is due for an account and may be sent, at most `limit` deliveries, under `lease`. */
export async function claimDeliveries(db: Database, accountId: string, lease: string, limit: number): Promise<ClaimedDelivery[]> {
  const [, claimed = []] = await db.batch([deliveryStatements.settle(accountId), deliveryStatements.claim(accountId, lease, limit)]);
  return z.array(claimSchema).parse(claimed);
}

/** Gives up a delivery of which there is nothing left to tell. */
export async function cancelDelivery(db: Database, it: LeasedDelivery): Promise<void> {
  await db.all(deliveryStatements.cancel(it));
}

export async function listDeliveries(db: Database, after: DeliveryKey, limit: number): Promise<Delivery[]> {
  return z.array(deliverySchema).parse(await db.all(deliveryStatements.list(after, limit)));
}

const placedSchema = z.array(deliverySchema.extend({ at: z.number() }));

/** A page of what failed, or is held; of one webhook, or of all (null). See `failed` above for its order. */
export async function listFailed(
  db: Database,
  accountId: string,
  webhookId: string | null,
  before: DeliveryPlace | null,
  limit: number,
): Promise<PlacedDelivery[]> {
  return placedSchema.parse(await db.all(deliveryStatements.failed(accountId, webhookId, before, limit)));
}

export async function listPending(db: Database, accountId: string, after: DeliveryPlace | null, limit: number): Promise<PlacedDelivery[]> {
  return placedSchema.parse(await db.all(deliveryStatements.pending(accountId, after, limit)));
}

export async function findDelivery(db: Database, it: DeliveryKey): Promise<Delivery | null> {
  const row = await first(db, deliveryStatements.find(it));
  return row && deliverySchema.parse(row);
}

/** Returns the delivery as it stands after that; null if not found. */
export async function resendDelivery(db: Database, it: DeliveryKey): Promise<Delivery | null> {
  const [resent = [], found = []] = await db.batch([deliveryStatements.resend(it), deliveryStatements.find(it)]);
  const row = resent[0] ?? found[0];
  return row ? deliverySchema.parse(row) : null;
}

/** How many are sent again, and from when on there may be more; null at the end. */
export async function resendSince(
  db: Database,
  accountId: string,
  webhookId: string,
  since: number,
): Promise<{ resent: number; next: number | null }> {
  const rows = await db.all(deliveryStatements.resendSince(accountId, webhookId, since));
  const times = rows.map((row) => Number(row["createdAt"]));
  return { resent: rows.length, next: rows.length < DELIVERIES_RESENT ? null : Math.max(...times) };
}

const waitingSchema = z.array(z.object({ accountId: z.string(), dueInMs: z.number() }));

/** Accounts with something due, and whether anything is due soon enough to stay awake for. */
export function waitingFrom(rows: readonly Row[]): { accounts: string[]; soon: boolean } {
  const found = waitingSchema.parse(rows);
  return { accounts: found.filter(({ dueInMs }) => dueInMs <= 0).map(({ accountId }) => accountId), soon: found.length > 0 };
}

/**
 * All SQL on webhooks, the endpoints they lead to, the secrets they are signed with, and the outbox. The outbox is filled
 * by a trigger (schema.sql) in the transaction that changes an inference's status, whoever changes it; nothing here
 * inserts a delivery. Invariants kept here:
 * - a delivery is claimed by one statement under a lease of its own, and what comes of an attempt names that lease, so
 *   of two that try the same one only the last to claim it records; a lease that lapses makes it due again;
 * - an endpoint that is not called has nothing due for long: what comes due is held, some rows at a time.
 */
import * as z from "zod";
import {
  DELIVERIES_RESENT,
  DELIVERIES_SEEN,
  DELIVERY_ATTEMPTS_KEPT,
  DELIVERY_HORIZON_MS,
  DELIVERY_LEASE_MS,
  SECRET_OVERLAP_MS,
  WEBHOOKS_PER_ACCOUNT,
} from "../limits.ts";
import { type Database, NOW, type Row, type Sql, first, join, sql } from "../platform/sql.ts";
import type { DeliveryKey } from "./delivery.ts";
import { DELIVERY_STATUSES, type DeliveryStatus, EVENTS, type EventName } from "../inferences/webhook.ts";

/** An account's standing subscription. */
export interface Subscription {
  readonly accountId: string;
  readonly id: string;
  readonly url: string;
  readonly events: readonly EventName[];
  readonly description: string;
  readonly origin: string;
  readonly createdAt: number;
  readonly endpoint: Endpoint | null;
}

/** `gone`: it answered 410; `rested`: it failed for too long; `disabled`: the account said so. */
export const ENDPOINT_STATES = ["gone", "rested", "disabled"] as const;

/** What is known of a URL of an account, where there is anything to know. Times in ms. */
export interface Endpoint {
  readonly url: string;
  readonly failures: number;
  readonly failingSince: number | null;
  readonly heldUntil: number | null;
  /** Null: it is called. */
  readonly state: (typeof ENDPOINT_STATES)[number] | null;
  readonly stateAt: number | null;
}

/** One attempt, as it is kept. */
export interface Attempt {
  /** When it began, in ms. */
  readonly at: number;
  readonly outcome: "answered" | "timed_out" | "unreachable" | "refused";
  readonly status: number | null;
  readonly durationMs: number;
  /** The beginning of the answer, or why it was refused. */
  readonly answer: string;
}

export interface Delivery extends DeliveryKey {
  readonly event: EventName;
  readonly url: string;
  readonly status: DeliveryStatus;
  readonly createdAt: number;
  /** When it is tried next; null where it is not, or is being tried. */
  readonly nextAt: number | null;
  readonly attempts: readonly Attempt[];
}

/** A delivery that is to be tried. */
export interface ClaimedDelivery extends DeliveryKey {
  readonly lease: string;
  readonly event: EventName;
  readonly url: string;
  readonly dialect: string;
  /** Attempts recorded so far. */
  readonly attempt: number;
  readonly createdAt: number;
  /** The inference's columns as the event left them. */
  readonly snapshot: Row;
  /** Of the subscription; null for the URL of an inference, which has its own. */
  readonly origin: string | null;
}

export interface SealedSecrets {
  readonly sealed: string;
  /** Null where there is none any more. */
  readonly previous: string | null;
  readonly shownAt: number | null;
}

/** What an attempt made of its delivery. */
export type Recorded = { readonly status: "succeeded" | "failed" } | { readonly status: "pending"; readonly delayMs: number };

const webhookColumns = sql`webhooks.account_id, webhooks.id, webhooks.url, events, description, origin, created_at,
  failures, failing_since, held_until, state, state_at`;
const withEndpoint = sql`webhooks LEFT JOIN endpoints ON endpoints.account_id = webhooks.account_id AND endpoints.url = webhooks.url`;
const endpointColumns = sql`url, failures, failing_since, held_until, state, state_at`;
const deliveryColumns = sql`account_id, inference_id, sequence, webhook_id, event, url, status, created_at,
  iif(lease IS NULL, due_at, NULL) AS next_at, attempts`;
const key = sql`account_id, inference_id, sequence, webhook_id`;
const isKey = (it: DeliveryKey) => sql`account_id = ${it.accountId} AND inference_id = ${it.inferenceId}
  AND sequence = ${it.sequence} AND webhook_id = ${it.webhookId}`;
const again = sql`status = 'pending', attempt = 0, due_at = ${NOW}, lease = NULL`;
/** An account's due deliveries, the first of them: what an account has a great many of is looked at in parts. */
const dueOf = (accountId: string) => sql`SELECT ${key}, url, due_at FROM deliveries INDEXED BY deliveries_due
  WHERE account_id = ${accountId} AND due_at <= ${NOW} ORDER BY due_at LIMIT ${DELIVERIES_SEEN}`;

export const webhookStatements = {
  /** No row comes back where the account has that URL already, or as many webhooks as it may. */
  insert: (it: Omit<Subscription, "createdAt" | "endpoint">) => sql`
    INSERT INTO webhooks (account_id, id, url, events, description, origin, created_at)
    SELECT ${it.accountId}, ${it.id}, ${it.url}, ${JSON.stringify(it.events)}, ${it.description}, ${it.origin}, ${NOW}
    WHERE (SELECT count(*) FROM webhooks WHERE account_id = ${it.accountId}) < ${WEBHOOKS_PER_ACCOUNT}
    ON CONFLICT DO NOTHING RETURNING id`,
  find: (accountId: string, id: string) => sql`
    SELECT ${webhookColumns} FROM ${withEndpoint} WHERE webhooks.account_id = ${accountId} AND webhooks.id = ${id}`,
  findByUrl: (accountId: string, url: string) => sql`SELECT id FROM webhooks WHERE account_id = ${accountId} AND url = ${url}`,
  list: (accountId: string) => sql`
    SELECT ${webhookColumns} FROM ${withEndpoint} WHERE webhooks.account_id = ${accountId} ORDER BY webhooks.id`,
  change: (accountId: string, id: string, to: { events?: readonly EventName[] | undefined; description?: string | undefined }) => {
    const sets = [
      sql`id = id`,
      ...(to.events === undefined ? [] : [sql`events = ${JSON.stringify(to.events)}`]),
      ...(to.description === undefined ? [] : [sql`description = ${to.description}`]),
    ];
    return sql`UPDATE webhooks SET ${join(sets, ",")} WHERE account_id = ${accountId} AND id = ${id} RETURNING id`;
  },
  remove: (accountId: string, id: string) => sql`DELETE FROM webhooks WHERE account_id = ${accountId} AND id = ${id} RETURNING id`,
} satisfies Record<string, (...args: never[]) => Sql>;

export const endpointStatements = {
  list: (accountId: string, after: string, limit: number) => sql`
    SELECT ${endpointColumns} FROM endpoints WHERE account_id = ${accountId} AND url > ${after} ORDER BY url LIMIT ${limit}`,
  find: (accountId: string, url: string) => sql`SELECT ${endpointColumns} FROM endpoints WHERE account_id = ${accountId} AND url = ${url}`,
  /** A success ends its streak. */
  proved: (accountId: string, url: string) => sql`
    DELETE FROM endpoints WHERE account_id = ${accountId} AND url = ${url} AND state IS NULL RETURNING url`,
  /** One failure more, counted in the database, since many attempts at one endpoint end at a time. */
  failed: (accountId: string, url: string, holdMs: number) => sql`
    INSERT INTO endpoints (account_id, url, failures, failing_since, held_until)
    SELECT ${accountId}, ${url}, 1, ${NOW}, iif(${holdMs} > 0, ${NOW} + ${holdMs}, NULL) WHERE TRUE
    ON CONFLICT DO UPDATE SET failures = failures + 1, failing_since = coalesce(failing_since, excluded.failing_since),
      held_until = nullif(max(coalesce(held_until, 0), coalesce(excluded.held_until, 0)), 0)
    RETURNING failures, failing_since, ${NOW} AS now`,
  stop: (accountId: string, url: string, state: (typeof ENDPOINT_STATES)[number]) => sql`
    INSERT INTO endpoints (account_id, url, state, state_at) SELECT ${accountId}, ${url}, ${state}, ${NOW} WHERE TRUE
    ON CONFLICT DO UPDATE SET state = excluded.state, state_at = excluded.state_at WHERE endpoints.state IS NULL RETURNING url`,
  enable: (accountId: string, url: string) => sql`DELETE FROM endpoints WHERE account_id = ${accountId} AND url = ${url} RETURNING url`,
} satisfies Record<string, (...args: never[]) => Sql>;

export const secretStatements = {
  insert: (accountId: string, sealed: string) => sql`
    INSERT INTO signing_secrets (account_id, sealed) SELECT ${accountId}, ${sealed} WHERE TRUE ON CONFLICT DO NOTHING RETURNING account_id`,
  find: (accountId: string) => sql`
    SELECT sealed, iif(previous_until > ${NOW}, previous, NULL) AS previous, shown_at FROM signing_secrets WHERE account_id = ${accountId}`,
  /** The newest is about to be shown: a row comes back the first time only. */
  show: (accountId: string) => sql`
    UPDATE signing_secrets SET shown_at = ${NOW} WHERE account_id = ${accountId} AND shown_at IS NULL RETURNING sealed`,
  rotate: (accountId: string, sealed: string) => sql`
    INSERT INTO signing_secrets (account_id, sealed, shown_at) SELECT ${accountId}, ${sealed}, ${NOW} WHERE TRUE
    ON CONFLICT DO UPDATE SET previous = sealed, previous_until = ${NOW} + ${SECRET_OVERLAP_MS}, sealed = excluded.sealed, shown_at = excluded.shown_at
    RETURNING previous_until`,
  /** The same secrets under another seal, unless they were rotated meanwhile. */
  reseal: (accountId: string, was: string, sealed: string, previous: string | null) => sql`
    UPDATE signing_secrets SET sealed = ${sealed}, previous = ${previous} WHERE account_id = ${accountId} AND sealed = ${was} RETURNING account_id`,
} satisfies Record<string, (...args: never[]) => Sql>;

export const deliveryStatements = {
  /**
   * Takes what is due for an endpoint that is not called out of the way: held until somebody sends it again, put off
   * until the endpoint may be called again, or given up with its webhook.
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
  /** The account's due deliveries, each endpoint's first before any endpoint's second. */
  claim: (accountId: string, lease: string, limit: number) => sql`
    UPDATE deliveries SET lease = ${lease}, due_at = ${NOW} + ${DELIVERY_LEASE_MS}
    WHERE (${key}) IN (
      SELECT ${key} FROM (SELECT ${key}, due_at, row_number() OVER (PARTITION BY url ORDER BY due_at) AS place FROM (${dueOf(accountId)}) AS waiting) AS lined
      ORDER BY place, due_at LIMIT ${limit})
    RETURNING ${key}, lease, event, url, dialect, attempt, created_at, snapshot,
      (SELECT origin FROM webhooks WHERE webhooks.account_id = deliveries.account_id AND webhooks.id = deliveries.webhook_id) AS origin`,
  /** How an attempt ended; nothing where the delivery is no longer held under that lease. */
  record: (held: DeliveryKey & { lease: string }, made: Recorded, attempt: Omit<Attempt, "at">) => sql`
    UPDATE deliveries SET status = ${made.status}, attempt = attempt + 1, lease = NULL,
      due_at = ${made.status === "pending" ? sql`${NOW} + ${made.delayMs}` : sql`NULL`},
      attempts = json_insert(iif(json_array_length(attempts) >= ${DELIVERY_ATTEMPTS_KEPT}, json_remove(attempts, '$[0]'), attempts),
        '$[#]', json_insert(${JSON.stringify(attempt)}, '$.at', ${NOW} - ${attempt.durationMs}))
    WHERE ${isKey(held)} AND lease = ${held.lease} RETURNING status`,
  /** What it tells of is gone. */
  cancel: (held: DeliveryKey & { lease: string }) => sql`
    UPDATE deliveries SET status = 'canceled', due_at = NULL, lease = NULL WHERE ${isKey(held)} AND lease = ${held.lease} RETURNING status`,
  list: (accountId: string, inferenceId: string) => sql`
    SELECT ${deliveryColumns} FROM deliveries WHERE account_id = ${accountId} AND inference_id = ${inferenceId} ORDER BY sequence, webhook_id`,
  find: (it: DeliveryKey) => sql`SELECT ${deliveryColumns} FROM deliveries WHERE ${isKey(it)}`,
  /** At once, unless it is being tried right now; with all its attempts anew. */
  resend: (it: DeliveryKey) => sql`
    UPDATE deliveries SET ${again} WHERE ${isKey(it)} AND (lease IS NULL OR due_at <= ${NOW}) RETURNING ${deliveryColumns}`,
  /** The first of what failed or was held since then, of a webhook, or of the URLs given with inferences (''). */
  resendSince: (accountId: string, webhookId: string, since: number) => sql`
    UPDATE deliveries SET ${again}
    WHERE (${key}) IN (SELECT ${key} FROM deliveries INDEXED BY deliveries_kept
      WHERE status IN ('held', 'failed') AND account_id = ${accountId} AND webhook_id = ${webhookId} AND created_at >= ${since}
        AND NOT EXISTS (SELECT 1 FROM endpoints WHERE endpoints.account_id = deliveries.account_id AND endpoints.url = deliveries.url AND state IS NOT NULL)
      ORDER BY created_at LIMIT ${DELIVERIES_RESENT})
    RETURNING created_at`,
  /** Accounts that have something due soon, found one after the other by index, and in how long, in ms. */
  waiting: () => sql`
    WITH RECURSIVE account (id) AS (
      SELECT min(account_id) FROM deliveries INDEXED BY deliveries_due WHERE due_at IS NOT NULL
      UNION ALL
      SELECT (SELECT min(account_id) FROM deliveries INDEXED BY deliveries_due WHERE due_at IS NOT NULL AND account_id > account.id)
      FROM account WHERE account.id IS NOT NULL
    )
    SELECT * FROM (
      SELECT account.id AS account_id, (SELECT min(due_at) FROM deliveries INDEXED BY deliveries_due
        WHERE account_id = account.id AND due_at IS NOT NULL) - ${NOW} AS due_in FROM account WHERE account.id IS NOT NULL
    ) AS found WHERE due_in <= ${DELIVERY_HORIZON_MS}`,
} satisfies Record<string, (...args: never[]) => Sql>;

const endpointSchema = z.object({
  url: z.string(),
  failures: z.number(),
  failing_since: z.number().nullable(),
  held_until: z.number().nullable(),
  state: z.enum(ENDPOINT_STATES).nullable(),
  state_at: z.number().nullable(),
});

function endpointFrom(row: Row): Endpoint {
  const { url, failures, failing_since, held_until, state, state_at } = endpointSchema.parse(row);
  return { url, failures, failingSince: failing_since, heldUntil: held_until, state, stateAt: state_at };
}

const subscriptionSchema = z.object({
  account_id: z.string(),
  id: z.string(),
  url: z.string(),
  events: z.string(),
  description: z.string(),
  origin: z.string(),
  created_at: z.number(),
});

function subscriptionFrom(row: Row): Subscription {
  const { account_id, id, url, events, description, origin, created_at } = subscriptionSchema.parse(row);
  return {
    accountId: account_id,
    id,
    url,
    events: z.array(z.enum(EVENTS)).parse(JSON.parse(events)),
    description,
    origin,
    createdAt: created_at,
    endpoint: row["failures"] === null ? null : endpointFrom(row),
  };
}

const keySchema = z.object({ account_id: z.string(), inference_id: z.string(), sequence: z.number(), webhook_id: z.string() });

function keyFrom(row: z.infer<typeof keySchema>): DeliveryKey {
  return { accountId: row.account_id, inferenceId: row.inference_id, sequence: row.sequence, webhookId: row.webhook_id };
}

const attemptSchema = z.object({
  at: z.number(),
  outcome: z.enum(["answered", "timed_out", "unreachable", "refused"]),
  status: z.number().nullable(),
  durationMs: z.number(),
  answer: z.string(),
});

const deliverySchema = keySchema.extend({
  event: z.enum(EVENTS),
  url: z.string(),
  status: z.enum(DELIVERY_STATUSES),
  created_at: z.number(),
  next_at: z.number().nullable(),
  attempts: z.string(),
});

function deliveryFrom(raw: Row): Delivery {
  const row = deliverySchema.parse(raw);
  const { event, url, status, created_at, next_at, attempts } = row;
  const tried = z.array(attemptSchema).parse(JSON.parse(attempts));
  return { ...keyFrom(row), event, url, status, createdAt: created_at, nextAt: next_at, attempts: tried };
}

const claimSchema = keySchema.extend({
  lease: z.string(),
  event: z.enum(EVENTS),
  url: z.string(),
  dialect: z.string(),
  attempt: z.number(),
  created_at: z.number(),
  snapshot: z.string(),
  origin: z.string().nullable(),
});

function claimFrom(raw: Row): ClaimedDelivery {
  const row = claimSchema.parse(raw);
  const { lease, event, url, dialect, attempt, created_at, origin } = row;
  const snapshot = z.record(z.string(), z.unknown()).parse(JSON.parse(row.snapshot));
  return { ...keyFrom(row), lease, event, url, dialect, attempt, createdAt: created_at, snapshot, origin };
}

// Subscriptions

/** False where the account has that URL already, or as many webhooks as it may. */
export async function insertWebhook(db: Database, it: Omit<Subscription, "createdAt" | "endpoint">): Promise<boolean> {
  return (await first(db, webhookStatements.insert(it))) !== null;
}

export async function findWebhook(db: Database, accountId: string, id: string): Promise<Subscription | null> {
  const row = await first(db, webhookStatements.find(accountId, id));
  return row && subscriptionFrom(row);
}

export async function hasWebhookAt(db: Database, accountId: string, url: string): Promise<boolean> {
  return (await first(db, webhookStatements.findByUrl(accountId, url))) !== null;
}

export async function listWebhooks(db: Database, accountId: string): Promise<Subscription[]> {
  return (await db.all(webhookStatements.list(accountId))).map(subscriptionFrom);
}

export async function changeWebhook(
  db: Database,
  accountId: string,
  id: string,
  to: Parameters<typeof webhookStatements.change>[2],
): Promise<void> {
  await db.all(webhookStatements.change(accountId, id, to));
}

export async function removeWebhook(db: Database, accountId: string, id: string): Promise<boolean> {
  return (await first(db, webhookStatements.remove(accountId, id))) !== null;
}

// Endpoints

export async function listEndpoints(db: Database, accountId: string, after: string, limit: number): Promise<Endpoint[]> {
  return (await db.all(endpointStatements.list(accountId, after, limit))).map(endpointFrom);
}

export async function findEndpoint(db: Database, accountId: string, url: string): Promise<Endpoint | null> {
  const row = await first(db, endpointStatements.find(accountId, url));
  return row && endpointFrom(row);
}

/** From now on it is not called; nothing changes where it is not called already. */
export async function stopEndpoint(db: Database, accountId: string, url: string, state: (typeof ENDPOINT_STATES)[number]): Promise<void> {
  await db.all(endpointStatements.stop(accountId, url, state));
}

/** It is called again, and its streak is forgotten; what is held for it waits to be sent again. */
export async function enableEndpoint(db: Database, accountId: string, url: string): Promise<void> {
  await db.all(endpointStatements.enable(accountId, url));
}

// Secrets

const sealedSchema = z.object({ sealed: z.string(), previous: z.string().nullable(), shown_at: z.number().nullable() });

export async function findSecrets(db: Database, accountId: string): Promise<SealedSecrets | null> {
  const row = await first(db, secretStatements.find(accountId));
  if (!row) return null;
  const { sealed, previous, shown_at } = sealedSchema.parse(row);
  return { sealed, previous, shownAt: shown_at };
}

// Deliveries

/** What is due for an account and may be sent, at most so many, held under `lease`. */
export async function claimDeliveries(db: Database, accountId: string, lease: string, limit: number): Promise<ClaimedDelivery[]> {
  const [, claimed = []] = await db.batch([deliveryStatements.settle(accountId), deliveryStatements.claim(accountId, lease, limit)]);
  return claimed.map(claimFrom);
}

export async function listDeliveries(db: Database, accountId: string, inferenceId: string): Promise<Delivery[]> {
  return (await db.all(deliveryStatements.list(accountId, inferenceId))).map(deliveryFrom);
}

/** As it stands after that; null where there is none. */
export async function resendDelivery(db: Database, it: DeliveryKey): Promise<Delivery | null> {
  const [resent = [], found = []] = await db.batch([deliveryStatements.resend(it), deliveryStatements.find(it)]);
  const row = resent[0] ?? found[0];
  return row ? deliveryFrom(row) : null;
}

/** How many are sent again, and from where on there may be more; null at the end. */
export async function resendSince(
  db: Database,
  accountId: string,
  webhookId: string,
  since: number,
): Promise<{ resent: number; next: number | null }> {
  const rows = await db.all(deliveryStatements.resendSince(accountId, webhookId, since));
  const times = rows.map((row) => Number(row["created_at"]));
  return { resent: rows.length, next: rows.length < DELIVERIES_RESENT ? null : Math.max(...times) };
}

/** Accounts with something due, and whether anything is due soon enough to stay awake for. */
export function waitingFrom(rows: readonly Row[]): { accounts: string[]; soon: boolean } {
  const found = z.array(z.object({ account_id: z.string(), due_in: z.number() })).parse(rows);
  return { accounts: found.filter(({ due_in }) => due_in <= 0).map(({ account_id }) => account_id), soon: found.length > 0 };
}

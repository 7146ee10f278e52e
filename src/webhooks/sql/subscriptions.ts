/** SQL on an account's standing subscriptions. A subscription is shown with the state of the endpoint that it leads to. */
import * as z from "zod";
import { WEBHOOKS_PER_ACCOUNT } from "../../limits.ts";
import { type Database, NOW, type Row, type Sql, first, join, jsonColumn, sql } from "../../platform/sql.ts";
import { ALL_EVENTS, type AnyEvent } from "../delivery.ts";
import { type Endpoint, endpointColumns, endpointSchema } from "./endpoints.ts";

const subscriptionSchema = z.object({
  accountId: z.string(),
  id: z.string(),
  url: z.string(),
  events: jsonColumn(z.array(z.enum(ALL_EVENTS))),
  description: z.string(),
  /** The address at which the client reached us when the subscription was made. */
  origin: z.string(),
  createdAt: z.number(),
});

/** An account's standing subscription. Its endpoint is null if nothing is known of the URL beyond that it may be called. */
export type Subscription = Readonly<z.infer<typeof subscriptionSchema>> & { readonly endpoint: Endpoint | null };

export type NewSubscription = Omit<Subscription, "createdAt" | "endpoint">;

export interface SubscriptionChange {
  readonly events?: readonly AnyEvent[] | undefined;
  readonly description?: string | undefined;
}

const withEndpoint = sql`
  SELECT webhooks.account_id AS accountId, webhooks.id, webhooks.url, events, description, origin, created_at AS createdAt, ${endpointColumns}
  FROM webhooks LEFT JOIN endpoints ON endpoints.account_id = webhooks.account_id AND endpoints.url = webhooks.url`;

export const subscriptionStatements = {
  /** Returns no row if the account already has that URL, or as many webhooks as it may have. */
  insert: (it: NewSubscription) => sql`
    INSERT INTO webhooks (account_id, id, url, events, description, origin, created_at)
    SELECT ${it.accountId}, ${it.id}, ${it.url}, ${JSON.stringify(it.events)}, ${it.description}, ${it.origin}, ${NOW}
    WHERE (SELECT count(*) FROM webhooks WHERE account_id = ${it.accountId}) < ${WEBHOOKS_PER_ACCOUNT}
    ON CONFLICT DO NOTHING RETURNING id`,
  find: (accountId: string, id: string) => sql`${withEndpoint} WHERE webhooks.account_id = ${accountId} AND webhooks.id = ${id}`,
  findByUrl: (accountId: string, url: string) => sql`SELECT id FROM webhooks WHERE account_id = ${accountId} AND url = ${url}`,
  list: (accountId: string) => sql`${withEndpoint} WHERE webhooks.account_id = ${accountId} ORDER BY webhooks.id`,
  update: (accountId: string, id: string, to: SubscriptionChange) => {
    const sets = [
      sql`id = id`,
      ...(to.events === undefined ? [] : [sql`events = ${JSON.stringify(to.events)}`]),
      ...(to.description === undefined ? [] : [sql`description = ${to.description}`]),
    ];
    return sql`UPDATE webhooks SET ${join(sets, ",")} WHERE account_id = ${accountId} AND id = ${id} RETURNING id`;
  },
  delete: (accountId: string, id: string) => sql`DELETE FROM webhooks WHERE account_id = ${accountId} AND id = ${id} RETURNING id`,
} satisfies Record<string, (...args: never[]) => Sql>;

function subscriptionFrom(row: Row): Subscription {
  return { ...subscriptionSchema.parse(row), endpoint: row["failures"] === null ? null : endpointSchema.parse(row) };
}

/** Returns false if the account already has that URL, or as many webhooks as it may have. */
export async function insertSubscription(db: Database, it: NewSubscription): Promise<boolean> {
  return (await first(db, subscriptionStatements.insert(it))) !== null;
}

export async function findSubscription(db: Database, accountId: string, id: string): Promise<Subscription | null> {
  const row = await first(db, subscriptionStatements.find(accountId, id));
  return row && subscriptionFrom(row);
}

export async function hasSubscriptionTo(db: Database, accountId: string, url: string): Promise<boolean> {
  return (await first(db, subscriptionStatements.findByUrl(accountId, url))) !== null;
}

export async function listSubscriptions(db: Database, accountId: string): Promise<Subscription[]> {
  return (await db.all(subscriptionStatements.list(accountId))).map(subscriptionFrom);
}

export async function updateSubscription(db: Database, accountId: string, id: string, to: SubscriptionChange): Promise<void> {
  await db.all(subscriptionStatements.update(accountId, id, to));
}

export async function deleteSubscription(db: Database, accountId: string, id: string): Promise<boolean> {
  return (await first(db, subscriptionStatements.delete(accountId, id))) !== null;
}

/**
 * SQL on endpoints: what is known of a URL of an account. Most URLs have no row. An endpoint in a state is not called:
 * what comes due for it is held (deliveries.ts).
 */
import * as z from "zod";
import { ENDPOINT_FORGOTTEN_MS } from "../../limits.ts";
import { type Database, NOW, type Sql, first, sql } from "../../platform/sql.ts";

/** `gone`: it answered 410; `rested`: it failed for too long; `disabled`: the account disabled it. */
const ENDPOINT_STATES = ["gone", "rested", "disabled"] as const;

export type EndpointState = (typeof ENDPOINT_STATES)[number];

export const endpointSchema = z.object({
  url: z.string(),
  failures: z.number(),
  failingSince: z.number().nullable(),
  heldUntil: z.number().nullable(),
  /** Null: it is called. */
  state: z.enum(ENDPOINT_STATES).nullable(),
  stateAt: z.number().nullable(),
});

/** Times in ms. */
export type Endpoint = Readonly<z.infer<typeof endpointSchema>>;

/** All but the URL. */
export const endpointColumns = sql`failures, failing_since AS failingSince, held_until AS heldUntil, state, state_at AS stateAt`;

export const endpointStatements = {
  list: (accountId: string, after: string, limit: number) => sql`
    SELECT url, ${endpointColumns} FROM endpoints WHERE account_id = ${accountId} AND url > ${after} ORDER BY url LIMIT ${limit}`,
  find: (accountId: string, url: string) => sql`
    SELECT url, ${endpointColumns} FROM endpoints WHERE account_id = ${accountId} AND url = ${url}`,
  /** A success ends its streak of failures. */
  succeeded: (accountId: string, url: string) => sql`
    DELETE FROM endpoints WHERE account_id = ${accountId} AND url = ${url} AND state IS NULL RETURNING url`,
  /** One failure more. The database counts, since many attempts at one endpoint may end at the same time. */
  failed: (accountId: string, url: string, holdMs: number) => sql`
    INSERT INTO endpoints (account_id, url, failures, failing_since, held_until)
    SELECT ${accountId}, ${url}, 1, ${NOW}, iif(${holdMs} > 0, ${NOW} + ${holdMs}, NULL) WHERE TRUE
    ON CONFLICT DO UPDATE SET failures = failures + 1, failing_since = coalesce(failing_since, excluded.failing_since),
      held_until = nullif(max(coalesce(held_until, 0), coalesce(excluded.held_until, 0)), 0)
    RETURNING failures, failing_since AS since, ${NOW} AS now`,
  stop: (accountId: string, url: string, state: EndpointState) => sql`
    INSERT INTO endpoints (account_id, url, state, state_at) SELECT ${accountId}, ${url}, ${state}, ${NOW} WHERE TRUE
    ON CONFLICT DO UPDATE SET state = excluded.state, state_at = excluded.state_at WHERE endpoints.state IS NULL RETURNING url`,
  enable: (accountId: string, url: string) => sql`DELETE FROM endpoints WHERE account_id = ${accountId} AND url = ${url} RETURNING url`,
  /** Sweep: forgets endpoints that are called and whose failures began long ago. */
  forget: (limit: number) => sql`
    DELETE FROM endpoints WHERE (account_id, url) IN (SELECT account_id, url FROM endpoints INDEXED BY endpoints_failing
      WHERE state IS NULL AND failing_since <= ${NOW} - ${ENDPOINT_FORGOTTEN_MS} ORDER BY failing_since LIMIT ${limit}) RETURNING url`,
} satisfies Record<string, (...args: never[]) => Sql>;

/** What `failed` returns: failures in a row since a time, and the database's own time (ms). */
export const streakSchema = z.object({ failures: z.number(), since: z.number(), now: z.number() });

export async function listEndpoints(db: Database, accountId: string, after: string, limit: number): Promise<Endpoint[]> {
  return z.array(endpointSchema).parse(await db.all(endpointStatements.list(accountId, after, limit)));
}

export async function findEndpoint(db: Database, accountId: string, url: string): Promise<Endpoint | null> {
  const row = await first(db, endpointStatements.find(accountId, url));
  return row && endpointSchema.parse(row);
}

/** The endpoint is not called from now on. Nothing changes if it is not called already. */
export async function stopEndpoint(db: Database, accountId: string, url: string, state: EndpointState): Promise<void> {
  await db.all(endpointStatements.stop(accountId, url, state));
}

/** The endpoint is called again and its failures are forgotten. What is held for it stays held until it is sent again. */
export async function enableEndpoint(db: Database, accountId: string, url: string): Promise<void> {
  await db.all(endpointStatements.enable(accountId, url));
}

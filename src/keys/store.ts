/**
 * All SQL on keys. A key's text is never stored, only its SHA-256. What may be asked of a key is its record; a key of
 * a removed account reads as revoked.
 */
import * as z from "zod";
import { KEY_LIMITS, KEY_LIMIT_RANGE } from "../limits.ts";
import { type Database, NOW, type Row, type Sql, first, sql } from "../platform/sql.ts";
import { SCOPES, type Scope } from "./key.ts";

/** Requests a second by class of call. */
export const limitsSchema = z.strictObject({
  read: z.int().min(KEY_LIMIT_RANGE[0]).max(KEY_LIMIT_RANGE[1]),
  submit: z.int().min(KEY_LIMIT_RANGE[0]).max(KEY_LIMIT_RANGE[1]),
  cancel: z.int().min(KEY_LIMIT_RANGE[0]).max(KEY_LIMIT_RANGE[1]),
} satisfies Record<Scope, z.ZodInt>);
export type Limits = z.infer<typeof limitsSchema>;

export interface Key {
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  readonly digest: string;
  readonly scopes: readonly Scope[];
  readonly limits: Limits;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}

export interface NewKey {
  accountId: string;
  id: string;
  digest: string;
  name: string;
  scopes: readonly Scope[];
  limits: Partial<Limits>;
  expiresAt: number | null;
}

export interface KeyChange {
  name?: string;
  scopes?: readonly Scope[];
  limits?: Partial<Limits>;
  expiresAt?: number | null;
}

const columns = sql`id, account_id, name, digest, scopes, limits, created_at, expires_at,
  coalesce(revoked_at, (SELECT removed_at FROM accounts WHERE accounts.id = keys.account_id)) AS revoked_at`;

export const keyStatements = {
  insert: (key: NewKey) => sql`
    INSERT INTO keys (account_id, id, name, digest, scopes, limits, created_at, expires_at)
    SELECT accounts.id, ${key.id}, ${key.name}, ${key.digest}, ${JSON.stringify(key.scopes)}, ${JSON.stringify(key.limits)},
      ${NOW}, ${key.expiresAt}
    FROM accounts WHERE accounts.id = ${key.accountId} AND accounts.removed_at IS NULL
    RETURNING ${columns}`,
  find: (accountId: string, id: string) => sql`
    SELECT ${columns} FROM keys WHERE account_id = ${accountId} AND id = ${id}`,
  list: (accountId: string, after: string, limit: number) => sql`
    SELECT ${columns} FROM keys WHERE account_id = ${accountId} AND id > ${after} ORDER BY id LIMIT ${limit}`,
  change: (accountId: string, id: string, change: KeyChange) => sql`
    UPDATE keys SET
      name = coalesce(${change.name ?? null}, name),
      scopes = coalesce(${change.scopes ? JSON.stringify(change.scopes) : null}, scopes),
      limits = json_patch(limits, ${JSON.stringify(change.limits ?? {})}),
      expires_at = iif(${change.expiresAt === undefined ? 0 : 1}, ${change.expiresAt ?? null}, expires_at)
    WHERE account_id = ${accountId} AND id = ${id} AND revoked_at IS NULL
      AND EXISTS (SELECT 1 FROM accounts WHERE accounts.id = keys.account_id AND removed_at IS NULL)
    RETURNING ${columns}`,
  revoke: (accountId: string, id: string) => sql`
    UPDATE keys SET revoked_at = coalesce(revoked_at, ${NOW})
    WHERE account_id = ${accountId} AND id = ${id} RETURNING ${columns}`,
} satisfies Record<string, (...args: never[]) => Sql>;

const rowSchema = z.object({
  id: z.string(),
  account_id: z.string(),
  name: z.string(),
  digest: z.string(),
  scopes: z.string(),
  limits: z.string(),
  created_at: z.number(),
  expires_at: z.number().nullable(),
  revoked_at: z.number().nullable(),
});

function fromRow(row: Row): Key {
  const known = rowSchema.parse(row);
  return {
    id: known.id,
    accountId: known.account_id,
    name: known.name,
    digest: known.digest,
    scopes: z.array(z.enum(SCOPES)).parse(JSON.parse(known.scopes)),
    limits: { ...KEY_LIMITS, ...limitsSchema.partial().parse(JSON.parse(known.limits)) } as Limits, // partial() types its members as possibly undefined; JSON has none
    createdAt: known.created_at,
    expiresAt: known.expires_at,
    revokedAt: known.revoked_at,
  };
}

const orNull = (row: Row | null): Key | null => (row ? fromRow(row) : null);

/** Null where the account does not exist. */
export async function insertKey(db: Database, key: NewKey): Promise<Key | null> {
  return orNull(await first(db, keyStatements.insert(key)));
}

export async function findKey(db: Database, accountId: string, id: string): Promise<Key | null> {
  return orNull(await first(db, keyStatements.find(accountId, id)));
}

export async function listKeys(db: Database, accountId: string, after: string, limit: number): Promise<Key[]> {
  return (await db.all(keyStatements.list(accountId, after, limit))).map(fromRow);
}

/** Null where there is no such key or it is revoked. */
export async function changeKey(db: Database, accountId: string, id: string, change: KeyChange): Promise<Key | null> {
  return orNull(await first(db, keyStatements.change(accountId, id, change)));
}

export async function revokeKey(db: Database, accountId: string, id: string): Promise<Key | null> {
  return orNull(await first(db, keyStatements.revoke(accountId, id)));
}

/**
 * All SQL on keys. A key's text is never stored, only its SHA-256. What may be asked of a key is its record; a key of
 * a removed account reads as revoked.
 */
import * as z from "zod";
import { KEY_LIMITS, KEY_LIMIT_RANGE } from "../limits.ts";
import { type Database, NOW, type Sql, jsonColumn, rowsOf, sql } from "../platform/sql.ts";
import { SCOPES, type Scope } from "./key.ts";

/** Requests a second by class of call. */
export const limitsSchema = z.strictObject({
  read: z.int().min(KEY_LIMIT_RANGE[0]).max(KEY_LIMIT_RANGE[1]),
  submit: z.int().min(KEY_LIMIT_RANGE[0]).max(KEY_LIMIT_RANGE[1]),
  cancel: z.int().min(KEY_LIMIT_RANGE[0]).max(KEY_LIMIT_RANGE[1]),
} satisfies Record<Scope, z.ZodInt>);
export type Limits = z.infer<typeof limitsSchema>;

const keySchema = z.object({
  id: z.string(),
  accountId: z.string(),
  name: z.string(),
  digest: z.string(),
  scopes: jsonColumn(z.array(z.enum(SCOPES))),
  limits: jsonColumn(limitsSchema.partial()).transform((own) => ({ ...KEY_LIMITS, ...own }) as Limits), // JSON has no member that is undefined
  createdAt: z.number(),
  expiresAt: z.number().nullable(),
  revokedAt: z.number().nullable(),
  lastUsedAt: z.number().nullable(),
});
export type Key = Readonly<z.infer<typeof keySchema>>;

/** Where a key stands among those of its account. */
export type KeyPlace = Pick<Key, "createdAt" | "id">;

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

const columns = sql`id, account_id AS accountId, name, digest, scopes, limits, created_at AS createdAt, expires_at AS expiresAt,
  coalesce(revoked_at, (SELECT removed_at FROM accounts WHERE accounts.id = keys.account_id)) AS revokedAt, last_used_at AS lastUsedAt`;

export const keyStatements = {
  insert: (key: NewKey) => sql`
    INSERT INTO keys (account_id, id, name, digest, scopes, limits, created_at, expires_at)
    SELECT accounts.id, ${key.id}, ${key.name}, ${key.digest}, ${JSON.stringify(key.scopes)}, ${JSON.stringify(key.limits)},
      ${NOW}, ${key.expiresAt}
    FROM accounts WHERE accounts.id = ${key.accountId} AND accounts.removed_at IS NULL
    RETURNING ${columns}`,
  find: (accountId: string, id: string) => sql`
    SELECT ${columns} FROM keys WHERE account_id = ${accountId} AND id = ${id}`,
  list: (accountId: string, before: KeyPlace, limit: number) => sql`
    SELECT ${columns} FROM keys WHERE account_id = ${accountId} AND (created_at, id) < (${before.createdAt}, ${before.id})
    ORDER BY created_at DESC, id DESC LIMIT ${limit}`,
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
  /** Another key like one that counts. */
  copy: (accountId: string, id: string, copy: { readonly id: string; readonly digest: string }) => sql`
    INSERT INTO keys (account_id, id, name, digest, scopes, limits, created_at, expires_at)
    SELECT account_id, ${copy.id}, name, ${copy.digest}, scopes, limits, ${NOW}, expires_at
    FROM keys WHERE account_id = ${accountId} AND id = ${id} AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ${NOW})
      AND EXISTS (SELECT 1 FROM accounts WHERE accounts.id = keys.account_id AND removed_at IS NULL)
    RETURNING ${columns}`,
  /** Ends a key after so many ms, unless it ends sooner; only if the other key is there. */
  endAfter: (accountId: string, id: string, ms: number, otherId: string) => sql`
    UPDATE keys SET expires_at = min(coalesce(expires_at, ${NOW} + ${ms}), ${NOW} + ${ms})
    WHERE account_id = ${accountId} AND id = ${id} AND EXISTS (SELECT 1 FROM keys AS other WHERE other.account_id = ${accountId} AND other.id = ${otherId})
    RETURNING ${columns}`,
  noteUse: (accountId: string, id: string) => sql`
    UPDATE keys SET last_used_at = ${NOW} WHERE account_id = ${accountId} AND id = ${id}`,
} satisfies Record<string, (...args: never[]) => Sql>;

const keys = rowsOf(keySchema);

/** Null where the account does not exist. */
export async function insertKey(db: Database, key: NewKey): Promise<Key | null> {
  return keys.first(db, keyStatements.insert(key));
}

export async function findKey(db: Database, accountId: string, id: string): Promise<Key | null> {
  return keys.first(db, keyStatements.find(accountId, id));
}

/** The keys of an account, newest first: the first of them, or those behind a key of the page before. */
export async function listKeys(db: Database, accountId: string, behind: KeyPlace | null, limit: number): Promise<Key[]> {
  return keys.all(db, keyStatements.list(accountId, behind ?? { createdAt: Number.MAX_SAFE_INTEGER, id: "" }, limit));
}

/** Null where there is no such key or it is revoked. */
export async function changeKey(db: Database, accountId: string, id: string, change: KeyChange): Promise<Key | null> {
  return keys.first(db, keyStatements.change(accountId, id, change));
}

export async function revokeKey(db: Database, accountId: string, id: string): Promise<Key | null> {
  return keys.first(db, keyStatements.revoke(accountId, id));
}

/**
 * Puts another key beside one that counts, with its name, scopes, limits and end, and ends that one after so many ms. Null where
 * there is no such key, or it counts no more.
 */
export async function rotateKey(
  db: Database,
  { accountId, id }: Pick<Key, "accountId" | "id">,
  next: { readonly id: string; readonly digest: string },
  afterMs: number,
): Promise<{ readonly key: Key; readonly previous: Key } | null> {
  const [made, ended] = await db.batch([keyStatements.copy(accountId, id, next), keyStatements.endAfter(accountId, id, afterMs, next.id)]);
  const key = keys.read(made?.[0]);
  const previous = keys.read(ended?.[0]);
  return key && previous && { key, previous };
}

/** Notes that a key was used just now. */
export async function noteKeyUse(db: Database, accountId: string, id: string): Promise<void> {
  await db.all(keyStatements.noteUse(accountId, id));
}

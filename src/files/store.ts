/**
 * All SQL on files. A row is there before its object, and is ready when the object is: until then it sets aside what the
 * file takes of its account's quota, and tells the sweep what to clear away should nobody come back. What is past its
 * time is not there any more, whether or not the sweep has seen it.
 */
import * as z from "zod";
import { FILE_CHARGE_BYTES, FILE_USED_SECONDS, QUOTA_BYTES, ROW_CHARGE_BYTES, UPLOAD_SECONDS } from "../limits.ts";
import { removalStatements } from "../payloads/removals.ts";
import type { Ports } from "../ports.ts";
import { type Database, NOW, type Sql, first, rowsOf, sql } from "../platform/sql.ts";

/** What OpenAI's clients say that a file is for, where it means something here; '' is everything else. */
export const PURPOSES = ["", "batch", "batch_output"] as const;
export type Purpose = (typeof PURPOSES)[number];

const fileSchema = z.object({
  accountId: z.string(),
  id: z.string(),
  state: z.enum(["uploading", "ready"]),
  /** Empty if it has none. */
  name: z.string(),
  contentType: z.string(),
  /** While it is uploading: what is set aside for it. */
  bytes: z.number(),
  /** In hex; null if it is not known. While it is uploading: what the client says it is. */
  sha256: z.string().nullable(),
  /** Where clients reached us when it was made. */
  origin: z.string(),
  /** Of an upload in parts. */
  uploadId: z.string().nullable(),
  /** Of each part but the last, if a client sends them. */
  partBytes: z.number().nullable(),
  createdAt: z.number(),
  expiresAt: z.number(),
  purpose: z.enum(PURPOSES),
});
export type StoredFile = Readonly<z.infer<typeof fileSchema>>;

export type NewFile = Omit<StoredFile, "state" | "createdAt" | "expiresAt" | "uploadId" | "purpose">;

/** Of its object. */
export const objectKey = ({ accountId, id }: Pick<StoredFile, "accountId" | "id">) => `files/${accountId}/${id}`;

export interface FilePart {
  readonly number: number;
  readonly etag: string;
  readonly bytes: number;
}

/** What an account stores and may store, in bytes. */
export interface StorageUse {
  readonly stored: number;
  readonly quota: number;
  /** What of it lies in the database, and may. */
  readonly inDatabase: number;
  readonly databaseQuota: number;
}

const columns = sql`account_id AS accountId, id, state, name, content_type AS contentType, bytes, sha256, origin, upload_id AS uploadId,
  part_bytes AS partBytes, created_at AS createdAt, expires_at AS expiresAt, purpose`;
const quota = sql`coalesce(quota_bytes, ${QUOTA_BYTES})`;
const databaseQuota = (byDefault: number) => sql`coalesce(database_quota_bytes, ${byDefault})`;
/** What a file counts as; the triggers of the table count the same. */
export const chargeOf = (bytes: number) => Math.max(bytes, FILE_CHARGE_BYTES);

const keep = (seconds: number) => sql`${NOW} + ${seconds * 1000}`;
const uploading = (accountId: string, id: string) =>
  sql`account_id = ${accountId} AND id = ${id} AND state = 'uploading' AND expires_at > ${NOW}`;
const among = (ids: readonly string[]) => sql`id IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`;

export const fileStatements = {
  /** No row comes back where the quota would be exceeded. */
  insert: (it: NewFile, databaseQuotaBytes: number) => sql`
    INSERT INTO files (account_id, id, state, name, content_type, bytes, sha256, origin, part_bytes, created_at, expires_at)
    SELECT id, ${it.id}, 'uploading', ${it.name}, ${it.contentType}, ${it.bytes}, ${it.sha256}, ${it.origin}, ${it.partBytes},
      ${NOW}, ${keep(UPLOAD_SECONDS)}
    FROM accounts WHERE id = ${it.accountId} AND removed_at IS NULL AND stored_bytes + ${chargeOf(it.bytes)} <= ${quota}
      AND database_bytes + ${ROW_CHARGE_BYTES} <= ${databaseQuota(databaseQuotaBytes)}
    ON CONFLICT DO NOTHING RETURNING ${columns}`,
  find: (accountId: string, id: string) => sql`
    SELECT ${columns} FROM files WHERE account_id = ${accountId} AND id = ${id} AND expires_at > ${NOW}`,
  list: (accountId: string, after: string, limit: number) => sql`
    SELECT ${columns} FROM files WHERE account_id = ${accountId} AND id > ${after} AND expires_at > ${NOW} ORDER BY id LIMIT ${limit}`,
  newest: (accountId: string, before: string, limit: number) => sql`
    SELECT ${columns} FROM files WHERE account_id = ${accountId} AND id < ${before} AND expires_at > ${NOW} ORDER BY id DESC LIMIT ${limit}`,
  describe: (accountId: string, id: string, name: string, contentType: string) => sql`
    UPDATE files SET name = ${name}, content_type = ${contentType} WHERE account_id = ${accountId} AND id = ${id} RETURNING ${columns}`,
  begun: (accountId: string, id: string, uploadId: string) => sql`
    UPDATE files SET upload_id = ${uploadId} WHERE ${uploading(accountId, id)} RETURNING ${columns}`,
  /** Of a file whose length is not known before its end. No row comes back where the quota would be exceeded. */
  setAside: (accountId: string, id: string, bytes: number) => sql`
    UPDATE files SET bytes = ${bytes} WHERE ${uploading(accountId, id)} AND EXISTS (SELECT 1 FROM accounts
      WHERE accounts.id = ${accountId} AND stored_bytes - max(files.bytes, ${FILE_CHARGE_BYTES}) + ${chargeOf(bytes)} <= ${quota})
    RETURNING ${columns}`,
  ready: (accountId: string, id: string, bytes: number, sha256: string | null, purpose: Purpose) => sql`
    UPDATE files SET state = 'ready', bytes = ${bytes}, sha256 = ${sha256}, upload_id = NULL, part_bytes = NULL, purpose = ${purpose},
      expires_at = ${NOW} + 1000 * (SELECT retention_seconds FROM accounts WHERE accounts.id = files.account_id)
    WHERE ${uploading(accountId, id)} RETURNING ${columns}`,
  /** A part sent again takes the place of the former. No row comes back where nothing is uploading any more. */
  putPart: (accountId: string, id: string, { number, etag, bytes }: FilePart) => sql`
    INSERT INTO file_parts (account_id, file_id, number, etag, bytes)
    SELECT account_id, id, ${number}, ${etag}, ${bytes} FROM files WHERE ${uploading(accountId, id)}
    ON CONFLICT (account_id, file_id, number) DO UPDATE SET etag = excluded.etag, bytes = excluded.bytes RETURNING number`,
  parts: (accountId: string, id: string) => sql`
    SELECT number, etag, bytes FROM file_parts WHERE account_id = ${accountId} AND file_id = ${id} ORDER BY number`,
  dropParts: (accountId: string, id: string) => sql`
    DELETE FROM file_parts WHERE account_id = ${accountId} AND file_id = ${id} RETURNING number`,
  /** Its time is over at once, unless a batch that is under way reads it. */
  expire: (accountId: string, id: string) => sql`
    UPDATE files SET expires_at = ${NOW} WHERE account_id = ${accountId} AND id = ${id} AND NOT EXISTS (
      SELECT 1 FROM batches INDEXED BY batches_open WHERE batches.account_id = files.account_id AND input_file_id = files.id AND ended_at IS NULL)
    RETURNING id`,
  /** An upload that is given up, as its row names it: it may have begun after its caller read the row. */
  noteAbandoned: (accountId: string, id: string) => sql`
    INSERT INTO removals (due_at, object, upload_id) SELECT 0, ${objectKey({ accountId, id })}, upload_id FROM files
    WHERE account_id = ${accountId} AND id = ${id} AND upload_id IS NOT NULL ON CONFLICT DO NOTHING RETURNING object`,
  remove: (accountId: string, id: string) => sql`DELETE FROM files WHERE account_id = ${accountId} AND id = ${id} RETURNING ${columns}`,
  storage: (accountId: string, databaseQuotaBytes: number) => sql`
    SELECT stored_bytes AS stored, ${quota} AS quota, database_bytes AS inDatabase, ${databaseQuota(databaseQuotaBytes)} AS databaseQuota FROM accounts WHERE id = ${accountId}`,
  /** Those that are ready. */
  findMany: (accountId: string, ids: readonly string[]) => sql`
    SELECT ${columns} FROM files WHERE account_id = ${accountId} AND ${among(ids)} AND state = 'ready' AND expires_at > ${NOW}`,
  /** They are kept while an inference that begins no earlier than `from`, in ms, may need them; most have long enough left, and nothing is written. */
  used: (accountId: string, ids: readonly string[], from: number) => {
    const until = sql`max(${NOW}, ${from}) + ${FILE_USED_SECONDS * 1000}`;
    return sql`
    UPDATE files SET expires_at = ${until}
    WHERE account_id = ${accountId} AND ${among(ids)} AND state = 'ready' AND expires_at > ${NOW} AND expires_at < ${until}
    RETURNING id`;
  },
  /** Sweep: what is past its time, longest first. */
  expired: (limit: number) => sql`SELECT ${columns} FROM files WHERE expires_at <= ${NOW} ORDER BY expires_at LIMIT ${limit}`,
  /** Of objects' keys, those that are no file's. */
  unnamed: (keys: readonly string[]) => sql`
    SELECT value FROM json_each(${JSON.stringify(keys)}) AS object WHERE NOT EXISTS (SELECT 1 FROM files
      WHERE account_id = substr(object.value, 7, instr(substr(object.value, 7), '/') - 1)
        AND id = substr(object.value, 7 + instr(substr(object.value, 7), '/')))`,
} satisfies Record<string, (...args: never[]) => Sql>;

const files = rowsOf(fileSchema);

type QuotaPorts = Pick<Ports, "db" | "databaseQuotaBytes">;

/** Null where its account's quota would be exceeded. */
export async function insertFile({ db, databaseQuotaBytes }: QuotaPorts, file: NewFile): Promise<StoredFile | null> {
  return files.first(db, fileStatements.insert(file, databaseQuotaBytes));
}

export async function findFile(db: Database, accountId: string, id: string): Promise<StoredFile | null> {
  return files.first(db, fileStatements.find(accountId, id));
}

export async function listFiles(db: Database, accountId: string, after: string, limit: number): Promise<StoredFile[]> {
  return files.all(db, fileStatements.list(accountId, after, limit));
}

/** Newest first, before an id; '~' comes after all of them. */
export async function newestFiles(db: Database, accountId: string, before: string, limit: number): Promise<StoredFile[]> {
  return files.all(db, fileStatements.newest(accountId, before, limit));
}

/** Gives a file another name and type; null if it is gone. */
export async function describeFile(
  db: Database,
  { accountId, id }: StoredFile,
  { name, contentType }: Pick<StoredFile, "name" | "contentType">,
): Promise<StoredFile | null> {
  return files.first(db, fileStatements.describe(accountId, id, name, contentType));
}

/** Notes R2's id of an upload in parts; null where nobody waits for the file any more. */
export async function beginParts(db: Database, { accountId, id }: StoredFile, uploadId: string): Promise<StoredFile | null> {
  return files.first(db, fileStatements.begun(accountId, id, uploadId));
}

/** Sets so many bytes aside for a file in all; false where its account's quota would be exceeded. */
export async function setAside(db: Database, { accountId, id }: StoredFile, bytes: number): Promise<boolean> {
  return (await first(db, fileStatements.setAside(accountId, id, bytes))) !== null;
}

/** The object is there: from now on the file is. Null where it was removed meanwhile; then the object is nobody's. */
export async function fileIsReady(
  db: Database,
  { accountId, id }: StoredFile,
  bytes: number,
  sha256: string | null,
  purpose: Purpose = "",
): Promise<StoredFile | null> {
  const [rows] = await db.batch([fileStatements.ready(accountId, id, bytes, sha256, purpose), fileStatements.dropParts(accountId, id)]);
  return files.read(rows?.[0]);
}

/** False where the upload is over. */
export async function putPart(db: Database, { accountId, id }: Pick<StoredFile, "accountId" | "id">, part: FilePart): Promise<boolean> {
  return (await first(db, fileStatements.putPart(accountId, id, part))) !== null;
}

/** The parts of an upload are to be sent again. */
export async function forgetParts(db: Database, { accountId, id }: StoredFile): Promise<void> {
  await db.all(fileStatements.dropParts(accountId, id));
}

const partSchema = z.array(z.object({ number: z.number(), etag: z.string(), bytes: z.number() }));

/** The parts that are there, in order. */
export async function partsOf(db: Database, { accountId, id }: Pick<StoredFile, "accountId" | "id">): Promise<FilePart[]> {
  return partSchema.parse(await db.all(fileStatements.parts(accountId, id)));
}

/** False for the input of a batch that is under way; any other file is not there any more, and may be removed. */
export async function mayRemove(db: Database, { accountId, id }: StoredFile): Promise<boolean> {
  return (await first(db, fileStatements.expire(accountId, id))) !== null;
}

/** Removes the row, and notes its object as one that is to go, and its upload in parts as one to be aborted. */
export async function removeFileRow(db: Database, { accountId, id }: Pick<StoredFile, "accountId" | "id">): Promise<void> {
  const object = objectKey({ accountId, id });
  await db.batch([removalStatements.note([object]), fileStatements.noteAbandoned(accountId, id), fileStatements.remove(accountId, id)]);
}

const storage = rowsOf(z.object({ stored: z.number(), quota: z.number(), inDatabase: z.number(), databaseQuota: z.number() }));

export async function storageOf({ db, databaseQuotaBytes }: QuotaPorts, accountId: string): Promise<StorageUse> {
  const use = await storage.first(db, fileStatements.storage(accountId, databaseQuotaBytes));
  return use ?? { stored: 0, quota: QUOTA_BYTES, inDatabase: 0, databaseQuota: databaseQuotaBytes };
}

/** Those of the files that are there. They are kept for the sake of an inference that begins no earlier than `from`, in ms. */
export async function useFiles(db: Database, accountId: string, ids: readonly string[], from: number): Promise<StoredFile[]> {
  const [found = []] = await db.batch([fileStatements.findMany(accountId, ids), fileStatements.used(accountId, ids, from)]);
  return found.flatMap((row) => files.read(row) ?? []);
}

/** Those of the files that are there. */
export async function findFiles(db: Database, accountId: string, ids: readonly string[]): Promise<StoredFile[]> {
  return files.all(db, fileStatements.findMany(accountId, ids));
}

/** Files past their time. */
export async function expiredFiles(db: Database, limit: number): Promise<StoredFile[]> {
  return files.all(db, fileStatements.expired(limit));
}

/** What the keys of files' objects begin with. */
export const FILE_PREFIX = "files/";

/** Of keys that begin so, those that are no file's. */
export async function unnamedFiles(db: Database, keys: readonly string[]): Promise<string[]> {
  if (keys.length === 0) return [];
  return (await db.all(fileStatements.unnamed(keys))).map((row) => String(row["value"]));
}

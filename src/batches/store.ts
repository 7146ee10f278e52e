/**
 * SQL on batches themselves. Invariants kept here:
 * - a step is begun by one statement, which gives it a number of its own; all that it writes names that number, so a step that was
 *   taken for dead and goes on changes nothing;
 * - a batch that has not ended is always due at some time;
 * - "completed" means fetchable: its files become ready in the transaction that ends it.
 */
import * as z from "zod";
import {
  BATCHES_OPEN,
  BATCHES_SEEN,
  BATCH_KEPT_MS,
  BATCH_LOOK_MS,
  BATCH_OPEN_INFERENCES,
  BATCH_STEP_MS,
  FILE_USED_SECONDS,
  GROUP_CHARACTERS,
  ROW_CHARGE_BYTES,
  UPLOAD_SECONDS,
} from "../limits.ts";
import { objectKey } from "../files/store.ts";
import { databaseQuotaOf } from "../inferences/sql/insert.ts";
import { openLimitOf } from "../inferences/sql/fragments.ts";
import { type Database, NOW, type Sql, type SqlValue, first, join, rowsOf, sql } from "../platform/sql.ts";
import { type Batch, type Step, batchSchema, stepSchema } from "./batch.ts";

export interface NewBatch extends Pick<
  Batch,
  "accountId" | "id" | "keyId" | "endpoint" | "inputFileId" | "completionWindow" | "metadata" | "outputSeconds" | "origin" | "fingerprint"
> {
  readonly windowMs: number;
  readonly idempotencyKey: string | null;
  readonly databaseQuotaBytes: number;
}

const columns = sql`account_id AS accountId, id, key_id AS keyId, endpoint, input_file_id AS inputFileId, input_bytes AS inputBytes,
  completion_window AS completionWindow, metadata, output_seconds AS outputSeconds, origin, fingerprint, status, ends_as AS endsAs, phase,
  created_at AS createdAt, expires_at AS expiresAt, in_progress_at AS inProgressAt, cancelling_at AS cancellingAt,
  finalizing_at AS finalizingAt, ended_at AS endedAt, total, placed, completed, failed, position, line,
  output_file_id AS outputFileId, error_file_id AS errorFileId, errors`;

/** How many inferences more the batches of a row's account may have open. */
const room = sql`(SELECT max(0, min(${BATCH_OPEN_INFERENCES}, max(1, ${openLimitOf(sql`owner`)} / 2))
    - (SELECT coalesce(sum(max(0, placed - completed - failed)), 0) FROM batches AS own INDEXED BY batches_open
      WHERE own.account_id = batches.account_id AND own.ended_at IS NULL))
  FROM (SELECT 1) LEFT JOIN accounts AS owner ON owner.id = batches.account_id)`;

const isOrphan = sql`EXISTS (SELECT 1 FROM accounts WHERE accounts.id = batches.account_id AND removed_at IS NOT NULL)`;

type Fence = Pick<Step, "accountId" | "id" | "step">;
const fenced = ({ accountId, id, step }: Fence) => sql`account_id = ${accountId} AND id = ${id} AND step = ${step}`;
const isFenced = (step: Fence) => sql`EXISTS (SELECT 1 FROM batches WHERE ${fenced(step)})`;

/** What a step may set. */
type Column =
  | "status"
  | "ends_as"
  | "phase"
  | "in_progress_at"
  | "finalizing_at"
  | "ended_at"
  | "total"
  | "placed"
  | "completed"
  | "failed"
  | "position"
  | "line"
  | "output_file_id"
  | "error_file_id"
  | "writing"
  | "errors"
  | "digests";
export type Changes = Readonly<Partial<Record<Column, SqlValue | Sql>>>;

/** Under what a step ends, beside that it was the last one begun. */
interface Terms {
  /** So many of its files are ready. */
  readonly ready?: number;
  /** All of its lines have ended, and none was redriven since the step began. */
  readonly allEnded?: boolean;
}

/** What it was due at is its lease; `at` is when the next step may begin. */
const change = (step: Fence, changes: Changes, at: Sql, { ready = 0, allEnded = false }: Terms = {}) => {
  const set = Object.entries(changes).map(([column, value]) => sql`${{ text: column, params: [] }} = ${value}`);
  const areReady = sql` AND ${ready} = (SELECT count(*) FROM files WHERE files.account_id = batches.account_id
    AND files.id IN (output_file_id, error_file_id) AND state = 'ready')`;
  return sql`UPDATE batches SET ${join([...set, sql`due_at = ${at}`], ",")} WHERE ${fenced(step)}${ready > 0 ? areReady : sql``}${
    allEnded ? sql` AND completed + failed >= total` : sql``
  } RETURNING id`;
};

/** A line that is refused. */
export interface Refusal {
  readonly line: number;
  readonly customId: string;
  /** JSON: status and body. */
  readonly answer: string;
}

/** As JSON, in groups that a statement may take: no value of D1 may have more than 2 MB. */
function groupsOf(all: readonly Refusal[]): string[][] {
  const groups: string[][] = [];
  let characters = Infinity;
  for (const { line, customId, answer } of all) {
    const text = JSON.stringify([line, customId, answer]);
    characters += text.length;
    if (characters > GROUP_CHARACTERS) {
      groups.push([]);
      characters = text.length;
    }
    groups.at(-1)?.push(text);
  }
  return groups;
}

export const batchStatements = {
  /** No row comes back if the file is not there, the account has too many batches under way or too much in the database, or its key is used. */
  insert: (it: NewBatch) => sql`
    INSERT INTO batches (account_id, id, key_id, endpoint, input_file_id, input_bytes, completion_window, metadata, output_seconds, origin,
      idempotency_key, fingerprint, status, phase, created_at, expires_at, due_at)
    SELECT file.account_id, ${it.id}, ${it.keyId}, ${it.endpoint}, file.id, file.bytes, ${it.completionWindow},
      ${it.metadata && JSON.stringify(it.metadata)}, ${it.outputSeconds}, ${it.origin}, ${it.idempotencyKey}, ${it.fingerprint},
      'validating', 'check', ${NOW}, ${NOW} + ${it.windowMs}, ${NOW}
    FROM files AS file JOIN accounts AS owner ON owner.id = file.account_id
    WHERE file.account_id = ${it.accountId} AND file.id = ${it.inputFileId} AND file.state = 'ready' AND file.expires_at > ${NOW}
      AND owner.removed_at IS NULL
      AND owner.database_bytes + ${ROW_CHARGE_BYTES} <= ${databaseQuotaOf(sql`owner`, it.databaseQuotaBytes)}
      AND (SELECT count(*) FROM batches AS own INDEXED BY batches_open WHERE own.account_id = owner.id AND own.ended_at IS NULL) < ${BATCHES_OPEN}
    ON CONFLICT DO NOTHING RETURNING ${columns}`,
  /** Its input is kept for as long as it may need it, if the statement before it has made it. */
  keepInput: ({ accountId, id, inputFileId, windowMs }: NewBatch) => sql`
    UPDATE files SET purpose = 'batch', expires_at = max(expires_at, ${NOW} + ${windowMs + FILE_USED_SECONDS * 1000})
    WHERE account_id = ${accountId} AND id = ${inputFileId} AND EXISTS (SELECT 1 FROM batches WHERE account_id = ${accountId} AND id = ${id})
    RETURNING id`,
  open: (accountId: string) => sql`
    SELECT count(*) AS open FROM batches INDEXED BY batches_open WHERE account_id = ${accountId} AND ended_at IS NULL`,
  find: (accountId: string, id: string) => sql`SELECT ${columns} FROM batches WHERE account_id = ${accountId} AND id = ${id}`,
  findByKey: (accountId: string, key: string) => sql`
    SELECT ${columns} FROM batches WHERE account_id = ${accountId} AND idempotency_key = ${key}`,
  /** Newest first, older than an id; null: from the newest. */
  list: (accountId: string, before: string | null, limit: number) => sql`
    SELECT ${columns} FROM batches WHERE account_id = ${accountId}${before === null ? sql`` : sql` AND id < ${before}`} ORDER BY id DESC LIMIT ${limit}`,
  cancel: (accountId: string, id: string) => sql`
    UPDATE batches SET status = 'cancelling', ends_as = 'cancelled', phase = 'stop', cancelling_at = ${NOW}, step = step + 1, due_at = ${NOW}, digests = ''
    WHERE account_id = ${accountId} AND id = ${id} AND status IN ('validating', 'in_progress') RETURNING ${columns}`,
  due: () => sql`SELECT account_id AS accountId, id FROM batches WHERE due_at <= ${NOW} ORDER BY due_at LIMIT ${BATCHES_SEEN}`,
  anyOpen: () =>
    sql`SELECT 1 AS open WHERE EXISTS (SELECT 1 FROM batches INDEXED BY batches_open WHERE ended_at IS NULL AND account_id > '')`,
  begin: (accountId: string, id: string) => sql`
    UPDATE batches SET step = step + 1, due_at = ${NOW} + ${BATCH_STEP_MS} WHERE account_id = ${accountId} AND id = ${id} AND due_at <= ${NOW}
    RETURNING ${columns}, step, writing, digests, ${NOW} AS now, ${isOrphan} AS isOrphan, ${room} AS room`,
  change,
  /** The next steps of all that are under way may begin at once. */
  lapse: () => sql`UPDATE batches SET due_at = ${NOW} WHERE ended_at IS NULL AND account_id > '' AND phase <> 'run' RETURNING id`,
  remove: (step: Fence) => sql`DELETE FROM batches WHERE ${fenced(step)} AND phase IS NULL RETURNING id`,
  /** Notes refusals, in as many statements as their size asks for. */
  refuse: (step: Fence, all: readonly Refusal[]) =>
    groupsOf(all).map(
      (group) => sql`
    INSERT INTO batch_refusals (account_id, batch_id, line, custom_id, answer)
    SELECT ${step.accountId}, ${step.id}, value ->> 0, value ->> 1, value ->> 2
    FROM json_each(${`[${group.join(",")}]`}) WHERE ${isFenced(step)}
    ON CONFLICT DO NOTHING RETURNING line`,
    ),
  refusals: ({ accountId, id }: Fence, from: number, limit: number) => sql`
    SELECT line, custom_id AS customId, answer FROM batch_refusals WHERE account_id = ${accountId} AND batch_id = ${id} AND line >= ${from} ORDER BY line LIMIT ${limit}`,
  clear: ({ accountId, id }: Fence, limit: number) => sql`
    DELETE FROM batch_refusals WHERE (account_id, batch_id, line) IN (
      SELECT account_id, batch_id, line FROM batch_refusals WHERE account_id = ${accountId} AND batch_id = ${id} LIMIT ${limit}) RETURNING line`,
  /** The row of a file that is written for a batch. Its account's quota does not refuse it: the work is done. */
  insertFile: ({ accountId, origin }: Step, id: string, name: string) => sql`
    INSERT INTO files (account_id, id, state, name, content_type, bytes, origin, created_at, expires_at, purpose)
    SELECT id, ${id}, 'uploading', ${name}, 'application/jsonl', 0, ${origin}, ${NOW}, ${NOW} + ${UPLOAD_SECONDS * 1000}, 'batch_output'
    FROM accounts WHERE id = ${accountId} AND removed_at IS NULL ON CONFLICT DO NOTHING RETURNING id`,
  /** What a file's upload is in R2: the first that is noted counts. */
  noteUpload: (accountId: string, id: string, uploadId: string) => sql`
    UPDATE files SET upload_id = coalesce(upload_id, ${uploadId})
    WHERE account_id = ${accountId} AND id = ${id} AND state = 'uploading' RETURNING upload_id AS uploadId`,
  findUpload: (accountId: string, id: string) => sql`
    SELECT upload_id AS uploadId FROM files WHERE account_id = ${accountId} AND id = ${id} AND state = 'uploading' AND expires_at > ${NOW}`,
  /** A file of the batch is there, from the moment that the batch has ended. */
  fileIsReady: (step: Step, id: string, bytes: number) => sql`
    UPDATE files SET state = 'ready', bytes = ${bytes}, upload_id = NULL, expires_at = ${
      step.outputSeconds === null
        ? sql`${NOW} + 1000 * (SELECT retention_seconds FROM accounts WHERE accounts.id = files.account_id)`
        : sql`max(${NOW}, ${step.createdAt + step.outputSeconds * 1000})`
    }
    WHERE account_id = ${step.accountId} AND id = ${id} AND state = 'uploading' AND ${isFenced(step)} RETURNING id`,
} satisfies Record<string, (...args: never[]) => Sql | Sql[]>;

const batches = rowsOf(batchSchema);
const steps = rowsOf(stepSchema);

/** Null if it is refused. */
export async function insertBatch(db: Database, it: NewBatch): Promise<Batch | null> {
  const [rows] = await db.batch([batchStatements.insert(it), batchStatements.keepInput(it)]);
  return batches.read(rows?.[0]);
}

export async function openBatches(db: Database, accountId: string): Promise<number> {
  return Number((await first(db, batchStatements.open(accountId)))?.["open"]);
}

export async function findBatch(db: Database, accountId: string, id: string): Promise<Batch | null> {
  return batches.first(db, batchStatements.find(accountId, id));
}

export async function findBatchByKey(db: Database, accountId: string, key: string): Promise<Batch | null> {
  return batches.first(db, batchStatements.findByKey(accountId, key));
}

export async function listBatches(db: Database, accountId: string, before: string | null, limit: number): Promise<Batch[]> {
  return batches.all(db, batchStatements.list(accountId, before, limit));
}

/** Null if there is nothing to cancel. */
export async function cancelBatch(db: Database, accountId: string, id: string): Promise<Batch | null> {
  return batches.first(db, batchStatements.cancel(accountId, id));
}

const nameSchema = z.object({ accountId: z.string(), id: z.string() });

/** The batches whose next step may begin, longest first; and whether there is any that has not ended. */
export async function dueBatches(db: Database): Promise<{ due: z.infer<typeof nameSchema>[]; isOpen: boolean }> {
  const [due = [], open = []] = await db.batch([batchStatements.due(), batchStatements.anyOpen()]);
  return { due: z.array(nameSchema).parse(due), isOpen: open.length > 0 };
}

/** Begins a batch's next step; null if another has begun it. */
export async function beginStep(db: Database, accountId: string, id: string): Promise<Step | null> {
  return steps.first(db, batchStatements.begin(accountId, id));
}

/** Ends a step, together with what else it writes; false if another has begun since or its terms are not met, and then nothing is changed. */
export async function endStep(
  db: Database,
  step: Step,
  changes: Changes,
  after: number | Sql = 0,
  before: readonly Sql[] = [],
  terms: Terms = {},
): Promise<boolean> {
  const rows = await db.batch([...before, change(step, changes, sql`${NOW} + ${after}`, terms)]);
  return rows.at(-1)?.length === 1;
}

/** When a batch is looked at again whose inferences run: at once if all have ended, `more` of which its counts don't have yet. */
export const whenEnded = ({ expiresAt, now }: Step, more = 0): Sql =>
  sql`iif(completed + failed + ${more} >= total, 0, ${Math.max(0, Math.min(BATCH_LOOK_MS, expiresAt - now))})`;

/** What ends a batch: nothing more is to be done for it than to clear away, and to remove its row in the end. */
export const atEnd = (status: Batch["status"], changes: Changes = {}): Changes => ({
  status,
  ended_at: NOW,
  writing: null,
  digests: "",
  phase: sql`iif(EXISTS (SELECT 1 FROM batch_refusals WHERE batch_refusals.account_id = batches.account_id AND batch_id = batches.id), 'clear', NULL)`,
  ...changes,
});

/** Ends the last step of a batch: BATCH_KEPT_MS later its row goes. False if another step has begun since, or not so many of its files are ready. */
export async function endBatch(
  db: Database,
  step: Step,
  changes: Changes,
  before: readonly Sql[] = [],
  terms: Terms = {},
): Promise<boolean> {
  const kept = sql`iif(EXISTS (SELECT 1 FROM batch_refusals WHERE batch_refusals.account_id = batches.account_id AND batch_id = batches.id), ${NOW}, ${NOW} + ${BATCH_KEPT_MS})`;
  const rows = await db.batch([...before, change(step, changes, kept, terms)]);
  return rows.at(-1)?.length === 1;
}

/** The next steps of batches may begin at once: for an operator who knows that nobody is at work. */
export async function lapseSteps(db: Database): Promise<number> {
  return (await db.all(batchStatements.lapse())).length;
}

const refusals = rowsOf(z.object({ line: z.number(), customId: z.string(), answer: z.string() }));

/** Refused lines from one on, in their order. */
export async function refusalsFrom(db: Database, step: Step, from: number, limit: number): Promise<Refusal[]> {
  return refusals.all(db, batchStatements.refusals(step, from, limit));
}

/** Of a batch's file. */
export const fileKey = ({ accountId }: Step, id: string) => objectKey({ accountId, id });

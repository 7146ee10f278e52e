/** SQL that makes an inference of a submission: one write decides whether it is accepted. */
import * as z from "zod";
import { sizeOf } from "../../content/content.ts";
import { AGEING_MS, IDEMPOTENCY_MS, INFERENCE_CHARGE_BYTES, QUOTA_BYTES, ROW_CHARGE_BYTES, TOGETHER_LOST_MS } from "../../limits.ts";
import { askAgain } from "../../platform/unavailable.ts";
import type { Payload } from "../../payloads/payload.ts";
import type { Ports } from "../../ports.ts";
import { type Database, NOW, type Row, type Sql, type SqlValue, join, sql } from "../../platform/sql.ts";
import { type Inference, newlyQueued } from "../inference.ts";
import type { RetrySettings } from "../retry.ts";
import type { Webhook } from "../webhook.ts";
import { isSpent, openIn, openLimitOf } from "./fragments.ts";
import { readStatements } from "./read.ts";
import { claimStatements } from "./claim.ts";
import { type HeadCounts, hasRoom, headFor, isByAccount, settle } from "./head.ts";
import { hasSlot, laneOfRow, nextTurn } from "./lane.ts";
import { isNoted, noteOf } from "./notes.ts";
import { toldOfNew } from "./told.ts";
import { type Claim, PLAIN, claimOrNull, fromRow, inferenceOrNull, textOf, typeOf, inferenceColumns } from "./record.ts";

/** The line of a batch that a submission is of. */
export interface BatchLine {
  readonly id: string;
  readonly line: number;
  /** The batch's step that submits it; once another has begun, nothing is written. */
  readonly step: number;
  /** Its level falls so long after its submit, not after AGEING_MS: a batch has the time. */
  readonly agesAfterMs: number;
}

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
  /** It is not begun before then, in ms; null: at once. */
  notBefore?: number | null;
  idempotencyKey: string | null;
  fingerprint: string | null;
  metadata: Readonly<Record<string, string>>;
  input: Payload;
  inputBytes: number;
  inputItems: number;
  /** What is asked of the model, where a dialect tells that apart; '' otherwise. */
  capability: string;
  /** Whether its output is kept as a stream while it comes, so that it can be read again; false by default. */
  resumable?: boolean;
  /** The lease of the request that waits for it and will run it itself; null where a runner is to. */
  waiter: string | null;
  /** How long after the end its input and output are kept, where that is asked for; never longer than the account's retention. */
  retentionSeconds?: number | null;
  /** Who is told of it, beside the account's own webhooks. */
  webhook: Webhook | null;
  /** How much the account may have in the database, unless it has a quota of its own. */
  databaseQuotaBytes: number;
  /** The revision of the model's schemas that the input was checked against; 0, the default, if the model has none. */
  schemas?: number;
  /** See Submission. */
  trace?: string | null;
  /** Null, the default, if it is no batch's. */
  batch?: BatchLine | null;
}

/** What a submit asks for. */
export type Wanted = Pick<NewInference, "model" | "version" | "capability">;

/** The lane that serves what is wanted; no row if there is none. A path of the server is offered under its name, too. */
export const laneFor = ({ model, version, capability }: Wanted) => sql`
  SELECT name AS model, ${version ?? sql`default_version`} AS version, ${NOW} AS now, schemas_revision AS schemas FROM models WHERE name = ${model}${servesVersion(version)}${offers(capability)} LIMIT 1`;

/** The version that is wanted, if the model has it. */
export const versionOf = ({ model, version }: Wanted) => version ?? sql`(SELECT default_version FROM models WHERE name = ${model})`;

const HEAD: HeadCounts = { lined: sql`head.lined`, apart: sql`head.apart` };

/** The default is one of the versions, or none where there are none (admin/models.ts). */
const servesVersion = (version: string | null) => {
  if (version === null) return sql``;
  return version === "" ? sql` AND versions = '[]'` : sql` AND EXISTS (SELECT 1 FROM json_each(versions) WHERE value = ${version})`;
};

const offers = (capability: string) =>
  capability === ""
    ? sql``
    : sql` AND (capabilities = '[]'
      OR EXISTS (SELECT 1 FROM json_each(capabilities) WHERE ${capability} IN (value, '/' || value, '/v1/' || value)))`;

/** Whether a lane has a backend that takes work, now or when its circuit closes again. */
const isReady = (lane: Sql) =>
  sql`EXISTS (SELECT 1 FROM backends WHERE backends.model = ${lane}.model AND backends.version = ${lane}.version AND backends.state = 'active')`;

export const quotaOf = (account: Sql) => sql`coalesce(${account}.quota_bytes, ${QUOTA_BYTES})`;

export const databaseQuotaOf = (account: Sql, byDefault: number) => sql`coalesce(${account}.database_quota_bytes, ${byDefault})`;

/** Of metadata as JSON; most have none. */
export const metadataBytes = (metadata: NewInference["metadata"]) =>
  Object.keys(metadata).length === 0 ? "{}".length : sizeOf(JSON.stringify(metadata));

/** What a submission counts as in its account's stored_bytes, as inferences.charged_bytes has it: empty metadata, `{}`, is free. */
export const chargeOf = ({ inputBytes, metadata }: Pick<NewInference, "inputBytes" | "metadata">) =>
  Math.max(INFERENCE_CHARGE_BYTES, inputBytes + metadataBytes(metadata) - 2);

/** What a submission counts as in its account's database_bytes, as inferences.row_bytes has it; its input is there if it is small. */
export const rowChargeOf = ({ input, metadata, webhook }: Pick<NewInference, "input" | "metadata" | "webhook">) =>
  Math.max(ROW_CHARGE_BYTES, sizeOf(textOf(input) ?? "") + metadataBytes(metadata)) +
  Math.floor((FIRST_LINE_BYTES + (webhook === null ? 0 : sizeOf(JSON.stringify(webhook)))) / ROW_CHARGE_BYTES) * ROW_CHARGE_BYTES;

/** Of a log, as a submit begins it. */
const FIRST_LINE_BYTES = '[{"at":1700000000000,"event":"queued"}]'.length;

/** Whether the step of a batch that submits a line is still the last one that was begun; nothing to ask of what is no batch's. */
export const isOfStep = ({ accountId, batch = null }: Pick<NewInference, "accountId" | "batch">) =>
  batch === null
    ? sql``
    : sql` AND EXISTS (SELECT 1 FROM batches WHERE account_id = ${accountId} AND id = ${batch.id} AND step = ${batch.step} AND phase = 'submit')`;

/** What a submission says of its row. What is null, or as the column has it by default, is left out: the text is compiled each time. */
function columnsOf(it: NewInference, mayBeNoted: boolean): Record<string, SqlValue | Sql> {
  const { retry, input, notBefore = null } = it;
  const type = typeOf(input);
  const beginsAt = notBefore === null ? sql`lane.now` : sql`max(lane.now, ${notBefore})`;
  const given: Record<string, SqlValue | Sql> = {
    account_id: it.accountId,
    id: it.id,
    key_id: it.keyId,
    dialect: it.dialect,
    model: it.model,
    version: sql`lane.version`,
    status: sql`'queued'`,
    priority: it.priority,
    level: it.priority,
    turn: nextTurn(it.accountId, it.model, sql`lane.version`, it.priority, sql`0`, sql`head.own`),
    by_account: isByAccount(HEAD, 1),
    idempotency_key: it.idempotencyKey,
    fingerprint: it.fingerprint,
    max_time_in_queue_seconds: it.maxTimeInQueueSeconds,
    max_attempts: retry.maxAttempts,
    initial_delay_ms: retry.initialDelayMs,
    max_delay_ms: retry.maxDelayMs,
    run_within_seconds: it.runWithinSeconds,
    metadata: JSON.stringify(it.metadata),
    created_at: sql`lane.now`,
    updated_at: sql`lane.now`,
    start_by: sql`${beginsAt} + ${it.maxTimeInQueueSeconds * 1000}`,
    not_before: notBefore && sql`iif(${notBefore} > lane.now, ${notBefore}, NULL)`,
    ages_at: it.priority > 0 ? sql`${beginsAt} + ${it.batch?.agesAfterMs ?? AGEING_MS}` : null,
    cancel_at: it.cancelAfterSeconds === null ? null : sql`lane.now + ${it.cancelAfterSeconds * 1000}`,
    input: textOf(input),
    input_object: input.at === "object" ? input.key : null,
    input_bytes: it.inputBytes,
    input_items: it.inputItems,
    waiter: it.waiter,
    retention_seconds: it.retentionSeconds ?? null,
    trace: it.trace ?? null,
    webhook: it.webhook === null ? null : JSON.stringify(it.webhook),
    noted: mayBeNoted && notBefore === null ? isNoted({ ...noteOf(it), id: it.id, now: sql`lane.now` }) : null,
    log: sql`json_array(json_object('at', lane.now, 'event', 'queued'))`,
    ...(type === PLAIN ? {} : { input_type: type }),
    resumable: it.resumable === true ? 1 : null,
    batch_id: it.batch?.id ?? null,
    batch_line: it.batch?.line ?? null,
    ...(it.capability === "" ? {} : { capability: it.capability }),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
}

export const insertStatements = {
  /**
   * Writes nothing and returns no row if the model or version is unknown, the model does not offer the capability, the
   * account has too many open or stores too much, in all or in the database, a request would wait and no backend takes work,
   * the model has another revision of its schemas than the input was checked against, the id or the account's
   * idempotency key is taken, or the head of the lane has no room: the one write decides. Returns what only the database knows: the version,
   * the time, and whether the lane has a slot for it. `mayBeNoted` if a due note may stand for it (notes.ts).
   */
  insert: (it: NewInference, mayBeNoted = false) => {
    const columns = columnsOf(it, mayBeNoted);
    const names: Sql = { text: Object.keys(columns).join(","), params: [] };
    const values = join(
      Object.values(columns).map((value) => sql`${value}`),
      ",",
    );
    return sql`
    INSERT INTO inferences (${names}) SELECT ${values}
    FROM (${laneFor(it)}) AS lane CROSS JOIN (${headFor(it.accountId, it.model, versionOf(it), it.priority)}) AS head LEFT JOIN accounts AS owner ON owner.id = ${it.accountId}
    WHERE NOT ${isSpent(sql`owner`)} AND ${openIn(sql`owner`)} < ${openLimitOf(sql`owner`)} AND coalesce(owner.stored_bytes, 0) + ${chargeOf(it)} <= ${quotaOf(sql`owner`)}
      AND coalesce(owner.database_bytes, 0) + ${rowChargeOf(it)} <= ${databaseQuotaOf(sql`owner`, it.databaseQuotaBytes)}${it.waiter === null ? sql`` : sql` AND ${isReady(sql`lane`)}`}
      AND lane.schemas = ${it.schemas ?? 0} AND ${hasRoom(HEAD, it.model, sql`lane.version`, 1)}${isOfStep(it)}
    ON CONFLICT DO NOTHING
    RETURNING version, created_at AS now, ${hasSlot(sql`inferences.account_id`, ...laneOfRow)} AS hasSlot, ${toldOfNew}`;
  },
  /** Makes room for so many more in the head of a lane. */
  makeRoom: (wanted: Wanted, count: number) => settle(wanted.model, versionOf(wanted), count),
  /** What may be in the way of a submit: whether the model is served so, and now; and how much the account has. */
  standing: (accountId: string, wanted: Wanted, databaseQuotaBytes: number) => sql`
    SELECT EXISTS (${laneFor(wanted)}) AS served, named.versions, named.capabilities,
      EXISTS (SELECT 1 FROM (${laneFor(wanted)}) AS lane WHERE ${isReady(sql`lane`)}) AS ready,
      coalesce(owner.stored_bytes, 0) AS stored, ${quotaOf(sql`owner`)} AS quota,
      coalesce(owner.database_bytes, 0) AS inDatabase, ${databaseQuotaOf(sql`owner`, databaseQuotaBytes)} AS databaseQuota,
      ${openIn(sql`owner`)} AS open, ${openLimitOf(sql`owner`)} AS openLimit, coalesce(named.schemas_revision, 0) AS schemas,
      coalesce(owner.budget_state, 'ok') AS budget, coalesce(owner.budget_micros, 0) AS budgetMicros, ${NOW} AS now
    FROM (SELECT ${accountId} AS id) AS asked LEFT JOIN accounts AS owner ON owner.id = asked.id
      LEFT JOIN models AS named ON named.name = ${wanted.model}`,
  findByIdempotencyKey: (accountId: string, key: string) => sql`
    SELECT ${inferenceColumns} FROM inferences WHERE account_id = ${accountId} AND idempotency_key = ${key}`,
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
  /** Whether its lane may have a slot for it, so that runners are to be woken; of those inserted together one for each crew says so. */
  readonly wakes: boolean;
}

/** Statements of one transaction, and what their answers say. */
export interface Insertion {
  readonly statements: readonly Sql[];
  readonly insertedBy: (answers: readonly Row[][]) => Inserted;
}

export function insertionOf(it: NewInference, mayBeNoted = false): Insertion {
  const { accountId, id, idempotencyKey, waiter } = it;
  const release = idempotencyKey === null ? [] : [insertStatements.releaseIdempotencyKey(accountId, idempotencyKey)];
  return {
    statements: [
      ...release,
      insertStatements.insert(it, mayBeNoted),
      ...(waiter === null ? [] : [claimStatements.claimOwn(accountId, id, waiter)]),
    ],
    insertedBy(answers) {
      const [inserted = [], claimed = []] = answers.slice(release.length);
      return insertedAs(it, inserted[0], claimed[0]);
    },
  };
}

export async function insertInference(db: Database, it: NewInference, mayBeNoted = false): Promise<Inserted> {
  const { statements, insertedBy } = insertionOf(it, mayBeNoted);
  const [only, ...others] = statements;
  const inserted = insertedBy(only && others.length === 0 ? [await db.all(only)] : await db.batch(statements));
  return inserted.inference ? inserted : insertWithRoom(db, it);
}

/** What was not taken, once there is room in the head of its lane; if it was refused for another reason, it is again. */
async function insertWithRoom(db: Database, it: NewInference): Promise<Inserted> {
  const { statements, insertedBy } = insertionOf(it);
  const [, ...answers] = await db.batch([insertStatements.makeRoom(it, 1), ...statements]);
  return insertedBy(answers);
}

const insertedSchema = z.object({ version: z.string(), now: z.number(), hasSlot: z.number().transform((free) => free === 1) });

function insertedAs(it: NewInference, row: Row | undefined, claimed?: Row): Inserted {
  if (!row) return { inference: null, claimed: null, wakes: false };
  const { version, now, hasSlot: free } = insertedSchema.parse(row);
  const notBefore = (it.notBefore ?? 0) > now ? (it.notBefore ?? null) : null;
  const inference = newlyQueued({
    ...it,
    notBefore,
    version,
    createdAt: now,
    startBy: Math.max(now, it.notBefore ?? 0) + it.maxTimeInQueueSeconds * 1000,
  });
  return { inference, claimed: claimOrNull(claimed), wakes: free };
}

const namesSchema = z
  .string()
  .nullable()
  .transform((text) => (text === null ? null : z.array(z.string()).parse(JSON.parse(text))));

const standingSchema = z.object({
  served: z.number().transform((served) => served === 1),
  /** Of the model of that name; null if there is none. */
  versions: namesSchema,
  capabilities: namesSchema,
  ready: z.number().transform((ready) => ready === 1),
  stored: z.number(),
  quota: z.number(),
  inDatabase: z.number(),
  databaseQuota: z.number(),
  open: z.number(),
  openLimit: z.number(),
  schemas: z.number(),
  budget: z.enum(["ok", "warned", "spent"]),
  budgetMicros: z.number(),
  now: z.number(),
});

/** What may be in the way of a submit. */
export async function standingOf(
  { db, databaseQuotaBytes }: Pick<Ports, "db" | "databaseQuotaBytes">,
  accountId: string,
  wanted: Wanted,
): Promise<z.infer<typeof standingSchema>> {
  const [row] = await db.all(insertStatements.standing(accountId, wanted, databaseQuotaBytes));
  return standingSchema.parse(row);
}

/** The inference that a key of a submit stands for, with the fingerprint of that submit. */
export interface Earlier {
  readonly inference: Inference;
  readonly fingerprint: string;
}

export const earlierIn = (row: Row): Earlier => ({ inference: fromRow(row), fingerprint: String(row["fingerprint"]) });

export async function findByIdempotencyKey(db: Database, accountId: string, key: string): Promise<Earlier | null> {
  const [row] = await db.all(insertStatements.findByIdempotencyKey(accountId, key));
  return row ? earlierIn(row) : null;
}

/**
 * Inserts, and once more if the first answer was lost: the same id can't be written twice. One that took long may have been asked twice as well,
 * since those that ask together give up a statement from which nothing is heard.
 */
export async function insertOnce(
  { db, clock }: Pick<Ports, "db" | "clock">,
  it: NewInference,
  insert: () => Promise<Inserted>,
): Promise<Inserted> {
  const begunAt = clock.now();
  let tries = 0;
  return askAgain(async () => {
    tries++;
    const inserted = await insert();
    if (inserted.inference || (tries === 1 && clock.now() - begunAt < TOGETHER_LOST_MS)) return inserted;
    const [written] = await db.all(readStatements.find(it.accountId, it.id));
    return { inference: inferenceOrNull(written), claimed: null, wakes: true };
  });
}

/**
 * Asks the database about inferences, and tells it of changes: one function for each question, each in one round trip.
 * What may go wrong: an error does not tell whether a write took effect. Every write here may be sent again.
 */
import * as z from "zod";
import { type Database, type Row, type Sql, first } from "../platform/sql.ts";
import type { Inference } from "./inference.ts";
import type { LaneState } from "./wait.ts";
import type { Status } from "./status.ts";
import type { Payload } from "../payloads/payload.ts";
import { type Lane, laneSchema } from "../models/lane.ts";
import { type Claim, type Fence, claimSchema, fromRow, inputFrom, laneStateSchema } from "./sql/record.ts";
import { type Cursor, type Filter, type ListPage, type NewInference, OPEN, inferenceStatements } from "./statements.ts";

const orNull = (row: Row | null | undefined): Inference | null => (row ? fromRow(row) : null);

export interface Inserted {
  /** Null where nothing was written: no model offers that, or the id or idempotency key is taken. */
  readonly inference: Inference | null;
  /** Where it has an waiter and its turn came at once. */
  readonly claimed: Claim | null;
  /** Whether its lane may have a slot for it, so that a runner is wanted. */
  readonly hasSlot: boolean;
}

export async function insertInference(db: Database, it: NewInference): Promise<Inserted> {
  const { accountId, id, idempotencyKey, waiter } = it;
  if (idempotencyKey === null && waiter === null) {
    return insertedAs(await first(db, inferenceStatements.insert(it)));
  }
  const [, inserted = [], claimed = []] = await db.batch([
    inferenceStatements.releaseIdempotencyKey(accountId, idempotencyKey),
    inferenceStatements.insert(it),
    ...(waiter === null ? [] : [inferenceStatements.claimOwn(accountId, id, waiter)]),
  ]);
  return insertedAs(inserted[0], claimed[0]);
}

function insertedAs(row: Row | null | undefined, claimed?: Row): Inserted {
  return { inference: orNull(row), claimed: claimOrNull(claimed), hasSlot: row?.["has_slot"] === 1 };
}

/** How it stands with an inference that a request waits for. */
export interface WaiterState {
  readonly inference: Inference | null;
  /** Its turn has come: what is needed to run it. */
  readonly claimed: Claim | null;
  /** It is the next of its lane. */
  readonly isFront: boolean;
}

/**
 * Claims the inference if it is the lane's next, and tells how it stands. What was claimed in its name already comes back
 * as claimed too, unless it is an attempt that its request has begun before.
 */
export async function claimForWaiter(db: Database, accountId: string, id: string, waiter: string, begun: number): Promise<WaiterState> {
  const [handedOver = [], claimed = [], front = [], found = []] = await db.batch([
    inferenceStatements.handedOver(accountId, id, waiter, begun),
    inferenceStatements.claimOwn(accountId, id, waiter),
    inferenceStatements.isFront(accountId, id),
    inferenceStatements.find(accountId, id),
  ]);
  return {
    inference: orNull(found[0]),
    claimed: claimOrNull(handedOver[0] ?? claimed[0]),
    isFront: front[0]?.["front"] === 1,
  };
}

/** Records how an attended attempt ended, and tells how the inference stands now and whether others wait in its lane. */
export async function recordForWaiter(
  db: Database,
  statements: readonly Sql[],
  { accountId, id, model, version }: Claim,
): Promise<{ inference: Inference | null; othersWait: boolean }> {
  const answers = await db.batch([
    ...statements,
    inferenceStatements.anyWaiting({ model, version }),
    inferenceStatements.find(accountId, id),
  ]);
  return { inference: orNull(answers.at(-1)?.[0]), othersWait: answers.at(-2)?.[0] !== undefined };
}

/** It was cancelled: a slot that was taken in its request's name, before that began to run it, is free. */
export async function giveBack(db: Database, accountId: string, id: string, waiter: string): Promise<void> {
  await db.all(inferenceStatements.giveBack(accountId, id, waiter));
}

/** Its request is gone while it waits: cancelled, and its slot is free where it had one. Null where it is final already. */
export async function cancelForWaiter(db: Database, accountId: string, id: string, waiter: string): Promise<Inference | null> {
  const [canceled = []] = await db.batch([inferenceStatements.cancel(accountId, id), inferenceStatements.giveBack(accountId, id, waiter)]);
  return orNull(canceled[0]);
}

/** Nobody waits for it any more: a runner is to have it. */
export async function releaseWaiter(db: Database, accountId: string, id: string, waiter: string): Promise<void> {
  await db.all(inferenceStatements.releaseWaiter(accountId, id, waiter));
}

/** The inference that a key of a submit stands for, with the fingerprint of that submit. */
export async function findByIdempotencyKey(
  db: Database,
  accountId: string,
  key: string,
): Promise<{ inference: Inference; fingerprint: string } | null> {
  const row = await first(db, inferenceStatements.findByIdempotencyKey(accountId, key));
  return row ? { inference: fromRow(row), fingerprint: String(row["fingerprint"]) } : null;
}

export async function findInference(db: Database, accountId: string, id: string): Promise<Inference | null> {
  return orNull(await first(db, inferenceStatements.find(accountId, id)));
}

/** An inference as an earlier change left it, of which a delivery has kept the columns that change. */
export async function findAsOf(db: Database, accountId: string, id: string, snapshot: Row): Promise<Inference | null> {
  const row = await first(db, inferenceStatements.find(accountId, id));
  if (!row) return null;
  const { log, ...then } = fromRow({ ...row, ...snapshot, end_delivery: null });
  return { ...then, log: log.filter(({ at }) => at <= then.updatedAt) };
}

/** As findInference, and why it waits where it does; reads as many rows more as wait before it. */
export async function findWithWait(db: Database, accountId: string, id: string): Promise<Inference | null> {
  return orNull(await first(db, inferenceStatements.findWaiting(accountId, id)));
}

/** What a lane has to do. `queued` counts up to DEPTH_MAX. */
export interface Depth {
  queued: number;
  inProgress: number;
  oldestWaitMs: number | null;
  lane: LaneState;
}

export async function depthOf(db: Database, lane: Lane): Promise<Depth> {
  const schema = z.object({
    now: z.number(),
    queued: z.number(),
    oldest: z.number().nullable(),
    in_progress: z.number(),
    lane: z.string(),
  });
  const row = schema.parse(await first(db, inferenceStatements.depth(lane)));
  return {
    queued: row.queued,
    inProgress: row.in_progress,
    oldestWaitMs: row.oldest === null ? null : row.now - row.oldest,
    lane: { ahead: row.queued, ...laneStateSchema.parse(JSON.parse(row.lane)) },
  };
}

/** Of one account, newest first. Reads as many rows as it passes over: what the filter leaves out, and the offset. */
export async function listInferences(db: Database, accountId: string, filter: Filter, page: ListPage): Promise<Inference[]> {
  return (await db.all(inferenceStatements.list(accountId, filter, page))).map(fromRow);
}

/** As listInferences, each with its input. */
export async function listWithInputs(
  db: Database,
  accountId: string,
  filter: Filter,
  page: ListPage,
): Promise<{ inference: Inference; input: Payload }[]> {
  const rows = await db.all(inferenceStatements.list(accountId, filter, page, true));
  return rows.map((row) => ({ inference: fromRow(row), input: inputFrom(row) }));
}

/** What was submitted; null where there is no such inference. */
export async function findInput(db: Database, accountId: string, id: string): Promise<Payload | null> {
  const row = await first(db, inferenceStatements.findInput(accountId, id));
  return row && inputFrom(row);
}

/** Queues a failed or expired one again; null where there is nothing to redrive. */
export async function redriveInference(db: Database, accountId: string, id: string): Promise<Inference | null> {
  return orNull(await first(db, inferenceStatements.redrive(accountId, id)));
}

/** One page of a bulk call: how many of the rows it looked at matched, and where to go on; null at the end. */
export interface BulkPage {
  seen: number;
  matched: number;
  next: Cursor | null;
  /** Of those that were redriven. */
  lanes: Lane[];
}

/** Cancels, redrives or only counts what the filter matches among the next rows after the cursor. */
export async function bulk(
  db: Database,
  action: "cancel" | "redrive" | "count",
  cursor: Cursor,
  whole: boolean,
  filter: Filter,
  limit: number,
): Promise<BulkPage> {
  const statement = {
    cancel: inferenceStatements.cancelPage,
    redrive: inferenceStatements.redrivePage,
    count: inferenceStatements.countPage,
  }[action](cursor, whole, filter, limit);
  const [ends = [], rows = []] = await db.batch([inferenceStatements.pageEnd(cursor, whole, limit), statement]);
  const end = z.object({ seen: z.number(), account_id: z.string().nullable(), id: z.string().nullable() }).parse(ends[0]);
  return {
    seen: end.seen,
    matched: action === "count" ? Number(rows[0]?.["matched"] ?? 0) : rows.length,
    next: end.seen === limit && end.account_id !== null && end.id !== null ? { accountId: end.account_id, id: end.id } : null,
    lanes: action === "redrive" ? z.array(laneSchema).parse(rows) : [],
  };
}

/** Cancels what is not final yet, or only what has one of these statuses; null where there is nothing to cancel. */
export async function cancelInference(
  db: Database,
  accountId: string,
  id: string,
  only: readonly Status[] = OPEN,
): Promise<Inference | null> {
  return orNull(await first(db, inferenceStatements.cancel(accountId, id, only)));
}

const claimOrNull = (row: Row | null | undefined): Claim | null => (row ? claimSchema.parse(row) : null);

/** Claims the lane's next inference under `lease`; null where nothing is claimable. */
export async function claim(db: Database, lane: Lane, lease: string): Promise<Claim | null> {
  return claimOrNull(await first(db, inferenceStatements.claim(lane, lease)));
}

/**
 * Records how attempts ended (succeed, fail or retry first, then what it tells of the backend), each with the claim that
 * follows where there is one, in one transaction and round trip. What became of each, in the order of the endings.
 */
export async function recordAndClaim(
  db: Database,
  endings: readonly { statements: readonly Sql[]; claim: Sql | null }[],
): Promise<{ recorded: boolean; claimed: Claim | null }[]> {
  const all = endings.map(({ statements, claim: next }) => (next ? [...statements, next] : statements));
  const answers = await db.batch(all.flat());
  let begin = 0;
  return endings.map(({ claim: next }, index) => {
    const end = begin + (all[index]?.length ?? 0);
    const of = answers.slice(begin, end);
    begin = end;
    return { recorded: of[0]?.[0] !== undefined, claimed: claimOrNull(next ? of.at(-1)?.[0] : undefined) };
  });
}

export async function standsAlone(db: Database, backendId: string, hold: Fence): Promise<boolean> {
  return (await first(db, inferenceStatements.standsAlone(backendId, hold))) !== null;
}

/** The ids, each `account/id/attempt`, that the lease still holds. */
export async function renewLeases(db: Database, lease: string, holds: readonly Fence[]): Promise<Set<string>> {
  const rows = await db.all(inferenceStatements.renew(lease, holds));
  return new Set(rows.map((row) => `${String(row["account_id"])}/${String(row["id"])}/${String(row["attempt"])}`));
}

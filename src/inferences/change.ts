/**
 * The changes that a client or the operator asks of inferences: cancel, redrive and remove, of one or of many. Each is one
 * conditional write, so that of two that race one wins, and then the hints that follow from it. What came of it is a value;
 * each wire says it in its own words.
 */
import { stopAt } from "../backends/protocols.ts";
import { findBackend } from "../backends/store.ts";
import { BULK_ROWS, QUEUE_BATCH, REDRIVE_ATTEMPTS_MAX, STOP_LOOK_MS, STOP_WAIT_MS } from "../limits.ts";
import { askAgain } from "../platform/unavailable.ts";
import type { Ports } from "../ports.ts";
import { type Problem, problem } from "../problem.ts";
import { type After, bestEffort, hintDeliveries, hintSweep, hintWork } from "./hints.ts";
import type { Lane } from "../models/lane.ts";
import { findModel } from "../models/store.ts";
import { modelNotFound } from "../models/unknown.ts";
import type { Inference } from "./inference.ts";
import { removeNoted } from "./objects.ts";
import { removeEnded } from "./sql/ended.ts";
import { type BulkPage, type Stoppable, bulk, cancelInference, cancelOrAsk, cancelWaitingPage, redriveInference } from "./sql/change.ts";
import type { Cursor, Filter } from "./sql/filter.ts";
import { OPEN } from "./sql/fragments.ts";
import { standingOf } from "./sql/insert.ts";
import { isBelowOpenLimit } from "./sql/open.ts";
import { findInference } from "./sql/read.ts";
import { isFinal, type Status } from "./status.ts";
import { refusalByOpen, refusalBySpent } from "./submit.ts";

/** Names an inference. */
export interface InferenceName {
  readonly accountId: string;
  readonly id: string;
}

type NotFound = { readonly kind: "not_found" };

export type Canceled =
  | NotFound
  /** By this call, or by an earlier one. */
  | { readonly kind: "canceled" | "canceled_before"; readonly inference: Inference }
  /** It is final, or in a status that was not to be canceled. */
  | { readonly kind: "not_cancelable"; readonly inference: Inference };

/** Cancels an inference that is in one of these statuses. */
export async function cancel(
  ports: Ports,
  { accountId, id }: InferenceName,
  after: After,
  only: readonly Status[] = OPEN,
): Promise<Canceled> {
  const { canceled, byBackend } = await canceledOf(ports, accountId, id, only);
  after(hintDeliveries(ports, [accountId])); // in any case: the write of a first try whose answer was lost may have counted
  if (canceled) return { kind: "canceled", inference: canceled };
  const inference = await findInference(ports.db, accountId, id);
  if (!inference) return { kind: "not_found" };
  if (inference.status === "canceled") return { kind: byBackend ? "canceled" : "canceled_before", inference };
  return { kind: "not_cancelable", inference };
}

/** What a cancel has canceled; `byBackend` if its backend was asked to stop it, so that its runner may have been first to say so. */
async function canceledOf(ports: Ports, accountId: string, id: string, only: readonly Status[]) {
  const { db } = ports;
  if (!only.includes("in_progress")) return { canceled: await askAgain(() => cancelInference(db, accountId, id, only)), byBackend: false };
  const { canceled, stoppable } = await askAgain(() => cancelOrAsk(db, accountId, id));
  if (!stoppable) return { canceled, byBackend: false };
  const stoppedAttempt = (await hasStopped(ports, stoppable, id)) ? stoppable.attempt : null;
  return { canceled: await askAgain(() => cancelInference(db, accountId, id, only, stoppedAttempt)), byBackend: true };
}

/** Has a backend stop an inference, and waits for it to say that it has, for STOP_WAIT_MS. */
async function hasStopped(ports: Ports, { backendId }: Stoppable, id: string): Promise<boolean> {
  const { clock } = ports;
  const backend = await findBackend(ports.db, backendId);
  if (!backend) return false;
  const end = clock.now() + STOP_WAIT_MS;
  let said = await stopAt(backend, id, ports);
  if (said !== "stopping") return false; // what it does not run it has perhaps not begun to
  while (said === "stopping" && clock.now() < end) {
    await clock.sleep(STOP_LOOK_MS);
    said = await stopAt(backend, id, ports);
  }
  return said === "gone";
}

export type Redriven =
  | NotFound
  | { readonly kind: "redriven"; readonly inference: Inference }
  /** Its retention is over, so there is nothing to run. */
  | { readonly kind: "input_removed" }
  /** Its account may not have one more, or its model or the version of it is gone. */
  | { readonly kind: "refused"; readonly problem: Problem }
  /** It has had REDRIVE_ATTEMPTS_MAX attempts. */
  | { readonly kind: "attempts_spent"; readonly inference: Inference }
  /** It has neither failed nor expired. */
  | { readonly kind: "not_redrivable"; readonly inference: Inference };

/**
 * Queues a failed or expired inference again under its id, with all its attempts and its whole time in the queue. `bounded`: only if
 * its account's budget and open inferences allow one more, as for a submit.
 */
export async function redrive(ports: Ports, { accountId, id }: InferenceName, after: After, bounded = false): Promise<Redriven> {
  const { db } = ports;
  const redriven =
    (await redriveInference(db, accountId, id, bounded)) ??
    (bounded && (await isBelowOpenLimit(db, accountId)) ? await redriveInference(db, accountId, id, bounded) : null);
  if (redriven) {
    after(hintWork(ports, [{ model: redriven.model, version: redriven.version }]));
    hintSweep(ports, after);
    return { kind: "redriven", inference: redriven };
  }
  const inference = await findInference(db, accountId, id);
  if (!inference) return { kind: "not_found" };
  if ("dataRemoved" in inference && inference.dataRemoved) return { kind: "input_removed" };
  if (inference.attempt >= REDRIVE_ATTEMPTS_MAX) return { kind: "attempts_spent", inference };
  if (inference.status !== "failed" && inference.status !== "expired") return { kind: "not_redrivable", inference };
  const refusal = (await refusalOfLane(ports, inference)) ?? (bounded ? refusalOfMore(await standingOf(ports, accountId, ANY)) : null);
  return refusal ? { kind: "refused", problem: refusal } : { kind: "not_redrivable", inference };
}

/** What a submit to a lane that is not there is told. */
async function refusalOfLane({ db }: Ports, { model, version }: Inference): Promise<Problem | null> {
  const known = await findModel(db, model);
  const isServed = known?.versions.includes(version) || (version === "" && known?.versions.length === 0);
  return isServed ? null : modelNotFound({ model, version: version === "" ? undefined : version }, known);
}

/** Of an account's standing, what has to do with no model. */
const ANY = { model: "", version: null, capability: "" };

const refusalOfMore = (account: Awaited<ReturnType<typeof standingOf>>) => refusalBySpent(account) ?? refusalByOpen(account);

export type Removed =
  | NotFound
  | { readonly kind: "removed" }
  /** It has to be canceled first, so that no call both stops work and destroys what there is of it. */
  | { readonly kind: "not_final"; readonly inference: Inference }
  /** It has ended, and its runner still holds its slot, or its batch needs it. */
  | { readonly kind: "still_held"; readonly inference: Inference };

/** Removes a finished inference: its row, and then its objects, which are noted in the same transaction. */
export async function remove(ports: Ports, { accountId, id }: InferenceName, after: After): Promise<Removed> {
  const inference = await findInference(ports.db, accountId, id);
  if (!inference) return { kind: "not_found" };
  if ("finishedAt" in inference) {
    const { removed } = await removeEnded(ports.db, [{ accountId, id, finishedAt: inference.finishedAt }], "row");
    if (removed > 0) {
      after(bestEffort("objects_not_removed", removeNoted(ports)));
      if (inference.resumable) after(bestEffort("stream_not_forgotten", ports.streams.forget(accountId, id)));
      hintSweep(ports, after);
      return { kind: "removed" };
    }
  }
  return { kind: isFinal(inference.status) ? "still_held" : "not_final", inference };
}

/** A bulk change: what it is about, and where in the order of all inferences it goes on. Looks at a bounded number of rows a call. */
export interface BulkChange {
  readonly filter: Omit<Filter, "statuses">;
  /** Only those in this status; all that may be changed so by default. */
  readonly status?: Status | undefined;
  readonly from: Cursor;
  /** Of every account, or of the cursor's only. */
  readonly everyAccount: boolean;
  /** Only counts. */
  readonly dryRun: boolean;
  /** A redrive of one account only as far as its budget and its open inferences allow, as for submits. */
  readonly bounded?: boolean;
  /** How many rows to look at; BULK_ROWS by default. */
  readonly limit?: number;
}

/** Cancels all that the filter matches, a page of rows a call. */
export async function cancelMany(ports: Ports, change: BulkChange, after: After): Promise<BulkPage> {
  const page = await pageOf(ports, change, "cancel", OPEN);
  if (!change.dryRun) after(hintDeliveries(ports, [change.from.accountId]));
  return page;
}

/**
 * Cancels what an account has waiting in a lane, a page of rows at a time, until nothing is left or it is `endAt` (ms, by the isolate's
 * clock). How many, and whether that was all.
 */
export async function cancelWaiting(
  ports: Ports,
  accountId: string,
  lane: Lane,
  endAt: number,
  after: After,
): Promise<{ readonly canceled: number; readonly isAll: boolean }> {
  let canceled = 0;
  let isAll = false;
  while (!isAll && (canceled === 0 || ports.clock.now() < endAt)) {
    const page = await cancelWaitingPage(ports.db, accountId, lane, BULK_ROWS);
    canceled += page;
    isAll = page < BULK_ROWS;
  }
  after(hintDeliveries(ports, [accountId]));
  return { canceled, isAll };
}

/** Queues again all failed or expired inferences that the filter matches, a page of rows a call. Throws what refuses all of them. */
export async function redriveMany(ports: Ports, change: BulkChange, after: After): Promise<BulkPage> {
  const page = await redrivenPage(ports, change);
  if (page.lanes.length > 0) {
    after(hintWork(ports, page.lanes.slice(0, QUEUE_BATCH)));
    hintSweep(ports, after);
  }
  return page;
}

/** A page, or as many rows of it as the account may have open more. */
async function redrivenPage(ports: Ports, change: BulkChange): Promise<BulkPage> {
  const { accountId } = change.from;
  const whole = await pageOf(ports, change, "redrive", ["failed", "expired"]);
  if (!whole.isTooMuch) return whole;
  await isBelowOpenLimit(ports.db, accountId); // which counts once more if it seems to be at its limit
  const standing = await standingOf(ports, accountId, ANY);
  const refusal = refusalOfMore(standing);
  if (refusal) throw refusal;
  const limit = Math.min(change.limit ?? BULK_ROWS, standing.openLimit - standing.open);
  const part = await pageOf(ports, { ...change, limit }, "redrive", ["failed", "expired"]);
  if (part.isTooMuch) throw problem("unavailable", { headers: { "Retry-After": "1" } }); // others have taken that room meanwhile
  return part;
}

function pageOf({ db }: Ports, change: BulkChange, action: "cancel" | "redrive", statuses: readonly Status[]): Promise<BulkPage> {
  const { filter, status, from, everyAccount, dryRun, limit = BULK_ROWS, bounded } = change;
  const wanted = { ...filter, statuses: status === undefined ? statuses : [status] };
  return bulk(db, action, from, everyAccount, wanted, limit, { bounded, dryRun });
}

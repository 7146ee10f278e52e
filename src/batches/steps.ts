/**
 * What moves batches on: the sweep begins the steps that are due, one of an account after one of another, so that no account's batch waits
 * for all of another's. Each step reads and writes a bounded part of a batch and says in its row what comes next; it may be cut off
 * anywhere, and be begun again by another, which does the same.
 */
import { type After, bestEffort, hintDeliveries } from "../inferences/hints.ts";
import { BATCH_OVERDUE_MS, BATCH_PART_BYTES, BATCH_ROUND_MS, BATCH_WAIT_MS, SWEEP_ROWS } from "../limits.ts";
import { log, logError } from "../platform/log.ts";
import type { Ports } from "../ports.ts";
import type { Step } from "./batch.ts";
import { checkPiece, fail } from "./check.ts";
import { stopLines } from "./inferences.ts";
import { BOUNDS, type Bounds } from "./lines.ts";
import { batchStatements, beginStep, dueBatches, endBatch, endStep, atEnd, whenEnded } from "./store.ts";
import { submitPiece } from "./submit.ts";
import type { BatchWire } from "./wire.ts";
import { toStop, toWrite, writePart } from "./write.ts";

/** How much a step does; smaller in tests. */
export interface StepBounds extends Bounds {
  readonly partBytes: number;
}

const ALL: StepBounds = { ...BOUNDS, partBytes: BATCH_PART_BYTES };

/** Goes on with steps that are due, for BATCH_ROUND_MS at most. Returns whether any batch is under way. */
export async function advanceBatches(ports: Ports, wire: BatchWire, bounds: StepBounds = ALL): Promise<boolean> {
  const { db, clock } = ports;
  const end = clock.now() + BATCH_ROUND_MS;
  for (;;) {
    const { due, isOpen } = await dueBatches(db);
    const turns = new Map<string, string>();
    for (const { accountId, id } of due) if (!turns.has(accountId)) turns.set(accountId, id);
    if (turns.size === 0) return isOpen;
    for (const [accountId, id] of turns) {
      const step = await beginStep(db, accountId, id);
      if (step) await take(ports, wire, step, bounds);
      if (clock.now() >= end) return true;
    }
  }
}

/** What is said of a batch that is stuck. */
const GIVEN_UP = { code: "internal", message: "The files of the batch could not be written.", param: null, line: null };

/** Takes a step. What fails is tried again later: nothing of it is lost, since its row says where to go on. */
async function take(ports: Ports, wire: BatchWire, step: Step, bounds: StepBounds): Promise<void> {
  const afterwards: Promise<unknown>[] = [];
  try {
    await stepOf(ports, wire, step, bounds, (work) => void afterwards.push(work));
  } catch (error) {
    logError("batch_step_failed", error, { batch: step.id, account: step.accountId, phase: step.phase });
    const isStuck = step.endedAt === null && step.now >= Math.max(step.expiresAt, step.finalizingAt ?? 0) + BATCH_OVERDUE_MS;
    const given = isStuck ? fail(ports, step, [GIVEN_UP]) : endStep(ports.db, step, {}, BATCH_WAIT_MS);
    await bestEffort("batch_not_put_off", given);
  }
  await Promise.all(afterwards);
}

async function stepOf(ports: Ports, wire: BatchWire, step: Step, bounds: StepBounds, after: After): Promise<void> {
  const { db } = ports;
  const { phase } = step;
  const isAtWork = phase === "check" || phase === "submit" || phase === "run";
  if (step.isOrphan && (isAtWork || phase === "write")) return void (await endStep(db, step, toStop("cancelled")));
  if (isAtWork && step.now >= step.expiresAt) return void (await endStep(db, step, toStop("expired")));
  switch (phase) {
    case "check":
      return checkPiece(ports, wire, step, bounds);
    case "submit":
      return submitPiece(ports, wire, step, bounds, after);
    case "run":
      return look(ports, step);
    case "stop":
      return stop(ports, step, after);
    case "write":
      return writePart(ports, wire, step, bounds.partBytes);
    case "clear":
      return void (await endBatch(db, step, { phase: atEnd(step.status).phase ?? null }, [batchStatements.clear(step, SWEEP_ROWS)]));
    case null:
      await db.all(batchStatements.remove(step));
      return log("batch_removed", { batch: step.id, account: step.accountId });
    default:
      return phase satisfies never;
  }
}

/** All that was submitted may have ended. */
async function look(ports: Ports, step: Step): Promise<void> {
  const { db } = ports;
  const isDone = step.completed + step.failed >= step.total;
  // One that is redriven at this moment is not over; any that is redriven later is refused.
  const toFiles = () => endStep(db, step, { ...toWrite(ports, step), status: "finalizing" }, 0, [], { allEnded: true });
  if (!isDone || !(await toFiles())) await endStep(db, step, {}, whenEnded(step));
}

/** Cancels what is open of a batch that is to end, a page a step; then its files are written, if its lines were submitted at all. */
async function stop(ports: Ports, step: Step, after: After): Promise<void> {
  const { db } = ports;
  const { stopped, next } = await stopLines(db, step, step.writing?.line ?? 0, SWEEP_ROWS);
  if (stopped > 0) after(hintDeliveries(ports, [step.accountId]));
  if (next !== null) return void (await endStep(db, step, toStop(step.endsAs, next)));
  if (step.inProgressAt === null || step.isOrphan) {
    const none = { output_file_id: null, error_file_id: null, ...(step.inProgressAt === null ? { total: 0 } : {}) };
    return void (await endBatch(db, step, atEnd(step.endsAs, none)));
  }
  await endStep(db, step, { ...toWrite(ports, step), ...(step.endsAs === "expired" ? { status: "finalizing" } : {}) });
}

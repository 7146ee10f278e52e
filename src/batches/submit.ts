/**
 * The second phase of a batch: its lines are submitted, a piece a step, each as an ordinary inference that has the line's number. What
 * is there already of a piece, after a step that was cut off, is not submitted again. A line that is refused for what it asks is
 * noted with the refusal; one for which there is no room now waits, and so do those after it.
 */
import { weigh } from "../http/body.ts";
import type { After } from "../inferences/hints.ts";
import type { Submission } from "../inferences/submission.ts";
import { resultOf, submitEach } from "../inferences/submit-many.ts";
import { BATCH_HEAP_BYTES, BATCH_WAIT_MS, MAX_ATTEMPTS, MAX_DELAY_MS, MAX_TIME_IN_QUEUE_SECONDS, PRIORITY } from "../limits.ts";
import { sql } from "../platform/sql.ts";
import type { Ports } from "../ports.ts";
import { Problem, type ProblemCode } from "../problem.ts";
import type { Step } from "./batch.ts";
import { fail, ofPiece, readLine } from "./check.ts";
import { presentLines } from "./inferences.ts";
import { type Bounds, type Line, readPiece } from "./lines.ts";
import { type Refusal, batchStatements, endStep, whenEnded } from "./store.ts";
import type { BatchWire } from "./wire.ts";

/** What a line is refused with that may be submitted later: its account has no room or no budget, or the platform has a moment. */
const PASSING: readonly ProblemCode[] = [
  "too_many_open",
  "budget_exceeded",
  "quota_exceeded",
  "database_full",
  "unavailable",
  "model_not_ready",
];

/** Submits the next piece. */
export async function submitPiece(ports: Ports, wire: BatchWire, step: Step, bounds: Bounds, after: After): Promise<void> {
  const { db } = ports;
  if (step.room === 0) return void (await endStep(db, step, {}, BATCH_WAIT_MS));
  const piece = await readPiece(ports.payloads, step, step, { ...bounds, lines: Math.min(bounds.lines, step.room) });
  if (piece.kind !== "lines") return fail(ports, step, [ofPiece(piece)]);
  const lines = fitting(piece.lines);
  const present = await presentLines(db, step, lines[0]?.number ?? 0, lines.at(-1)?.number ?? 0);
  const left = lines.filter(({ number }) => !present.has(number));
  const submissions = await Promise.all(left.map((line) => resultOf(async () => submissionOf(wire, step, line))));
  const results = await submitEach(ports, submissions, after);
  const refusedAt = new Map(
    left.flatMap((line, index) => {
      const result = results[index];
      return result instanceof Problem ? [[line, result] as const] : [];
    }),
  );
  const waits = lines.findIndex((line) => PASSING.some((code) => refusedAt.get(line)?.code === code));
  const through = waits < 0 ? lines : lines.slice(0, waits);
  const refusals = through.flatMap((line) => {
    const refused = refusedAt.get(line);
    return refused ? [refusalOf(wire, step, line, refused)] : [];
  });
  const first = piece.lines[waits < 0 ? lines.length : waits];
  const isAll = !first && piece.isLast;
  // Lines that are empty stand between, so the number before the first that waits is not that of the last that is through.
  const next = first ? { position: first.begins, line: first.number - 1 } : { position: piece.position, line: piece.line };
  await endStep(
    db,
    step,
    {
      ...next,
      placed: sql`placed + ${through.length}`,
      failed: sql`failed + ${refusals.length}`,
      ...(isAll ? { phase: "run" } : {}),
    },
    isAll ? whenEnded(step, refusals.length) : waits < 0 ? 0 : BATCH_WAIT_MS,
    batchStatements.refuse(step, refusals),
  );
}

/** The first of them, as many as may be in memory at once. */
function fitting(lines: readonly Line[]): readonly Line[] {
  let heapBytes = 0;
  const beyond = lines.findIndex(({ text }, index) => {
    heapBytes += weigh(text ?? "").heapBytes;
    return index > 0 && heapBytes > BATCH_HEAP_BYTES;
  });
  return beyond < 0 ? lines : lines.slice(0, beyond);
}

/** Throws what refuses it. */
function submissionOf(wire: BatchWire, step: Step, line: Line): Submission {
  const read = readLine(line, step.endpoint);
  if ("code" in read) throw new Error(`line ${line.number} of batch ${step.id} was found right and is not: ${read.message}`);
  const leftMs = step.expiresAt - step.now;
  const [least] = MAX_TIME_IN_QUEUE_SECONDS.range;
  return {
    ...wire.ask(step.endpoint, read.body),
    accountId: step.accountId,
    keyId: step.keyId,
    // Whoever waits for an answer goes first; this has the whole window, and in the second half of it is late like others.
    priority: PRIORITY.range[1],
    maxTimeInQueueSeconds: Math.max(least, Math.ceil(leftMs / 1000)),
    retry: { maxAttempts: MAX_ATTEMPTS.range[1], maxDelayMs: MAX_DELAY_MS.range[1] },
    metadata: { batch_id: step.id, custom_id: read.customId },
    batch: { id: step.id, line: line.number, step: step.step, agesAfterMs: Math.max(0, leftMs - (step.expiresAt - step.createdAt) / 2) },
  };
}

function refusalOf(wire: BatchWire, step: Step, line: Line, refused: Problem): Refusal {
  const read = readLine(line, step.endpoint);
  const customId = "code" in read ? "" : read.customId;
  return { line: line.number, customId, answer: JSON.stringify(wire.refused(refused)) };
}

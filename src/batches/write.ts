/**
 * The last phase of a batch: its two files are written, first that of the lines that succeeded, then that of all others, each in the
 * order of the input. A step writes one part of a file; the last one of a file that fits into a part writes it at once. The row of
 * the batch says what comes next, so a step that is cut off is repeated, and writes the same. Both files are ready in the transaction
 * that ends the batch.
 */
import { abandon } from "../files/remove.ts";
import { partsOf, putPart } from "../files/store.ts";
import { weigh } from "../http/body.ts";
import { render, valueOf } from "../http/output.ts";
import { newInferenceId } from "../ids.ts";
import {
  BATCH_HEAP_BYTES,
  BATCH_LINE_BYTES,
  BATCH_OUTPUT_READ_BYTES,
  BATCH_PART_BYTES,
  BATCH_REFUSED_READ_BYTES,
  BATCH_ROWS_READ,
} from "../limits.ts";
import { ONCE } from "../payloads/bucket.ts";
import { logError } from "../platform/log.ts";
import { NOW, first } from "../platform/sql.ts";
import type { Ports } from "../ports.ts";
import { problem } from "../problem.ts";
import type { Step, Writing } from "./batch.ts";
import { ofPiece, readLine } from "./check.ts";
import { type EndedLine, endedLines } from "./inferences.ts";
import { BOUNDS, readPiece } from "./lines.ts";
import { type Changes, type Refusal, batchStatements, endBatch, endStep, atEnd, fileKey, refusalsFrom } from "./store.ts";
import { Part, answered, unanswered } from "./text.ts";
import type { BatchWire, LineAnswer } from "./wire.ts";

const TYPE = "application/jsonl";
const BEGINNING: Writing = {
  file: "output",
  line: 1,
  position: null,
  parts: 0,
  bytes: 0,
  completed: 0,
  failed: 0,
  sizes: { output: null, error: null },
};

/** The phase before it, of a batch that is to end early: what is open from a line on is canceled. */
export const toStop = (endsAs: Step["endsAs"], line = 1): Changes => ({
  phase: "stop",
  ends_as: endsAs,
  writing: JSON.stringify({ ...BEGINNING, line }),
});

/** The beginning of the phase, with ids for its files. */
export const toWrite = ({ clock, randomBytes }: Ports, { finalizingAt }: Step): Changes => ({
  phase: "write",
  finalizing_at: finalizingAt ?? NOW,
  output_file_id: newInferenceId(clock.now(), randomBytes),
  error_file_id: newInferenceId(clock.now(), randomBytes),
  writing: JSON.stringify(BEGINNING),
});

/** Writes the next part of a file, or ends the batch. */
export async function writePart(ports: Ports, wire: BatchWire, step: Step, partBytes = BATCH_PART_BYTES): Promise<void> {
  const writing = step.writing ?? BEGINNING;
  const { db } = ports;
  const id = writing.file === "output" ? step.outputFileId : step.errorFileId;
  if (id === null) throw new Error(`batch ${step.id} writes a file without an id`);
  const part = new Part(partBytes);
  const gathered = await (writing.file === "output" ? gatherOutputs : gatherErrors)(ports, wire, step, writing, part);
  const { next, refusals, isEnough = false } = gathered;
  const counted = writing.file === "output" ? { completed: writing.completed + part.lines } : { failed: writing.failed + part.lines };
  const before = batchStatements.refuse(step, refusals);
  if (isEnough) return void (await endStep(db, step, {}, 0, before));
  if (next) {
    const bytes = part.whole();
    if (!(await putOne(ports, step, id, writing, bytes))) return again(ports, step);
    const on = { ...writing, ...counted, ...next, parts: writing.parts + 1, bytes: writing.bytes + bytes.byteLength };
    return void (await endStep(db, step, { writing: JSON.stringify(on) }, 0, before));
  }
  const size = await finish(ports, step, id, writing, part);
  if (size === "gone") return again(ports, step);
  const sizes = { ...writing.sizes, [writing.file]: size };
  const done: Writing = { ...writing, ...counted, sizes };
  if (writing.file === "output") {
    const on: Writing = { ...BEGINNING, file: "error", completed: done.completed, sizes };
    return void (await endStep(db, step, { writing: JSON.stringify(on) }, 0, before));
  }
  await end(ports, step, done);
}

/** Ends the batch, with its files. */
async function end(ports: Ports, step: Step, { sizes, completed, failed }: Writing): Promise<void> {
  const { db } = ports;
  const files = { output: step.outputFileId ?? "", error: step.errorFileId ?? "" };
  const ready = (["output", "error"] as const).flatMap((file) => {
    const size = sizes[file];
    return size === null ? [] : [batchStatements.fileIsReady(step, files[file], size)];
  });
  const changes = atEnd(step.endsAs, {
    completed,
    failed,
    output_file_id: sizes.output === null ? null : files.output,
    error_file_id: sizes.error === null ? null : files.error,
  });
  if (!(await endBatch(db, step, changes, ready, { ready: ready.length }))) await again(ports, step);
}

/** A file that was under way is no longer there: both are begun again. */
async function again(ports: Ports, step: Step): Promise<void> {
  await endStep(ports.db, step, toWrite(ports, step));
}

/** Where the file goes on; null at its end. */
interface Gathered {
  readonly next: Pick<Writing, "line" | "position"> | null;
  /** Of lines that turn out not to belong into it. */
  readonly refusals: readonly Refusal[];
  /** They are as many as a step notes: the next one gathers the same part again, without them. */
  readonly isEnough?: boolean;
}

/** Fills a part with lines that succeeded. One whose output can't be shown is refused, and so comes into the other file. */
async function gatherOutputs(ports: Ports, wire: BatchWire, step: Step, writing: Writing, part: Part): Promise<Gathered> {
  const refusals: Refusal[] = [];
  let refusedBytes = 0;
  for (let from = writing.line; ;) {
    const which = { succeeded: true, first: from, last: Number.MAX_SAFE_INTEGER };
    const rows = await endedLines(ports.db, step, which, BATCH_ROWS_READ);
    for (const some of byBytes(rows)) {
      const answers = await Promise.all(some.map((row) => outputOf(ports, wire, step, row)));
      for (const [index, row] of some.entries()) {
        let answer = answers[index] ?? tooLarge(wire, row);
        if (isSuccess(answer)) {
          const line = answered(row.id, row.customId, answer);
          if (part.add(line)) continue;
          if (!part.isEmpty) return { next: { line: row.line, position: null }, refusals };
          answer = tooLarge(wire, row); // longer than a part
        }
        refusals.push({ line: row.line, customId: row.customId, answer: JSON.stringify(answer) });
        refusedBytes += row.bytes;
      }
      if (refusals.length >= BATCH_ROWS_READ || refusedBytes >= BATCH_REFUSED_READ_BYTES) return { next: null, refusals, isEnough: true };
    }
    const last = rows.at(-1);
    if (!last || rows.length < BATCH_ROWS_READ) return { next: null, refusals };
    from = last.line + 1;
  }
}

const isSuccess = ({ status }: LineAnswer) => status < 300;

/** In groups of so few that their outputs can be held at once. */
function byBytes(rows: readonly EndedLine[]): EndedLine[][] {
  const groups: EndedLine[][] = [];
  let bytes = Infinity;
  for (const row of rows) {
    bytes += row.bytes;
    if (bytes > BATCH_OUTPUT_READ_BYTES) {
      groups.push([]);
      ({ bytes } = row);
    }
    groups.at(-1)?.push(row);
  }
  return groups;
}

async function outputOf({ payloads }: Ports, wire: BatchWire, { endpoint }: Step, row: EndedLine): Promise<LineAnswer> {
  if (row.bytes > BATCH_LINE_BYTES) return tooLarge(wire, row);
  const rendered = await render(payloads, row.output);
  if (rendered.kind === "json" && weigh(rendered.text).heapBytes > BATCH_HEAP_BYTES) return tooLarge(wire, row);
  return wire.succeeded(endpoint, row, valueOf(rendered));
}

function tooLarge(wire: BatchWire, { id }: EndedLine): LineAnswer {
  const detail = `The output is too large for a line of a file. It is the result of inference ${id}: GET /v1/inferences/${id}/result.`;
  return wire.refused(problem("body_too_large", { detail }));
}

/** Fills a part with all other lines: those that failed or were refused, and, behind them, those that were never submitted. */
async function gatherErrors(ports: Ports, wire: BatchWire, step: Step, writing: Writing, part: Part): Promise<Gathered> {
  const none: readonly Refusal[] = [];
  if (writing.position === null) {
    const line = await gatherPlaced(ports, wire, step, writing.line, step.line, part);
    if (line !== null) return { next: { line, position: null }, refusals: none };
  }
  let place = { position: writing.position ?? step.position, line: writing.position === null ? step.line : writing.line - 1 };
  while (place.position < step.inputBytes) {
    const piece = await readPiece(ports.payloads, step, place, BOUNDS);
    if (piece.kind !== "lines") {
      logError("batch_input_gone", new Error(ofPiece(piece).message), { batch: step.id });
      break; // what was never submitted has no other name than in there
    }
    const { lines } = piece;
    const there = await placedBetween(ports, wire, step, lines[0]?.number ?? 0, lines.at(-1)?.number ?? 0);
    for (const line of lines) {
      const known = there.get(line.number);
      if (known === null) continue;
      if (!part.add(known ?? neverSubmitted(step, line.number, readLine(line, step.endpoint)))) {
        return { next: { line: line.number, position: line.begins }, refusals: none };
      }
    }
    place = piece;
  }
  return { next: null, refusals: none };
}

function neverSubmitted(step: Step, number: number, read: ReturnType<typeof readLine>): Uint8Array {
  return unanswered(`${step.id}-${number}`, "code" in read ? "" : read.customId, step.endsAs);
}

/** Lines from one to another that did not succeed, as far as they fit; the first that does not, or null. */
async function gatherPlaced(ports: Ports, wire: BatchWire, step: Step, first_: number, last: number, part: Part): Promise<number | null> {
  for (let from = first_; from <= last;) {
    const [rows, refused] = await Promise.all([
      endedLines(ports.db, step, { succeeded: false, first: from, last }, BATCH_ROWS_READ),
      refusalsFrom(ports.db, step, from, BATCH_ROWS_READ),
    ]);
    // What lies behind the end of either page is for the next ones.
    const to = Math.min(last, endOf(rows), endOf(refused));
    const texts = [
      ...rows.map((row) => [row.line, () => failedLine(wire, step, row)] as const),
      ...refused.map((it) => [it.line, () => refusedLine(step, it)] as const),
    ];
    const inOrder = texts.filter(([number]) => number <= to).toSorted(([one], [other]) => one - other);
    for (const [number, text] of inOrder) if (!part.add(text())) return number;
    from = to + 1;
  }
  return null;
}

const endOf = (page: readonly { readonly line: number }[]) => (page.length < BATCH_ROWS_READ ? Infinity : (page.at(-1)?.line ?? Infinity));

/** Of lines that were submitted, what the file says; null of those that succeeded, which are in the other one. */
async function placedBetween(
  ports: Ports,
  wire: BatchWire,
  step: Step,
  first_: number,
  last: number,
): Promise<Map<number, Uint8Array | null>> {
  const there = new Map<number, Uint8Array | null>();
  const refused = (await refusalsFrom(ports.db, step, first_, last - first_ + 1)).filter(({ line }) => line <= last);
  for (const succeeded of [true, false]) {
    const limit = last - first_ + 1;
    for (const row of await endedLines(ports.db, step, { succeeded, first: first_, last }, limit)) {
      there.set(row.line, succeeded ? null : failedLine(wire, step, row));
    }
  }
  for (const it of refused) there.set(it.line, refusedLine(step, it));
  return there;
}

function failedLine(wire: BatchWire, { endsAs }: Step, { id, customId, status, error }: EndedLine): Uint8Array {
  const isByBatch = endsAs !== "completed" && (status === "canceled" || status === "expired");
  if (isByBatch || status === "expired") return unanswered(id, customId, isByBatch ? endsAs : "expired");
  return answered(id, customId, wire.failed(error));
}

const refusedLine = ({ id }: Step, { line, customId, answer }: Refusal) =>
  answered(`${id}-${line}`, customId, JSON.parse(answer) as LineAnswer); // as refusals are written

/** Writes a part of a file; false if the file is no longer there. */
async function putOne(ports: Ports, step: Step, id: string, { parts }: Writing, bytes: Uint8Array): Promise<boolean> {
  const upload = await uploadOf(ports, step, id, parts === 0);
  if (!upload) return false;
  const { etag } = await upload.part(parts + 1, bytes);
  return putPart(ports.db, { accountId: step.accountId, id }, { number: parts + 1, etag, bytes: bytes.byteLength });
}

/** The upload of a file's parts; null if the file is no longer there. */
async function uploadOf({ db, uploads }: Ports, step: Step, id: string, isFirst: boolean) {
  const key = fileKey(step, id);
  if (isFirst) await db.all(batchStatements.insertFile(step, id, nameOf(step)));
  const row = await first(db, batchStatements.findUpload(step.accountId, id));
  if (!row) return null;
  const known = row["uploadId"];
  if (typeof known === "string") return uploads.resume(key, known);
  const begun = await uploads.begin(key, TYPE);
  const noted = await first(db, batchStatements.noteUpload(step.accountId, id, begun.id));
  const uploadId = noted?.["uploadId"];
  if (uploadId === begun.id) return begun;
  await abandon(begun); // another step was first
  return typeof uploadId === "string" ? uploads.resume(key, uploadId) : null;
}

const nameOf = ({ id, writing }: Step) => `batch_${id}_${writing?.file ?? "output"}.jsonl`;

/** Makes a file whole. Its size; null if there is nothing for it, and "gone" if it is no longer there. */
async function finish(ports: Ports, step: Step, id: string, writing: Writing, part: Part): Promise<number | null | "gone"> {
  const { db, payloads } = ports;
  const rest = part.rest();
  if (writing.parts === 0) {
    if (part.isEmpty) return null;
    await db.all(batchStatements.insertFile(step, id, nameOf(step)));
    const key = fileKey(step, id);
    const written = await payloads.put(key, rest, { onlyIf: ONCE, httpMetadata: { contentType: TYPE } });
    // One that is there already is of an earlier try, maybe of another version of this software.
    const size = written === null ? await sizeOf(ports, key) : rest.byteLength;
    return (await first(db, batchStatements.findUpload(step.accountId, id))) === null || size === null ? "gone" : size;
  }
  // An earlier try may have completed it, and its answer was lost: then it takes no part any more.
  const there = await sizeOf(ports, fileKey(step, id));
  if (there !== null) return there;
  const upload = await uploadOf(ports, step, id, false);
  if (!upload) return "gone";
  const bytes = writing.bytes + rest.byteLength;
  if (!part.isEmpty && !(await putOne(ports, step, id, writing, rest))) return "gone";
  const parts = await partsOf(db, { accountId: step.accountId, id });
  await upload.complete(parts.map(({ number, etag }) => ({ partNumber: number, etag })));
  return bytes;
}

/** Of an object; null if it is not there. */
async function sizeOf({ payloads }: Ports, key: string): Promise<number | null> {
  const { objects } = await payloads.list({ prefix: key, after: null, limit: 1 });
  return objects.find((object) => object.key === key)?.size ?? null;
}

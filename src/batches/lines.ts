/**
 * A batch's input, a piece at a time: whole lines from a place on, read by range, so that of a file of any size no more is in memory
 * than a piece, or one line. A line that is empty counts for nothing.
 */
import { BATCH_LINE_BYTES, BATCH_PIECE_BYTES, BATCH_STEP_LINES } from "../limits.ts";
import type { Bucket } from "../payloads/bucket.ts";
import { objectKey } from "../files/store.ts";
import type { Batch } from "./batch.ts";

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Where it begins. */
  readonly begins: number;
  /** Null if it is not UTF-8. */
  readonly text: string | null;
}

/** How much a step does. */
export interface Bounds {
  readonly pieceBytes: number;
  readonly lines: number;
}

export const BOUNDS: Bounds = { pieceBytes: BATCH_PIECE_BYTES, lines: BATCH_STEP_LINES };

export type Piece =
  | {
      readonly kind: "lines";
      readonly lines: readonly Line[];
      /** Where the next piece begins: a place, and the number of the line before it. */
      readonly position: number;
      readonly line: number;
      readonly isLast: boolean;
    }
  /** The line of this number is longer than BATCH_LINE_BYTES. */
  | { readonly kind: "too_long"; readonly number: number }
  /** The file is not there any more. */
  | { readonly kind: "gone" };

const NEWLINE = 10;
/** Of a whole line; a mark of the byte order at its beginning is left out. */
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** The lines from a place on: `from.line` stand before it. */
export async function readPiece(
  bucket: Bucket,
  { accountId, inputFileId, inputBytes }: Batch,
  from: { readonly position: number; readonly line: number },
  bounds: Bounds,
): Promise<Piece> {
  const left = inputBytes - from.position;
  if (left === 0) return { kind: "lines", lines: [], ...from, isLast: true };
  for (const bytes of [bounds.pieceBytes, BATCH_LINE_BYTES + 1]) {
    const range = { offset: from.position, length: Math.min(bytes, left) };
    const object = await bucket.get(objectKey({ accountId, id: inputFileId }), { range });
    if (!object) return { kind: "gone" };
    const piece = linesIn(await object.bytes(), from, range.length === left, bounds.lines);
    if (piece) return { kind: "lines", ...piece, isLast: piece.position === inputBytes };
  }
  return { kind: "too_long", number: from.line + 1 };
}

/** Null if not one line is whole. */
function linesIn(bytes: Uint8Array, from: { position: number; line: number }, isToEnd: boolean, most: number) {
  const lines: Line[] = [];
  let [begin, number] = [0, from.line];
  while (begin < bytes.byteLength && lines.length < most) {
    const found = bytes.indexOf(NEWLINE, begin);
    if (found < 0 && !isToEnd) break;
    const end = found < 0 ? bytes.byteLength : found;
    number++;
    if (!isBlank(bytes, begin, end)) {
      const text = textOf(bytes.subarray(begin, end));
      if (text === null || text.trim() !== "") lines.push({ number, begins: from.position + begin, text });
    }
    begin = found < 0 ? end : end + 1;
  }
  return begin === 0 ? null : { lines, position: from.position + begin, line: number };
}

/** Whether a line has nothing but ASCII's white space. A piece may have a million such lines, and a text of each would cost seconds. */
function isBlank(bytes: Uint8Array, begin: number, end: number): boolean {
  for (let at = begin; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte !== 32 && (byte < 9 || byte > 13)) return false;
  }
  return true;
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return UTF8.decode(bytes);
  } catch {
    return null;
  }
}

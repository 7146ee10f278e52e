/**
 * PURE. The log of an inference as numbered events. A line's number is its place in the log and its time; both are in the row, so
 * who has lost a connection, or the isolate at its other end, goes on after the last number that it has.
 */
import type { Inference, LogEntry } from "./inference.ts";
import type { Status } from "./status.ts";

/** The number of a line. */
export interface Place {
  readonly index: number;
  /** In ms. */
  readonly at: number;
}

export interface Line extends LogEntry {
  readonly place: Place;
}

export const placeText = ({ index, at }: Place): string => `${index}-${at}`;

/** Null for what is no such number. */
export function placeOf(text: string): Place | null {
  const [, index, at] = /^(\d{1,6})-(\d{1,15})$/.exec(text) ?? [];
  return index === undefined || at === undefined ? null : { index: Number(index), at: Number(at) };
}

/** Whether a log has a line with this number. */
export const hasLine = ({ log }: Pick<Inference, "log">, { index, at }: Place): boolean => log[index]?.at === at;

/** The lines after a place, all without one; `isCut` if some after it were dropped from the log meanwhile. */
export function linesAfter(
  { log }: Pick<Inference, "log">,
  after: Place | null,
): { readonly lines: readonly Line[]; readonly isCut: boolean } {
  const from = (begin: number) => log.slice(begin).map((line, index) => ({ ...line, place: { index: begin + index, at: line.at } }));
  if (after === null) return { lines: from(0), isCut: false };
  if (hasLine({ log }, after)) return { lines: from(after.index + 1), isCut: false };
  const last = log.at(-1);
  const isOlder = !last || last.at < after.at || (last.at === after.at && log.length <= after.index + 1);
  return isOlder ? { lines: [], isCut: false } : { lines: from(0), isCut: true };
}

const AFTER: Readonly<Partial<Record<LogEntry["event"], Status>>> = {
  queued: "queued",
  claimed: "in_progress",
  attempt_failed: "queued",
  redriven: "queued",
  succeeded: "succeeded",
  failed: "failed",
  canceled: "canceled",
  expired: "expired",
};

/** The status that a line says has begun; null if it says of none. */
export function statusAfter({ event }: LogEntry): Status | null {
  return AFTER[event] ?? null;
}

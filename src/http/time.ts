/** Times as clients write and read them: ISO 8601 with an offset coming in, in UTC with milliseconds going out. */
import * as z from "zod";

/** A time in an answer. */
export const timeSchema = z.iso.datetime();

/** ms as an answer shows it. */
export function time(ms: number): string;
export function time(ms: number | null): string | null;
export function time(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** An instant that a client names, in ms. */
export const instantSchema = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

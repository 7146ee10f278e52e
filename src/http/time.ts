/** Times as clients write and read them: ISO 8601 with an offset coming in, in UTC with milliseconds going out. */
import * as z from "zod";
import { shown } from "../problem.ts";
import { parseInstant } from "../encoding/instant.ts";

/** A time in an answer. */
export const timeSchema = z.iso.datetime();

/** ms as an answer shows it. */
export function time(ms: number): string;
export function time(ms: number | null): string | null;
export function time(ms: number | null): string | null {
  if (ms === null) return null;
  if (ms !== last.ms) last = { ms, text: new Date(ms).toISOString() };
  return last.text;
}

/** The last one that was shown: what is shown together often came together. */
let last = { ms: Number.NaN, text: "" };

/** An offset whose plus has become a space, as it does in a query. */
const LOST_PLUS = /\d \d\d(?::?\d\d)?$/;

/** An instant that a client names in any form of ISO 8601, in ms. */
export const instantSchema = z
  .string()
  .refine((text) => parseInstant(text) !== null, {
    error: ({ input }) =>
      `must be a time with its offset such as "2026-01-31T12:00:00Z", and is ${shown(input)}${LOST_PLUS.test(String(input)) ? '; in a URL, write "+" as "%2B"' : ""}`,
  })
  .transform((text) => parseInstant(text) ?? Number.NaN) // the line above has seen to it
  .meta({ format: "date-time" });

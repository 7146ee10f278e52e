/** Texts that people give: what is stored of them is what they gave. */
import * as z from "zod";

/** Control characters, within a class of a pattern: `\p{Cc}` is not known to every engine that reads what is published. */
export const CONTROLS = String.raw`\x00-\x1f\x7f-\x9f`;

const HALF = "must be valid Unicode, and has half of a surrogate pair";

/** A text that comes out as it went in: the database replaces half of a surrogate pair. */
const isWhole = (text: string) => text.isWellFormed();

/** A text of at most so many characters. */
export function wholeText(most: number): z.ZodString {
  return z.string().max(most).refine(isWhole, HALF);
}

const ONE_LINE = new RegExp(`^[^${CONTROLS}]*$`);

/** A name that people read in lists: one line, without what could steer a terminal, and without the space around it. */
export function nameText(most: number): z.ZodString {
  return z.string().trim().min(1).max(most).regex(ONE_LINE, "must be one line without control characters").refine(isWhole, HALF);
}

/** A range of limits.ts, as a schema. */
import * as z from "zod";

/** A whole number within it. */
export const wholeIn = ([least, most]: readonly [least: number, most: number]) => z.int().min(least).max(most);

/** The members by which a list or a bulk call picks inferences, as clients write them. */
import * as z from "zod";
import type { Filter } from "../inferences/sql/filter.ts";
import { instantSchema } from "./time.ts";

/** A text that comes out as it went in: the database replaces half of a surrogate pair. */
const isWhole = (text: string) => text.isWellFormed();
const HALF = "must be valid Unicode, and has half of a surrogate pair";

/**
 * The client's own words on an inference: few enough that a filter by all of them fits into one statement. An entry named
 * `__proto__`, which the library would leave out in silence, is refused by its name.
 */
export const metadataSchema = z.preprocess(
  (value, context) => {
    if (typeof value === "object" && value !== null && Object.hasOwn(value, "__proto__")) {
      context.addIssue({ code: "custom", path: ["__proto__"], message: "is a name that is not allowed" });
    }
    return value;
  },
  z
    .record(z.string().min(1).max(64).refine(isWhole, HALF), z.string().max(512).refine(isWhole, HALF))
    .refine((metadata) => Object.keys(metadata).length <= 16, {
      error: ({ input }) => `must have at most 16 entries, and has ${Object.keys(input as object).length}`, // a record
    }),
);

export const filterShape = {
  model: z.string().min(1).max(128).optional(),
  created_after: instantSchema.optional(),
  created_before: instantSchema.optional(),
  metadata: metadataSchema.optional(),
} as const;

/** Whether a bulk call's body names anything to pick by; one that does not would be about everything. */
export function narrows(body: object): boolean {
  return Object.entries(body).some(([name, value]) => {
    if (name === "metadata") return Object.keys((value ?? {}) as object).length > 0; // the schema has seen to it that it is one
    return name !== "dry_run" && name !== "after";
  });
}

export function filterOf(body: {
  model?: string | undefined;
  created_after?: number | undefined;
  created_before?: number | undefined;
  metadata?: Record<string, string> | undefined;
}): Omit<Filter, "statuses"> {
  return { model: body.model, createdAfter: body.created_after, createdBefore: body.created_before, metadata: body.metadata };
}

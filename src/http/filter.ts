/** The members by which a list or a bulk call picks inferences, as clients write them. */
import * as z from "zod";
import type { Filter } from "../inferences/statements.ts";

const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

/** The client's own words on an inference: few enough that a filter by all of them fits into one statement. */
export const metadataSchema = z
  .record(z.string().min(1).max(64), z.string().max(512))
  .refine((metadata) => Object.keys(metadata).length <= 16, "at most 16 entries");

export const filterShape = {
  model: z.string().min(1).max(128).optional(),
  created_after: instant.optional(),
  created_before: instant.optional(),
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

/** The members by which a list or a bulk call picks inferences, as clients write them. */
import * as z from "zod";
import { FAILURE_CLASSES } from "../backends/outcome.ts";
import { METADATA } from "../limits.ts";
import type { Filter } from "../inferences/sql/filter.ts";
import { wholeText } from "./text.ts";
import { instantSchema } from "./time.ts";

/**
 * The client's own words on an inference. An entry named
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
    .record(wholeText(METADATA.nameCharacters).min(1), wholeText(METADATA.textCharacters))
    .refine((metadata) => Object.keys(metadata).length <= METADATA.entries, {
      error: ({ input }) => `must have at most ${METADATA.entries} entries, and has ${Object.keys(input as object).length}`, // a record
    }),
);

/** The wires that an inference can have been submitted by: each submission names one. */
export const WIRES = ["claimcheck", "vody", "reka", "baseten", "fal", "runpod", "replicate", "oip", "openai"] as const;

const named = (characters: number) => z.string().min(1).max(characters).optional();

/** What inferences are picked by, beside their status. */
export const filterShape = {
  model: named(128).describe("Only of this model."),
  version: named(128).describe("Only of this version."),
  created_after: instantSchema.optional().describe("Only those submitted then or later."),
  created_before: instantSchema.optional().describe("Only those submitted before."),
  finished_after: instantSchema.optional().describe("Only those that ended then or later."),
  finished_before: instantSchema.optional().describe("Only those that ended before."),
  metadata: metadataSchema.optional().describe("Only those that have all of these words in their metadata."),
  error_class: z.enum(FAILURE_CLASSES).optional().describe("Only those that failed so."),
  error_code: named(64).describe("Only those that failed with this code."),
  backend: named(64).describe("Only those whose latest attempt was there."),
  dialect: z.enum(WIRES).optional().describe("Only those submitted by this wire; `claimcheck` is our own API."),
  key: named(64).describe("Only those submitted by the key of this id."),
  q: named(128).describe("Only those with this text, in any case, in their id, model, metadata, or error's message."),
} as const;

/** Whether a bulk call's body names anything to pick by; one that does not would be about everything. */
export function narrows(body: object): boolean {
  return Object.entries(body).some(([name, value]) => {
    if (name === "metadata") return Object.keys((value ?? {}) as object).length > 0; // the schema has seen to it that it is one
    return name !== "dry_run" && name !== "after";
  });
}

type Asked = z.infer<z.ZodObject<typeof filterShape>>;

export function filterOf(asked: Asked): Omit<Filter, "statuses"> {
  return {
    model: asked.model,
    version: asked.version,
    createdAfter: asked.created_after,
    createdBefore: asked.created_before,
    finishedAfter: asked.finished_after,
    finishedBefore: asked.finished_before,
    metadata: asked.metadata,
    errorClass: asked.error_class,
    errorCode: asked.error_code,
    backendId: asked.backend,
    dialect: asked.dialect,
    keyId: asked.key,
    text: asked.q,
  };
}

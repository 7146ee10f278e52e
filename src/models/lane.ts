/** PURE. A lane: a model and a version, with one queue of its own. */
import * as z from "zod";

/** A model and version with one queue of its own. */
export const laneSchema = z.object({ model: z.string(), version: z.string() });
export type Lane = z.infer<typeof laneSchema>;

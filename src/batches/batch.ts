/** What a batch is: a file whose lines are submitted as inferences, and what became of them. */
import * as z from "zod";
import { jsonColumn } from "../platform/sql.ts";

export const BATCH_STATUSES = [
  "validating",
  "failed",
  "in_progress",
  "finalizing",
  "completed",
  "expired",
  "cancelling",
  "cancelled",
] as const;

/** What its next step does: `check`s a piece of the input, `submit`s one, `stop`s some inferences, `write`s a part of a file, `clear`s away. */
const PHASES = ["check", "submit", "run", "stop", "write", "clear"] as const;

/** What is wrong with an input, as OpenAI's API has it. */
const faultSchema = z.object({
  code: z.string(),
  message: z.string(),
  param: z.string().nullable(),
  /** From 1; null if it is the file as a whole. */
  line: z.number().nullable(),
});
export type LineFault = z.infer<typeof faultSchema>;

const writingSchema = z.object({
  /** The file that is written. */
  file: z.enum(["output", "error"]),
  /** The first line that is not in it yet. */
  line: z.number(),
  /** Where in the input that line begins, for lines that were never submitted; null: before those. */
  position: z.number().nullable(),
  /** Parts of the file that are there, and bytes in them. */
  parts: z.number(),
  bytes: z.number(),
  /** Lines in the files so far. */
  completed: z.number(),
  failed: z.number(),
  /** Of the files, once they are whole; null if there are no lines for it. */
  sizes: z.object({ output: z.number().nullable(), error: z.number().nullable() }),
});
export type Writing = z.infer<typeof writingSchema>;

export const batchSchema = z.object({
  accountId: z.string(),
  id: z.string(),
  keyId: z.string(),
  endpoint: z.string(),
  inputFileId: z.string(),
  inputBytes: z.number(),
  completionWindow: z.string(),
  metadata: jsonColumn(z.record(z.string(), z.string())).nullable(),
  /** How long after its creation its files are kept; null: as long as the account's others. */
  outputSeconds: z.number().nullable(),
  origin: z.string(),
  fingerprint: z.string().nullable(),
  status: z.enum(BATCH_STATUSES),
  endsAs: z.enum(["completed", "expired", "cancelled"]),
  phase: z.enum(PHASES).nullable(),
  createdAt: z.number(),
  expiresAt: z.number(),
  inProgressAt: z.number().nullable(),
  cancellingAt: z.number().nullable(),
  finalizingAt: z.number().nullable(),
  endedAt: z.number().nullable(),
  total: z.number(),
  placed: z.number(),
  completed: z.number(),
  failed: z.number(),
  position: z.number(),
  line: z.number(),
  outputFileId: z.string().nullable(),
  errorFileId: z.string().nullable(),
  errors: jsonColumn(z.array(faultSchema)),
});
/** As its row tells it. */
export type Batch = Readonly<z.infer<typeof batchSchema>>;

export const stepSchema = batchSchema.extend({
  /** The fence of all that the step writes. */
  step: z.number(),
  writing: jsonColumn(writingSchema).nullable(),
  digests: z.string(),
  now: z.number(),
  /** The account is gone. */
  isOrphan: z.number().transform((one) => one === 1),
  /** How many inferences more the account's batches may have open. */
  room: z.number(),
});
/** A batch whose next step was begun. */
export type Step = Readonly<z.infer<typeof stepSchema>>;

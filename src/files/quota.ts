/**
 * What an account may store: its files, and the inputs, outputs and metadata of its inferences, wherever they lie. The count
 * is kept by the database's triggers (schema.sql). Files and inferences reserve their place in the statement that makes their
 * row, so they never exceed the quota. An output is never refused: the work is done. It counts, and what comes next is refused.
 */
import { type Problem, problem } from "../problem.ts";
import type { StorageUse } from "./store.ts";

/** With the figures; `bytes` is what was to be stored. */
export function quotaExceeded({ stored, quota }: StorageUse, bytes: number): Problem {
  return problem("quota_exceeded", {
    detail: `The account stores ${stored} of at most ${quota} bytes; ${bytes} more are too many.`,
    members: { stored_bytes: stored, quota_bytes: quota, wanted_bytes: bytes },
  });
}

/**
 * What an account may store beside rows: its files, and the inputs and outputs of its inferences that are too large for
 * a row. The count is kept by the database's triggers (schema.sql). A file reserves its place in the statement that makes
 * its row, so files never exceed the quota; inputs that are submitted at the same moment may, by what is under way. An
 * output is never refused: the work is done. It counts, and what comes next is refused.
 */
import type { Database } from "../platform/sql.ts";
import { type Problem, problem } from "../problem.ts";
import { type StorageUse, storageOf } from "./store.ts";

/** Throws `quota_exceeded` where so many bytes more are too many. */
export async function mustHaveRoom(db: Database, accountId: string, bytes: number): Promise<void> {
  const storage = await storageOf(db, accountId);
  if (storage.stored + bytes > storage.quota) throw quotaExceeded(storage, bytes);
}

/** With the figures; `bytes` is what was to be stored. */
export function quotaExceeded({ stored, quota }: StorageUse, bytes: number): Problem {
  return problem("quota_exceeded", {
    detail: `The account stores ${stored} of at most ${quota} bytes; ${bytes} more are too many.`,
    members: { stored_bytes: stored, quota_bytes: quota, wanted_bytes: bytes },
  });
}

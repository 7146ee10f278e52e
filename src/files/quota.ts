/**
 * What an account may store: its files, and the inputs, outputs and metadata of its inferences, wherever they lie; and how
 * much it may have in the database, which has a fixed size: of that, and of deliveries, endpoints and what inferences
 * gather from event to event. Both counts are kept by the database's triggers (schema.sql).
 * Files and inferences reserve their place in the statement that makes their row, so they never exceed a quota. An output is
 * never refused: the work is done. It counts, and what comes next is refused.
 */
import { type Problem, problem } from "../problem.ts";
import type { StorageUse } from "./store.ts";

/** Why `bytes` more, `rowBytes` of them in the database, can't be stored; null if they can. */
export function overQuota(use: StorageUse, bytes: number, rowBytes: number): Problem | null {
  if (use.stored + bytes > use.quota) return quotaExceeded(use, bytes);
  return use.inDatabase + rowBytes > use.databaseQuota ? databaseQuotaExceeded(use, rowBytes) : null;
}

/** With the figures; `bytes` is what was to be stored. */
export function quotaExceeded({ stored, quota }: StorageUse, bytes: number): Problem {
  return problem("quota_exceeded", {
    detail: `The account stores ${stored} of at most ${quota} bytes; ${bytes} more are too many.`,
    members: { stored_bytes: stored, quota_bytes: quota, wanted_bytes: bytes },
  });
}

function databaseQuotaExceeded({ inDatabase, databaseQuota }: StorageUse, bytes: number): Problem {
  return problem("quota_exceeded", {
    detail:
      `The inferences, files and webhook deliveries of the account take ${inDatabase} of at most ${databaseQuota} bytes of the database; ${bytes} more are too many. ` +
      "Delete some that have ended, or ask the operator for a higher quota or a shorter retention.",
    members: { database_bytes: inDatabase, database_quota_bytes: databaseQuota, wanted_bytes: bytes },
  });
}

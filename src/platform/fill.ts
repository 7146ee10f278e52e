/**
 * How full the database is. D1 refuses every write at DATABASE_BYTES, also those that end what runs; so submits are refused
 * before that, and the operator is warned before submits are.
 */
import { DATABASE_BYTES, DATABASE_FULL_BYTES, DATABASE_WARN_BYTES } from "../limits.ts";
import type { Database } from "./sql.ts";

export interface Fill {
  /** Null if no answer has said it to this isolate yet. */
  readonly bytes: number | null;
  readonly limitBytes: number;
  /** `filling`: the operator should make room. `full`: submits are refused. */
  readonly state: "ok" | "filling" | "full";
}

export function fillOf(db: Database): Fill {
  const bytes = db.bytes?.() ?? null;
  const known = bytes ?? 0;
  const state = known >= DATABASE_FULL_BYTES ? "full" : known >= DATABASE_WARN_BYTES ? "filling" : "ok";
  return { bytes, limitBytes: DATABASE_BYTES, state };
}

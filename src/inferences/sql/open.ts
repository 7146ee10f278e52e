/** How many inferences an account has open, at most, and the count of them where that seems to be its limit. */
import { type Database, sql } from "../../platform/sql.ts";
import { insertStatements } from "./insert.ts";

/** How many inferences an account has open, at most. */
export async function openOf(db: Database, accountId: string): Promise<number> {
  const [row] = await db.all(sql`SELECT open_at_most AS open FROM accounts WHERE id = ${accountId}`);
  return Number(row?.["open"] ?? 0);
}

/** Counts anew what an account has open, if it seems to be at its limit. Returns whether it is below. */
export async function isBelowOpenLimit(db: Database, accountId: string): Promise<boolean> {
  const [row] = await db.all(insertStatements.countOpen(accountId));
  return row?.["below"] === 1;
}

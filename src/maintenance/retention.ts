/**
 * Retention: what is finished goes when its time is over, rows and objects together, and what nobody has is found and
 * goes too. Rows first: the transaction that removes a row, or strips it of its payloads, notes their objects as removals,
 * and those are removed from the bucket until nothing is left of them. A crash anywhere leaves either all of an inference or a note
 * of what remains. What was written to the bucket and never got a row is found by walking the bucket slowly, and an upload
 * in parts that was never completed by the note that was made when it began, since a bucket does not list uploads.
 * Every step may be repeated, doubled or cut off; each is bounded, and the sweep takes one of each kind a pass.
 */
import { holdBudgets } from "../accounts/usage.ts";
import { removeOldEntries } from "../audit/store.ts";
import { removeExpiredFiles } from "../files/remove.ts";
import { FILE_PREFIX } from "../files/store.ts";
import { hintDeliveries } from "../inferences/hints.ts";
import { removeNoted, unnamed } from "../inferences/objects.ts";
import { removeEnded } from "../inferences/sql/ended.ts";
import { log } from "../platform/log.ts";
import {
  AUDIT_LAP_MS,
  AUDIT_STEP,
  BUDGET_LAP_MS,
  DELETE_KEYS,
  FILE_LAP_MS,
  ORPHAN_LAP_MS,
  ORPHAN_MS,
  ORPHAN_PAGE,
  ORPHAN_PAGE_MS,
  RETENTION_LAP_MS,
  RETENTION_ROWS,
} from "../limits.ts";
import type { Ports } from "../ports.ts";
import { endpointStatements } from "../webhooks/sql/endpoints.ts";
import { layDown, noteRemovals, removalStatements } from "../payloads/removals.ts";
import { endedFrom, findPastRetention, retentionStatements } from "./retained.ts";

type RetentionPorts = Pick<Ports, "db" | "payloads" | "uploads" | "clock" | "deliver">;

/** One step of all of it. Returns whether there is more to do at once. */
export async function retain(stores: RetentionPorts): Promise<boolean> {
  const { db } = stores;
  const [due = [], ownTime = [], retention = [], orphans = [], files = [], , budgets = [], audit = []] = await db.batch([
    removalStatements.due(1),
    retentionStatements.expiredPayloads(RETENTION_ROWS),
    removalStatements.takeUp("retention"),
    removalStatements.takeUp("orphans"),
    removalStatements.takeUp("files"),
    endpointStatements.forget(RETENTION_ROWS),
    removalStatements.takeUp("budgets"),
    removalStatements.takeUp("audit"),
  ]);
  // What needs no bucket goes first: a bucket that fails ends the step.
  const changed = budgets[0] ? await holdBudgets(db) : [];
  if (budgets[0]) await layDown(db, "budgets", "", BUDGET_LAP_MS);
  for (const { id, state } of changed) log("budget", { account: id, state });
  if (changed.length > 0)
    void hintDeliveries(
      stores,
      changed.map(({ id }) => id),
    ); // what is lost of it, the next pass finds
  if (audit[0]) await layDown(db, "audit", "", (await removeOldEntries(db, AUDIT_STEP)) ? 0 : AUDIT_LAP_MS);
  const expired = endedFrom(ownTime);
  if (expired.length > 0) {
    const { removed } = await removeEnded(db, expired, "payloads");
    log("payloads_removed", { inferences: removed });
  }
  const { past, more } = retention[0] ? await pastRetention(stores, String(retention[0]["cursor"])) : { past: 0, more: false };
  const found = orphans[0] ? await findOrphans(stores, String(orphans[0]["cursor"])) : 0;
  if (files[0]) await layDown(db, "files", "", (await removeExpiredFiles(stores)) ? 0 : FILE_LAP_MS);
  const removed = due.length + expired.length + past + found > 0 ? await removeNoted(stores) : 0;
  return more || removed === DELETE_KEYS || expired.length === RETENTION_ROWS || changed.length > 0;
}

/** A step through the inferences that are past their account's retention. Returns how many, and whether to go on at once. */
async function pastRetention({ db }: RetentionPorts, cursor: string): Promise<{ past: number; more: boolean }> {
  const [accountId = "", id = ""] = cursor.split("/");
  const { past, next } = await findPastRetention(db, { accountId, id }, RETENTION_ROWS);
  if (past.length > 0) {
    const { removed } = await removeEnded(db, past, "row");
    log("inferences_removed", { inferences: removed });
  }
  await layDown(db, "retention", next ? `${next.accountId}/${next.id}` : "", next ? 0 : RETENTION_LAP_MS);
  return { past: past.length, more: next !== null };
}

const PREFIXES = ["inputs/", "outputs/", FILE_PREFIX] as const;

/** A step through the bucket: notes what is old and nobody's. Returns how many. The cursor is the last key that was looked at. */
async function findOrphans({ db, payloads, clock }: RetentionPorts, cursor: string): Promise<number> {
  const prefix = PREFIXES.find((candidate) => cursor.startsWith(candidate)) ?? PREFIXES[0];
  const { objects, more } = await payloads.list({ prefix, after: cursor === prefix ? null : cursor || null, limit: ORPHAN_PAGE });
  const old = objects.filter(({ uploaded }) => uploaded.getTime() <= clock.now() - ORPHAN_MS);
  const orphans = await unnamed(
    db,
    old.map(({ key }) => key),
  );
  if (orphans.length > 0) {
    log("orphans_found", { objects: orphans.length });
    await noteRemovals(db, orphans);
  }
  const following = PREFIXES[PREFIXES.indexOf(prefix) + 1];
  const next = more ? objects.at(-1)?.key : following;
  await layDown(db, "orphans", next ?? "", next === undefined ? ORPHAN_LAP_MS : ORPHAN_PAGE_MS);
  return orphans.length;
}

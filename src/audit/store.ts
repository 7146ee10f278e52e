/**
 * The audit log: one row for each call of the operator that may change something. The row is written before the call does anything
 * and gets its status after it, so that nothing is changed without a row: one whose status is still NULL was cut off on its way.
 */
import * as z from "zod";
import { AUDIT_MS, AUDIT_ROWS } from "../limits.ts";
import { type Database, NOW, type Sql, jsonColumn, rowsOf, sql } from "../platform/sql.ts";

/** How an operator has said who they are: by the admin token, by a session of the console, or by Cloudflare Access. */
const VIAS = ["token", "session", "access"] as const;

export interface Operator {
  readonly via: (typeof VIAS)[number];
  /** Who it is, if Access says so. */
  readonly name: string | null;
}

/** What is known of a call before it does anything. */
export interface NewEntry {
  readonly operator: Operator;
  /** The caller's address, or the /64 of it; empty if it is not known. */
  readonly address: string;
  readonly requestId: string;
  readonly method: string;
  /** As the reference has it, such as `/admin/v1/keys/{id}`. */
  readonly route: string;
  /** What it is about, by id or name; null if that is only known after the call. */
  readonly target: string | null;
  /** What was asked for, as JSON. */
  readonly change: string;
}

const entrySchema = z.object({
  id: z.number(),
  at: z.number(),
  via: z.enum(VIAS),
  name: z.string().nullable(),
  address: z.string(),
  requestId: z.string(),
  method: z.string(),
  route: z.string(),
  target: z.string().nullable(),
  change: jsonColumn(z.unknown()),
  status: z.number().nullable(),
});
export type Entry = Readonly<z.infer<typeof entrySchema>>;

export const auditStatements = {
  begin: ({ operator, address, requestId, method, route, target, change }: NewEntry) => sql`
    INSERT INTO audit (at, via, name, address, request_id, method, route, target, change)
    SELECT ${NOW}, ${operator.via}, ${operator.name}, ${address}, ${requestId}, ${method}, ${route}, ${target}, ${change} WHERE TRUE RETURNING id`,
  end: (id: number, status: number, target: string | null) => sql`
    UPDATE audit SET status = ${status}, target = coalesce(target, ${target}) WHERE id = ${id} RETURNING id`,
  /** Newest first, those before an id; about one target, or about any. */
  list: (before: number, target: string | null, limit: number) => sql`
    SELECT id, at, via, name, address, request_id AS requestId, method, route, target, change, status
    FROM audit WHERE id < ${before} ${target === null ? sql`` : sql` AND target = ${target}`} ORDER BY id DESC LIMIT ${limit}`,
  /** Of the oldest `rows`, those that are past their time, or too many. */
  removeOld: (rows: number) => sql`
    DELETE FROM audit WHERE id IN (SELECT id FROM (SELECT id, at FROM audit WHERE id > 0 ORDER BY id LIMIT ${rows})
      WHERE at <= ${NOW} - ${AUDIT_MS} OR id <= (SELECT max(id) FROM audit) - ${AUDIT_ROWS}) RETURNING id`,
} satisfies Record<string, (...args: never[]) => Sql>;

const entries = rowsOf(entrySchema);
const ids = rowsOf(z.object({ id: z.number() }));

/** Writes down that a call begins. */
export async function beginEntry(db: Database, entry: NewEntry): Promise<number> {
  const row = await ids.first(db, auditStatements.begin(entry));
  if (!row) throw new Error("the database wrote an entry of the audit log and returned none");
  return row.id;
}

/** Writes down how it ended. */
export async function endEntry(db: Database, id: number, status: number, target: string | null): Promise<void> {
  await db.all(auditStatements.end(id, status, target));
}

export async function listEntries(db: Database, before: number, target: string | null, limit: number): Promise<Entry[]> {
  return entries.all(db, auditStatements.list(before, target, limit));
}

/** Returns whether there may be more of them. */
export async function removeOldEntries(db: Database, rows: number): Promise<boolean> {
  return (await db.all(auditStatements.removeOld(rows))).length === rows;
}

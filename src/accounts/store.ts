/** All SQL on accounts, the tenants. Removing one keeps its rows until their retention is over; its keys die at once. */
import * as z from "zod";
import { type Database, NOW, type Row, type Sql, first, sql } from "../sql.ts";

export interface Account {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  readonly removedAt: number | null;
}

const columns = sql`id, name, created_at, removed_at`;

export const accountStatements = {
  insert: (id: string, name: string) => sql`
    INSERT INTO accounts (id, name, created_at) VALUES (${id}, ${name}, ${NOW}) RETURNING ${columns}`,
  find: (id: string) => sql`SELECT ${columns} FROM accounts WHERE id = ${id}`,
  list: (after: string, limit: number) => sql`SELECT ${columns} FROM accounts WHERE id > ${after} ORDER BY id LIMIT ${limit}`,
  change: (id: string, name: string) => sql`
    UPDATE accounts SET name = ${name} WHERE id = ${id} AND removed_at IS NULL RETURNING ${columns}`,
  remove: (id: string) => sql`
    UPDATE accounts SET removed_at = coalesce(removed_at, ${NOW}) WHERE id = ${id} RETURNING ${columns}`,
} satisfies Record<string, (...args: never[]) => Sql>;

const rowSchema = z.object({ id: z.string(), name: z.string(), created_at: z.number(), removed_at: z.number().nullable() });

function fromRow(row: Row): Account {
  const known = rowSchema.parse(row);
  return { id: known.id, name: known.name, createdAt: known.created_at, removedAt: known.removed_at };
}

const orNull = (row: Row | null): Account | null => (row ? fromRow(row) : null);

export async function insertAccount(db: Database, id: string, name: string): Promise<Account | null> {
  return orNull(await first(db, accountStatements.insert(id, name)));
}

export async function findAccount(db: Database, id: string): Promise<Account | null> {
  return orNull(await first(db, accountStatements.find(id)));
}

export async function listAccounts(db: Database, after: string, limit: number): Promise<Account[]> {
  return (await db.all(accountStatements.list(after, limit))).map(fromRow);
}

/** Null where there is no such account or it is removed. */
export async function changeAccount(db: Database, id: string, name: string): Promise<Account | null> {
  return orNull(await first(db, accountStatements.change(id, name)));
}

export async function removeAccount(db: Database, id: string): Promise<Account | null> {
  return orNull(await first(db, accountStatements.remove(id)));
}

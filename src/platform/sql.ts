/**
 * SQL as values. The `sql` tag binds every value it is given; the only thing it ever puts into the text is another
 * piece made by the tag. `Database` is the seam that the flows see: D1 in production, a real SQLite under a simulated
 * clock elsewhere.
 */

import * as z from "zod";
import { ask } from "./unavailable.ts";

/** One statement or fragment: text with `?` marks, and what to bind to them in order. */
export interface Sql {
  readonly text: string;
  readonly params: readonly SqlValue[];
}

export type SqlValue = string | number | null;
export type Row = Record<string, unknown>;

/**
 * The whole number of a `LIMIT` stands in the text: SQLite (3.53) plans by its value, which a mark has only when the statement
 * is run, so that a bound one has the statement compiled again at each run.
 */
export function sql(template: TemplateStringsArray, ...values: (SqlValue | Sql)[]): Sql {
  const strings = compact(template);
  let text = strings[0] ?? "";
  const params: SqlValue[] = [];
  values.forEach((value, index) => {
    if (value !== null && typeof value === "object") {
      text += value.text;
      params.push(...value.params);
    } else if (Number.isSafeInteger(value) && strings[index]?.endsWith(" LIMIT ") === true) text += String(value);
    else {
      text += "?";
      params.push(value);
    }
    text += strings[index + 1] ?? "";
  });
  return { text, params };
}

const compacted = new WeakMap<TemplateStringsArray, readonly string[]>();

/**
 * Without the line breaks and indents of our files: a statement is sent as text each time. No literal of ours has two spaces,
 * and there is no comment, which would have no end.
 */
function compact(template: TemplateStringsArray): readonly string[] {
  const known = compacted.get(template);
  if (known) return known;
  if (template.some((string) => string.includes("--"))) throw new Error("a comment in SQL would swallow what follows it");
  const strings = template.map((string) => string.replaceAll(/\s+/g, " "));
  compacted.set(template, strings);
  return strings;
}

/**
 * Now, in ms, by the database's own clock. Isolates' clocks may be apart; leases, deadlines and times of an
 * inference are all written and compared by this one.
 */
export const NOW: Sql = sql`CAST(unixepoch('subsec') * 1000 AS INTEGER)`;

/** Several fragments with a separator between. */
export function join(parts: readonly Sql[], separator: "," | " AND " | " "): Sql {
  return {
    text: parts.map((part) => part.text).join(separator),
    params: parts.flatMap((part) => part.params),
  };
}

/** A column that holds JSON text, as the value that the text is. */
export const jsonColumn = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema);

export interface Database {
  /** All rows of one statement. */
  all(statement: Sql): Promise<Row[]>;
  /** Several statements in one transaction and one round trip; the rows of each, in order. */
  batch(statements: readonly Sql[]): Promise<Row[][]>;
  /** The nearest copy of it, for statements that change nothing: see `nearest`. */
  near?(bookmark: string | null): NearDatabase;
  /** Of the last change that this isolate made, or of a later one; null if it has made none. */
  bookmark?(): string | null;
  /** Its size in bytes, as the last answer to this isolate said; null if that is not known. */
  bytes?(): number | null;
}

/**
 * A copy of the database that is near. It may lag behind the primary: what it does not know may be there all the same, and what it
 * says may be a little old. A bookmark names a state of the database; a copy that is given one waits until it is as new.
 */
export interface NearDatabase extends Database {
  /** Whether one of its answers came from a copy. */
  isCopy(): boolean;
}

/** The database for statements that change nothing: at least as new as the bookmark; null: as it comes. */
export function nearest(db: Database, bookmark: string | null): NearDatabase {
  return db.near?.(bookmark) ?? { all: (statement) => db.all(statement), batch: (statements) => db.batch(statements), isCopy: () => false };
}

/** The later of two bookmarks: they sort by their text (D1, "Time Travel"). */
export function later(one: string | null, other: string | null): string | null {
  return one === null || (other !== null && other > one) ? other : one;
}

export async function first(db: Database, statement: Sql): Promise<Row | null> {
  const rows = await db.all(statement);
  return rows[0] ?? null;
}

/** Reads rows of one form; the members of its schema are the names of the columns. */
export function rowsOf<T>(schema: z.ZodType<T>) {
  const read = (row: Row | null | undefined): T | null => (row ? schema.parse(row) : null);
  return {
    read,
    /** The first row of a statement; null if there is none. */
    first: async (db: Database, statement: Sql): Promise<T | null> => read(await first(db, statement)),
    all: async (db: Database, statement: Sql): Promise<T[]> => (await db.all(statement)).map((row) => schema.parse(row)),
  };
}

/** The bookmark of each binding's last change. */
const bookmarks = new WeakMap<D1Database, string | null>();

/** The size that each binding's last answer said; one entry for each binding of an isolate. */
const sizes = new WeakMap<D1Database, number>();

/** The database behind a D1 binding; every answer within `limitMs`, or Unavailable. */
export function d1(binding: D1Database, limitMs: number): Database {
  const noteSize = (answer: { meta: { size_after: number } } | undefined) => {
    if (answer) sizes.set(binding, answer.meta.size_after);
  };
  /** In a session of its own, whose bookmark and whether a copy answered are noted. */
  const within = (constraint: string, note: (session: D1DatabaseSession, isCopy: boolean) => void): Database => ({
    async all(statement) {
      const session = binding.withSession(constraint);
      const answer = await ask("database", limitMs, () =>
        session
          .prepare(statement.text)
          .bind(...statement.params)
          .all<Row>(),
      );
      noteSize(answer);
      note(session, answer.meta.served_by_primary === false);
      return answer.results;
    },
    async batch(statements) {
      const session = binding.withSession(constraint);
      const prepared = (statement: Sql) => session.prepare(statement.text).bind(...statement.params);
      const answers = await ask("database", limitMs, () => session.batch<Row>(statements.map(prepared)));
      noteSize(answers.at(-1));
      note(
        session,
        answers.some(({ meta }) => meta.served_by_primary === false),
      );
      return answers.map((answer) => answer.results);
    },
  });
  return {
    ...within("first-primary", (session) => bookmarks.set(binding, later(bookmarks.get(binding) ?? null, session.getBookmark()))),
    near(bookmark) {
      let anyCopy = false;
      const session = within(bookmark ?? "first-unconstrained", (_, isCopy) => (anyCopy ||= isCopy));
      return { ...session, isCopy: () => anyCopy };
    },
    bookmark: () => bookmarks.get(binding) ?? null,
    bytes: () => sizes.get(binding) ?? null,
  };
}

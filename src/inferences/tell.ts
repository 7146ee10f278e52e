/**
 * Tell: who watches an inference is told of each change of it. The statement that makes the change returns who that is
 * (sql/told.ts); the database that flows write through reads it from whatever it answers, so no writer has to think of it, and a
 * change that nobody watches costs nothing. What is told is the row as it stands, or as the statement has returned it, if it
 * returns all of it: two changes in quick succession may be told by the same row, and its log has both. A hint: one that is lost with its isolate is made up for by who watches, who looks
 * again after WATCH_LOOK_MS.
 */
import * as z from "zod";
import { TELL_ROWS } from "../limits.ts";
import { logError } from "../platform/log.ts";
import type { Database, Row } from "../platform/sql.ts";
import type { WatchPort } from "../ports.ts";
import { rowToTell } from "./sql/record.ts";
import { rowsToTell } from "./sql/watch.ts";

type Teller = Pick<WatchPort, "tell">;

const toldToSchema = z.tuple([z.string(), z.string(), z.number()]);

/** An inference that has changed, and the watch objects of its account that are to hear of it, as bits. */
interface Change {
  readonly accountId: string;
  readonly id: string;
  readonly objects: number;
  /** As the change has left it; null if it is to be read. */
  readonly row: Row | null;
}

/** What is to be told, by the rows of one answer. */
function changesIn(rows: readonly Row[]): Change[] {
  if (rows[0]?.["toldTo"] === undefined) return []; // each row has it, or none
  return rows.flatMap((row) => {
    const { toldTo } = row;
    if (typeof toldTo !== "string") return [];
    const [accountId, id, objects] = toldToSchema.parse(JSON.parse(toldTo));
    return [{ accountId, id, objects, row: rowToTell(row) }];
  });
}

/** The same database, whose answers are looked through for who is to be told. `keep` sees to it that telling goes on after an answer. */
export function telling(db: Database, watch: Teller, keep: (work: Promise<void>) => void): Database {
  const look = (answers: readonly (readonly Row[])[]) => {
    const those = answers.flatMap(changesIn);
    if (those.length > 0) keep(tellAll(db, watch, those));
  };
  return {
    ...db,
    async all(statement) {
      const rows = await db.all(statement);
      look([rows]);
      return rows;
    },
    async batch(statements) {
      const answers = await db.batch(statements);
      look(answers);
      return answers;
    },
  };
}

/** Tells each object of those that it watches, and reads first those that it has no row of. Never rejects. */
async function tellAll(db: Database, watch: Teller, changes: readonly Change[]): Promise<void> {
  for (let begin = 0; begin < changes.length; begin += TELL_ROWS) {
    const some = changes.slice(begin, begin + TELL_ROWS);
    try {
      await tellSome(db, watch, some);
    } catch (error) {
      logError("watchers_not_told", error, { inferences: some.length });
    }
  }
}

async function tellSome(db: Database, watch: Teller, some: readonly Change[]): Promise<void> {
  const objects = new Map(some.map((it) => [`${it.accountId} ${it.id}`, it.objects]));
  const calls = new Map<string, { accountId: string; object: number; rows: Row[] }>();
  for (const row of await rowsOf(db, some)) {
    const accountId = String(row["accountId"]);
    const bits = objects.get(`${accountId} ${String(row["id"])}`) ?? 0;
    for (let object = 0; bits >> object > 0; object++) {
      if (((bits >> object) & 1) === 0) continue;
      const name = `${accountId} ${object}`;
      const call = calls.get(name) ?? { accountId, object, rows: [] };
      calls.set(name, call);
      call.rows.push(row);
    }
  }
  await Promise.all([...calls.values()].map((call) => watch.tell(call.accountId, call.object, call.rows)));
}

async function rowsOf(db: Database, changes: readonly Change[]): Promise<Row[]> {
  const [known, names] = [changes.flatMap(({ row }) => (row ? [row] : [])), changes.filter(({ row }) => !row)];
  if (names.length === 0) return known;
  const read = await rowsToTell(
    db,
    names.map(({ accountId, id }) => [accountId, id]),
  );
  return [...known, ...read];
}

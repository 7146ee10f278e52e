/**
 * One database for the requests of an isolate that ask it at the same moment: what they ask goes in one transaction and one
 * round trip, each question's statements in their order and next to each other, so that it means what it means alone. Alone,
 * a question does not wait.
 */
import type { Database, Row, Sql } from "./sql.ts";
import type { Together } from "./together.ts";

export type Transactions = Together<readonly Sql[], readonly Row[][]>;

/** The database as a request sees it that shares its round trips. `after` keeps it going when its client has left. */
export function sharedDatabase(db: Database, transactions: Transactions, after: (work: Promise<unknown>) => void): Database {
  const askAll = async (questions: readonly (readonly Sql[])[]) => {
    const [only, ...others] = questions.flat();
    if (only && others.length === 0) return [[await db.all(only)]];
    const answers = await db.batch(questions.flat());
    let place = 0;
    return questions.map((statements) => answers.slice(place, (place += statements.length)));
  };
  const batch = async (statements: readonly Sql[]) => [...(await transactions.ask(statements, askAll, after))];
  return {
    async all(statement) {
      const [rows = []] = await batch([statement]);
      return rows;
    },
    batch,
    bytes: () => db.bytes?.() ?? null,
  };
}

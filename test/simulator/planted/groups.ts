/** Planted bugs in what ends together in one statement, and in what is claimed for several in one. */
import type { Row, Sql } from "../../../src/platform/sql.ts";
import { type Mutation, begins, both, within } from "./rewrite.ts";

const SCHEMA = begins("--", "CREATE TABLE inferences");
const END = begins("UPDATE inferences SET status = (asked.it ->> 4)");
const COUNT_ENDS = begins("INSERT INTO usage SELECT");
const CLAIM_FRONT = begins("UPDATE inferences SET status = 'in_progress'", "AS slots, (SELECT");
const OF_ITS_LEASE = "AND attempt = (asked.it ->> 2) AND lease = (asked.it ->> 3)";
const THOSE = "FROM (SELECT value AS it FROM json_each(?)) AS asked";

/** Changes what those are told who have asked for a claim of a lane's front. */
const ofClaims =
  (change: (rows: Row[]) => Row[]): NonNullable<Mutation["ports"]> =>
  (ports) => {
    const batch = async (statements: readonly Sql[]) => {
      const answers = await ports.db.batch(statements);
      return answers.map((rows, index) => (CLAIM_FRONT(statements[index]?.text ?? "") ? change(rows) : rows));
    };
    return { ...ports, db: { ...ports.db, batch } };
  };

export const GROUP_BUGS: readonly Mutation[] = [
  {
    name: "the usage of those that end together is counted twice",
    rewrite: within(SCHEMA, "AND NEW.ended_with IS OLD.ended_with", ""),
  },
  { name: "one of those that end together is not counted", rewrite: within(COUNT_ENDS, "WHERE ", "WHERE asked.key > 0 AND ") },
  {
    name: "what others have ended is counted once more with those that end together",
    rewrite: within(COUNT_ENDS, "AND ended_with = ?", "AND (TRUE OR ended_with = ?)"),
  },
  {
    name: "the usage of those that end together is all counted on one account",
    rewrite: within(COUNT_ENDS, "GROUP BY 1, 2, 3, 4", "GROUP BY 2, 3"),
  },
  { name: "one of those that end together does not end", rewrite: within(END, THOSE, THOSE.replace(")) AS", ") WHERE key <> 1) AS")) },
  {
    name: "of those that end together each has the output of the next",
    rewrite: within(
      END,
      THOSE,
      "FROM (SELECT json_set(value, '$[5]', coalesce(lead(value ->> 5) OVER (ORDER BY key), value ->> 5)) AS it FROM json_each(?)) AS asked",
    ),
  },
  {
    name: "of those that end together none is fenced but the first",
    rewrite: both(
      within(END, THOSE, THOSE.replace("AS it", "AS it, key")),
      within(END, OF_ITS_LEASE, `AND (asked.key > 0 OR (TRUE ${OF_ITS_LEASE}))`),
    ),
  },
  {
    name: "those that are claimed for several crews are all claimed under the first's lease",
    rewrite: within(CLAIM_FRONT, "? ->> line.key AS lease", "? ->> 0 AS lease"),
  },
  {
    name: "of those that are claimed together nobody hears of the last",
    ports: ofClaims((rows) => (rows.length > 1 ? rows.slice(0, -1) : rows)),
  },
];

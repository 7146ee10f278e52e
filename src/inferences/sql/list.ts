/**
 * SQL that lists and counts inferences by filter. A page is a walk along the primary key, or along the index of what did not
 * succeed, that looks at a bounded number of rows, however few of them match: it may be short, and goes on where it stopped.
 */
import * as z from "zod";
import { FAILURE_CLASSES, type FailureClass } from "../../backends/outcome.ts";
import { COUNTED_ROWS, LISTED_ROWS, LISTED_UNSUCCESSFUL_ROWS } from "../../limits.ts";
import { type Database, type Row, type Sql, sql } from "../../platform/sql.ts";
import type { Inference } from "../inference.ts";
import { STATUSES, type Status } from "../status.ts";
import { type Cursor, type Filter, idsOf, matching } from "./filter.ts";
import { among } from "./fragments.ts";
import { fromRow, inferenceColumns } from "./record.ts";

/** Where a walk begins and which way it goes. */
export interface Walk {
  /** Of one account, or, if null, of all: then in the order of the accounts. */
  readonly accountId: string | null;
  /** It begins behind this one, or with it; null: with the first. */
  readonly from: Cursor | null;
  readonly including: boolean;
  readonly newestFirst: boolean;
}

/** What the index `inferences_unsuccessful` has. */
const UNSUCCESSFUL = ["failed", "canceled", "expired"] as const satisfies readonly Status[];

const isAllUnsuccessful = ({ statuses }: Filter) => statuses.every((status) => UNSUCCESSFUL.some((one) => one === status));

/** How many rows one page looks at. Those of an index are each looked up in the table as well. */
const lookedAt = (filter: Filter) => (isAllUnsuccessful(filter) ? LISTED_UNSUCCESSFUL_ROWS : LISTED_ROWS);

const orderOf = ({ newestFirst }: Walk) => (newestFirst ? sql`ORDER BY account_id DESC, id DESC` : sql`ORDER BY account_id, id`);

/** The rows that a walk goes along. */
function rangeOf(walk: Walk, filter: Filter): Sql {
  const { accountId, from, including, newestFirst } = walk;
  const index = isAllUnsuccessful(filter) ? sql` INDEXED BY inferences_unsuccessful WHERE ${among(UNSUCCESSFUL)} AND ` : sql` WHERE `;
  const [less, more] = including ? [sql`<=`, sql`>=`] : [sql`<`, sql`>`];
  const behind = newestFirst ? less : more;
  const place =
    accountId === null
      ? from && sql`(account_id, id) ${behind} (${from.accountId}, ${from.id})`
      : sql`account_id = ${accountId}${from === null ? sql`` : sql` AND id ${behind} ${from.id}`}`;
  return sql`FROM inferences${index}${place ?? sql`TRUE`} AND ${idsOf(filter)} ${orderOf(walk)}`;
}

/** The columns that a filter may ask for. */
const filterColumns = sql`account_id, id, status, model, version, capability, error, created_at, finished_at, metadata, key_id, dialect, backend_id`;

export const listStatements = {
  page: (walk: Walk, filter: Filter, limit: number) => sql`
    SELECT ${inferenceColumns} FROM inferences WHERE (account_id, id) IN (
      SELECT account_id, id FROM (SELECT ${filterColumns} ${rangeOf(walk, filter)} LIMIT ${lookedAt(filter)}) WHERE ${matching(filter)} LIMIT ${limit})
    ${orderOf(walk)}`,
  /** The last row that a page looks at; none if there are not so many. */
  lastLookedAt: (walk: Walk, filter: Filter, looked = lookedAt(filter)) => sql`
    SELECT account_id AS accountId, id ${rangeOf(walk, filter)} LIMIT 1 OFFSET ${looked - 1}`,
  counts: (walk: Walk, filter: Filter) => sql`
    SELECT status, error ->> 'class' AS class, error ->> 'code' AS code, count(*) AS count
    FROM (SELECT ${filterColumns} ${rangeOf(walk, filter)} LIMIT ${COUNTED_ROWS}) WHERE ${matching(filter)} GROUP BY 1, 2, 3`,
} satisfies Record<string, (...args: never[]) => Sql>;

const cursorSchema = z.object({ accountId: z.string(), id: z.string() });
const cursorOrNull = (row: Row | undefined): Cursor | null => (row ? cursorSchema.parse(row) : null);

export interface Page {
  readonly inferences: readonly Inference[];
  /** Where the walk goes on: behind the last one of the page, or behind the last row that was looked at; null at the end. */
  readonly next: Cursor | null;
}

/** Up to `limit` inferences that the filter matches, in one transaction with where the walk ended. */
export async function listPage(db: Database, walk: Walk, filter: Filter, limit: number): Promise<Page> {
  const [rows = [], [last] = []] = await db.batch([
    listStatements.page(walk, filter, limit + 1),
    listStatements.lastLookedAt(walk, filter),
  ]);
  const inferences = rows.slice(0, limit).map(fromRow);
  const shown = inferences.at(-1);
  return { inferences, next: rows.length > limit && shown ? { accountId: shown.accountId, id: shown.id } : cursorOrNull(last) };
}

export interface Count {
  readonly status: Status;
  /** Of what failed. */
  readonly class: FailureClass | null;
  readonly code: string | null;
  readonly count: number;
}

const countSchema = z.object({
  status: z.enum(STATUSES),
  class: z.enum(FAILURE_CLASSES).nullable(),
  code: z.string().nullable(),
  count: z.number(),
});

/** What a filter matches among the next COUNTED_ROWS rows, by status, class and code; and where to go on, null at the end. */
export async function countPage(db: Database, walk: Walk, filter: Filter): Promise<{ counts: readonly Count[]; next: Cursor | null }> {
  const [rows = [], [last] = []] = await db.batch([
    listStatements.counts(walk, filter),
    listStatements.lastLookedAt(walk, filter, COUNTED_ROWS),
  ]);
  return { counts: z.array(countSchema).parse(rows), next: cursorOrNull(last) };
}

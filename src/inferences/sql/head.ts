/**
 * The head of a lane: its first HEAD_ROWS inferences that may be claimed. Each entry in the index by account costs a row written. A
 * short queue needs no such entries, because its whole head can be read. The invariant: **an inference that waits and is not in
 * that index is in its lane's head.** So an account's inferences in a lane are those in the index, and those in the head that are not in it.
 * - While few wait, a submit writes no entry. If it would push an inference without an entry out of the head, it is not taken; it is
 *   tried again after `settle` has written that entry. So a submit alone is one statement.
 * - What comes back into a lane gets an entry (`comesBack`). What that pushes out of the head gets one from a trigger.
 */
import { HEAD_FILLED, HEAD_ROWS } from "../../limits.ts";
import { type Sql, type SqlValue, sql } from "../../platform/sql.ts";

type Name = SqlValue | Sql;

/** A number of ours as a literal, since SQLite plans by those of a LIMIT; no more than a head has. */
const literal = (number: number): Sql => ({ text: String(Math.min(number, HEAD_ROWS)), params: [] });

const inOrder = (model: Name, version: Name) => sql`FROM inferences AS early INDEXED BY inferences_claimable
  WHERE early.status = 'queued' AND early.not_before IS NULL AND early.model = ${model} AND early.version = ${version} ORDER BY level, turn, id`;

/** The head of a lane, in order, from the index alone. */
export const headOf = (model: Name, version: Name) =>
  sql`SELECT account_id, id, level, turn, by_account ${inOrder(model, version)} LIMIT ${HEAD_ROWS}`;

/** Of rows of headOf: the turn after the last that is at a level and not in the index by account. */
const turnAfter = (level: Name, isCounted: Sql = sql`1`) =>
  sql`max(iif(${isCounted} AND by_account = 0 AND level = ${level}, turn + 1, NULL))`;

/** The turn after an account's last at a level, among those of a head that the index by account lacks; NULL if there is none. */
export const lastInHead = (accountId: Name, model: Name, version: Name, level: Name) =>
  sql`(SELECT ${turnAfter(level)} FROM (${headOf(model, version)}) WHERE account_id = ${accountId})`;

/** Of rows of headOf: how many they are, and how many of them the index by account lacks. */
const counts = sql`count(*) AS lined, sum(by_account = 0) AS apart`;

/** One row: those counts of a lane's head, and the turn after the account's last there, as `own`. */
export const headFor = (accountId: Name, model: Name, version: Name, level: Name) =>
  sql`SELECT ${counts}, ${turnAfter(level, sql`account_id = ${accountId}`)} AS own FROM (${headOf(model, version)})`;

/** The same, a row for each account of whom anything is there. */
export const headByAccount = (model: Name, version: Name, level: Name) =>
  sql`SELECT account_id, ${counts}, ${turnAfter(level)} AS own FROM (${headOf(model, version)}) GROUP BY account_id`;

/** The last of a head, as many as so many more in the lane may push out of it. */
const lastOf = (what: Sql, model: Name, version: Name, count: number) =>
  sql`SELECT ${what} ${inOrder(model, version)} LIMIT ${literal(count)} OFFSET max(0, ${literal(HEAD_ROWS)} - ${literal(count)})`;

/** The counts of a head. */
export interface HeadCounts {
  readonly lined: Sql;
  readonly apart: Sql;
}

/** Whether so many more leave all that is not in the index within the head. */
export const hasRoom = ({ lined, apart }: HeadCounts, model: Name, version: Name, count: number) =>
  sql`(${lined} <= ${literal(HEAD_ROWS)} - ${literal(count)} OR ${apart} = 0 OR (SELECT min(by_account) FROM (${lastOf(sql`by_account`, model, version, count)})) = 1)`;

/** Whether so many more are to be in the index by account. */
export const isByAccount = ({ lined }: HeadCounts, count: number) => sql`${lined} > ${literal(HEAD_FILLED)} - ${literal(count)}`;

/** Makes room for so many more in the head of a lane: those who may be pushed out of it are put into the index by account. */
export const settle = (model: Name, version: Name, count: number) => sql`
  UPDATE inferences SET by_account = 1 WHERE (account_id, id) IN (
    SELECT account_id, id FROM (${lastOf(sql`account_id, id, by_account`, model, version, count)}) WHERE by_account = 0)`;

/** Of what comes back into its lane. */
export const comesBack = sql`by_account = 1`;

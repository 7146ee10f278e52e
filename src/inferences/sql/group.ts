/**
 * The statements that insert a group: submissions of one lane that came together and are alike in all that is not a row's own. They go in as
 * a whole or not at all. What is the same in all rows is bound or asked for once, however many they are: of 250 of one account a
 * row has its id, its input and its size.
 */
import { AGEING_MS, IDEMPOTENCY_MS } from "../../limits.ts";
import { NOW, type Sql, type SqlValue, join, sql } from "../../platform/sql.ts";
import { isSpent, openIn, openLimitOf } from "./fragments.ts";
import { type HeadCounts, hasRoom, headByAccount, headFor, isByAccount } from "./head.ts";
import { type NewInference, chargeOf, databaseQuotaOf, isOfStep, laneFor, quotaOf, rowChargeOf } from "./insert.ts";
import { ANYBODY, nextTurn, slots } from "./lane.ts";
import { notesOf, seenOf } from "./notes.ts";
import { inferenceColumns, textOf, typeOf } from "./record.ts";

/** Submissions of one lane, alike in all that is not a row's own. */
export type Group = readonly [NewInference, ...NewInference[]];

/** What a row has of its submission. */
const OWN: readonly [column: string, (it: NewInference) => SqlValue][] = [
  ["account_id", (it) => it.accountId],
  ["id", (it) => it.id],
  ["key_id", (it) => it.keyId],
  ["dialect", (it) => it.dialect],
  ["max_time_in_queue_seconds", (it) => it.maxTimeInQueueSeconds],
  ["max_attempts", (it) => it.retry.maxAttempts],
  ["initial_delay_ms", (it) => it.retry.initialDelayMs],
  ["max_delay_ms", (it) => it.retry.maxDelayMs],
  ["run_within_seconds", (it) => it.runWithinSeconds],
  ["metadata", (it) => JSON.stringify(it.metadata)],
  ["input", (it) => textOf(it.input)],
  ["input_object", (it) => (it.input.at === "object" ? it.input.key : null)],
  ["input_bytes", (it) => it.inputBytes],
  ["input_items", (it) => it.inputItems],
  ["input_type", (it) => typeOf(it.input)],
  ["retention_seconds", (it) => it.retentionSeconds ?? null],
  ["webhook", (it) => (it.webhook === null ? null : JSON.stringify(it.webhook))],
  ["trace", (it) => it.trace ?? null],
  ["idempotency_key", (it) => it.idempotencyKey],
  ["fingerprint", (it) => it.fingerprint],
];

/** And those of a batch's lines. */
const OF_BATCH: typeof OWN = [
  ["batch_id", (it) => it.batch?.id ?? null],
  ["batch_line", (it) => it.batch?.line ?? null],
];

/** The rows of a group as a table `asked`, which has only the columns that are not the same in all. */
class OwnColumns {
  readonly #columns: (readonly SqlValue[])[] = [];
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  /** What a column holds, by its values from row to row. */
  column(values: readonly SqlValue[]): Sql {
    const [first = null] = values;
    if (values.every((value) => value === first)) return sql`${first}`;
    return { text: `(asked.value ->> ${this.#columns.push(values) - 1})`, params: [] };
  }

  text(): string {
    return JSON.stringify(Array.from({ length: this.#count }, (_, row) => this.#columns.map((values) => values[row])));
  }
}

/** Whether a column is empty in all rows; then it is left out. */
const isEmpty = ({ text, params }: Sql) => text === "?" && params[0] === null;

/** Whether those of a group have keys: all, or none. */
export const isKeyed = ([first]: Group) => first.idempotencyKey !== null;
const keysOf = (group: Group) => JSON.stringify(group.map(({ accountId, idempotencyKey }) => [accountId, idempotencyKey]));

/** What submissions take of each of their accounts, after the last of them. */
interface Taken {
  readonly count: number;
  readonly bytes: number;
  readonly rowBytes: number;
}

/** What submissions take of their accounts, up to each and in all. */
function takenBy(all: readonly NewInference[]): { readonly upTo: readonly Taken[]; readonly accounts: ReadonlyMap<string, Taken> } {
  const accounts = new Map<string, Taken>();
  const upTo = all.map((it) => {
    const { count, bytes, rowBytes } = accounts.get(it.accountId) ?? { count: 0, bytes: 0, rowBytes: 0 };
    const taken = { count: count + 1, bytes: bytes + chargeOf(it), rowBytes: rowBytes + rowChargeOf(it) };
    accounts.set(it.accountId, taken);
    return taken;
  });
  return { upTo, accounts };
}

/** The head of a group's lane, as a table of the statement; its counts, and the turn after the last there of the row's account. */
function headIn([{ model, priority }]: Group, account: Sql, isOne: boolean): HeadCounts & { readonly table: Sql; readonly own: Sql } {
  const version = sql`(SELECT version FROM lane)`;
  return isOne
    ? {
        table: headFor(account, model, version, priority),
        lined: sql`(SELECT lined FROM head)`,
        apart: sql`(SELECT apart FROM head)`,
        own: sql`(SELECT own FROM head)`,
      }
    : {
        table: headByAccount(model, version, priority),
        lined: sql`(SELECT coalesce(sum(lined), 0) FROM head)`,
        apart: sql`(SELECT sum(apart) FROM head)`,
        own: sql`(SELECT own FROM head WHERE head.account_id = ${account})`,
      };
}

/** The least and the greatest of a group's ids. There are few others between them, since ids begin with their time. */
function rangeOf(group: Group): readonly [least: string, greatest: string] {
  let [least, greatest] = [group[0].id, group[0].id];
  for (const { id } of group) {
    if (id < least) least = id;
    if (id > greatest) greatest = id;
  }
  return [least, greatest];
}

/** What each account of a group has to have room for. */
const takenText = (accounts: ReadonlyMap<string, Taken>) =>
  JSON.stringify([...accounts].map(([account, it]) => [account, it.count, it.bytes, it.rowBytes]));

/** The rows of the text that the statement is given, once more. */
const GIVEN = sql`given CROSS JOIN json_each(given.text) AS asked`;

export const groupStatements = {
  /** Inserts all of a group, or none if any of it would not be taken, or is there already. `mayBeNoted` if due notes may stand for some. */
  insert: (group: Group, mayBeNoted = false) => {
    const [{ accountId, model, version, capability, priority, schemas = 0, databaseQuotaBytes }] = group;
    const rows = new OwnColumns(group.length);
    const own = group[0].batch ? [...OWN, ...OF_BATCH] : OWN;
    const columns = own.map(([name, value]) => [name, rows.column(group.map(value))] as const);
    const of = (name: string) => columns.find(([column]) => column === name)?.[1] ?? sql`NULL`;
    const [account, id, key] = [of("account_id"), of("id"), of("idempotency_key")];
    const cancelAfter = rows.column(group.map((it) => it.cancelAfterSeconds));
    const { upTo, accounts } = takenBy(group);
    // Of one account, all that is not a row's own is found once, as `common`.
    const isOne = accounts.size === 1;
    const head = headIn(group, account, isOne);
    const turn = nextTurn(
      account,
      sql`lane.model`,
      sql`lane.version`,
      priority,
      isOne ? sql`0` : sql`${account} <> ${accountId}`,
      head.own,
    );
    const notes = mayBeNoted ? notesOf(group) : [];
    const [dueAt, afterMs, ids] = [
      rows.column(notes.map((note) => note.dueAt)),
      rows.column(notes.map((note) => note.afterMs)),
      rows.column(notes.map((note) => note.ids)),
    ];
    const seen = seenOf({ dueAt, afterMs, ids, accountId: account, now: sql`lane.now` });
    const isSeenOnce = isOne && [dueAt, afterMs, ids].every(({ text }) => text === "?");
    const common = [
      sql`json_array(json_object('at', lane.now, 'event', 'queued')) AS log`,
      ...(isOne ? [sql`${turn} AS turn`] : []),
      ...(mayBeNoted && isSeenOnce ? [sql`${seen} AS seen`] : []),
    ];
    const values: readonly (readonly [column: string, value: Sql])[] = [
      ...columns.filter(([, value]) => !isEmpty(value)),
      ["model", sql`lane.model`],
      ["version", sql`lane.version`],
      ["status", sql`'queued'`],
      ["priority", sql`${priority}`],
      ["level", sql`${priority}`],
      ["turn", isOne ? sql`common.turn + asked.key` : sql`${turn} + ${rows.column(upTo.map(({ count }) => count - 1))}`],
      ["created_at", sql`lane.now`],
      ["updated_at", sql`lane.now`],
      ["start_by", sql`lane.now + ${of("max_time_in_queue_seconds")} * 1000`],
      ...(priority > 0 ? [["ages_at", sql`lane.now + ${group[0].batch?.agesAfterMs ?? AGEING_MS}`] as const] : []),
      ...(isEmpty(cancelAfter) ? [] : [["cancel_at", sql`lane.now + ${cancelAfter} * 1000`] as const]),
      ["capability", sql`${capability}`],
      ["by_account", isByAccount(head, group.length)],
      ["counted", sql`1`],
      ["noted", mayBeNoted ? sql`coalesce(${id} > ${isSeenOnce ? sql`common.seen` : seen}, 0)` : sql`0`],
      ["log", sql`common.log`],
    ];
    const [least, greatest] = rangeOf(group);
    // Whatever else of an account's has an id in that range is not in the text.
    const isThere = isOne
      ? sql`SELECT 1 FROM given CROSS JOIN inferences AS there
          ON there.account_id = ${account} AND there.id BETWEEN ${least} AND ${greatest} AND instr(given.text, there.id)`
      : sql`SELECT 1 FROM ${GIVEN} CROSS JOIN inferences AS there ON there.account_id = ${account} AND there.id = ${id}`;
    const isUsed = sql`SELECT 1 FROM ${GIVEN} CROSS JOIN inferences AS earlier ON earlier.account_id = ${account} AND earlier.idempotency_key = ${key}`;
    return sql`
    INSERT INTO inferences (${{ text: values.map(([column]) => column).join(","), params: [] }})
    WITH given AS MATERIALIZED (SELECT ${rows.text()} AS text),
      lane AS MATERIALIZED (${laneFor({ model, version, capability })}),
      head AS MATERIALIZED (${head.table}),
      common AS MATERIALIZED (SELECT ${join(common, ",")} FROM lane)
    SELECT ${join(
      values.map(([, value]) => value),
      ",",
    )}
    FROM lane CROSS JOIN common CROSS JOIN ${GIVEN}
    WHERE lane.schemas = ${schemas} AND ${hasRoom(head, model, sql`(SELECT version FROM lane)`, group.length)} AND NOT EXISTS (
      SELECT 1 FROM json_each(${takenText(accounts)}) AS taken LEFT JOIN accounts AS owner ON owner.id = taken.value ->> 0
      WHERE ${isSpent(sql`owner`)} OR ${openIn(sql`owner`)} + (taken.value ->> 1) > ${openLimitOf(sql`owner`)}
        OR coalesce(owner.stored_bytes, 0) + (taken.value ->> 2) > ${quotaOf(sql`owner`)}
        OR coalesce(owner.database_bytes, 0) + (taken.value ->> 3) > ${databaseQuotaOf(sql`owner`, databaseQuotaBytes)})
      AND NOT EXISTS (${isThere})${isKeyed(group) ? sql` AND NOT EXISTS (${isUsed})` : sql``}${isOfStep(group[0])}`;
  },
  /**
   * If the statement before it that writes has inserted the group: what only the database knows, its version, the time, and how many
   * slots its lane has. A row for each that somebody is to be told of, and one at least.
   */
  written: (group: Group) => {
    const [{ accountId, id }] = group;
    const [least, greatest] = rangeOf(group);
    const owners = JSON.stringify([...new Set(group.map((it) => it.accountId))]);
    return sql`
    SELECT first.version, first.created_at AS now, told.toldTo, (SELECT sum(max(0, ${slots(ANYBODY)})) FROM backends
      WHERE backends.model = first.model AND backends.version = first.version) AS free
    FROM inferences AS first LEFT JOIN (
      SELECT json_array(it.account_id, it.id, owner.watch_objects) AS toldTo FROM json_each(${owners}) AS named
      CROSS JOIN accounts AS owner ON owner.id = named.value AND owner.watched_until > ${NOW}
      CROSS JOIN inferences AS it ON it.account_id = owner.id AND it.id BETWEEN ${least} AND ${greatest}) AS told
    WHERE first.account_id = ${accountId} AND first.id = ${id} AND changes() = ${group.length}`;
  },
  /** What keys of an account's submits stand for. */
  findByKeys: (accountId: string, keys: readonly string[]) => sql`
    SELECT ${inferenceColumns}, idempotency_key AS idempotencyKey FROM inferences
    WHERE account_id = ${accountId} AND idempotency_key IN (SELECT value FROM json_each(${JSON.stringify(keys)}))`,
  /** Frees the keys of a group whose day is over. */
  releaseKeys: (group: Group) => sql`
    UPDATE inferences SET idempotency_key = NULL WHERE (account_id, id) IN (
      SELECT earlier.account_id, earlier.id FROM json_each(${keysOf(group)}) AS asked CROSS JOIN inferences AS earlier
        ON earlier.account_id = asked.value ->> 0 AND earlier.idempotency_key = asked.value ->> 1
      WHERE earlier.created_at <= ${NOW} - ${IDEMPOTENCY_MS}) RETURNING id`,
  /** Counts the group as its accounts', once for each, if the statement before it that writes has inserted it. */
  charge: (group: Group) => sql`
    UPDATE accounts SET open_at_most = open_at_most + (taken.value ->> 1), stored_bytes = stored_bytes + (taken.value ->> 2),
      database_bytes = database_bytes + (taken.value ->> 3)
    FROM json_each(${takenText(takenBy(group).accounts)}) AS taken
    WHERE accounts.id = taken.value ->> 0 AND changes() = ${group.length} RETURNING id`,
  /** Fails, and with it the transaction, unless all of these are there. */
  mustBeAll: (all: readonly NewInference[]) => sql`
    SELECT json(iif(count(*) = ${all.length}, 'true', 'not all')) AS isAll FROM json_each(${JSON.stringify(all.map(({ accountId, id }) => [accountId, id]))}) AS asked
    CROSS JOIN inferences ON inferences.account_id = asked.value ->> 0 AND inferences.id = asked.value ->> 1`,
} satisfies Record<string, (...args: never[]) => Sql>;

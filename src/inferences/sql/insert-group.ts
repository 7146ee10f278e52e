/**
 * SQL that makes inferences of submissions that came together: one statement for all that differ only in what their rows say,
 * and so far less to compile and to write than one for each. It takes all of them or none; what none was made of is decided
 * by itself, so that each is accepted or refused as it would be alone.
 */
import * as z from "zod";
import { AGEING_MS, GROUP_CHARACTERS, IDEMPOTENCY_MS, RUNNERS_PER_BATCH, TOGETHER_MOST } from "../../limits.ts";
import { type Database, NOW, type Row, type Sql, type SqlValue, join, sql } from "../../platform/sql.ts";
import { type Inference, newlyQueued } from "../inference.ts";
import {
  type Inserted,
  type Insertion,
  type NewInference,
  chargeOf,
  databaseQuotaOf,
  insertInference,
  insertStatements,
  insertionOf,
  isSpent,
  laneFor,
  openIn,
  openLimitOf,
  quotaOf,
  rowChargeOf,
} from "./insert.ts";
import { type HeadCounts, hasRoom, headByAccount, headFor, isByAccount } from "./head.ts";
import { ANYBODY, nextTurn, slots } from "./lane.ts";
import { type Note, WrittenNotes, idsOf, isNoted, noteOf, noteStatements } from "./notes.ts";
import { textOf, typeOf } from "./record.ts";
import { toldOfNew } from "./told.ts";

/** What a row says of its own, in the order in which a group's text has it; what it takes of its account comes last. */
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

const own = (place: number): Sql => ({ text: `(asked.it ->> ${place})`, params: [] });
const ID = own(1);
const MAX_TIME = own(OWN.findIndex(([column]) => column === "max_time_in_queue_seconds"));
const CANCEL_AFTER = own(OWN.length);
/** With it, how many of its account's are before it in the group, it included, and what these take. */
const [PLACE, CHARGE, ROW_CHARGE] = [own(OWN.length + 1), own(OWN.length + 2), own(OWN.length + 3)];
/** When the note that may stand for it is due, and how long after its submit it is itself. */
const [NOTE_DUE, DUE_AFTER] = [own(OWN.length + 4), own(OWN.length + 5)];

/** Whether those of a group have keys: all, or none. */
const isKeyed = ([first]: Group) => first.idempotencyKey !== null;
const keysOf = (group: Group) => JSON.stringify(group.map(({ accountId, idempotencyKey }) => [accountId, idempotencyKey]));

const NOTED = isNoted({
  dueAt: NOTE_DUE,
  accountId: sql`asked.account_id`,
  ids: idsOf(ID),
  id: ID,
  now: sql`lane.now`,
  afterMs: DUE_AFTER,
});

const DERIVED = ["model", "version", "status", "priority", "level", "turn", "created_at", "updated_at", "start_by", "ages_at", "cancel_at"];

/** Submissions of one lane, alike in all that is not a row's own. */
export type Group = readonly [NewInference, ...NewInference[]];

function textOfGroup(group: Group, mayBeNoted: boolean): string {
  const { upTo } = takenBy(group);
  const taken = upTo.map(({ count, bytes, rowBytes }) => [count, bytes, rowBytes]);
  return JSON.stringify(
    group.map((it, place) => {
      const { dueAt, afterMs } = noteOf(it);
      return [
        ...OWN.map(([, value]) => value(it)),
        it.cancelAfterSeconds,
        ...(taken[place] ?? []),
        ...(mayBeNoted ? [dueAt, afterMs] : []),
      ];
    }),
  );
}

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

/** The head of a group's lane, as a table of the statement; its counts, and the turn after the last there of the account asked for. */
function headIn(group: Group): HeadCounts & { readonly table: Sql; readonly own: Sql } {
  const [{ accountId, model, priority }] = group;
  const version = sql`(SELECT version FROM lane)`;
  return group.every((it) => it.accountId === accountId)
    ? {
        table: headFor(accountId, model, version, priority),
        lined: sql`(SELECT lined FROM head)`,
        apart: sql`(SELECT apart FROM head)`,
        own: sql`(SELECT own FROM head)`,
      }
    : {
        table: headByAccount(model, version, priority),
        lined: sql`(SELECT coalesce(sum(lined), 0) FROM head)`,
        apart: sql`(SELECT sum(apart) FROM head)`,
        own: sql`(SELECT own FROM head WHERE head.account_id = asked.account_id)`,
      };
}

/** No key of the group stands for an earlier submit. */
const isFree = sql` AND NOT EXISTS (SELECT 1 FROM asked CROSS JOIN inferences AS earlier
  ON earlier.account_id = asked.account_id AND earlier.idempotency_key = ${own(OWN.findIndex(([column]) => column === "idempotency_key"))})`;

export const groupStatements = {
  /** Inserts all of a group, or none if any of it would not be taken, or is there already. `mayBeNoted` if due notes may stand for some. */
  insert: (group: Group, mayBeNoted = false) => {
    const [{ accountId, model, version, capability, priority, schemas = 0, databaseQuotaBytes }] = group;
    const head = headIn(group);
    const names: Sql = {
      text: [...OWN.map(([column]) => column), ...DERIVED, "capability", "by_account", "counted", "noted", "log"].join(","),
      params: [],
    };
    const values = join(
      OWN.map((_, place) => own(place)),
      ",",
    );
    return sql`
    INSERT INTO inferences (${names})
    WITH asked AS MATERIALIZED (SELECT value ->> 0 AS account_id, value AS it FROM json_each(${textOfGroup(group, mayBeNoted)})),
      lane AS MATERIALIZED (${laneFor({ model, version, capability })}),
      head AS MATERIALIZED (${head.table})
    SELECT ${values}, lane.model, lane.version, 'queued', ${priority}, ${priority},
      ${nextTurn(sql`asked.account_id`, sql`lane.model`, sql`lane.version`, priority, sql`asked.account_id <> ${accountId}`, head.own)} + ${PLACE} - 1,
      lane.now, lane.now, lane.now + ${MAX_TIME} * 1000, ${priority > 0 ? sql`lane.now + ${AGEING_MS}` : null}, lane.now + ${CANCEL_AFTER} * 1000,
      ${capability}, ${isByAccount(head, group.length)}, 1, ${mayBeNoted ? NOTED : 0}, json_array(json_object('at', lane.now, 'event', 'queued'))
    FROM lane CROSS JOIN asked
    WHERE lane.schemas = ${schemas} AND ${hasRoom(head, model, sql`(SELECT version FROM lane)`, group.length)} AND NOT EXISTS (SELECT 1 FROM asked LEFT JOIN accounts AS owner ON owner.id = asked.account_id
      WHERE ${isSpent(sql`owner`)} OR ${openIn(sql`owner`)} + ${PLACE} > ${openLimitOf(sql`owner`)} OR coalesce(owner.stored_bytes, 0) + ${CHARGE} > ${quotaOf(sql`owner`)}
        OR coalesce(owner.database_bytes, 0) + ${ROW_CHARGE} > ${databaseQuotaOf(sql`owner`, databaseQuotaBytes)}
        OR EXISTS (SELECT 1 FROM inferences AS there WHERE there.account_id = asked.account_id AND there.id = ${ID}))${isKeyed(group) ? isFree : sql``}
    RETURNING id, version, created_at AS now, ${toldOfNew}`;
  },
  /** Frees the keys of a group whose day is over. */
  releaseKeys: (group: Group) => sql`
    UPDATE inferences SET idempotency_key = NULL WHERE (account_id, id) IN (
      SELECT earlier.account_id, earlier.id FROM json_each(${keysOf(group)}) AS asked CROSS JOIN inferences AS earlier
        ON earlier.account_id = asked.value ->> 0 AND earlier.idempotency_key = asked.value ->> 1
      WHERE earlier.created_at <= ${NOW} - ${IDEMPOTENCY_MS}) RETURNING id`,
  /** Counts the group as its accounts', once for each, if the statement right before it has inserted it. */
  charge: (group: Group) => sql`
    UPDATE accounts SET open_at_most = open_at_most + (taken.value ->> 1), stored_bytes = stored_bytes + (taken.value ->> 2),
      database_bytes = database_bytes + (taken.value ->> 3)
    FROM json_each(${JSON.stringify([...takenBy(group).accounts].map(([account, it]) => [account, it.count, it.bytes, it.rowBytes]))}) AS taken
    WHERE accounts.id = taken.value ->> 0 AND changes() = ${group.length} RETURNING id`,
  /** Fails, and with it the transaction, unless all of these are there. */
  mustBeAll: (all: readonly NewInference[]) => sql`
    SELECT json(iif(count(*) = ${all.length}, 'true', 'not all')) AS isAll FROM json_each(${JSON.stringify(all.map(({ accountId, id }) => [accountId, id]))}) AS asked
    CROSS JOIN inferences ON inferences.account_id = asked.value ->> 0 AND inferences.id = asked.value ->> 1`,
  /** How many slots its lane has for it. */
  slots: ([{ model, version, capability }]: Group) => sql`
    SELECT sum(max(0, ${slots(ANYBODY)})) AS free FROM (${laneFor({ model, version, capability })}) AS lane
    JOIN backends ON backends.model = lane.model AND backends.version = lane.version`,
} satisfies Record<string, (...args: never[]) => Sql>;

/** Those of submissions that may go in one statement each, and the others. */
function parted(all: readonly NewInference[]): { groups: Group[]; others: NewInference[] } {
  const groups = new Map<string, { group: [NewInference, ...NewInference[]]; characters: number }>();
  const many: Group[] = [];
  const others: NewInference[] = [];
  const keys = new Set<string>();
  for (const it of all) {
    const key = it.idempotencyKey === null ? null : JSON.stringify([it.accountId, it.idempotencyKey]);
    const alike = JSON.stringify([it.model, it.version, it.capability, it.priority, it.schemas ?? 0, it.databaseQuotaBytes, key !== null]);
    const characters = JSON.stringify([textOf(it.input), it.metadata]).length;
    const known = groups.get(alike);
    const isAlone = it.waiter !== null || (it.notBefore ?? null) !== null || it.resumable === true || (key !== null && keys.has(key));
    if (isAlone) others.push(it);
    else if (known && known.characters + characters <= GROUP_CHARACTERS) {
      known.group.push(it);
      known.characters += characters;
    } else {
      if (known) many.push(known.group);
      groups.set(alike, { group: [it], characters });
    }
    if (key !== null) keys.add(key);
  }
  many.push(...[...groups.values()].map(({ group }) => group));
  return {
    groups: many.filter(({ length }) => length > 1),
    others: [...others, ...many.flatMap((group) => (group.length > 1 ? [] : group))],
  };
}

/** Inserts submissions that came together, in one transaction and round trip, as each would be inserted alone. In their order. */
export async function insertTogether(db: Database, all: readonly NewInference[], written = new WrittenNotes()): Promise<Inserted[]> {
  const [alone, ...more] = all;
  const notes = written.wantedFor(all);
  if (alone && more.length + notes.length === 0) return [await insertInference(db, alone, written.of(all, []).has(alone))];
  const inserted = new Map<NewInference, Inserted>();
  const insert = async (some: readonly NewInference[], makesRoom: boolean) => {
    const { insertions, statements: together } = insertionsOf(some, written, notes, makesRoom);
    const answers = await db.batch(together);
    written.add(notes);
    let begin = together.length - insertions.reduce((sum, { statements }) => sum + statements.length, 0);
    for (const { of, statements, insertedBy } of insertions) {
      const its = insertedBy(answers.slice(begin, (begin += statements.length)));
      of.forEach((it, place) => {
        const one = its[place];
        if (one) inserted.set(it, one);
      });
    }
  };
  await insert(all, false);
  const untaken = all.filter((it) => !inserted.get(it)?.inference);
  // Maybe for want of room in the heads of their lanes.
  if (untaken.length > 1) await insert(untaken, true);
  // What was not taken as a group is decided in smaller ones, and at last one by one.
  const left = all.filter((it) => !inserted.has(it));
  for (let decided = 0; left.length > TOGETHER_MOST && decided < left.length; decided += TOGETHER_MOST) {
    const some = left.slice(decided, decided + TOGETHER_MOST);
    const its = await insertTogether(db, some, written);
    some.forEach((it, place) => {
      const one = its[place];
      if (one) inserted.set(it, one);
    });
  }
  return Promise.all(all.map(async (it) => inserted.get(it) ?? insertInference(db, it)));
}

/** Inserts submissions of one account in one transaction, all or none: null if any of them is not taken. */
export async function insertAllOrNone(
  db: Database,
  all: readonly NewInference[],
  written = new WrittenNotes(),
): Promise<Inference[] | null> {
  const notes = written.wantedFor(all);
  const { insertions, statements: together } = insertionsOf(all, written, notes, true);
  let answers: Row[][];
  try {
    answers = await db.batch([...together, groupStatements.mustBeAll(all)]);
    written.add(notes);
  } catch (error) {
    if (error instanceof Error && error.message.includes(NOT_ALL)) return null;
    throw error;
  }
  const inserted = new Map<string, Inference>();
  let begin = together.length - insertions.reduce((sum, { statements }) => sum + statements.length, 0);
  for (const { statements, insertedBy } of insertions) {
    for (const { inference } of insertedBy(answers.slice(begin, (begin += statements.length)))) {
      if (inference) inserted.set(inference.id, inference);
    }
  }
  return all.flatMap(({ id }) => inserted.get(id) ?? []);
}

/** What the database says of the text that `mustBeAll` makes it read as JSON. */
const NOT_ALL = "malformed JSON";

/** Of several submissions; what is missing among the inserted was not decided. */
interface GroupInsertion extends Omit<Insertion, "insertedBy"> {
  readonly of: readonly NewInference[];
  readonly insertedBy: (answers: readonly Row[][]) => readonly Inserted[];
}

/** How submissions are inserted in one transaction: new due notes first, so that the rows find them, and where asked for, room in heads. */
function insertionsOf(all: readonly NewInference[], written: WrittenNotes, notes: readonly Note[], makesRoom: boolean) {
  const notable = written.of(all, notes);
  const { groups, others } = parted(all);
  const insertions: GroupInsertion[] = [
    ...groups.map((group) =>
      insertionOfGroup(
        group,
        group.some((it) => notable.has(it)),
      ),
    ),
    ...others.map((it) => insertedAlone(it, notable.has(it))),
  ];
  const write = notes.length > 0 ? [noteStatements.write(notes)] : [];
  // Each makes room for all, since several may be of one lane.
  const room = makesRoom ? [...groups.map(([first]) => first), ...others].map((it) => insertStatements.makeRoom(it, all.length)) : [];
  return { insertions, statements: [...room, ...write, ...insertions.flatMap(({ statements }) => statements)] };
}

function insertedAlone(it: NewInference, mayBeNoted: boolean): GroupInsertion {
  const { statements, insertedBy } = insertionOf(it, mayBeNoted);
  return { of: [it], statements, insertedBy: (answers) => [insertedBy(answers)] };
}

function insertionOfGroup(group: Group, mayBeNoted: boolean): GroupInsertion {
  const release = isKeyed(group) ? [groupStatements.releaseKeys(group)] : [];
  return {
    of: group,
    statements: [...release, groupStatements.insert(group, mayBeNoted), groupStatements.charge(group), groupStatements.slots(group)],
    insertedBy(answers) {
      const [rows = [], , [lane] = []] = answers.slice(release.length);
      const byId = new Map(rows.map((row) => [String(row["id"]), row]));
      const free = Number(lane?.["free"] ?? 0);
      return group.flatMap((it, place) => {
        const row = byId.get(it.id);
        return row ? [insertedAs(it, row, place < free && place % RUNNERS_PER_BATCH === 0)] : [];
      });
    },
  };
}

const insertedSchema = z.object({ version: z.string(), now: z.number() });

function insertedAs(it: NewInference, row: Row, wakes: boolean): Inserted {
  const { version, now } = insertedSchema.parse(row);
  const inference = newlyQueued({ ...it, version, createdAt: now, startBy: now + it.maxTimeInQueueSeconds * 1000 });
  return { inference, claimed: null, wakes };
}

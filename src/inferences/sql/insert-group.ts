/**
 * Submissions that came together are inserted by one statement for all that are alike (group.ts), which takes all of them or none; what
 * none was made of is decided by itself, so that each is accepted or refused as it would be alone.
 */
import * as z from "zod";
import { GROUP_CHARACTERS, RUNNERS_PER_BATCH, TOGETHER_MOST } from "../../limits.ts";
import type { Database, Row } from "../../platform/sql.ts";
import { type Inference, newlyQueued } from "../inference.ts";
import { type Group, groupStatements, isKeyed } from "./group.ts";
import {
  type Earlier,
  type Inserted,
  type Insertion,
  type NewInference,
  earlierIn,
  insertInference,
  insertStatements,
  insertionOf,
  metadataBytes,
} from "./insert.ts";
import { type Note, WrittenNotes, noteStatements } from "./notes.ts";
import { findTogether } from "./read.ts";

/** What those of a group have in common. */
const commonOf = (it: NewInference) =>
  [
    it.model,
    it.version,
    it.capability,
    it.priority,
    it.schemas ?? 0,
    it.databaseQuotaBytes,
    it.idempotencyKey === null,
    it.batch?.id ?? null,
  ] as const;

const isAlike = (one: NewInference, other: NewInference) => {
  const common = commonOf(other);
  return commonOf(one).every((value, place) => value === common[place]);
};

/** Beside what its client may make long: its id, its account, its fingerprint, its numbers. */
const ROW_TEXT_BYTES = 250;
/** A webhook beside its addresses: the names of all events. */
const WEBHOOK_TEXT_BYTES = 250;

/** About what a row has of its submission. Written as JSON once more, it takes twice as much at most. */
export function bytesIn({ input, inputBytes, metadata, webhook, idempotencyKey, trace }: NewInference): number {
  const texts = [webhook?.url, webhook?.origin, idempotencyKey, trace];
  return (
    ROW_TEXT_BYTES +
    (input.at === "row" ? inputBytes : 0) +
    metadataBytes(metadata) +
    texts.reduce((sum, text) => sum + (text?.length ?? 0), 0) +
    (webhook === null ? 0 : WEBHOOK_TEXT_BYTES)
  );
}

/** Those of submissions that may go in one statement each, and the others. */
function parted(all: readonly NewInference[]): { groups: Group[]; others: NewInference[] } {
  const groups = new Map<string, { group: [NewInference, ...NewInference[]]; bytes: number }>();
  const many: Group[] = [];
  const others: NewInference[] = [];
  const keys = new Set<string>();
  let last: { readonly it: NewInference; readonly alike: string } | null = null;
  for (const it of all) {
    const key = it.idempotencyKey === null ? null : `${it.accountId} ${it.idempotencyKey}`;
    const alike: string = last && isAlike(it, last.it) ? last.alike : JSON.stringify(commonOf(it));
    last = { it, alike };
    const bytes = bytesIn(it);
    const known = groups.get(alike);
    const isAlone = it.waiter !== null || (it.notBefore ?? null) !== null || it.resumable === true || (key !== null && keys.has(key));
    if (isAlone) others.push(it);
    else if (known && known.bytes + bytes <= GROUP_CHARACTERS) {
      known.group.push(it);
      known.bytes += bytes;
    } else {
      if (known) many.push(known.group);
      groups.set(alike, { group: [it], bytes });
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
  const tried = await insertGroups(db, all, written);
  const inserted = new Map(all.flatMap((it, place) => (tried[place] ? [[it, tried[place]] as const] : [])));
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

/** The same without smaller groups: null for those of a group that was not taken. */
export async function insertGroups(db: Database, all: readonly NewInference[], written = new WrittenNotes()): Promise<(Inserted | null)[]> {
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
  return all.map((it) => inserted.get(it) ?? null);
}

/** What keys of an account's submits stand for, by key. */
export async function findByIdempotencyKeys(db: Database, accountId: string, keys: readonly string[]): Promise<Map<string, Earlier>> {
  const rows = keys.length === 0 ? [] : await db.all(groupStatements.findByKeys(accountId, keys));
  return new Map(rows.map((row) => [String(row["idempotencyKey"]), earlierIn(row)]));
}

/**
 * Inserts submissions of one account in one transaction, all or none: null if any of them is not taken. Those that are there already were
 * inserted by a call whose answer was lost.
 */
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
  const others = all.filter(({ id }) => !inserted.has(id)).map(({ accountId, id }) => [accountId, id] as const);
  if (others.length > 0) for (const it of await findTogether(db, others, false)) if (it) inserted.set(it.id, it);
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
    statements: [...release, groupStatements.insert(group, mayBeNoted), groupStatements.written(group), groupStatements.charge(group)],
    insertedBy(answers) {
      const [[row] = []] = answers.slice(release.length + 1);
      if (!row) return [];
      const { version, now, free } = writtenSchema.parse(row);
      return group.map((it, place) => {
        const inference = newlyQueued({ ...it, version, createdAt: now, startBy: now + it.maxTimeInQueueSeconds * 1000 });
        return { inference, claimed: null, wakes: place < free && place % RUNNERS_PER_BATCH === 0 };
      });
    },
  };
}

const writtenSchema = z.object({
  version: z.string(),
  now: z.number(),
  free: z
    .number()
    .nullable()
    .transform((free) => free ?? 0),
});

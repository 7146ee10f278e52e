/**
 * What watchers are told, whatever becomes of the tells: lost, doubled, late, or one before the other. Each line of each log comes
 * once and in the order of its log, to who watches one inference and to who watches all, however often their connections break.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { Inbox, toldIn } from "../../src/entry/inbox.ts";
import { AccountEvents } from "../../src/inferences/account-events.ts";
import { type Place, linesAfter, placeOf, placeText } from "../../src/inferences/log-events.ts";
import { toldOf } from "../../src/inferences/watch.ts";
import type { Database, Row } from "../../src/platform/sql.ts";
import type { Clock, Told, WatchPort } from "../../src/ports.ts";
import { EVENTS_KEPT, EVENTS_LOOK_MS, EVENTS_OVERLAP_MS, EVENTS_REST_MS, WATCH_BACKLOG_CHARACTERS } from "../../src/limits.ts";

const BEGUN = 1_800_000_000_000;

/** Chance by a seed: the same each time. */
function chances(seed: number): (most: number) => number {
  let state = seed + 1;
  return (most) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % most;
  };
}

interface Entry {
  readonly at: number;
  readonly event: string;
}

/** A row as it is told, of an inference with this log. */
function rowOf(id: string, log: readonly Entry[]): Row {
  const isOver = log.at(-1)?.event === "canceled";
  const nothing = Object.fromEntries(NULLS.map((column) => [column, null]));
  const zero = Object.fromEntries(["priority", "level", "initialDelayMs", "maxDelayMs", "runMs"].map((column) => [column, 0]));
  const times = { createdAt: BEGUN, updatedAt: BEGUN, startBy: BEGUN, finishedAt: isOver ? BEGUN : null };
  const whole = { ...nothing, ...zero, ...times, accountId: "account", model: "m", version: "", dialect: "claimcheck", capability: "" };
  const status = isOver ? "canceled" : "in_progress";
  return { ...whole, id, status, metadata: "{}", attempt: 1, maxAttempts: 3, inputItems: 1, log: JSON.stringify(log) };
}

const NULLS = (
  "notBefore startedAt lastStartedAt backendId output outputObject outputType outputBytes outputItems outputSha256 parts usage error stopped " +
  "progress retentionSeconds dataRemovedAt accountRetentionSeconds webhook endDelivery"
).split(" ");

function newEvents() {
  const clock = { now: BEGUN };
  const database = new DatabaseSync(":memory:");
  const prepared = new Map<string, StatementSync>();
  const events = new AccountEvents(
    (query, ...params) => {
      const statement = prepared.get(query) ?? database.prepare(query);
      prepared.set(query, statement);
      return statement.all(...params);
    },
    () => clock.now,
  );
  return { events, clock };
}

const lineOf = ({ row, line }: Told) => `${String(row?.["id"])} ${line}`;
const numbered = (told: readonly Told[]) => told.map(lineOf);
const IDS = ["a", "b", "c"];

/** Lives of some inferences, each change told or not, and what a reader of all has seen in the end. */
function lived(seed: number, change: (told: Told[], reader: string[]) => Told[] = (told) => told): { seen: string[]; expected: string[] } {
  const chance = chances(seed);
  const { events, clock } = newEvents();
  events.begin("stream");
  const logs = new Map<string, Entry[]>(IDS.map((id) => [id, []]));
  const late: Row[] = [];
  const seen: string[] = [];
  let last = "stream.0";
  let isConnected = true;
  const hear = (told: Told[]) => {
    if (isConnected) take(change(told, seen));
  };
  const take = (told: readonly Told[]) => {
    for (const it of told) {
      seen.push(lineOf(it));
      last = it.event ?? last;
    }
  };
  for (let step = 0; step < 60; step++) {
    clock.now += chance(3);
    const id = IDS[chance(IDS.length)] ?? "";
    const log = logs.get(id) ?? [];
    log.push({ at: clock.now, event: "claimed" });
    const row = rowOf(id, log);
    const fate = chance(5);
    if (fate === 0) continue; // lost
    if (fate === 1) late.push(row);
    else hear(events.note(fate === 2 ? [row, row] : [row]));
    if (chance(4) === 0) hear(events.note(late.splice(0, 1)));
    if (chance(6) === 0) {
      isConnected = !isConnected;
      if (isConnected) take(events.after(last) ?? []);
    }
  }
  for (const [id, log] of logs) {
    log.push({ at: clock.now, event: "canceled" });
    hear(events.note([rowOf(id, log)]));
  }
  if (!isConnected) take(events.after(last) ?? []);
  return { seen, expected: [...logs].flatMap(([id, log]) => log.map((_, index) => `${id} ${index}`)) };
}

const inOrder = (seen: readonly string[]) => IDS.flatMap((id) => seen.filter((line) => line.startsWith(id)));

describe("who watches all inferences of an account", () => {
  test("sees each line once, in the order of its log, whatever becomes of the tells", () => {
    for (let seed = 0; seed < 50; seed++) {
      const { seen, expected } = lived(seed);
      expect(inOrder(seen), `seed ${seed}`).toEqual(expected);
    }
  });

  test("would be seen to miss or to have twice what a planted bug loses or doubles", () => {
    const wrong = (change: Parameters<typeof lived>[1]) =>
      Array.from({ length: 50 }, (_, seed) => lived(seed, change)).filter(({ seen, expected }) => inOrder(seen).join() !== expected.join());
    const lost = wrong((told, seen) => (seen.length % 7 === 3 && told.length === 1 ? told.map((it) => ({ ...it, line: -1 })) : told));
    const doubled = wrong((told, seen) => (seen.length % 7 === 3 ? [...told, ...told] : told));
    expect(lost.length).toBeGreaterThan(25);
    expect(doubled.length).toBeGreaterThan(25);
  });

  test("is told to begin again where what was missed is not kept any more, or is another stream's", () => {
    const { events, clock } = newEvents();
    events.begin("one");
    const log: Entry[] = [];
    for (let count = 0; count < EVENTS_KEPT + 2; count++) {
      log.push({ at: clock.now, event: "claimed" });
      if (count % 100 === 99 || count > EVENTS_KEPT) events.note([rowOf("a", log)]);
    }
    expect(events.after("one.1")).toBeNull();
    expect(numbered(events.after(`one.${EVENTS_KEPT + 1}`) ?? [])).toEqual([`a ${EVENTS_KEPT + 1}`]);
    expect(events.after("two.3")).toBeNull();
    events.left();
    clock.now += EVENTS_REST_MS + 1;
    expect(events.note([rowOf("b", log)])).toEqual([]);
    events.begin("two");
    expect(events.after(`one.${EVENTS_KEPT}`)).toBeNull();
  });

  test("is told where the stream stands before anything is said, and goes on from there", () => {
    const { events, clock } = newEvents();
    events.begin("one");
    const [first] = events.from(null).told;
    expect(first).toEqual({ row: null, begins: true, event: "one.0" });
    events.note([rowOf("a", [{ at: clock.now, event: "claimed" }])]);
    expect(numbered(events.from(first?.event ?? null).told)).toEqual(["a 0"]);
    expect(events.from("two.0")).toEqual({ told: [{ row: null, event: "one.1" }], isAll: true });
  });

  test("is told of what it has missed in parts of a bounded size, which together are all of it", () => {
    const { events, clock } = newEvents();
    events.begin("one");
    const large = { ...rowOf("a", [{ at: clock.now, event: "claimed" }]), metadata: JSON.stringify({ x: "x".repeat(100_000) }) };
    for (let id = 0; id < 50; id++) events.note([{ ...large, id: String(id) }]);
    const seen: string[] = [];
    let parts = 0;
    for (let last = "one.0", isAll = false; !isAll; parts++) {
      const part = events.from(last);
      expect(JSON.stringify(part.told).length).toBeLessThan(WATCH_BACKLOG_CHARACTERS + 110_000);
      seen.push(...numbered(part.told));
      ({ isAll } = part);
      last = part.told.at(-1)?.event ?? "";
    }
    expect(seen).toEqual(Array.from({ length: 50 }, (_, id) => `${id} 0`));
    expect(parts).toBeGreaterThan(5);
    expect(events.from("one.50")).toEqual({ told: [], isAll: true });
  });

  test("has inferences looked at whose last change was not heard of", () => {
    const { events } = newEvents();
    events.begin("one");
    events.note([rowOf("a", [{ at: BEGUN, event: "canceled" }]), rowOf("b", [{ at: BEGUN, event: "canceled" }])]);
    const changed = [
      { id: "a", at: BEGUN },
      { id: "b", at: BEGUN + 1 },
      { id: "c", at: BEGUN },
    ];
    expect(events.unheard(changed)).toEqual(["b", "c"]);
    expect(events.changedSince).toBe(BEGUN - EVENTS_OVERLAP_MS);
  });

  test("is told of progress once and never of an older word, whatever becomes of the tells", () => {
    const { events } = newEvents();
    events.begin("one");
    const claimed = [{ at: BEGUN, event: "claimed" }];
    const said = (progress: number, at: number, log: readonly Entry[] = claimed) => ({
      ...rowOf("a", log),
      progress: JSON.stringify({ attempt: 1, at, progress, message: null, previewUrl: null }),
    });
    events.note([rowOf("a", claimed)]);
    const told = [said(0.2, BEGUN + 1), said(0.2, BEGUN + 1), said(0.6, BEGUN + 3), said(0.4, BEGUN + 2)].map((row) =>
      events.isProgress(row),
    );
    expect(told).toEqual([true, false, true, false]);
    events.note([rowOf("a", [...claimed, { at: BEGUN + 5, event: "canceled" }])]);
    expect(events.isProgress(said(0.8, BEGUN + 4))).toBe(false);
    expect(events.isProgress(rowOf("a", claimed))).toBe(false);
  });

  test("is told of what has happened since it watches, not of what was before", () => {
    const { events, clock } = newEvents();
    events.begin("one");
    clock.now += 10;
    const log = [
      { at: BEGUN - EVENTS_OVERLAP_MS - 1, event: "queued" },
      { at: clock.now, event: "claimed" },
    ];
    expect(numbered(events.note([rowOf("a", log)]))).toEqual(["a 1"]);
  });

  test("is told of what is new in a log that was shortened, and of nothing twice", () => {
    const { events } = newEvents();
    events.begin("one");
    const log = Array.from({ length: 8 }, (_, index) => ({ at: BEGUN + index, event: "claimed" }));
    expect(events.note([rowOf("a", log)])).toHaveLength(8);
    const cut = [
      { at: BEGUN, event: "claimed" },
      { at: BEGUN + 9, event: "shortened" },
      { at: BEGUN + 9, event: "canceled" },
    ];
    expect(numbered(events.note([rowOf("a", cut), rowOf("a", log), rowOf("a", cut)]))).toEqual(["a 1", "a 2"]);
  });

  test("has inferences looked at of which nothing is heard, until they have ended", () => {
    const { events, clock } = newEvents();
    events.begin("one");
    events.note([rowOf("a", [{ at: BEGUN, event: "claimed" }]), rowOf("b", [{ at: BEGUN, event: "canceled" }])]);
    expect(events.neglected()).toEqual([]);
    clock.now += EVENTS_LOOK_MS;
    expect(events.neglected()).toEqual(["a"]);
    expect(events.neglected()).toEqual([]);
  });
});

describe("who watches one inference", () => {
  const log = (count: number) => Array.from({ length: count }, (_, index) => ({ at: BEGUN + index, event: "claimed" as const }));
  const seenBy = (rows: readonly (readonly { at: number; event: "claimed" | "shortened" }[])[]) => {
    let place: Place | null = null;
    return rows.flatMap((its) => {
      const { lines, isCut } = linesAfter({ log: its }, place);
      place = lines.at(-1)?.place ?? place;
      return [...(isCut ? ["cut"] : []), ...lines.map((line) => line.place.index)];
    });
  };

  test("sees each line once, whether a row is told twice, late, or not at all", () => {
    expect(seenBy([log(1), log(3), log(3), log(2), log(5), log(4), log(6)])).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("is told that lines were dropped from a log that grew too long, and has what is left", () => {
    const cut = [
      { at: BEGUN, event: "claimed" as const },
      { at: BEGUN + 9, event: "shortened" as const },
      { at: BEGUN + 9, event: "claimed" as const },
    ];
    expect(seenBy([log(8), cut, cut])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, "cut", 0, 1, 2]);
  });

  test("goes on after the number of a line, and no other text is one", () => {
    const place = { index: 3, at: BEGUN + 3 };
    expect(placeOf(placeText(place))).toEqual(place);
    for (const text of ["", "3", "3-", "-3-4", "3-4-5", "x-1", "3-1e3", "9999999-1"]) expect(placeOf(text)).toBeNull();
  });
});

test("An inbox that nobody empties holds a bounded number of characters, and then no more", async () => {
  const inbox = new Inbox();
  const text = JSON.stringify({ row: { id: "x".repeat(100_000) } });
  for (let count = 0; count < 50; count++) inbox.put(toldIn(text), text.length);
  const told = await inbox.next(0, new AbortController().signal);
  expect(told?.length).toBe(Math.ceil(WATCH_BACKLOG_CHARACTERS / text.length));
  expect([inbox.isOver, await inbox.next(0, new AbortController().signal)]).toEqual([true, null]);
});

test("A reader of all whose connection breaks after news of progress goes on after the last event that it has", async () => {
  const row = rowOf("a", [{ at: BEGUN, event: "queued" }]);
  const answers: (readonly Told[] | null)[] = [[{ row, line: 0, event: "stream.7" }, { row }], null, [{ row, line: 1, event: "stream.8" }]];
  const opened: unknown[] = [];
  const gone = new AbortController();
  const open: WatchPort["open"] = async (_account, _topic, after) => {
    opened.push(after);
    return { object: 2, next: async () => answers.shift() ?? null, close: () => undefined };
  };
  const db = { all: async () => [] } as unknown as Database; // of it, what is used
  const ports = { db, clock: { now: () => BEGUN } as Clock, watch: { open, tell: async () => undefined } }; // of the clock, what is used
  for await (const { told } of toldOf(ports, "account", null, BEGUN + 1, gone.signal)) if (told[0]?.event === "stream.8") gone.abort();
  expect(opened).toEqual([null, { object: 2, event: "stream.7" }]);
});

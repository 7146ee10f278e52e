/** The metrics as data: what is observed adds up, is kept within bounds, and never falls. */
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { METRICS_SERIES, METRICS_SERIES_OBSERVED, METRICS_STUCK_MS, ROLLUP_FIELDS, ROLLUP_PARTS } from "../../src/limits.ts";
import { WINDOWS, type WindowName } from "../../src/metrics/history.ts";
import { METRICS, WORK_SECONDS, labelsOf } from "../../src/metrics/list.ts";
import { type Observation, Observed } from "../../src/metrics/observed.ts";
import { MetricsStore } from "../../src/metrics/store.ts";
import { quantile } from "../../src/metrics/sums.ts";
import { textOf } from "../../src/metrics/text.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** The beginning of an hour. */
const NOON = Date.UTC(2026, 0, 31, 12);

const ENDED = ["m", "v1", "succeeded", "", "be_1", ""];

describe("an isolate", () => {
  test("adds up what it observes until that is taken, and then begins again", () => {
    const observed = new Observed(() => 0);
    observed.count("ended", ENDED);
    observed.count("ended", ENDED);
    observed.time("queued", ["m", "v1"], 30);
    observed.time("queued", ["m", "v1"], 25);
    observed.set("swept", [], 5);
    observed.set("swept", [], 7);
    const inBuckets = WORK_SECONDS.map((bound) => (bound === 0.025 || bound === 0.05 ? 1 : 0));
    expect(observed.take()).toEqual([
      { metric: "ended", labels: ENDED, values: [2] },
      { metric: "queued", labels: ["m", "v1"], values: [...inBuckets, 0, 0.055] },
      { metric: "swept", labels: [], values: [7] },
    ]);
    expect(observed.take()).toEqual([]);
    observed.count("ended", ENDED);
    expect(observed.take()).toEqual([{ metric: "ended", labels: ENDED, values: [1] }]);
  });

  test("asks once to be reported, and again when that was done or got lost with its invocation", () => {
    let now = 0;
    let asked = 0;
    const observed = new Observed(() => now);
    observed.onChange(() => asked++);
    observed.count("accepted", ["m", ""]);
    observed.count("accepted", ["other", ""]);
    expect(asked).toBe(1);
    now = METRICS_STUCK_MS;
    observed.count("accepted", ["third", ""]);
    expect(asked).toBe(2);
    observed.take();
    observed.count("accepted", ["m", ""]);
    expect(asked).toBe(3);
  });

  test("tells so many label combinations apart at most, and counts the rest as one", () => {
    const observed = new Observed(() => 0);
    for (let number = 0; number < METRICS_SERIES_OBSERVED + 50; number++) observed.count("refused", [`reason ${number}`]);
    const taken = observed.take();
    expect(taken).toHaveLength(METRICS_SERIES_OBSERVED + 1);
    expect(taken.at(-1)).toEqual({ metric: "refused", labels: ["other"], values: [50] });
    observed.count("refused", ["one after that"]);
    expect(observed.take()).toEqual([{ metric: "refused", labels: ["one after that"], values: [1] }]);
  });
});

/** A store at a time of its own; `again` opens its database once more, as after a restart. */
function newStore(at = NOON) {
  const database = new DatabaseSync(":memory:");
  const clock = { now: at };
  const open = () =>
    new MetricsStore(
      (query, ...params) => database.prepare(query).all(...params),
      () => clock.now,
    );
  return { clock, database, store: open(), again: open };
}

const ended = (labels: readonly string[], count = 1): Observation => ({ metric: "ended", labels, values: [count] });
const total = (numbers: readonly number[] | null) => (numbers ?? []).reduce((sum, number) => sum + number, 0);

describe("the store", () => {
  test("keeps totals without the labels that are for rollups alone, and has all that it told after a restart", () => {
    const { store, again } = newStore();
    store.add([ended(ENDED), ended(["m", "v1", "succeeded", "", "be_2", ""])]);
    store.persist();
    const told = store.totals();
    expect(told).toEqual([{ metric: "ended", labels: ["m", "v1", "succeeded", ""], values: [2] }]);
    store.add([ended(ENDED)]); // not written when it ends
    expect(again().totals()).toEqual(told);
  });

  test("forgets series that were not seen for long, and takes no more than its bound", () => {
    const { store, clock, database } = newStore();
    store.add([ended(ENDED)]);
    store.persist();
    clock.now += 31 * DAY;
    store.add([{ metric: "refused", labels: ["invalid_key"], values: [1] }]);
    store.persist();
    expect(store.totals().map(({ metric }) => metric)).toEqual(["refused"]);
    store.add(
      Array.from({ length: METRICS_SERIES + 10 }, (_, number) => ({ metric: "refused", labels: [`r${number}`], values: [1] }) as const),
    );
    expect(store.totals()).toHaveLength(METRICS_SERIES);
    store.persist();
    expect(database.prepare("SELECT count(*) AS count FROM series").get()).toEqual({ count: METRICS_SERIES });
  });

  test("takes the latest of a gauge, and nothing of a metric that it does not know", () => {
    const { store } = newStore();
    store.add([
      { metric: "swept", labels: [], values: [8] },
      { metric: "swept", labels: [], values: [9] },
      { metric: "of a later version" as "swept", labels: [], values: [1] },
    ]);
    expect(store.totals()).toEqual([{ metric: "swept", labels: [], values: [9] }]);
  });

  test.each(Object.keys(WINDOWS) as WindowName[])("answers a window of %s in its steps, each end counted once", (window) => {
    const { store, clock, again } = newStore();
    const { seconds, stepSeconds } = WINDOWS[window];
    const begun = NOON;
    for (; clock.now < begun + seconds * 1000; clock.now += 5 * MINUTE) {
      store.add([ended(ENDED), ended(["m", "v1", "failed", "input", "be_1", "bad"])]);
      store.persist();
    }
    clock.now -= 1;
    const { at, succeeded, failed, ends, refused } = again().history(window, {});
    expect([at.length, at[0]]).toEqual([seconds / stepSeconds, begun]);
    expect([total(succeeded), total(failed), refused?.length]).toEqual([seconds / 300, seconds / 300, at.length]);
    expect(ends).toEqual([{ end: "failed", class: "input", code: "bad", count: seconds / 300 }]);
  });

  test("keeps a number of rows that does not grow with time", () => {
    const { store, clock, database } = newStore();
    const rows = () => Number(database.prepare("SELECT count(*) AS count FROM rollups").get()?.["count"]);
    const live = (days: number) => {
      for (const end = clock.now + days * DAY; clock.now < end; clock.now += 10 * MINUTE) {
        store.add([ended(ENDED)]);
        store.persist();
      }
      return rows();
    };
    const after = live(9);
    expect(after).toBeLessThan(800);
    expect(live(3)).toBeLessThanOrEqual(after);
  });

  test("tells models, versions and backends apart", () => {
    const { store } = newStore();
    store.add([
      ended(["m", "v1", "succeeded", "", "be_1", ""], 1),
      ended(["m", "v1", "succeeded", "", "be_2", ""], 10),
      ended(["m", "v2", "succeeded", "", "be_3", ""], 100),
      ended(["other", "", "succeeded", "", "be_4", ""], 1_000),
      { metric: "accepted", labels: ["m", "v1"], values: [5] },
      { metric: "refused", labels: ["rate_limited"], values: [7] },
    ]);
    store.persist();
    const seen = (filter: Parameters<typeof store.history>[1]) => {
      const { accepted, succeeded, refused } = store.history("1h", filter);
      return [total(accepted), total(succeeded), refused && total(refused)];
    };
    expect(seen({})).toEqual([5, 1_111, 7]);
    expect(seen({ model: "m" })).toEqual([5, 111, null]);
    expect(seen({ model: "m", version: "v1" })).toEqual([5, 11, null]);
    expect(seen({ model: "m", version: "v1", backend: "be_2" })).toEqual([0, 10, null]);
    expect(seen({ model: "nobody's" })).toEqual([0, 0, null]);
  });

  test("has percentiles of the whole window and of each step, over all parts together", () => {
    const { store, clock } = newStore();
    const ran = (backend: string, seconds: number): Observation => {
      const values = [...WORK_SECONDS.map((bound) => (bound === seconds ? 10 : 0)), 0, 10 * seconds];
      return { metric: "ran", labels: ["m", "v1", backend], values };
    };
    store.add([ran("be_1", 1), ran("be_2", 1)]);
    store.persist();
    clock.now += MINUTE;
    store.add([ran("be_1", 10)]);
    store.persist();
    const { runMs, runMsThen, queueMs } = store.history("1h", { model: "m" });
    expect([runMs.count, runMs.p50, runMs.p90]).toEqual([30, 875, 8_500]);
    expect(runMsThen.slice(-3).map(({ count, p50 }) => [count, p50])).toEqual([
      [0, null],
      [20, 750],
      [10, 7_500],
    ]);
    expect(queueMs).toEqual({ count: 0, p50: null, p90: null, p99: null });
  });

  test("has of a gauge the largest of each step, of the whole as it was then", () => {
    const { store, clock } = newStore();
    const note = (v1: number, v2: number) => {
      store.add([
        { metric: "sampledDepth", labels: ["m", "v1"], values: [v1] },
        { metric: "sampledDepth", labels: ["m", "v2"], values: [v2] },
        { metric: "sampledDepth", labels: ["", ""], values: [v1 + v2] },
      ]);
      store.persist();
    };
    note(9, 0);
    note(3, 4);
    clock.now += MINUTE;
    note(1, 1);
    const seen = (filter: Parameters<typeof store.history>[1]) => store.history("1h", filter).waiting.slice(-2);
    expect([seen({}), seen({ model: "m", version: "v1" }), seen({ model: "m", version: "v2" })]).toEqual([
      [9, 2],
      [9, 1],
      [4, 1],
    ]);
    expect(textOf(store.totals(), "prometheus")).not.toContain(METRICS.sampledDepth.name);
  });

  test("counts parts and kinds beyond its bounds in the whole alone, or as one", () => {
    const { store, database } = newStore();
    for (let number = 0; number < ROLLUP_PARTS + 50; number++)
      store.add([ended([`m${number}`, "", "failed", "model", "", `code ${number}`])]);
    store.persist();
    const { count } = database.prepare("SELECT count(DISTINCT model) AS count FROM rollups").get() ?? {};
    expect(count).toBe(ROLLUP_PARTS + 1);
    const { failed, ends } = store.history("1h", {});
    expect([total(failed), ends.reduce((sum, end) => sum + end.count, 0)]).toEqual([ROLLUP_PARTS + 50, ROLLUP_PARTS + 50]);
    expect(ends.length).toBeLessThanOrEqual(ROLLUP_FIELDS + 1);
  });
});

describe("a percentile", () => {
  const counts = (byBucket: Readonly<Record<number, number>>, beyond = 0) => [
    ...WORK_SECONDS.map((bound) => byBucket[bound] ?? 0),
    beyond,
    0,
  ];

  test.each([
    ["of nothing is unknown", counts({}), 0.5, null],
    ["lies on the line between a bucket's bounds", counts({ 1: 10 }), 0.5, 0.75],
    ["lies in the bucket that has it", counts({ 0.01: 90, 10: 10 }), 0.99, 9.5],
    ["of the first bucket begins at 0", counts({ 0.01: 4 }), 0.5, 0.005],
    ["beyond the last bound is that bound", counts({}, 3), 0.5, 7_200],
  ])("%s", (_what, values, share, expected) => {
    const value = quantile(WORK_SECONDS, values, share);
    if (expected === null) expect(value).toBe(null);
    else expect(value).toBeCloseTo(expected, 9);
  });
});

describe("the text", () => {
  test("escapes labels, and adds up buckets", () => {
    const values = [...WORK_SECONDS.map((_, index) => (index < 2 ? 3 : 0)), 1, 7_210.5];
    const text = textOf([{ metric: "queued", labels: ['a "b"\\c\nd', "v1"], values }], "prometheus");
    const labels = 'model="a \\"b\\"\\\\c\\nd",version="v1"';
    expect(text).toContain(
      `claimcheck_queue_seconds_bucket{${labels},le="0.01"} 3\nclaimcheck_queue_seconds_bucket{${labels},le="0.025"} 6\n`,
    );
    expect(text).toContain(
      `claimcheck_queue_seconds_bucket{${labels},le="+Inf"} 7\nclaimcheck_queue_seconds_sum{${labels}} 7210.5\nclaimcheck_queue_seconds_count{${labels}} 7\n`,
    );
  });

  test("names no account and no key in any label of the list, and each name once, as the field has it", () => {
    const all = Object.values(METRICS);
    expect(all.flatMap(labelsOf).filter((label) => /account|key|id$/.test(label))).toEqual([]);
    const names = all.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !/^claimcheck_[a-z_]+$/.test(name))).toEqual([]);
    expect(all.filter(({ name, type }) => (type === "counter") !== name.endsWith("_total"))).toEqual([]);
  });
});

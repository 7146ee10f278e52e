/** When a delivery is tried again, when no more, and what becomes of its endpoint. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { retryAfterMs, waitIn } from "../../src/encoding/retry-after.ts";
import { type DeliveryOutcome, afterAttempt, holdMs, isToRest } from "../../src/webhooks/schedule.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Just below 1, as far as a random number goes. */
const ALMOST_ONE = 1 - 2 ** -53;
/** The `random` that moves nothing. */
const MIDDLE = 0.5;

const answered = (status: number, asked: number | null = null): DeliveryOutcome => ({ kind: "answered", status, retryAfterMs: asked });
const TIMED_OUT: DeliveryOutcome = { kind: "timed_out" };
const UNREACHABLE: DeliveryOutcome = { kind: "unreachable" };
const REFUSED: DeliveryOutcome = { kind: "refused", reason: "must not resolve to a private address (10.0.0.1)" };

const anyFailure: fc.Arbitrary<DeliveryOutcome> = fc.oneof(
  fc.constantFrom(TIMED_OUT, UNREACHABLE, REFUSED),
  fc
    .integer({ min: 300, max: 599 })
    .filter((status) => status !== 410)
    .map((status) => answered(status)),
);
const anyRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** Plays a delivery by a clock that starts at 0: when its attempts begin, if each takes no time and ends in `outcome`. */
function play(outcome: (attempt: number) => DeliveryOutcome, random: number) {
  const times: number[] = [];
  let now = 0;
  for (let attempt = 1; ; attempt++) {
    times.push(now);
    const verdict = afterAttempt(outcome(attempt), attempt, random);
    if (verdict.next !== "pending") return { times, verdict };
    now += verdict.delayMs;
  }
}

/** Hours, minutes and seconds. */
const at = (hours: number, minutes: number, seconds: number) => hours * HOUR + minutes * MINUTE + seconds * 1000;

describe("the attempts of a delivery that always fails", () => {
  /** "Time since start" in the schedule of Standard Webhooks 1.0.0. */
  const TIMES = [
    at(0, 0, 0),
    at(0, 0, 5),
    at(0, 5, 5),
    at(0, 35, 5),
    at(2, 35, 5),
    at(7, 35, 5),
    at(17, 35, 5),
    at(31, 35, 5),
    at(51, 35, 5),
    at(75, 35, 5),
  ];

  test.each([
    ["a server's error", answered(500)],
    ["a wrong path", answered(404)],
    ["a redirect", answered(301)],
    ["another redirect", answered(308)],
    ["no answer in time", TIMED_OUT],
    ["no connection", UNREACHABLE],
    ["a target that is not allowed", REFUSED],
    ["a request for patience that is shorter than ours", answered(503, 1_000)],
  ])("are at the times of the standard's schedule, then it is given up: %s", (_, outcome) => {
    expect(play(() => outcome, MIDDLE)).toEqual({ times: TIMES, verdict: { next: "failed", why: "exhausted" } });
  });

  test.each([
    ["earliest", 0, 0.9],
    ["latest", ALMOST_ONE, 1.1],
  ])("are at the %s a tenth of each delay away from that", (_, random, share) => {
    const { times } = play(() => UNREACHABLE, random);
    expect(times.map((time) => Math.round(time / 1000))).toEqual(TIMES.map((time) => Math.round((time * share) / 1000)));
  });

  test("are spread evenly between the two", () => {
    const delays = Array.from({ length: 11 }, (_, tenths) => afterAttempt(UNREACHABLE, 3, tenths / 10));
    expect(delays).toEqual(Array.from({ length: 11 }, (_, tenths) => ({ next: "pending", delayMs: 27 * MINUTE + tenths * 36_000 })));
  });

  test("never come sooner or later than that", () => {
    fc.assert(
      fc.property(anyFailure, fc.integer({ min: 1, max: 9 }), anyRandom, (outcome, attempt, random) => {
        const verdict = afterAttempt(outcome, attempt, random);
        if (verdict.next !== "pending") return expect.fail("given up too soon");
        const share = verdict.delayMs / ((TIMES[attempt] ?? 0) - (TIMES[attempt - 1] ?? 0));
        expect(share).toBeGreaterThanOrEqual(0.9);
        expect(share).toBeLessThanOrEqual(1.1);
        expect(Number.isInteger(verdict.delayMs)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test("are ten, however they fail", () => {
    fc.assert(
      fc.property(fc.array(anyFailure, { minLength: 10, maxLength: 10 }), anyRandom, (outcomes, random) => {
        const { times, verdict } = play((attempt) => outcomes[attempt - 1] ?? expect.fail("an eleventh attempt"), random);
        expect(times).toHaveLength(10);
        expect(verdict).toEqual({ next: "failed", why: "exhausted" });
      }),
    );
  });
});

describe("a delivery ends", () => {
  test.each([200, 201, 202, 204, 206, 299])("as succeeded with a %i, at any attempt", (status) => {
    for (let attempt = 1; attempt <= 10; attempt++) expect(afterAttempt(answered(status), attempt, MIDDLE)).toEqual({ next: "succeeded" });
    expect(afterAttempt(answered(status, DAY), 1, MIDDLE)).toEqual({ next: "succeeded" });
  });

  test.each([199, 300, 304, 400, 401, 404, 409, 418, 429, 500, 503, 599])("not with a %i", (status) => {
    expect(afterAttempt(answered(status), 1, MIDDLE)).toEqual({ next: "pending", delayMs: 5_000 });
    expect(afterAttempt(answered(status), 10, MIDDLE)).toEqual({ next: "failed", why: "exhausted" });
  });

  test("at once with a 410, which disables the URL, at any attempt and whatever it asks for", () => {
    for (let attempt = 1; attempt <= 10; attempt++) {
      expect(afterAttempt(answered(410), attempt, MIDDLE)).toEqual({ next: "failed", why: "gone" });
      expect(afterAttempt(answered(410, HOUR), attempt, MIDDLE)).toEqual({ next: "failed", why: "gone" });
    }
  });

  test("with the attempt that succeeds after failures", () => {
    const { times, verdict } = play((attempt) => (attempt < 4 ? UNREACHABLE : answered(204)), MIDDLE);
    expect(times).toEqual([0, at(0, 0, 5), at(0, 5, 5), at(0, 35, 5)]);
    expect(verdict).toEqual({ next: "succeeded" });
  });
});

describe("Retry-After", () => {
  test.each([
    ["longer than the schedule's delay is waited for", 1, 2 * MINUTE, 2 * MINUTE],
    ["to the millisecond longer, too", 1, 5_001, 5_001],
    ["shorter brings nothing forward", 2, 1_000, 5 * MINUTE],
    ["of zero brings nothing forward", 3, 0, 30 * MINUTE],
    ["counts up to a day", 1, 30 * DAY, DAY],
    ["without end counts up to a day", 4, Infinity, DAY],
    ["of a day is no later than the last delay's own day", 9, DAY, DAY],
  ])("%s", (_, attempt, asked, delayMs) => {
    for (const status of [429, 503, 500, 301])
      expect(afterAttempt(answered(status, asked), attempt, MIDDLE)).toEqual({ next: "pending", delayMs });
  });

  test("adds no attempt", () => {
    expect(afterAttempt(answered(429, MINUTE), 10, MIDDLE)).toEqual({ next: "failed", why: "exhausted" });
  });

  test("of a 429 puts off the second attempt, and the rest follow from there", () => {
    const { times } = play((attempt) => (attempt === 1 ? answered(429, 10 * MINUTE) : answered(500)), MIDDLE);
    expect(times.slice(0, 4)).toEqual([0, 10 * MINUTE, 15 * MINUTE, 45 * MINUTE]);
  });

  const NOON = Date.UTC(1994, 10, 6, 12, 0, 0);
  test.each([
    ["120", 2 * MINUTE],
    ["0", 0],
    [" 7 ", 7_000],
    ["99999999999", 99_999_999_999_000],
    ["99999999999999999999", Number.MAX_SAFE_INTEGER],
    ["Sun, 06 Nov 1994 12:00:30 GMT", 30_000],
    ["Sunday, 06-Nov-94 12:00:30 GMT", 30_000],
    ["Sun Nov  6 12:00:30 1994", 30_000],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 0], // past
    [null, null],
    ["", null],
    ["soon", null],
    ["-5", null],
    ["1.5", 1_500],
    ["0.0001", 1],
    ["1.", null],
    ["1e3", null],
    ["0x10", null],
    ["10 s", null],
    ["120, 240", null],
    ["1994-11-06T12:00:30Z", null],
    ["in 2040", null],
    ["Sun, 06 Foo 1994 12:00:30 GMT", null],
  ])("%j asks for %j ms at noon of that day", (header, ms) => {
    expect(retryAfterMs(header, NOON)).toBe(ms);
  });
});

test.each<[Record<string, string>, number | null]>([
  [{ "retry-after-ms": "1500", "retry-after": "2" }, 1_500],
  [{ "retry-after-ms": "12.5" }, 13],
  [{ "retry-after-ms": "soon", "retry-after": "2" }, 2_000],
  [{ "retry-after": "0.5" }, 500],
  [{}, null],
])("%j asks for %j ms", (headers, ms) => {
  expect(waitIn(new Headers(headers), Date.UTC(1994, 10, 6))).toBe(ms);
});

test("a date that names no zone is in GMT wherever this runs", () => {
  const zone = process.env["TZ"];
  process.env["TZ"] = "America/New_York";
  try {
    expect(retryAfterMs("Sun Nov  6 12:00:30 1994", Date.UTC(1994, 10, 6, 12, 0, 0))).toBe(30_000);
  } finally {
    if (zone === undefined) delete process.env["TZ"];
    else process.env["TZ"] = zone;
  }
});

describe("the other deliveries to an endpoint", () => {
  test.each([429, 502, 504])("wait half a minute after a %i, or longer where it says so", (status) => {
    expect(holdMs(answered(status))).toBe(30_000);
    expect(holdMs(answered(status, 1_000))).toBe(30_000);
    expect(holdMs(answered(status, 5 * MINUTE))).toBe(5 * MINUTE);
    expect(holdMs(answered(status, 30 * DAY))).toBe(HOUR);
  });

  test("wait for as long as a 503 says, and not after one that says nothing", () => {
    expect(holdMs(answered(503, 10_000))).toBe(10_000);
    expect(holdMs(answered(503, Infinity))).toBe(HOUR);
    expect(holdMs(answered(503))).toBe(0);
  });

  test.each([answered(200, MINUTE), answered(410, MINUTE), answered(404), answered(500), answered(301), TIMED_OUT, UNREACHABLE, REFUSED])(
    "go on after %j",
    (outcome) => {
      expect(holdMs(outcome)).toBe(0);
    },
  );
});

describe("an endpoint's rest", () => {
  const START = 1_790_000_000_000;

  test.each([
    ["100 failures in a row over exactly a day", 100, DAY / 99, true],
    ["many more over a week", 10_000, (7 * DAY) / 9_999, true],
    ["100 over a second less than a day", 100, (DAY - 1_000) / 99, false],
    ["99 over a week", 99, (7 * DAY) / 98, false],
    ["100,000 in an hour", 100_000, HOUR / 100_000, false],
    ["a single one", 1, 0, false],
  ])("after %s: %j %j %j", (_, count, gapMs, rests) => {
    const streak = { failures: count, since: START };
    expect(isToRest(streak, Math.round(START + (count - 1) * gapMs))).toBe(rests);
  });

  test("is not due while it has no streak", () => {
    expect(isToRest(null, START)).toBe(false);
  });
});

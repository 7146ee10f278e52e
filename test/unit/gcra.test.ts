/** The rate limit against a reference model in whole numbers, at the times that a real clock tells. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Permit, TURNS_MS, UNUSED, takePermit } from "../../src/keys/gcra.ts";

const YEAR_MS = 31_557_600_000;
/** From 1990 to 2100: an error that the size of a real timestamp causes must show. */
const anyTime = fc.integer({ min: 20 * YEAR_MS, max: 130 * YEAR_MS });
const anyRate = fc.oneof(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 60 }), fc.constantFrom(3, 7, 20, 30, 200, 10_000));
/** Groups of requests: so many at once, so long after the group before. */
const anyArrivals = fc.array(
  fc.record({
    gapMs: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 2_500 })),
    /** Of the rate, in percent. */
    sharePercent: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 150 })),
  }),
  { minLength: 1, maxLength: 12 },
);

/** A bucket under test: keeps the state that its caller would keep. */
class Bucket {
  readonly #rate: number;
  #state = UNUSED;

  constructor(rate: number) {
    this.#rate = rate;
  }

  take(now: number): Permit {
    const permit = takePermit(this.#state, now, this.#rate);
    this.#state = permit.bucket;
    return permit;
  }

  /** How many pass at once. */
  takeAll(now: number): number {
    let count = 0;
    while (this.take(now).taken) count++;
    return count;
  }

  copy(): Bucket {
    const copy = new Bucket(this.#rate);
    copy.#state = this.#state;
    return copy;
  }
}

/**
 * The same limit as a token bucket in thousandths of a token, all whole numbers: `rate` tokens at most, each
 * millisecond brings `rate` thousandths, each request takes one token.
 */
class Reference {
  readonly #rate: number;
  #thousandths: number;
  #at: number;

  constructor(rate: number, now: number) {
    this.#rate = rate;
    this.#thousandths = rate * 1000;
    this.#at = now;
  }

  get tokens(): number {
    return Math.floor(this.#thousandths / 1000);
  }

  take(now: number): boolean {
    this.#thousandths = Math.min(this.#rate * 1000, this.#thousandths + (now - this.#at) * this.#rate);
    this.#at = now;
    if (this.#thousandths < 1000) return false;
    this.#thousandths -= 1000;
    return true;
  }
}

/** The times of all requests. */
function timesOf(start: number, rate: number, arrivals: readonly { gapMs: number; sharePercent: number }[]): number[] {
  let now = start;
  return arrivals.flatMap(({ gapMs, sharePercent }) => {
    now += gapMs;
    return Array.from({ length: Math.ceil((rate * sharePercent) / 100) }, () => now);
  });
}

describe("a rate limit", () => {
  test.each([1, 3, 7, 20, 30, 200, 999, 7_000, 10_000])(
    "lets exactly %i requests pass at once from fresh, at any time of this century",
    (rate) => {
      for (const now of [0, 1_000, Date.UTC(2026, 0, 1), 1_790_000_000_123, Date.UTC(2099, 11, 31)]) {
        expect({ now, passed: new Bucket(rate).takeAll(now) }).toEqual({ now, passed: rate });
      }
    },
  );

  test("lets one more pass each interval after that, and none sooner", () => {
    fc.assert(
      fc.property(anyTime, fc.constantFrom(1, 2, 4, 5, 8, 10, 20, 25, 50, 100, 200, 500, 1000), (now, rate) => {
        const interval = 1000 / rate; // a whole number of ms
        const bucket = new Bucket(rate);
        bucket.takeAll(now);
        for (let count = 1; count <= 50; count++) {
          if (interval > 1) expect(bucket.take(now + count * interval - 1).taken).toBe(false);
          expect(bucket.take(now + count * interval).taken).toBe(true);
          expect(bucket.take(now + count * interval).taken).toBe(false);
        }
      }),
    );
  });

  test("decides as the reference model does, whatever the rate and the arrivals", () => {
    fc.assert(
      fc.property(anyTime, anyRate, anyArrivals, (start, rate, arrivals) => {
        const bucket = new Bucket(rate);
        const reference = new Reference(rate, start);
        let index = 0;
        for (const now of timesOf(start, rate, arrivals)) {
          const permit = bucket.take(now);
          const taken = reference.take(now);
          // An assertion for each of a million requests would be slow.
          if (permit.taken !== taken || permit.remaining !== reference.tokens) {
            expect({ index, after: now - start, ...permit }).toMatchObject({ taken, remaining: reference.tokens });
          }
          index++;
        }
        expect(index).toBe(timesOf(start, rate, arrivals).length);
      }),
      { numRuns: 300 },
    );
  });

  test("never lets more pass in any window than its rate times the window and one burst", () => {
    fc.assert(
      fc.property(anyTime, fc.integer({ min: 1, max: 60 }), anyArrivals, (start, rate, arrivals) => {
        const bucket = new Bucket(rate);
        const passed = timesOf(start, rate, arrivals).filter((now) => bucket.take(now).taken);
        let worst = -Infinity;
        for (const [first, from] of passed.entries()) {
          for (const [last, to] of passed.entries()) {
            if (last < first) continue;
            worst = Math.max(worst, last - first + 1 - Math.floor(rate + (rate * (to - from)) / 1000));
          }
        }
        expect(worst).toBeLessThanOrEqual(0);
      }),
    );
  });

  test("does not let what is refused count", () => {
    fc.assert(
      fc.property(anyTime, fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 1_000 }), (now, rate, refused) => {
        const bucket = new Bucket(rate);
        bucket.takeAll(now);
        for (let count = 0; count < refused; count++) expect(bucket.take(now).taken).toBe(false);
        expect(bucket.takeAll(now + 1000)).toBe(rate);
      }),
    );
  });

  test("is full again after an idle second, so its state may be forgotten", () => {
    fc.assert(
      fc.property(anyTime, anyRate, anyArrivals, fc.integer({ min: 1000, max: 10_000_000 }), (start, rate, arrivals, idleMs) => {
        const bucket = new Bucket(rate);
        const times = timesOf(start, rate, arrivals);
        for (const now of times) bucket.take(now);
        expect(bucket.takeAll((times.at(-1) ?? start) + idleMs)).toBe(rate);
      }),
      { numRuns: 50 },
    );
  });
});

describe("what a permit tells", () => {
  /** A bucket after some traffic, and the last answer that it gave. */
  function after(start: number, rate: number, arrivals: Parameters<typeof timesOf>[2]) {
    const bucket = new Bucket(rate);
    const times = [start, ...timesOf(start, rate, arrivals)];
    const permits = times.map((now) => bucket.take(now));
    return { bucket, now: times.at(-1) ?? start, permit: permits.at(-1) ?? expect.fail("no request") };
  }

  test("nextMs, when waited for, is followed by a permit; a millisecond less is not", () => {
    let refused = 0;
    fc.assert(
      fc.property(anyTime, anyRate, anyArrivals, (start, rate, arrivals) => {
        const { bucket, now, permit } = after(start, rate, arrivals);
        const { taken, remaining, nextMs } = permit;
        if (remaining > 0) {
          expect(nextMs).toBe(0);
          return;
        }
        if (!taken) refused++;
        expect(nextMs).toBeGreaterThan(0);
        expect(nextMs).toBeLessThanOrEqual(1000);
        const wait = Math.ceil(nextMs); // a clock tells whole milliseconds
        expect(bucket.copy().take(now + wait).taken).toBe(true);
        if (wait > 0) expect(bucket.copy().take(now + wait - 1).taken).toBe(false);
      }),
      { numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(10);
  });

  test("retryAfterMs is a turn of one's own: all who were refused together pass at their first retry", () => {
    fc.assert(
      fc.property(anyTime, fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 20 }), fc.boolean(), (now, rate, seconds, whole) => {
        const bucket = new Bucket(rate);
        const callers = Array.from({ length: rate * (1 + seconds) }, () => bucket.take(now)).filter(({ taken }) => !taken);
        expect(callers).toHaveLength(rate * seconds);
        const waits = callers.map(({ retryAfterMs }) => (whole ? Math.ceil(retryAfterMs / 1_000) * 1_000 : Math.ceil(retryAfterMs)));
        expect(Math.max(...waits)).toBe(seconds * 1_000);
        if (rate === 1) expect(waits).toEqual(waits.map((_, index) => (index + 1) * 1_000));
        expect(waits.filter((wait) => !bucket.take(now + wait).taken)).toEqual([]);
      }),
    );
  });

  test("turns ahead begin after the last permit and after all turns that others were told", () => {
    const now = 1_790_000_000_123;
    const flood = { now: 3, turns: 5, ahead: true };
    expect(takePermit(UNUSED, now, 4, flood)).toMatchObject({ count: 3, remaining: 1, turns: 0, retryAfterMs: 0 });
    const last = takePermit(UNUSED, now, 2, flood);
    expect(last).toMatchObject({ count: 2, remaining: 0, turns: 3, nextMs: 500, retryAfterMs: 500 });
    expect(takePermit(last.bucket, now, 2)).toMatchObject({ count: 0, turns: 1, nextMs: 500, retryAfterMs: 2_000 });
    expect(takePermit(last.bucket, now + 500, 2, { ...flood, now: 1 })).toMatchObject({ count: 1, turns: 4, retryAfterMs: 1_500 });
  });

  test("retryAfterMs is bounded, however many were refused", () => {
    const bucket = new Bucket(2);
    const told = Array.from({ length: 100 }, () => bucket.take(1_790_000_000_123).retryAfterMs);
    expect(told.slice(0, 4)).toEqual([0, 0, 500, 1_000]);
    expect([told.at(-1), Math.max(...told)]).toEqual([TURNS_MS, TURNS_MS]);
  });

  test("remaining is how many more pass at this moment", () => {
    fc.assert(
      fc.property(anyTime, anyRate, anyArrivals, (start, rate, arrivals) => {
        const { bucket, now, permit } = after(start, rate, arrivals);
        expect(permit.remaining).toBe(bucket.copy().takeAll(now));
      }),
    );
  });

  test("remaining is one less after each permit of a burst", () => {
    const bucket = new Bucket(20);
    const told = Array.from({ length: 22 }, () => bucket.take(1_790_000_000_123).remaining);
    expect(told).toEqual([...Array.from({ length: 20 }, (_, index) => 19 - index), 0, 0]);
  });

  test("resetMs is when the bucket is full again, and no more than a second", () => {
    fc.assert(
      fc.property(anyTime, anyRate, anyArrivals, (start, rate, arrivals) => {
        const { bucket, now, permit } = after(start, rate, arrivals);
        expect(permit.resetMs).toBeGreaterThan(0);
        expect(permit.resetMs).toBeLessThan(1000.001);
        const wait = Math.ceil(permit.resetMs - 1e-6); // it is a multiple of 1 / rate, so never nearer to a whole ms than that
        expect(bucket.copy().takeAll(now + wait)).toBe(rate);
        if (permit.resetMs > 1 + 1000 / rate)
          expect(bucket.copy().takeAll(Math.floor(now + permit.resetMs - 1000 / rate - 1))).toBeLessThan(rate);
      }),
    );
  });
});

/** What an inference may become, what a failed attempt makes of it, and its id. */
import { getRandomValues } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FAILURE_CLASSES, type Failure } from "../../src/backends/outcome.ts";
import { waitOf } from "../../src/inferences/wait.ts";
import { QUARANTINED, RUNNER_LOST, WAITED_TOO_LONG, afterFailure } from "../../src/inferences/retry.ts";
import { STATUSES, type Status, isFinal, mayBecome } from "../../src/inferences/status.ts";
import { earliestId, isUuid, newInferenceId } from "../../src/ids.ts";
import { INITIAL_DELAY_MS, MAX_ATTEMPTS, MAX_DELAY_MS, RETRY_AFTER_MAX_MS } from "../../src/limits.ts";

/** Row: from. Column: to, in the order of the rows. */
const ALLOWED: Readonly<Record<Status, string>> = {
  //           q p s f c e
  queued: "     . x . x x x",
  in_progress: "x . x x x .",
  succeeded: "  . . . . . .",
  failed: "     x . . . . .",
  canceled: "   . . . . . .",
  expired: "    x . . . . .",
};
const COLUMNS: readonly Status[] = ["queued", "in_progress", "succeeded", "failed", "canceled", "expired"];

const PAIRS = COLUMNS.flatMap((from) =>
  ALLOWED[from]
    .trim()
    .split(" ")
    .map((mark, index) => ({ from, to: COLUMNS[index] ?? expect.fail("a column too many"), verb: mark === "x" ? "may" : "may not" })),
);

describe("the transition table", () => {
  test("knows the six statuses", () => {
    expect([...STATUSES].toSorted()).toEqual([...COLUMNS].toSorted());
    expect(PAIRS).toHaveLength(36);
  });

  test.each(PAIRS)("$from $verb become $to", ({ from, to, verb }) => {
    expect(mayBecome(from, to)).toBe(verb === "may");
  });

  test.each([
    ["queued", false],
    ["in_progress", false],
    ["succeeded", true],
    ["failed", true],
    ["canceled", true],
    ["expired", true],
  ] as const)("%s ends a client's wait: %s", (status, final) => {
    expect(isFinal(status)).toBe(final);
  });

  test("lets no final status become another final one", () => {
    for (const from of STATUSES.filter(isFinal)) {
      for (const to of STATUSES.filter(isFinal)) expect(mayBecome(from, to)).toBe(false);
    }
  });
});

describe("after a failed attempt", () => {
  const error: Failure = { class: "capacity", code: "backend_unavailable", message: "The backend answered 503.", status: 503 };
  const within = ([min, max]: readonly [number, number]) => fc.integer({ min, max });
  const anyRetry = fc.record({
    maxAttempts: within(MAX_ATTEMPTS.range),
    initialDelayMs: within(INITIAL_DELAY_MS.range),
    maxDelayMs: within(MAX_DELAY_MS.range),
  });
  const anyRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const anyAttempt = fc.integer({ min: 1, max: 12 });
  /** Of any length, absurd ones too. */
  const anyRetryAfter = fc.option(fc.oneof(fc.integer({ min: 0, max: 120_000 }), fc.constantFrom(1e12, Number.MAX_VALUE, Infinity)));

  const retryable = (retryAfterMs: number | null) => ({
    kind: "retry" as const,
    error,
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  });
  const ceilingOf = (attempt: number, retry: { initialDelayMs: number; maxDelayMs: number }) =>
    Math.min(retry.maxDelayMs, retry.initialDelayMs * 2 ** (attempt - 1));

  test("it is tried again after a whole number of ms, from 0 up to the exponential ceiling", () => {
    fc.assert(
      fc.property(anyAttempt, anyRetry, anyRandom, (attempt, retry, random) => {
        fc.pre(attempt < retry.maxAttempts);
        const verdict = afterFailure(retryable(null), attempt, retry, random);
        if (verdict.next !== "queued") return expect.fail("gave up with attempts left");
        expect(Number.isInteger(verdict.delayMs)).toBe(true);
        expect(verdict.delayMs).toBeGreaterThanOrEqual(0);
        expect(verdict.delayMs).toBeLessThanOrEqual(ceilingOf(attempt, retry));
      }),
    );
  });

  test("the jitter is full: both ends and the middle of the range come up", () => {
    const retry = { maxAttempts: 10, initialDelayMs: 1_000, maxDelayMs: 5_000 };
    const delayOf = (attempt: number, random: number) => {
      const verdict = afterFailure(retryable(null), attempt, retry, random);
      return verdict.next === "queued" ? verdict.delayMs : expect.fail("gave up with attempts left");
    };
    const almostOne = 1 - Number.EPSILON;
    expect([1, 2, 3, 4, 9].map((attempt) => delayOf(attempt, almostOne))).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
    expect([1, 2, 3, 4, 9].map((attempt) => delayOf(attempt, 0.5))).toEqual([500, 1_000, 2_000, 2_500, 2_500]);
    expect([1, 2, 3, 4, 9].map((attempt) => delayOf(attempt, 0))).toEqual([0, 0, 0, 0, 0]);
  });

  test("it is never tried sooner than the backend asked for, which counts up to 60 s", () => {
    fc.assert(
      fc.property(anyAttempt, anyRetry, anyRandom, anyRetryAfter, (attempt, retry, random, retryAfterMs) => {
        fc.pre(attempt < retry.maxAttempts);
        const verdict = afterFailure(retryable(retryAfterMs), attempt, retry, random);
        if (verdict.next !== "queued") return expect.fail("gave up with attempts left");
        const asked = Math.min(retryAfterMs ?? 0, 60_000);
        expect(verdict.delayMs).toBeGreaterThanOrEqual(asked);
        expect(verdict.delayMs).toBeLessThanOrEqual(Math.max(asked, ceilingOf(attempt, retry)));
      }),
    );
    expect(RETRY_AFTER_MAX_MS).toBe(60_000);
  });

  test("the last attempt is the end, whatever the backend asks for", () => {
    fc.assert(
      fc.property(anyAttempt, anyRetry, anyRandom, anyRetryAfter, (attempt, retry, random, retryAfterMs) => {
        fc.pre(attempt >= retry.maxAttempts);
        expect(afterFailure(retryable(retryAfterMs), attempt, retry, random)).toEqual({ next: "failed", error });
      }),
    );
  });

  test("a rejection is the end at once, however many attempts are left", () => {
    fc.assert(
      fc.property(anyAttempt, anyRetry, anyRandom, (attempt, retry, random) => {
        expect(afterFailure({ kind: "rejected", error }, attempt, retry, random)).toEqual({ next: "failed", error });
      }),
    );
  });

  test("what took down healthy backends is the model's failure, and says so", () => {
    expect(QUARANTINED).toMatchObject({ class: "model", code: "quarantined", status: 500 });
  });

  test("failures that are no backend's have a class, a code and a status too", () => {
    expect(RUNNER_LOST).toMatchObject({ class: "infrastructure", code: "runner_lost", status: 500 });
    expect(WAITED_TOO_LONG).toMatchObject({ class: "timeout", code: "max_time_in_queue_seconds", status: 504 });
    expect(FAILURE_CLASSES).toEqual(["input", "model", "capacity", "infrastructure", "timeout"]);
  });
});

describe("the wait of a queued inference", () => {
  const now = 1_790_000_000_000;
  const lane = { ahead: 0, capacity: 4, freeSlots: 0, meanRunMs: 1_000 };

  test.each([
    ["is for a slot where nobody is before it", lane, null, { on: "concurrency", ahead: 0, estimatedMs: 250 }],
    ["is for its turn where others are", { ...lane, ahead: 7 }, null, { on: "position", ahead: 7, estimatedMs: 2_000 }],
    ["is nothing where a slot is free for it", { ...lane, ahead: 1, freeSlots: 2 }, null, { on: "position", ahead: 1, estimatedMs: 0 }],
    ["can't be told before anything was measured", { ...lane, meanRunMs: null }, null, { on: "concurrency", ahead: 0, estimatedMs: null }],
    ["is for a backend where none takes work", { ...lane, capacity: 0 }, null, { on: "backend_down", ahead: 0, estimatedMs: null }],
    ["is for the end of its back-off, and then a slot", lane, now + 3_000, { on: "retry_backoff", ahead: null, estimatedMs: 3_250 }],
    ["is for a slot once its back-off is over", lane, now - 3_000, { on: "retry_backoff", ahead: null, estimatedMs: 250 }],
  ] as const)("%s", (_, state, notBefore, wait) => {
    expect(waitOf(state, notBefore, now, 1)).toEqual(wait);
    if (wait.on === "retry_backoff") expect(waitOf(state, notBefore, now, 0)).toEqual({ ...wait, on: "scheduled" });
  });

  test("is never told to be shorter for who stands further back", () => {
    const anyLane = fc.record({
      ahead: fc.nat(1_000),
      capacity: fc.nat(100),
      freeSlots: fc.nat(100),
      meanRunMs: fc.option(fc.integer({ min: 1, max: 600_000 })),
    });
    fc.assert(
      fc.property(anyLane, fc.nat(100), (state, further) => {
        const [here, back] = [waitOf(state, null, now, 0), waitOf({ ...state, ahead: state.ahead + further }, null, now, 0)];
        expect(here.estimatedMs ?? 0).toBeGreaterThanOrEqual(0);
        expect(Number.isInteger(here.estimatedMs ?? 0)).toBe(true);
        if (here.estimatedMs !== null && back.estimatedMs !== null) expect(back.estimatedMs).toBeGreaterThanOrEqual(here.estimatedMs);
        if (state.capacity === 0) expect(here).toMatchObject({ on: "backend_down", estimatedMs: null });
      }),
    );
  });
});

describe("an inference's id", () => {
  /** RFC 9562, 5.7: version 7, variant 10. */
  const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  const random = (count: number) => getRandomValues(new Uint8Array(count));
  /** Any that 48 bits hold. */
  const anyTime = fc.oneof(fc.integer({ min: 0, max: 2 ** 48 - 1 }), fc.integer({ min: 1_700_000_000_000, max: 2_000_000_000_000 }));
  const anyBytes = fc.uint8Array({ minLength: 10, maxLength: 10 });

  test("is a UUID of version 7 whatever the time and the random bytes", () => {
    fc.assert(
      fc.property(anyTime, anyBytes, (now, bytes) => {
        const id = newInferenceId(now, () => bytes);
        expect(id).toMatch(UUID_V7);
        expect(isUuid(id)).toBe(true);
      }),
    );
  });

  test("begins with the time of its making", () => {
    fc.assert(
      fc.property(anyTime, anyBytes, (now, bytes) => {
        const id = newInferenceId(now, () => bytes);
        expect(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)).toBe(now);
      }),
    );
    // The time of RFC 9562, A.6.
    expect(newInferenceId(Date.parse("2022-02-22T14:22:22-05:00"), random)).toMatch(/^017f22e2-79b0-7/);
  });

  test("sorts after every id of an earlier millisecond", () => {
    fc.assert(
      fc.property(anyTime, anyTime, anyBytes, anyBytes, (one, other, bytes, others) => {
        fc.pre(one < other);
        expect(newInferenceId(one, () => bytes) < newInferenceId(other, () => others)).toBe(true);
      }),
    );
  });

  test("is none less than the earliest of its time, which is above all before", () => {
    fc.assert(
      fc.property(anyTime, anyTime, anyBytes, (made, asked, bytes) => {
        expect(newInferenceId(made, () => bytes) >= earliestId(asked)).toBe(made >= asked);
      }),
    );
    const nil = "00000000-0000-0000-0000-000000000000";
    expect([earliestId(-1) <= nil, earliestId(-1e20) <= nil, earliestId(2 ** 60) > newInferenceId(4e12, random)]).toEqual([
      true,
      true,
      true,
    ]);
  });

  test("is never made twice, even within one millisecond", () => {
    const now = 1_790_000_000_123;
    const ids = new Set(Array.from({ length: 50_000 }, () => newInferenceId(now, random)));
    expect(ids.size).toBe(50_000);
  });

  test("keeps all 74 random bits", () => {
    const zeros = newInferenceId(0, (count) => new Uint8Array(count));
    const ones = newInferenceId(0, (count) => new Uint8Array(count).fill(255));
    expect(zeros).toBe("00000000-0000-7000-8000-000000000000");
    expect(ones).toBe("00000000-0000-7fff-bfff-ffffffffffff");
  });

  test("is recognised in capitals too, and nothing else is", () => {
    const id = newInferenceId(Date.now(), random);
    expect(isUuid(id.toUpperCase())).toBe(true);
    for (const text of [
      "",
      "1",
      id.slice(1),
      `${id}0`,
      `{${id}}`,
      id.replaceAll("-", ""),
      `${id}\n`,
      id.replace(/.$/, "g"),
      "../../etc/passwd",
    ]) {
      expect({ text, is: isUuid(text) }).toEqual({ text, is: false });
    }
  });
});

/** The life of an inference as spans, and the ids of spans. */
import { describe, expect, test } from "vitest";
import { type Inference, type LogEntry, newlyQueued } from "../../src/inferences/inference.ts";
import { lifeOf } from "../../src/inferences/timeline.ts";
import { spanIdOf } from "../../src/inferences/trace.ts";

const ID = "01932f5c-7a00-7000-8000-0123456789ab";
const FAILURE = { class: "capacity", code: "backend_busy", message: "It is full.", status: 503 } as const;

const waiting = newlyQueued({
  id: ID,
  accountId: "account-a",
  model: "m",
  version: "",
  dialect: "claimcheck",
  priority: 0,
  retry: { maxAttempts: 3, initialDelayMs: 0, maxDelayMs: 0 },
  createdAt: 1_000,
  inputItems: 1,
  metadata: {},
  capability: "",
  webhook: null,
  startBy: 601_000,
});
const withLog = (log: readonly LogEntry[], more: object = {}): Inference => ({ ...waiting, log, ...more });

/** Each span in short: name, from, to, how it ended, and for what it waited. */
const short = (inference: Inference) =>
  lifeOf(inference).spans.map(({ name, startAt, endAt, outcome, waitingOn }) =>
    [name, startAt, endAt, ...(outcome ? [outcome] : []), ...(waitingOn ? [waitingOn] : [])].join(" "),
  );

describe("a life", () => {
  test("has each wait with its reason, each attempt with its steps, and its end", () => {
    const log: LogEntry[] = [
      { at: 1_000, event: "queued" },
      { at: 2_000, event: "ready" },
      { at: 2_100, event: "claimed", attempt: 1, backend: "gpu-1" },
      { at: 2_500, event: "attempt_failed", attempt: 1, error: FAILURE, retry_at: 3_500, timing: { sent_ms: 10, first_byte_ms: 390 } },
      { at: 3_600, event: "ready" },
      { at: 3_700, event: "claimed", attempt: 2, backend: "gpu-2" },
      { at: 3_750, event: "log", attempt: 2, message: "Step 1 of 2." },
      { at: 4_700, event: "succeeded", attempt: 2, timing: { sent_ms: 20, first_byte_ms: 800, answered_ms: 900 } },
    ];
    const life = lifeOf(withLog(log, { status: "succeeded", finishedAt: 4_700 }));
    expect(short(withLog(log, { status: "succeeded", finishedAt: 4_700 }))).toEqual([
      "inference 1000 4700 succeeded",
      "queued 1000 2000 scheduled",
      "queued 2000 2100",
      "attempt 2100 2500 failed",
      "prepare 2100 2110",
      "backend 2110 2500 failed",
      "queued 2500 3600 retry_backoff",
      "queued 3600 3700",
      "attempt 3700 4700 succeeded",
      "prepare 3700 3720",
      "backend 3720 4600 succeeded",
      "store 4600 4700",
    ]);
    expect(life.spans[3]).toMatchObject({ attempt: 1, backendId: "gpu-1", error: FAILURE });
    expect(life.spans[5]).toMatchObject({ firstByteAt: 2_490 });
    expect(life.moments).toEqual([{ name: "log", at: 3_750, message: "Step 1 of 2." }]);
    const [whole, ...others] = life.spans;
    expect(new Set(life.spans.map(({ id }) => id)).size).toBe(life.spans.length);
    expect(others.every(({ parentId }) => life.spans.some(({ id }) => id === parentId))).toBe(true);
    expect(whole?.parentId).toBeNull();
  });

  test("that goes on has no end, nor has what goes on in it", () => {
    expect(short(withLog([{ at: 1_000, event: "queued" }], { wait: { on: "backend_down", ahead: 0, estimatedMs: null } }))).toEqual([
      "inference 1000 ",
      "queued 1000  backend_down",
    ]);
    const running: LogEntry[] = [
      { at: 1_000, event: "queued" },
      { at: 1_100, event: "claimed", attempt: 1, backend: "gpu-1" },
    ];
    expect(short(withLog(running, { status: "in_progress" }))).toEqual(["inference 1000 ", "queued 1000 1100", "attempt 1100 "]);
  });

  test("says that spans are missing where its log was shortened, and makes none up", () => {
    const log: LogEntry[] = [
      { at: 1_000, event: "queued" },
      { at: 9_000, event: "shortened" },
      { at: 9_100, event: "failed", attempt: 7, error: FAILURE },
      { at: 9_500, event: "redriven" },
      { at: 9_600, event: "claimed", attempt: 8, backend: "gpu-1" },
      { at: 9_700, event: "canceled" },
    ];
    const life = lifeOf(withLog(log, { status: "canceled", finishedAt: 9_700 }));
    expect(life.isCut).toBe(true);
    expect(life.moments).toEqual([{ name: "redriven", at: 9_500 }]);
    expect(short(withLog(log, { status: "canceled", finishedAt: 9_700 }))).toEqual([
      "inference 1000 9700 canceled",
      "queued 9500 9600",
      "attempt 9600 9700 canceled",
    ]);
  });
});

test("Span ids are 16 hex digits, the same each time, and others for other names", () => {
  const names = Array.from({ length: 20_000 }, (_, number) => `attempt/${number}`);
  const ids = new Set(names.map((name) => spanIdOf(ID, name)));
  expect(ids.size).toBe(names.length);
  expect([...ids].every((id) => /^[0-9a-f]{16}$/.test(id) && !/^0+$/.test(id))).toBe(true);
  expect(spanIdOf(ID, "inference")).toBe(spanIdOf(ID, "inference"));
});

/** The life of an inference as spans, and the ids of spans. */
import { describe, expect, test } from "vitest";
import { type Inference, type LogEntry, newlyQueued } from "../../src/inferences/inference.ts";
import { lifeOf } from "../../src/inferences/timeline.ts";
import { spanIdOf, spanOf, spanOfCall, storedTrace, submitOf, traceHeaders, traceIn } from "../../src/inferences/trace.ts";

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

describe("the trace that a client names", () => {
  const T = "4bf92f3577b34da6a3ce929d0e0e4736";
  const S = "00f067aa0ba902b7";
  const traced = (traceparent: string, tracestate?: string) =>
    traceIn(new Headers({ traceparent, ...(tracestate === undefined ? {} : { tracestate }) }));

  test("goes on to what is called for the inference, with a span of ours in the place of the client's", () => {
    const client = traced(`00-${T}-${S}-01`, "vendor=a:b, other@tenant=1");
    const stored = storedTrace(spanOfCall(client ?? expect.fail("not read"), "0a1b2c3d-4e5f-4607-8899-aabbccddeeff"));
    expect(stored).toBe(`00-${T}-0a1b2c3d4e5f4607-01 vendor=a:b,other@tenant=1`);
    expect(submitOf({ id: ID, trace: stored })).toEqual({
      traceId: T,
      spanId: "0a1b2c3d4e5f4607",
      sampled: true,
      state: "vendor=a:b,other@tenant=1",
    });
    const { traceparent, tracestate } = traceHeaders(spanOf({ id: ID, trace: stored }, "backend/1"));
    expect(traceparent).toBe(`00-${T}-${spanIdOf(ID, "backend/1")}-01`);
    expect(tracestate).toBe("vendor=a:b,other@tenant=1");
  });

  test("is not recorded where the client does not, and is the inference's own where there is none", () => {
    const stored = storedTrace(traced(`00-${T}-${S}-00`) ?? expect.fail("not read"));
    expect(traceHeaders(spanOf({ id: ID, trace: stored }, "x"))).toEqual({ traceparent: `00-${T}-${spanIdOf(ID, "x")}-00` });
    expect(spanOf({ id: ID, trace: null }, "x")).toMatchObject({ traceId: ID.replaceAll("-", ""), sampled: true, state: "" });
  });

  test.each([
    ["of a later version", `01-${T}-${S}-01-what-it-has-more`, true],
    ["with flags that we do not know", `00-${T}-${S}-ff`, true],
    ["with more than its version has", `00-${T}-${S}-01-more`, false],
    ["of a version that there can't be", `ff-${T}-${S}-01`, false],
    ["in capitals", `00-${T.toUpperCase()}-${S}-01`, false],
    ["of zeros", `00-${"0".repeat(32)}-${S}-01`, false],
    ["of a parent of zeros", `00-${T}-${"0".repeat(16)}-01`, false],
    ["that is short", `00-${T.slice(1)}-${S}-01`, false],
    ["that came twice", `00-${T}-${S}-01, 00-${T}-${S}-01`, false],
    ["that is empty", "", false],
  ])("%s is read or left out as the standard has it", (_, traceparent, isRead) => {
    expect(traced(traceparent)?.traceId ?? null).toBe(isRead ? T : null);
  });

  test.each([
    ["empty members", "a=1,,b=2, ", "a=1,b=2"],
    ["a key twice", "a=1,a=2", ""],
    ["a key in capitals", "A=1", ""],
    ["a value with an equals sign", "a=1=2", ""],
    ["no value", "a", ""],
    ["33 members", Array.from({ length: 33 }, (_, n) => `k${n}=1`).join(","), ""],
    [
      "a large member that does not fit",
      `a=1,b=${"x".repeat(200)},c=${"y".repeat(120)},d=${"z".repeat(250)}`,
      `a=1,b=${"x".repeat(200)},c=${"y".repeat(120)}`,
    ],
    [
      "many small ones that do not fit",
      Array.from({ length: 6 }, (_, n) => `k${n}=${"x".repeat(100)}`).join(","),
      Array.from({ length: 4 }, (_, n) => `k${n}=${"x".repeat(100)}`).join(","),
    ],
  ])("passes on a tracestate with %s within its bounds, or none", (_, tracestate, passed) => {
    expect(traced(`00-${T}-${S}-01`, tracestate)?.state).toBe(passed);
  });
});

test("Span ids are 16 hex digits, the same each time, and others for other names", () => {
  const names = Array.from({ length: 20_000 }, (_, number) => `attempt/${number}`);
  const ids = new Set(names.map((name) => spanIdOf(ID, name)));
  expect(ids.size).toBe(names.length);
  expect([...ids].every((id) => /^[0-9a-f]{16}$/.test(id) && !/^0+$/.test(id))).toBe(true);
  expect(spanIdOf(ID, "inference")).toBe(spanIdOf(ID, "inference"));
});

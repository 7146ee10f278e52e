/** How a server's bytes are cut into events, and what each event means. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventReader, type ServerEvent, framed } from "../../src/backends/streams/event-reader.ts";
import { failureIn, meaningsOf } from "../../src/backends/streams/stream-events.ts";
import { STREAMS } from "../support/streams.ts";

/** The events in bytes that come in pieces of these sizes. */
function eventsIn(bytes: Uint8Array, sizes: readonly number[] = [bytes.length]): ServerEvent[] {
  const reader = new EventReader();
  const events: ServerEvent[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? 1);
    events.push(...reader.of(bytes.subarray(at, at + size)));
    at += size;
  }
  return [...events, ...reader.rest()];
}

const bytesOf = (text: string) => new TextEncoder().encode(text);
const meanings = (text: string) => eventsIn(bytesOf(text)).flatMap(meaningsOf);

describe("a stream", () => {
  test("has the same events however its bytes are cut", () => {
    const streams = STREAMS.map(({ sends }) => bytesOf(sends.join("")));
    fc.assert(
      fc.property(
        fc.constantFrom(...streams),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
        (bytes, sizes) => {
          expect(eventsIn(bytes, sizes)).toEqual(eventsIn(bytes));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("has the same events whichever way its lines end", () => {
    const text = "event: a\ndata: 1\n\n: nothing\n\nid: 7\ndata: é\ndata:  2\n\n\n\ndata";
    const events: ServerEvent[] = [
      { name: "a", data: "1", unframed: "" },
      { name: "", data: null, unframed: "" },
      { name: "", data: "é\n 2", unframed: "" },
      { name: "", data: "", unframed: "" },
    ];
    for (const end of ["\n", "\r\n", "\r"]) expect(eventsIn(bytesOf(text.replaceAll("\n", end)))).toEqual(events);
    expect(eventsIn(bytesOf(`\ufeff${text}`), [1])).toEqual(events);
  });

  test("of ours is read as it was framed", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }).filter((data) => !/[\r\u0085\u2028\u2029]/.test(data)),
        (data) => {
          const [event, ...others] = eventsIn(bytesOf(framed(data)));
          expect([event, others]).toEqual([{ name: "", data, unframed: "" }, []]);
        },
      ),
    );
  });

  test("of ours has no end of a line that only some clients see, and means the same", () => {
    const text = fc.string({ unit: fc.constantFrom("a", '"', "\\", "\n", "\u0085", "\u2028", "\u2029", "\u2030") });
    fc.assert(
      fc.property(text, fc.constantFrom(undefined, 1), (said, space) => {
        const event = framed(JSON.stringify({ [said]: said }, null, space));
        expect(event).not.toMatch(/[\u0085\u2028\u2029]/);
        expect(eventsIn(bytesOf(event)).map(({ data }) => JSON.parse(data ?? "null") as unknown)).toEqual([{ [said]: said }]);
      }),
    );
  });
});

describe("an event", () => {
  test.each([
    ": comment\n\n",
    "id: 7\n\n",
    "retry: 5\n\n",
    "data\n\n",
    "data:\n\n",
    "data:  \n\n",
    "data: null\n\n",
    "data: {}\n\n",
    'data: {"type":"ping"}\n\n',
    "event: ping\ndata: whatever\n\n",
    "event: message\n\n",
    "<html>\n\n",
    "[1,2]\n\n",
  ])("of %j means nothing", (text) => {
    expect(meanings(text).filter(({ kind }) => kind !== "nothing")).toEqual([]);
  });

  test.each(["data: [DONE]\n\n", "data:[DONE]", "data: [DONE] \r\n", 'data: "[DONE]"\n\n', "event: done\ndata: [DONE]\n\n"])(
    "of %j is the end",
    (text) => expect(meanings(text)).toEqual([{ kind: "done" }]),
  );

  test.each(["data: <html>\n\n", "data: [1]\n\n", 'data: "text"\n\n', "data: 7\n\n", 'data: {"a":\n\n'])("of %j can't be read", (text) => {
    expect(meanings(text)).toEqual([{ kind: "garbage" }]);
  });

  test("may be an object that is written twice over", () => {
    const chunk = JSON.stringify({ choices: [] });
    expect(meanings(`data: ${JSON.stringify(chunk)}\n\n`)).toEqual([{ kind: "part", part: { choices: [] }, data: chunk }]);
    expect(meanings(`data: ${JSON.stringify('{"error":"lost"}')}\n\n`)).toMatchObject([{ kind: "failure", failure: { reason: "lost" } }]);
  });

  test("may hold numbers that JSON lacks, which go on as texts", () => {
    const [meaning] = meanings('data: {"choices":[{"logprobs":[NaN,-Infinity]}]}\n\n');
    expect(meaning).toMatchObject({ kind: "part", data: '{"choices":[{"logprobs":["NaN","-Infinity"]}]}' });
  });

  test.each(["error", "Error", "exception", "failure", "response.failed", "response.error", "stream_error", "thread.run.failed"])(
    "named %s is a failure, whatever it holds",
    (name) => {
      for (const [data, reason] of [
        ["lost", "lost"],
        ['{"choices":[],"message":"lost"}', "lost"],
        ['"lost"', "lost"],
        ["", null],
      ]) {
        expect(meanings(`event: ${name}\ndata: ${data}\n\n`)).toMatchObject([{ kind: "failure", failure: { status: null, reason } }]);
      }
    },
  );

  test.each(["response.mcp_call.failed", "thread.run.step.failed", "failed_over"])("named %s is no failure of the whole", (name) => {
    expect(meanings(`event: ${name}\ndata: {"type":"${name}"}\n\n`)).toMatchObject([{ kind: "part" }]);
  });

  test("may say a part and a failure", () => {
    const [part, failure] = meanings('data: {"choices":[]}\n{"error":"lost"}\n\n');
    expect([part, failure]).toMatchObject([{ kind: "part" }, { kind: "failure", failure: { reason: "lost" } }]);
  });
});

describe("a failure", () => {
  test.each<[unknown, number | null, string | null]>([
    [{ error: { message: "m", code: 503 } }, 503, "m"],
    [{ error: { message: "m", code: "429" } }, 429, "m"],
    [{ error: { message: "m", type: "server_error", code: null } }, null, "m"],
    [{ error: { message: "m", type: "RateLimitError" } }, 429, "m"],
    [{ error: { code: 429, status: "RESOURCE_EXHAUSTED", message: "m" } }, 429, "m"],
    [{ error: { type: "error", error: { type: "overloaded_error", message: "m" } } }, 503, "m"],
    [{ type: "error", error: { type: "invalid_request_error", message: "m" } }, 400, "m"],
    [{ error: "m", error_type: "validation" }, 422, "m"],
    [{ type: "response.failed", response: { status: "failed", error: { code: "rate_limit_exceeded", message: "m" } } }, 429, "m"],
    [{ type: "response.failed", response: { status: "failed", error: null } }, null, null],
    [{ type: "stream_error", data: { status: 503, message: "m" } }, 503, "m"],
    [{ object: "thread.run", status: "failed", last_error: { code: "server_error", message: "m" } }, null, "m"],
    [{ error: "m", status_code: 507 }, 507, "m"],
    [{ error: true, message: "m" }, null, "m"],
    [{ object: "error", message: "m", code: 40_303 }, null, "m"],
    [{ detail: "m" }, null, "m"],
    [{ detail: [{ loc: ["body", "prompt"], msg: "m", type: "missing" }] }, null, "body.prompt: m"],
    [{ errors: [{ message: "m" }] }, null, "m"],
    [{ code: 500, message: "m" }, 500, "m"],
    [{ status: "error", msg: "m" }, null, "m"],
    [{ choices: [{ delta: {}, finish_reason: "error" }] }, null, 'it ended with finish_reason "error"'],
    [
      { choices: [{ delta: {}, finish_reason: "insufficient_system_resource" }] },
      503,
      'it ended with finish_reason "insufficient_system_resource"',
    ],
    [{ choices: [{ finish_reason: "error" }], error: { code: 502, message: "m" } }, 502, "m"],
  ])("is %j, of status %j and reason %j", (value, status, reason) => {
    expect(failureIn(value)).toMatchObject({ status, reason });
  });

  test.each<unknown>([
    { choices: [{ delta: { content: "a" }, finish_reason: "stop" }] },
    { choices: [{ delta: {}, finish_reason: "content_filter" }], message: "m", detail: "d" },
    { choices: [], error: {} },
    { choices: [], error: { code: null, message: "" } },
    { text_output: "a", error: "" },
    { text_output: "a", detail: "d" },
    { outputs: [], message: "m" },
    { choices: [], error: false },
    { choices: [], status: "failed" },
    { type: "response.created", response: { status: "in_progress", error: null } },
    { status: "processing" },
    { usage: { total_tokens: 1 } },
    { detail: null, errors: [], message: "" },
    null,
    "error",
    [],
  ])("is not %j", (value) => {
    expect(failureIn(value)).toBeNull();
  });
});

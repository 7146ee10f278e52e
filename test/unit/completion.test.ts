/** How the chunks of a completion are put together to what it would have been at once. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Completion } from "../../src/backends/streams/completion.ts";

/** The one message of these deltas. */
function messageOf(...deltas: unknown[]): unknown {
  const completion = new Completion();
  for (const delta of deltas) completion.add({ choices: [{ index: 0, delta }] });
  const [choice] = completion.value()["choices"] as { message: unknown }[]; // as it is made
  return choice?.message;
}

const message = (members: object) => ({ role: "assistant", content: null, ...members });
const calls = (...entries: unknown[]) => ({ tool_calls: entries });
const call = (id: string, name: string, text: string) => ({ id, type: "function", function: { name, arguments: text } });

describe("tool calls", () => {
  test.each<[string, unknown[], unknown[]]>([
    [
      "keep id and name where later chunks say them empty",
      [
        calls({ index: 0, ...call("a", "f", "") }),
        calls({ index: 0, id: "", type: "", function: { name: "", arguments: '{"x":' } }),
        calls({ index: 0, id: null, function: { name: null, arguments: "1}" } }),
      ],
      [call("a", "f", '{"x":1}')],
    ],
    [
      "are two where two ids have one index",
      [
        calls({ index: 0, ...call("a", "f", '{"x":1}') }),
        calls({ index: 0, ...call("b", "f", '{"y":') }),
        calls({ index: 0, function: { arguments: "2}" } }),
      ],
      [call("a", "f", '{"x":1}'), call("b", "f", '{"y":2}')],
    ],
    [
      "go on by id where two of one index are interleaved",
      [
        calls({ index: 0, ...call("a", "f", '{"x"') }, { index: 0, ...call("b", "g", '{"y"') }),
        calls({ index: 0, id: "a", function: { arguments: ":1}" } }),
        calls({ index: 0, id: "b", function: { arguments: ":2}" } }),
      ],
      [call("a", "f", '{"x":1}'), call("b", "g", '{"y":2}')],
    ],
    [
      "go on with the last one where neither id nor index is said",
      [
        calls({ index: 0, ...call("a", "f", '{"x":1}') }),
        calls({ index: 1, ...call("b", "g", '{"y"') }),
        calls({ function: { arguments: ":2" } }),
        calls({ id: "", index: null, function: { arguments: "}" } }),
      ],
      [call("a", "f", '{"x":1}'), call("b", "g", '{"y":2}')],
    ],
    [
      "that come whole without an index are as many as have an id",
      [calls(call("a", "f", "{}"), call("b", "f", "{}")), calls(call("c", "g", "{}"))],
      [call("a", "f", "{}"), call("b", "f", "{}"), call("c", "g", "{}")],
    ],
    [
      "that come whole without id and index are as many as have a name",
      [
        calls({ function: { name: "f", arguments: "{}" } }, { function: { name: "f", arguments: "{}" } }),
        calls({ function: { name: "g", arguments: "{}" } }),
      ],
      [
        { function: { name: "f", arguments: "{}" } },
        { function: { name: "f", arguments: "{}" } },
        { function: { name: "g", arguments: "{}" } },
      ],
    ],
    [
      "go on with the last one where a piece has an index of none, and no name",
      [
        calls({ index: 0, ...call("a", "f", "") }),
        calls({ index: 1, function: { arguments: '{"x":' } }),
        calls({ index: 2, id: "a", function: { arguments: "1}" } }),
      ],
      [call("a", "f", '{"x":1}')],
    ],
    [
      "are as many as have an index where all have one id",
      [calls({ index: 0, ...call("a", "f", "{}") }, { index: 1, ...call("a", "f", "{}") }), calls({ index: "2", ...call("a", "g", "{}") })],
      [call("a", "f", "{}"), call("a", "f", "{}"), call("a", "g", "{}")],
    ],
    [
      "that are no list are the one call of their piece",
      [{ tool_calls: { index: 0, ...call("", "f", "{") } }, { tool_calls: { index: 0, function: { arguments: "}" } } }],
      [call("", "f", "{}")],
    ],
    [
      "of other kinds are told apart by their names too",
      [
        calls({ index: 0, type: "custom", custom: { name: "f", input: "a" } }),
        calls({ index: 0, custom: { input: "b" } }),
        calls({ index: 0, custom: { name: "g", input: "c" } }),
      ],
      [{ type: "custom", custom: { name: "f", input: "ab" } }, { custom: { name: "g", input: "c" } }],
    ],
    [
      "of one index are two where the name is another",
      [calls({ index: 0, function: { name: "f", arguments: "{}" } }), calls({ index: 0, function: { name: "g", arguments: "{}" } })],
      [{ function: { name: "f", arguments: "{}" } }, { function: { name: "g", arguments: "{}" } }],
    ],
    [
      "stay one where the name is said again in every chunk",
      [
        calls({ index: 0, ...call("a", "f", '{"x"') }),
        calls({ index: 0, ...call("a", "f", ":1}") }),
        calls({ index: 0, function: { name: "f", arguments: "" } }),
      ],
      [call("a", "f", '{"x":1}')],
    ],
    [
      "have a name that is cut over pieces of one index",
      [
        calls({ index: 0, id: "a", type: "function", function: { name: "get_" } }),
        calls({ index: 0, function: { name: "wea", arguments: "" } }),
        calls({ index: 0, function: { name: "ther", arguments: '{"x":' } }),
        calls({ index: 0, function: { name: "get_weather", arguments: "1}" } }),
      ],
      [call("a", "get_weather", '{"x":1}')],
    ],
    [
      "have a name that is cut over pieces that all have the id",
      [calls({ index: 0, ...call("a", "get_", "") }), calls({ index: 0, ...call("a", "weather", "") }), calls({ ...call("a", "", "{}") })],
      [call("a", "get_weather", "{}")],
    ],
    [
      "have a name that is said longer each time",
      [
        calls({ index: 0, ...call("a", "get", "") }),
        calls({ index: 0, ...call("", "get_weather", "{") }),
        calls({ index: 0, ...call("", "", "}") }),
      ],
      [call("a", "get_weather", "{}")],
    ],
    [
      "are two where another comes whole at the index of one that has no arguments yet, or has an id of its own",
      [
        calls({ index: 0, function: { name: "f" } }),
        calls({ index: 0, function: { name: "g", arguments: "{}" } }),
        calls({ index: 1, function: { name: "f" } }),
        calls({ index: 1, ...call("b", "g", "") }),
      ],
      [{ function: { name: "f" } }, { function: { name: "g", arguments: "{}" } }, { function: { name: "f" } }, call("b", "g", "")],
    ],
    [
      "keep their order by index",
      [calls({ index: 1, ...call("b", "g", "{}") }), calls({ index: 0, ...call("a", "f", "{}") })],
      [call("a", "f", "{}"), call("b", "g", "{}")],
    ],
  ])("%s", (_name, deltas, whole) => {
    expect(messageOf(...deltas)).toStrictEqual(message({ tool_calls: whole }));
  });
});

test("the name of a function that is called is put together, in the form before tools as well", () => {
  const pieces = [{ name: "get_" }, { name: "weather" }, { name: "", arguments: "{" }, { arguments: "}" }];
  const whole = { name: "get_weather", arguments: "{}" };
  expect(messageOf(...pieces.map((piece) => ({ function_call: piece })))).toEqual(message({ function_call: whole }));
});

/** A text cut into pieces. */
const pieces = (text: string) =>
  fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 5 }).map((cuts) => {
    const ends = [...cuts.toSorted((a, b) => a - b), text.length];
    return ends.map((end, index) => text.slice(index === 0 ? 0 : ends[index - 1], end));
  });

/** A call, and the pieces in which some server sends it: the first says what it is, later ones say that again, empty or not at all. */
const sent = fc
  .record({ name: fc.constantFrom("f", "g"), args: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 }) })
  .chain(({ name, args }) => {
    const whole = call("", name, JSON.stringify(args));
    const again = fc.constantFrom<"same" | "empty" | "none">("same", "empty", "none");
    return fc.record({ whole: fc.constant(whole), cut: pieces(whole.function.arguments), id: again, named: again });
  });

test("calls of tools that come in pieces, one through the other, are what was sent", () => {
  fc.assert(
    fc.property(fc.array(sent, { minLength: 1, maxLength: 4 }), fc.array(fc.nat(), { minLength: 40, maxLength: 40 }), (all, turns) => {
      const wholes = all.map(({ whole }, index) => ({ ...whole, id: `call-${index}` }));
      const said = { same: (text: string) => text, empty: () => "", none: () => undefined };
      const queues = all.map(({ whole, cut, id, named }, index) =>
        cut.map((part, turn) => ({
          index,
          id: turn === 0 ? `call-${index}` : said[id](`call-${index}`),
          type: "function",
          function: { name: turn === 0 ? whole.function.name : said[named](whole.function.name), arguments: part },
        })),
      );
      const deltas: unknown[] = [];
      for (let turn = 0; queues.some((queue) => queue.length > 0); turn++) {
        const left = queues.filter((queue) => queue.length > 0);
        const piece = left[(turns[turn % turns.length] ?? 0) % left.length]?.shift();
        deltas.push(calls(JSON.parse(JSON.stringify(piece)) as object));
      }
      expect(messageOf(...deltas)).toEqual(message({ tool_calls: wholes }));
    }),
    { numRuns: 300 },
  );
});

test("text that comes in pieces is what was sent, however often a piece is alike", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", "ha", " ", "\n", "é"), { minLength: 1 }), (parts) => {
      const deltas = parts.map((content) => ({ role: "assistant", content, reasoning_content: content }));
      const whole = parts.join("");
      expect(messageOf(...deltas)).toEqual(message({ content: whole, reasoning_content: whole }));
    }),
  );
});

describe("members", () => {
  test("that are names are not said twice, and lists of reasoning are joined by their index", () => {
    const detail = (text: string, more: object = {}) => ({
      reasoning_details: [{ type: "reasoning.text", text, format: "anthropic-claude-v1", index: 0, ...more }],
    });
    const sealed = { type: "reasoning.encrypted", data: "c2VhbGVk", id: "r", format: "anthropic-claude-v1", index: 1 };
    expect(messageOf(detail("Let "), detail("me "), detail("see", { signature: "c2ln" }), { reasoning_details: [sealed] })).toStrictEqual(
      message({
        reasoning_details: [
          { index: 0, type: "reasoning.text", text: "Let me see", format: "anthropic-claude-v1", signature: "c2ln" },
          { ...sealed },
        ],
      }),
    );
  });

  test("of a choice that are lists are appended", () => {
    const completion = new Completion();
    const chunk = (content: string, more: object) => completion.add({ choices: [{ index: 0, delta: { content }, ...more }] });
    completion.add({ prompt_token_ids: [5, 6], choices: [] });
    chunk("a", { token_ids: [1, 2], logprobs: { content: [{ token: "a" }] } });
    chunk("b", { token_ids: [3], logprobs: { content: [{ token: "b" }] } });
    completion.add({ prompt_token_ids: null, choices: [{ index: 0, delta: {}, token_ids: null, finish_reason: "stop" }] });
    expect(completion.value()).toMatchObject({
      prompt_token_ids: [5, 6],
      choices: [{ token_ids: [1, 2, 3], logprobs: { content: [{ token: "a" }, { token: "b" }] }, finish_reason: "stop" }],
    });
  });

  test("that are parts and then text are all kept, and so are text and then parts", () => {
    const part = { type: "text", text: "a" };
    expect(messageOf({ content: [part] }, { content: "b" }, { content: "c" })).toStrictEqual(
      message({ content: [part, { type: "text", text: "bc" }] }),
    );
    expect(messageOf({ content: "b" }, { content: [part] })).toStrictEqual(message({ content: [{ type: "text", text: "b" }, part] }));
  });

  test("that nobody has heard of go on where they differ and stay where they are said again", () => {
    expect(messageOf({ mood: "calm", song: "la" }, { mood: "calm", song: "la" }, { mood: "calm", song: " lu" })).toStrictEqual(
      message({ mood: "calm", song: "lala lu" }),
    );
  });

  test("that are known to go on do so where every piece is alike", () => {
    expect(messageOf({ content: "ha", reasoning_content: "hm" }, { content: "ha", reasoning_content: "hm" })).toStrictEqual(
      message({ content: "haha", reasoning_content: "hmhm" }),
    );
  });

  test("that are empty or null replace nothing", () => {
    expect(messageOf({ role: "assistant", content: "a", refusal: "no" }, { role: "", content: null, refusal: "" })).toStrictEqual(
      message({ content: "a", refusal: "no" }),
    );
    const completion = new Completion();
    completion.add({ id: "c", model: "m", choices: [{ index: 0, delta: { content: "a" }, finish_reason: "stop" }] });
    completion.add({ id: "", model: "", choices: [{ index: 0, delta: {}, finish_reason: "" }] });
    expect(completion.value()).toMatchObject({ id: "c", model: "m", choices: [{ finish_reason: "stop" }] });
  });
});

describe("a completion is whole", () => {
  const whole = (isDone: boolean, ...reasons: unknown[]) => {
    const completion = new Completion();
    for (const [index, finish_reason] of reasons.entries())
      completion.add({ choices: [{ index, delta: { content: "a" }, finish_reason }] });
    return completion.isWhole(isDone);
  };

  test.each<[boolean, boolean, unknown[]]>([
    [true, true, ["stop"]],
    [true, false, ["length"]],
    [false, true, [null]],
    [false, true, [""]],
    [false, false, [""]],
    [false, true, ["null"]],
    [true, true, ["stop", null]],
    [false, false, ["stop", null]],
    [true, false, ["stop", "tool_calls"]],
    [false, true, []],
  ])("is %s where [DONE] is %s and its reasons to end are %j", (isWhole, isDone, reasons) => {
    expect(whole(isDone, ...reasons)).toBe(isWhole);
  });
});

test.each<[string, (index: number) => Record<string, unknown>]>([
  ["of a chunk", (index) => ({ [`x${index}`]: index })],
  ["of a delta", (index) => ({ choices: [{ index: 0, delta: { [`x${index}`]: index } }] })],
  ["of a choice", (index) => ({ choices: [{ index: 0, [`x${index}`]: null }] })],
  ["of an object in a delta", (index) => ({ choices: [{ index: 0, delta: { x: { [`x${index}`]: true } } }] })],
])("members %s that are others each time count for what it takes to hold them", (_where, chunk) => {
  const completion = new Completion();
  for (let index = 0; index < 1_000; index++) completion.add(chunk(index));
  expect(completion.characters).toBeGreaterThan(JSON.stringify(completion.value()).length);
});

test("a member of chunks counts for what it holds by now, not for what it was before", () => {
  const completion = new Completion();
  for (let index = 0; index < 1_000; index++) completion.add({ x: "x".repeat(1_000), y: { y: [index] }, z: index });
  expect(completion.characters).toBeGreaterThan(1_000);
  expect(completion.characters).toBeLessThan(2_000);
  completion.add({ y: { y: "y".repeat(5_000) } });
  expect(completion.characters).toBeGreaterThan(6_000);
});

test("a member of chunks is measured once, when it comes", () => {
  let measured = 0;
  const member = {
    get y() {
      measured++;
      return "y";
    },
  };
  const completion = new Completion();
  completion.add({ x: member });
  for (let index = 0; index < 10; index++) completion.add({ x: index });
  expect(measured).toBe(1);
});

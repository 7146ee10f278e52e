/** Where a text stops being JSON is told in words of our own, and of every text that is none. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { jsonFault } from "../../src/encoding/json-fault.ts";
import { parseJson } from "../../src/encoding/json.ts";

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test.each([
  ["", "it ends where a value must be"],
  ['{"a":1', 'it ends where a "," or "}" must be'],
  ["[", 'it ends where a value or "]" must be'],
  ['{"a"', 'it ends where a ":" must be'],
  ['["ab', "it ends within a string"],
  ['["ab\\', "it ends within a string"],
  ['{"a":1,}', 'at line 1, column 8 there must be a name in double quotes, and there is "}"'],
  ["[1,]", 'at line 1, column 4 there must be a value, and there is "]"'],
  ['{\n  "a": 1\n  "b": 2\n}', 'at line 3, column 3 there must be a "," or "}", and there is "\\""'],
  ["{'a': 1}", 'at line 1, column 2 there must be a name in double quotes or "}", and there is "\'"'],
  ['{"a" 1}', 'at line 1, column 6 there must be a ":", and there is "1"'],
  ["[1 2]", 'at line 1, column 4 there must be a "," or "]", and there is "2"'],
  ["[1]x", 'at line 1, column 4 there must be nothing more, and there is "x"'],
  ['{"a":NaN}', 'at line 1, column 6 there must be a value, and there is "NaN"'],
  ['{"a":True}', 'at line 1, column 6 there must be a value, and there is "True"'],
  ["[01]", 'at line 1, column 3 there must be a "," or "]", and there is "1"'],
  ["two chairs", 'at line 1, column 1 there must be a value, and there is "two"'],
  ['["\u{1f600}", \u{1f600}]', 'at line 1, column 7 there must be a value, and there is "\u{1f600}"'],
  ['["a\nb"]', "at line 1, column 4 a string has a control character (U+000A) that must be escaped"],
  ['["\\x"]', "at line 1, column 3 a string has an escape that JSON does not know"],
  ["[}", 'at line 1, column 2 there must be a value or "]", and there is "}"'],
])("%j: %s", (text, fault) => {
  expect(jsonFault(text)).toBe(fault);
  expect(() => parseJson(text)).toThrow(new SyntaxError(fault));
});

test("a text has a fault if and only if it is not JSON", () => {
  const piece = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    '"',
    '"a"',
    "\\",
    "\\u00e9",
    "\\u00",
    "1",
    "-",
    "0",
    ".5",
    "e+1",
    "true",
    "nul",
    " ",
    "\n",
    "\t",
    "x",
  );
  const broken = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
  const cut = fc
    .tuple(fc.json(), fc.nat(), piece)
    .map(([text, at, put]) => text.slice(0, at % (text.length + 1)) + put + text.slice((at % (text.length + 1)) + 1));
  fc.assert(
    fc.property(fc.oneof(fc.json(), broken, cut), (text) => {
      expect(jsonFault(text) === null).toBe(parses(text));
    }),
    { numRuns: 3_000 },
  );
});

test.each([
  ["a deep text", "[".repeat(200_000)],
  ["a long string", `["${"x".repeat(2_000_000)}`],
  ["a text of escapes", `["${"\\n".repeat(500_000)}`],
  ["a text of spaces", " ".repeat(2_000_000)],
])("%s is read to its end", (_what, text) => {
  expect(jsonFault(text)).toMatch(/^it ends/);
});

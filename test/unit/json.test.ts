/** Exact JSON: what JSON.parse and JSON.stringify agree on is the measure, but for integers beyond doubles. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseJson, parseTolerantly, writeJson, repeatedMember } from "../../src/encoding/json.ts";

/** Values with integers of any size, the unsafe ones as bigints. */
const anyInteger = fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }).map((value) => {
  const rounded = Number(value);
  return Number.isSafeInteger(rounded) ? rounded : value;
});
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("__proto__", "12345678901234567", '"[1e400]\\', "\u2028", "\ud800"),
);
const anyNumber = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Number.isInteger(value) ? 0.5 : value));
const anyExact = fc.letrec<{ value: unknown; leaf: unknown }>((tie) => ({
  leaf: fc.oneof(anyInteger, anyText, anyNumber, fc.boolean(), fc.constant(null)),
  value: fc.oneof(
    { depthSize: "medium", withCrossShrink: true },
    tie("leaf"),
    fc.array(tie("value"), { maxLength: 6 }),
    fc.array(fc.tuple(anyText, tie("value")), { maxLength: 6 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;

describe("exact JSON", () => {
  test("gives back every value that it wrote, integers of any size included", () => {
    fc.assert(
      fc.property(anyExact, (value) => {
        expect(parseJson(writeJson(value))).toStrictEqual(value);
      }),
      { numRuns: 1_000 },
    );
  });

  test("is JSON.parse and JSON.stringify where no integer is beyond a double, whatever forces the careful reader", () => {
    const anyPlain = fc.json({ maxDepth: 6, noUnicodeString: false });
    const forced = fc.tuple(anyPlain, fc.nat({ max: 4 }), fc.nat({ max: 4 })).map(([json, before, after]) => {
      const around = (count: number) => " \n\t\r".repeat(count);
      return `{"forced":${around(before)}"12345678901234567"${around(after)},${around(after)}"json"${around(before)}:${around(after)}${json}${around(before)}}`;
    });
    fc.assert(
      fc.property(forced, (text) => {
        const written = writeJson(parseJson(text));
        expect(written).toBe(JSON.stringify(JSON.parse(text)));
        expect(JSON.parse(written)).toStrictEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ["9007199254740991", 9007199254740991],
    ["-9007199254740991", -9007199254740991],
    ["9007199254740992", 9007199254740992n],
    ["-9007199254740993", -9007199254740993n],
    ["18446744073709551615", 18446744073709551615n],
    ["1".repeat(309), BigInt("1".repeat(309))],
    ["1e20", 1e20],
    ["12345678901234567890.0", 12345678901234567000],
    ["12345678901234567890E0", 12345678901234567000],
    ["1.0", 1],
    ["-0", -0],
    ["[-0,9007199254740992]", [-0, 9007199254740992n]],
    ["0.12345678901234567890", 0.12345678901234568],
    ["1e-400", 0],
    ["1E+308", 1e308],
    ["0e400", 0],
    ["\t[ 1 ,\r\n12345678901234567 ] ", [1, 12345678901234567n]],
    ['{"a":1,"a":12345678901234567}', { a: 12345678901234567n }],
    ['{"2":12345678901234567,"1":""}', { 1: "", 2: 12345678901234567n }],
    ['["\\u0031\\"]",12345678901234567]', ['1"]', 12345678901234567n]],
    ["[12345678901234567,true,false,null,{},[]]", [12345678901234567n, true, false, null, {}, []]],
  ])("reads %s", (text, value) => {
    expect(parseJson(text)).toStrictEqual(value);
  });

  test.each([
    "",
    "1e309",
    "-1e400",
    "[1E+0400]",
    "1".repeat(310),
    `${"1".repeat(300)}e10`,
    "12345678901234567n",
    "[12345678901234567",
    "01234567890123456789",
    "[1e400,]",
  ])("refuses %j", (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });

  test("refuses nesting beyond the stack as it refuses any text, not with another error", () => {
    const depth = 1_000_000;
    expect(() => parseJson(`${"[".repeat(depth)}12345678901234567${"]".repeat(depth)}`)).toThrow(SyntaxError);
  });

  test("takes __proto__ for a name like any other", () => {
    const value = parseJson('{"a":{"__proto__":{"admin":12345678901234567}}}') as { a: { admin?: unknown } };
    expect(value.a.admin).toBeUndefined();
    expect(Object.getPrototypeOf(value.a)).toBe(Object.prototype);
    expect(Object.keys(value.a)).toEqual(["__proto__"]);
    expect(writeJson(value)).toBe('{"a":{"__proto__":{"admin":12345678901234567}}}');
  });

  test("writes what JSON can't hold as JSON.stringify does in an array", () => {
    const odd = [1n, undefined, Number.NaN, Number.POSITIVE_INFINITY, { gone: undefined, kept: -0 }, () => 1];
    expect(writeJson(odd)).toBe('[1,null,null,null,{"kept":0},null]');
    expect(writeJson([1n, Number.NaN])).toBe("[1,null]");
    expect(writeJson(undefined)).toBe("null");
  });
});

describe("a member given twice", () => {
  test.each<[string, string | null]>([
    ["{}", null],
    ['{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}', null],
    ['{"a":1,"a":2}', "a"],
    ['{"a":1, "b" : {"c":[],"c" :1}}', "c"],
    ['{"a":1,"\\u0061":2}', "a"],
    ['{"a":"{\\"b\\":1,\\"b\\":2}","b":"a"}', null],
    ['[{"x":"a","y":"a"},{"x":1,"":2,"":3}]', ""],
    ['{"__proto__":1,"__proto__":2}', "__proto__"],
    ['"a"', null],
  ])("in %s is %j", (text, name) => {
    expect(repeatedMember(text)).toBe(name);
  });

  test("is found in no time in a text of strings and backslashes", () => {
    const from = performance.now();
    expect(repeatedMember(JSON.stringify({ a: "\\".repeat(2_000_000), b: Array.from({ length: 100_000 }, () => '"{}') }))).toBeNull();
    expect(performance.now() - from).toBeLessThan(2_000);
  });
});

describe("JSON with numbers that it lacks", () => {
  test.each<[string, string]>([
    ["a string without an end, of quotes", `[NaN,"${'\\"'.repeat(60_000)}`],
    ["digits without an exponent", `[NaN,${"1".repeat(60_000)}.]`],
    ["digits and points", `[NaN,${"1.".repeat(60_000)}]`],
    ["minus signs", `[NaN,${"-".repeat(60_000)}]`],
  ])("is found to be none in no time if it has %s", (_what, text) => {
    const from = performance.now();
    expect(parseTolerantly(text).ok).toBe(false);
    expect(performance.now() - from).toBeLessThan(5_000); // each character looked at again from each before it, it would be half a minute
  });

  test("is read however long its strings are", () => {
    const text = "\n".repeat(4_000_000);
    expect(parseTolerantly(`[NaN,${JSON.stringify(text)},1e400]`)).toMatchObject({ ok: true, value: { value: ["NaN", text, "Infinity"] } });
  });

  test("has them in quotes, and nothing else", () => {
    const odd = fc.constantFrom("NaN", "-NaN", "Infinity", "-Infinity", "1e400", "-1.5E+400");
    const plain = fc.constantFrom("1e5", "-0.5", "12", "1e-400", '"NaN"', '"\\"1e400,\\\\"', '"-Infinity"', "null", "[]", '{"NaN":1}');
    fc.assert(
      fc.property(fc.array(fc.oneof(odd, plain), { minLength: 1, maxLength: 8 }), (parts) => {
        const quoted = parts.map((part) => (/^-?(?:NaN|Infinity|1e400|1\.5E\+400)$/.test(part) ? `"${Number(part)}"` : part));
        expect(parseTolerantly(`[${parts.join(" ,")}]`)).toMatchObject({
          ok: true,
          value: { value: JSON.parse(`[${quoted.join()}]`) as unknown },
        });
      }),
    );
  });
});

/** What is wrong with a value, said in our words, whatever the schema's library would say. */
import * as z from "zod";
import { describe, expect, test } from "vitest";
import { closest, read } from "../../src/http/faults.ts";
import { filterShape, metadataSchema } from "../../src/http/filter.ts";
import { instantSchema } from "../../src/http/time.ts";
import { faultText } from "../../src/problem.ts";

function said(schema: z.ZodType, value: unknown, place: "body" | "query" = "body"): string[] {
  const checked = read(schema, value, place);
  return checked.ok ? [] : checked.faults.map(faultText);
}

const schema = z.strictObject({
  name: z.string().min(1).max(8).optional(),
  retry: z.strictObject({ max_attempts: z.int().min(1).max(10).optional() }).optional(),
  level: z.int().min(2).optional(),
  share: z.number().max(0.5).optional(),
  step: z.number().multipleOf(5).optional(),
  state: z.enum(["active", "paused"]).optional(),
  sure: z.literal(true).optional(),
  tags: z.array(z.string()).min(1).max(3).optional(),
  url: z.url().optional(),
  id: z.uuid().optional(),
  odd: z.string().regex(/^a+$/).optional(),
  own: z.string().regex(/^a+$/, "must be made of the letter a").optional(),
  whole: z.int().optional(),
  either: z.union([z.string(), z.array(z.string())]).optional(),
  kind: z.discriminatedUnion("kind", [z.strictObject({ kind: z.literal("bearer"), secret: z.string() })]).optional(),
  custom: z.custom(() => false).optional(),
  at: instantSchema.optional(),
  metadata: metadataSchema.optional(),
});

describe("a fault", () => {
  test.each<[unknown, string]>([
    [[], "The body must be an object, and is an array"],
    [null, "The body must be an object, and is null"],
    ["x", 'The body must be an object, and is "x"'],
    [{ name: 5 }, '"name" must be a string, and is 5'],
    [{ name: "" }, '"name" must not be empty'],
    [{ name: "123456789" }, '"name" must have 1 to 8 characters, and has 9'],
    [{ retry: { max_attempts: 12 } }, '"retry.max_attempts" must be from 1 to 10, and is 12'],
    [{ retry: { max_attempts: 0 } }, '"retry.max_attempts" must be from 1 to 10, and is 0'],
    [{ retry: { max_attempts: 1.5 } }, '"retry.max_attempts" must be a whole number, and is 1.5'],
    [{ retry: { max_attempts: "3" } }, '"retry.max_attempts" must be a number, and is "3"'],
    [{ retry: [] }, '"retry" must be an object, and is an array'],
    [{ level: 1 }, '"level" must be at least 2, and is 1'],
    [{ share: 0.6 }, '"share" must be at most 0.5, and is 0.6'],
    [{ whole: 2 ** 53 }, `"whole" must be within ±${Number.MAX_SAFE_INTEGER}, and is ${2 ** 53}`],
    [{ step: 7 }, '"step" must be a multiple of 5, and is 7'],
    [{ state: "broken" }, '"state" must be one of "active", "paused", and is "broken"'],
    [{ sure: false }, '"sure" must be true, and is false'],
    [{ tags: [] }, '"tags" must not be empty'],
    [{ tags: ["a", "b", "c", "d"] }, '"tags" must have 1 to 3 items, and has 4'],
    [{ tags: ["a", 1] }, '"tags.1" must be a string, and is 1'],
    [{ url: "nowhere" }, '"url" must be a URL such as "https://example.com/path", and is "nowhere"'],
    [{ id: "x" }, '"id" must be a UUID such as "0193a1b2-0000-7000-8000-000000000000", and is "x"'],
    [{ odd: "b" }, '"odd" has the wrong form'],
    [{ own: "b" }, '"own" must be made of the letter a'],
    [{ either: 5 }, '"either" must be a string, or must be an array'],
    [{ either: ["a", 5] }, '"either.1" must be a string, and is 5'],
    [{ kind: { kind: "basic" } }, '"kind.kind" must be "bearer"'],
    [{ kind: { kind: "bearer" } }, '"kind.secret" is missing'],
    [{ custom: 1 }, '"custom" is not valid'],
    [{ at: "2026-11-28T10:00" }, '"at" must be a time with its offset such as "2026-01-31T12:00:00Z", and is "2026-11-28T10:00"'],
    [{ metadata: { a: 5 } }, '"metadata.a" must be a string, and is 5'],
    [{ metadata: { "": "x" } }, '"metadata." has a name that must not be empty'],
    [{ inputs: 1 }, '"inputs" is not a known member'],
    [{ retry: { maxAttempts: 1 } }, '"retry.maxAttempts" is not a known member; did you mean "max_attempts"?'],
    [{ nmae: "x" }, '"nmae" is not a known member; did you mean "name"?'],
    [{ nema: "x" }, '"nema" is not a known member'],
    [{ stat: "x" }, '"stat" is not a known member; did you mean "state"?'],
    [{ name: "x".repeat(41) }, '"name" must have 1 to 8 characters, and has 41'],
    [{ state: "x".repeat(41) }, '"state" must be one of "active", "paused", and is a string of 41 characters'],
  ])("of %j is %s", (value, phrase) => {
    expect(said(schema, value)).toEqual([phrase]);
  });

  test("of a member that has to be there is that it is missing", () => {
    const all = z.object({
      text: z.string(),
      choice: z.enum(["a"]),
      only: z.literal(1),
      either: z.union([z.string(), z.number()]),
      list: z.array(z.string()),
      inner: z.object({}),
    });
    expect(said(all, {})).toEqual(["text", "choice", "only", "either", "list", "inner"].map((name) => `"${name}" is missing`));
  });

  test("names each unknown member by itself", () => {
    const checked = read(schema, { metdata: {}, retry: { x: 1, max_attempt: 2 } }, "body");
    expect(checked).toMatchObject({
      ok: false,
      faults: [
        { path: ["retry", "x"], detail: "is not a known member" },
        { path: ["retry", "max_attempt"], detail: 'is not a known member; did you mean "max_attempts"?' },
        { path: ["metdata"], detail: 'is not a known member; did you mean "metadata"?' },
      ],
    });
  });

  test("calls a query's members parameters", () => {
    expect(said(z.strictObject({ limit: z.string() }), { limits: "5", limit: "1" }, "query")).toEqual([
      '"limits" is not a query parameter of this call; did you mean "limit"?',
    ]);
  });

  test("in one of a query parameter's several values is one of the parameter", () => {
    const query = z.strictObject({
      status: z
        .string()
        .transform((text) => text.split(","))
        .pipe(z.array(z.enum(["queued", "failed"]))),
    });
    expect(said(query, { status: "queued,done" }, "query")).toEqual(['"status" must be one of "queued", "failed", and is "done"']);
  });

  test("is one of twenty at most", () => {
    expect(said(schema, Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`m${index}`, 1])))).toHaveLength(20);
  });

  test("is no phrase of the library", () => {
    const values = [null, 5, "", "x", [], {}, true, Infinity, ["x"], { kind: 5 }, { max_attempts: "x" }];
    const phrases = Object.keys(schema.shape).flatMap((name) => values.flatMap((value) => said(schema, { [name]: value })));
    expect(phrases.length).toBeGreaterThan(100);
    for (const phrase of phrases) expect(phrase).not.toMatch(/Invalid|expected|received|Too (?:big|small)|Unrecognized/);
  });
});

test("a query's number that is none is said to be wanted", () => {
  expect(said(z.object({ limit: z.coerce.number().int() }), { limit: "x" }, "query")).toEqual(['"limit" must be a number']);
});

describe("metadata", () => {
  test.each([
    ["of an inference", metadataSchema, JSON.parse('{"__proto__":"x"}')],
    ["of a filter", z.strictObject(filterShape), JSON.parse('{"metadata":{"__proto__":"x"}}')],
  ])("%s with an entry named __proto__ is refused by name, and not lost", (_name, wanted, value) => {
    expect(said(wanted, value).join()).toMatch(/"(?:metadata\.)?__proto__" /);
  });
});

describe("the nearest name", () => {
  test.each<[string, string | null]>([
    ["maxAttempts", "max_attempts"],
    ["max-attempts", "max_attempts"],
    ["max_atempts", "max_attempts"],
    ["limits", "limit"],
    ["after_id", null],
    ["", null],
    ["x".repeat(100_000), null],
  ])("to %s is %s", (name, expected) => {
    expect(closest(name, ["max_attempts", "limit", "after"])).toBe(expected);
  });
});

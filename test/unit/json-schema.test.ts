/** The JSON Schema of a model: which schemas are sound, what is said of a value that one does not allow, and at what cost. */
/* oxlint-disable unicorn/no-thenable -- `then` is a keyword of JSON Schema, and no schema is awaited */
import { Ajv2020 } from "ajv/dist/2020.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { read } from "../../src/http/faults.ts";
import { FAULTS_SHOWN, SCHEMA_ALL_FAULTS_VALUES, SCHEMA_PATTERN_CHARACTERS, SCHEMA_UNIQUE_ITEMS, SCHEMA_VALUES } from "../../src/limits.ts";
import { check, prepare } from "../../src/models/json-schema.ts";
import { type JsonSchema, faultInRefs, jsonSchema } from "../../src/models/schema-keywords.ts";
import { type Fault, faultText, pointer } from "../../src/problem.ts";

const placed = ({ path, detail }: Fault) => `${decodeURIComponent(pointer(path))} ${detail}`;
const said = (schema: JsonSchema, value: unknown) => check(prepare(schema), value).map(placed);

describe("a value that a schema does not allow", () => {
  test.each<[JsonSchema, unknown, string[]]>([
    [{ type: "string" }, 5, ["# must be a string, and is 5"]],
    [{ type: ["string", "null"] }, 5, ["# must be a string or null, and is 5"]],
    [{ type: "integer" }, 1.5, ["# must be a whole number, and is 1.5"]],
    [{ minimum: 1, maximum: 3 }, 5, ["# must be from 1 to 3, and is 5"]],
    [{ minimum: 1 }, 0, ["# must be at least 1, and is 0"]],
    [{ exclusiveMinimum: 0 }, 0, ["# must be more than 0, and is 0"]],
    [{ exclusiveMaximum: 0 }, 0, ["# must be less than 0, and is 0"]],
    [{ multipleOf: 0.5 }, 0.7, ["# must be a multiple of 0.5, and is 0.7"]],
    [{ minLength: 1 }, "", ["# must not be empty"]],
    [{ maxLength: 1 }, "👍👍", ["# must have at most 1 characters, and has 2"]],
    [{ pattern: "^a+$" }, "b", ['# must match the regular expression "^a+$", and is "b"']],
    [{ const: { a: 1 } }, { a: 2 }, ['# must be {"a":1}, and is an object']],
    [{ enum: ["a", 1, null] }, "b", ['# must be one of "a", 1, null, and is "b"']],
    [{ minItems: 2, maxItems: 3 }, [1], ["# must have 2 to 3 items, and has 1"]],
    [{ minProperties: 1 }, {}, ["# must not be empty"]],
    [{ uniqueItems: true }, [{ a: 1 }, { a: 1 }], ["# must not have an item twice"]],
    [{ contains: { type: "string" } }, [1, 2], ['# must have at least 1 of the items that "contains" describes']],
    [{ contains: { type: "string" }, maxContains: 1 }, ["a", "b"], ['# must have at most 1 of the items that "contains" describes']],
    [{ not: { type: "string" } }, "a", ['# must not be what "not" describes']],
    [{ required: ["a", "b"] }, {}, ["#/a is missing", "#/b is missing"]],
    [{ dependentRequired: { a: ["b"] } }, { a: 1 }, ['#/b is missing; it must be given together with "a"']],
    [{ properties: { a: true }, additionalProperties: false }, { a: 1, "b/~#%": 2 }, ["#/b~1~0#% is not allowed"]],
    [{ properties: { a: true }, unevaluatedProperties: false }, { b: 2 }, ["#/b is not allowed"]],
    [{ propertyNames: { maxLength: 1 } }, { ab: 1 }, ["#/ab has a name that is not allowed"]],
    [
      { items: { type: "integer" } },
      [1, "x", 2, null],
      ['#/1 must be a whole number, and is "x"', "#/3 must be a whole number, and is null"],
    ],
    [{ prefixItems: [{ type: "string" }], items: false }, ["a", 1], ["#/1 is not allowed"]],
    [{ anyOf: [{ type: "string" }, { type: "null" }] }, 5, ["# must be a string, or must be null, and is 5"]],
    [
      { anyOf: [{ type: "string" }, { type: "object", properties: { a: { minimum: 3 } } }] },
      { a: 1 },
      ["#/a must be at least 3, and is 1"],
    ],
    [{ oneOf: [{ type: "integer" }, { minimum: 2 }] }, 3, ["# must fit exactly one of 2 forms, and fits 2"]],
    [{ if: { type: "string" }, then: { minLength: 2 }, else: { type: "null" } }, "a", ["# must have at least 2 characters, and has 1"]],
    [
      { $defs: { size: { type: "integer", enum: [512, 1024] } }, properties: { size: { $ref: "#/$defs/size" } } },
      { size: 7 },
      ["#/size must be one of 512, 1024, and is 7"],
    ],
    [false, 1, ["# is not allowed"]],
    [{ properties: { $ref: { type: "string" } } }, { $ref: 1 }, ["#/$ref must be a string, and is 1"]],
    [{ maximum: 5 }, 9007199254740993n, ["# must be at most 5, and is 9007199254740992"]],
    [{ additionalProperties: false }, { "\ud800": 1 }, ["# has a member whose name is not valid Unicode"]],
  ])("of %o, %o: %o", (schema, value, wanted) => {
    expect(said(schema, value)).toEqual(wanted);
  });

  test("is not said back where it is long", () => {
    expect(said({ type: "integer" }, "x".repeat(1_000))).toEqual(["# must be a whole number, and is a string of 1000 characters"]);
  });

  test("has no more faults than are shown", () => {
    expect(said({ items: { type: "string" } }, Array(500).fill(1))).toHaveLength(FAULTS_SHOWN);
  });

  test("is told with its first fault if it is large", () => {
    expect(said({ items: { type: "string" } }, Array(SCHEMA_ALL_FAULTS_VALUES).fill(1))).toEqual(["#/0 must be a string, and is 1"]);
  });
});

describe("a value that a schema allows", () => {
  test.each<[JsonSchema, unknown]>([
    [true, 1],
    [{}, { a: [1, null] }],
    [{ type: "integer" }, 9007199254740993n],
    [{ type: "integer" }, 1.0],
    [{ format: "uri" }, "claimcheck:file/0193a1b2-0000-7000-8000-000000000000"],
    [{ additionalProperties: false }, {}],
    [{ required: ["constructor"] }, JSON.parse('{"constructor": 1}')],
    [{ properties: { text: { type: "string" } } }, { more: 1 }],
    [{ "x-order": 1, nullable: true }, 5],
    [{ $ref: "#/$defs/tree", $defs: { tree: { properties: { next: { $ref: "#/$defs/tree" } } } } }, { next: { next: {} } }],
  ])("%o, %o", (schema, value) => {
    expect(said(schema, value)).toEqual([]);
  });
});

describe("what a hostile value costs", () => {
  const within = (ms: number, run: () => unknown) => {
    const begun = performance.now();
    run();
    expect(performance.now() - begun).toBeLessThan(ms);
  };

  test("nothing more where it is too large to be checked", () => {
    const schema = prepare({ anyOf: [{ items: { type: "string" } }, { items: { type: "null" } }] });
    within(500, () => expect(check(schema, Array(2_000_000).fill(1))).toEqual([]));
  });

  test("not the square of its items, for uniqueness", () => {
    within(5_000, () => expect(said({ uniqueItems: true }, Array(SCHEMA_VALUES - 1).fill(1))).toEqual([]));
    expect(said({ uniqueItems: true }, Array(SCHEMA_UNIQUE_ITEMS).fill(1))).toEqual(["# must not have an item twice"]);
  });

  test("not the square of a text, for a pattern", () => {
    within(5_000, () => expect(said({ pattern: "a+$" }, `${"a".repeat(2_000_000)}b`)).toEqual([]));
    expect(said({ pattern: "^a$" }, "b".repeat(SCHEMA_PATTERN_CHARACTERS))).toHaveLength(1);
  });

  test("not the square of each of many texts, nor of names", () => {
    const text = `${"a".repeat(SCHEMA_PATTERN_CHARACTERS - 1)}b`;
    const texts = Array.from({ length: 500 }, () => text);
    within(5_000, () => expect(said({ items: { pattern: "a+$", maxLength: 9 } }, texts)).toHaveLength(FAULTS_SHOWN));
    const named = { [`${"a".repeat(1_000_000)}b`]: 1 };
    within(5_000, () => expect(said({ patternProperties: { "a+$": true } }, named)).toEqual(["# has members whose names are too long"]));
    expect(said({ properties: { a: { patternProperties: { "^a+$": false } } } }, { a: { aa: 1 } })).toEqual(["#/a/aa is not allowed"]);
    expect(said({ additionalProperties: true }, named)).toEqual([]);
  });

  test("no exception, however many faults there are", () => {
    const members = Object.fromEntries(Array.from({ length: SCHEMA_VALUES - 10 }, (_, index) => [`m${index}`, 1]));
    const strict = { additionalProperties: false };
    expect(() => said({ properties: { a: { anyOf: [strict, { ...strict, minProperties: 1 }] } } }, { a: members })).not.toThrow();
    expect(said({ contains: { type: "string" } }, Array(SCHEMA_VALUES - 10).fill(1))).toHaveLength(1);
  });
});

/** What registering a schema says of it. */
function refused(schema: unknown): string[] {
  const known = read(jsonSchema, schema, "body");
  const fault: Fault | null = known.ok ? faultInRefs(known.value) : null;
  return (known.ok ? (fault ? [fault] : []) : known.faults).map(placed);
}

describe("a schema that is not sound is told from its place", () => {
  test.each<[unknown, string]>([
    [5, "# must be a boolean, or must be an object"],
    [{ type: "text" }, "#/type "],
    [{ properties: { a: { minimum: "1" } } }, '#/properties/a/minimum must be a number, and is "1"'],
    [{ properties: { a: { pattern: "(" } } }, "#/properties/a/pattern must be a regular expression"],
    [{ patternProperties: { "(": true } }, "#/patternProperties/( "],
    [{ items: [{ type: "string" }] }, "#/items must be a boolean, or must be an object"],
    [{ anyOf: [{ minLength: -1 }] }, "#/anyOf/0/minLength must be at least 0, and is -1"],
    [{ required: "a" }, '#/required must be an array, and is "a"'],
    [{ $schema: "http://json-schema.org/draft-07/schema#" }, "#/$schema must be "],
    [
      { properties: { a: { $ref: "#/$defs/none" } } },
      '#/properties/a/$ref must be the place of a schema in this one, such as "#/$defs/name", and is "#/$defs/none"',
    ],
    [{ $ref: "https://example.com/schema.json" }, "#/$ref must be the place of a schema in this one"],
    [{ $ref: "#" }, '#/$ref leads in a circle: "#" asks the same of the same value again'],
    [{ $defs: { a: { allOf: [{ $ref: "#/$defs/b" }] }, b: { $ref: "#/$defs/a" } } }, "leads in a circle"],
    [{ $dynamicRef: "#a" }, "#/$dynamicRef is not supported; use $ref"],
    [{ $ref: "http://[" }, "# has an $id, $anchor or $ref that is not valid"],
  ])("%j: %s", (schema, wanted) => {
    expect(refused(schema)[0] ?? "it was taken").toContain(wanted);
  });

  test("and one that is sound is taken", () => {
    expect(
      refused({
        $schema: "https://json-schema.org/draft/2020-12/schema",
        title: "T",
        "x-order": 1,
        $defs: { a: { items: { $ref: "#/$defs/a" } } },
        $ref: "#/$defs/a",
      }),
    ).toEqual([]);
  });
});

/** What Ajv 8.20.0 says; null where the code that it makes of a schema names a variable that it did not make. */
function judged(judge: () => unknown): unknown {
  try {
    return judge();
  } catch (error) {
    if (error instanceof ReferenceError) return null;
    throw error;
  }
}

describe("beside another validator", () => {
  const scalar = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.constantFrom("", "a", "aa", "b"),
    fc.boolean(),
    fc.constant(null),
    fc.constant(0.5),
  );
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      scalar,
      fc.array(tie("value"), { maxLength: 3 }),
      // Read from JSON, an object always has a prototype; Ajv holds one without for another item than one with.
      fc.dictionary(fc.constantFrom("a", "b", "c"), tie("value"), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).value;
  const size = fc.integer({ min: 0, max: 3 });
  const schema = fc.letrec<{ schema: JsonSchema }>((tie) => {
    const one = tie("schema");
    const some = fc.array(one, { minLength: 1, maxLength: 2 });
    const byName = fc.dictionary(fc.constantFrom("a", "b", "c"), one, { maxKeys: 2, noNullPrototype: true });
    const full = fc.record(
      {
        type: fc.constantFrom("string", "integer", "number", "array", "object", "null", "boolean"),
        enum: fc.array(scalar, { minLength: 1, maxLength: 3 }),
        const: scalar,
        minimum: fc.integer({ min: -2, max: 2 }),
        exclusiveMaximum: fc.integer({ min: -2, max: 2 }),
        multipleOf: fc.constantFrom(0.5, 1, 2),
        minLength: size,
        maxLength: size,
        pattern: fc.constantFrom("^a", "b$"),
        minItems: size,
        maxItems: size,
        uniqueItems: fc.boolean(),
        contains: one,
        prefixItems: some,
        items: one,
        properties: byName,
        patternProperties: fc.dictionary(fc.constantFrom("^a", "b|c"), one, { maxKeys: 1, noNullPrototype: true }),
        additionalProperties: one,
        propertyNames: fc.constantFrom<JsonSchema>({ enum: ["a", "b"] }, { minLength: 1 }, true),
        required: fc.uniqueArray(fc.constantFrom("a", "b"), { maxLength: 2 }),
        dependentRequired: fc.constantFrom({ a: ["b"] }, { b: ["c"] }),
        dependentSchemas: byName,
        minProperties: size,
        maxProperties: size,
        allOf: some,
        anyOf: some,
        oneOf: some,
        not: one,
      },
      { requiredKeys: [] },
    );
    // Ajv lets an empty array pass some schemas that have both `contains` and `prefixItems`: here none has both.
    const conditional = fc.record({ if: one, then: one, else: one });
    const few = full.chain((all) =>
      fc
        .subarray(Object.keys(all), { maxLength: Math.min(4, Object.keys(all).length) })
        .map((kept) =>
          Object.fromEntries(
            Object.entries(all).filter(([name]) => kept.includes(name) && !(name === "contains" && kept.includes("prefixItems"))),
          ),
        ),
    );
    return { schema: fc.oneof({ maxDepth: 3 }, fc.boolean(), few, conditional) };
  }).schema;

  test("every value is allowed or not as that has it, and a refused one has faults within it", () => {
    fc.assert(
      fc.property(schema, value, (drawn, given) => {
        const ajv = new Ajv2020({ strict: false, validateSchema: false, logger: false });
        const isAllowed = judged(() => ajv.validate(drawn as object, given));
        fc.pre(isAllowed !== null);
        const faults = check(prepare(drawn), given);
        expect(faults.length === 0).toBe(isAllowed);
        for (const fault of faults) expect(faultText(fault)).toMatch(/\S/);
      }),
      { numRuns: 1_000 },
    );
  });
});

/** Plain JSON to tensors and back: the rules in the header of tensors/plain.ts, one by one, and the round trip as a property. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DATATYPES, type Datatype } from "../../src/tensors/datatype.ts";
import * as infer from "../../src/tensors/infer.ts";
import { type Form, type Mapped, fromTensors, isTensorInput, itemsIn, toTensors } from "../../src/tensors/plain.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { writeInferRequest } from "../../src/tensors/wire.ts";

function mapped(input: unknown): Mapped & { inputs: readonly Tensor[] } {
  const result = toTensors(input);
  if (!result.ok) return expect.fail(result.fault);
  return { ...result.value, inputs: result.value.inputs ?? expect.fail("taken for tensors already") };
}

/** What keeps an input from being tensors. */
function refused(input: unknown): string {
  const result = toTensors(input);
  return result.ok ? expect.fail(`accepted ${JSON.stringify(input)}`) : result.fault;
}

function back(outputs: readonly Tensor[], form: Form): unknown {
  const plain = fromTensors(outputs, form);
  return plain.ok ? plain.value : expect.fail(plain.fault);
}

/** The outputs in a server's answer, or what is wrong with it. */
const readInferResponse = (value: unknown) => readOutputs(JSON.stringify(value));

function readOutputs(text: string): readonly Tensor[] | string {
  const read = infer.readInferResponse(text, null);
  return read.ok ? read.value.outputs : read.fault.detail;
}

/** Through a server that answers with what it was sent. */
const echoed = (input: unknown): unknown => {
  const { inputs, form } = mapped(input);
  const sent: { inputs: unknown } = JSON.parse(String(writeInferRequest({ inputs }, { binary: false }).body));
  const read = readInferResponse({ model_name: "echo", outputs: sent.inputs });
  return typeof read === "string" ? expect.fail(read) : back(read, form);
};

const ITEMS = (count: number): Form => ({ kind: "items", count });
const FIELDS = (scalar = false): Form => ({ kind: "fields", scalar });

const TYPES = {
  BYTES: fc.string({ unit: "grapheme" }),
  INT64: fc.maxSafeInteger().map((value) => value + 0),
  FP32: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value)),
  BOOL: fc.boolean(),
} as const satisfies Partial<Record<Datatype, fc.Arbitrary<string | number | boolean>>>;
type Plain = keyof typeof TYPES;
const PLAIN = Object.keys(TYPES) as Plain[]; // the keys of the constant above

const anyName = fc.string({ minLength: 1, maxLength: 12 }).filter((name) => name !== "__proto__" && name !== "inputs");
const anyShape = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });

/** A rectangular array of that shape. */
function rectangular<T>(element: fc.Arbitrary<T>, shape: readonly number[]): fc.Arbitrary<unknown> {
  return shape.toReversed().reduce<fc.Arbitrary<unknown>>((inner, size) => fc.array(inner, { minLength: size, maxLength: size }), element);
}

/** Some type's rectangular array of some shape. */
const anyArray = fc
  .tuple(fc.constantFrom(...PLAIN), anyShape)
  .chain(([type, shape]) => rectangular<unknown>(TYPES[type], shape).map((value) => ({ type, shape, value })));

describe("a field of a plain input", () => {
  test.each([
    ["a text", "red", "BYTES"],
    ["an empty text", "", "BYTES"],
    ["an integer", 3, "INT64"],
    ["a negative integer", -3, "INT64"],
    ["another number", 0.5, "FP32"],
    ["a number beyond exact integers", 1e30, "FP32"],
    ["a number beyond FP32", 1e300, "FP64"],
    ["an integer beyond doubles", -9007199254740993n, "INT64"],
    ["an integer beyond INT64", 18446744073709551615n, "UINT64"],
    ["a boolean", false, "BOOL"],
  ])("that is %s becomes a tensor of its name, of shape [1]", (_, value, datatype) => {
    expect(mapped({ field: value })).toEqual({
      form: FIELDS(true),
      inputs: [{ name: "field", shape: [1], datatype, data: [value] }],
    });
  });

  test("that is nested arrays gives its shape and its elements in order", () => {
    expect(
      mapped({
        matrix: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      }).inputs,
    ).toEqual([{ name: "matrix", shape: [2, 3], datatype: "INT64", data: [1, 2, 3, 4, 5, 6] }]);
    expect(mapped({ cube: [[["a"], ["b"]]] }).inputs).toEqual([{ name: "cube", shape: [1, 2, 1], datatype: "BYTES", data: ["a", "b"] }]);
    expect(mapped({ none: [] }).inputs).toMatchObject([{ name: "none", shape: [0], data: [] }]);
  });

  test("with integers among other numbers is FP32", () => {
    expect(mapped({ field: [1, 2.5] }).inputs).toMatchObject([{ datatype: "FP32", data: [1, 2.5] }]);
  });

  test("keeps its place among the others", () => {
    expect(mapped({ b: "x", a: 1, c: true }).inputs.map(({ name, datatype }) => [name, datatype])).toEqual([
      ["b", "BYTES"],
      ["a", "INT64"],
      ["c", "BOOL"],
    ]);
  });

  test("is called input where the input is no object", () => {
    expect(mapped("red").inputs).toEqual([{ name: "input", shape: [1], datatype: "BYTES", data: ["red"] }]);
    expect(mapped([1, 2]).inputs).toEqual([{ name: "input", shape: [2], datatype: "INT64", data: [1, 2] }]);
  });
});

describe("an input that no tensor can hold is refused with its field named", () => {
  test.each([
    ["ragged", [[1, 2], [3]]],
    [
      "ragged deeper down",
      [
        [["a"], ["b"]],
        [["c"], []],
      ],
    ],
    ["of different depths", [1, [2]]],
    ["of different depths the other way", [[1], 2]],
    ["an empty array beside a full one", [[], [1]]],
    ["texts and numbers", ["a", 1]],
    ["numbers and booleans", [1, true]],
    ["null", null],
    ["null in an array", ["a", null]],
    ["an object", { x: 1 }],
    ["objects in an array", [{ x: 1 }]],
    ["objects among numbers", [1, { x: 1 }]],
    ["an integer beyond 64 bits", 18446744073709551616n],
    ["a negative integer beside one beyond INT64", [-1, 9223372036854775808n]],
    ["text with half a character", "\ud800"],
  ])("%s", (_, value) => {
    expect(refused({ good: "a", bad: value })).toContain('"bad"');
    expect(refused([{ good: "a", bad: value }])).toContain('"bad"');
  });

  test.each([
    ["no fields", {}],
    ["items without fields", [{}, {}]],
  ])("%s", (_, input) => {
    expect(refused(input)).toMatch(/no fields/);
  });

  test("null, and an array of objects and others", () => {
    expect(refused(null)).toContain('"input"');
    expect(refused([{ a: 1 }, 2])).toContain('"input"');
  });

  test("never with an exception, whatever the JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (input) => {
        const result = toTensors(input);
        if (!result.ok) expect(result.fault).not.toBe("");
        else
          for (const { shape, data } of result.value.inputs ?? [])
            expect(data).toHaveLength(shape.reduce((product, size) => product * size, 1));
      }),
    );
  });
});

describe("items", () => {
  const pictures = [
    { image_path: "a.png", product_type: "Chair", size: 1 },
    { image_path: "b.png", product_type: "Table", size: 2, category: "Home" },
  ];

  test("are read by column, the items as the first dimension", () => {
    expect(mapped(pictures)).toEqual({
      form: ITEMS(2),
      inputs: [
        { name: "image_path", shape: [2], datatype: "BYTES", data: ["a.png", "b.png"] },
        { name: "product_type", shape: [2], datatype: "BYTES", data: ["Chair", "Table"] },
        { name: "size", shape: [2], datatype: "INT64", data: [1, 2] },
        { name: "category", shape: [2], datatype: "BYTES", data: ["", "Home"] },
      ],
    });
  });

  test("of one are still items", () => {
    expect(mapped([{ a: "x" }])).toMatchObject({ form: ITEMS(1), inputs: [{ name: "a", shape: [1] }] });
  });

  test("may hold arrays, which add dimensions", () => {
    expect(mapped([{ v: [1, 2] }, { v: [3, 4] }]).inputs).toMatchObject([{ shape: [2, 2], data: [1, 2, 3, 4] }]);
    expect(refused([{ v: [1, 2] }, { v: [3] }])).toContain('"v"');
  });

  test.each([
    ["a number", 1],
    ["a boolean", true],
    ["an array", ["a"]],
  ])("that lack %s which others have are refused with the field named", (_, value) => {
    expect(refused([{ a: "x", some: value }, { a: "y" }])).toMatch(/"some".*missing|"some".*rectangular/);
    expect(refused([{ a: "x" }, { a: "y", some: value }])).toMatch(/"some".*missing|"some".*rectangular/);
  });

  test("that lack a text have an empty one, whatever the text's name", () => {
    for (const name of ["category", "constructor", "toString", "__proto__", "hasOwnProperty"]) {
      const items: unknown = JSON.parse(`[{"a":"x","${name}":"there"},{"a":"y"}]`);
      expect(mapped(items).inputs.find((tensor) => tensor.name === name)).toMatchObject({ datatype: "BYTES", data: ["there", ""] });
    }
  });
});

describe("tensors", () => {
  const input = { id: "7", inputs: [{ name: "x", shape: [2], datatype: "FP32", data: [1, 2] }], parameters: { top_k: 3 } };

  test("are left as they are", () => {
    expect(toTensors(input)).toEqual({ ok: true, value: { form: { kind: "tensors" }, inputs: null } });
    expect(isTensorInput(input)).toBe(true);
  });

  test("are recognised by an array of that name alone", () => {
    for (const other of [{ inputs: "text" }, { inputs: { a: 1 } }, [{ inputs: [] }], "inputs", null, 1])
      expect(isTensorInput(other)).toBe(false);
  });
});

describe("the way back", () => {
  test("leads items to items, each with its part of every output", () => {
    const outputs: Tensor[] = [
      { name: "label", shape: [2], datatype: "BYTES", data: ["red", "blue"] },
      { name: "lab", shape: [2, 3], datatype: "FP32", data: [1, 2, 3, 4, 5, 6] },
      { name: "sure", shape: [2, 1], datatype: "BOOL", data: [true, false] },
    ];
    expect(back(outputs, ITEMS(2))).toEqual([
      { label: "red", lab: [1, 2, 3], sure: [true] },
      { label: "blue", lab: [4, 5, 6], sure: [false] },
    ]);
  });

  test("leads items to fields where an output has another first dimension", () => {
    const outputs: Tensor[] = [
      { name: "label", shape: [2], datatype: "BYTES", data: ["red", "blue"] },
      { name: "mean", shape: [1], datatype: "FP32", data: [0.5] },
    ];
    expect(back(outputs, ITEMS(2))).toEqual({ label: ["red", "blue"], mean: [0.5] });
  });

  test("leads scalars to scalars and arrays to arrays", () => {
    const one: Tensor[] = [{ name: "y", shape: [1], datatype: "INT64", data: [5] }];
    expect(back(one, FIELDS(true))).toEqual({ y: 5 });
    expect(back(one, FIELDS(false))).toEqual({ y: [5] });
    expect(back([{ name: "y", shape: [2], datatype: "INT64", data: [5, 6] }], FIELDS(true))).toEqual({ y: [5, 6] });
    expect(back([{ name: "y", shape: [], datatype: "INT64", data: [5] }], FIELDS(false))).toEqual({ y: 5 });
  });

  test("reads JSON where an output is said to hold it", () => {
    const json = { content_type: "application/json" };
    const colors: Tensor = { name: "colors", shape: [2], datatype: "BYTES", data: ['[{"hex":"#AA3300"}]', "null"], parameters: json };
    expect(back([colors], ITEMS(2))).toEqual([{ colors: [{ hex: "#AA3300" }] }, { colors: null }]);
    expect(back([{ ...colors, parameters: { content_type: "text/plain" } }], ITEMS(2))).toEqual([
      { colors: '[{"hex":"#AA3300"}]' },
      { colors: "null" },
    ]);
    expect(back([{ name: "all", shape: [1], datatype: "BYTES", data: ['{"a":[1]}'], parameters: json }], FIELDS(true))).toEqual({
      all: { a: [1] },
    });
  });

  test("ends at an output that is said to hold JSON and does not, with its name", () => {
    const broken: Tensor = { name: "colors", shape: [1], datatype: "BYTES", data: ["{"], parameters: { content_type: "application/json" } };
    expect(fromTensors([broken], ITEMS(1))).toMatchObject({ ok: false, fault: expect.stringContaining('"colors"') });
  });

  test.each([{ shape: [1_000_000_000, 0] }, { shape: [1_000, 1_000, 1_000, 0] }, { shape: [0, 1_000_000_000] }])(
    "is short for an empty output of the shape $shape",
    ({ shape }) => {
      const read = readInferResponse({ outputs: [{ name: "y", shape, datatype: "FP32", data: [] }] });
      const plain = typeof read === "string" ? read : fromTensors(read, FIELDS());
      expect(JSON.stringify(plain).length).toBeLessThan(1_000);
    },
  );
});

describe("an echo gives back", () => {
  test("fields of rectangular arrays of any type and shape", () => {
    fc.assert(
      fc.property(fc.dictionary(anyName, anyArray, { minKeys: 1, maxKeys: 4 }), (arrays) => {
        const input = Object.fromEntries(Object.entries(arrays).map(([name, { value }]) => [name, value]));
        const { inputs } = mapped(input);
        for (const { name, shape, datatype } of inputs) {
          const expected = arrays[name] ?? expect.fail("a tensor of no field");
          expect(shape).toEqual(expected.shape);
          // Numbers that happen to be whole are INT64.
          if (expected.type !== "FP32") expect(datatype).toBe(expected.type);
        }
        expect(echoed(input)).toEqual(input);
      }),
    );
  });

  test("fields of scalars", () => {
    const anyScalar = fc.oneof(...PLAIN.map((type): fc.Arbitrary<unknown> => TYPES[type]));
    fc.assert(
      fc.property(fc.dictionary(anyName, anyScalar, { minKeys: 1, maxKeys: 4 }), (input) => {
        expect(echoed(input)).toEqual(input);
      }),
    );
  });

  test("items, with scalars and with arrays, missing texts filled in", () => {
    const anyColumns = fc.dictionary(
      anyName,
      fc.tuple(fc.constantFrom(...PLAIN), fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 })),
      { minKeys: 1, maxKeys: 4 },
    );
    const anyItems = fc.tuple(anyColumns, fc.integer({ min: 1, max: 5 })).chain(([columns, count]) =>
      fc.array(
        fc.record(
          Object.fromEntries(Object.entries(columns).map(([name, [type, shape]]) => [name, rectangular<unknown>(TYPES[type], shape)])),
        ),
        {
          minLength: count,
          maxLength: count,
        },
      ),
    );
    fc.assert(
      fc.property(anyItems, (items) => {
        const plain = items.map((item) => ({ ...item }));
        expect(echoed(plain)).toEqual(plain);
      }),
    );
    expect(echoed([{ a: "x" }, { a: "y", b: "z" }])).toEqual([
      { a: "x", b: "" },
      { a: "y", b: "z" },
    ]);
  });

  test.each([
    ["an empty field", { a: [] }],
    ["empty rows", { a: [[], []] }],
    [
      "empty rows in rows",
      {
        a: [
          [[], []],
          [[], []],
          [[], []],
        ],
      },
    ],
    ["items with empty arrays", [{ a: [] }, { a: [] }]],
  ])("%s", (_, input) => {
    expect(echoed(input)).toEqual(input);
  });
});

describe("an infer response", () => {
  const output = { name: "y", shape: [2, 2], datatype: "INT64", data: [1, 2, 3, 4] };
  const one = (change: Record<string, unknown>) => ({ outputs: [{ ...output, ...change }] });

  test("is read with its data flat, nested or not", () => {
    expect(readInferResponse({ outputs: [output] })).toEqual([output]);
    expect(
      readInferResponse(
        one({
          data: [
            [1, 2],
            [3, 4],
          ],
        }),
      ),
    ).toEqual([output]);
    expect(readInferResponse({ outputs: [] })).toEqual([]);
    expect(readInferResponse(one({ parameters: { content_type: "x" } }))).toEqual([{ ...output, parameters: { content_type: "x" } }]);
  });

  test.each(DATATYPES)("may hold %s", (datatype) => {
    const element = datatype === "BYTES" ? "a" : datatype === "BOOL" ? true : 1;
    expect(readInferResponse({ outputs: [{ name: "y", shape: [1], datatype, data: [element] }] })).toMatchObject([
      { datatype, data: [element] },
    ]);
  });

  test.each([
    ["null", null],
    ["a text", "outputs"],
    ["a number", 1],
    ["an array", [output]],
    ["an object without outputs", { model_name: "m" }],
    ["outputs that are no array", { outputs: output }],
    ["an error", { error: "out of memory" }],
    ["an output that is null", { outputs: [null] }],
    ["an output that is a text", { outputs: ["y"] }],
    ["an output without a name", one({ name: undefined })],
    ["an output whose name is a number", one({ name: 1 })],
    ["an output without a datatype", one({ datatype: undefined })],
    ["an output of an unknown datatype", one({ datatype: "STRING" })],
    ["a datatype in small letters", one({ datatype: "int64" })],
    ["an output without a shape", one({ shape: undefined })],
    ["a shape that is a number", one({ shape: 4 })],
    ["a shape with a negative size", one({ shape: [-2, -2] })],
    ["a shape with a fraction", one({ shape: [1.6, 2.5] })],
    ["a shape with a text", one({ shape: ["2", "2"] })],
    ["a shape with null", one({ shape: [null, 4] })],
    ["a shape beyond exact integers", one({ shape: [1e300] })],
    ["an output without data", one({ data: undefined })],
    ["data that is a text", one({ data: "1234" })],
    ["data that is an object", one({ data: { 0: 1 } })],
    ["too few elements", one({ data: [1, 2, 3] })],
    ["too many elements", one({ data: [1, 2, 3, 4, 5] })],
    ["no elements", one({ data: [] })],
    ["elements for a shape with a zero", one({ shape: [0], data: [1] })],
    ["texts for numbers", one({ data: ["1", "2", "3", "4"] })],
    ["one text among numbers", one({ data: [1, 2, 3, "4"] })],
    ["null among numbers", one({ data: [1, 2, 3, null] })],
    ["an object among numbers", one({ data: [1, 2, 3, {}] })],
    ["numbers for texts", one({ datatype: "BYTES" })],
    ["numbers for booleans", one({ datatype: "BOOL", data: [0, 1, 0, 1] })],
    ["a bad output after a good one", { outputs: [output, { ...output, data: [] }] }],
  ])("that is %s is told from a good one", (_, response) => {
    expect(readInferResponse(response)).toEqual(expect.stringMatching(/./));
  });

  test("that is nested without end is told from a good one, not thrown at", () => {
    const depth = 200_000;
    const data = `${"[".repeat(depth)}${"]".repeat(depth)}`;
    const text = (shape: unknown) => `{"outputs":[{"name":"y","datatype":"INT64","shape":${JSON.stringify(shape)},"data":${data}}]}`;
    expect(readOutputs(text([2, 2]))).toEqual(expect.stringContaining('"y"'));
    expect(readOutputs(text(Array.from({ length: depth }, () => 1)))).toEqual(expect.stringContaining('"y"'));
  });

  test("is read or refused without an exception, whatever the JSON", () => {
    const anyOutput = fc.record(
      {
        name: fc.jsonValue(),
        shape: fc.oneof(fc.jsonValue(), fc.array(fc.integer())),
        datatype: fc.oneof(fc.jsonValue(), fc.constantFrom(...DATATYPES)),
        data: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.record({ outputs: fc.array(fc.oneof(anyOutput, fc.jsonValue())) })), (response) => {
        const read = readInferResponse(response);
        if (typeof read === "string") expect(read).not.toBe("");
        else for (const form of [ITEMS(2), FIELDS(true), FIELDS(false)]) expect(() => fromTensors(read, form)).not.toThrow();
      }),
    );
  });
});

describe("the number of items", () => {
  test.each([
    ["of an array is its length", [{ a: 1 }, { a: 2 }, { a: 3 }], 3],
    ["of an empty array is 0", [], 0],
    ["of an object is 1", { a: [1, 2, 3] }, 1],
    ["of a text is 1", "abc", 1],
    ["of null is 1", null, 1],
    ["of tensors is the first dimension of the first", { inputs: [{ shape: [4, 2] }, { shape: [9] }] }, 4],
    ["of output tensors too", { outputs: [{ shape: [5] }] }, 5],
    ["of no tensors is 1", { inputs: [] }, 1],
    ["of a scalar tensor is 1", { inputs: [{ shape: [] }] }, 1],
    ["of tensors of a shape beyond all belief is bounded", { inputs: [{ shape: [2 ** 53 - 1] }] }, 2 ** 31 - 1],
    ["of tensors without a shape is 1", { inputs: [{ name: "x" }] }, 1],
  ])("%s", (_, value, count) => {
    expect(itemsIn(value)).toBe(count);
  });

  test("is a whole number whatever a client sends, since it is stored as one", () => {
    for (const size of [-1, 1.5, 1e300, -0.5]) {
      const count = itemsIn({ inputs: [{ name: "x", shape: [size], datatype: "FP32", data: [] }] });
      expect({ size, count, whole: Number.isSafeInteger(count) && count >= 0 }).toMatchObject({ size, whole: true });
    }
  });
});

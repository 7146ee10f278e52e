/**
 * Every element type, by its ranges, its bits and its round trip through both forms of a body. FP16 is held against the
 * runtime's own, BF16 against binary32, whose upper half it is.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DATATYPES, type Datatype, type Element, KINDS } from "../../src/tensors/datatype.ts";
import { BF16, FP16, decodeFloat16, encodeFloat16 } from "../../src/tensors/float16.ts";
import { type InferRequest, readInferRequest } from "../../src/tensors/infer.ts";
import { type Read, type Tensor, bytesOf, plainOf } from "../../src/tensors/tensor.ts";
import { plainResponse, writeInferRequest } from "../../src/tensors/wire.ts";
import { parseJson, writeJson } from "../../src/encoding/json.ts";

const FLOATS = ["FP16", "BF16", "FP32", "FP64"] as const;
const INTEGERS = ["UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"] as const;

const exactly = (value: bigint): Element => (Number.isSafeInteger(Number(value)) ? Number(value) : value);
const integerOf = (datatype: (typeof INTEGERS)[number]): fc.Arbitrary<Element> =>
  fc.bigInt({ min: BigInt(KINDS[datatype].least), max: BigInt(KINDS[datatype].most) }).map(exactly);
const float16Of = (format: typeof FP16) =>
  fc
    .nat({ max: 0xffff })
    .map((bits) => decodeFloat16(bits, format))
    .filter(Number.isFinite);

/** Elements that the type can hold exactly. */
const ELEMENTS: Record<Datatype, fc.Arbitrary<Element>> = {
  BOOL: fc.boolean(),
  UINT8: integerOf("UINT8"),
  UINT16: integerOf("UINT16"),
  UINT32: integerOf("UINT32"),
  UINT64: integerOf("UINT64"),
  INT8: integerOf("INT8"),
  INT16: integerOf("INT16"),
  INT32: integerOf("INT32"),
  INT64: integerOf("INT64"),
  FP16: float16Of(FP16),
  BF16: float16Of(BF16),
  FP32: fc.float({ noNaN: true, noDefaultInfinity: true }),
  FP64: fc.double({ noNaN: true, noDefaultInfinity: true }),
  BYTES: fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("", "\ufeff", "\0", "12345678901234567")),
};

const anyShape = fc.array(fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 4 }) }, fc.constant(0)), { maxLength: 4 });
const countOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);
const tensorOf = (datatype: Datatype): fc.Arbitrary<Tensor> =>
  anyShape.chain((shape) =>
    fc
      .array(ELEMENTS[datatype], { minLength: countOf(shape), maxLength: countOf(shape) })
      .map((data) => ({ name: "x", shape, datatype, data })),
  );

const good = <T>(result: Read<T>): T => (result.ok ? result.value : expect.fail(result.fault.detail));
const request = (...inputs: Tensor[]): InferRequest => ({ inputs });

/** Through a body of that form. */
function through(tensor: Tensor, binary: boolean): Tensor {
  const { body, headLength } = writeInferRequest(request(tensor), { binary });
  const [back] = good(readInferRequest(body, headLength)).inputs;
  return back ?? expect.fail("no input");
}

function nested(elements: readonly unknown[], shape: readonly number[]): unknown {
  const [size, ...rest] = shape;
  if (size === undefined) return elements[0];
  const part = elements.length / Math.max(1, size);
  return Array.from({ length: size }, (_, index) => nested(elements.slice(index * part, (index + 1) * part), rest));
}

function read(datatype: string, shape: unknown, data: unknown): Read<InferRequest> {
  return readInferRequest(writeJson({ inputs: [{ name: "x", datatype, shape, data }] }), null);
}

/** What is said of the fault, and where it is. */
function refused(datatype: string, shape: unknown, data: unknown): { path: string; detail: string } {
  const result = read(datatype, shape, data);
  return result.ok ? expect.fail("accepted") : { path: result.fault.path.join("."), detail: result.fault.detail };
}

describe("a tensor of any type and shape", () => {
  test.each(DATATYPES)("of %s is the same after JSON, raw data and JSON", (datatype) => {
    fc.assert(
      fc.property(tensorOf(datatype), (tensor) => {
        const asJson = through(tensor, false);
        expect(asJson).toStrictEqual(tensor);
        const asBytes = through(asJson, true);
        expect(asBytes.data).toBeInstanceOf(Uint8Array);
        const back = through(asBytes, false);
        expect(back).toStrictEqual(tensor); // Object.is for numbers, so that -0 is not 0
        expect(through(asBytes, true)).toStrictEqual(asBytes);
        expect(plainOf(asBytes).elements).toStrictEqual(tensor.data);
      }),
    );
  });

  test.each(DATATYPES)("of %s may come nested as its shape is", (datatype) => {
    fc.assert(
      fc.property(
        tensorOf(datatype).filter(({ shape }) => shape.length > 0),
        ({ shape, data }) => {
          const { inputs } = good(read(datatype, shape, nested([...data], shape)));
          const sent = [...data].map((element) => (element === 0 ? 0 : element)); // JSON.stringify has no -0
          expect(inputs[0]?.data).toStrictEqual(sent);
        },
      ),
    );
  });

  test.each(DATATYPES)("of %s is decoded in pieces as it is whole", (datatype) => {
    const length = 40_000;
    const [element] = fc.sample(ELEMENTS[datatype], { numRuns: 1, seed: 1 });
    const tensor: Tensor = { name: "x", shape: [length], datatype, data: Array.from({ length }, () => element ?? 0) };
    expect(through(through(tensor, true), false)).toStrictEqual(tensor);
  });

  test("lies in the body it came in: raw data is not copied", () => {
    const tensors: Tensor[] = [
      { name: "a", shape: [3], datatype: "INT8", data: [1, 2, 3] },
      { name: "b", shape: [2], datatype: "BYTES", data: ["é", ""] },
    ];
    const { body, headLength } = writeInferRequest(request(...tensors), { binary: true });
    const { inputs } = good(readInferRequest(body, headLength));
    for (const { data } of inputs)
      expect(data instanceof Uint8Array && body instanceof Uint8Array && data.buffer === body.buffer).toBe(true);
    for (const tensor of inputs) expect(bytesOf(tensor)).toBe(tensor.data);
  });
});

describe("16-bit floats", () => {
  const allBits = Array.from({ length: 0x10000 }, (_, bits) => bits);

  /** The bits whose value is not the other's, or which are not encoded as they were. */
  const unlike = (format: typeof FP16, other: (bits: number) => number) =>
    allBits.filter((bits) => {
      const value = decodeFloat16(bits, format);
      return !Object.is(value, other(bits)) || (!Number.isNaN(value) && encodeFloat16(value, format) !== bits);
    });

  test("FP16 is decoded as the runtime does, all 65,536 of them, and encoded back", () => {
    const view = new DataView(new ArrayBuffer(2)) as DataView & { getFloat16(at: number): number }; // the type library is older than the runtime
    const natively = (bits: number) => {
      view.setUint16(0, bits);
      return view.getFloat16(0);
    };
    expect(unlike(FP16, natively)).toEqual([]);
  });

  test("BF16 is the upper half of a binary32, all 65,536 of them, and encoded back", () => {
    const view = new DataView(new ArrayBuffer(4));
    const natively = (bits: number) => {
      view.setUint16(0, bits);
      return view.getFloat32(0);
    };
    expect(unlike(BF16, natively)).toEqual([]);
  });

  /** Doubles around what the types can tell apart: any bits, halves between two neighbours, and a hair beside them. */
  const anyDouble = (format: typeof FP16) =>
    fc.oneof(
      fc.double(),
      fc.float(),
      fc.tuple(fc.nat({ max: 0x7ffe }), fc.constantFrom(0, 1, -1), fc.boolean()).map(([bits, hair, minus]) => {
        const half = (decodeFloat16(bits, format) + decodeFloat16(bits + 1, format)) / 2;
        return (minus ? -1 : 1) * half * (1 + hair * Number.EPSILON);
      }),
    );

  test("FP16 rounds as the runtime does, once and to even", () => {
    const round = Math as unknown as { f16round(value: number): number }; // as above
    fc.assert(
      fc.property(anyDouble(FP16), (value) => {
        expect(decodeFloat16(encodeFloat16(value, FP16), FP16)).toBe(round.f16round(value));
      }),
      { numRuns: 20_000 },
    );
  });

  test("BF16 rounds to the nearest, a tie to even", () => {
    fc.assert(
      fc.property(
        anyDouble(BF16).filter((value) => Math.abs(value) < KINDS.BF16.limit),
        (value) => {
          const bits = encodeFloat16(value, BF16);
          const off = (other: number) => Math.abs(decodeFloat16(other, BF16) - value);
          expect(Math.sign(1 / decodeFloat16(bits, BF16))).toBe(Math.sign(1 / value));
          for (const neighbour of [bits - 1, bits + 1]) {
            const isSameSign = (neighbour & 0x8000) === (bits & 0x8000) && neighbour >= 0;
            const isFinite = Number.isFinite(decodeFloat16(neighbour, BF16));
            if (isSameSign && isFinite) expect(off(bits) < off(neighbour) || (off(bits) === off(neighbour) && bits % 2 === 0)).toBe(true);
          }
        },
      ),
      { numRuns: 20_000 },
    );
    for (const sign of [1, -1]) {
      expect(decodeFloat16(encodeFloat16(sign * KINDS.BF16.limit, BF16), BF16)).toBe(sign * Number.POSITIVE_INFINITY);
      expect(decodeFloat16(encodeFloat16(sign * 3.38e38, BF16), BF16)).toBeLessThan(Number.POSITIVE_INFINITY);
    }
  });

  test.each(["FP16", "BF16"] as const)("%s keeps all its bit patterns from raw data to raw data, NaNs and infinities too", (datatype) => {
    const bytes = new Uint8Array(Uint16Array.from(allBits).buffer);
    const back = through({ name: "x", shape: [256, 256], datatype, data: bytes }, true);
    expect(bytesOf(back)).toStrictEqual(bytes);
  });
});

describe("what JSON has no number for", () => {
  test.each(FLOATS)("a %s that is not finite is spelled out", (datatype) => {
    const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1.5];
    const bytes = bytesOf({ name: "x", shape: [5], datatype, data: values });
    const tensor: Tensor = { name: "x", shape: [5], datatype, data: bytes };
    expect(writeInferRequest(request(tensor), { binary: false }).body).toContain('"data":["NaN","Infinity","-Infinity",-0,1.5]');
    expect(plainOf(tensor).elements).toStrictEqual(["NaN", "Infinity", "-Infinity", -0, 1.5]);
    expect(bytesOf(through(tensor, true))).toStrictEqual(bytes);
  });

  test("BYTES of which some are not UTF-8 are base64, and say so", () => {
    const bytes = Uint8Array.of(2, 0, 0, 0, 0xff, 0xfe, 2, 0, 0, 0, 0x6f, 0x6b);
    const tensor: Tensor = { name: "x", shape: [2], datatype: "BYTES", data: bytes, parameters: { kept: 1 } };
    const written = parseJson(String(writeInferRequest(request(tensor), { binary: false }).body));
    const expected = { name: "x", shape: [2], datatype: "BYTES", parameters: { kept: 1, content_type: "base64" }, data: ["//4=", "b2s="] };
    expect(written).toEqual({ inputs: [expected] });
    expect(plainResponse({ model_name: "m", outputs: [tensor] })).toEqual({ model_name: "m", outputs: [expected] });
    expect(bytesOf(through(tensor, true))).toStrictEqual(bytes);
  });
});

describe("an element", () => {
  test.each(INTEGERS)("of %s is an integer in its range", (datatype) => {
    const { least, most } = KINDS[datatype];
    const ends = [exactly(BigInt(least)), exactly(BigInt(most))];
    expect(good(read(datatype, [2], ends)).inputs[0]?.data).toStrictEqual(ends);
    for (const beyond of [BigInt(least) - 1n, BigInt(most) + 1n, 2n ** 70n]) {
      expect(refused(datatype, [2], [1, exactly(beyond)])).toEqual({
        path: "inputs.0.data.1",
        detail: `input "x": element 1 is out of the range of ${datatype}, ${least} to ${most}`,
      });
    }
    for (const other of [0.5, 1e300, "1", true, null, {}, []]) expect(refused(datatype, [2], [1, other]).path).toBe("inputs.0.data.1");
  });

  test("of 64 bits may be written with an exponent", () => {
    const { inputs } = good(
      readInferRequest('{"inputs":[{"name":"x","datatype":"INT64","shape":[3],"data":[1e18,-9223372036854775808e0,1.0]}]}', null),
    );
    const [tensor] = inputs;
    expect(tensor && plainOf(through(tensor, true)).elements).toEqual([10n ** 18n, -(2n ** 63n), 1]);
    expect(refused("INT64", [1], [2 ** 63 * 1.5]).detail).toContain("out of the range");
    const most = readInferRequest('{"inputs":[{"name":"x","datatype":"INT64","shape":[1],"data":[9.223372036854775808e18]}]}', null);
    expect(most.ok).toBe(false);
  });

  test.each(FLOATS)("of %s is a number that is finite in it", (datatype) => {
    const { limit } = KINDS[datatype];
    const most = datatype === "FP64" ? Number.MAX_VALUE : limit * (1 - Number.EPSILON);
    const { inputs } = good(read(datatype, [2], [most, -most]));
    const [tensor] = inputs;
    expect(tensor && plainOf(through(tensor, true)).elements.every(Number.isFinite)).toBe(true);
    if (datatype !== "FP64") {
      expect(refused(datatype, [2], [limit, 0])).toEqual({
        path: "inputs.0.data.0",
        detail: `input "x": element 0 is out of the range of ${datatype}`,
      });
      expect(refused(datatype, [1], [-limit]).detail).toContain("out of the range");
    }
    expect(refused(datatype, [1], [2n ** 1023n * 3n]).detail).toMatch(/out of the range|too large/);
    for (const other of ["1", "nan", true, {}]) expect(refused(datatype, [1], [other]).detail).toBe('input "x": element 0 is not a number');
    expect(read(datatype, [1], [2n ** 60n]).ok).toBe(datatype !== "FP16");
  });

  test.each(FLOATS)("of %s that JSON has no number for is null or its name, and stays what it is", (datatype) => {
    const { inputs } = good(read(datatype, [5], [1.5, null, "NaN", "Infinity", "-Infinity"]));
    expect(inputs[0]?.data).toEqual([1.5, Number.NaN, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    const [tensor] = inputs;
    expect(tensor && plainOf(through(tensor, true)).elements).toEqual([1.5, "NaN", "NaN", "Infinity", "-Infinity"]);
    expect(tensor && plainOf(through(tensor, false)).elements).toEqual([1.5, "NaN", "NaN", "Infinity", "-Infinity"]);
  });

  test("of a float that is a large whole number is the double nearest to it", () => {
    expect(good(read("FP64", [2], [12345678901234567891n, 1])).inputs[0]?.data).toStrictEqual([12345678901234567000, 1]);
  });

  test.each([
    ["BOOL", 1, "is not a boolean"],
    ["BOOL", "true", "is not a boolean"],
    ["BYTES", 1, "is not text"],
    ["BYTES", null, "is not text"],
    ["BYTES", "\ud800", "is not valid Unicode"],
  ])("of %s is not %j", (datatype, element, flaw) => {
    expect(refused(datatype, [1], [element]).detail).toBe(`input "x": element 0 ${flaw}`);
  });
});

describe("data", () => {
  test.each([
    [
      [2, 3],
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ],
    [
      [2, 3],
      [1, 2, 3, 4, 5, 6],
    ],
    [
      [1, 2, 3],
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ],
    [
      [2, 1, 3],
      [[[1, 2, 3]], [[4, 5, 6]]],
    ],
    [[6], [[1, 2, 3, 4, 5, 6]]],
    [[], [1]],
    [[], [[1]]],
    [[0], []],
    [
      [2, 0],
      [[], []],
    ],
    [[2, 0], []],
    [
      [2, 0, 3],
      [[], []],
    ],
    [[0, 3], []],
  ])("of shape %j may be %j", (shape, data) => {
    expect(good(read("INT64", shape, data)).inputs[0]?.data).toEqual(data.flat(3));
  });

  test.each([
    [
      [2, 3],
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      "is not nested",
    ],
    [
      [2, 3],
      [
        [1, 2, 3],
        [4, 5],
      ],
      "is not nested",
    ],
    [[2, 3], [[1, 2, 3, 4, 5, 6], []], "is not nested"],
    [[2, 2], [[1, 2], 3], "is not nested"],
    [[2, 2], [1, [2], 3, 4], "element 1 is not an integer"],
    [
      [2, 2],
      [
        [1, 2],
        [3, [4]],
      ],
      "element 3 is not an integer",
    ],
    [[2], [[[1], [2]], []], "is not nested"],
    [[0], [[1]], "is not nested"],
    [[2, 3], [1, 2, 3, 4, 5], "shape [2, 3] needs 6 elements, data has 5"],
    [[], [1, 2], "shape [] needs 1 elements, data has 2"],
    [[0], [1], "shape [0] needs 0 elements, data has 1"],
    [[2], "12", "data is not an array"],
    [[2], undefined, "has no data"],
    [[2], null, "has no data"],
  ])("of shape %j may not be %j", (shape, data, flaw) => {
    const { path, detail } = refused("INT64", shape, data);
    expect(path).toMatch(/^inputs\.0\.data/);
    expect(detail).toContain('input "x"');
    expect(detail).toContain(flaw);
  });
});

describe("a shape", () => {
  test.each([
    ["no array", 4],
    ["an object", { 0: 1 }],
    ["a negative size", [-1, 2]],
    ["a fraction", [1.5]],
    ["text", ["2"]],
    ["null", [null]],
    ["a size beyond doubles", [2n ** 60n]],
    ["a product beyond doubles", [2 ** 40, 2 ** 40]],
    ["a product beyond all numbers", Array.from({ length: 64 }, () => 2 ** 50)],
    ["too many dimensions", Array.from({ length: 65 }, () => 1)],
    ["missing", undefined],
    ["enormous and empty", [1e9, 0]],
    ["enormous and empty the other way", [0, 1_000, 1_000]],
  ])("that is %s is refused where it stands", (_, shape) => {
    const { path, detail } = refused("BOOL", shape, []);
    expect(path).toBe("inputs.0.shape");
    expect(detail).toContain('input "x"');
  });

  test("of 64 dimensions is fine", () => {
    const shape = Array.from({ length: 64 }, () => 1);
    expect(good(read("BOOL", shape, nested([true], shape))).inputs[0]?.data).toEqual([true]);
  });
});

test.each([
  [{}, "inputs.0.name", "input without a name"],
  [{ name: 1 }, "inputs.0.name", "input without a name"],
  [{ name: "x" }, "inputs.0.datatype", 'input "x" has no datatype'],
  [{ name: "x", datatype: "float" }, "inputs.0.datatype", 'input "x" has an unknown datatype'],
  [{ name: "x".repeat(9_999), datatype: "BOOL" }, "inputs.0.shape", `input "${"x".repeat(64)}…" has no shape`],
  [{ name: 'a"\n', datatype: "BOOL" }, "inputs.0.shape", 'input "a\\"\\n" has no shape'],
  [null, "inputs.0", "input is not an object"],
  [[], "inputs.0", "input is not an object"],
])("a tensor %j is refused at %s", (tensor, path, detail) => {
  const result = readInferRequest(writeJson({ inputs: [tensor] }), null);
  const { fault } = result.ok ? expect.fail("accepted") : result;
  expect({ path: fault.path.join("."), detail: fault.detail.split(";")[0] }).toEqual({ path, detail });
});

/**
 * Requests and responses of the Open Inference Protocol as bodies: JSON, JSON and raw data, raw data alone. What is
 * hostile is refused with a place, never thrown at and never allocated for.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseJson } from "../../src/encoding/json.ts";
import { DATATYPES } from "../../src/tensors/datatype.ts";
import {
  type InferRequest,
  type InferResponse,
  rawInferRequest,
  readInferRequest,
  readInferResponse,
  selectOutputs,
  wantsOf,
} from "../../src/tensors/infer.ts";
import { type Read, type Tensor, isObject, plainOf } from "../../src/tensors/tensor.ts";
import {
  type Written,
  contentOf,
  headOf,
  plainResponse,
  tensorsType,
  writeInferRequest,
  writeInferResponse,
} from "../../src/tensors/wire.ts";

const good = <T>(read: Read<T>): T => (read.ok ? read.value : expect.fail(read.fault.detail));
const bad = (read: Read<unknown>) => (read.ok ? expect.fail("accepted") : { path: read.fault.path.join("."), detail: read.fault.detail });

/** A body of JSON and raw data, with the length of the JSON. */
function body(head: unknown, ...tail: number[]): { bytes: Uint8Array; headLength: number } {
  const json = new TextEncoder().encode(typeof head === "string" ? head : JSON.stringify(head));
  return { bytes: Uint8Array.of(...json, ...tail), headLength: json.length };
}
const requestOf = ({ bytes, headLength }: { bytes: Uint8Array; headLength: number }) => readInferRequest(bytes, headLength);

/** The JSON of what was written, and the bytes after it. */
function parts({ body: written, headLength }: Written): { head: unknown; tail: number[] } {
  if (typeof written === "string" || headLength === null) return expect.fail("no raw data");
  return { head: parseJson(new TextDecoder().decode(written.subarray(0, headLength))), tail: [...written.subarray(headLength)] };
}

const INT8: Tensor = { name: "a", shape: [3], datatype: "INT8", data: [1, -2, 3] };
const TEXT: Tensor = { name: "b", shape: [1, 2], datatype: "BYTES", data: ["é", ""] };
const RAW_TEXT = [2, 0, 0, 0, 0xc3, 0xa9, 0, 0, 0, 0];

describe("a request with raw data", () => {
  const head = {
    id: "7",
    model_name: "ignored",
    parameters: { priority: 1, binary_data_output: true },
    inputs: [
      { name: "a", shape: [3], datatype: "INT8", parameters: { binary_data_size: 3, kept: "x" } },
      { name: "json", shape: [2], datatype: "BOOL", data: [true, false] },
      { name: "b", shape: [1, 2], datatype: "BYTES", parameters: { binary_data_size: 10 } },
      { name: "none", shape: [0, 4], datatype: "FP32", parameters: { binary_data_size: 0 } },
    ],
    outputs: [{ name: "y", parameters: { binary_data: false, classification: 2 } }],
  };

  test("is read in the order of its JSON, whose own parameters are gone and all others kept", () => {
    const request = good(requestOf(body(head, 1, 0xfe, 3, ...RAW_TEXT)));
    expect(request).toEqual({
      id: "7",
      parameters: { priority: 1, binary_data_output: true },
      inputs: [
        { name: "a", shape: [3], datatype: "INT8", data: Uint8Array.of(1, 0xfe, 3), parameters: { kept: "x" } },
        { name: "json", shape: [2], datatype: "BOOL", data: [true, false] },
        { name: "b", shape: [1, 2], datatype: "BYTES", data: Uint8Array.of(...RAW_TEXT) },
        { name: "none", shape: [0, 4], datatype: "FP32", data: new Uint8Array() },
      ],
      outputs: [{ name: "y", parameters: { binary_data: false, classification: 2 } }],
    });
    expect(request.inputs.map((tensor) => plainOf(tensor).elements)).toEqual([[1, -2, 3], [true, false], ["é", ""], []]);
  });

  test("is written for a server without the wishes of the client, which are its own", () => {
    const request = good(requestOf(body(head, 1, 0xfe, 3, ...RAW_TEXT)));
    const inputs = (raw: boolean) => [
      {
        name: "a",
        shape: [3],
        datatype: "INT8",
        parameters: { kept: "x", ...(raw ? { binary_data_size: 3 } : {}) },
        ...(raw ? {} : { data: [1, -2, 3] }),
      },
      { name: "json", shape: [2], datatype: "BOOL", ...(raw ? { parameters: { binary_data_size: 2 } } : { data: [true, false] }) },
      { name: "b", shape: [1, 2], datatype: "BYTES", ...(raw ? { parameters: { binary_data_size: 10 } } : { data: ["é", ""] }) },
      { name: "none", shape: [0, 4], datatype: "FP32", ...(raw ? { parameters: { binary_data_size: 0 } } : { data: [] }) },
    ];
    const outputs = [{ name: "y", parameters: { classification: 2 } }];
    const asJson = writeInferRequest(request, { binary: false });
    expect(asJson.headLength).toBeNull();
    expect(parseJson(String(asJson.body))).toEqual({ id: "7", parameters: { priority: 1 }, outputs, inputs: inputs(false) });
    expect(parts(writeInferRequest(request, { binary: true }))).toEqual({
      head: { id: "7", parameters: { priority: 1, binary_data_output: true }, outputs, inputs: inputs(true) },
      tail: [1, 0xfe, 3, 1, 0, ...RAW_TEXT],
    });
  });

  test("of the published example is read", () => {
    const published = {
      model_name: "mymodel",
      inputs: [
        { name: "input0", shape: [2, 2], datatype: "UINT32", parameters: { binary_data_size: 16 } },
        { name: "input1", shape: [3], datatype: "BOOL", parameters: { binary_data_size: 3 } },
      ],
      outputs: [{ name: "output0", parameters: { binary_data: true } }],
    };
    const request = good(requestOf(body(published, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 0, 1)));
    expect(request.inputs.map((tensor) => plainOf(tensor).elements)).toEqual([
      [1, 2, 3, 4_294_967_295],
      [true, false, true],
    ]);
    expect(wantsOf(request)).toEqual({ binary: false, outputs: [{ name: "output0", binary: true }] });
  });

  const input = (parameters: unknown, more: object = {}) => ({
    inputs: [{ name: "a", shape: [3], datatype: "INT8", parameters, ...more }],
  });
  const at = "inputs.0.parameters.binary_data_size";
  test.each([
    [
      "less than its size",
      body(input({ binary_data_size: 3 }), 1, 2),
      at,
      'input "a": binary_data_size is 3, but only 2 bytes are left in the body',
    ],
    ["more than its size", body(input({ binary_data_size: 3 }), 1, 2, 3, 4), "", "1 bytes follow the data of the last input"],
    ["another size than its shape", body(input({ binary_data_size: 4 }), 1, 2, 3, 4), at, 'input "a": shape [3] needs 3 bytes, data has 4'],
    ["a negative size", body(input({ binary_data_size: -3 }), 1, 2, 3), at, 'input "a": binary_data_size is not a size in bytes'],
    ["a fraction for a size", body(input({ binary_data_size: 2.5 }), 1, 2, 3), at, 'input "a": binary_data_size is not a size in bytes'],
    ["a size of text", body(input({ binary_data_size: "3" }), 1, 2, 3), at, 'input "a": binary_data_size is not a size in bytes'],
    [
      "a size beyond doubles",
      body('{"inputs":[{"name":"a","shape":[3],"datatype":"INT8","parameters":{"binary_data_size":9007199254740993}}]}', 1),
      at,
      'input "a": binary_data_size is not a size in bytes',
    ],
    [
      "data as well",
      body(input({ binary_data_size: 3 }, { data: [1, 2, 3] }), 1, 2, 3),
      at,
      'input "a" has both data and binary_data_size',
    ],
    ["neither data nor size", body(input({}), 1, 2, 3), "inputs.0.data", 'input "a" has no data'],
    ["bytes that nobody names", body(input({}, { data: [1, 2, 3] }), 1, 2, 3), "", "3 bytes follow the data of the last input"],
    [
      "BYTES whose length leads out",
      body(input({ binary_data_size: 5 }, { datatype: "BYTES" }), 2, 0, 0, 0, 0),
      at,
      'input "a": the lengths of its elements don\'t add up to its 5 bytes',
    ],
    [
      "BYTES whose length is enormous",
      body(input({ binary_data_size: 4 }, { datatype: "BYTES" }), 255, 255, 255, 255),
      at,
      'input "a": the lengths of its elements don\'t add up to its 4 bytes',
    ],
    [
      "BYTES with half a length",
      body(input({ binary_data_size: 3 }, { datatype: "BYTES" }), 0, 0, 0),
      at,
      'input "a": the lengths of its elements don\'t add up to its 3 bytes',
    ],
    [
      "BYTES of another number",
      body(input({ binary_data_size: 8 }, { datatype: "BYTES" }), 0, 0, 0, 0, 0, 0, 0, 0),
      at,
      'input "a": shape [3] needs 3 elements, data has 2',
    ],
    [
      "an enormous shape",
      body(input({ binary_data_size: 3 }, { shape: [2 ** 26, 2 ** 26] }), 1, 2, 3),
      at,
      `input "a": shape [${2 ** 26}, ${2 ** 26}] needs ${2 ** 52} bytes, data has 3`,
    ],
  ])("that has %s is refused", (_, sent, path, detail) => {
    expect(bad(requestOf(sent))).toEqual({ path, detail });
  });

  test("is refused where the length of its JSON is wrong", () => {
    const { bytes, headLength } = body(input({ binary_data_size: 3 }), 1, 2, 3);
    for (const wrong of [0, 1, headLength - 1, headLength + 1, bytes.length + 1, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]) {
      expect({ wrong, path: bad(readInferRequest(bytes, wrong)).path }).toEqual({ wrong, path: "" });
      expect({ wrong, path: bad(readInferResponse(bytes, wrong)).path }).toEqual({ wrong, path: "" });
    }
    expect(bad(readInferRequest(bytes.subarray(0, headLength), null))).toEqual({
      path: at,
      detail: 'input "a" has binary_data_size, but without Inference-Header-Content-Length the body is JSON alone',
    });
  });

  test("may be text, where no byte of it is not", () => {
    const { headLength } = body(input({ binary_data_size: 3 }));
    const text = `${JSON.stringify(input({ binary_data_size: 3 }))}abc`;
    expect(good(readInferRequest(text, headLength)).inputs[0]?.data).toEqual(Uint8Array.of(97, 98, 99));
  });
});

describe("a request", () => {
  const inputs = [{ name: "a", shape: [1], datatype: "BOOL", data: [true] }];

  test("needs no more than inputs, and takes null for what is left out", () => {
    const least = { inputs: [{ name: "a", shape: [1], datatype: "BOOL", data: [true] }] };
    expect(good(readInferRequest(JSON.stringify({ inputs }), null))).toEqual(least);
    const nulls = { id: null, parameters: null, outputs: null, inputs: [{ ...inputs[0], parameters: null }] };
    expect(good(readInferRequest(JSON.stringify(nulls), null))).toEqual(least);
    expect(good(readInferRequest('{"inputs":[]}', null))).toEqual({ inputs: [] });
    expect(writeInferRequest({ inputs: [] }, { binary: false }).body).toBe('{"inputs":[]}');
    expect(parts(writeInferRequest({ inputs: [] }, { binary: true }))).toEqual({
      head: { parameters: { binary_data_output: true }, inputs: [] },
      tail: [],
    });
  });

  test.each([
    ["no JSON", "{", "", /malformed/],
    ["a number that overflows", '{"inputs":[1e999]}', "", /too large/],
    ["an array", "[]", "", /not a JSON object/],
    ["no inputs", "{}", "inputs", /there are no inputs/],
    ["inputs that are none", '{"inputs":{}}', "inputs", /not an array/],
    ["an id that is a number", '{"inputs":[],"id":7}', "id", /id is not text/],
    ["parameters that are an array", '{"inputs":[],"parameters":[]}', "parameters", /not an object/],
    ["a parameter that is nested", '{"inputs":[],"parameters":{"a":{"b":1}}}', "parameters.a", /parameter "a"/],
    ["a parameter that is null", '{"inputs":[],"parameters":{"a":null}}', "parameters.a", /parameter "a"/],
    ["a wish that is no boolean", '{"inputs":[],"parameters":{"binary_data_output":1}}', "parameters.binary_data_output", /not a boolean/],
    [
      "an input's parameter that is nested",
      '{"inputs":[{"name":"a","shape":[0],"datatype":"BOOL","data":[],"parameters":{"p":[]}}]}',
      "inputs.0.parameters.p",
      /parameter "p"/,
    ],
    ["outputs that are none", '{"inputs":[],"outputs":"y"}', "outputs", /not an array/],
    ["an output without a name", '{"inputs":[],"outputs":[{}]}', "outputs.0.name", /without a name/],
    ["an output twice", '{"inputs":[],"outputs":[{"name":"y"},{"name":"y"}]}', "outputs.1.name", /output "y" is asked for twice/],
    [
      "an output's wish that is no boolean",
      '{"inputs":[],"outputs":[{"name":"y","parameters":{"binary_data":"true"}}]}',
      "outputs.0.parameters.binary_data",
      /not a boolean/,
    ],
    [
      "an input twice",
      `{"inputs":[${JSON.stringify(inputs[0])},${JSON.stringify(inputs[0])}]}`,
      "inputs.1.name",
      /input "a" is given twice/,
    ],
  ])("with %s is refused", (_, text, path, detail) => {
    expect(bad(readInferRequest(text, null))).toEqual({ path, detail: expect.stringMatching(detail) });
  });

  test("keeps exact integers in its parameters, and any name of one", () => {
    const text = '{"parameters":{"sequence_id":18446744073709551615,"__proto__":1},"inputs":[]}';
    const request = good(readInferRequest(text, null));
    expect(request.parameters?.["sequence_id"]).toBe(18446744073709551615n);
    expect(writeInferRequest(request, { binary: false }).body).toBe(text);
    expect(bad(readInferRequest(Uint8Array.of(0x7b, 0xff, 0x7d), null)).detail).toBe("the JSON is not UTF-8");
  });
});

describe("a raw request", () => {
  const of = (datatype: string, shape: number[], size: number) =>
    rawInferRequest(
      Uint8Array.from({ length: size }, (_, index) => index),
      { name: "x", datatype, shape },
    );

  test.each([
    ["of a fixed shape", "FP32", [2, 2], 16, [2, 2]],
    ["of one variable dimension", "FP32", [-1], 32, [8]],
    ["of one variable dimension among others", "INT16", [3, -1, 2], 24, [3, 2, 2]],
    ["of a batch", "FP32", [-1, 4], 16, [1, 4]],
    ["of a batch and a variable dimension", "FP32", [-1, -1], 16, [1, 4]],
    ["of a batch and a variable dimension among others", "FP32", [-1, 2, -1], 16, [1, 2, 2]],
    ["of nothing", "FP32", [-1], 0, [0]],
    ["of a scalar", "FP64", [], 8, []],
  ])("%s has its shape from its size", (_, datatype, shape, size, expected) => {
    const { inputs, parameters } = good(of(datatype, shape, size));
    expect(inputs).toMatchObject([{ name: "x", datatype, shape: expected }]);
    expect(inputs[0]?.data).toHaveLength(size);
    expect(parameters).toEqual({ binary_data_output: true });
  });

  test.each([[[1]], [[-1, 1]], [[-1]], [[1, 1]]])("of BYTES of shape %j is one element, its length put before it", (shape) => {
    const { inputs } = good(rawInferRequest(Uint8Array.of(0x34, 0x32, 0x37), { name: "x", datatype: "BYTES", shape }));
    expect(inputs).toEqual([
      { name: "x", datatype: "BYTES", shape: shape.map(() => 1), data: Uint8Array.of(3, 0, 0, 0, 0x34, 0x32, 0x37) },
    ]);
  });

  test.each([
    ["two variable dimensions", "FP32", [2, -1, -1], 16, "more than one variable dimension"],
    ["three", "FP32", [-1, -1, -1], 16, "more than one variable dimension"],
    ["another size than its shape", "FP32", [2, 2], 12, "shape [2, 2] needs 16 bytes, data has 12"],
    ["no multiple of its rows", "FP32", [-1, 4], 20, "no multiple of 16"],
    ["rows of nothing", "FP32", [-1, 0], 20, "no multiple of 0"],
    ["more than one element of BYTES", "BYTES", [2], 20, "one element of BYTES"],
    ["a model of an unknown type", "TENSOR", [2], 20, "unknown datatype"],
    ["a model of a broken shape", "FP32", [1.5], 6, "not an array of integers"],
  ])("of %s is refused", (_, datatype, shape, size, detail) => {
    expect(bad(of(datatype, shape, size)).detail).toContain(detail);
  });
});

describe("a response", () => {
  const response: InferResponse = { model_name: "m", model_version: "2", id: "7", parameters: { p: true }, outputs: [INT8, TEXT] };
  const asked = (outputs?: InferRequest["outputs"], all?: boolean) =>
    wantsOf({ ...(outputs && { outputs }), ...(all !== undefined && { parameters: { binary_data_output: all } }) });
  const text = (written: Written) => ({ value: parseJson(String(written.body)), headLength: written.headLength });
  const ownHead = { model_name: "m", model_version: "2", id: "7", parameters: { p: true } };
  const jsonA = { name: "a", shape: [3], datatype: "INT8", data: [1, -2, 3] };
  const jsonB = { name: "b", shape: [1, 2], datatype: "BYTES", data: ["é", ""] };
  const rawA = { name: "a", shape: [3], datatype: "INT8", parameters: { binary_data_size: 3 } };
  const rawB = { name: "b", shape: [1, 2], datatype: "BYTES", parameters: { binary_data_size: 10 } };

  test("is JSON with all outputs where nothing is asked for", () => {
    const expected = { value: { ...ownHead, outputs: [jsonA, jsonB] }, headLength: null };
    expect(text(good(writeInferResponse(response, asked())))).toEqual(expected);
    expect(text(good(writeInferResponse(response, asked([], false))))).toEqual(expected);
    expect(plainResponse(response)).toEqual(expected.value);
  });

  test("has the outputs that are asked for, in that order and each in its form", () => {
    expect(text(good(writeInferResponse(response, asked([{ name: "b" }]))))).toMatchObject({
      value: { outputs: [jsonB] },
      headLength: null,
    });
    expect(parts(good(writeInferResponse(response, asked(undefined, true))))).toEqual({
      head: { ...ownHead, outputs: [rawA, rawB] },
      tail: [1, 0xfe, 3, ...RAW_TEXT],
    });
    const mixed = asked([{ name: "b", parameters: { binary_data: true } }, { name: "a" }]);
    expect(parts(good(writeInferResponse(response, mixed)))).toEqual({ head: { ...ownHead, outputs: [rawB, jsonA] }, tail: RAW_TEXT });
    const overridden = asked([{ name: "b", parameters: { binary_data: false } }, { name: "a" }], true);
    expect(parts(good(writeInferResponse(response, overridden)))).toEqual({
      head: { ...ownHead, outputs: [jsonB, rawA] },
      tail: [1, 0xfe, 3],
    });
  });

  test("lacks no output that is asked for, or is refused", () => {
    const wants = asked([{ name: "a" }, { name: "c" }]);
    const expected = { path: "outputs.1.name", detail: 'the model has no output "c"' };
    expect(bad(writeInferResponse(response, wants))).toEqual(expected);
    expect(bad(selectOutputs(response.outputs, wants))).toEqual(expected);
  });

  test("is read back as it was written, whatever the form", () => {
    for (const all of [true, false]) {
      const written = good(writeInferResponse(response, asked(undefined, all)));
      const read = good(readInferResponse(written.body, written.headLength));
      expect({ ...read, outputs: read.outputs.map((tensor) => ({ ...tensor, data: plainOf(tensor).elements })) }).toEqual(response);
      const content = contentOf(written);
      expect(headOf(content.contentType)).toBe(written.headLength);
      expect(good(readInferResponse(content.body, headOf(content.contentType)))).toEqual(read);
    }
  });

  test("of the published example, which lacks the model's name, is read", () => {
    const head = { outputs: [{ name: "output0", shape: [3, 2], datatype: "FP32", parameters: { binary_data_size: 24 } }] };
    const { bytes, headLength } = body(head, ...new Uint8Array(24));
    expect(good(readInferResponse(bytes, headLength))).toMatchObject({ model_name: "", outputs: [{ name: "output0", shape: [3, 2] }] });
  });

  test("is not lost over what does not matter in it", () => {
    const odd = {
      model_name: "m",
      model_version: 2,
      id: 7,
      parameters: { headers: { a: 1 }, kept: 1, none: null },
      outputs: [
        { ...jsonA, parameters: [1] },
        { ...jsonB, parameters: { content_type: "str", nested: [] } },
      ],
    };
    expect(good(readInferResponse(JSON.stringify(odd), null))).toEqual({
      model_name: "m",
      model_version: "2",
      parameters: { kept: 1 },
      outputs: [INT8, { ...TEXT, parameters: { content_type: "str" } }],
    });
  });

  test("that names an output twice is refused", () => {
    expect(bad(readInferResponse(JSON.stringify({ outputs: [jsonA, jsonA] }), null))).toEqual({
      path: "outputs.1.name",
      detail: 'output "a" is given twice',
    });
  });
});

describe("the media type of tensors", () => {
  test.each([
    [tensorsType(17), 17],
    ["application/octet-stream; head=17", 17],
    ["Application/Octet-Stream;Head=17 ", 17],
    ["application/octet-stream", null],
    ["application/octet-stream;head=", null],
    ["application/octet-stream;head=-1", null],
    ["application/octet-stream;head=1e3", null],
    ["application/octet-stream;head=9007199254740993", null],
    ["application/octet-stream;head=1;x=2", null],
    ["application/json", null],
    ["application/json;head=17", null],
    ["", null],
  ])("%s says %s", (type, head) => {
    expect(headOf(type)).toBe(head);
  });
});

describe("whatever comes", () => {
  /** Whether it is refused with few words, or is tensors that both forms can be written of. */
  const survives = (bytes: Uint8Array | string, headLength: number | null): boolean =>
    [readInferRequest(bytes, headLength), readInferResponse(bytes, headLength)].every((read) => {
      if (!read.ok) return read.fault.detail.length > 0 && read.fault.detail.length < 2_000;
      const inputs = "inputs" in read.value ? read.value.inputs : read.value.outputs;
      const written = writeInferRequest({ inputs }, { binary: true });
      const asJson = writeInferRequest({ inputs }, { binary: false });
      return readInferRequest(written.body, written.headLength).ok && isObject(parseJson(String(asJson.body)));
    });
  const anyHead = fc.option(fc.oneof(fc.nat({ max: 300 }), fc.integer(), fc.double()));
  const anySize = fc.oneof(fc.nat({ max: 12 }), fc.constantFrom(0, -1, 1e9, 2 ** 53, 0.5), fc.jsonValue());
  const anyInput = fc.record(
    {
      name: fc.oneof(fc.string(), fc.jsonValue()),
      shape: fc.oneof(fc.array(anySize, { maxLength: 3 }), fc.jsonValue()),
      datatype: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...DATATYPES) }, fc.jsonValue()),
      parameters: fc.oneof(fc.record({ binary_data_size: anySize }, { requiredKeys: [] }), fc.jsonValue()),
      data: fc.oneof(fc.array(fc.jsonValue(), { maxLength: 6 }), fc.jsonValue()),
    },
    { requiredKeys: ["name", "shape", "datatype"] },
  );

  test("random bytes are refused, not thrown at", () => {
    const anyBody = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.string());
    fc.assert(
      fc.property(anyBody, anyHead, (bytes, headLength) => {
        expect(survives(bytes, headLength)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test("tensors of any JSON are read or refused", () => {
    const anyBody = fc.tuple(fc.array(anyInput, { maxLength: 3 }), fc.uint8Array({ maxLength: 40 }), fc.boolean());
    fc.assert(
      fc.property(anyBody, ([tensors, tail, isRaw]) => {
        const { bytes, headLength } = body({ inputs: tensors, outputs: tensors }, ...(isRaw ? tail : []));
        expect(survives(bytes, isRaw ? headLength : null)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  test("a good body that is cut, or of which a byte is changed, is read or refused", () => {
    const written = writeInferRequest({ id: "7", inputs: [INT8, TEXT], outputs: [{ name: "y" }] }, { binary: true });
    const bytes = typeof written.body === "string" ? expect.fail("text") : written.body;
    for (let length = 0; length < bytes.length; length++) expect(survives(bytes.subarray(0, length), written.headLength)).toBe(true);
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
        const changed = bytes.slice();
        changed[at] = byte;
        expect(survives(changed, written.headLength)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test("a small body with an enormous shape costs nothing", () => {
    const before = process.memoryUsage();
    const started = performance.now();
    for (const datatype of DATATYPES) {
      for (const shape of [[2 ** 50], [2 ** 20, 2 ** 20], [1e15, 0], Array.from({ length: 64 }, () => 1e15)]) {
        for (const extra of [
          { data: [] },
          { data: [[[]]] },
          { parameters: { binary_data_size: 2 ** 50 } },
          { parameters: { binary_data_size: 0 } },
        ]) {
          const { bytes, headLength } = body({ inputs: [{ name: "x", datatype, shape, ...extra }] });
          expect(readInferRequest(bytes, "data" in extra ? null : headLength).ok).toBe(false);
        }
      }
    }
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(process.memoryUsage().rss - before.rss).toBeLessThan(200e6);
  });
});

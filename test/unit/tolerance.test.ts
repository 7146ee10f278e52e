/** What servers answer that is not quite the protocol's is read if it can be read in one way only, and never run again. */
import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { oip } from "../../src/backends/oip.ts";
import { NOBODY } from "../../src/backends/identity.ts";
import { parseAnswer, parseTolerantly } from "../../src/encoding/json.ts";
import { readInferResponse } from "../../src/tensors/infer.ts";
import { plainResponse } from "../../src/tensors/wire.ts";

/** What a client is given of an answer to its tensors, as JSON values. */
async function answered(answer: string | Response, input: unknown = { inputs: [{ name: "x", shape: [1], datatype: "FP32", data: [1] }] }) {
  const outside = {
    fetch: async () => (typeof answer === "string" ? new Response(answer) : answer),
    clock: { now: () => 0, after: () => () => {}, timeout: () => new AbortController().signal },
  };
  const outcome = await oip.infer(
    {
      backend: { id: "b", url: "http://gpu", protocol: "oip", remoteModel: "m", credential: null },
      model: "m",
      version: "",
      attempt: { inferenceId: "01990000-0000-7000-8000-000000000001", number: 1 },
      input: { body: JSON.stringify(input), contentType: "application/json" },
      capability: "",
      timeoutMs: 1_000,
      stop: new AbortController().signal,
      identity: NOBODY,
      takeIn: () => Promise.reject(new Error("nothing goes to the bucket")),
      extract: null,
    },
    outside,
  );
  if (outcome.kind !== "done") return outcome;
  const read = readInferResponse(String(outcome.output.body), null);
  return read.ok ? (plainResponse(read.value) as { outputs: { datatype: string; shape: number[]; data: unknown[] }[] }).outputs[0] : read;
}

const output = (datatype: string, shape: string, data: string) =>
  `{"outputs":[{"name":"y","datatype":"${datatype}","shape":${shape},"data":${data}}]}`;

describe("an answer's tensor is read", () => {
  test.each<[string, string, unknown]>([
    ["null in a float", output("FP32", "[2]", "[1.5,null]"), { datatype: "FP32", shape: [2], data: [1.5, "NaN"] }],
    ["the text NaN in a float", output("FP64", "[1]", '["NaN"]'), { data: ["NaN"] }],
    ["bare NaN and infinities", output("FP32", "[3]", "[NaN,-Infinity,Infinity]"), { data: ["NaN", "-Infinity", "Infinity"] }],
    ["bare NaN, nested", output("FP16", "[2,1]", "[[NaN],[1]]"), { shape: [2, 1], data: ["NaN", 1] }],
    ["nan as C and Go write it", output("FP32", "[3]", '["nan","-inf","+Inf"]'), { data: ["NaN", "-Infinity", "Infinity"] }],
    ["floats as text", output("FP32", "[2]", '["1.5","-2e3"]'), { data: [1.5, -2000] }],
    ["a float beyond its type", output("FP32", "[1]", "[1e39]"), { data: ["Infinity"] }],
    ["booleans as 1 and 0", output("BOOL", "[2]", "[1,0]"), { datatype: "BOOL", data: [true, false] }],
    ["booleans as text", output("BOOL", "[2]", '["true","False"]'), { data: [true, false] }],
    ["integers as text", output("INT64", "[2]", '["9007199254740993","-7"]'), { datatype: "INT64", data: [9_007_199_254_740_993n, -7] }],
    ["integers as booleans", output("INT32", "[2]", "[true,false]"), { data: [1, 0] }],
    ["a datatype in lower case", output("fp32", "[1]", "[1.5]"), { datatype: "FP32", data: [1.5] }],
    ["a datatype of numpy", output("float32", "[1]", "[1.5]"), { datatype: "FP32", data: [1.5] }],
    ["a datatype of Triton's configuration", output("TYPE_STRING", "[1]", '["a"]'), { datatype: "BYTES", data: ["a"] }],
    ["a scalar of shape []", output("FP32", "[]", "3.5"), { shape: [], data: [3.5] }],
    ["a scalar of shape [1]", output("INT64", "[1]", "7"), { shape: [1], data: [7] }],
    ["sizes as text", output("INT64", '["1","2"]', "[7,8]"), { shape: [1, 2], data: [7, 8] }],
    ["a size that follows from the others", output("INT64", "[-1,2]", "[1,2,3,4]"), { shape: [2, 2], data: [1, 2, 3, 4] }],
    ["a float beyond all", output("FP64", "[3]", "[1e400,-1E+400,1e-400]"), { data: ["Infinity", "-Infinity", 0] }],
    ["its JSON written twice over", JSON.stringify(output("INT64", "[1]", "[9007199254740993]")), { data: [9_007_199_254_740_993n] }],
    ["its JSON written three times over", JSON.stringify(JSON.stringify(output("INT64", "[1]", "[7]"))), { data: [7] }],
    ["no shape", '{"outputs":[{"name":"y","datatype":"INT64","data":[[1,2],[3,4]]}]}', { shape: [2, 2], data: [1, 2, 3, 4] }],
  ])("with %s", async (_, text, shown) => {
    expect(await answered(text)).toMatchObject(shown as object);
  });

  test.each<[string, (body: string) => Uint8Array<ArrayBuffer>, Record<string, string>]>([
    ["deflate", deflateSync, { "content-encoding": "deflate" }],
    ["gzip, in capitals", gzipSync, { "content-encoding": "GZIP" }],
    ["gzip by its old name", gzipSync, { "content-encoding": "x-gzip" }],
    ["gzip upon gzip", (body) => gzipSync(gzipSync(body)), { "content-encoding": "gzip, gzip" }],
    ["what is no coding", (body) => Buffer.from(body), { "content-encoding": "utf-8" }],
    ["what is no coding, but a member of all objects", (body) => Buffer.from(body), { "content-encoding": "constructor" }],
    ["UTF-16", (body) => Buffer.from(`\ufeff${body}`, "utf16le"), { "content-type": "application/json; charset=utf-16" }],
    ["Latin-1", (body) => Buffer.from(body, "latin1"), { "content-type": 'application/json;charset="iso-8859-1"' }],
    ["UTF-8, though it says Latin-1", (body) => Buffer.from(body), { "content-type": "application/json; charset=iso-8859-1" }],
    ["UTF-8 after a byte order mark", (body) => Buffer.from(`\ufeff${body}`), {}],
  ])("from %s", async (_, encoded, headers) => {
    const answer = new Response(encoded(output("BYTES", "[1]", '["é"]')), { headers });
    expect(await answered(answer)).toMatchObject({ data: ["é"] });
  });

  test("for plain JSON, too, in values that JSON has", async () => {
    const outcome = await answered(output("FP32", "[2]", "[NaN,1]"), { x: [1.5, 2.5] });
    expect(outcome).toMatchObject({ ok: false }); // plain JSON came out, no tensors
  });

  test("as it came if it is as the protocol has it, to the last space", async () => {
    const text = ` ${output("FP32", "[1]", "[ 1.50 ]")} `;
    expect(await answered(text)).toMatchObject({ data: [1.5] });
  });
});

describe("an answer's tensor is refused for good, not run again,", () => {
  test.each([
    ["with an integer that is none", output("INT64", "[1]", '["seven"]')],
    ["with an integer beyond its type", output("INT8", "[1]", '["300"]')],
    ["with a boolean that is none", output("BOOL", "[1]", "[2]")],
    ["with bytes that are numbers", output("BYTES", "[1]", "[7]")],
    ["with a datatype that nobody knows", output("COMPLEX64", "[1]", "[1]")],
    ["with another number of elements than its shape has", output("FP32", "[2]", "[1]")],
    ["with two sizes left open", output("FP32", "[-1,-1]", "[1]")],
    ["that is no JSON", "<html>"],
    ["that is a text of JSON", JSON.stringify("[7]")],
    ["in a coding that it was not asked for", new Response("(\u00b5/\u00fd", { headers: { "content-encoding": "zstd" } })],
    ["without a body", new Response(null, { status: 204 })],
  ])("%s", async (_, answer) => {
    expect(await answered(answer)).toMatchObject({
      kind: "rejected",
      error: { class: "infrastructure", code: "backend_garbage", status: 502 },
    });
  });
});

describe("JSON with bare NaN", () => {
  test.each([
    ["[NaN, -Infinity,Infinity]", '["NaN", "-Infinity","Infinity"]'],
    ['{"a":"NaN, \\" NaN","b":NaN}', '{"a":"NaN, \\" NaN","b":"NaN"}'],
    ['{"NaNs":[1]}', '{"NaNs":[1]}'],
    ['{"a":1.0}', '{"a":1.0}'],
  ])("%s is kept as %s", (text, kept) => {
    expect(parseTolerantly(text)).toMatchObject({ ok: true, value: { text: kept, value: JSON.parse(kept) as unknown } });
  });

  test("is read where an object is written twice over, and a text that holds none stays one", () => {
    expect(parseAnswer(JSON.stringify('{"a":9007199254740993}'))).toMatchObject({ value: { value: { a: 9_007_199_254_740_993n } } });
    for (const text of ['"a"', '"\\"a\\""', '"{"', '"7"', "7"]) expect(parseAnswer(text)).toEqual(parseTolerantly(text));
  });

  test("is read where a number is beyond a double, and a text that looks like one stays", () => {
    expect(parseTolerantly('{"a":[1e400,-1.5E+999],"b":"1e400","c":1e-400}')).toMatchObject({
      value: { text: '{"a":["Infinity","-Infinity"],"b":"1e400","c":1e-400}' },
    });
  });

  test.each(["[NaN", "NaNa", "[-NaN1]", "{NaN:1}x"])("%s is none all the same", (text) => {
    expect(parseTolerantly(text).ok).toBe(false);
  });
});

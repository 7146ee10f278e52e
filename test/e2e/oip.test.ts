/**
 * The Open Inference Protocol over real sockets, through the real runtime: its answers against its own schemas, a client
 * as Triton's, every datatype there and back, and clients that leave.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { Readable } from "node:stream";
import { Ajv } from "ajv";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Deployment, ROOT, deploy, endAll, newFolder, until } from "../support/deployment.ts";
import { hang, startGpu } from "../support/gpu.ts";
import { listening } from "../support/listening.ts";
import { TensorServer } from "../support/tensors.ts";
import { TritonClient, type TritonInput } from "../support/triton.ts";

let deployment: Deployment;
let key: string;
let models = 0;
const closing: (() => void | Promise<void>)[] = [];

beforeAll(async () => {
  deployment = await deploy({ folder: newFolder() });
  const account = await deployment.operator("POST", "/accounts", { name: "Tensors" });
  const limits = { submit: 10_000, read: 10_000, cancel: 10_000 };
  key = String((await deployment.operator("POST", "/keys", { account_id: account["id"], limits }))["key"]);
});

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

afterAll(endAll);

/** A server on a socket of its own; returns its address. */
async function listen(answer: (request: Request) => Promise<Response>): Promise<string> {
  const server = createServer(({ url = "", method = "", headers, ...rest }, response) => {
    void rest;
    void (async () => {
      const incoming = response.req;
      const body = method === "GET" ? null : await new Response(Readable.toWeb(incoming) as ReadableStream).arrayBuffer(); // the same class
      const told = new Request(`http://gpu${url}`, { method, headers: headers as Record<string, string>, body }); // none of these comes twice
      const answered = await answer(told);
      response.writeHead(answered.status, Object.fromEntries(answered.headers));
      for await (const chunk of answered.body ?? []) response.write(chunk);
      response.end();
    })().catch(() => response.destroy());
  });
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return listening(server);
}

async function serve(url: string, more: Record<string, unknown> = {}): Promise<string> {
  const model = `tensors-${++models}`;
  await deployment.operator("POST", "/models", { name: model, versions: ["1"] });
  await deployment.operator("POST", "/backends", {
    model,
    version: "1",
    url,
    protocol: "oip",
    max_concurrency: 4,
    timeout_seconds: 20,
    ...more,
  });
  return model;
}

async function echoing(binary: boolean): Promise<{ model: string; server: TensorServer }> {
  const server = new TensorServer({ binary });
  return { model: await serve(await listen(server.answer)), server };
}

async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(deployment.url + path, {
    method,
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
}

const X = { name: "x", shape: [2, 2], datatype: "FP32", data: [1, 2, 3, 4.5] };

describe("against the protocol's own schemas", () => {
  interface Schemas {
    readonly $defs: Record<string, object>;
    /** By method and path, status and media type; null where nothing is said of the body. */
    readonly answers: Record<string, Record<string, Record<string, object> | null>>;
  }
  const { $defs, answers } = JSON.parse(readFileSync(join(ROOT, "test", "fixtures", "oip-schemas.json"), "utf8")) as Schemas; // ours

  const ajv = new Ajv({ strict: false, allErrors: true });
  /** What is wrong with a value. */
  function faultsOf(schema: object, value: unknown): unknown {
    return ajv.validate({ $defs, ...schema }, value) ? null : ajv.errors;
  }

  /** The bodies that an answer has: of a stream, each event's. */
  async function bodiesOf(answer: Response): Promise<unknown[]> {
    const text = await answer.text();
    if (!answer.headers.get("content-type")?.startsWith("text/event-stream")) return [JSON.parse(text)];
    return text
      .split("\n\n")
      .filter((event) => event !== "")
      .map((event): unknown => JSON.parse(event.replace(/^data: /, "")));
  }

  async function check(endpoint: string, answer: Response): Promise<void> {
    const [media] = (answer.headers.get("content-type") ?? "").split(";");
    const known = answers[endpoint]?.[String(answer.status)];
    expect(known, `${endpoint} ${answer.status}`).not.toBeUndefined();
    const bodies = await bodiesOf(answer);
    expect(bodies).not.toEqual([]);
    // A refusal before a stream is no stream, as Triton has it.
    const schema = known?.[String(media)] ?? known?.["text/event-stream"];
    for (const body of bodies) expect(faultsOf(schema ?? {}, body), `${endpoint} ${JSON.stringify(body)}`).toBeNull();
  }

  const wrong: Record<string, unknown> = { infer: { inputs: [{ ...X, shape: [3] }] }, generate: {}, generate_stream: { text_input: 1 } };
  const right: Record<string, unknown> = {
    infer: {
      id: "42",
      parameters: { a: 1 },
      inputs: [X, { name: "t", shape: [1], datatype: "BYTES", data: ["é"] }],
      outputs: [{ name: "t" }, { name: "x" }],
    },
    generate: { text_input: "one two", parameters: { max_tokens: 5, details: true } },
    generate_stream: { text_input: "one two three" },
  };

  test.each(Object.keys(answers))("%s answers what it should, and refuses as it should", async (endpoint) => {
    for (const binary of [true, false]) {
      const { model, server } = await echoing(binary);
      const [method = "", template = ""] = endpoint.split(" ");
      const path = template.replace("{model}", model).replace("{version}", "1");
      const verb = path.slice(path.lastIndexOf("/") + 1);
      for (const each of [path, path.replace("/versions/1", "")]) {
        const answer = await ask(method, each, right[verb]);
        expect(answer.status).toBe(200);
        await check(endpoint, answer);
        if (wrong[verb]) {
          const refused = await ask(method, each, wrong[verb]);
          expect(refused.ok).toBe(false);
          await check(endpoint, refused);
        }
      }
      // What the client sends is checked as well: requests in JSON.
      for (const { text, headLength } of server.inferences) {
        if (headLength === null) expect(faultsOf({ $ref: "#/$defs/inference_request" }, JSON.parse(text))).toBeNull();
      }
    }
  });

  test("a wrong answer would be noticed", () => {
    expect(faultsOf({ $ref: "#/$defs/inference_response" }, { outputs: [X] })).not.toBeNull();
    expect(faultsOf({ $ref: "#/$defs/inference_response" }, { model_name: "x", outputs: [{ ...X, data: [{}] }] })).not.toBeNull();
  });

  test("the server tells the version of the package", async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string }; // ours
    expect(await (await ask("GET", "/v2")).json()).toMatchObject({ name: "claimcheck", version });
  });
});

/** One tensor of each type, with the bytes that numpy would give. */
const EVERY: readonly (TritonInput & { readonly data: string })[] = [
  { name: "BOOL", shape: [2], datatype: "BOOL", bytes: Uint8Array.of(1, 0), data: "[true,false]" },
  { name: "UINT8", shape: [2], datatype: "UINT8", bytes: Uint8Array.of(0, 255), data: "[0,255]" },
  { name: "UINT16", shape: [1], datatype: "UINT16", bytes: raw(Uint16Array.of(65_535)), data: "[65535]" },
  { name: "UINT32", shape: [1], datatype: "UINT32", bytes: raw(Uint32Array.of(4_294_967_295)), data: "[4294967295]" },
  { name: "UINT64", shape: [1], datatype: "UINT64", bytes: raw(BigUint64Array.of(2n ** 64n - 1n)), data: "[18446744073709551615]" },
  { name: "INT8", shape: [1], datatype: "INT8", bytes: raw(Int8Array.of(-128)), data: "[-128]" },
  { name: "INT16", shape: [2, 1], datatype: "INT16", bytes: raw(Int16Array.of(-32_768, 1)), data: "[-32768,1]" },
  { name: "INT32", shape: [], datatype: "INT32", bytes: raw(Int32Array.of(-7)), data: "[-7]" },
  { name: "INT64", shape: [1], datatype: "INT64", bytes: raw(BigInt64Array.of(-(2n ** 53n) - 1n)), data: "[-9007199254740993]" },
  { name: "FP16", shape: [2], datatype: "FP16", bytes: Uint8Array.of(0, 0x3c, 0xff, 0x7b), data: "[1,65504]" },
  { name: "BF16", shape: [1], datatype: "BF16", bytes: Uint8Array.of(0x80, 0x3f), data: "[1]" },
  { name: "FP32", shape: [1, 2], datatype: "FP32", bytes: raw(Float32Array.of(0.5, -2)), data: "[0.5,-2]" },
  { name: "FP64", shape: [1], datatype: "FP64", bytes: raw(Float64Array.of(0.1)), data: "[0.1]" },
  { name: "BYTES", shape: [2], datatype: "BYTES", bytes: Uint8Array.of(2, 0, 0, 0, 0xc3, 0xa9, 0, 0, 0, 0), data: '["é",""]' },
  { name: "empty", shape: [0, 3], datatype: "FP32", bytes: new Uint8Array(), data: "[]" },
];

function raw(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

describe("a client as Triton's own", () => {
  function client(): TritonClient {
    const made = new TritonClient(deployment.url, { Authorization: `Bearer ${key}` });
    closing.push(() => made.close());
    return made;
  }

  test("finds the server live and ready, and the model, its metadata and its error", async () => {
    const { model } = await echoing(true);
    const triton = client();
    expect(await triton.isServerLive()).toBe(true);
    expect(await triton.isServerReady()).toBe(true);
    expect([await triton.isModelReady(model), await triton.isModelReady(model, "1"), await triton.isModelReady("nope")]).toEqual([
      true,
      true,
      false,
    ]);
    expect(await triton.serverMetadata()).toMatchObject({ name: "claimcheck", extensions: expect.arrayContaining(["binary_tensor_data"]) });
    const tensors = [{ name: "x", datatype: "FP32", shape: [-1, 2] }];
    expect(await triton.modelMetadata(model)).toEqual({
      name: model,
      versions: ["1"],
      platform: "echo_v1",
      inputs: tensors,
      outputs: tensors,
    });
    await expect(triton.modelMetadata("nope")).rejects.toMatchObject({
      status: "404",
      message: 'Request for unknown model: There is no model "nope".',
    });
  });

  test.each([true, false])("infers with raw data both ways, whether the model's server takes it or not: %s", async (binary) => {
    const { model, server } = await echoing(binary);
    const result = await client().infer(model, EVERY, { requestId: "é7" });
    expect(result.head).toMatchObject({ model_name: model, model_version: "1", id: "é7" });
    for (const { name, bytes } of EVERY) expect([name, result.bytes(name)]).toEqual([name, bytes]);
    expect(server.inferences.map(({ headLength }) => headLength !== null)).toEqual([binary]);
  });

  test("gets the outputs that it names, each in the form that it wants, and may compress, prefer and limit", async () => {
    const { model } = await echoing(true);
    const [outputs, inputs] = [[{ name: "BYTES" }, { name: "FP16", binary: false }], EVERY];
    const result = await client().infer(model, inputs, { version: "1", outputs, gzip: true, priority: 2, timeout: 5_000_000 });
    expect(result.head.outputs.map(({ name }) => name)).toEqual(["BYTES", "FP16"]);
    expect(result.head.outputs[1]).toMatchObject({ data: [1, 65_504] });
    expect(result.bytes("BYTES")).toEqual(EVERY.find(({ name }) => name === "BYTES")?.bytes);
    expect(result.bytes("FP16")).toBeNull();
  });

  test("raises its own errors, with the words of the server", async () => {
    const { model } = await echoing(true);
    const short = [{ name: "x", shape: [3], datatype: "INT16", bytes: new Uint8Array(4) }];
    await expect(client().infer(model, short)).rejects.toMatchObject({ status: "400", message: expect.stringContaining('input "x"') });
    await expect(client().infer("nope", EVERY)).rejects.toMatchObject({ status: "404" });
    const stranger = new TritonClient(deployment.url, {});
    closing.push(() => stranger.close());
    expect([await stranger.isServerLive(), await stranger.isServerReady()]).toEqual([true, false]);
    await expect(stranger.infer(model, EVERY)).rejects.toMatchObject({ status: "401" });
  });
});

describe("over sockets", () => {
  test.each([true, false])(
    "every datatype comes back in JSON as it went in JSON, whether the model's server takes raw data or not: %s",
    async (binary) => {
      const { model } = await echoing(binary);
      const tensors = EVERY.map(
        ({ name, shape, datatype, data }) => `{"name":"${name}","shape":${JSON.stringify(shape)},"datatype":"${datatype}","data":${data}}`,
      );
      const answer = await ask("POST", `/v2/models/${model}/infer`, `{"inputs":[${tensors.join(",")}]}`);
      expect(await answer.text()).toBe(`{"model_name":"${model}","model_version":"1","outputs":[${tensors.join(",")}]}`);
    },
  );

  test("the published request runs as it is, where the model takes any JSON", async () => {
    const published = {
      id: "string",
      parameters: {},
      inputs: [{ name: "string", shape: [0], datatype: "string", parameters: {}, data: [null, 0, "string", true] }],
      outputs: [{ name: "string", parameters: {} }],
    };
    const model = await serve(await listen(async () => Response.json({ string: [1.5] })), { protocol: "http" });
    const answer = await ask("POST", `/v2/models/${model}/versions/1/infer`, published, { Accept: "application/json" });
    expect(await answer.json()).toEqual({
      model_name: model,
      model_version: "1",
      id: "string",
      outputs: [{ name: "string", shape: [1], datatype: "FP64", data: [1.5] }],
    });
  });

  test("the sample model answers in tensors", async () => {
    const body = {
      inputs: ["image_path", "product_type"].map((name, index) => ({
        name,
        shape: [1],
        datatype: "BYTES",
        data: [["pictures/sneaker.png"], ["Shoes"]][index],
      })),
    };
    const answer = await fetch(`${deployment.url}/v2/models/color-classification/infer`, {
      method: "POST",
      headers: { Authorization: `Bearer ${deployment.key}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(200);
    const { outputs } = (await answer.json()) as { outputs: { name: string; shape: number[]; datatype: string; data: unknown[] }[] }; // what is checked here
    expect(outputs.map(({ name, shape, datatype }) => ({ name, shape, datatype }))).toEqual(
      ["label", "label_hex", "label_share", "colors", "error"].map((name) => ({
        name,
        shape: [1],
        datatype: name === "label_share" ? "FP32" : "BYTES",
      })),
    );
    expect(outputs.at(-1)?.data).toEqual(["null"]);
    const described = await fetch(`${deployment.url}/v2/models/color-classification`, {
      headers: { Authorization: `Bearer ${deployment.key}` },
    });
    expect(await described.json()).toMatchObject({ name: "color-classification", platform: "claimcheck_colors" });
  });

  test("without waiting, the result is where the answer says", async () => {
    const { model } = await echoing(true);
    const accepted = await ask("POST", `/v2/models/${model}/infer`, { inputs: [X] }, { Prefer: "respond-async" });
    expect([accepted.status, accepted.headers.get("preference-applied")]).toEqual([202, "respond-async"]);
    const location = new URL(String(accepted.headers.get("location"))).pathname;
    await until(async () => ((await (await ask("GET", location)).json()) as { is_final: boolean }).is_final, Boolean);
    const result = await ask("GET", `${location}/result`);
    expect(result.headers.get("content-type")).toBe("application/octet-stream");
    const bytes = Buffer.from(await result.arrayBuffer());
    const length = Number(result.headers.get("inference-header-content-length"));
    expect(JSON.parse(bytes.toString("utf8", 0, length))).toMatchObject({ outputs: [{ name: "x", parameters: { binary_data_size: 16 } }] });
    expect(new Uint8Array(bytes.subarray(length))).toEqual(raw(Float32Array.from(X.data)));
  });

  test("text arrives while the model still speaks", async () => {
    let isDone = false;
    const say = (text: string) => new TextEncoder().encode(`data: ${JSON.stringify({ model_name: "remote", text_output: text })}\n\n`);
    let finish: () => void = () => {};
    const rest = new Promise<void>((resolve) => (finish = resolve));
    const stream = async () => {
      const body = new ReadableStream<Uint8Array>({
        async start(controller) {
          controller.enqueue(say("first "));
          await rest;
          isDone = true;
          controller.enqueue(say("last"));
          controller.close();
        },
      });
      return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
    };
    const model = await serve(await listen(stream));
    const answer = await ask("POST", `/v2/models/${model}/generate_stream`, { text_input: "x" });
    const reader = (answer.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
    const { value } = await reader.read();
    expect([value, isDone]).toEqual([`data: {"model_name":"${model}","model_version":"1","text_output":"first "}\n\n`, false]);
    finish();
    let last = "";
    for (let next = await reader.read(); !next.done; next = await reader.read()) last += next.value;
    expect(last).toBe(`data: {"model_name":"${model}","model_version":"1","text_output":"last"}\n\n`);
  });

  test("a client that leaves has its inference canceled and the model's server let go", async () => {
    const gpu = await startGpu([hang]);
    closing.push(() => gpu.close());
    const model = await serve(gpu.url);
    const leaving = connect(deployment.port, "127.0.0.1");
    await once(leaving, "connect");
    const text = JSON.stringify({ inputs: [X] });
    const head = [
      `POST /v2/models/${model}/infer HTTP/1.1`,
      "Host: claimcheck",
      `Authorization: Bearer ${key}`,
      `Content-Length: ${text.length}`,
    ];
    leaving.write([...head, "", text].join("\r\n"));
    await until(
      async () => gpu.calls.length,
      (calls) => calls === 1,
    );
    // The embedded runtime takes a client's FIN for half of a close; what it is told of at once is a reset.
    const leftAt = Date.now();
    leaving.resetAndDestroy();
    const stoppedAt = await until(
      async () => gpu.calls[0]?.endedAt ?? null,
      (at) => at !== null,
    );
    expect(Number(stoppedAt) - leftAt).toBeLessThan(1_000);
    const list = async () =>
      (await (await ask("GET", `/v2/inference/requests?model_id=${model}`)).json()) as { items: { status: string }[] };
    const { items } = await until(list, ({ items: [item] }) => item?.status === "CANCELED", 20);
    expect(items).toMatchObject([{ status: "CANCELED" }]);
  });
});

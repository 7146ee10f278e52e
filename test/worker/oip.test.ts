/**
 * The Open Inference Protocol through the Worker, as a server and as a client at once: requests as its clients send them,
 * in front of servers that give tensors back, that answer plain JSON, or that lie.
 */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { release, reserve } from "../../src/http/body-memory.ts";
import { prefersAsync } from "../../src/http/prefer.ts";
import { handle } from "../../src/router.ts";
import { writeJson } from "../../src/encoding/json.ts";
import {
  BACKEND_ANSWER_BYTES,
  BODIES_BYTES,
  FORMS_MS,
  FORMS_UNSURE_MS,
  GENERATE_ID_CHARACTERS,
  JSON_BODY_BYTES,
  TENSOR_BODY_BYTES,
} from "../../src/limits.ts";
import { DATATYPES, type Datatype } from "../../src/tensors/datatype.ts";
import { TensorServer } from "../support/tensors.ts";
import { ended, rowOf } from "./support/inferences.ts";
import { asDatabase, stillAs, stillEnv } from "./support/ports.ts";
import { type ScriptedBackend, backendIs, hang } from "./support/outside.ts";
import { newBackend, newModel, newTenant, unknownKey } from "./support/tenants.ts";
import { ORIGIN, as, call, object, operator, until, seen } from "./support/requests.ts";

const HEAD = "Inference-Header-Content-Length";
const encode = (text: string) => new TextEncoder().encode(text);

/** A model in front of a server that gives tensors back. */
async function echoing(binary = false, more: Record<string, unknown> = {}): Promise<{ model: string; server: TensorServer }> {
  const server = new TensorServer({ binary });
  const model = await servedBy(server.answer, more);
  return { model, server };
}

async function servedBy(script: ScriptedBackend, { model = {}, ...backend }: Record<string, unknown> = {}): Promise<string> {
  const name = await newModel(model as Record<string, unknown>); // what a test gives
  await newBackend(name, backend);
  // The health of other tests' backends may be asked for meanwhile.
  const isItsOwn = ({ url }: Request) => new URL(url).hostname.startsWith(name);
  backendIs((request) => (isItsOwn(request) ? script(request) : new Response(null, { status: 404 })), { tellsForms: true });
  return name;
}

const tensor = (name: string, datatype: string, shape: readonly number[], data: unknown, parameters?: unknown) => ({
  name,
  shape,
  datatype,
  ...(parameters === undefined ? {} : { parameters }),
  data,
});
const X = tensor("x", "INT32", [2, 2], [1, 2, 3, 4]);

async function infer(key: string, model: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return as(key, "POST", `/v2/models/${model}/infer`, body, headers);
}

/** JSON and the raw data of its tensors, as clients put them together. */
function raw(head: unknown, ...tails: Uint8Array[]): { body: Blob; length: number } {
  const json = encode(JSON.stringify(head));
  return { body: new Blob([json, ...tails]), length: json.length };
}

function inferRaw(
  key: string,
  model: string,
  { body, length }: { body: BodyInit; length: number },
  headers: Record<string, string> = {},
): Promise<Response> {
  return call(`/v2/models/${model}/infer`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}`, [HEAD]: String(length), ...headers },
    body,
  });
}

/** An answer of JSON and raw data, taken apart by its own header. */
async function apart(answer: Response): Promise<{ head: Record<string, unknown>; tail: number[] }> {
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("application/octet-stream");
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const length = Number(answer.headers.get(HEAD));
  return { head: JSON.parse(new TextDecoder().decode(bytes.subarray(0, length))), tail: [...bytes.subarray(length)] };
}

const refused = (status: number, error: unknown = expect.stringMatching(/\S/)) => ({ status, type: "application/json", body: { error } });

/** The inference that a request was answered with. */
const idOf = (answer: Response) => String(answer.headers.get("x-inference-id"));

describe("the server", () => {
  test.each(["/v2", "/v2/"])("tells strangers at %s what it is", async (path) => {
    const answer = await call(path);
    expect(await seen(answer)).toStrictEqual({
      status: 200,
      type: "application/json",
      body: {
        name: "claimcheck",
        version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
        extensions: expect.arrayContaining(["binary_tensor_data"]),
      },
    });
  });

  test("is called what its operator says, for clients that insist on a name", async () => {
    const { body } = await seen(stillAs("any", "GET", "/v2", undefined, {}, stillEnv({ OIP_SERVER_NAME: "triton" })));
    expect(body).toMatchObject({ name: "triton", version: expect.stringMatching(/^\d/) });
  });

  test("tells strangers that it lives", async () => {
    expect(await seen(call("/v2/health/live"))).toStrictEqual({ status: 200, type: "application/json", body: { live: true } });
  });

  test("is ready while every model that has a backend has one that takes work", async () => {
    const { key } = await newTenant();
    await newModel(); // nobody serves it yet
    const model = await newModel();
    const backends = [await newBackend(model), await newBackend(model)];
    expect(await seen(as(key, "GET", "/v2/health/ready"))).toStrictEqual({ status: 200, type: "application/json", body: { ready: true } });
    await operator("PATCH", `/backends/${backends[0]}`, { state: "paused" });
    expect((await as(key, "GET", "/v2/health/ready")).status).toBe(200);
    await operator("PATCH", `/backends/${backends[1]}`, { state: "draining" });
    const answer = await as(key, "GET", "/v2/health/ready");
    expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(await seen(answer)).toStrictEqual({
      status: 503,
      type: "application/json",
      body: { ready: false, error: expect.stringContaining(model) },
    });
    await operator("PATCH", `/backends/${backends[1]}`, { state: "active" });
    expect((await as(key, "GET", "/v2/health/ready")).status).toBe(200);
  });

  test("lists its models by name", async () => {
    const { key } = await newTenant();
    const names = [await newModel(), await newModel()];
    const { status, body } = await seen(as(key, "GET", "/v2/models"));
    expect(status).toBe(200);
    expect(body).toStrictEqual({ models: expect.arrayContaining(names) });
  });
});

describe("a model", () => {
  test("is ready while a backend of it takes work: neither paused nor resting", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const ready = () => seen(as(key, "GET", `/v2/models/${model}/ready`));
    const not = { status: 503, type: "application/json", body: { name: model, ready: false, error: expect.stringContaining(model) } };
    expect(await ready()).toStrictEqual(not);
    const backend = await newBackend(model);
    expect(await ready()).toStrictEqual({ status: 200, type: "application/json", body: { name: model, ready: true } });
    await env.DB.prepare("UPDATE backends SET failures = 5, rested_until = 4102444800000 WHERE id = ?").bind(backend).run();
    expect(await ready()).toStrictEqual(not);
    await env.DB.prepare("UPDATE backends SET rested_until = 1 WHERE id = ?").bind(backend).run();
    expect((await ready()).status).toBe(200);
    await operator("PATCH", `/backends/${backend}`, { state: "paused" });
    expect(await ready()).toStrictEqual(not);
  });

  test("is ready in the version that is asked for, by default its default", async () => {
    const { key } = await newTenant();
    const model = await newModel({ versions: ["1", "2"] });
    await newBackend(model, { version: "1" });
    const statuses = ["", "/versions/1", "/versions/2", "/versions/3"].map(
      async (version) => (await as(key, "GET", `/v2/models/${model}${version}/ready`)).status,
    );
    expect(await Promise.all(statuses)).toEqual([503, 200, 503, 404]);
  });

  test("is described as its backend describes it, under our name and versions, and the backend is asked once in a while", async () => {
    const { key } = await newTenant();
    const { model, server } = await echoing(false, { model: { versions: ["1", "2"] }, version: "2", remote_model: "over/there" });
    const tensors = [{ name: "x", datatype: "FP32", shape: [-1, 2] }];
    for (const version of ["", "/versions/2", ""]) {
      expect(await seen(as(key, "GET", `/v2/models/${model}${version}`))).toStrictEqual({
        status: 200,
        type: "application/json",
        body: { name: model, versions: ["1", "2"], platform: "echo_v1", inputs: tensors, outputs: tensors },
      });
    }
    expect(server.calls.map(({ path }) => path)).toEqual(["/v2/models/over%2Fthere/versions/2"]);
  });

  test.each<[string, ScriptedBackend]>([
    ["no JSON", () => new Response("<html>")],
    ["no object", () => Response.json(["x"])],
    ["a refusal", () => new Response(null, { status: 404 })],
    ["nothing", () => Promise.reject(new Error("unreachable"))],
    ["what is not the protocol's", () => Response.json({ platform: 7, inputs: [{ name: "x" }], outputs: "y", properties: [1] })],
  ])("is described by what we know where its backend answers %s", async (_name, script) => {
    const { key } = await newTenant();
    const model = await servedBy(script);
    expect(await object(as(key, "GET", `/v2/models/${model}`))).toStrictEqual({
      name: model,
      versions: [],
      platform: "claimcheck_oip",
      inputs: [],
      outputs: [],
    });
  });

  test.each([
    ["http", "claimcheck_http"],
    ["openai", "claimcheck_openai"],
    [null, "claimcheck_none"],
  ])("whose backend speaks %s says so, and nobody is asked", async (protocol, platform) => {
    const { key } = await newTenant();
    const model = await newModel();
    if (protocol) await newBackend(model, { protocol });
    backendIs(() => expect.fail("asked"));
    expect(await object(as(key, "GET", `/v2/models/${model}`))).toMatchObject({ name: model, platform });
  });

  test("whose first backend is silent is described by the next", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    await newBackend(model, { url: "https://silent.gpu.test" });
    await newBackend(model, { url: "https://telling.gpu.test" });
    backendIs(({ url }) => (url.includes("silent") ? new Response(null, { status: 500 }) : Response.json({ platform: "told_v1" })));
    expect(await object(as(key, "GET", `/v2/models/${model}`))).toMatchObject({ platform: "told_v1" });
  });
});

describe("statistics", () => {
  const took = (count: number, ns: number) => ({ count, ns });
  const of = (name: string, more: Record<string, unknown> = {}, stats: Record<string, unknown> = {}) => ({
    name,
    last_inference: 0,
    inference_count: 0,
    execution_count: 0,
    response_stats: {},
    batch_stats: [],
    memory_usage: [],
    ...more,
    inference_stats: {
      ...Object.fromEntries(["success", "fail", "queue", "compute_input", "compute_infer"].map((part) => [part, took(0, 0)])),
      ...Object.fromEntries(["compute_output", "cache_hit", "cache_miss"].map((part) => [part, took(0, 0)])),
      ...stats,
    },
  });

  test("of a model are of the account's own inferences: how many ended how, how long they waited and how long they were worked at", async () => {
    const { key } = await newTenant();
    const stranger = await newTenant();
    let refuses = false;
    const server = new TensorServer({ binary: false });
    const model = await servedBy((request) => (refuses ? Response.json({ error: "no" }, { status: 400 }) : server.answer(request)));
    const set = async (answer: Response, submittedAt: number, ms: number, runMs: number) => {
      const times = env.DB.prepare("UPDATE inferences SET created_at = ?2, finished_at = ?2 + ?3, run_ms = ?4 WHERE id = ?1");
      await times.bind(idOf(answer), submittedAt, ms, runMs).run();
      return answer.status;
    };
    expect(await set(await infer(key, model, { inputs: [X] }), 1_000, 50, 20)).toBe(200);
    expect(await set(await infer(key, model, { inputs: [X] }), 5_000, 30, 25)).toBe(200);
    refuses = true;
    expect(await set(await infer(key, model, { inputs: [X] }), 3_000, 7, 7)).toBe(400);
    await infer(stranger.key, model, { inputs: [X] });
    const canceled = await infer(key, await newModel(), { inputs: [X] }, { Prefer: "respond-async" });
    await as(key, "POST", `/v1/inferences/${idOf(canceled)}/cancel`);

    const mine = of(
      model,
      { last_inference: 5_000, inference_count: 4, execution_count: 2 },
      { success: took(2, 80e6), fail: took(1, 7e6), queue: took(2, 35e6), compute_infer: took(2, 45e6) },
    );
    expect(await seen(as(key, "GET", `/v2/models/${model}/stats`))).toStrictEqual({
      status: 200,
      type: "application/json",
      body: { model_stats: [mine] },
    });
    const all = await object(as(key, "GET", "/v2/models/stats"));
    expect(all["model_stats"]).toContainEqual(mine);
    const submittedAt = (await rowOf(idOf(canceled)))["created_at"];
    expect(all["model_stats"]).toContainEqual(
      of(String((await rowOf(idOf(canceled)))["model"]), { last_inference: submittedAt }, { fail: took(1, expect.any(Number) as number) }),
    );
  });

  test("of a model with versions are of each, or of the one that is asked for; what is not there is not found", async () => {
    const { key } = await newTenant();
    const { model } = await echoing(false, { model: { versions: ["1", "2"] }, version: "2" });
    expect((await as(key, "POST", `/v2/models/${model}/versions/2/infer`, { inputs: [X] })).status).toBe(200);
    const counted = async (path: string) => {
      const { model_stats } = (await object(as(key, "GET", `/v2/models/${model}${path}/stats`))) as { model_stats: unknown };
      return model_stats;
    };
    const one = of(model, { version: "1" });
    const two = expect.objectContaining({ name: model, version: "2", execution_count: 1 }) as unknown;
    expect(await counted("")).toStrictEqual([one, two]);
    expect(await counted("/versions/1")).toStrictEqual([one]);
    expect(await counted("/versions/2")).toStrictEqual([two]);
    const unknown = refused(404, expect.stringContaining("Request for unknown model"));
    expect(await seen(as(key, "GET", `/v2/models/${model}/versions/3/stats`))).toStrictEqual(unknown);
    expect(await seen(as(key, "GET", "/v2/models/nothing/stats"))).toStrictEqual(unknown);
  });
});

describe("an inference", () => {
  test("answers what the model answers, under the names that its client knows", async () => {
    const { key } = await newTenant();
    const { model } = await echoing(false, { model: { versions: ["3"] }, version: "3" });
    for (const version of ["", "/versions/3"]) {
      const answer = await as(key, "POST", `/v2/models/${model}${version}/infer`, { id: "42", inputs: [X] });
      expect(answer.headers.get("vary")).toBe("Prefer");
      expect(answer.headers.get("cache-control")).toBe("private, no-store");
      expect(await seen(answer)).toStrictEqual({
        status: 200,
        type: "application/json",
        body: { model_name: model, model_version: "3", id: "42", outputs: [X] },
      });
    }
  });

  test.each(["", "7", " a\n\u0000b ", "日本語 🙂", "\ud800", '"}{'])("echoes the id %j, and makes none up", async (id) => {
    const { key } = await newTenant();
    const { model } = await echoing();
    expect(await object(infer(key, model, { id, inputs: [X] }))).toStrictEqual({ model_name: model, id, outputs: [X] });
    expect(await object(infer(key, model, { inputs: [X] }))).toStrictEqual({ model_name: model, outputs: [X] });
  });

  test("keeps integers beyond 2^53, in JSON", async () => {
    const { key } = await newTenant();
    const data = "[18446744073709551615,9007199254740993]";
    for (const binary of [false, true]) {
      const { model } = await echoing(binary);
      const answer = await infer(key, model, `{"inputs":[{"name":"x","shape":[2],"datatype":"UINT64","data":${data}}]}`);
      expect(await answer.text()).toBe(`{"model_name":"${model}","outputs":[{"name":"x","shape":[2],"datatype":"UINT64","data":${data}}]}`);
    }
  });

  test("takes NaN and infinities as bare words, as Triton's clients write them, alone and before raw data", async () => {
    const { key } = await newTenant();
    for (const binary of [false, true]) {
      const { model, server } = await echoing(binary);
      const data = "[NaN,Infinity,-Infinity,null,1.5]";
      const alone = `{"inputs":[{"name":"x","datatype":"FP32","shape":[5],"data":${data}}]}`;
      const answer = await object(infer(key, model, alone));
      expect(answer["outputs"]).toMatchObject([{ data: ["NaN", "Infinity", "-Infinity", "NaN", 1.5] }]);

      const head = `{"inputs":[{"name":"x","datatype":"FP64","shape":[1],"data":[NaN]},{"name":"b","datatype":"UINT8","shape":[2],"parameters":{"binary_data_size":2}}]}`;
      const mixed = { body: new Blob([encode(head), Uint8Array.of(7, 8)]), length: head.length };
      const both = await object(inferRaw(key, model, mixed));
      expect(both["outputs"]).toMatchObject([{ data: ["NaN"] }, { data: [7, 8] }]);
      expect(server.inferences).toHaveLength(2);
    }
  });

  test("takes null where a member is optional, as KServe's client sends it", async () => {
    const { key } = await newTenant();
    const { model } = await echoing();
    const inputs = [{ ...X, parameters: null }];
    const body = { id: null, model_name: null, model_version: null, parameters: null, inputs, outputs: null };
    const answer = await infer(key, model, body);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ outputs: [{ data: [1, 2, 3, 4] }] });
  });

  test("takes data nested as its shape or flat, and gives it back flat", async () => {
    const { key } = await newTenant();
    const { model } = await echoing(true);
    const nested = tensor(
      "x",
      "INT32",
      [2, 2],
      [
        [1, 2],
        [3, 4],
      ],
    );
    expect(await object(infer(key, model, { inputs: [nested] }))).toStrictEqual({ model_name: model, outputs: [X] });
  });

  test("is stored as it came: JSON as its text, raw data with where it begins", async () => {
    const { key } = await newTenant();
    const { model } = await echoing(true);
    const text = `{ "unknown" : 1.0, "inputs" : [ {"name":"x","shape":[1],"datatype":"FP64","data":[1.50]} ] }`;
    expect(await rowOf(idOf(await infer(key, model, text)))).toMatchObject({
      input: text,
      input_type: "application/json",
      input_items: 1,
      capability: "",
    });
    const { body, length } = raw({ inputs: [tensor("x", "INT8", [3], undefined, { binary_data_size: 3 })] }, Uint8Array.of(1, 2, 255));
    const row = await rowOf(idOf(await inferRaw(key, model, { body, length })));
    expect(row).toMatchObject({ input_type: `application/octet-stream;head=${length};base64`, input_items: 3, dialect: "oip" });
    expect(Uint8Array.from(atob(String(row["input"])), (each) => each.charCodeAt(0))).toEqual(new Uint8Array(await body.arrayBuffer()));
  });

  test("gives the outputs that are asked for, in that order, each in its form", async () => {
    const { key } = await newTenant();
    const [a, b] = [tensor("a", "INT8", [2], [1, -1]), tensor("b", "BYTES", [1], ["é"])];
    for (const server of [false, true]) {
      const { model } = await echoing(server);
      const inputs = [a, b];
      const ask = async (outputs: unknown, parameters?: unknown) =>
        infer(key, model, { inputs, outputs, ...(parameters ? { parameters } : {}) });
      expect(await object(ask([{ name: "b" }, { name: "a" }]))).toMatchObject({ outputs: [b, a] });
      expect(await object(ask([{ name: "b" }]))).toMatchObject({ outputs: [b] });
      const names = (head: Record<string, unknown>) =>
        (head["outputs"] as { name: string; parameters?: unknown; data?: unknown }[]).map((it) => it);
      const mixed = await apart(await ask([{ name: "b", parameters: { binary_data: true } }, { name: "a" }]));
      expect(names(mixed.head)).toStrictEqual([{ name: "b", shape: [1], datatype: "BYTES", parameters: { binary_data_size: 6 } }, a]);
      expect(mixed.tail).toEqual([2, 0, 0, 0, 0xc3, 0xa9]);
      const all = await apart(await ask(undefined, { binary_data_output: true }));
      expect(all.tail).toEqual([1, 255, 2, 0, 0, 0, 0xc3, 0xa9]);
      const but = await apart(await ask([{ name: "a", parameters: { binary_data: false } }, { name: "b" }], { binary_data_output: true }));
      expect(names(but.head)).toStrictEqual([a, { name: "b", shape: [1], datatype: "BYTES", parameters: { binary_data_size: 6 } }]);
    }
  });

  test("of an output that the model does not have is refused by name", async () => {
    const { key } = await newTenant();
    const { model } = await echoing(true);
    expect(await seen(infer(key, model, { inputs: [X], outputs: [{ name: "nope" }] }))).toStrictEqual(
      refused(400, 'the model has no output "nope"'),
    );
  });

  test("takes raw data and JSON side by side", async () => {
    const { key } = await newTenant();
    for (const binary of [false, true]) {
      const { model } = await echoing(binary);
      const rawX = tensor("x", "UINT16", [2], undefined, { binary_data_size: 4 });
      const text = tensor("text", "BYTES", [1], ["a"]);
      const rawY = tensor("y", "BOOL", [1], undefined, { binary_data_size: 1 });
      const answer = await inferRaw(key, model, raw({ inputs: [rawX, text, rawY] }, Uint8Array.of(1, 0, 0, 1), Uint8Array.of(1)));
      expect(await seen(answer)).toStrictEqual({
        status: 200,
        type: "application/json",
        body: { model_name: model, outputs: [tensor("x", "UINT16", [2], [1, 256]), text, tensor("y", "BOOL", [1], [true])] },
      });
    }
  });

  test("of data alone is read by what the backend says of its model, and answered in raw data", async () => {
    const { key } = await newTenant();
    for (const binary of [false, true]) {
      const { model } = await echoing(binary);
      const floats = new Uint8Array(Float32Array.of(1, 2, 3, 4.5).buffer);
      const { head, tail } = await apart(await inferRaw(key, model, { body: floats, length: 0 }));
      expect(head).toStrictEqual({
        model_name: model,
        outputs: [{ name: "x", shape: [2, 2], datatype: "FP32", parameters: { binary_data_size: 16 } }],
      });
      expect(tail).toEqual([...floats]);
      expect(await seen(inferRaw(key, model, { body: floats.subarray(4), length: 0 }))).toStrictEqual(
        refused(400, expect.stringContaining('input "x"')),
      );
    }
  });

  test("of data alone is refused where nobody says which input the model has, or it has more than one", async () => {
    const { key } = await newTenant();
    const body = Uint8Array.of(1);
    const two = [
      { name: "a", datatype: "INT8", shape: [1] },
      { name: "b", datatype: "INT8", shape: [1] },
    ];
    const many = await servedBy(() => Response.json({ platform: "x", inputs: two, outputs: [] }));
    expect(await seen(inferRaw(key, many, { body, length: 0 }))).toStrictEqual(refused(400, expect.stringContaining("one input")));
    const silent = await servedBy(() => new Response(null, { status: 404 }));
    expect(await seen(inferRaw(key, silent, { body, length: 0 }))).toStrictEqual(refused(503));
    const plain = await servedBy(() => Response.json({}), { protocol: "http" });
    expect(await seen(inferRaw(key, plain, { body, length: 0 }))).toStrictEqual(refused(501));
  });

  test.each([
    ["gzip", "gzip"],
    ["deflate", "deflate"],
    ["GZIP", "gzip"],
  ] as const)("takes a body in %s, of either form", async (encoding, format) => {
    const { key } = await newTenant();
    const { model } = await echoing(true);
    const packed = async (body: Blob) => new Response(body.stream().pipeThrough(new CompressionStream(format))).arrayBuffer();
    const text = await packed(new Blob([JSON.stringify({ inputs: [X] })]));
    const headers = { Authorization: `Bearer ${key}`, "Content-Encoding": encoding };
    const json = await call(`/v2/models/${model}/infer`, { method: "POST", headers, body: text });
    expect(await object(json)).toMatchObject({ outputs: [X] });
    const { body, length } = raw({ inputs: [tensor("x", "INT8", [1], undefined, { binary_data_size: 1 })] }, Uint8Array.of(7));
    const answer = await inferRaw(key, model, { body: await packed(body), length }, { "Content-Encoding": encoding });
    expect(await object(answer)).toMatchObject({ outputs: [tensor("x", "INT8", [1], [7])] });
  });

  test.each([
    ["priority 0, the default", { priority: 0 }, 0, null],
    ["priority 1, the highest", { priority: 1 }, 0, null],
    ["priority 2", { priority: 2 }, 1, null],
    ["priority 3", { priority: 3 }, 2, null],
    ["a priority below all of ours", { priority: 1000 }, 2, null],
    ["no timeout", { timeout: 0 }, 0, null],
    ["a microsecond", { timeout: 1 }, 0, 1],
    ["a second and a half", { timeout: 1_500_000 }, 0, 2],
    ["an hour, which no attempt has", { timeout: 3_600_000_000 }, 0, 840],
  ])("may ask for %s", async (_name, parameters, priority, run_within_seconds) => {
    const { key } = await newTenant();
    const { model } = await echoing();
    const answer = await infer(key, model, { parameters, inputs: [X] });
    expect(answer.status).toBe(200);
    expect(await rowOf(idOf(answer))).toMatchObject({ priority, run_within_seconds });
  });

  test("may be asked for without waiting: 202 and where it will be", async () => {
    const { key } = await newTenant();
    const { model } = await echoing(true, { model: { versions: ["3"] }, version: "3" });
    const answer = await infer(key, model, { id: "mine", inputs: [X] }, { Prefer: 'other="x, y", Respond-Async; foo, wait=1' });
    const { id, ...body } = await object(answer.clone());
    expect(answer.status).toBe(202);
    expect(body).toStrictEqual({ model_name: model, model_version: "3", status: "queued" });
    expect(answer.headers.get("location")).toBe(`${ORIGIN}/v1/inferences/${String(id)}`);
    expect(answer.headers.get("preference-applied")).toBe("respond-async");
    expect(answer.headers.get("vary")).toBe("Prefer");
    expect(await ended(key, String(id))).toMatchObject({ status: "succeeded", model });
  });

  test.each(["wait=5", "return=minimal", 'x="respond-async"', "respond-asynchronously", "no-respond-async"])(
    "waits for a client that prefers %s",
    async (prefer) => {
      const { key } = await newTenant();
      const { model } = await echoing();
      const answer = await infer(key, model, { inputs: [X] }, { Prefer: prefer });
      expect(answer.status).toBe(200);
      expect(answer.headers.get("preference-applied")).toBeNull();
    },
  );

  test("is given again under its Idempotency-Key, and no other body under that", async () => {
    const { key } = await newTenant();
    const { model, server } = await echoing(true);
    const headers = { "Idempotency-Key": "once" };
    const [first, second] = [await infer(key, model, { inputs: [X] }, headers), await infer(key, model, { inputs: [X] }, headers)];
    expect([first.headers.get("idempotency-replayed"), second.headers.get("idempotency-replayed")]).toEqual([null, "true"]);
    expect(await second.text()).toBe(await first.text());
    expect(server.inferences).toHaveLength(1);
    expect(await seen(infer(key, model, { inputs: [{ ...X, name: "y" }] }, headers))).toStrictEqual(refused(422));
    const bytes = encode(JSON.stringify({ inputs: [X] }));
    expect((await inferRaw(key, model, { body: bytes, length: bytes.length }, headers)).status).toBe(422);
  });

  test("is canceled when its client leaves", async () => {
    const { key } = await newTenant();
    const model = await servedBy((request) => (request.method === "GET" ? new Response() : hang(request)));
    const leaves = new AbortController();
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify({ inputs: [X] }), signal: leaves.signal };
    const ctx = createExecutionContext();
    const answer = handle(new Request(`${ORIGIN}/v2/models/${model}/infer`, init), env, ctx);
    const only = (status: string) =>
      until(
        async () => (await env.DB.prepare("SELECT * FROM inferences WHERE model = ?").bind(model).first()) ?? {},
        (row) => row["status"] === status,
      );
    await only("in_progress");
    leaves.abort();
    await Promise.all([answer, waitOnExecutionContext(ctx)]);
    expect(await only("canceled")).toMatchObject({ status: "canceled", stopped: "best_effort" });
  });

  test("is not waited for where no backend of its model is active; without waiting it is taken", async () => {
    const { key } = await newTenant();
    const model = await newModel({ versions: ["1"] });
    const answer = await infer(key, model, { inputs: [X] });
    expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(await seen(answer)).toStrictEqual(refused(503, expect.stringContaining(model)));
    await newBackend(model, { state: "paused", version: "1" });
    expect((await infer(key, model, { inputs: [X] })).status).toBe(503);
    expect((await infer(key, model, { inputs: [X] }, { Prefer: "respond-async" })).status).toBe(202);
  });
});

describe("a request that is wrong", () => {
  const of = (datatype: string, shape: readonly unknown[], data: unknown) => ({ inputs: [X, { name: "wrong", datatype, shape, data }] });

  test.each<[string, unknown, string]>([
    ["no object", [], "the body is not a JSON object"],
    ["no inputs", {}, "there are no inputs"],
    ["inputs that are no array", { inputs: {} }, "inputs is not an array"],
    ["an id that is no text", { id: 7, inputs: [X] }, "id is not text"],
    ["an input without a name", { inputs: [{ ...X, name: undefined }] }, "input without a name"],
    ["two inputs of one name", { inputs: [X, X] }, 'input "x" is given twice'],
    ["more elements than the shape has", of("INT32", [1], [1, 2]), 'input "wrong": shape [1] needs 1 elements, data has 2'],
    ["fewer elements than the shape has", of("INT32", [2, 2], [1, 2]), 'input "wrong": shape [2, 2] needs 4 elements, data has 2'],
    ["data nested otherwise than the shape", of("INT32", [2], [[1], [2], [3]]), 'input "wrong": data is not nested as its shape [2] is'],
    ["a text among numbers", of("FP32", [2], [1, "2"]), 'input "wrong": element 1 is not a number'],
    ["a fraction among integers", of("INT64", [1], [1.5]), 'input "wrong": element 0 is not an integer'],
    ["a number that its type can't hold", of("UINT8", [1], [256]), 'input "wrong": element 0 is out of the range of UINT8, 0 to 255'],
    ["a number for a boolean", of("BOOL", [1], [1]), 'input "wrong": element 0 is not a boolean'],
    ["a number for a text", of("BYTES", [1], [1]), 'input "wrong": element 0 is not text'],
    ["null for a text", of("BYTES", [1], [null]), 'input "wrong": element 0 is not text'],
    ["a type that is none", of("FLOAT", [1], [1]), 'input "wrong" has an unknown datatype'],
    ["a shape that is none", of("INT8", [-1], [1]), 'input "wrong": shape is not an array of integers from 0'],
    ["no data", of("INT8", [1], undefined), 'input "wrong" has no data'],
    [
      "a size without raw data",
      { inputs: [{ ...X, data: undefined, parameters: { binary_data_size: 16 } }] },
      'input "x" has binary_data_size, but',
    ],
    ["a wish that is none", { inputs: [X], parameters: { binary_data_output: 1 } }, "binary_data_output is not a boolean"],
    [
      "an output's wish that is none",
      { inputs: [X], outputs: [{ name: "x", parameters: { binary_data: "yes" } }] },
      'output "x": binary_data',
    ],
    ["a parameter that is an object", { inputs: [X], parameters: { a: {} } }, 'parameter "a" is not text, a number or a boolean'],
    ["a priority that is none", { inputs: [X], parameters: { priority: 1.5 } }, 'parameter "priority" is not an integer from 0'],
    ["a timeout below 0", { inputs: [X], parameters: { timeout: -1 } }, 'parameter "timeout" is not an integer from 0'],
  ])("for %s is refused in these words, and nothing is written", async (_name, body, said) => {
    const { key } = await newTenant();
    const { model, server } = await echoing();
    expect(await seen(infer(key, model, body))).toStrictEqual(refused(400, expect.stringContaining(said)));
    expect(server.calls).toEqual([]);
    expect(await env.DB.prepare("SELECT id FROM inferences WHERE model = ?").bind(model).first()).toBeNull();
  });

  const sized = (datatype: string, shape: readonly number[], size: unknown) => ({
    inputs: [tensor("wrong", datatype, shape, undefined, { binary_data_size: size })],
  });

  test.each<[string, unknown, number[], string]>([
    ["too few bytes for the shape", sized("FP16", [3], 4), [0, 0, 0, 0], 'input "wrong": shape [3] needs 6 bytes, data has 4'],
    ["more bytes than there are", sized("INT8", [2], 2), [0], 'input "wrong": binary_data_size is 2, but only 1 bytes are left'],
    ["bytes that are nobody's", sized("INT8", [1], 1), [0, 0], "1 bytes follow the data of the last input"],
    ["lengths that don't add up", sized("BYTES", [1], 5), [9, 0, 0, 0, 65], 'input "wrong": the lengths of its elements'],
    ["too many texts", sized("BYTES", [1], 8), [0, 0, 0, 0, 0, 0, 0, 0], 'input "wrong": shape [1] needs 1 elements, data has 2'],
    ["a size that is none", sized("INT8", [1], "1"), [0], 'input "wrong": binary_data_size is not a size'],
    ["a size below 0", sized("INT8", [1], -1), [0], 'input "wrong": binary_data_size is not a size'],
  ])("for %s is refused by the tensor's name", async (_name, head, tail, said) => {
    const { key } = await newTenant();
    const { model } = await echoing(true);
    expect(await seen(inferRaw(key, model, raw(head, Uint8Array.from(tail))))).toStrictEqual(refused(400, expect.stringContaining(said)));
  });

  test.each([
    ["longer than the body", "1000", 400],
    ["not at the JSON's end", "5", 400],
    ["negative", "-1", 400],
    ["a fraction", "1.5", 400],
    ["a word", "all", 400],
    ["empty", "", 400],
    ["larger than any JSON may be", "10000001", 413],
    ["larger than a number", "99999999999999999999", 400],
  ])("for a length of its JSON that is %s is refused", async (_name, length, status) => {
    const { key } = await newTenant();
    const { model } = await echoing(true);
    const body = JSON.stringify({ inputs: [X] });
    expect(await seen(infer(key, model, body, { [HEAD]: length }))).toStrictEqual(refused(status));
  });

  test.each([
    ["nothing", "", /body is empty/],
    ["blanks", " \n", /body is empty/],
    ["half an object", '{"inputs":['],
    ["words", "four numbers"],
    ["a number that is too large", '{"inputs":[{"name":"x","shape":[1],"datatype":"FP64","data":[1e400]}]}'],
    ["nesting too deep", `{"x":${"[".repeat(64)}${"]".repeat(64)},"inputs":[]}`],
    ["nesting far too deep", `${"[".repeat(200_000)}${"]".repeat(200_000)}`],
  ])("for %s in the place of JSON is 400", async (_name, body, said = /\S/) => {
    const { key } = await newTenant();
    const { model } = await echoing();
    expect(await seen(infer(key, model, body))).toStrictEqual(refused(400, expect.stringMatching(said)));
    expect(await seen(as(key, "POST", `/v2/models/${model}/generate`, body))).toStrictEqual(refused(400, expect.stringMatching(said)));
  });

  test("for JSON that is not UTF-8 is 400, alone or before raw data", async () => {
    const { key } = await newTenant();
    const { model } = await echoing();
    const body = Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d);
    const headers = { Authorization: `Bearer ${key}` };
    for (const more of [{}, { [HEAD]: "5" }]) {
      const answer = call(`/v2/models/${model}/infer`, { method: "POST", headers: { ...headers, ...more }, body });
      expect(await seen(answer)).toStrictEqual(refused(400, "The body is not UTF-8."));
    }
  });

  test("for a JSON longer than the body says so, whatever bytes the body has", async () => {
    const { key } = await newTenant();
    const { model } = await echoing();
    const headers = { Authorization: `Bearer ${key}`, [HEAD]: "10" };
    const answer = call(`/v2/models/${model}/infer`, { method: "POST", headers, body: Uint8Array.of(0x7b, 0x7d, 0xff) });
    expect(await seen(answer)).toStrictEqual(refused(400, `${HEAD} is 10, but the body has only 3 bytes.`));
  });

  test.each(["text/plain", "multipart/form-data; boundary=x", "application/jsonp", "image/png"])("for %s is 415", async (type) => {
    const { key } = await newTenant();
    const { model } = await echoing();
    for (const verb of ["infer", "generate", "generate_stream"]) {
      const answer = await as(key, "POST", `/v2/models/${model}/${verb}`, { inputs: [X], text_input: "x" }, { "Content-Type": type });
      expect(answer.headers.get("accept")).toContain("application/json");
      expect(await seen(answer)).toStrictEqual(refused(415));
    }
  });

  test.each(["application/json; charset=utf-8", "application/vnd.x+json", "application/octet-stream", "application/x-www-form-urlencoded"])(
    "is not one that says of its JSON that it is %s",
    async (type) => {
      const { key } = await newTenant();
      const { model } = await echoing();
      expect((await infer(key, model, { inputs: [X] }, { "Content-Type": type })).status).toBe(200);
    },
  );

  test("with a Prefer header of 100 KB costs no more than one without", async () => {
    const { key } = await newTenant();
    const { model } = await echoing();
    for (const Prefer of ['"\\'.repeat(50_000), '"'.repeat(100_000), `a="${"\\".repeat(100_000)}`]) {
      const begun = performance.now();
      expect(prefersAsync(new Headers({ Prefer }))).toBe(false);
      expect(performance.now() - begun).toBeLessThan(500); // it took seconds when each quote was looked for to the end
    }
    const Prefer = 'wait="a,respond-async", respond-async; x=1';
    expect((await infer(key, model, { inputs: [X] }, { Prefer })).status).toBe(202);
    expect((await infer(key, model, { inputs: [X] }, { Prefer: 'wait="a,respond-async"' })).status).toBe(200);
  });

  test.each(["br", "zstd", "compress", "gzip, gzip", "gzip, br"])("for a body in %s is 415 and says what is taken", async (encoding) => {
    const { key } = await newTenant();
    const { model } = await echoing();
    const answer = await infer(key, model, { inputs: [X] }, { "Content-Encoding": encoding });
    expect(answer.headers.get("accept-encoding")).toBe("gzip, deflate");
    expect(await seen(answer)).toStrictEqual(refused(415));
  });

  test.each(["gzip", "deflate"])("for a body that is not %s, as it says, is 400", async (encoding) => {
    const { key } = await newTenant();
    const { model } = await echoing();
    expect(await seen(infer(key, model, { inputs: [X] }, { "Content-Encoding": encoding }))).toStrictEqual(
      refused(400, expect.stringContaining(encoding)),
    );
  });

  test("is 413 for a byte more than may be: of JSON, and of raw data; as many are taken", async () => {
    const { key } = await newTenant();
    const { model } = await echoing(true);
    const bare = '{"inputs":[]}'.length;
    const jsonOf = (bytes: number) => `{"inputs":[]${" ".repeat(bytes - bare)}}`;
    expect((await infer(key, model, jsonOf(JSON_BODY_BYTES))).status).toBe(200);
    expect(await seen(infer(key, model, jsonOf(JSON_BODY_BYTES + 1)))).toStrictEqual(
      refused(413, `The body exceeds ${JSON_BODY_BYTES} bytes.`),
    );
    const too = { body: new Uint8Array(TENSOR_BODY_BYTES + 1), length: 10 };
    expect(await seen(inferRaw(key, model, too))).toStrictEqual(refused(413, `The body exceeds ${TENSOR_BODY_BYTES} bytes.`));
  });

  test("is 503 while there is no room for a body of its size, in either form", async () => {
    const { key } = await newTenant();
    const { model } = await echoing(true);
    const data = new Uint8Array(4_000_000);
    const head = { inputs: [tensor("x", "UINT8", [data.length], undefined, { binary_data_size: data.length })] };
    const text = `{"inputs":[],"x":"${"x".repeat(data.length)}"}`;
    const both = async () => [await inferRaw(key, model, raw(head, data)), await infer(key, model, text)];
    const other = new Request(ORIGIN);
    reserve(other, BODIES_BYTES - 1);
    for (const answer of await both()) {
      expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
      expect(await seen(answer)).toStrictEqual(refused(503));
    }
    release(other);
    expect((await both()).map(({ status }) => status)).toEqual([200, 200]);
  });

  test("is 400 for a member given twice, in either form, which a backend may read otherwise than we do", async () => {
    const { key } = await newTenant();
    const { model } = await echoing(true);
    const data = new Uint8Array(4);
    const said = 'The member "id" is given twice in one object; give it once.';
    const head = { id: "one", ID: "two", inputs: [tensor("x", "UINT8", [data.length], undefined, { binary_data_size: data.length })] };
    const twice = JSON.stringify(head).replace('"ID"', '"id"');
    const body = { body: new Blob([twice, data]), length: twice.length };
    expect(await seen(inferRaw(key, model, body))).toStrictEqual(refused(400, said));
    const text = JSON.stringify({ ...head, inputs: [tensor("x", "UINT8", [1], [1])] }).replace('"ID"', '"id"');
    expect(await seen(infer(key, model, text))).toStrictEqual(refused(400, said));
  });

  test("is 413 for a small body that unpacks to a large one", async () => {
    const { key } = await newTenant();
    const { model } = await echoing();
    let unpacked = 0;
    const spaces = new ReadableStream<Uint8Array>({
      pull(controller) {
        if ((unpacked += 1_000_000) > 5 * JSON_BODY_BYTES) return controller.close();
        controller.enqueue(new Uint8Array(1_000_000).fill(0x20));
      },
    });
    const bomb = await new Response(spaces.pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
    expect(bomb.byteLength).toBeLessThan(JSON_BODY_BYTES / 100);
    const headers = { Authorization: `Bearer ${key}`, "Content-Encoding": "gzip" };
    const answer = call(`/v2/models/${model}/infer`, { method: "POST", headers, body: bomb });
    expect(await seen(answer)).toStrictEqual(refused(413, `The body exceeds ${JSON_BODY_BYTES} bytes.`));
  }, 30_000);

  test("is 501 where it is one of a sequence, which 0 and no name are not", async () => {
    const { key } = await newTenant();
    const { model } = await echoing();
    const statuses = [0, "", 7, "a", 18446744073709551615n].map(
      async (id) => (await infer(key, model, writeJson({ inputs: [X], parameters: { sequence_id: id } }))).status,
    );
    expect(await Promise.all(statuses)).toEqual([200, 200, 501, 501, 501]);
  });

  test.each([
    ["inputs", X.data],
    ["inputs", undefined], // as Triton's clients send it: the data are in the region
    ["outputs", X.data],
    ["outputs", undefined],
  ])("is 501 where it would have the server use shared memory for its %s (data %s)", async (list, data) => {
    const { key } = await newTenant();
    const { model, server } = await echoing();
    const shared = { ...X, data, parameters: { shared_memory_region: "theirs", shared_memory_byte_size: 16 } };
    const body = { inputs: [X], outputs: [{ name: "x" }], [list]: [shared] };
    expect(await seen(infer(key, model, body))).toStrictEqual(refused(501, expect.stringContaining('"x"')));
    const { id } = await object(as(key, "POST", "/v1/inferences", { model, input: body }));
    expect(await ended(key, String(id))).toMatchObject({ status: "failed", error: { code: "input_not_tensors" } });
    expect(server.inferences).toEqual([]);
  });
});

describe("a model that takes no tensors", () => {
  const PUBLISHED =
    '{"id":"string","parameters":{},"inputs":[{"name":"string","shape":[0],"datatype":"string","parameters":{},"data":[null,0,"string",true]}],"outputs":[{"name":"string","parameters":{}}]}';

  test("gets the published request as it is, whose tensor is none, and its answer has the published members", async () => {
    const { key } = await newTenant();
    const bodies: string[] = [];
    const script: ScriptedBackend = async (request) => {
      bodies.push(await request.text());
      return Response.json({ string: ["yes"] });
    };
    const model = await servedBy(script, { protocol: "http", model: { versions: ["1"] }, version: "1" });
    expect(await seen(as(key, "POST", `/v2/models/${model}/versions/1/infer`, PUBLISHED))).toStrictEqual({
      status: 200,
      type: "application/json",
      body: { model_name: model, model_version: "1", id: "string", outputs: [tensor("string", "BYTES", [1], ["yes"])] },
    });
    expect(bodies).toEqual([PUBLISHED]);
  });

  test("is the only kind that does: others answer the published error", async () => {
    const { key } = await newTenant();
    const { model } = await echoing(false, { model: { versions: ["1"] }, version: "1" });
    expect(await seen(as(key, "POST", `/v2/models/${model}/versions/1/infer`, PUBLISHED))).toStrictEqual(
      refused(400, expect.stringContaining('input "string"')),
    );
  });

  test("gets raw data as JSON", async () => {
    const { key } = await newTenant();
    const model = await servedBy(async (request) => Response.json(await request.json()), { protocol: "http" });
    const head = { id: "7", inputs: [tensor("x", "INT16", [2], undefined, { binary_data_size: 4 })] };
    const answer = await object(inferRaw(key, model, raw(head, Uint8Array.of(1, 0, 255, 255))));
    const sent = { id: "7", inputs: [tensor("x", "INT16", [2], [1, -1])] };
    expect(answer).toStrictEqual({
      model_name: model,
      id: "7",
      outputs: [tensor("output", "BYTES", [1], [JSON.stringify(sent)], { content_type: "application/json" })],
    });
  });

  const whole = (text: string) => [tensor("output", "BYTES", [1], [text], { content_type: "application/json" })];
  const asJson =
    (value: unknown): ScriptedBackend =>
    () =>
      Response.json(value);

  test.each<[string, ScriptedBackend, unknown]>([
    ["tensors already", asJson({ model_name: "theirs", id: "other", outputs: [X] }), [X]],
    [
      "texts, integers, numbers, booleans",
      asJson({ a: "é", b: 7, c: 0.1, d: true }),
      [tensor("a", "BYTES", [1], ["é"]), tensor("b", "INT64", [1], [7]), tensor("c", "FP64", [1], [0.1]), tensor("d", "BOOL", [1], [true])],
    ],
    [
      "arrays",
      asJson({
        a: [
          [1, 2],
          [3, 4],
        ],
        b: [],
      }),
      [tensor("a", "INT64", [2, 2], [1, 2, 3, 4]), tensor("b", "BYTES", [0], [])],
    ],
    ["items", asJson([{ a: 1 }, { a: 2 }]), [tensor("a", "INT64", [2], [1, 2])]],
    ["numbers without a name", asJson([1.5, 2]), [tensor("output", "FP64", [2], [1.5, 2])]],
    ["a text", asJson("hello"), [tensor("output", "BYTES", [1], ["hello"])]],
    ["objects in objects", asJson({ a: { b: 1 } }), whole('{"a":{"b":1}}')],
    ["null", asJson(null), whole("null")],
    ["an empty object", asJson({}), whole("{}")],
    ["outputs that are no tensors", asJson({ outputs: [1, "a"] }), whole('{"outputs":[1,"a"]}')],
    [
      "a picture",
      () => new Response(Uint8Array.of(0x89, 0x50), { headers: { "Content-Type": "image/png" } }),
      [tensor("output", "BYTES", [1], [btoa("\x89P")], { content_type: "base64" })],
    ],
  ])("answers %s, as tensors", async (_name, script, outputs) => {
    const { key } = await newTenant();
    const model = await servedBy(script, { protocol: "http" });
    expect(await object(infer(key, model, { inputs: [X] }))).toStrictEqual({ model_name: model, outputs });
  });

  test("answers more than an answer here can hold: it is there, but not here", async () => {
    const { key } = await newTenant();
    const large = new Uint8Array(BACKEND_ANSWER_BYTES + 1);
    const model = await servedBy(() => new Response(large, { headers: { "Content-Type": "text/plain" } }), { protocol: "http" });
    const answer = await infer(key, model, { inputs: [X] });
    expect(await seen(answer.clone())).toStrictEqual(refused(501, expect.stringContaining(idOf(answer))));
    const result = await as(key, "GET", `/v1/inferences/${idOf(answer)}/result`);
    expect(result.headers.get("content-length")).toBe(String(large.length));
    await result.body?.cancel();
  });

  test("gives a picture's bytes whole to a client that takes raw data", async () => {
    const { key } = await newTenant();
    const script = () => new Response(Uint8Array.of(0x89, 0x50), { headers: { "Content-Type": "image/png" } });
    const model = await servedBy(script, { protocol: "http" });
    const { head, tail } = await apart(await infer(key, model, { inputs: [X], parameters: { binary_data_output: true } }));
    expect(head).toMatchObject({ outputs: [{ name: "output", parameters: { content_type: "image/png", binary_data_size: 6 } }] });
    expect(tail).toEqual([2, 0, 0, 0, 0x89, 0x50]);
  });
});

describe("an inference that fails", () => {
  const once = async (script: ScriptedBackend, more: Record<string, unknown> = {}) => {
    const { key } = await newTenant();
    return seen(
      infer(key, await servedBy((request) => (request.method === "GET" ? new Response() : script(request)), more), { inputs: [X] }),
    );
  };
  const answers =
    (status: number): ScriptedBackend =>
    () =>
      Response.json({ error: `I say ${status}` }, { status });

  test.each([
    ["refuses the input", answers(400), 400, "The backend answered 400: I say 400"],
    ["refuses it otherwise", answers(422), 400, "The backend answered 422: I say 422"],
    ["is not configured right", answers(404), 502, "The backend answered 404: I say 404"],
  ] as const)("because its backend %s has the status of its class", async (_name, script, status, said) => {
    expect(await once(script)).toStrictEqual(refused(status, expect.stringContaining(said)));
  });

  test("for a reason that may pass is tried again first, and has the status of its class in the end", async () => {
    const { key } = await newTenant();
    const scripts = {
      busy: [answers(429), 503],
      away: [answers(503), 503],
      slow: [answers(504), 504],
      broken: [answers(500), 500],
      "bad-gateway": [answers(502), 502],
      garbage: [() => new Response("<html>"), 502],
      gone: [() => Promise.reject(new Error("refused")), 502],
    } as const;
    const asked: Record<string, number> = {};
    backendIs((request) => {
      const name = new URL(request.url).hostname.split(".")[0] ?? "";
      if (request.method === "GET") return new Response();
      asked[name] = (asked[name] ?? 0) + 1;
      return scripts[name as keyof typeof scripts][0](request); // the hosts are named after them
    });
    const ends = Object.entries(scripts).map(async ([name, [, status]]) => {
      const model = await newModel();
      await newBackend(model, { url: `https://${name}.gpu.test` });
      const answer = await infer(key, model, { inputs: [X] });
      expect([name, answer.headers.get("retry-after")]).toEqual([name, status === 503 ? "1" : null]);
      expect(await seen(answer)).toStrictEqual(refused(status));
    });
    await Promise.all(ends);
    // Of a connection that breaks at once though the server is ready, the first is one that was closed while nobody used it.
    const calls: Record<string, number> = { garbage: 1, gone: 4 };
    expect(asked).toEqual(Object.fromEntries(Object.keys(scripts).map((name) => [name, calls[name] ?? 3])));
  }, 30_000);

  test("because it is canceled by another call is 409; until then its backends' rest is waited for", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const backend = await newBackend(model);
    await env.DB.prepare("UPDATE backends SET failures = 5, rested_until = 4102444800000 WHERE id = ?").bind(backend).run();
    const answer = infer(key, model, { inputs: [X] });
    const row = await until(
      async () => (await env.DB.prepare("SELECT id, status FROM inferences WHERE model = ?").bind(model).first()) ?? {},
      ({ id }) => id !== undefined,
    );
    expect(row["status"]).toBe("queued");
    await as(key, "POST", `/v1/inferences/${String(row["id"])}/cancel`);
    expect(await seen(answer)).toStrictEqual(refused(409, "The inference was canceled."));
  });
});

describe("text", () => {
  const ask = (key: string, model: string, body: unknown, verb = "generate", headers: Record<string, string> = {}) =>
    as(key, "POST", `/v2/models/${model}/${verb}`, body, headers);
  /** The events of a stream, each its data. */
  const eventsOf = async (answer: Response) => {
    expect(answer.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const text = await answer.text();
    expect(text).toMatch(/^(?:data: [^\n]+\n\n)*$/);
    return [...text.matchAll(/^data: (.+)$/gm)].map(([, data]): unknown => JSON.parse(String(data)));
  };
  const body = { text_input: "one two", parameters: { max_tokens: 4, stop: ["."], temperature: 0.5, top_p: 1, seed: 7 } };

  test("is generated by a tensor server's own generate, under the names that its client knows", async () => {
    const { key } = await newTenant();
    const { model, server } = await echoing(true, { model: { versions: ["1"] }, version: "1" });
    for (const version of ["", "/versions/1"]) {
      const answer = await as(key, "POST", `/v2/models/${model}${version}/generate`, { ...body, id: "7" });
      expect(await rowOf(idOf(answer))).toMatchObject({ capability: "generate", input: JSON.stringify({ ...body, id: "7" }) });
      expect(await seen(answer)).toStrictEqual({
        status: 200,
        type: "application/json",
        body: { model_name: model, model_version: "1", id: "7", text_output: "one two" },
      });
    }
    expect(server.calls.map(({ path }) => path)).toEqual(Array(2).fill(`/v2/models/${model}/versions/1/generate`));
    expect(server.calls.map(({ text }) => JSON.parse(text))).toEqual([1, 2].map(() => ({ ...body, id: "7" })));
  });

  test("comes word for word in a stream, and is recorded whole", async () => {
    const { key } = await newTenant();
    const { model } = await echoing();
    const answer = await ask(key, model, body, "generate_stream");
    expect(answer.headers.get("cache-control")).toBe("private, no-store");
    const words = ["one ", "two"].map((text, id) => ({
      model_name: model,
      text_output: text,
      details: { finish_reason: "eos_token", token: { id, text, logprob: -0.5, special: false } },
    }));
    expect(await eventsOf(answer)).toStrictEqual(words);
    expect(await ended(key, idOf(answer))).toMatchObject({
      status: "succeeded",
      capability: "generate",
      output: {
        model_name: model,
        text_output: "one two",
        details: { finish_reason: "eos_token", logprobs: words.map(({ details }) => details.token) },
      },
    });
  });

  const chat = (message: unknown, more: unknown = {}) => ({
    id: "c",
    object: "chat.completion",
    created: 1,
    model: "remote",
    choices: [{ index: 0, message, finish_reason: "stop", ...(more as object) }], // what a test gives
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  });

  test("is generated by a chat server from one message, with the protocol's own default of 20 tokens", async () => {
    const { key } = await newTenant();
    const bodies: unknown[] = [];
    const model = await servedBy(
      async (request) => {
        bodies.push(await request.json());
        return Response.json(chat({ role: "assistant", content: "three" }));
      },
      { protocol: "openai", remote_model: "remote" },
    );
    const answer = await ask(key, model, { ...body, id: "7" });
    expect(await object(answer)).toStrictEqual({ model_name: model, id: "7", text_output: "three" });
    expect((await ask(key, model, { text_input: "x" })).status).toBe(200);
    const messages = (content: string) => [{ role: "user", content }];
    expect(bodies).toStrictEqual([
      { model: "remote", messages: messages("one two"), max_tokens: 4, temperature: 0.5, top_p: 1, stop: ["."], stream: false },
      { model: "remote", messages: messages("x"), max_tokens: 20, stream: false },
    ]);
    expect(await ended(key, idOf(answer))).toMatchObject({
      output: { model_name: model, text_output: "three" },
      metrics: { prompt_tokens: 3, completion_tokens: 2 },
    });
  });

  test.each([
    [{ finish_reason: "length" }, "length"],
    [{ finish_reason: "stop" }, "eos_token"],
    [{ finish_reason: "stop", stop_reason: "." }, "stop_sequence"],
  ])("of a chat server tells on request why it ended: %j", async (more, finish_reason) => {
    const { key } = await newTenant();
    const model = await servedBy(() => Response.json(chat({ role: "assistant", content: "x" }, more)), { protocol: "openai" });
    expect(await object(ask(key, model, { text_input: "x", parameters: { details: true } }))).toMatchObject({
      details: { finish_reason, logprobs: [] },
    });
  });

  test("of a chat server streams too, piece by piece and without a last word", async () => {
    const { key } = await newTenant();
    const chunk = (delta: unknown, finish_reason: string | null = null) =>
      `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "remote", choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
    const stream = [
      chunk({ role: "assistant", content: "" }),
      chunk({ content: "three " }),
      chunk({ content: "fo\nur" }),
      chunk({}, "stop"),
    ];
    const model = await servedBy(
      () => new Response(`${stream.join("")}data: [DONE]\n\n`, { headers: { "Content-Type": "text/event-stream" } }),
      { protocol: "openai" },
    );
    const answer = await ask(key, model, body, "generate_stream");
    expect(await eventsOf(answer)).toStrictEqual(["three ", "fo\nur"].map((text_output) => ({ model_name: model, text_output })));
    expect(await ended(key, idOf(answer))).toMatchObject({ output: { model_name: model, text_output: "three fo\nur" } });
    const named = await eventsOf(await ask(key, model, { ...body, id: "7" }, "generate_stream"));
    expect(named).toStrictEqual(["three ", "fo\nur"].map((text_output) => ({ model_name: model, id: "7", text_output })));
  });

  test.each<[string, unknown, unknown]>([
    ["the client's", { id: "7" }, { id: "7" }],
    ["none where the client gives none, whatever the server calls it", {}, {}],
    ["none for null", { id: null }, {}],
  ])("in a stream has an id in each event: %s", async (_name, more, named) => {
    const { key } = await newTenant();
    const said = ["a", "b"].map((text_output) => `data: ${JSON.stringify({ id: "its own", text_output })}\n\n`).join("");
    const model = await servedBy(() => new Response(said, { headers: { "Content-Type": "text/event-stream" } }));
    const answer = await ask(key, model, { ...body, ...(more as object) }, "generate_stream"); // as above
    expect(await eventsOf(answer)).toStrictEqual(
      ["a", "b"].map((text_output) => ({ model_name: model, ...(named as object), text_output })),
    );
  });

  test("has an id of a bounded length, since each event of a stream repeats it", async () => {
    const { key } = await newTenant();
    const model = await servedBy(() => Response.json({ text_output: "a" }));
    const long = { ...body, id: "x".repeat(GENERATE_ID_CHARACTERS + 1) };
    expect((await ask(key, model, { ...body, id: "x".repeat(GENERATE_ID_CHARACTERS) }, "generate_stream")).status).toBe(200);
    expect((await ask(key, model, long, "generate_stream")).status).toBe(422);
    const said = `data: ${JSON.stringify({ text_output: "a" })}\n\n`;
    const streaming = await servedBy(() => new Response(said, { headers: { "Content-Type": "text/event-stream" } }));
    const { id } = await (await as(key, "POST", "/v1/inferences", { model: streaming, input: long, stream: true })).json<{ id: string }>();
    await ended(key, id);
    expect(await (await as(key, "GET", `/v1/inferences/${id}/stream`)).text()).toContain(
      `data: {"model_name":"${streaming}","text_output":"a"}`,
    );
  });

  test.each<[string, ScriptedBackend, unknown]>([
    ["generated text", () => Response.json({ text_output: "x", more: 1 }), { text_output: "x", more: 1 }],
    ["a text", () => Response.json("x"), { text_output: "x" }],
    ["other JSON", () => Response.json({ a: 1 }), { text_output: '{"a":1}' }],
    ["plain text", () => new Response("x", { headers: { "Content-Type": "text/plain" } }), { text_output: "x" }],
  ])("is what a plain server answers: %s, in a stream one event", async (_name, script, said) => {
    const { key } = await newTenant();
    const model = await servedBy(script, { protocol: "http" });
    const shown = { model_name: model, ...(said as object) }; // as above
    expect(await object(ask(key, model, body))).toStrictEqual(shown);
    expect(await eventsOf(await ask(key, model, body, "generate_stream"))).toStrictEqual([shown]);
  });

  test("is not what a picture is", async () => {
    const { key } = await newTenant();
    const script = () => new Response(Uint8Array.of(1), { headers: { "Content-Type": "image/png" } });
    const model = await servedBy(script, { protocol: "http" });
    for (const verb of ["generate", "generate_stream"]) expect(await seen(ask(key, model, body, verb))).toStrictEqual(refused(501));
  });

  test.each<[string, unknown]>([
    ["no text", {}],
    ["a text that is none", { text_input: ["x"] }],
    ["no object", [1]],
    ["parameters that are no object", { text_input: "x", parameters: [] }],
    ["a negative temperature", { text_input: "x", parameters: { temperature: -1 } }],
    ["a top_p beyond 1", { text_input: "x", parameters: { top_p: 1.1 } }],
    ["no tokens", { text_input: "x", parameters: { max_tokens: 0 } }],
    ["half a token", { text_input: "x", parameters: { max_tokens: 0.5 } }],
    ["stops that are no texts", { text_input: "x", parameters: { stop: [1] } }],
    ["an id that is no text", { text_input: "x", id: 7 }],
  ])("is refused for %s, with the published 422", async (_name, wrong) => {
    const { key } = await newTenant();
    const { model } = await echoing();
    for (const verb of ["generate", "generate_stream"]) expect(await seen(ask(key, model, wrong, verb))).toStrictEqual(refused(422));
  });

  test("is refused if its request has a member twice, which a backend may read otherwise than we do", async () => {
    const { key } = await newTenant();
    const { model } = await echoing();
    const said = 'The member "max_tokens" is given twice in one object; give it once.';
    for (const verb of ["generate", "generate_stream"]) {
      const answer = ask(key, model, '{"text_input":"x","parameters":{"max_tokens":1000000,"max_tokens":1}}', verb);
      expect(await seen(answer)).toStrictEqual(refused(400, said));
    }
  });

  test.each<[string, string, string[], unknown]>([
    ["fails in the stream", 'data: {"text_output":"a"}\n\ndata: {"error":"out of memory"}\n\n', ["a"], "The model failed: out of memory"],
    ["talks garbage", 'data: {"text_output":"a"}\n\ndata: nothing\n\n', ["a"], expect.stringContaining("not valid")],
  ])("that has begun and %s ends with an error event", async (_name, stream, said, error) => {
    const { key } = await newTenant();
    const model = await servedBy(() => new Response(stream, { headers: { "Content-Type": "text/event-stream" } }));
    const answer = await ask(key, model, body, "generate_stream");
    expect(await eventsOf(answer)).toStrictEqual([...said.map((text_output) => ({ model_name: model, text_output })), { error }]);
    expect(await ended(key, idOf(answer))).toMatchObject({ status: "failed", attempts: 1 });
  });

  test("that fails before it has begun is an error and no stream", async () => {
    const { key } = await newTenant();
    const told = 'data: {"error":"no such token"}\n\n';
    const model = await servedBy(() => new Response(told, { headers: { "Content-Type": "text/event-stream" } }));
    expect(await seen(ask(key, model, body, "generate_stream"))).toStrictEqual(refused(500, "The model failed: no such token"));
    const refusing = await servedBy(() => Response.json({ error: "too long" }, { status: 400 }));
    expect(await seen(ask(key, refusing, body, "generate_stream"))).toStrictEqual(refused(400, "The backend answered 400: too long"));
  });

  test("may be asked for without waiting, and under an Idempotency-Key; a stream's replay is one event", async () => {
    const { key } = await newTenant();
    const { model, server } = await echoing();
    const accepted = await ask(key, model, body, "generate", { Prefer: "respond-async" });
    expect(accepted.status).toBe(202);
    const { id } = await object(accepted);
    expect(await ended(key, String(id))).toMatchObject({ output: { text_output: "one two" } });
    const headers = { "Idempotency-Key": "k" };
    expect(await eventsOf(await ask(key, model, body, "generate_stream", headers))).toHaveLength(2);
    await until(
      async () => server.calls.length,
      (calls) => calls === 2,
    );
    const replay = await ask(key, model, body, "generate_stream", headers);
    expect(replay.headers.get("idempotency-replayed")).toBe("true");
    expect(await eventsOf(replay)).toMatchObject([{ model_name: model, text_output: "one two" }]);
    expect(server.calls).toHaveLength(2);
  });

  test("is not generated by a model that lists what it offers without it", async () => {
    const { key } = await newTenant();
    const { model } = await echoing(false, { model: { capabilities: ["text-to-image"] } });
    expect(await seen(ask(key, model, body))).toStrictEqual(refused(404, expect.stringContaining(model)));
  });
});

describe("a tensor server", () => {
  const forms = (server: TensorServer) => server.inferences.map(({ headLength, contentType }) => [headLength !== null, contentType]);

  test("that lists raw data is sent it and asked for it, whatever its client speaks; the question is asked once", async () => {
    const { key } = await newTenant();
    const { model, server } = await echoing(true);
    const { body, length } = raw({ inputs: [tensor("x", "INT8", [1], undefined, { binary_data_size: 1 })] }, Uint8Array.of(7));
    expect((await infer(key, model, { inputs: [X] })).status).toBe(200);
    expect((await inferRaw(key, model, { body, length })).status).toBe(200);
    const { id } = await object(as(key, "POST", "/v1/inferences", { model, input: { x: [1.5, 2] } }));
    expect(await ended(key, String(id))).toMatchObject({ status: "succeeded", output: { x: [1.5, 2] } });
    expect(forms(server)).toEqual([1, 2, 3].map(() => [true, "application/octet-stream"]));
    for (const { text } of server.inferences) expect(JSON.parse(text)).toMatchObject({ parameters: { binary_data_output: true } });
    expect(server.calls.filter(({ path }) => path === "/v2")).toHaveLength(1);
  });

  test("that does not is sent JSON, raw data written out", async () => {
    const { key } = await newTenant();
    const { model, server } = await echoing(false);
    const { body, length } = raw(
      { parameters: { binary_data_output: true }, inputs: [tensor("x", "FP16", [2], undefined, { binary_data_size: 4 })] },
      Uint8Array.of(0, 0x3c, 1, 0),
    );
    const { tail } = await apart(await inferRaw(key, model, { body, length }));
    expect(tail).toEqual([0, 0x3c, 1, 0]);
    expect(forms(server)).toEqual([[false, "application/json"]]);
    expect(JSON.parse(String(server.inferences[0]?.text))).toStrictEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      inputs: [tensor("x", "FP16", [2], [1, 2 ** -24])],
    });
  });

  test("is asked again for its forms when it did not answer, and when a while has passed", async () => {
    const { key } = await newTenant();
    const server = new TensorServer({ binary: true });
    let away = true;
    const model = await servedBy((request) => {
      const isQuestion = new URL(request.url).pathname === "/v2";
      if (!away) return server.answer(request);
      return isQuestion ? new Response(null, { status: 500 }) : Response.json({ outputs: [X] });
    });
    const realNow = Date.now;
    try {
      expect((await infer(key, model, { inputs: [X] })).status).toBe(200);
      away = false;
      Date.now = () => realNow() + FORMS_UNSURE_MS + 1;
      expect((await infer(key, model, { inputs: [X] })).status).toBe(200);
      expect((await infer(key, model, { inputs: [X] })).status).toBe(200);
      Date.now = () => realNow() + FORMS_UNSURE_MS + FORMS_MS + 2;
      expect((await infer(key, model, { inputs: [X] })).status).toBe(200);
    } finally {
      Date.now = realNow;
    }
    expect(server.calls.map(({ path }) => path.slice(path.lastIndexOf("/")))).toEqual(["/v2", "/infer", "/infer", "/v2", "/infer"]);
  });

  test.each(["FP16", "BF16"])("keeps %s whole, every bit of it", async (datatype) => {
    const { key } = await newTenant();
    const { model } = await echoing(true);
    const all = new Uint8Array(Uint16Array.from({ length: 65_536 }, (_, bits) => bits).buffer);
    const head = {
      parameters: { binary_data_output: true },
      inputs: [tensor("x", datatype, [65_536], undefined, { binary_data_size: all.length })],
    };
    const { tail } = await apart(await inferRaw(key, model, raw(head, all)));
    expect(tail.length).toBe(all.length);
    expect(tail.every((byte, index) => byte === all[index])).toBe(true);
  });

  const rawAnswer =
    (head: unknown, tail: readonly number[], length?: string): ScriptedBackend =>
    () => {
      const json = encode(JSON.stringify(head));
      return new Response(new Blob([json, Uint8Array.from(tail)]), { headers: { [HEAD]: length ?? String(json.length) } });
    };
  const output = (size: unknown, more: Record<string, unknown> = {}) => ({
    outputs: [{ name: "y", shape: [2], datatype: "INT16", parameters: { binary_data_size: size }, ...more }],
  });

  test.each<[string, ScriptedBackend]>([
    ["a size beyond its end", rawAnswer(output(400), [0, 0, 0, 0])],
    ["a size that is not its shape's", rawAnswer(output(2), [0, 0])],
    ["a negative size", rawAnswer(output(-4), [0, 0, 0, 0])],
    ["fewer bytes than it says", rawAnswer(output(4), [0, 0, 0])],
    ["more bytes than it says", rawAnswer(output(4), [0, 0, 0, 0, 0])],
    ["a head that is longer than all of it", rawAnswer(output(4), [0, 0, 0, 0], "100000")],
    ["a head that is cut", rawAnswer(output(4), [0, 0, 0, 0], "20")],
    ["a head of nothing", rawAnswer(output(4), [0, 0, 0, 0], "0")],
    ["a head that is no number", rawAnswer(output(4), [0, 0, 0, 0], "0x10")],
    ["data beside its size", rawAnswer(output(4, { data: [1, 2] }), [0, 0, 0, 0])],
    ["a shape of 2^40 elements", rawAnswer(output(4, { shape: [2 ** 40] }), [0, 0, 0, 0])],
    ["an unknown type", rawAnswer(output(4, { datatype: "INT128" }), [0, 0, 0, 0])],
    ["text lengths that lie", rawAnswer(output(4, { datatype: "BYTES", shape: [1] }), [255, 255, 255, 255])],
    ["JSON of another shape", () => Response.json({ outputs: [tensor("y", "INT16", [3], [1, 2])] })],
    ["no outputs", () => Response.json({ model_name: "y" })],
    ["JSON that is not UTF-8", () => new Response(Uint8Array.of(0x7b, 0xff, 0x7d))],
    ["nothing", () => new Response()],
  ])("that answers %s has answered garbage", async (_name, script) => {
    const { key } = await newTenant();
    const model = await servedBy((request) =>
      request.method === "GET" ? Response.json({ extensions: ["binary_tensor_data"] }) : script(request),
    );
    const { id } = await object(as(key, "POST", "/v1/inferences", { model, input: { inputs: [X] }, retry: { max_attempts: 1 } }));
    expect(await ended(key, String(id))).toMatchObject({ status: "failed", error: { class: "infrastructure", code: "backend_garbage" } });
  });
});

describe("an inference of raw tensors in our own API", () => {
  test("shows its output as JSON, and gives it whole as it was answered", async () => {
    const { key } = await newTenant();
    const { model } = await echoing(true);
    const { body, length } = raw(
      {
        inputs: [
          tensor("x", "FP16", [2], undefined, { binary_data_size: 4 }),
          tensor("t", "BYTES", [1], undefined, { binary_data_size: 5 }),
        ],
      },
      Uint8Array.of(0, 0x3c, 0, 0x7c, 1, 0, 0, 0, 0xff),
    );
    const id = idOf(await inferRaw(key, model, { body, length }));
    expect((await object(as(key, "GET", `/v1/inferences/${id}`)))["output"]).toStrictEqual({
      model_name: "remote",
      model_version: "9",
      outputs: [tensor("x", "FP16", [2], [1, "Infinity"]), tensor("t", "BYTES", [1], [btoa("\xff")], { content_type: "base64" })],
    });
    const { head, tail } = await apart(await as(key, "GET", `/v1/inferences/${id}/result`));
    expect(head).toMatchObject({ model_name: "remote", outputs: [{ name: "x" }, { name: "t" }] });
    expect(tail).toEqual([0, 0x3c, 0, 0x7c, 1, 0, 0, 0, 0xff]);
  });

  test("has one of either size: what is too large for the row has its own address alone", async () => {
    const { key } = await newTenant();
    const { model } = await echoing(true);
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    const head = {
      inputs: [tensor("x", "UINT8", [60_000], undefined, { binary_data_size: bytes.length })],
      parameters: { binary_data_output: true },
    };
    const answer = await inferRaw(key, model, raw(head, bytes));
    const id = idOf(answer);
    expect((await apart(answer)).tail).toEqual([...bytes]);
    expect(await rowOf(id)).toMatchObject({ input: null, output: null });
    expect((await object(as(key, "GET", `/v1/inferences/${id}`)))["output"]).toBeNull();
    expect((await apart(await as(key, "GET", `/v1/inferences/${id}/result`))).tail).toEqual([...bytes]);
  });
});

describe("every datatype, of any shape,", () => {
  const RUNS_OF_EACH = 4;

  /** A value of each type as JSON writes it, and the same bytes that raw data has. */
  const element: Record<Datatype, fc.Arbitrary<{ text: string; bytes: number[] }>> = {
    BOOL: fc.boolean().map((value) => ({ text: String(value), bytes: [Number(value)] })),
    UINT8: integer(1, false),
    UINT16: integer(2, false),
    UINT32: integer(4, false),
    UINT64: integer(8, false),
    INT8: integer(1, true),
    INT16: integer(2, true),
    INT32: integer(4, true),
    INT64: integer(8, true),
    FP16: half((bits) => (bits & 0x7c00) !== 0x7c00, fromFp16),
    BF16: half(
      (bits) => (bits & 0x7f80) !== 0x7f80,
      (bits) => fromFp32(bits << 16),
    ),
    FP32: fc
      .float({ noNaN: true, noDefaultInfinity: true })
      .map((value) => ({ text: literal(value), bytes: [...new Uint8Array(Float32Array.of(value).buffer)] })),
    FP64: fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .map((value) => ({ text: literal(value), bytes: [...new Uint8Array(Float64Array.of(value).buffer)] })),
    BYTES: fc.string({ unit: "binary", maxLength: 5 }).map((value) => {
      const utf8 = encode(value);
      return { text: JSON.stringify(value), bytes: [...new Uint8Array(Uint32Array.of(utf8.length).buffer), ...utf8] };
    }),
  };

  function literal(value: number): string {
    return Object.is(value, -0) ? "-0" : JSON.stringify(value);
  }

  function integer(width: number, signed: boolean) {
    const bits = BigInt(8 * width);
    const [min, max] = signed ? [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n] : [0n, (1n << bits) - 1n];
    const value = fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max, 0n));
    return value.map((each) => ({
      text: String(each),
      bytes: Array.from({ length: width }, (_, index) => Number((BigInt.asUintN(Number(bits), each) >> BigInt(8 * index)) & 0xffn)),
    }));
  }

  function half(isFinite: (bits: number) => boolean, decode: (bits: number) => number) {
    return fc
      .integer({ min: 0, max: 0xffff })
      .filter(isFinite)
      .map((bits) => ({ text: literal(decode(bits)), bytes: [bits & 0xff, bits >> 8] }));
  }

  function fromFp32(bits: number): number {
    return new Float32Array(Int32Array.of(bits).buffer)[0] ?? NaN;
  }

  /** By the definition of binary16 (IEEE 754). */
  function fromFp16(bits: number): number {
    const [exponent, fraction] = [(bits >> 10) & 0x1f, bits & 0x3ff];
    const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
    return bits & 0x8000 ? -size : size;
  }

  interface Sample {
    readonly name: string;
    readonly shape: readonly number[];
    readonly datatype: Datatype;
    readonly elements: readonly { readonly text: string; readonly bytes: readonly number[] }[];
    /** How its client sends it. */
    readonly asRaw: boolean;
  }

  const sampleOf = (...datatypes: readonly Datatype[]) =>
    fc
      .record({
        datatype: fc.constantFrom(...datatypes),
        shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
        asRaw: fc.boolean(),
      })
      .chain(({ datatype, shape, asRaw }) => {
        const count = shape.reduce((product, size) => product * size, 1);
        return fc
          .array(element[datatype], { minLength: count, maxLength: count })
          .map((elements) => ({ shape, datatype, elements, asRaw }));
      });
  /** One of the type, and others. */
  const samplesWith = (datatype: Datatype) =>
    fc
      .tuple(sampleOf(datatype), fc.array(sampleOf(...DATATYPES), { maxLength: 3 }))
      .map(([one, others]): Sample[] => [one, ...others].map((each, index) => ({ ...each, name: `${each.datatype}-${index}` })));

  const headOf = ({ name, shape, datatype }: Sample, rest: string) =>
    `{"name":"${name}","shape":${JSON.stringify(shape)},"datatype":"${datatype}",${rest}}`;
  const asText = (it: Sample) => headOf(it, `"data":[${it.elements.map(({ text }) => text).join(",")}]`);
  const bytesOf = ({ elements }: Sample) => elements.flatMap(({ bytes }) => bytes);
  const asSize = (it: Sample) => headOf(it, `"parameters":{"binary_data_size":${bytesOf(it).length}}`);

  test.each([
    ["raw data", true],
    ["JSON", false],
  ])(
    "comes back as it went, in each form a client sends or wants, through a server that speaks %s",
    async (_name, binary) => {
      const { key } = await newTenant();
      const { model } = await echoing(binary);
      const roundTrip = async (them: readonly Sample[], wantsRaw: boolean) => {
        const parameters = wantsRaw ? '"parameters":{"binary_data_output":true},' : "";
        const head = encode(`{${parameters}"inputs":[${them.map((it) => (it.asRaw ? asSize(it) : asText(it))).join(",")}]}`);
        const tails = them.flatMap((it) => (it.asRaw ? bytesOf(it) : []));
        const isRaw = them.some(({ asRaw }) => asRaw);
        const answer = isRaw
          ? await inferRaw(key, model, { body: new Blob([head, Uint8Array.from(tails)]), length: head.length })
          : await infer(key, model, new TextDecoder().decode(head));
        expect(answer.status).toBe(200);
        if (wantsRaw) {
          const { head: told, tail } = await apart(answer);
          const outputs: unknown = JSON.parse(`[${them.map(asSize).join(",")}]`);
          expect(told).toStrictEqual({ model_name: model, outputs });
          expect(tail).toEqual(them.flatMap(bytesOf));
        } else {
          expect(await answer.text()).toBe(`{"model_name":"${model}","outputs":[${them.map(asText).join(",")}]}`);
        }
      };
      for (const datatype of DATATYPES) {
        await fc.assert(fc.asyncProperty(samplesWith(datatype), fc.boolean(), roundTrip), { numRuns: RUNS_OF_EACH });
      }
    },
    60_000,
  );
});

describe("who may call the Open Inference Protocol", () => {
  const verbs = ["infer", "generate", "generate_stream"];
  const OPEN = ["/v2", "/v2/health/live"];
  const READS = [
    "/v2/health/ready",
    "/v2/models",
    "/v2/models/m",
    "/v2/models/m/ready",
    "/v2/models/m/versions/1",
    "/v2/models/m/versions/1/ready",
  ];
  const SUBMITS = verbs.flatMap((verb) => [`/v2/models/m/${verb}`, `/v2/models/m/versions/1/${verb}`]);
  const ROUTES: [method: "GET" | "POST", path: string][] = [
    ...READS.map((path): ["GET", string] => ["GET", path]),
    ...SUBMITS.map((path): ["POST", string] => ["POST", path]),
  ];
  const send = (method: string, path: string, key: string | null) =>
    call(path, {
      method,
      headers: { "Content-Type": "application/json", ...(key === null ? {} : { Authorization: `Bearer ${key}` }) },
      ...(method === "POST" ? { body: JSON.stringify({ inputs: [X], text_input: "x" }) } : {}),
    });

  test.each(ROUTES)("%s %s is for keys: none, no key at all, unknown, revoked and expired ones are refused alike", async (method, path) => {
    const revoked = await newTenant();
    await operator("DELETE", `/keys/${revoked.keyId}`);
    const expired = await newTenant({ expires_at: "2020-01-01T00:00:00Z" });
    for (const key of [null, "", "nonsense", await unknownKey(revoked.accountId), revoked.key, expired.key]) {
      const answer = await send(method, path, key);
      expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer realm="/);
      expect(answer.headers.get("cache-control")).toBe("private, no-store");
      expect(await seen(answer)).toStrictEqual(refused(401));
    }
  });

  test.each(ROUTES)("%s %s needs its scope, and says when a key has asked too much", async (method, path) => {
    const scope = method === "POST" ? "submit" : "read";
    const other = await newTenant({ scopes: ["submit", "read", "cancel"].filter((each) => each !== scope) });
    expect(await seen(send(method, path, other.key))).toStrictEqual(refused(403, `This call needs a key with the scope "${scope}".`));
    const { key } = await newTenant({ limits: { [scope]: 1 } });
    const [first, second] = [await send(method, path, key), await send(method, path, key)];
    expect(first.status).not.toBe(429);
    expect(second.headers.get("retry-after")).toBe("1");
    expect(second.headers.get("ratelimit")).toBe(`"${scope}";r=0;t=1`);
    expect(await seen(second)).toStrictEqual(refused(429));
  });

  test.each([...ROUTES, ...OPEN.map((path) => ["GET", path] as const)])("%s %s takes no other method", async (method, path) => {
    const { key } = await newTenant();
    for (const other of ["GET", "POST", "PUT", "PATCH", "DELETE"].filter((each) => each !== method)) {
      const answer = await as(key, other, path);
      expect(answer.headers.get("allow")).toBe(method === "GET" ? "GET, HEAD" : "POST");
      expect(await seen(answer)).toStrictEqual(refused(405));
    }
  });

  test("nobody is answered by the database without a key", async () => {
    const broken = stillEnv({ DB: asDatabase({ prepare: () => expect.fail("asked"), batch: () => expect.fail("asked") }) });
    for (const path of OPEN) expect((await stillAs("", "GET", path, undefined, {}, broken)).status).toBe(200);
    expect((await stillAs("", "GET", "/v2/health/ready", undefined, {}, broken)).status).toBe(401);
  });

  test.each([
    "/v2/",
    "/v2/health",
    "/v2/health/dead",
    "/v2/models/m/stats",
    "/v2/models/m/versions",
    "/v2/models//ready",
    "/v2/repository/index",
    "/v2x",
  ])("%s is nothing that there is, unless it is", async (path) => {
    const { key } = await newTenant();
    const answer = await as(key, "GET", path);
    if (path === "/v2/") return expect(answer.status).toBe(200);
    expect(answer.status).toBe(404);
    if (path !== "/v2x") expect(await seen(answer)).toStrictEqual(refused(404));
  });

  test.each(["no-such-model", "%00", "%E0%A4%A", "..%2Fadmin", "a%2Fb"])("finds no model %s", async (name) => {
    const { key } = await newTenant();
    for (const [method, path] of ROUTES.filter(([, path_]) => path_.includes("/m"))) {
      if (path === "/v2/models") continue;
      expect(await seen(send(method, path.replace("/models/m", `/models/${name}`), key))).toStrictEqual(refused(404));
    }
  });

  test("calls an unknown model what Triton's clients look for, at every route", async () => {
    const { key } = await newTenant();
    for (const [method, path] of ROUTES.filter(([, path_]) => path_.startsWith("/v2/models/"))) {
      expect(await seen(send(method, path.replace("/models/m", "/models/nope"), key))).toStrictEqual(
        refused(404, expect.stringMatching(/^Request for unknown model: .*"nope"/)),
      );
    }
  });

  test("finds no version that a model does not have", async () => {
    const { key } = await newTenant();
    const { model } = await echoing(false, { model: { versions: ["1"] }, version: "1" });
    for (const [method, path] of ROUTES.filter(([, path_]) => path_.includes("/versions/"))) {
      const versioned = path.replace("/models/m/versions/1", `/models/${model}/versions/2`);
      expect(await seen(send(method, versioned, key))).toStrictEqual(refused(404, expect.stringContaining('"2"')));
    }
  });

  test("tells nothing of a fault of ours, and when to come back from one of the platform's", async () => {
    const { key } = await newTenant();
    const fault = (message: string) =>
      stillEnv({
        DB: asDatabase({
          prepare: () => {
            throw new Error(message);
          },
          batch: () => {
            throw new Error(message);
          },
        }),
      });
    for (const path of READS) {
      const ours = await stillAs(key, "GET", path, undefined, {}, fault("D1_ERROR: secret: SQLITE_ERROR"));
      expect(await seen(ours)).toStrictEqual(refused(500, expect.not.stringContaining("secret")));
      const theirs = await stillAs(key, "GET", path, undefined, {}, fault("secret reset"));
      expect(theirs.headers.get("retry-after")).toMatch(/^\d+$/);
      expect(await seen(theirs)).toStrictEqual(refused(503, expect.not.stringContaining("secret")));
    }
  });

  test("answers whatever is sent with the answer or with a 4xx in its shape", async () => {
    const { key } = await newTenant();
    const server = new TensorServer({ binary: true });
    const [model, plain] = [await newModel(), await newModel()];
    await newBackend(model);
    await newBackend(plain, { protocol: "http" });
    backendIs((request) => (request.url.includes(plain) ? Response.json({}) : server.answer(request)), { tellsForms: true });
    const json = fc.oneof(
      fc.json(),
      fc.jsonValue().map((value) => JSON.stringify({ inputs: value, outputs: value, parameters: value, id: value, text_input: value })),
      fc
        .record({
          name: fc.string(),
          shape: fc.array(fc.oneof(fc.integer(), fc.double(), fc.maxSafeNat())),
          datatype: fc.constantFrom(...DATATYPES, "__proto__"),
          data: fc.jsonValue(),
          parameters: fc.dictionary(fc.constantFrom("binary_data_size", "__proto__", "shared_memory_region", "x"), fc.jsonValue()),
        })
        .map((tensor_) => JSON.stringify({ inputs: [tensor_], outputs: [tensor_] })),
      fc.constantFrom(
        '{"__proto__":{"inputs":[]}}',
        '{"inputs":[],"__proto__":1}',
        '{"inputs":[],"id":"x","id":7}',
        "9".repeat(400),
        `${"[".repeat(5000)}1${"]".repeat(5000)}`,
      ),
    );
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), json.map(encode));
    const headers = fc.record(
      {
        [HEAD]: fc.oneof(fc.nat(60).map(String), fc.constantFrom("0", "x", "-1", "1e3")),
        "Content-Encoding": fc.constantFrom("gzip", "deflate", "br", "", "identity"),
        "Content-Type": fc.constantFrom("application/json", "application/octet-stream", "text/plain", ""),
        Prefer: fc.constantFrom("respond-async", "wait=1", ';;,="'),
        "Idempotency-Key": fc.constantFrom("k", '"k"', ""),
      },
      { requiredKeys: [] },
    );
    const target = fc.constantFrom(...[model, plain].flatMap((name) => verbs.map((verb) => `/v2/models/${name}/${verb}`)));
    await fc.assert(
      fc.asyncProperty(target, bytes, headers, async (path, body, more) => {
        const answer = await call(path, { method: "POST", headers: { Authorization: `Bearer ${key}`, ...more }, body });
        const text = new TextDecoder().decode(await answer.arrayBuffer());
        if (answer.status === 200 || answer.status === 202) return;
        expect(answer.status === 501 || (answer.status >= 400 && answer.status < 500)).toBe(true);
        expect(JSON.parse(text)).toStrictEqual({ error: expect.stringMatching(/\S/) });
      }),
      { numRuns: 200 },
    );
  }, 120_000);
});

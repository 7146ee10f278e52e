/** What a model takes: a bad input is refused at submit, on each wire in its own words; how it is set, read from a backend, and shown. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { submit as submitInference } from "../../src/inferences/submit.ts";
import { SCHEMAS_CHARACTERS } from "../../src/limits.ts";
import type { ModelSchemas } from "../../src/models/schemas.ts";
import { Memory } from "../../src/platform/memory.ts";
import type { Database } from "../../src/platform/sql.ts";
import { backendIs, echo } from "./support/outside.ts";
import { newBackend, newModel, newTenant } from "./support/tenants.ts";
import { still } from "./support/ports.ts";
import { as, object, operator, until } from "./support/requests.ts";

const SIZED = { type: "object", properties: { size: { type: "integer", minimum: 1, maximum: 4 } }, required: ["size"] };
const X = { name: "x", datatype: "FP32", shape: [-1, 2] };

/** A model with what it takes; its inferences wait, unless a backend of it is scripted. */
async function taking(body: Record<string, unknown>, more: Record<string, unknown> = {}): Promise<string> {
  const model = await newModel(more);
  const set = await operator("PUT", `/models/${model}/schema`, body);
  expect(set.status).toBe(200);
  return model;
}

async function seen(answer: Promise<Response>): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await answer;
  return { status: response.status, body: await object(response) };
}

const submit = (key: string, model: string, input: unknown, more: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  as(key, "POST", "/v1/inferences", { model, input, ...more }, headers);

async function rowsOf(model: string): Promise<number> {
  const row = await env.DB.prepare("SELECT count(*) AS rows FROM inferences WHERE model = ?").bind(model).first<{ rows: number }>();
  return row?.rows ?? 0;
}

describe("a bad input is refused before it waits, and nothing of it stays,", () => {
  test("on our own wire, with code, place and what is wanted", async () => {
    const { key } = await newTenant();
    const model = await taking({ input_schema: SIZED });
    expect(await seen(submit(key, model, { size: 7 }))).toMatchObject({
      status: 422,
      body: {
        code: "invalid_input",
        detail: '"input.size" must be from 1 to 4, and is 7.',
        errors: [{ pointer: "#/input/size", detail: "must be from 1 to 4, and is 7" }],
      },
    });
    expect(await seen(submit(key, model, {}))).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: "#/input/size", detail: "is missing" }] },
    });
    expect(await rowsOf(model)).toBe(0);
    expect((await submit(key, model, { size: 3 })).status).toBe(202);
    expect(await rowsOf(model)).toBe(1);
  });

  test("on Vody's", async () => {
    const { key } = await newTenant();
    const model = await taking({ input_schema: { items: { properties: { product_type: { enum: ["Chair", "Table"] } } } } });
    const item = { image_path: "https://img.test/1.png", product_type: "Shoe" };
    expect(await seen(as(key, "POST", `/inference/${model}`, [item]))).toEqual({
      status: 422,
      body: {
        error: "Unprocessable Content",
        code: 422,
        message: '"product_type" of item 0 must be one of "Chair", "Table", and is "Shoe"',
      },
    });
    expect(await rowsOf(model)).toBe(0);
  });

  test("on Reka's", async () => {
    const { key } = await newTenant();
    const model = await taking({ input_schema: SIZED });
    expect(await seen(as(key, "POST", `/v2/inference/${model}/text-to-image`, { input: { size: 0 } }))).toMatchObject({
      status: 400,
      body: {
        error: {
          type: "validation_error",
          param: "input.size",
          details: [{ param: "input.size", message: "must be from 1 to 4, and is 0" }],
        },
      },
    });
    expect(await rowsOf(model)).toBe(0);
  });

  test("on Baseten's, whether or not the call waits", async () => {
    const { key } = await newTenant();
    const model = await taking({ input_schema: SIZED });
    await newBackend(model);
    const refused = (place: string) => ({
      status: 400,
      body: { error_code: "client_error", detail: place, error: expect.stringContaining("from 1 to 4, and is 9") },
    });
    expect(await seen(as(key, "POST", `/baseten/${model}/production/async_predict`, { model_input: { size: 9 } }))).toMatchObject(
      refused("#/model_input/size"),
    );
    expect(await seen(as(key, "POST", `/baseten/${model}/production/predict`, { size: 9 }))).toMatchObject(refused("#/size"));
    expect(await seen(as(key, "POST", `/baseten/${model}/production/async_run_remote`, { size: 9 }))).toMatchObject(refused("#/size"));
    expect(await rowsOf(model)).toBe(0);
  });

  test("on OpenAI's", async () => {
    const { key } = await newTenant();
    const model = await taking({ input_schema: { properties: { temperature: { maximum: 2 } } } });
    await newBackend(model, { protocol: "openai" });
    const messages = [{ role: "user", content: "hello" }];
    expect(await seen(as(key, "POST", "/v1/chat/completions", { model, messages, temperature: 3 }))).toMatchObject({
      status: 400,
      body: {
        error: {
          type: "invalid_request_error",
          code: "invalid_input",
          param: "temperature",
          message: "temperature: must be at most 2, and is 3",
        },
      },
    });
    expect(await rowsOf(model)).toBe(0);
  });

  test.each([
    [
      "another type",
      { ...X, datatype: "INT64", shape: [1, 2], data: [1, 2] },
      '"inputs.0.datatype" must be FP32 for input "x", and is "INT64"',
    ],
    [
      "another shape",
      { ...X, shape: [1, 3], data: [1, 2, 3] },
      '"inputs.0.shape" must be [-1, 2] for input "x", where -1 is any size, and is [1, 3]',
    ],
    [
      "another rank",
      { ...X, shape: [2], data: [1, 2] },
      '"inputs.0.shape" must be [-1, 2] for input "x", where -1 is any size, and is [2]',
    ],
    [
      "another name",
      { ...X, name: "y", shape: [1, 2], data: [1, 2] },
      '"inputs.0.name" must be one of the model\'s inputs, "x", and is "y"; "inputs" lacks the input "x", which the model needs',
    ],
  ])("on the Open Inference Protocol's, for a tensor of %s", async (_, tensor, error) => {
    const { key } = await newTenant();
    const model = await taking({ inputs: [X] });
    await newBackend(model);
    backendIs(echo);
    expect(await seen(as(key, "POST", `/v2/models/${model}/infer`, { inputs: [tensor] }))).toEqual({ status: 400, body: { error } });
    expect(await rowsOf(model)).toBe(0);
    expect(
      (await as(key, "POST", `/v2/models/${model}/infer`, { inputs: [{ ...X, shape: [3, 2], data: [1, 2, 3, 4, 5, 6] }] })).status,
    ).toBe(200);
  });

  test("also where its tensors are bytes, and where they come by our own wire", async () => {
    const { key } = await newTenant();
    const model = await taking({ inputs: [X] });
    await newBackend(model);
    const head = JSON.stringify({ inputs: [{ ...X, shape: [1, 1], parameters: { binary_data_size: 4 } }] });
    const answer = await as(key, "POST", `/v2/models/${model}/infer`, `${head}\0\0\0\0`, {
      "Content-Type": "application/octet-stream",
      "Inference-Header-Content-Length": String(head.length),
    });
    expect(answer.status).toBe(400);
    expect(await seen(submit(key, model, { inputs: [{ ...X, shape: [1, 1], data: [1] }] }))).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: "#/input/inputs/0/shape" }] },
    });
    expect(await rowsOf(model)).toBe(0);
  });

  test("where it is too large for its row", async () => {
    const { key, accountId } = await newTenant();
    const model = await taking({ input_schema: { properties: { text: { maxLength: 10 } } } });
    expect((await submit(key, model, { text: "x".repeat(100_000) })).status).toBe(422);
    expect((await submit(key, model, { text: "x", other: "x".repeat(100_000) })).status).toBe(202);
    const kept = async () => (await env.PAYLOADS.list({ prefix: `inputs/${accountId}/` })).objects.length;
    expect(await until(kept, (objects) => objects === 1)).toBe(1);
  });
});

describe("what a submit is checked against", () => {
  test("is the schema of its version, or else that of all", async () => {
    const { key } = await newTenant();
    const model = await taking({ input_schema: { type: "string" } }, { versions: ["a", "b"] });
    await operator("PUT", `/models/${model}/schema?version=a`, { input_schema: { type: "integer" } });
    const statuses = async (more: Record<string, unknown>) =>
      Promise.all([submit(key, model, "text", more), submit(key, model, 5, more)]).then((all) => all.map(({ status }) => status));
    expect(await statuses({ version: "a" })).toEqual([422, 202]);
    expect(await statuses({ version: "b" })).toEqual([202, 422]);
    expect(await statuses({})).toEqual([202, 422]);
    await operator("PATCH", `/models/${model}`, { default_version: "a" });
    expect(await statuses({})).toEqual([422, 202]);
  });

  test("is never out of date, whichever way it changes", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    expect((await submit(key, model, 5)).status).toBe(202);
    await operator("PUT", `/models/${model}/schema`, { input_schema: { type: "string" } });
    expect((await submit(key, model, 5)).status).toBe(422);
    await operator("PUT", `/models/${model}/schema`, { input_schema: { type: "integer" } });
    expect((await submit(key, model, 5)).status).toBe(202);
    expect((await submit(key, model, "x")).status).toBe(422);
    await operator("DELETE", `/models/${model}/schema`);
    expect((await submit(key, model, "x")).status).toBe(202);
  });

  test("does not matter to a replay of what was accepted before", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const headers = { "Idempotency-Key": crypto.randomUUID() };
    const first = await object(submit(key, model, 5, {}, headers));
    await operator("PUT", `/models/${model}/schema`, { input_schema: { type: "string" } });
    const again = await submit(key, model, 5, {}, headers);
    expect(again.status).toBe(202);
    expect((await object(again))["id"]).toBe(first["id"]);
  });

  test("leaves exact integers as they are", async () => {
    const { key } = await newTenant();
    const model = await taking({ input_schema: { type: "integer", minimum: 0 } });
    expect((await as(key, "POST", "/v1/inferences", `{"model": "${model}", "input": 9007199254740993}`)).status).toBe(202);
    expect((await as(key, "POST", "/v1/inferences", `{"model": "${model}", "input": -9007199254740993}`)).status).toBe(422);
  });

  test("costs nothing but the insert: at once where a model has no schema, and once it is known where it has one", async () => {
    const { accountId } = await newTenant();
    const asked: string[] = [];
    const { db, ...ports } = still();
    const counted: Database = {
      all: (statement) => {
        asked.push(statement.text.trim().slice(0, 6));
        return db.all(statement);
      },
      batch: (statements) => {
        asked.push("batch");
        return db.batch(statements);
      },
    };
    const world = { ...ports, db: counted, schemas: new Memory<ModelSchemas>(10) };
    const asks = async (model: string) => {
      const input = { body: '{"size":1}', contentType: "application/json" };
      const submission = { accountId, keyId: "key", dialect: "claimcheck", model, input, inputItems: 1, given: { value: { size: 1 } } };
      asked.length = 0;
      await submitInference(world, submission, () => undefined);
      return [...asked];
    };
    expect(await asks(await newModel())).toEqual(["INSERT"]);
    const model = await taking({ input_schema: SIZED });
    // Refused, with room made and without; why, which takes two; the schema; taken, with or without a due note.
    expect(await asks(model)).toHaveLength(6);
    expect(await asks(model)).toEqual(["INSERT"]);
  });
});

async function revisionOf(model: string): Promise<number> {
  const row = await env.DB.prepare("SELECT schemas_revision AS revision FROM models WHERE name = ?")
    .bind(model)
    .first<{ revision: number }>();
  return row?.revision ?? -1;
}

describe("an operator", () => {
  test("is told from its place what is wrong with a schema", async () => {
    const model = await newModel();
    const put = (body: unknown) => seen(operator("PUT", `/models/${model}/schema`, body));
    expect(await put({ input_schema: { properties: { a: { minimum: "1" } } } })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: "#/input_schema/properties/a/minimum", detail: 'must be a number, and is "1"' }] },
    });
    expect(await put({ input_schema: { items: { $ref: "#/$defs/none" } } })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: "#/input_schema/items/%24ref" }] },
    });
    expect(await put({ inputs: [{ ...X, datatype: "FLOAT" }] })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: "#/inputs/0/datatype" }] },
    });
    expect(await put({ inputs: [X, X] })).toMatchObject({ status: 422, body: { errors: [{ pointer: "#/inputs/1/name" }] } });
    expect(await revisionOf(model)).toBe(0);
  });

  test("may bound and name integers that no double holds exactly, which are compared as the nearest ones", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const put = (schema: string) => as(env.ADMIN_TOKEN, "PUT", `/admin/v1/models/${model}/schema`, `{"input_schema":${schema}}`);
    const made = await put(
      '{"type":"integer","minimum":0,"maximum":18446744073709551615,"not":{"const":9007199254740993},"x-most":-9223372036854775808}',
    );
    expect([made.status, await object(made)]).toMatchObject([200, { input_schema: { maximum: 2 ** 64, not: { const: 2 ** 53 } } }]);
    const statusOf = async (input: string) => (await as(key, "POST", "/v1/inferences", `{"model":"${model}","input":${input}}`)).status;
    expect([await statusOf("18446744073709551615"), await statusOf("36893488147419103232"), await statusOf("9007199254740993")]).toEqual([
      202, 422, 422,
    ]);
    const { data: entries } = await object(operator("GET", `/audit?target=${model}`));
    expect(entries).toMatchObject([{ status: 200, change: { input_schema: { maximum: 2 ** 64 } } }, { status: 201 }]);
  });

  test("is told that there is no such model or version", async () => {
    const model = await newModel({ versions: ["a"] });
    expect((await operator("PUT", `/models/${model}/schema?version=b`, { input_schema: true })).status).toBe(404);
    expect((await operator("PUT", "/models/none/schema", { input_schema: true })).status).toBe(404);
    expect((await operator("GET", "/models/none/schema")).status).toBe(404);
    expect((await operator("DELETE", "/models/none/schema")).status).toBe(404);
    expect((await operator("POST", "/models/none/schema/import", {})).status).toBe(404);
  });

  test("can't set more than fits a model", async () => {
    const model = await newModel({ versions: ["a", "b", "c", "d", "e"] });
    const large = { input_schema: { description: "x".repeat(60_000) } };
    const fitting = Math.floor(SCHEMAS_CHARACTERS / 60_100);
    const statuses: number[] = [];
    for (const version of ["a", "b", "c", "d", "e"])
      statuses.push((await operator("PUT", `/models/${model}/schema?version=${version}`, large)).status);
    expect(statuses).toEqual(Array.from({ length: 5 }, (_, index) => (index < fitting ? 200 : 413)));
  });

  test("gets what was set, and nothing once it is deleted", async () => {
    const model = await taking({ input_schema: SIZED, inputs: [X] });
    const set = { model, version: null, input_schema: SIZED, inputs: [{ ...X, optional: false }], outputs: null };
    expect(await object(operator("GET", `/models/${model}/schema`))).toEqual(set);
    expect(await object(operator("DELETE", `/models/${model}/schema`))).toEqual({ ...set, input_schema: null, inputs: null });
    expect(await revisionOf(model)).toBe(0);
  });

  test("has the tensors of a server that speaks the Open Inference Protocol", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const backend = await newBackend(model);
    const metadata = {
      name: model,
      platform: "onnx",
      inputs: [{ ...X, shape: ["-1", "2"] }],
      outputs: [{ name: "y", datatype: "FP32", shape: [-1] }],
    };
    backendIs(() => Response.json(metadata));
    expect(await seen(operator("POST", `/models/${model}/schema/import`, { backend }))).toMatchObject({
      status: 200,
      body: { inputs: [{ ...X, optional: false }], outputs: [{ name: "y", datatype: "FP32", shape: [-1] }] },
    });
    backendIs(() => new Response(null, { status: 503 }));
    expect(await object(as(key, "GET", `/v2/models/${model}`))).toMatchObject({
      inputs: [X],
      outputs: [{ name: "y", datatype: "FP32", shape: [-1] }],
    });
    expect((await as(key, "POST", `/v2/models/${model}/infer`, { inputs: [{ ...X, shape: [1, 1], data: [1] }] })).status).toBe(400);
  });

  test("has the schema of a Cog server, with what it refers to", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    await newBackend(model, { protocol: "cog" });
    const schemas = {
      Input: {
        type: "object",
        properties: {
          image: { type: "string", format: "uri", "x-order": 0 },
          scheduler: { allOf: [{ $ref: "#/components/schemas/scheduler" }], default: "K_EULER" },
          seed: { type: "integer", nullable: true },
        },
        required: ["image"],
      },
      scheduler: { type: "string", enum: ["DDIM", "K_EULER"] },
      Output: { type: "string" },
    };
    backendIs(() => Response.json({ openapi: "3.0.2", components: { schemas } }));
    expect((await operator("POST", `/models/${model}/schema/import`)).status).toBe(200);
    const image = "https://img.test/1.png";
    expect((await submit(key, model, { image, seed: null, scheduler: "DDIM" })).status).toBe(202);
    expect(await seen(submit(key, model, { image, scheduler: "PNDM" }))).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: "#/input/scheduler", detail: 'must be one of "DDIM", "K_EULER", and is "PNDM"' }] },
    });
    expect((await submit(key, model, { image, seed: "1" })).status).toBe(422);
    expect((await submit(key, model, {})).status).toBe(422);
  });

  test.each<[string, number, string]>([
    ["a schema", 1, `{"Input":${'{"type":"object","properties":{"a":'.repeat(20_000)}{}${"}}".repeat(20_000)}}`],
    [
      "a chain of references",
      0,
      JSON.stringify(
        Object.fromEntries(
          ["Input", ...Array.from({ length: 20_000 }, (_, at) => `D${at}`)].map((name, at) => [
            name,
            { type: "object", properties: { a: { $ref: `#/components/schemas/D${at}` } } },
          ]),
        ),
      ),
    ],
  ])("is not had of a server that has %s deeper than the stack", async (_what, described, schemas) => {
    const model = await newModel();
    const backend = await newBackend(model, { protocol: "cog" });
    backendIs(({ url }) =>
      url.endsWith("/openapi.json") ? new Response(`{"components":{"schemas":${schemas}}}`) : Response.json({ status: "READY" }),
    );
    expect((await operator("POST", `/models/${model}/schema/import`, {})).status).toBe(409);
    const ready = await object(operator("GET", `/backends/${backend}/ready`));
    expect([ready["ready"], ready["metadata"] !== null]).toEqual([true, described === 1]);
  });

  test("is told which backends said nothing", async () => {
    const model = await newModel();
    expect(await seen(operator("POST", `/models/${model}/schema/import`, {}))).toMatchObject({ status: 409, body: { code: "conflict" } });
    const backend = await newBackend(model, { protocol: "http" });
    expect(await seen(operator("POST", `/models/${model}/schema/import`, {}))).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining(backend) },
    });
    const other = await newBackend(await newModel());
    expect((await operator("POST", `/models/${model}/schema/import`, { backend: other })).status).toBe(422);
  });
});

test("a client sees what a model takes", async () => {
  const { key } = await newTenant();
  const model = await taking({ input_schema: SIZED });
  expect(await object(as(key, "GET", `/v1/models/${model}`))).toMatchObject({
    id: model,
    input_schema: SIZED,
    inputs: null,
    outputs: null,
  });
  expect(await object(as(key, "GET", `/v1/models/${await newModel()}`))).toMatchObject({ input_schema: null, inputs: null });
});

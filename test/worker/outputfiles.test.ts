/** Fields of outputs that are kept as files: which are, what stands for them, and how they are fetched. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { toBase64 } from "../../src/encoding/base64.ts";
import { hexOf } from "../../src/encoding/hex.ts";
import { INLINE_BYTES, UPLOAD_PART_BYTES } from "../../src/limits.ts";
import { ended, submitted } from "./support/inferences.ts";
import { backendIs } from "./support/outside.ts";
import { newBackend, newModel, newTenant } from "./support/tenants.ts";
import { as, call, object, operator, until } from "./support/requests.ts";

const { key, accountId } = await newTenant();

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Bytes that begin as a picture does. */
function picture(bytes: number, seed = 0): Uint8Array {
  const data = new Uint8Array(bytes);
  for (let index = 0; index < bytes; index++) data[index] = PNG[index] ?? (index * 31 + (index >> 8) + seed) & 255;
  return data;
}

const sha256 = async (data: Uint8Array) => hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", data)));

/** A model with such files, whose server answers with whatever the script makes. */
async function serving(files: readonly unknown[], protocol: "http" | "oip", script: () => Response): Promise<string> {
  const model = await newModel({ output_files: files });
  await newBackend(model, { protocol });
  backendIs(script);
  return model;
}

async function run(model: string, input: unknown = { text: "x" }): Promise<Record<string, unknown>> {
  return ended(key, await submitted(key, model, input, { retry: { max_attempts: 1 } }));
}

const fetched = (path: string, headers: Record<string, string> = {}) =>
  call(path, { headers: { Authorization: `Bearer ${key}`, ...headers } });

async function objectsOf(id: unknown): Promise<string[]> {
  const { objects } = await env.PAYLOADS.list({ prefix: `outputs/${accountId}/${String(id)}` });
  return objects.map((it) => it.key);
}

const json = (value: unknown) => Response.json(value);

describe("a field of JSON that is a file", () => {
  test.each([
    ["small", 100],
    ["larger than a row", INLINE_BYTES * 2],
    ["of more than a part", UPLOAD_PART_BYTES + 99],
  ])("is one object, %s, and its address stands for it", async (_what, bytes) => {
    const image = picture(bytes);
    const model = await serving([{ field: "image" }], "http", () => json({ image: toBase64(image), score: 0.5 }));
    const { id, status, output, output_parts } = await run(model);
    expect(status).toBe("succeeded");
    const path = `/v1/inferences/${String(id)}/result/image.png`;
    expect(output).toEqual({ image: path, score: 0.5 });
    expect(output_parts).toEqual([
      { name: "image.png", content_type: "image/png", bytes, sha256: await sha256(image), url: expect.stringContaining(path) },
    ]);
    const answer = await fetched(path);
    expect([answer.status, answer.headers.get("content-type"), answer.headers.get("x-content-type-options")]).toEqual([
      200,
      "image/png",
      "nosniff",
    ]);
    expect(await sha256(new Uint8Array(await answer.arrayBuffer()))).toBe(await sha256(image));
    const piece = await fetched(path, { Range: "bytes=-5" });
    expect([piece.status, new Uint8Array(await piece.arrayBuffer())]).toEqual([206, image.slice(-5)]);
    expect((await as((await newTenant()).key, "GET", path)).status).toBe(404);
    expect(await fetched(`/v1/inferences/${String(id)}/result`).then((whole) => whole.json())).toEqual(output);
  });

  test("may lie deep, come several times, be a data URL, or text", async () => {
    const [one, two] = [picture(50_000, 1), picture(50_000, 2)];
    const files = [{ field: "data.b64_json" }, { field: "log", encoding: "text" }, { field: "clip", content_type: "video/mp4" }];
    const answer = {
      data: [{ b64_json: toBase64(one) }, { b64_json: toBase64(two) }, { b64_json: null }, { b64_json: "https://cdn.example/a.png" }],
      clip: "data:application/octet-stream;base64,AAEC",
      log: "ü\n",
      image: "AAEC",
    };
    const { id, output, output_parts } = await run(await serving(files, "http", () => json(answer)));
    const at = (name: string) => `/v1/inferences/${String(id)}/result/${name}`;
    expect(output).toEqual({
      data: [
        { b64_json: at("b64_json.png") },
        { b64_json: at("2-b64_json.png") },
        { b64_json: null },
        { b64_json: "https://cdn.example/a.png" },
      ],
      clip: at("clip.mp4"),
      log: at("log.txt"),
      image: "AAEC",
    });
    expect((output_parts as { content_type: string }[]).map((part) => part.content_type)).toEqual([
      "image/png",
      "image/png",
      "video/mp4",
      "text/plain;charset=utf-8",
    ]);
    expect(await (await fetched(at("log.txt"))).text()).toBe("ü\n");
    expect(new Uint8Array(await (await fetched(at("clip.mp4"))).arrayBuffer())).toEqual(new Uint8Array([0, 1, 2]));
    expect(await sha256(new Uint8Array(await (await fetched(at("2-b64_json.png"))).arrayBuffer()))).toBe(await sha256(two));
  });

  test("has links that need no key, each to itself alone", async () => {
    const answer = { images: [toBase64(picture(99, 1)), toBase64(picture(99, 2))] };
    const { id } = await run(await serving([{ field: "images" }], "http", () => json(answer)));
    const linkTo = (body: unknown) => as(key, "POST", `/v1/inferences/${String(id)}/link`, body);
    const url = new URL(String((await object(linkTo({ part: "2-images.png" })))["url"]));
    const linked = await call(url.pathname);
    expect([linked.status, linked.headers.get("content-type")]).toEqual([200, "image/png"]);
    expect(new Uint8Array(await linked.arrayBuffer())).toEqual(picture(99, 2));
    expect((await linkTo({ part: "images.jpg" })).status).toBe(404);
    await as(key, "DELETE", `/v1/inferences/${String(id)}`);
    expect((await call(url.pathname)).status).toBe(404);
  });

  test("that is none fails the attempt, and leaves nothing", async () => {
    const image = toBase64(picture(UPLOAD_PART_BYTES + 99));
    const model = await serving([{ field: "image" }], "http", () => json([{ image }, { image: `${image.slice(0, -4)}!!!!` }]));
    const { id, error } = await run(model);
    expect(error).toMatchObject({ class: "infrastructure", code: "backend_garbage", message: expect.stringContaining("image") });
    expect(await objectsOf(id)).toEqual([]);
  });

  test("that breaks off is a cut, and leaves nothing", async () => {
    const image = toBase64(picture(UPLOAD_PART_BYTES * 2));
    const headers = { "Content-Type": "application/json" };
    const model = await serving([{ field: "image" }], "http", () => new Response(`{"image":"${image}`, { headers }));
    const { id, error } = await run(model);
    expect(error).toMatchObject({ code: "backend_cut" });
    expect(await objectsOf(id)).toEqual([]);
  });

  test("around which there is no JSON is garbage, and leaves nothing", async () => {
    const headers = { "Content-Type": "application/json" };
    const model = await serving([{ field: "image" }], "http", () => new Response('{"image":"AAEC",}', { headers }));
    const { id, error } = await run(model);
    expect(error).toMatchObject({ code: "backend_garbage" });
    expect(await objectsOf(id)).toEqual([]);
  });

  test("goes with its inference", async () => {
    const model = await serving([{ field: "image" }], "http", () => json({ image: toBase64(picture(99)) }));
    const { id } = await run(model);
    expect((await objectsOf(id)).length).toBe(1);
    expect((await as(key, "DELETE", `/v1/inferences/${String(id)}`)).status).toBe(204);
    expect(
      await until(
        () => objectsOf(id),
        (left) => left.length === 0,
      ),
    ).toEqual([]);
  });

  test("is left alone in a model that does not say so, and in answers that are no JSON", async () => {
    const image = toBase64(picture(99));
    expect((await run(await serving([], "http", () => json({ image }))))["output"]).toEqual({ image });
    const bytes = await run(await serving([{ field: "image" }], "http", () => new Response(`{"image":"${image}"}`)));
    expect(bytes["output_parts"]).toBeUndefined();
  });
});

describe("an output tensor that is files", () => {
  const tensor = (data: readonly string[]) => ({ name: "image", shape: [data.length], datatype: "BYTES", data });
  const scores = { name: "score", shape: [2], datatype: "FP32", data: [0.5, 0.25] };

  /** A response with raw data. */
  function raw(elements: readonly Uint8Array[]): Response {
    const bytes = elements.reduce((sum, element) => sum + 4 + element.byteLength, 0);
    const output = { name: "image", shape: [elements.length], datatype: "BYTES", parameters: { binary_data_size: bytes } };
    const head = new TextEncoder().encode(JSON.stringify({ model_name: "m", outputs: [output] }));
    const body = new Uint8Array(head.byteLength + bytes);
    body.set(head);
    let at = head.byteLength;
    for (const element of elements) {
      new DataView(body.buffer).setUint32(at, element.byteLength, true);
      body.set(element, at + 4);
      at += 4 + element.byteLength;
    }
    return new Response(body, {
      headers: { "Content-Type": "application/octet-stream", "Inference-Header-Content-Length": String(head.byteLength) },
    });
  }

  const both = [picture(40_000, 1), picture(40_000, 2)];
  const asked = { inputs: [{ name: "text", shape: [2], datatype: "BYTES", data: ["x", "y"] }] };

  test.each<[string, unknown, () => Response]>([
    ["in JSON, for a client of tensors", asked, () => json({ model_name: "m", outputs: [tensor(both.map(toBase64)), scores] })],
    ["in raw data, for a client of tensors", asked, () => raw(both)],
  ])("has addresses for elements: %s", async (_what, input, script) => {
    const { id, status, output, output_items } = await run(await serving([{ field: "image" }], "oip", script), input);
    expect([status, output_items]).toEqual(["succeeded", 2]);
    const at = (name: string) => `/v1/inferences/${String(id)}/result/${name}`;
    expect((output as { outputs: unknown[] }).outputs[0]).toEqual({
      name: "image",
      shape: [2],
      datatype: "BYTES",
      data: [at("image.png"), at("2-image.png")],
    });
    expect(await sha256(new Uint8Array(await (await fetched(at("2-image.png"))).arrayBuffer()))).toBe(await sha256(both[1] ?? picture(0)));
  });

  test.each<[string, () => Response]>([
    ["in JSON", () => json({ model_name: "m", outputs: [tensor(both.map(toBase64)), scores] })],
    ["in raw data", () => raw(both)],
  ])("has addresses in the fields of a client that knows no tensors: %s", async (_what, script) => {
    const { id, output } = await run(await serving([{ field: "image" }], "oip", script), [{ text: "x" }, { text: "y" }]);
    const images = (output as { image: string }[]).map(({ image }) => image);
    expect(images).toEqual([`/v1/inferences/${String(id)}/result/image.png`, `/v1/inferences/${String(id)}/result/2-image.png`]);
    expect(await sha256(new Uint8Array(await (await fetched(images[0] ?? "")).arrayBuffer()))).toBe(await sha256(both[0] ?? picture(0)));
  });

  test("fails the attempt where its text is no file, and leaves nothing", async () => {
    const model = await serving([{ field: "image" }], "oip", () =>
      json({ model_name: "m", outputs: [tensor([toBase64(picture(99)), "!"])] }),
    );
    const { id, error } = await run(model, asked);
    expect(error).toMatchObject({ code: "backend_garbage" });
    expect(await objectsOf(id)).toEqual([]);
  });
});

describe("the setting of a model", () => {
  test("is shown, changed and kept", async () => {
    const name = await newModel({ output_files: [{ field: "a.b" }] });
    const whole = { field: "a.b", encoding: "base64", content_type: null };
    expect((await object(operator("GET", `/models/${name}`)))["output_files"]).toEqual([whole]);
    await operator("PATCH", `/models/${name}`, { description: "Paints." });
    expect((await object(operator("GET", `/models/${name}`)))["output_files"]).toEqual([whole]);
    await operator("PATCH", `/models/${name}`, { output_files: [] });
    expect((await object(operator("GET", `/models/${name}`)))["output_files"]).toEqual([]);
  });

  test.each([
    [[{ field: "" }]],
    [[{ field: "a..b" }]],
    [[{ field: ".a" }]],
    [[{ field: "a", encoding: "hex" }]],
    [[{ field: "a", content_type: "text/html\r\nX: y" }]],
    [[{ field: "a", size: 1 }]],
    [["a"]],
    [Array.from({ length: 17 }, () => ({ field: "a" }))],
  ])("is refused: %j", async (output_files) => {
    const name = await newModel();
    const answer = await operator("PATCH", `/models/${name}`, { output_files });
    expect(answer.status).toBe(422);
  });
});

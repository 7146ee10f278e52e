/** Outputs of any size: where they are kept, what is left of one that does not come to its end, and how they are read. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { toBase64 } from "../../src/encoding/base64.ts";
import { partOf } from "../../src/http/download.ts";
import { hexOf } from "../../src/encoding/hex.ts";
import { BACKEND_ANSWER_BYTES, INLINE_BYTES, PART_NAME_CHARACTERS, UPLOAD_PART_BYTES } from "../../src/limits.ts";
import { ended, rowOf, submitted } from "./support/inferences.ts";
import { backendIs } from "./support/outside.ts";
import { newBackend, newModel, newTenant } from "./support/tenants.ts";
import { as, call, object, operator, until } from "./support/requests.ts";
import { watched } from "./support/watched.ts";

const { key, accountId } = await newTenant();

/** A model whose server answers with whatever the script makes. */
async function serving(script: (request: Request) => Response | Promise<Response>, more: Record<string, unknown> = {}): Promise<string> {
  const model = await newModel();
  await newBackend(model, { protocol: "http", ...more });
  backendIs(script);
  return model;
}

/** Bytes that tell where they belong. */
function pattern(bytes: number): Uint8Array {
  const data = new Uint8Array(bytes);
  for (let index = 0; index < bytes; index++) data[index] = (index * 31 + (index >> 8)) & 255;
  return data;
}

/** In pieces of odd sizes, its length unknown. */
function inPieces(data: Uint8Array, then: (controller: ReadableStreamDefaultController<Uint8Array>) => void = (it) => it.close()) {
  let at = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= data.byteLength) return then(controller);
      const piece = data.slice(at, at + 70_001);
      at += piece.byteLength;
      controller.enqueue(piece);
    },
  });
}

const sha256 = async (data: Uint8Array) => hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", data)));

/** What of an inference is in the bucket. */
async function objectsOf(id: string): Promise<string[]> {
  const { objects } = await env.PAYLOADS.list({ prefix: `outputs/${accountId}/${id}` });
  return objects.map((it) => it.key);
}

async function run(model: string, more: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  return ended(key, await submitted(key, model, { text: "x" }, more));
}

const resultOf = (id: unknown, headers: Record<string, string> = {}, method = "GET") =>
  call(`/v1/inferences/${String(id)}/result`, { method, headers: { Authorization: `Bearer ${key}`, ...headers } });

const once = { retry: { max_attempts: 1 } };

describe("an output", () => {
  const text = (bytes: number) => JSON.stringify("x".repeat(Math.max(0, bytes - 2)));

  test.each([
    ["nothing at all", 0, "image/png", true],
    ["JSON one byte under what a row takes", INLINE_BYTES - 1, "application/json", true],
    ["JSON of just what a row takes", INLINE_BYTES, "application/json", true],
    ["JSON one byte over it", INLINE_BYTES + 1, "application/json", false],
    ["bytes that as base64 are just what a row takes", (INLINE_BYTES / 4) * 3, "image/png", true],
    ["bytes one over it", (INLINE_BYTES / 4) * 3 + 1, "image/png", false],
    ["bytes of just the size of a row's", INLINE_BYTES, "image/png", false],
    ["bytes one over that", INLINE_BYTES + 1, "image/png", false],
    ["JSON of just what may be parsed", BACKEND_ANSWER_BYTES, "application/json", false],
    ["JSON beyond that", BACKEND_ANSWER_BYTES + 1, "application/json", false],
    ["bytes of a part", UPLOAD_PART_BYTES, "video/mp4", false],
    ["bytes of a part and one", UPLOAD_PART_BYTES + 1, "video/mp4", false],
    ["bytes of some parts", 2 * UPLOAD_PART_BYTES + 12_345, "video/mp4", false],
  ])("of %s comes out as it came, its length known or not", async (_what, bytes, contentType, inRow) => {
    const data = contentType === "application/json" ? new TextEncoder().encode(text(bytes)) : pattern(bytes);
    for (const known of [true, false]) {
      const headers = { "Content-Type": contentType, ...(known ? { "Content-Length": String(bytes) } : {}) };
      const model = await serving(() => new Response(inPieces(data), { headers }));
      const { id, status } = await run(model);
      expect(status).toBe("succeeded");
      const row = await rowOf(String(id));
      expect([row["output_bytes"], row["output_object"] === null, row["output_sha256"]]).toEqual([
        bytes,
        inRow,
        inRow ? null : await sha256(data),
      ]);
      expect(await objectsOf(String(id))).toEqual(inRow ? [] : [row["output_object"]]);
      const answer = await resultOf(id);
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, contentType]);
      expect(answer.headers.get("repr-digest")).toBe(
        `sha-256=:${btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-256", data))))}:`,
      );
      const read = new Uint8Array(await answer.arrayBuffer());
      expect([read.byteLength, await sha256(read)]).toEqual([bytes, await sha256(data)]);
    }
  });

  test("that is said to be JSON and is none is garbage, where it is small enough to be looked at", async () => {
    const body = `{"half":${" ".repeat(INLINE_BYTES)}`;
    const model = await serving(() => new Response(body, { headers: { "Content-Type": "application/json" } }));
    const { id, error } = await run(model, once);
    expect(error).toMatchObject({ class: "infrastructure", code: "backend_garbage" });
    expect(await objectsOf(String(id))).toEqual([]);
  });

  test.each([
    ["shorter than announced", 100_000, 100_001],
    ["longer than announced", 100_000, 99_999],
  ])("%s is cut, and leaves nothing", async (_what, bytes, announced) => {
    const headers = { "Content-Type": "video/mp4", "Content-Length": String(announced) };
    const model = await serving(() => new Response(inPieces(pattern(bytes)), { headers }));
    const { id, error } = await run(model, once);
    expect(error).toMatchObject({ class: "infrastructure", code: "backend_cut" });
    expect(await objectsOf(String(id))).toEqual([]);
  });

  test.each([
    ["of a known length", "20000000"],
    ["of an unknown length", null],
  ])("%s that breaks off in the middle leaves nothing, and is had by another attempt", async (_what, announced) => {
    let calls = 0;
    const data = pattern(UPLOAD_PART_BYTES + 100_000);
    const model = await serving(() => {
      const headers = { "Content-Type": "video/mp4", ...(announced ? { "Content-Length": announced } : {}) };
      return ++calls === 1
        ? new Response(
            inPieces(data, (it) => it.error(new Error("reset"))),
            { headers },
          )
        : new Response(inPieces(data), { headers: { "Content-Type": "video/mp4" } });
    });
    const { id, status, attempts } = await run(model, { retry: { initial_delay_ms: 0 } });
    expect([status, attempts]).toEqual(["succeeded", 2]);
    expect(await objectsOf(String(id))).toEqual([`outputs/${accountId}/${String(id)}/2`]);
  });

  test.each([
    ["of a known length", "20000000"],
    ["of an unknown length", null],
  ])("%s that never ends is ended by the attempt's time, and leaves nothing", async (_what, announced) => {
    const headers = { "Content-Type": "video/mp4", ...(announced ? { "Content-Length": announced } : {}) };
    const never = () => new Promise<void>(() => {});
    const body = () => {
      let at = 0;
      return new ReadableStream<Uint8Array>({
        pull: (controller) => (at++ < 100 ? controller.enqueue(pattern(70_000)) : never()),
      });
    };
    const model = await serving(() => new Response(body(), { headers }), { timeout_seconds: 1 });
    const { id, error } = await run(model, once);
    expect(error).toMatchObject({ class: "timeout", code: "run_within_seconds" });
    expect(await objectsOf(String(id))).toEqual([]);
  });
});

describe("an output that is larger than its model's may be", () => {
  const type = { "Content-Type": "video/mp4" };
  const part = (bytes: Uint8Array) => new Blob(["--b\r\nContent-Type: video/mp4\r\n\r\n", new Uint8Array(bytes), "\r\n--b--"]).stream();

  test.each<[string, () => Response]>([
    ["without its length", () => new Response(inPieces(pattern(200_001)), { headers: type })],
    ["of a length that is announced", () => new Response(pattern(200_001).slice(), { headers: { ...type, "Content-Length": "200001" } })],
    ["of several parts", () => new Response(part(pattern(200_001)), { headers: { "Content-Type": "multipart/mixed; boundary=b" } })],
  ])("fails with the reason, is not run again, and leaves nothing: %s", async (_how, answer) => {
    let calls = 0;
    const model = await serving(() => {
      calls++;
      return answer();
    });
    expect(await object(operator("PATCH", `/models/${model}`, { max_output_bytes: 200_000 }))).toMatchObject({ max_output_bytes: 200_000 });
    const { id, status, error } = await run(model);
    expect([status, error, calls]).toMatchObject(["failed", { message: expect.stringContaining("more than 200000 bytes") }, 1]);
    expect(await objectsOf(String(id))).toEqual([]);
  });

  test("has 1 GiB by default, and is taken to the byte", async () => {
    const model = await serving(() => new Response(inPieces(pattern(200_000)), { headers: type }));
    expect(await object(operator("GET", `/models/${model}`))).toMatchObject({ max_output_bytes: 2 ** 30 });
    await operator("PATCH", `/models/${model}`, { max_output_bytes: 200_000 });
    expect((await run(model))["status"]).toBe("succeeded");
    expect(await object(operator("PATCH", `/models/${model}`, { max_output_bytes: null }))).toMatchObject({ max_output_bytes: 2 ** 30 });
  });
});

describe("a result", () => {
  const data = pattern(50_000);
  let id = "";
  let etag = "";

  async function stored(): Promise<void> {
    if (id !== "") return;
    const model = await serving(() => new Response(inPieces(data), { headers: { "Content-Type": "video/mp4" } }));
    id = String((await run(model))["id"]);
    etag = (await resultOf(id)).headers.get("etag") ?? "";
  }

  test("is described by HEAD without being sent", async () => {
    await stored();
    const answer = await resultOf(id, {}, "HEAD");
    expect([answer.status, answer.headers.get("content-type"), answer.headers.get("accept-ranges")]).toEqual([200, "video/mp4", "bytes"]);
    expect(answer.headers.get("cache-control")).toBe("private, max-age=31536000, immutable");
    expect(answer.headers.get("content-disposition")).toBe(`inline; filename="${id}.mp4"`);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect((await answer.arrayBuffer()).byteLength).toBe(0);
  });

  test.each([
    ["bytes=0-0", 0, 1],
    ["bytes=0-", 0, 50_000],
    ["bytes=49999-", 49_999, 1],
    ["bytes=100-199", 100, 100],
    ["bytes=49990-60000", 49_990, 10],
    ["bytes=-1", 49_999, 1],
    ["bytes=-60000", 0, 50_000],
  ])("is given in part by Range: %s", async (range, offset, length) => {
    await stored();
    const answer = await resultOf(id, { Range: range });
    expect(answer.status).toBe(206);
    expect(answer.headers.get("content-range")).toBe(`bytes ${offset}-${offset + length - 1}/50000`);
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(data.subarray(offset, offset + length));
  });

  test.each(["bytes=50000-", "bytes=50000-50001", "bytes=-0"])("is refused where there is nothing: Range: %s", async (range) => {
    await stored();
    const answer = await resultOf(id, { Range: range });
    expect([answer.status, answer.headers.get("content-range")]).toEqual([416, "bytes */50000"]);
  });

  test.each(["bytes=0-1,5-6", "bytes=5-4", "bytes=-", "items=0-1", "bytes=a-b", ""])(
    "is given whole where a Range is none: %s",
    async (range) => {
      expect(partOf(range, 50_000)).toBe("whole");
    },
  );

  test("in part is given only of the bytes that the client has begun", async () => {
    await stored();
    expect((await resultOf(id, { Range: "bytes=0-9", "If-Range": etag })).status).toBe(206);
    for (const other of ['"other"', `W/${etag}`, "Sat, 21 Nov 2026 00:00:00 GMT"]) {
      const answer = await resultOf(id, { Range: "bytes=0-9", "If-Range": other });
      expect([answer.status, (await answer.arrayBuffer()).byteLength]).toEqual([200, 50_000]);
    }
  });

  test("that the client has is not sent again", async () => {
    await stored();
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
      const answer = await resultOf(id, { "If-None-Match": known, Range: "bytes=0-9" });
      expect([answer.status, answer.headers.get("etag"), (await answer.arrayBuffer()).byteLength]).toEqual([304, etag, 0]);
    }
    expect((await resultOf(id, { "If-None-Match": '"x"' })).status).toBe(200);
  });

  test("of a type that may hold scripts is not shown in place, and runs none", async () => {
    const model = await serving(() => new Response("<script>", { headers: { "Content-Type": "text/html" } }));
    const { id: page } = await run(model);
    const answer = await resultOf(page);
    expect(answer.headers.get("content-disposition")).toBe(`attachment; filename="${String(page)}.html"`);
    expect(answer.headers.get("content-security-policy")).toBe("default-src 'none'; sandbox");
    expect(await answer.text()).toBe("<script>");
  });

  test.each([
    ["image/png, text/html", "inline", "image/png"], // of two lines the first was stored
    ["text/html, image/png", "attachment", "text/html"],
    ['image/png; x="a,b"', "attachment", "application/octet-stream"],
    ["text/plainx", "attachment", "text/plainx"],
    ["text/html; x=image/png", "attachment", "text/html; x=image/png"],
    ["image/svg+xml", "attachment", "image/svg+xml"],
    ["IMAGE/PNG", "inline", "IMAGE/PNG"],
    ["text/plain;charset=utf-8", "inline", "text/plain;charset=utf-8"],
  ])("of Content-Type %s is served as %s, of type %s", async (type, kind, served) => {
    const model = await serving(() => new Response("<script>", { headers: { "Content-Type": type } }));
    const { id: page } = await run(model);
    const answer = await resultOf(page);
    expect(answer.headers.get("content-disposition")?.split(";")[0]).toBe(kind);
    expect(answer.headers.get("content-type")).toBe(served);
  });

  test.each(["/", "/v1/inferences/x", "/health", "/predict", "/v2/models/none", "/v1/models", "/v1/chat/completions"])(
    "is not the only answer that a browser runs nothing of: so is %s",
    async (path) => {
      const answer = await call(path, { headers: { Authorization: `Bearer ${key}` } });
      expect(answer.headers.get("content-security-policy")).toBe("default-src 'none'; sandbox");
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    },
  );

  test("that is gone from the bucket is 410", async () => {
    const model = await serving(() => new Response(inPieces(data), { headers: { "Content-Type": "video/mp4" } }));
    const { id: lost } = await run(model);
    await env.PAYLOADS.delete(await objectsOf(String(lost)));
    const answer = await resultOf(lost);
    expect([answer.status, (await object(answer))["code"]]).toEqual([410, "payload_gone"]);
  });

  test("costs a question to the bucket alone once it was read, whole or in parts, until the bucket has it no more", async () => {
    const model = await serving(() => new Response(inPieces(data), { headers: { "Content-Type": "video/mp4" } }));
    const kept = String((await run(model))["id"]);
    const { asked, send } = watched();
    const read = (headers: Record<string, string> = {}) => send(key, `/v1/inferences/${kept}/result`, { headers });
    for (let reads = 0; reads < 40; reads++) await (await read()).arrayBuffer();
    asked.mockClear();
    const whole = await read();
    expect(new Uint8Array(await whole.arrayBuffer())).toEqual(data);
    expect([whole.headers.get("content-length"), whole.headers.has("ratelimit")]).toEqual([String(data.byteLength), true]);
    const part = await read({ Range: "bytes=10-19" });
    expect([part.status, new Uint8Array(await part.arrayBuffer())]).toEqual([206, data.slice(10, 20)]);
    // The gate is asked too when a grant's second is over, which a slow machine may bring about.
    expect(asked.mock.calls.flat().filter((what) => what !== "getByName")).toEqual(["get", "get"]);
    expect((await read({ "If-None-Match": String(whole.headers.get("etag")) })).status).toBe(304);
    await env.PAYLOADS.delete(await objectsOf(kept));
    const gone = await read();
    expect([gone.status, gone.headers.has("ratelimit"), (await object(gone))["code"]]).toEqual([410, true, "payload_gone"]);
  });

  test("is nobody else's", async () => {
    await stored();
    const other = await newTenant();
    expect((await as(other.key, "GET", `/v1/inferences/${id}/result`)).status).toBe(404);
  });
});

describe("an output of several parts", () => {
  const image = pattern(60_000);
  const sound = pattern(UPLOAD_PART_BYTES + 5);

  /** What a server answers that makes more than one thing. */
  function answer(end = "\r\n--b--\r\n", more: readonly (string | Uint8Array)[] = []): Response {
    const pieces = [
      '--b\r\nContent-Type: application/json\r\n\r\n[{"score":1},{"score":2}]\r\n',
      '--b\r\nContent-Disposition: form-data; name="image"; filename="a cat.png"\r\nContent-Type: image/png\r\n\r\n',
      image,
      '\r\n--b\r\nContent-Disposition: form-data; name="sound"\r\nContent-Type: audio/wav\r\n\r\n',
      sound,
      ...more,
      end,
    ];
    const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      bytes.set(typeof piece === "string" ? new TextEncoder().encode(piece) : piece, at);
      at += piece.length;
    }
    return new Response(inPieces(bytes), { headers: { "Content-Type": "multipart/mixed; boundary=b" } });
  }

  const partOfIt = (id: unknown, name: string, headers: Record<string, string> = {}) =>
    call(`/v1/inferences/${String(id)}/result/${name}`, { headers: { Authorization: `Bearer ${key}`, ...headers } });

  test("is JSON, and each other part under its name", async () => {
    const { id, output, output_items, output_parts } = await run(await serving(() => answer()));
    expect([output, output_items]).toEqual([[{ score: 1 }, { score: 2 }], 2]);
    const url = (name: string) => expect.stringMatching(new RegExp(`/v1/inferences/${String(id)}/result/${name}$`));
    expect(output_parts).toEqual([
      { name: "a_cat.png", content_type: "image/png", bytes: image.byteLength, sha256: await sha256(image), url: url("a_cat.png") },
      { name: "sound", content_type: "audio/wav", bytes: sound.byteLength, sha256: await sha256(sound), url: url("sound") },
    ]);
    expect(await (await resultOf(id)).json()).toEqual([{ score: 1 }, { score: 2 }]);
    const part = await partOfIt(id, "a_cat.png");
    expect([part.status, part.headers.get("content-type"), part.headers.get("content-disposition")]).toEqual([
      200,
      "image/png",
      'inline; filename="a_cat.png"',
    ]);
    expect(await sha256(new Uint8Array(await part.arrayBuffer()))).toBe(await sha256(image));
    const piece = await partOfIt(id, "sound", { Range: "bytes=-5" });
    expect([piece.status, new Uint8Array(await piece.arrayBuffer())]).toEqual([206, sound.slice(-5)]);
    expect((await partOfIt(id, "video")).status).toBe(404);
    expect((await as((await newTenant()).key, "GET", `/v1/inferences/${String(id)}/result/sound`)).status).toBe(404);
  });

  test("without JSON is a list of them", async () => {
    const body = "--b\r\nContent-Type: image/png\r\n\r\n1\r\n--b\r\nContent-Type: image/png\r\n\r\n\r\n--b--";
    const model = await serving(() => new Response(body, { headers: { "Content-Type": "multipart/mixed; boundary=b" } }));
    const { id, output } = await run(model);
    expect(output).toEqual({
      parts: [
        { name: "part-1", content_type: "image/png", bytes: 1 },
        { name: "part-2", content_type: "image/png", bytes: 0 },
      ],
    });
    expect(await (await partOfIt(id, "part-1")).text()).toBe("1");
    expect(await (await partOfIt(id, "part-2")).text()).toBe("");
  });

  test("has a name for each part, also where the parts have names that others could get", async () => {
    const names = ["3-a", "a", "a", "b".repeat(200), "b".repeat(200)];
    const parts = names.map((name) => `--b\r\nContent-Disposition: attachment; filename="${name}"\r\nContent-Type: a/b\r\n\r\n${name}\r\n`);
    const body = `${parts.join("")}--b--`;
    const { id, output } = await run(
      await serving(() => new Response(body, { headers: { "Content-Type": "multipart/mixed; boundary=b" } })),
    );
    const named = (output as { parts: { name: string }[] }).parts.map((part) => part.name);
    expect(new Set(named).size).toBe(names.length);
    for (const [index, name] of named.entries()) {
      expect(name.length).toBeLessThanOrEqual(PART_NAME_CHARACTERS);
      expect(await (await partOfIt(id, name)).text()).toBe(names[index]);
    }
  });

  test("is decoded that comes as mail has it: LF lines, folded heads, base64", async () => {
    const head = "Content-Type: image/png\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment;\n filename=a.png";
    const body = `--b\nContent-Type: application/json\n\n{"score":1}\n--b\n${head}\n\n${toBase64(image)}\n--b--\n`;
    const model = await serving(() => new Response(body, { headers: { "Content-Type": "multipart/mixed; boundary=b" } }));
    const { id, output, output_parts } = await run(model);
    expect(output).toEqual({ score: 1 });
    expect(output_parts).toMatchObject([
      { name: "a.png", content_type: "image/png", bytes: image.byteLength, sha256: await sha256(image) },
    ]);
    expect(await sha256(await (await partOfIt(id, "a.png")).bytes())).toBe(await sha256(image));
  });

  test.each([
    ["ends before its last boundary", () => answer("")],
    [
      "holds JSON that is none",
      () =>
        new Response("--b\r\nContent-Type: a/b\r\n\r\n1\r\n--b\r\nContent-Type: application/json\r\n\r\n{\r\n--b--", {
          headers: { "Content-Type": "multipart/mixed; boundary=b" },
        }),
    ],
  ])("that %s fails", async (_what, script) => {
    const { id, status } = await run(await serving(script), once);
    expect(status).toBe("failed");
    expect(await objectsOf(String(id))).toEqual([]);
  });

  test("counts whole towards what its account stores, and goes whole", async () => {
    const storedBytes = async () => Number((await object(operator("GET", `/accounts/${accountId}`)))["stored_bytes"]);
    const before = await storedBytes();
    const { id } = await run(await serving(() => answer()));
    expect((await objectsOf(String(id))).length).toBe(2);
    const { input_bytes, output_bytes } = await rowOf(String(id));
    expect((await storedBytes()) - before).toBe(image.byteLength + sound.byteLength + Number(input_bytes) + Number(output_bytes));
    expect((await as(key, "DELETE", `/v1/inferences/${String(id)}`)).status).toBe(204);
    expect(await storedBytes()).toBe(before);
    const left = await until(
      () => objectsOf(String(id)),
      (keys) => keys.length === 0,
    );
    expect(left).toEqual([]);
  });
});

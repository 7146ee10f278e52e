/** Files: taken in whole or part by part, checked, given out, referred to, linked to, counted and cleared away. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import OpenAI from "openai";
import { beforeAll, describe, expect, test } from "vitest";
import { receiveFile } from "../../src/files/receive.ts";
import { removeExpiredFiles, removeFile } from "../../src/files/remove.ts";
import { beginUpload, completeUpload, receivePart } from "../../src/files/uploads.ts";
import { findFile, objectKey, unnamedFiles } from "../../src/files/store.ts";
import { FILE_CHARGE_BYTES, FILE_PART_BYTES, KIB, UPLOAD_PART_BYTES } from "../../src/limits.ts";
import { signLink } from "../../src/files/link-token.ts";
import { ended, submitted } from "./support/inferences.ts";
import { ports, still, stillAs, stillEnv } from "./support/ports.ts";
import type { Upload } from "../../src/payloads/bucket.ts";
import { retain } from "../../src/maintenance/retention.ts";
import { Unavailable } from "../../src/platform/unavailable.ts";
import { handle } from "../../src/router.ts";
import { backendIs, publicNames } from "./support/outside.ts";
import { type Tenant, newBackend, newModel, newTenant } from "./support/tenants.ts";
import { ORIGIN, as, call, object, operator } from "./support/requests.ts";

const MIB = KIB * KIB;
const PART = FILE_PART_BYTES.range[0];

let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

/** Bytes that are different wherever one looks. */
function noise(length: number, seed = 1) {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed >>> 0 || 1;
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const field = (hex: string) =>
  `sha-256=:${btoa(String.fromCharCode(...(hex.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))))}:`;

function send(method: string, path: string, body?: BodyInit, headers: Record<string, string> = {}, key = tenant.key): Promise<Response> {
  return call(path, { method, headers: { Authorization: `Bearer ${key}`, ...headers }, ...(body === undefined ? {} : { body }) });
}

/** Without a Content-Length, in chunks of that size. */
function unknownLength(bytes: Uint8Array, chunk: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.byteLength) return controller.close();
      controller.enqueue(bytes.slice(at, at + chunk));
      at += chunk;
    },
  });
}

async function uploaded(bytes: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}, key = tenant.key) {
  const answer = await send("POST", "/v1/files", bytes, headers, key);
  expect(answer.status).toBe(201);
  return object(answer);
}

async function stored(accountId = tenant.accountId): Promise<number> {
  return Number((await object(operator("GET", `/accounts/${accountId}`)))["stored_bytes"]);
}

/** What the bucket and the tables have of an account's files. */
async function traces(accountId = tenant.accountId): Promise<unknown[]> {
  const [files, parts] = await Promise.all(
    ["files", "file_parts"].map(async (table) => {
      const { results } = await env.DB.prepare(`SELECT * FROM ${table} WHERE account_id = ?`).bind(accountId).all();
      return results;
    }),
  );
  const { objects } = await env.PAYLOADS.list({ prefix: `files/${accountId}/` });
  return [...(files ?? []), ...(parts ?? []), ...objects.map(({ key }) => key)];
}

const codeOf = async (answer: Response | Promise<Response>) => {
  const { status } = await answer;
  const { code } = await object(answer);
  return { status, code };
};

describe("a file", () => {
  test.each([0, 1, 65_535, 65_536, 65_537, 3 * MIB + 1])(
    "of %i bytes comes back as it was sent, with its type, name and SHA-256",
    async (size) => {
      const bytes = noise(size);
      const digest = await sha256(bytes);
      const answer = await send("POST", `/v1/files?name=clip.mp4&empty=${size === 0 ? 1 : 0}`, bytes, {
        "Content-Type": "video/mp4",
        "Content-Digest": field(digest),
      });
      const file = await object(answer);
      expect(file).toEqual({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        object: "file",
        status: "ready",
        name: "clip.mp4",
        content_type: "video/mp4",
        bytes: size,
        sha256: digest,
        reference: `claimcheck:file/${String(file["id"])}`,
        created_at: expect.any(String),
        expires_at: expect.any(String),
        urls: {
          self: `${ORIGIN}/v1/files/${String(file["id"])}`,
          info: `${ORIGIN}/v1/files/${String(file["id"])}/info`,
          link: `${ORIGIN}/v1/files/${String(file["id"])}/link`,
        },
      });
      expect(answer.headers.get("location")).toBe(`${ORIGIN}/v1/files/${String(file["id"])}`);
      expect(await object(send("GET", `/v1/files/${String(file["id"])}/info`))).toEqual(file);
      const got = await send("GET", `/v1/files/${String(file["id"])}`);
      expect(got.status).toBe(200);
      expect(got.headers.get("content-type")).toBe("video/mp4");
      expect(got.headers.get("content-length")).toBe(String(size));
      expect(got.headers.get("repr-digest")).toBe(field(digest));
      expect(got.headers.get("content-disposition")).toBe('inline; filename="clip.mp4"');
      expect(await sha256(await got.bytes())).toBe(digest);
    },
  );

  test.each([
    ["nothing", 0, 100],
    ["less than a part", 100_000, 9_999],
    ["a part exactly", UPLOAD_PART_BYTES, 65_536],
    ["a part and one byte", UPLOAD_PART_BYTES + 1, 100_000],
    ["several parts", 2 * UPLOAD_PART_BYTES + 12_345, 1_000_003],
  ])("of %s, sent without its length, comes back as it was sent", { timeout: 30_000 }, async (_what, size, chunk) => {
    const bytes = noise(size, 7);
    const before = await stored();
    const answer = await send("POST", "/v1/files?empty=1", unknownLength(bytes, chunk), { "Repr-Digest": field(await sha256(bytes)) });
    expect(answer.status).toBe(201);
    const file = await object(answer);
    expect(file).toMatchObject({ bytes: size, sha256: await sha256(bytes), content_type: "application/octet-stream", name: null });
    expect((await stored()) - before).toBe(Math.max(size, FILE_CHARGE_BYTES));
    const got = await send("GET", `/v1/files/${String(file["id"])}`);
    expect(await sha256(await got.bytes())).toBe(await sha256(bytes));
  });

  test.each([
    ["whole", (bytes: Uint8Array<ArrayBuffer>) => bytes],
    ["without its length", (bytes: Uint8Array<ArrayBuffer>) => unknownLength(bytes, 100_000)],
  ])("sent %s with a SHA-256 that is not its own is refused, and nothing of it stays", { timeout: 30_000 }, async (_how, bodyOf) => {
    const other = await newTenant();
    for (const size of [0, 1, 70_000, UPLOAD_PART_BYTES + 1]) {
      const wrong = await sha256(noise(size + 1));
      const ways: [string, Record<string, string>][] = [
        ["/v1/files?empty=1", { "Content-Digest": field(wrong) }],
        ["/v1/files?empty=1", { "Repr-Digest": `sha-512=:AAAA:, ${field(wrong)}` }],
        [`/v1/files?empty=1&sha256=${wrong}`, {}],
      ];
      for (const [path, headers] of ways) {
        expect(await codeOf(send("POST", path, bodyOf(noise(size)), headers, other.key))).toEqual({ status: 422, code: "digest_mismatch" });
      }
    }
    expect(await traces(other.accountId)).toEqual([]);
    expect(await stored(other.accountId)).toBe(0);
  });

  test.each(["text/plain;", "text/plain; ;charset=utf-8"])("has the type %s, whose parameters may be empty", async (type) => {
    expect(await uploaded(noise(1), { "Content-Type": type })).toMatchObject({ content_type: type });
  });

  test("is served in parts, unless it is known", async () => {
    const bytes = noise(200_000);
    const file = await uploaded(bytes);
    const path = `/v1/files/${String(file["id"])}`;
    const part = await send("GET", path, undefined, { Range: "bytes=1000-70999" });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, "bytes 1000-70999/200000"]);
    expect(await sha256(await part.bytes())).toBe(await sha256(bytes.slice(1000, 71_000)));
    const etag = String(part.headers.get("etag"));
    expect((await send("GET", path, undefined, { "If-None-Match": etag })).status).toBe(304);
    const head = await send("HEAD", path);
    expect([head.status, head.headers.get("content-length"), (await head.bytes()).length]).toEqual([200, "200000", 0]);
  });

  test.each([
    [{ "Content-Type": "video" }, 422, "invalid_input"],
    [{ "Content-Type": "multipart/mixed; boundary=x" }, 415, "unsupported_media_type"],
    [{ "Content-Type": "multipart/form-data" }, 415, "unsupported_media_type"],
    [{ "Content-Type": "multipart/form-data; boundary=x" }, 400, "bad_request"],
    [{ "Content-Type": "multipart/form-data; boundary=x", "Content-Digest": field("00".repeat(32)) }, 400, "bad_request"],
    [{ "Tus-Resumable": "1.0.0", "Upload-Length": "10" }, 400, "bad_request"],
    [{ "Upload-Complete": "?0", "Upload-Draft-Interop-Version": "8" }, 400, "bad_request"],
    [{ "X-Goog-Upload-Protocol": "resumable" }, 400, "bad_request"],
    [{ "Content-Range": "bytes 0-9/20" }, 400, "bad_request"],
    [{ "Content-Encoding": "gzip" }, 415, "unsupported_media_type"],
    [{ "Content-Digest": "sha-256=:short:" }, 400, "bad_request"],
    [{ "Content-Digest": field("00".repeat(32)), "Repr-Digest": field("11".repeat(32)) }, 400, "bad_request"],
    [{ "Content-Disposition": 'attachment; filename="../../x"' }, 422, "invalid_input"],
  ])("with %j is refused", async (headers, status, code) => {
    const other = await newTenant();
    expect(await codeOf(send("POST", "/v1/files", noise(10), headers, other.key))).toEqual({ status, code });
    expect(await traces(other.accountId)).toEqual([]);
  });

  test.each([
    ['attachment; filename="a b.png"', "a b.png"],
    ["attachment; filename=x.png", "x.png"],
    ["attachment; filename=\"x\"; filename*=UTF-8''na%C3%AFve.png", "naïve.png"],
    ["inline", null],
  ])("gets its name from Content-Disposition: %s", async (disposition, name) => {
    expect(await uploaded(noise(1), { "Content-Disposition": disposition })).toMatchObject({ name });
  });

  test("is listed, page by page, and removed", async () => {
    const other = await newTenant();
    const ids: string[] = [];
    for (let count = 0; count < 5; count++) ids.push(String((await uploaded(noise(10), {}, other.key))["id"]));
    const seen: string[] = [];
    let after: unknown = "";
    do {
      const page = await object(send("GET", `/v1/files?limit=2&after=${String(after)}`, undefined, {}, other.key));
      const data = page["data"] as { id: string }[];
      expect(data.length).toBeLessThanOrEqual(2);
      seen.push(...data.map(({ id }) => id));
      after = page["next_after"];
    } while (after !== null);
    expect(seen).toEqual(ids.toSorted());
    const cut = (ids[0] ?? "").slice(0, 20);
    expect(await codeOf(send("GET", `/v1/files?after=${cut}`, undefined, {}, other.key))).toEqual({ status: 422, code: "invalid_input" });
    for (const id of ids) expect((await send("DELETE", `/v1/files/${id}`, undefined, {}, other.key)).status).toBe(204);
    expect(await traces(other.accountId)).toEqual([]);
    expect(await codeOf(send("GET", `/v1/files/${ids[0]}`, undefined, {}, other.key))).toEqual({ status: 404, code: "file_not_found" });
  });

  test("goes with its row while the bucket fails, and never says that it is ready without its bytes", async () => {
    const other = await newTenant();
    const { id } = await uploaded(noise(10), {}, other.key);
    const file = (await findFile(still().db, other.accountId, String(id))) ?? expect.fail("no such file");
    const down = { ...still().payloads, delete: () => Promise.reject(new Unavailable("storage", false)) };
    await expect(removeFile(still({ payloads: down }), file)).rejects.toThrow(Unavailable);
    expect(await codeOf(send("GET", `/v1/files/${String(id)}`, undefined, {}, other.key))).toEqual({ status: 404, code: "file_not_found" });
    expect((await env.PAYLOADS.list({ prefix: `files/${other.accountId}/` })).objects).toHaveLength(1);
    await retain(still());
    expect(await traces(other.accountId)).toEqual([]);
  });

  test("of a length that is not said, and that is removed while it comes, is answered as gone, and not as too large", async () => {
    const other = await newTenant();
    let removed = false;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (removed) return controller.close();
        const { data } = (await object(send("GET", "/v1/files", undefined, {}, other.key))) as { data: { id: string; status: string }[] };
        for (const { id } of data) removed = (await send("DELETE", `/v1/files/${id}`, undefined, {}, other.key)).status === 204;
        controller.enqueue(noise(10));
      },
    });
    const draft = { id: crypto.randomUUID(), accountId: other.accountId, name: "", contentType: "a/b", sha256: null, origin: ORIGIN };
    const { signal } = new AbortController();
    await expect(receiveFile(ports(), draft, { body, bytes: null, sha256: null, gone: signal })).rejects.toMatchObject({
      code: "file_not_found",
    });
    expect(await traces(other.accountId)).toEqual([]);
  });

  test("past its time is not there, and is cleared away with all that is its", async () => {
    const other = await newTenant();
    const { id } = await uploaded(noise(10), {}, other.key);
    const upload = await object(as(other.key, "POST", "/v1/uploads", { bytes: PART + 5 }));
    await send("PUT", `/v1/uploads/${String(upload["id"])}/parts/2`, noise(5), {}, other.key);
    await uploaded(noise(11), {}, other.key);
    const ofBoth = env.DB.prepare("UPDATE files SET expires_at = 1 WHERE id IN (?, ?)");
    await ofBoth.bind(id, upload["id"]).run();
    expect(await codeOf(send("GET", `/v1/files/${String(id)}`, undefined, {}, other.key))).toEqual({ status: 404, code: "file_not_found" });
    expect((await traces(other.accountId)).length).toBe(6);
    await removeExpiredFiles(still());
    expect((await traces(other.accountId)).length).toBe(2);
    expect(await stored(other.accountId)).toBe(FILE_CHARGE_BYTES);
    const { objects } = await env.PAYLOADS.list({ prefix: `files/${other.accountId}/` });
    const named = objects.map(({ key }) => key);
    expect(await unnamedFiles(still().db, [...named, "files/x", "files/a/b", "files/a/b/c"])).toEqual([
      "files/x",
      "files/a/b",
      "files/a/b/c",
    ]);
  });
});

describe("a form", () => {
  const formOf = (parts: [name: string, value: string | File][]) => {
    const form = new FormData();
    for (const [name, value] of parts) form.append(name, value);
    return form;
  };
  const clip = (size: number, name = "clip.mp4", seed = 3) => new File([noise(size, seed)], name, { type: "video/mp4" });

  test.each([
    ["alone", 70_000, (file: File) => formOf([["file", file]])],
    [
      "before and behind fields",
      70_000,
      (file: File) =>
        formOf([
          ["purpose", "user_data"],
          ["upload", file],
          ["note", "x"],
        ]),
    ],
    ["of several parts in storage", UPLOAD_PART_BYTES + 5, (file: File) => formOf([["file", file]])],
  ])("has its one file taken, %s", { timeout: 30_000 }, async (_where, size, form) => {
    const before = await stored();
    const answer = await send("POST", "/v1/files", form(clip(size, "na\u00efve clip.mp4")));
    expect(answer.status).toBe(201);
    const file = await object(answer);
    const digest = await sha256(noise(size, 3));
    expect(file).toMatchObject({ name: "na\u00efve clip.mp4", content_type: "video/mp4", bytes: size, sha256: digest, status: "ready" });
    expect((await stored()) - before).toBeGreaterThanOrEqual(size);
    const got = await send("GET", `/v1/files/${String(file["id"])}`);
    expect(await sha256(await got.bytes())).toBe(digest);
  });

  test("is read as scripts and mail libraries write it: folded, unquoted, in LF lines, in base64", async () => {
    const head =
      "Content-Disposition: form-data; name=file;\n filename=ignored.bin;\n filename*=UTF-8''na%C3%AFve.bin\nContent-Transfer-Encoding: base64";
    const body = `--x\nContent-Disposition: form-data; name=purpose\n\nuser_data\n--x\n${head}\n\nAAEC\n/w==\n--x--\n`;
    const file = await object(send("POST", "/v1/files", body, { "Content-Type": "multipart/form-data; boundary=x" }));
    expect(file).toMatchObject({ name: "na\u00efve.bin", bytes: 4, sha256: await sha256(new Uint8Array([0, 1, 2, 255])) });
  });

  test("may give a name and a SHA-256 in its address, which are the file's", async () => {
    const digest = await sha256(noise(100, 3));
    const taken = await send("POST", `/v1/files?name=other.mp4&sha256=${digest}`, formOf([["file", clip(100)]]));
    expect(await object(taken)).toMatchObject({ name: "other.mp4", sha256: digest });
    const refused = send("POST", `/v1/files?sha256=${"00".repeat(32)}`, formOf([["file", clip(100)]]));
    expect(await codeOf(refused)).toEqual({ status: 422, code: "digest_mismatch" });
  });

  test.each([
    ["no file", formOf([["file", "text"]]), 400, "no file"],
    [
      "two files",
      formOf([
        ["a", clip(70_000)],
        ["b", clip(10)],
      ]),
      400,
      "more than one file",
    ],
    [
      "fields without end",
      formOf([
        ["a", "x".repeat(70_000)],
        ["b", clip(10)],
      ]),
      413,
      "65536 bytes",
    ],
    ["an empty file", formOf([["a", clip(0)]]), 400, "?empty=1"],
    ["a file whose name is none", formOf([["a", clip(10, "a/b")]]), 422, "name"],
    ["an end that does not come", "--x\r\nContent-Disposition: form-data; name=a; filename=a.bin\r\n\r\nabc", 400, "broke off"],
    ["nothing", "", 400, ""],
  ])("with %s is refused with the reason, and nothing of it stays", async (_what, body, status, reason) => {
    const other = await newTenant();
    const headers = typeof body === "string" ? { "Content-Type": "multipart/form-data; boundary=x" } : {};
    const answer = await send("POST", "/v1/files", body, headers, other.key);
    const said = await object(answer);
    expect([answer.status, String(said["detail"])]).toEqual([status, expect.stringContaining(reason)]);
    expect(await traces(other.accountId)).toEqual([]);
  });

  test("of an account that may store no more is refused, and its file is not waited for", async () => {
    const other = await newTenant();
    await operator("PATCH", `/accounts/${other.accountId}`, { quota_bytes: 100 });
    const answer = send("POST", "/v1/files", formOf([["file", clip(200_000)]]), {}, other.key);
    expect(await codeOf(answer)).toEqual({ status: 413, code: "quota_exceeded" });
    expect(await traces(other.accountId)).toEqual([]);
  });
});

test.each([
  ["no body", undefined, {}],
  ["a body of no bytes", "", {}],
  ["a stream of no bytes", unknownLength(new Uint8Array(), 1), {}],
])("%s is no file, unless it is meant by ?empty=1", async (_what, body, headers) => {
  const other = await newTenant();
  const answer = await send("POST", "/v1/files", body, headers, other.key);
  expect([answer.status, await object(answer)]).toMatchObject([400, { detail: expect.stringContaining("?empty=1") }]);
  expect(await traces(other.accountId)).toEqual([]);
  expect(await object(send("POST", "/v1/files?empty=1", "", headers, other.key))).toMatchObject({ bytes: 0, status: "ready" });
});

describe("a host that a client made up", () => {
  const at = (origin: string, path: string, body: BodyInit, type: string) =>
    exports.default.fetch(
      new Request(origin + path, { method: "POST", body, headers: { Authorization: `Bearer ${tenant.key}`, "Content-Type": type } }),
    );
  const json = JSON.stringify;
  const hook = { url: "https://hooks.example.com/x" };

  test.each([
    ["a file", "/v1/files", "x", "text/plain"],
    ["an upload", "/v1/uploads", json({ bytes: 10 }), "application/json"],
    ["a webhook", "/v1/webhooks", json(hook), "application/json"],
    ["an inference's webhook", "/v1/inferences", json({ model: "m", input: 1, webhook: hook }), "application/json"],
  ])("is not stored with %s", async (_what, path, body, type) => {
    backendIs(publicNames);
    for (const origin of ["https://evil.example", "https://workers.dev.evil.example", "http://10.0.0.7:8000", "http://evil.test.example"]) {
      const answer = await at(origin, path, body, type);
      expect([origin, answer.status, await object(answer)]).toMatchObject([origin, 400, { detail: expect.stringContaining("PUBLIC_URL") }]);
    }
    const { results } = await env.DB.prepare("SELECT origin FROM files UNION SELECT origin FROM webhooks").all();
    expect(json(results)).not.toMatch(/evil|10\.0\.0\.7/);
  });

  test("is of no effect where the operator has set the address, and the platform's own hosts are taken", async () => {
    const originOf = async (answer: Response) => {
      const { id } = await object(answer);
      return env.DB.prepare("SELECT origin FROM files WHERE id = ?").bind(id).first("origin");
    };
    for (const origin of ["https://claimcheck.acme.workers.dev", "http://127.0.0.1:8787", "http://localhost:8787"]) {
      expect(await originOf(await at(origin, "/v1/files", "x", "text/plain"))).toBe(origin);
    }
    const set = stillEnv({ PUBLIC_URL: "https://inference.acme.com/" });
    const ctx = createExecutionContext();
    const headers = { Authorization: `Bearer ${tenant.key}`, "Content-Type": "text/plain" };
    const answer = await handle(new Request("https://evil.example/v1/files", { method: "POST", body: "x", headers }), set, ctx);
    await waitOnExecutionContext(ctx);
    expect(await originOf(answer)).toBe("https://inference.acme.com");
  });
});

describe("to OpenAI's client", () => {
  const client = (key = tenant.key) =>
    new OpenAI({
      apiKey: key,
      baseURL: `${ORIGIN}/v1`,
      maxRetries: 0,
      fetch: (url, init) => exports.default.fetch(new Request(url, init)),
    });

  test("files are created, listed page by page, retrieved, read and deleted as its types say", async () => {
    const other = await newTenant();
    const openai = client(other.key);
    const made = [];
    for (const name of ["a.jsonl", "b.jsonl", "c.jsonl"]) {
      made.push(await openai.files.create({ file: new File(["{}"], name, { type: "application/jsonl" }), purpose: "user_data" }));
    }
    const [first] = made;
    expect(first).toEqual({
      id: expect.any(String),
      object: "file",
      bytes: 2,
      created_at: expect.closeTo(Date.now() / 1000, -2),
      expires_at: expect.any(Number),
      filename: "a.jsonl",
      purpose: "user_data",
      status: "processed",
    });
    const listed = [];
    for await (const file of openai.files.list({ limit: 1 })) listed.push(file);
    expect(listed).toEqual(made);
    const id = String(first?.id);
    expect(await openai.files.retrieve(id)).toEqual(first);
    expect(await (await openai.files.content(id)).text()).toBe("{}");
    expect(await openai.files.delete(id)).toEqual({ id, object: "file", deleted: true });
    // They read a refusal in OpenAI's form alone, and everybody else in ours.
    const gone = { status: 404, code: "file_not_found", message: expect.stringContaining(`There is no file "${id}"`) };
    await expect(openai.files.retrieve(id)).rejects.toMatchObject({ ...gone, type: "not_found_error", param: null });
    const empty = openai.files.create({ file: new File([], "empty.jsonl"), purpose: "user_data" });
    await expect(empty).rejects.toMatchObject({ status: 400, message: expect.stringContaining("?empty=1") });
    await expect(openai.uploads.create({ bytes: 1, filename: "a", mime_type: "text/plain", purpose: "user_data" })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining("filename"),
    });
    const ours = await as(other.key, "GET", `/v1/files/${id}`);
    expect([ours.status, ours.headers.get("content-type")]).toEqual([404, "application/problem+json"]);
  });

  test("alone is a file an object: others get the bytes, unless they take JSON and not the file's type", async () => {
    const { id } = await uploaded(noise(100), { "Content-Type": "image/png" });
    const json = await uploaded(new Uint8Array([91, 49, 93]), { "Content-Type": "application/json" });
    const typeOf = async (path: unknown, accept: string) =>
      (await send("GET", `/v1/files/${String(path)}`, undefined, { Accept: accept })).headers.get("content-type");
    expect(await typeOf(id, "*/*")).toBe("image/png");
    expect(await typeOf(id, "image/*, application/json")).toBe("image/png");
    expect(await typeOf(id, "application/json")).toBe("application/json");
    expect(await (await send("GET", `/v1/files/${String(json["id"])}`, undefined, { Accept: "application/json" })).json()).toEqual([1]);
    expect(await typeOf(`${String(id)}/content`, "application/json")).toBe("image/png");
  });
});

describe("an upload", () => {
  const begin = (body: Record<string, unknown>) => as(tenant.key, "POST", "/v1/uploads", body);

  test("is sent in any order, a part again, and goes on where it was cut", { timeout: 30_000 }, async () => {
    const bytes = noise(2 * PART + 1234, 3);
    const partOf = (number: number) => bytes.slice((number - 1) * PART, number * PART);
    const answer = await begin({ bytes: bytes.length, content_type: "video/mp4", name: "long.mp4", sha256: await sha256(bytes) });
    const upload = await object(answer);
    const path = `/v1/uploads/${String(upload["id"])}`;
    expect(answer.status).toBe(201);
    expect(upload).toMatchObject({ object: "upload", status: "uploading", bytes: bytes.length, part_bytes: PART, parts: 3, received: [] });
    expect(await object(send("PUT", `${path}/parts/3`, partOf(3)))).toMatchObject({ number: 3, bytes: 1234 });
    expect((await send("PUT", `${path}/parts/1`, noise(PART, 99))).status).toBe(200);
    expect(await object(send("GET", path))).toMatchObject({ received: [1, 3] });
    const early = await send("POST", `${path}/complete`);
    expect([early.status, await object(early)]).toMatchObject([409, { code: "upload_incomplete", missing: [2] }]);
    expect(await codeOf(send("GET", `/v1/files/${String(upload["id"])}`))).toEqual({ status: 409, code: "conflict" });
    expect((await send("PUT", `${path}/parts/1`, partOf(1), { "Content-Digest": field(await sha256(partOf(1))) })).status).toBe(200);
    expect((await send("PUT", `${path}/parts/2`, partOf(2))).status).toBe(200);
    const done = await object(send("POST", `${path}/complete`));
    expect(done).toMatchObject({ object: "file", status: "ready", bytes: bytes.length, sha256: await sha256(bytes), name: "long.mp4" });
    expect(await object(send("POST", `${path}/complete`))).toEqual(done);
    expect(await codeOf(send("PUT", `${path}/parts/2`, partOf(2)))).toEqual({ status: 409, code: "conflict" });
    const got = await send("GET", `/v1/files/${String(upload["id"])}`);
    expect(await sha256(await got.bytes())).toBe(await sha256(bytes));
    const { results } = await env.DB.prepare("SELECT * FROM file_parts WHERE file_id = ?").bind(upload["id"]).all();
    expect(results).toEqual([]);
  });

  test("whose completion was lost after its effect is completed by asking again", async () => {
    const upload = await object(begin({ bytes: 100 }));
    const path = `/v1/uploads/${String(upload["id"])}`;
    await send("PUT", `${path}/parts/1`, noise(100));
    const row = await env.DB.prepare("SELECT upload_id, account_id FROM files WHERE id = ?").bind(upload["id"]).first();
    const { results } = await env.DB.prepare("SELECT number, etag FROM file_parts WHERE file_id = ?").bind(upload["id"]).all();
    await env.PAYLOADS.resumeMultipartUpload(`files/${tenant.accountId}/${String(upload["id"])}`, String(row?.["upload_id"])).complete(
      results.map(({ number, etag }) => ({ partNumber: Number(number), etag: String(etag) })),
    );
    expect(await object(send("POST", `${path}/complete`))).toMatchObject({ status: "ready", bytes: 100 });
  });

  test("whose part was stored by one call after it was noted by another is completed once that part is sent again", async () => {
    const bytes = noise(100, 7);
    const upload = await object(begin({ bytes: 100 }));
    const path = `/v1/uploads/${String(upload["id"])}`;
    await send("PUT", `${path}/parts/1`, bytes);
    const row = await env.DB.prepare("SELECT upload_id FROM files WHERE id = ?").bind(upload["id"]).first();
    const parts = env.PAYLOADS.resumeMultipartUpload(`files/${tenant.accountId}/${String(upload["id"])}`, String(row?.["upload_id"]));
    await parts.uploadPart(1, noise(100, 8)); // of a call that was slower, and has not noted its part yet
    const early = await send("POST", `${path}/complete`);
    expect([early.status, await object(early)]).toMatchObject([409, { code: "upload_incomplete", missing: [1] }]);
    expect(await object(send("GET", path))).toMatchObject({ received: [] });
    await send("PUT", `${path}/parts/1`, bytes);
    expect(await object(send("POST", `${path}/complete`))).toMatchObject({ status: "ready", bytes: 100 });
    expect(await sha256(await (await send("GET", `/v1/files/${String(upload["id"])}`)).bytes())).toBe(await sha256(bytes));
  });

  test("of another SHA-256 than it was said to have is refused when it is completed, and nothing of it stays", async () => {
    const other = await newTenant();
    const upload = await object(as(other.key, "POST", "/v1/uploads", { bytes: 100, sha256: await sha256(noise(99)) }));
    const path = `/v1/uploads/${String(upload["id"])}`;
    await send("PUT", `${path}/parts/1`, noise(100), {}, other.key);
    expect(await codeOf(send("POST", `${path}/complete`, undefined, {}, other.key))).toEqual({ status: 422, code: "digest_mismatch" });
    expect(await traces(other.accountId)).toEqual([]);
  });

  test("keeps the part that is there when it is sent again with a wrong digest or cut", async () => {
    const bytes = noise(100);
    const upload = await object(begin({ bytes: 100 }));
    const path = `/v1/uploads/${String(upload["id"])}`;
    await send("PUT", `${path}/parts/1`, bytes);
    const wrong = { "Content-Digest": field("00".repeat(32)) };
    expect(await codeOf(send("PUT", `${path}/parts/1`, noise(100, 5), wrong))).toEqual({ status: 422, code: "digest_mismatch" });
    await send("POST", `${path}/complete`);
    expect(await sha256(await (await send("GET", `/v1/files/${String(upload["id"])}`)).bytes())).toBe(await sha256(bytes));
  });

  test.each([
    ["/parts/1", 99, 400, "bad_request"],
    ["/parts/1", 101, 400, "bad_request"],
    ["/parts/2", 100, 400, "bad_request"],
    ["/parts/0", 100, 404, "not_found"],
    ["/parts/x", 100, 404, "not_found"],
  ])("refuses %s of %i bytes where it is 100 in one part", async (part, size, status, code) => {
    const upload = await object(begin({ bytes: 100 }));
    expect(await codeOf(send("PUT", `/v1/uploads/${String(upload["id"])}${part}`, noise(size)))).toEqual({ status, code });
  });

  test.each([
    [{}, "#/bytes"],
    [{ bytes: 0 }, "#/bytes"],
    [{ bytes: 10, part_bytes: 5 * MIB }, "#/part_bytes"],
    [{ bytes: 10, part_bytes: 101 * MIB }, "#/part_bytes"],
    [{ bytes: 2_000_000 * MIB }, "#/bytes"],
    [{ bytes: 100_000 * MIB, part_bytes: 8 * MIB }, "#/bytes"],
    [{ bytes: 10_000 * MIB, sha256: "00".repeat(32) }, "#/sha256"],
    [{ bytes: 10, sha256: "zz" }, "#/sha256"],
    [{ bytes: 10, content_type: "video" }, "#/content_type"],
    [{ bytes: 10, name: "." }, "#/name"],
    [{ bytes: 10, name: ".." }, "#/name"],
    [{ bytes: 10, name: "a/b" }, "#/name"],
    [{ bytes: 10, name: "a\\b" }, "#/name"],
    [{ bytes: 10, name: "a\u0000b" }, "#/name"],
    [{ bytes: 10, name: "a\u009fb" }, "#/name"],
    [{ bytes: 10, name: "a\ud800b" }, "#/name"],
  ])("is not begun with %j", async (body, place) => {
    const { errors } = (await object(begin(body))) as { errors?: { pointer: string }[] };
    expect(errors?.map(({ pointer }) => pointer)).toEqual([place]);
  });

  test("is divided into no more parts than may be", async () => {
    const other = await newTenant();
    await operator("PATCH", `/accounts/${other.accountId}`, { quota_bytes: 2 ** 50 });
    const upload = await object(as(other.key, "POST", "/v1/uploads", { bytes: 500_000 * MIB }));
    expect(upload).toMatchObject({ part_bytes: 50 * MIB, parts: 10_000 });
  });

  test.each(["completed", "sent a part"] as const)("that is given up while it is %s is not found any more", async (what) => {
    const other = await newTenant();
    const id = String((await object(as(other.key, "POST", "/v1/uploads", { bytes: 100 })))["id"]);
    expect((await send("PUT", `/v1/uploads/${id}/parts/1`, noise(100), {}, other.key)).status).toBe(200);
    const { db, uploads } = ports();
    const file = await findFile(db, other.accountId, id);
    if (!file) throw new Error("no such upload");
    const givesUp = async () => void (await send("DELETE", `/v1/uploads/${id}`, undefined, {}, other.key));
    const resume = (key: string, upload: string): Upload => {
      const real = uploads.resume(key, upload);
      return {
        id: upload,
        part: async (number, bytes) => (await givesUp(), real.part(number, bytes)),
        complete: async (parts) => (await givesUp(), real.complete(parts)),
        abort: () => real.abort(),
      };
    };
    const meanwhile = ports({ uploads: { ...uploads, resume } });
    const { signal } = new AbortController();
    const body = new Blob([noise(100)]).stream();
    const calls = {
      completed: () => completeUpload(meanwhile, file, signal),
      "sent a part": () => receivePart(meanwhile, file, 1, { body, bytes: 100, sha256: null, gone: signal }),
    };
    await expect(calls[what]()).rejects.toMatchObject({ code: "file_not_found" });
    expect(await traces(other.accountId)).toEqual([]);
  });

  test("that is completed while a part is sent again says so", async () => {
    const other = await newTenant();
    const id = String((await object(as(other.key, "POST", "/v1/uploads", { bytes: 100 })))["id"]);
    await send("PUT", `/v1/uploads/${id}/parts/1`, noise(100), {}, other.key);
    const { db, uploads } = ports();
    const file = await findFile(db, other.accountId, id);
    if (!file) throw new Error("no such upload");
    const resume = (key: string, upload: string): Upload => {
      const real = uploads.resume(key, upload);
      const part: Upload["part"] = async (number, bytes) => {
        await send("POST", `/v1/uploads/${id}/complete`, undefined, {}, other.key);
        return real.part(number, bytes);
      };
      return { id: upload, part, complete: (parts) => real.complete(parts), abort: () => real.abort() };
    };
    const { signal } = new AbortController();
    const again = { body: new Blob([noise(100)]).stream(), bytes: 100, sha256: null, gone: signal };
    await expect(receivePart(ports({ uploads: { ...uploads, resume } }), file, 1, again)).rejects.toMatchObject({ code: "conflict" });
    expect(await object(send("GET", `/v1/files/${id}/info`, undefined, {}, other.key))).toMatchObject({ status: "ready", bytes: 100 });
  });

  test.each(["is given up", "can't be stored", "can't be noted"] as const)("that %s while it begins leaves nothing", async (what) => {
    const other = await newTenant();
    const { db, uploads } = ports();
    const begun: Upload[] = [];
    const beginAnd = async (...args: Parameters<typeof uploads.begin>): Promise<Upload> => {
      if (what === "can't be stored") throw new Unavailable("storage", false);
      const upload = await uploads.begin(...args);
      begun.push(upload);
      const id = args[0].split("/").at(-1) ?? "";
      if (what === "is given up") await send("DELETE", `/v1/files/${id}`, undefined, {}, other.key);
      return upload;
    };
    const all: typeof db.all = (statement) =>
      what === "can't be noted" && statement.text.includes("SET upload_id")
        ? Promise.reject(new Unavailable("database", false))
        : db.all(statement);
    const meanwhile = ports({ uploads: { ...uploads, begin: beginAnd }, db: { ...db, all } });
    const draft = { id: crypto.randomUUID(), accountId: other.accountId, name: "", contentType: "a/b", bytes: 100 * MIB };
    const beginning = beginUpload(meanwhile, { ...draft, sha256: null, origin: ORIGIN, partBytes: PART });
    await expect(beginning).rejects.toMatchObject(what === "is given up" ? { code: "file_not_found" } : { name: "Unavailable" });
    expect(await traces(other.accountId)).toEqual([]);
    expect(await stored(other.accountId)).toBe(0);
    for (const upload of begun)
      await expect(upload.part(1, noise(1))).rejects.toMatchObject({ cause: { message: expect.stringContaining("10024") } });
  });

  test("whose row was written, though the database's answer was lost, does not keep its place in the quota", async () => {
    const other = await newTenant();
    const { db } = ports();
    const all: typeof db.all = async (statement) => {
      const rows = await db.all(statement);
      if (statement.text.includes("INSERT INTO files")) throw new Unavailable("database", true);
      return rows;
    };
    const draft = { id: crypto.randomUUID(), accountId: other.accountId, name: "", contentType: "a/b", bytes: 100 * MIB };
    const beginning = beginUpload(ports({ db: { ...db, all } }), { ...draft, sha256: null, origin: ORIGIN, partBytes: PART });
    await expect(beginning).rejects.toBeInstanceOf(Unavailable);
    expect(await traces(other.accountId)).toEqual([]);
    expect(await stored(other.accountId)).toBe(0);
  });

  test("that began after its row was read to be removed is left to the sweep by its note", async () => {
    const other = await newTenant();
    const id = String((await object(as(other.key, "POST", "/v1/uploads", { bytes: 100 })))["id"]);
    const row = await findFile(ports().db, other.accountId, id);
    if (!row) throw new Error("no such upload");
    await removeFile(ports(), { ...row, uploadId: null });
    const { results } = await env.DB.prepare("SELECT upload_id FROM removals WHERE object = ? AND upload_id <> ''")
      .bind(objectKey(row))
      .all();
    expect(results).toEqual([{ upload_id: row.uploadId }]);
  });

  test("is given up with all its parts", async () => {
    const other = await newTenant();
    const upload = await object(as(other.key, "POST", "/v1/uploads", { bytes: 100 }));
    const path = `/v1/uploads/${String(upload["id"])}`;
    await send("PUT", `${path}/parts/1`, noise(100), {}, other.key);
    expect((await send("DELETE", path, undefined, {}, other.key)).status).toBe(204);
    expect(await traces(other.accountId)).toEqual([]);
    expect(await codeOf(send("PUT", `${path}/parts/1`, noise(100), {}, other.key))).toEqual({ status: 404, code: "file_not_found" });
  });
});

test.each([
  ["GET", ""],
  ["GET", "/info"],
  ["DELETE", ""],
  ["POST", "/link"],
])("%s /v1/files/{id}%s is for nobody but the file's account", async (method, rest) => {
  const { id } = await uploaded(noise(10));
  const other = await newTenant();
  expect(await codeOf(send(method, `/v1/files/${String(id)}${rest}`, undefined, {}, other.key))).toEqual({
    status: 404,
    code: "file_not_found",
  });
  expect((await call(`/v1/files/${String(id)}${rest}`, { method })).status).toBe(401);
  expect((await send("GET", `/v1/files/${String(id)}`)).status).toBe(200);
});

test.each([
  ["GET", ""],
  ["PUT", "/parts/1"],
  ["POST", "/complete"],
  ["DELETE", ""],
])("%s /v1/uploads/{id}%s is for nobody but the upload's account", async (method, rest) => {
  const { id } = await object(as(tenant.key, "POST", "/v1/uploads", { bytes: 10 }));
  const other = await newTenant();
  const body = method === "PUT" ? noise(10) : undefined;
  expect(await codeOf(send(method, `/v1/uploads/${String(id)}${rest}`, body, {}, other.key))).toEqual({
    status: 404,
    code: "file_not_found",
  });
  expect((await send("GET", `/v1/uploads/${String(id)}`)).status).toBe(200);
});

describe("a quota", () => {
  test("is kept to the byte, by whole files, files without their length, and uploads", async () => {
    const other = await newTenant();
    await operator("PATCH", `/accounts/${other.accountId}`, { quota_bytes: 100_000 });
    const { id } = await uploaded(noise(60_000), {}, other.key);
    const answer = await send("POST", "/v1/files", noise(40_001), {}, other.key);
    expect([answer.status, await object(answer)]).toMatchObject([
      413,
      { code: "quota_exceeded", stored_bytes: 60_000, quota_bytes: 100_000, wanted_bytes: 40_001 },
    ]);
    const over = { status: 413, code: "quota_exceeded" };
    expect(await codeOf(send("POST", "/v1/files", unknownLength(noise(40_001), 10_000), {}, other.key))).toEqual(over);
    expect(await codeOf(as(other.key, "POST", "/v1/uploads", { bytes: 40_001 }))).toEqual(over);
    expect(await stored(other.accountId)).toBe(60_000);
    await uploaded(noise(40_000), {}, other.key);
    expect(await stored(other.accountId)).toBe(100_000);
    expect(await codeOf(send("POST", "/v1/files", noise(1), {}, other.key))).toEqual(over);
    await send("DELETE", `/v1/files/${String(id)}`, undefined, {}, other.key);
    expect(await stored(other.accountId)).toBe(40_000);
    await uploaded(noise(1), {}, other.key);
  });

  test("counts each file as 8 KiB at least, while it comes too, so that small files don't fill the database", async () => {
    const other = await newTenant();
    await operator("PATCH", `/accounts/${other.accountId}`, { quota_bytes: 3 * FILE_CHARGE_BYTES + 1 });
    const first = await uploaded(noise(1), {}, other.key);
    await object(send("POST", "/v1/files?empty=1", "", {}, other.key));
    await object(send("POST", "/v1/files", unknownLength(noise(10), 5), {}, other.key));
    expect(await stored(other.accountId)).toBe(3 * FILE_CHARGE_BYTES);
    const answer = await send("POST", "/v1/files", noise(1), {}, other.key);
    expect([answer.status, await object(answer)]).toMatchObject([
      413,
      { code: "quota_exceeded", stored_bytes: 3 * FILE_CHARGE_BYTES, wanted_bytes: FILE_CHARGE_BYTES },
    ]);
    expect(await codeOf(as(other.key, "POST", "/v1/uploads", { bytes: 1 }))).toEqual({ status: 413, code: "quota_exceeded" });
    await send("DELETE", `/v1/files/${String(first["id"])}`, undefined, {}, other.key);
    expect(await stored(other.accountId)).toBe(2 * FILE_CHARGE_BYTES);
    await uploaded(noise(FILE_CHARGE_BYTES + 1), {}, other.key);
    expect(await stored(other.accountId)).toBe(3 * FILE_CHARGE_BYTES + 1);
  });

  test("is not exceeded by many at once", async () => {
    const other = await newTenant();
    await operator("PATCH", `/accounts/${other.accountId}`, { quota_bytes: 55_000 });
    const answers = await Promise.all(Array.from({ length: 10 }, () => send("POST", "/v1/files", noise(10_000), {}, other.key)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 201, 201, 201, 201, 413, 413, 413, 413, 413]);
    expect(await stored(other.accountId)).toBe(50_000);
  });

  test("counts inputs and outputs of inferences, and refuses an input beyond it but never an output", async () => {
    const other = await newTenant();
    const model = await newModel();
    await newBackend(model, { protocol: "http" });
    const output = JSON.stringify("o".repeat(100_000));
    backendIs(() => new Response(output, { headers: { "Content-Type": "application/json" } }));
    const input = "i".repeat(50_000);
    const inputBytes = input.length + 2;
    await operator("PATCH", `/accounts/${other.accountId}`, { quota_bytes: inputBytes });
    const id = await submitted(other.key, model, input);
    expect(await ended(other.key, id)).toMatchObject({ status: "succeeded" });
    expect(await stored(other.accountId)).toBe(inputBytes + output.length);
    const answer = as(other.key, "POST", "/v1/inferences", { model, input });
    expect(await codeOf(answer)).toEqual({ status: 413, code: "quota_exceeded" });
    // A small one is in its row, and counts too.
    expect(await codeOf(as(other.key, "POST", "/v1/inferences", { model, input: "small" }))).toEqual({
      status: 413,
      code: "quota_exceeded",
    });
    expect((await as(other.key, "DELETE", `/v1/inferences/${id}`)).status).toBe(204);
    expect(await stored(other.accountId)).toBe(0);
  });
});

describe("an input that refers to a file", () => {
  const echoing = (heard: unknown[]) => async (request: Request) => {
    heard.push(await request.json());
    return Response.json("heard");
  };

  async function heardBy(files: string, input: (reference: string) => unknown, bytes: Uint8Array<ArrayBuffer>) {
    const model = await newModel();
    await newBackend(model, { protocol: "http", files });
    const heard: unknown[] = [];
    backendIs(echoing(heard));
    const { reference, id } = await uploaded(bytes, { "Content-Type": "image/png" });
    const given = input(String(reference));
    const inference = await ended(tenant.key, await submitted(tenant.key, model, given));
    expect(inference).toMatchObject({ status: "succeeded" });
    expect(heard).toHaveLength(1);
    return { heard: heard[0], id: String(id) };
  }

  test("reaches a backend with a link instead, which gives it the bytes without a key", async () => {
    const bytes = noise(1000);
    const { heard } = await heardBy(
      "url",
      (reference) => ({ image: reference, [reference]: `see ${reference}`, list: [1, reference] }),
      bytes,
    );
    const { image, list, ...rest } = heard as { image: string; list: unknown[] };
    expect(image).toMatch(new RegExp(`^${ORIGIN}/v1/links/[A-Za-z0-9_-]{100}$`));
    expect(list).toEqual([1, image]);
    expect(Object.entries(rest)).toEqual([[expect.stringMatching(/^claimcheck:file\//), expect.stringMatching(/^see claimcheck:file\//)]]);
    const got = await call(image.slice(ORIGIN.length));
    expect([got.status, got.headers.get("content-type")]).toEqual([200, "image/png"]);
    expect(await sha256(await got.bytes())).toBe(await sha256(bytes));
  });

  test.each([
    ["inline", "data:image/png;base64,AQID"],
    ["base64", "AQID"],
  ])("reaches a backend that wants it %s with its bytes instead", async (files, expected) => {
    const { heard } = await heardBy(files, (reference) => [reference, "data:text/plain;base64,YQ=="], new Uint8Array([1, 2, 3]));
    expect(heard).toEqual([expected, "data:text/plain;base64,YQ=="]);
  });

  test("fails with its reason where the file is gone, or too large to be given inline", { timeout: 30_000 }, async () => {
    const model = await newModel();
    const id = await newBackend(model, { protocol: "http", files: "inline", state: "paused" });
    backendIs(echoing([]));
    const small = await uploaded(noise(10));
    const large = await uploaded(noise(10_000_001));
    const middling = await uploaded(noise(1_000_000));
    const missing = await submitted(tenant.key, model, { file: small["reference"] });
    const oversized = await submitted(tenant.key, model, { file: large["reference"] });
    const repeated = await submitted(tenant.key, model, { files: Array(11).fill(middling["reference"]) });
    await send("DELETE", `/v1/files/${String(small["id"])}`);
    await operator("PATCH", `/backends/${id}`, { state: "active" });
    expect(await ended(tenant.key, missing)).toMatchObject({ status: "failed", error: { class: "input", code: "file_gone" } });
    expect(await ended(tenant.key, oversized)).toMatchObject({ status: "failed", error: { class: "input", code: "files_too_large" } });
    expect(await ended(tenant.key, repeated)).toMatchObject({ status: "failed", error: { class: "input", code: "files_too_large" } });
  });

  test("is refused where the account has no such file, with the place", async () => {
    const other = await newTenant();
    const { reference } = await uploaded(noise(1));
    const upload = await object(as(tenant.key, "POST", "/v1/uploads", { bytes: 10 }));
    const model = await newModel();
    const wrong: [string, string][] = [
      [other.key, String(reference)],
      [tenant.key, "claimcheck:file/0190a5a0-0000-7000-8000-000000000000"],
      [tenant.key, "claimcheck:file/nothing"],
      [tenant.key, `claimcheck:file/${String(upload["id"])}`],
    ];
    for (const [key, text] of wrong) {
      const answer = await object(as(key, "POST", "/v1/inferences", { model, input: { images: ["data:,x", { url: text }] } }));
      expect(answer).toMatchObject({ status: 422, code: "invalid_input", errors: [{ pointer: "#/input/images/1/url" }] });
    }
    const vody = await as(other.key, "POST", `/inference/${model}`, [{ image_path: String(reference) }]);
    expect(vody.status).toBe(422);
    const many = Array.from({ length: 101 }, (_, index) => `claimcheck:file/0190a5a0-0000-7000-8000-${String(index).padStart(12, "0")}`);
    expect(await object(as(tenant.key, "POST", "/v1/inferences", { model, input: many }))).toMatchObject({ status: 422 });
  });

  test("is answered again under its Idempotency-Key though the file is gone", async () => {
    const model = await newModel();
    const { id, reference } = await uploaded(noise(1));
    const submit = () => as(tenant.key, "POST", "/v1/inferences", { model, input: [reference] }, { "Idempotency-Key": String(id) });
    const first = await object(submit());
    await send("DELETE", `/v1/files/${String(id)}`);
    const again = await submit();
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([202, "true"]);
    expect(await object(again)).toMatchObject({ id: first["id"] });
  });

  test("keeps the file for as long as it may wait", async () => {
    const model = await newModel();
    const { id, reference } = await uploaded(noise(1));
    await env.DB.prepare("UPDATE files SET expires_at = expires_at - 6 * 86400000 WHERE id = ?").bind(id).run();
    await submitted(tenant.key, model, [reference]);
    const row = await env.DB.prepare("SELECT expires_at FROM files WHERE id = ?").bind(id).first<{ expires_at: number }>();
    expect(Number(row?.expires_at)).toBeGreaterThan(Date.now() + 4 * 86_400_000);
  });

  test("keeps the file until well after the time before which it is not to begin", async () => {
    const model = await newModel();
    const { id, reference } = await uploaded(noise(1));
    const notBefore = Date.now() + 20 * 86_400_000;
    const one = { model, input: [reference], not_before: new Date(notBefore).toISOString() };
    expect((await as(tenant.key, "POST", "/v1/inferences", one)).status).toBe(202);
    const row = await env.DB.prepare("SELECT expires_at FROM files WHERE id = ?").bind(id).first<{ expires_at: number }>();
    expect(Number(row?.expires_at)).toBe(notBefore + 5 * 86_400_000);
  });
});

describe("a link", () => {
  const made = async (path: string, body?: unknown, key = tenant.key) => object(as(key, "POST", path, body));
  const pathOf = (link: Record<string, unknown>) => String(link["url"]).slice(ORIGIN.length);

  test("to a file gives its bytes without a key, in parts too, until it expires", async () => {
    const bytes = noise(1000);
    const { id } = await uploaded(bytes);
    const link = await made(`/v1/files/${String(id)}/link`);
    expect(link).toMatchObject({ methods: ["GET"] });
    const inMs = Date.parse(String(link["expires_at"])) - Date.now();
    expect(inMs).toBeGreaterThan(3_500_000);
    expect(inMs).toBeLessThanOrEqual(3_600_000);
    const got = await call(pathOf(link));
    expect(await sha256(await got.bytes())).toBe(await sha256(bytes));
    expect(got.headers.get("cache-control")).toMatch(/^private, max-age=3\d\d\d$/);
    const part = await call(pathOf(link), { headers: { Range: "bytes=-10" } });
    expect([part.status, await sha256(await part.bytes())]).toEqual([206, await sha256(bytes.slice(-10))]);
    expect((await call(pathOf(link), { method: "HEAD" })).status).toBe(200);
  });

  test("to a result gives it once it is there", async () => {
    const model = await newModel();
    const backend = await newBackend(model, { protocol: "http", state: "paused" });
    backendIs(() => Response.json({ answer: 42 }));
    const id = await submitted(tenant.key, model);
    const link = await made(`/v1/inferences/${id}/link`, { expires_in_seconds: 60 });
    expect(await codeOf(call(pathOf(link)))).toEqual({ status: 409, code: "not_finished" });
    await operator("PATCH", `/backends/${backend}`, { state: "active" });
    await ended(tenant.key, id);
    expect(await object(call(pathOf(link)))).toEqual({ answer: 42 });
  });

  test.each(["POST", "PUT", "PATCH", "DELETE"])("is refused to %s", async (method) => {
    const { id } = await uploaded(noise(10));
    const link = await made(`/v1/files/${String(id)}/link`, { methods: ["GET", "HEAD"] });
    const answer = await call(pathOf(link), { method });
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(await codeOf(answer)).toEqual({ status: 403, code: "link_not_valid" });
  });

  test("to look and no more is refused to GET", async () => {
    const { id } = await uploaded(noise(10));
    const path = pathOf(await made(`/v1/files/${String(id)}/link`, { methods: ["HEAD"] }));
    expect((await call(path, { method: "HEAD" })).status).toBe(200);
    expect(await codeOf(call(path))).toEqual({ status: 403, code: "link_not_valid" });
  });

  test("that is expired, tampered with, of another secret, or of a removed account is refused", async () => {
    const other = await newTenant();
    const { id } = await uploaded(noise(10), {}, other.key);
    const good = {
      kind: "file",
      accountId: other.accountId,
      keyId: null,
      id: String(id),
      methods: ["GET"],
      expiresAt: Math.floor(Date.now() / 1000) + 60,
    } as const;
    const open = async (link: Parameters<typeof signLink>[0], secret = env.KEY_SECRET) => call(`/v1/links/${await signLink(link, secret)}`);
    expect((await open(good)).status).toBe(200);
    const refused = { status: 403, code: "link_not_valid" };
    expect(await codeOf(open({ ...good, expiresAt: Math.floor(Date.now() / 1000) - 1 }))).toEqual(refused);
    expect(await codeOf(open(good, "a secret that was never this deployment's"))).toEqual(refused);
    const token = await signLink(good, env.KEY_SECRET);
    for (const text of [`${token}A`, token.slice(1), `B${token.slice(1)}`, "x", encodeURIComponent("../../v1/models"), "%00"]) {
      expect(await codeOf(call(`/v1/links/${text}`))).toEqual(refused);
    }
    await operator("DELETE", `/accounts/${other.accountId}`);
    expect(await codeOf(open(good))).toEqual(refused);
  });

  test("dies with the key that made it: when it is revoked, and when it expires", async () => {
    const other = await newTenant();
    const { id } = await uploaded(noise(10), {}, other.key);
    const makers = await Promise.all(
      ["revoked", "expired", "kept"].map((name) => object(operator("POST", "/keys", { account_id: other.accountId, name }))),
    );
    const [revoked, expired, kept] = await Promise.all(
      makers.map(async ({ key }) => pathOf(await made(`/v1/files/${String(id)}/link`, undefined, String(key)))),
    );
    const [first, second] = makers.map(({ id: keyId }) => keyId);
    await operator("DELETE", `/keys/${String(first)}`);
    await env.DB.prepare("UPDATE keys SET expires_at = 1 WHERE id = ?").bind(second).run();
    for (const path of [revoked, expired]) {
      expect(await codeOf(call(String(path)))).toEqual({ status: 403, code: "link_not_valid" });
    }
    expect((await call(String(kept))).status).toBe(200);
  });

  test("of an account is followed 100 times a second at most, whichever link it is", async () => {
    const other = await newTenant();
    const { id } = await uploaded(noise(10), {}, other.key);
    const path = pathOf(await made(`/v1/files/${String(id)}/link`, undefined, other.key));
    const begun = Date.now();
    const answers = await Promise.all(Array.from({ length: 400 }, () => call(path)));
    const seconds = (Date.now() - begun) / 1_000;
    const taken = answers.filter(({ status }) => status === 200).length;
    expect(taken).toBeGreaterThanOrEqual(100);
    expect(taken).toBeLessThanOrEqual(100 + Math.ceil(seconds * 100));
    const refused = answers.find(({ status }) => status !== 200);
    expect([refused?.status, refused?.headers.get("retry-after")]).toEqual([429, "1"]);
    const { id: own } = await uploaded(noise(10));
    expect((await call(pathOf(await made(`/v1/files/${String(own)}/link`)))).status).toBe(200);
  });

  test("is good under the secret before while it is rotated, and not when it has been", async () => {
    const { id } = await uploaded(noise(10));
    const link = {
      kind: "file",
      accountId: tenant.accountId,
      keyId: null,
      id: String(id),
      methods: ["GET"],
      expiresAt: Math.floor(Date.now() / 1000) + 60,
    } as const;
    const path = `/v1/links/${await signLink(link, env.KEY_SECRET)}`;
    const next = "the secret that comes after, long enough";
    const rotating = stillEnv({ KEY_SECRET: next, KEY_SECRET_PREVIOUS: env.KEY_SECRET });
    expect((await stillAs(tenant.key, "GET", path, undefined, {}, rotating)).status).toBe(200);
    expect(await codeOf(stillAs(tenant.key, "GET", path, undefined, {}, stillEnv({ KEY_SECRET: next })))).toEqual({
      status: 403,
      code: "link_not_valid",
    });
  });

  test.each([{ expires_in_seconds: 0 }, { expires_in_seconds: 604_801 }, { methods: [] }, { methods: ["PUT"] }, { other: 1 }])(
    "is not made with %j",
    async (body) => {
      const { id } = await uploaded(noise(1));
      expect(await made(`/v1/files/${String(id)}/link`, body)).toMatchObject({ status: 422, code: "invalid_input" });
    },
  );

  test("to another account's inference is not made", async () => {
    const model = await newModel();
    const id = await submitted(tenant.key, model);
    const other = await newTenant();
    expect(await made(`/v1/inferences/${id}/link`, undefined, other.key)).toMatchObject({ status: 404, code: "inference_not_found" });
  });
});

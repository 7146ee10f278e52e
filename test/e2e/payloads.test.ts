/** Large outputs over real sockets: whole and byte-exact, resumed where a download was cut, and nothing left of what broke off or was killed. */
import { createCipheriv, createHash, randomInt } from "node:crypto";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { type IncomingHttpHeaders, type IncomingMessage, createServer, request } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { setImmediate as immediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Deployment, type Shown, ask, deploy, endAll, newFolder, until } from "../support/deployment.ts";
import { listening } from "../support/listening.ts";

const MIB = 1024 * 1024;
const BLOCK = Buffer.alloc(64 * 1024);
/** The bytes that any answer begins with; a part of this is found without making what comes before it. */
const WHOLE = Buffer.concat([...blocks(24 * MIB)]);

/** What the server is asked for by an inference's input. */
interface Wish {
  readonly bytes: number;
  /** What its Content-Length says. */
  readonly announced?: number;
  readonly type?: string;
  readonly after?: "end" | "reset" | "nothing";
}

function* blocks(bytes: number): Generator<Buffer> {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16));
  for (let left = bytes; left > 0; left -= BLOCK.byteLength) yield cipher.update(BLOCK).subarray(0, left);
}

async function startMaker(): Promise<{ url: string; close: () => void }> {
  const server = createServer((incoming, response) => {
    void (async () => {
      const { bytes, announced, type = "video/mp4", after = "end" } = JSON.parse(await textOf(incoming)) as Wish; // what the tests submit
      if (announced !== undefined) {
        // Said in so many words, since Node would not let a length be wrong.
        response.socket?.write(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: ${announced}\r\nConnection: close\r\n\r\n`);
        for (const block of blocks(bytes)) if (!response.socket?.write(block)) await once(response.socket ?? response, "drain");
        if (after === "end") response.socket?.end();
        if (after === "reset") response.socket?.resetAndDestroy();
        return;
      }
      response.writeHead(200, { "Content-Type": type });
      for await (const block of Readable.from(blocks(bytes))) if (!response.write(block)) await once(response, "drain");
      if (after === "end") response.end();
      if (after === "reset") response.socket?.resetAndDestroy();
    })().catch(() => incoming.socket.destroy());
  });
  return { url: await listening(server), close: () => void server.close() };
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString();
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

let maker: { url: string; close: () => void };
let deployment: Deployment;

beforeAll(async () => {
  maker = await startMaker();
  deployment = await deploy({ folder: newFolder() });
  // A download that is cut 20 times is 21 reads, which a fast machine makes within a second.
  await deployment.operator("PATCH", `/keys/${keyIdOf(deployment.key)}`, { limits: { read: 10_000 } });
  await serve("maker", 60);
});

const keyIdOf = (key: string) => key.split("_")[1] ?? "";

afterAll(() => {
  maker.close();
  endAll();
});

async function serve(model: string, timeout_seconds: number): Promise<void> {
  await deployment.operator("POST", "/models", { name: model });
  await deployment.operator("POST", "/backends", { model, url: maker.url, protocol: "http", max_concurrency: 10, timeout_seconds });
}

async function submit(input: Wish, model = "maker", max_attempts = 1): Promise<string> {
  const answer = await deployment.api("POST", "/v1/inferences", { model, input, retry: { max_attempts } });
  return (answer.body as Shown).id;
}

const show = async (id: string) => (await deployment.api("GET", `/v1/inferences/${id}`)).body as Shown;

async function run(input: Wish, model = "maker"): Promise<Shown> {
  const id = await submit(input, model);
  return until(
    () => show(id),
    (it) => it.is_final,
    60,
  );
}

interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

/** A result's bytes as they come through the socket; at most so many of them, and then the connection is broken. */
async function get(id: string, headers: Record<string, string> = {}, most = Infinity, method = "GET"): Promise<Got> {
  const asked = request(`${deployment.url}/v1/inferences/${id}/result`, {
    method,
    headers: { Authorization: `Bearer ${deployment.key}`, ...headers },
    agent: false,
  });
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage]; // as documented for the event
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part.subarray(0, most - bytes));
    bytes += part.byteLength;
    if (bytes >= most) break; // which destroys it
  }
  return { status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(parts) };
}

describe("an output", () => {
  test.each([
    ["of a length that is known", { bytes: WHOLE.byteLength, announced: WHOLE.byteLength }],
    ["of a length that is not known", { bytes: WHOLE.byteLength }],
  ])("%s comes out as it came, however often its download is cut", async (_name, wish) => {
    const { id, status } = await run(wish);
    expect(status).toBe("succeeded");
    const whole = await get(id);
    expect(whole.headers["content-length"]).toBe(String(WHOLE.byteLength));
    expect(whole.headers["repr-digest"]).toBe(`sha-256=:${createHash("sha256").update(WHOLE).digest("base64")}:`);
    expect(sha256(whole.bytes)).toBe(sha256(WHOLE));

    const etag = String(whole.headers.etag);
    const cuts = Array.from({ length: 20 }, () => randomInt(WHOLE.byteLength)).toSorted((a, b) => a - b);
    const parts: Buffer[] = [];
    let have = 0;
    for (const cut of [...cuts, WHOLE.byteLength]) {
      const part = await get(id, have === 0 ? {} : { Range: `bytes=${have}-`, "If-Range": etag }, cut - have);
      expect(part.status).toBe(have === 0 ? 200 : 206);
      parts.push(part.bytes);
      have += part.bytes.byteLength;
    }
    expect(sha256(Buffer.concat(parts))).toBe(sha256(WHOLE));
  });

  test.each<[string, Wish, string]>([
    ["shorter than it says", { bytes: 5 * MIB, announced: 5 * MIB + 1 }, "backend_cut"],
    ["that is reset in the middle of a known length", { bytes: 3 * MIB, announced: 9 * MIB, after: "reset" }, "backend_cut"],
    ["that is reset in the middle of an unknown length", { bytes: 11 * MIB, after: "reset" }, "backend_cut"],
    ["of a known length that never ends", { bytes: 3 * MIB, announced: 9 * MIB, after: "nothing" }, "run_within_seconds"],
    ["of an unknown length that never ends", { bytes: 11 * MIB, after: "nothing" }, "run_within_seconds"],
  ])("%s fails and leaves nothing", async (_name, wish, code) => {
    await serve("hasty", 3).catch(() => undefined); // there already
    const { id, status, error } = await run(wish, "hasty");
    expect([status, error?.code]).toEqual(["failed", code]);
    const left = await until(
      async () => stored(deployment.folder).filter((key) => key.includes(id)),
      (keys) => keys.length === 0,
      10,
    );
    expect(left).toEqual([]);
  });

  test("longer than it says ends where it says", async () => {
    const { id, status } = await run({ bytes: 5 * MIB, announced: 5 * MIB - 1 });
    expect(status).toBe("succeeded");
    expect(sha256((await get(id)).bytes)).toBe(sha256(WHOLE.subarray(0, 5 * MIB - 1)));
  });
});

test("a text is sent zipped to whom that suits, and its parts are never", async () => {
  const { id } = await run({ bytes: 100_000, announced: 100_000, type: "text/plain" });
  const plain = await get(id);
  expect([plain.headers["content-encoding"], plain.headers["vary"]]).toEqual([undefined, "Accept-Encoding"]);
  const zipped = await get(id, { "Accept-Encoding": "gzip" });
  expect([zipped.headers["content-encoding"], zipped.headers["repr-digest"]]).toEqual(["gzip", undefined]);
  expect(zipped.headers.etag).not.toBe(plain.headers.etag);
  expect(sha256(gunzipSync(zipped.bytes))).toBe(sha256(plain.bytes));
  expect((await get(id, { "Accept-Encoding": "gzip", "If-None-Match": String(zipped.headers.etag) })).status).toBe(304);
  for (const refusing of ["identity", "gzip;q=0", "br"]) {
    expect((await get(id, { "Accept-Encoding": refusing })).headers["content-encoding"]).toBeUndefined();
  }
  const part = await get(id, { "Accept-Encoding": "gzip", Range: "bytes=10-19" });
  expect([part.status, part.headers["content-encoding"]]).toEqual([206, undefined]);
  expect(part.bytes).toEqual(plain.bytes.subarray(10, 20));
  const head = await get(id, {}, Infinity, "HEAD");
  expect([head.status, head.headers["content-length"], head.bytes.byteLength]).toEqual([200, "100000", 0]);
});

describe("large bodies at once", () => {
  const BODY = Buffer.from(JSON.stringify({ model: "maker", input: { bytes: 0, text: "x".repeat(9_900_000) } }));

  /** A submit of which all but the end has been sent. */
  async function begun(key = deployment.key) {
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json", "Content-Length": BODY.length };
    const sending = request(`${deployment.url}/v1/inferences`, { method: "POST", headers, agent: false });
    const answered = once(sending, "response") as Promise<[IncomingMessage]>; // rejects where there is none
    sending.on("error", () => {}); // who refuses a body does not read it to its end
    await new Promise((resolve) => sending.write(BODY.subarray(0, -1_000), resolve));
    return {
      async finish() {
        sending.end(BODY.subarray(-1_000));
        const [response] = await answered;
        return { status: response.statusCode, retryAfter: response.headers["retry-after"], text: await textOf(response) };
      },
    };
  }

  test("are taken as far as an account's share reaches, and the next is asked to come back: which it may as soon as one is through", async () => {
    // A submit that waits for its body leaves no trace but that the next is refused.
    const held = [await begun(), await begun()];
    const refused = await until(
      async () => (await begun()).finish(),
      ({ status }) => status === 503,
      20,
    );
    expect(refused).toMatchObject({ status: 503, retryAfter: "1" });
    expect(JSON.parse(refused.text)).toMatchObject({ code: "unavailable" });
    expect((await submit({ bytes: 0 })).length).toBeGreaterThan(0);
    const { id } = await deployment.operator("POST", "/accounts", { name: "Another" });
    const { key: another } = await deployment.operator("POST", "/keys", { account_id: id });
    expect((await (await begun(String(another))).finish()).status).toBe(202);
    for (const each of held) expect((await each.finish()).status).toBe(202);
    expect((await (await begun()).finish()).status).toBe(202);
  });
});

describe("a deployment that is killed between the bucket and the row", () => {
  test("has, in the end, a finished inference and no object but its own", async () => {
    await deployment.interrupt();
    const folder = newFolder();
    let windows = 0;
    const ids: string[] = [];
    for (let tries = 0; windows === 0 && tries < 10; tries++) {
      deployment = await deploy({ folder });
      if (tries === 0) await serve("maker", 60);
      const had = new Set(stored(folder));
      const id = await submit({ bytes: MIB + tries, announced: MIB + tries }, "maker", 3);
      ids.push(id);
      const bucket = databaseWith(folder, "_mf_objects");
      const count = bucket.prepare("SELECT count(*) AS count FROM _mf_objects");
      while (Number(count.get()?.["count"]) <= had.size) await immediate();
      await deployment.kill9();
      bucket.close();
      const rows = databaseWith(folder, "inferences");
      if (rows.prepare("SELECT status FROM inferences WHERE id = ?").get(id)?.["status"] === "in_progress") windows++;
      rows.close();
    }
    expect(windows).toBe(1);

    deployment = await deploy({ folder });
    for (const id of ids) {
      const shown = await until(
        () => show(id),
        (it) => it.is_final,
        60,
      );
      expect(shown.status).toBe("succeeded");
    }
    expect((await show(String(ids.at(-1)))).attempts).toBe(2);
    // What the first attempt has left is an orphan, found when it is old: let it be.
    await deployment.interrupt();
    const bucket = databaseWith(folder, "_mf_objects", true);
    bucket.exec("UPDATE _mf_objects SET uploaded = uploaded - 7200000");
    bucket.close();
    const rows = databaseWith(folder, "inferences", true);
    rows.exec("UPDATE chores SET due_at = 0, cursor = ''");
    rows.close();
    deployment = await deploy({ folder });
    const named = () => {
      const database = databaseWith(folder, "inferences");
      const keys = database.prepare("SELECT output_object FROM inferences WHERE output_object IS NOT NULL").all();
      database.close();
      return keys.map((row) => String(row["output_object"])).toSorted();
    };
    const left = await until(
      async () => {
        await ask(deployment.url, deployment.key, "POST", "/v1/inferences", { model: "none", input: 1 });
        return stored(folder);
      },
      (keys) => keys.length === ids.length,
      60,
      500,
    );
    expect(left).toEqual(named());
    for (const [index, id] of ids.entries()) expect(sha256((await get(id)).bytes)).toBe(sha256(WHOLE.subarray(0, MIB + index)));
  });
});

/** The keys in a deployment's bucket. */
function stored(folder: string): string[] {
  const database = databaseWith(folder, "_mf_objects");
  const rows = database.prepare("SELECT key FROM _mf_objects ORDER BY key").all();
  database.close();
  return rows.map((row) => String(row["key"]));
}

/** The database of the embedded runtime, of whatever part, that has the table. */
function databaseWith(folder: string, table: string, write = false): DatabaseSync {
  const root = join(folder, "storage");
  for (const name of readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".sqlite"))) {
    // The runtime may hold it for a moment.
    const database = new DatabaseSync(join(root, name), { readOnly: !write, timeout: 10_000 });
    if (database.prepare("SELECT 1 FROM sqlite_master WHERE name = ?").get(table)) return database;
    database.close();
  }
  throw new Error(`no database has a table ${table}`);
}

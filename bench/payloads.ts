/**
 * `node bench/payloads.ts [MiB] [rounds] [outputs | files]` (2048, 3 and both unless told): what it costs to take in an output from a
 * backend, also one that is base64 in JSON, and to give it out, and to take in a file from a client, whole, without its length, and in parts of 100 MiB, on
 * the embedded runtime, beside a bare Worker that does nothing but `R2.put` of a body, fetched or sent, and `R2.get`. For each, the
 * throughput, and how much the runtime's memory grows while it goes on. Byte-exactness is checked along the way. Single
 * figures are of this machine; quote the ratios.
 */
import { createCipheriv, createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { type IncomingMessage, createServer, request as ask } from "node:http";
import { performance } from "node:perf_hooks";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as wait } from "node:timers/promises";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { GPU_NETWORK, freePort } from "../src/local/runtime.ts";
import { deploy, endAll, newFolder, until } from "../test/support/deployment.ts";

const MIB = 1024 * 1024;
const BYTES = Number(process.argv[2] ?? 2048) * MIB;
const ROUNDS = Number(process.argv[3] ?? 3);
/** Reading is quick, so it is done more often, by turns. */
const READS = 5;
const WHAT = process.argv[4] ?? "both";
const PART_BYTES = 100 * MIB;
/** The least that R2 takes. */
const PART_LEAST_BYTES = 5 * MIB;
const BLOCK = Buffer.alloc(MIB);

function* blocks(): Generator<Buffer> {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16));
  for (let left = BYTES; left > 0; left -= MIB) yield cipher.update(BLOCK);
}

/** The same bytes in JSON, as base64. */
function* asJson(): Generator<string> {
  yield '{"video":"';
  let rest: Buffer = Buffer.alloc(0);
  for (const block of blocks()) {
    const bytes = Buffer.concat([rest, block]);
    const whole = bytes.length - (bytes.length % 3);
    yield bytes.toString("base64", 0, whole);
    rest = bytes.subarray(whole);
  }
  yield `${rest.toString("base64")}"}`;
}

interface Maker {
  readonly url: string;
  readonly sha256: string;
  readonly close: () => void;
}

/** A server whose answer to anything is the same stream of bytes, made while it is sent. */
async function startMaker(form: "known" | "unknown" | "base64"): Promise<Maker> {
  const digest = createHash("sha256");
  for (const block of blocks()) digest.update(block);
  const server = createServer((request, response) => {
    request.resume();
    if (form === "base64") response.writeHead(200, { "Content-Type": "application/json" });
    else response.writeHead(200, { "Content-Type": "video/mp4", ...(form === "known" ? { "Content-Length": BYTES } : {}) });
    pipeline(Readable.from(form === "base64" ? asJson() : blocks()), response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("not listening");
  return { url: `http://127.0.0.1:${address.port}`, sha256: digest.digest("hex"), close: () => void server.close() };
}

const BARE = `export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    if (request.method === "POST") {
      await env.BUCKET.put("object", request.body);
      return new Response("done");
    }
    if (pathname === "/parts") {
      const { body } = await env.NETWORK.fetch(searchParams.get("url"), { method: "POST" });
      const upload = await env.BUCKET.createMultipartUpload("object");
      const reader = body.getReader({ mode: "byob" });
      const parts = [];
      for (let buffer = new ArrayBuffer(${PART_LEAST_BYTES}); ; ) {
        const { value, done } = await reader.readAtLeast(buffer.byteLength, new Uint8Array(buffer));
        if (value?.byteLength) parts.push(await upload.uploadPart(parts.length + 1, value));
        if (done || value.byteLength < ${PART_LEAST_BYTES}) break;
        buffer = value.buffer;
      }
      await upload.complete(parts);
      return new Response("done");
    }
    if (pathname === "/put") {
      const { body } = await env.NETWORK.fetch(searchParams.get("url"), { method: "POST" });
      await env.BUCKET.put("object", body);
      return new Response("done");
    }
    return new Response((await env.BUCKET.get("object")).body);
  },
};`;

interface Bare {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

async function startBare(): Promise<Bare> {
  const port = await freePort("127.0.0.1");
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      port: 0,
      host: "127.0.0.1",
      cf: false,
      resourcePersistencePath: newFolder(),
      workers: [
        {
          name: "bare",
          compatibilityDate: "2026-10-01",
          modules: [{ type: "ESModule", path: "bare.js", contents: BARE }],
          r2Buckets: ["BUCKET"],
          serviceBindings: { NETWORK: GPU_NETWORK }, // the way in which ours calls GPU servers
          unsafeDirectSockets: [{ host: "127.0.0.1", port }],
        },
      ],
    }),
  );
  await miniflare.ready;
  const pid = runtimeOf((parent) => parent === process.pid);
  return { url: `http://127.0.0.1:${port}`, pid, stop: () => miniflare.dispose() };
}

/** The runtime that a process of ours has started, or one of its group; other runtimes may come and go on this machine. */
function runtimeOf(isOurs: (parent: number, group: number) => boolean): number {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [, parent = 0, group = 0] = stat
        .slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .map(Number);
      if (stat.includes("(workerd") && isOurs(parent, group)) return Number(pid);
    } catch {
      // Ended meanwhile.
    }
  }
  throw new Error("no runtime");
}

const memoryOf = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

interface Measured {
  readonly mibPerSecond: number;
  readonly grewMib: number;
}

/** How fast it goes, and the most by which a runtime's memory is above what it was before. */
async function measured(pid: number, work: () => Promise<void>): Promise<Measured> {
  const before = memoryOf(pid);
  let most = before;
  const sampling = setInterval(() => (most = Math.max(most, memoryOf(pid))), 20);
  const begun = performance.now();
  await work();
  const seconds = (performance.now() - begun) / 1000;
  clearInterval(sampling);
  return { mibPerSecond: BYTES / MIB / seconds, grewMib: most - before };
}

/** Waits for an answer for as long as it takes; fetch would not. */
async function answered(url: string): Promise<void> {
  const [response] = (await once(ask(url).end(), "response")) as [IncomingMessage]; // as documented for the event
  response.resume();
  await once(response, "end");
  if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}`);
}

async function read(url: string, sha256: string, headers: Record<string, string> = {}): Promise<void> {
  const { body, status } = await fetch(url, { headers });
  const digest = createHash("sha256");
  for await (const chunk of body ?? []) digest.update(chunk);
  if (digest.digest("hex") !== sha256) throw new Error(`${url} answered ${status} with other bytes`);
}

/** Sends bytes as they are made; the answer's body as JSON. */
function send(method: string, url: string, bytes: Iterable<Buffer>, headers: Record<string, string | number>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const sending = ask(url, { method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => {
        if (response.statusCode === undefined || response.statusCode >= 300)
          reject(new Error(`${url} answered ${response.statusCode}: ${text}`));
        else resolve(response.headers["content-type"]?.includes("json") ? JSON.parse(text) : text);
      });
    });
    sending.on("error", reject);
    pipeline(Readable.from(bytes, { objectMode: true, highWaterMark: 1 }), sending).catch(reject);
  });
}

/** The blocks of one part after the other, made as they are needed. */
function* taken(from: Iterator<Buffer>, count: number): Generator<Buffer> {
  for (let block = 0; block < count; block++) {
    const { done, value } = from.next();
    if (done) return;
    yield value;
  }
}

async function files(bare: Bare, url: string, pid: number, key: string, sha256: string): Promise<void> {
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "video/mp4" };
  const runs: Record<"barePut" | "known" | "unknown" | "parts", Measured[]> = { barePut: [], known: [], unknown: [], parts: [] };
  const check = async (made: unknown) => {
    const file = `${url}/v1/files/${(made as { id: string }).id}`;
    await read(file, sha256, headers);
    await fetch(file, { method: "DELETE", headers });
  };
  for (let round = 0; round < ROUNDS; round++) {
    let made: unknown;
    runs.barePut.push(await measured(bare.pid, async () => void (await send("POST", bare.url, blocks(), { "Content-Length": BYTES }))));
    const whole = { ...headers, "Content-Length": BYTES, "Content-Digest": `sha-256=:${Buffer.from(sha256, "hex").toString("base64")}:` };
    runs.known.push(await measured(pid, async () => void (made = await send("POST", `${url}/v1/files`, blocks(), whole))));
    await check(made);
    runs.unknown.push(await measured(pid, async () => void (made = await send("POST", `${url}/v1/files`, blocks(), headers))));
    await check(made);
    runs.parts.push(
      await measured(pid, async () => {
        const begun = JSON.stringify({ bytes: BYTES, part_bytes: PART_BYTES });
        const type = { ...headers, "Content-Type": "application/json" };
        const upload = (await (await fetch(`${url}/v1/uploads`, { method: "POST", headers: type, body: begun })).json()) as { id: string };
        const from = blocks();
        for (let number = 1, left = BYTES; left > 0; number++, left -= PART_BYTES) {
          const length = Math.min(PART_BYTES, left);
          const part = { Authorization: headers.Authorization, "Content-Length": length };
          await send("PUT", `${url}/v1/uploads/${upload.id}/parts/${number}`, taken(from, length / MIB), part);
        }
        made = await (await fetch(`${url}/v1/uploads/${upload.id}/complete`, { method: "POST", headers })).json();
      }),
    );
    await check(made);
  }
  line("bare: R2.put of what is sent", runs.barePut, runs.barePut);
  line("a file of known length, its digest checked", runs.known, runs.barePut);
  line("a file of unknown length", runs.unknown, runs.barePut);
  line("a file in parts of 100 MiB", runs.parts, runs.barePut);
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

function line(name: string, runs: readonly Measured[], bare: readonly Measured[]): void {
  const speed = median(runs.map((it) => it.mibPerSecond));
  const ratio = speed / median(bare.map((it) => it.mibPerSecond));
  const grew = Math.max(...runs.map((it) => it.grewMib));
  const more = grew - Math.max(...bare.map((it) => it.grewMib));
  console.log(
    `  ${name.padEnd(44)} ${speed.toFixed(0).padStart(5)} MiB/s (${ratio.toFixed(2)} of bare)   memory +${grew.toFixed(0)} MiB (${more.toFixed(0)} more than bare)`,
  );
}

async function main(): Promise<void> {
  console.log(`Payloads of ${BYTES / MIB} MiB, ${ROUNDS} rounds:`);
  const known = await startMaker("known");
  const unknown = await startMaker("unknown");
  const base64 = await startMaker("base64");
  const bare = await startBare();
  const deployment = await deploy({ folder: newFolder() });
  const pid = runtimeOf((_, group) => group === deployment.pid);
  const headers = { Authorization: `Bearer ${deployment.key}` };
  if (WHAT !== "outputs") await files(bare, deployment.url, pid, deployment.key, known.sha256);
  if (WHAT === "files") return;
  for (const [name, maker] of Object.entries({ known, unknown, base64 })) {
    await deployment.operator("POST", "/models", { name, output_files: name === "base64" ? [{ field: "video" }] : [] });
    await deployment.operator("POST", "/backends", { model: name, url: maker.url, protocol: "http", timeout_seconds: 840 });
  }
  const run = async (model: string) => {
    const answer = await deployment.api("POST", "/v1/inferences", { model, input: {}, retry: { max_attempts: 1 } });
    const { id } = answer.body as { id: string };
    const shown = await until(
      async () => (await deployment.api("GET", `/v1/inferences/${id}`)).body as { is_final: boolean; status: string },
      (it) => it.is_final,
      900,
      200, // seldom: what asking costs is not what is measured
    );
    if (shown.status !== "succeeded") throw new Error(`${model}: ${JSON.stringify(shown)}`);
    return id;
  };
  const runs: Record<
    "barePut" | "bareGet" | "bareParts" | "bareGetParts" | "takeIn" | "parts" | "base64" | "giveOut" | "giveOutParts",
    Measured[]
  > = {
    barePut: [],
    bareGet: [],
    bareParts: [],
    bareGetParts: [],
    takeIn: [],
    parts: [],
    base64: [],
    giveOut: [],
    giveOutParts: [],
  };
  for (let round = 0; round < ROUNDS; round++) {
    runs.barePut.push(await measured(bare.pid, () => answered(`${bare.url}/put?url=${known.url}`)));
    let id = "";
    const result = () => `${deployment.url}/v1/inferences/${id}/result`;
    runs.takeIn.push(await measured(pid, async () => void (id = await run("known"))));
    for (let time = 0; time < READS; time++) {
      runs.bareGet.push(await measured(bare.pid, () => read(`${bare.url}/get`, known.sha256)));
      runs.giveOut.push(await measured(pid, () => read(result(), known.sha256, headers)));
    }
    await deployment.api("DELETE", `/v1/inferences/${id}`);
    runs.bareParts.push(await measured(bare.pid, () => answered(`${bare.url}/parts?url=${unknown.url}`)));
    runs.bareGetParts.push(await measured(bare.pid, () => read(`${bare.url}/get`, unknown.sha256)));
    runs.parts.push(await measured(pid, async () => void (id = await run("unknown"))));
    runs.giveOutParts.push(await measured(pid, () => read(result(), unknown.sha256, headers)));
    await deployment.api("DELETE", `/v1/inferences/${id}`);
    runs.base64.push(await measured(pid, async () => void (id = await run("base64"))));
    await read(`${result()}/video.bin`, base64.sha256, headers);
    await deployment.api("DELETE", `/v1/inferences/${id}`);
    await wait(2_000); // until the objects are removed, for the disk's sake
  }
  line("bare: fetch and R2.put", runs.barePut, runs.barePut);
  line("an output of known length", runs.takeIn, runs.barePut);
  line("bare: fetch and R2's upload in parts", runs.bareParts, runs.bareParts);
  line("an output of unknown length", runs.parts, runs.bareParts);
  line("a file in an output of JSON", runs.base64, runs.bareParts);
  line("bare: R2.get", runs.bareGet, runs.bareGet);
  line("a result", runs.giveOut, runs.bareGet);
  line("bare: R2.get of parts", runs.bareGetParts, runs.bareGetParts);
  line("a result in parts", runs.giveOutParts, runs.bareGetParts);
  await bare.stop();
  known.close();
  unknown.close();
  base64.close();
}

try {
  await main();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  endAll();
  process.exit(); // connections that are kept alive would hold it
}

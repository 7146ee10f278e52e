/**
 * `node bench/payloads.ts [MiB] [rounds] [outputs | files]` (2048, 5 and both unless told): what it costs to take in an output from a
 * backend, also one that is base64 in JSON, and to give it out, and to take in a file from a client, whole, without its length, and in parts of 100 MiB, on
 * the embedded runtime, beside a bare Worker that does nothing but `R2.put` of a body, fetched or sent, and `R2.get`. For each, the
 * throughput, and how much the runtime's memory grows while it goes on. Each is done by turns with the bare one, first in
 * one round and last in the next, and begins when what was written before is on the disk. Byte-exactness is checked along
 * the way. Single figures are of this machine; quote the ratios.
 */
import { execFileSync } from "node:child_process";
import { createCipheriv, createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type IncomingMessage, createServer, request as ask } from "node:http";
import { performance } from "node:perf_hooks";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as wait } from "node:timers/promises";
import { deploy, endAll, newFolder, until } from "../test/support/deployment.ts";
import { listening } from "../test/support/listening.ts";
import { type Bare, runtimeOf, startBare } from "./bare.ts";
import { median } from "./figures.ts";

const MIB = 1024 * 1024;
const BYTES = Number(process.argv[2] ?? 2048) * MIB;
const ROUNDS = Number(process.argv[3] ?? 5);
/** Reading is quick, so it is done more often, by turns. */
const READS = 3;
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
  return { url: await listening(server), sha256: digest.digest("hex"), close: () => void server.close() };
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

const memoryOf = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

interface Measured {
  readonly mibPerSecond: number;
  readonly grewMib: number;
}

/** How fast it goes, and the most by which a runtime's memory is above what it was before. */
async function measured(pid: number, work: () => Promise<void>): Promise<Measured> {
  execFileSync("sync"); // what others wrote is not on this one's bill
  const before = memoryOf(pid);
  let most = before;
  const sampling = setInterval(() => (most = Math.max(most, memoryOf(pid))), 20);
  const begun = performance.now();
  await work();
  const seconds = (performance.now() - begun) / 1000;
  clearInterval(sampling);
  return { mibPerSecond: BYTES / MIB / seconds, grewMib: most - before };
}

/** One after the other, from the last to the first in every other round: none always comes after another. */
async function byTurns(round: number, tasks: readonly (() => Promise<void>)[]): Promise<void> {
  for (const task of round % 2 === 0 ? tasks : tasks.toReversed()) await task();
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

/** As a client does that wants to resume. */
async function sendInParts(url: string, headers: { readonly Authorization: string; readonly "Content-Type": string }): Promise<unknown> {
  const begun = JSON.stringify({ bytes: BYTES, part_bytes: PART_BYTES });
  const type = { ...headers, "Content-Type": "application/json" };
  const upload = (await (await fetch(`${url}/v1/uploads`, { method: "POST", headers: type, body: begun })).json()) as { id: string };
  const from = blocks();
  for (let number = 1, left = BYTES; left > 0; number++, left -= PART_BYTES) {
    const length = Math.min(PART_BYTES, left);
    const part = { Authorization: headers.Authorization, "Content-Length": length };
    await send("PUT", `${url}/v1/uploads/${upload.id}/parts/${number}`, taken(from, length / MIB), part);
  }
  return (await fetch(`${url}/v1/uploads/${upload.id}/complete`, { method: "POST", headers })).json();
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
    const whole = { ...headers, "Content-Length": BYTES, "Content-Digest": `sha-256=:${Buffer.from(sha256, "hex").toString("base64")}:` };
    const one = async (into: Measured[], upload: () => Promise<unknown>) => {
      let made: unknown;
      into.push(await measured(pid, async () => void (made = await upload())));
      await check(made);
    };
    await byTurns(round, [
      async () =>
        void runs.barePut.push(
          await measured(bare.pid, async () => void (await send("POST", bare.url, blocks(), { "Content-Length": BYTES }))),
        ),
      () => one(runs.known, () => send("POST", `${url}/v1/files`, blocks(), whole)),
      () => one(runs.unknown, () => send("POST", `${url}/v1/files`, blocks(), headers)),
      () => one(runs.parts, () => sendInParts(url, headers)),
    ]);
  }
  line("bare: R2.put of what is sent", runs.barePut, runs.barePut);
  line("a file of known length, its digest checked", runs.known, runs.barePut);
  line("a file of unknown length", runs.unknown, runs.barePut);
  line("a file in parts of 100 MiB", runs.parts, runs.barePut);
}

/** The ratio: the median of the rounds, and what single rounds gave. */
function line(name: string, runs: readonly Measured[], bare: readonly Measured[]): void {
  const speed = median(runs.map((it) => it.mibPerSecond));
  const ratios = runs.map((it, round) => it.mibPerSecond / (bare[round]?.mibPerSecond ?? Number.NaN));
  const [ratio, least, most] = [median(ratios), Math.min(...ratios), Math.max(...ratios)].map((it) => it.toFixed(2));
  const beside = runs === bare ? "" : `${ratio} of bare (${least} to ${most})`;
  const grew = Math.max(...runs.map((it) => it.grewMib));
  const more = grew - Math.max(...bare.map((it) => it.grewMib));
  const thanBare = runs === bare ? "" : ` (${more.toFixed(0)} more than bare)`;
  console.log(
    `  ${name.padEnd(42)} ${speed.toFixed(0).padStart(5)} MiB/s   ${beside.padEnd(27)} memory +${grew.toFixed(0)} MiB${thanBare}`,
  );
}

async function main(): Promise<void> {
  console.log(`Payloads of ${BYTES / MIB} MiB, ${ROUNDS} rounds:`);
  const known = await startMaker("known");
  const unknown = await startMaker("unknown");
  const base64 = await startMaker("base64");
  const bare = await startBare(BARE);
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
      500, // seldom: what asking costs is not what is measured
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
    const result = (id: string) => `${deployment.url}/v1/inferences/${id}/result`;
    const remove = (id: string) => deployment.api("DELETE", `/v1/inferences/${id}`);
    const one = async (into: Measured[], of: number, work: () => Promise<void>) => void into.push(await measured(of, work));
    let knownId = "";
    await byTurns(round, [
      () => one(runs.barePut, bare.pid, () => answered(`${bare.url}/put?url=${known.url}`)),
      () => one(runs.takeIn, pid, async () => void (knownId = await run("known"))),
    ]);
    for (let time = 0; time < READS; time++) {
      await byTurns(time, [
        () => one(runs.bareGet, bare.pid, () => read(`${bare.url}/get`, known.sha256)),
        () => one(runs.giveOut, pid, () => read(result(knownId), known.sha256, headers)),
      ]);
    }
    await remove(knownId);
    let unknownId = "";
    let base64Id = "";
    await byTurns(round, [
      () => one(runs.bareParts, bare.pid, () => answered(`${bare.url}/parts?url=${unknown.url}`)),
      () => one(runs.parts, pid, async () => void (unknownId = await run("unknown"))),
      () => one(runs.base64, pid, async () => void (base64Id = await run("base64"))),
    ]);
    await byTurns(round, [
      () => one(runs.bareGetParts, bare.pid, () => read(`${bare.url}/get`, unknown.sha256)),
      () => one(runs.giveOutParts, pid, () => read(result(unknownId), unknown.sha256, headers)),
    ]);
    await read(`${result(base64Id)}/video.bin`, base64.sha256, headers);
    await remove(unknownId);
    await remove(base64Id);
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

/**
 * `npm run bench`: figures of the scheduler on the embedded runtime, beside what the arithmetic or the runtime allows.
 * Single figures are of this machine; quote the ratios.
 *
 * dispatch: from the client's having the answer of a submit to the backend's having the call, with a free slot. Its
 * floor is a do-nothing round trip to the same Worker, measured between the rounds.
 * work conservation: 4 slots, 200 inferences of 50 ms that all wait when the backend is let go; the share of the run, from
 * the first call to the end of the last, in which slots stand idle. Beside it the same calls by a client that calls the
 * server itself, four at a time: what this machine loses without any queue; and by a bare Worker that does one batch of two
 * one-row updates after each: what this runtime loses with any state. Each has a server of its own that has done nothing
 * before, and another one is first in each round. Nine rounds; the medians count.
 * streaming: chat completions of 20 tokens, one every 10 ms, one after the other: from the server's writing a token to the
 * client's reading it, for the first token and for all others. Beside it the same client at the server itself.
 */
import { performance } from "node:perf_hooks";
import { type Deployment, deploy, endAll, newFolder, until } from "../test/support/deployment.ts";
import { type Gpu, chat, ok, startGpu } from "../test/support/gpu.ts";
import { type Bare, startBare } from "./bare.ts";
import { type GpuProcess, type Slot, startGpuProcess } from "./gpu.ts";

const WARM_UP = 30;
const ROUNDS = 300;
const SLOTS = 4;
const JOBS = 200;
const JOB_MS = 50;
const SUBMITTERS = 16;
const IDLE_ROUNDS = 9;
const STREAMS = 200;
const TOKENS = 20;
const TOKEN_MS = 10;
const STREAMED = "streamed";

const at = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;

function line(name: string, samples: readonly number[]): void {
  const sorted = samples.toSorted((a, b) => a - b);
  const figures = [0.5, 0.95, 0.99].map((share) => `p${share * 100} ${at(sorted, share).toFixed(2)} ms`);
  console.log(`  ${name.padEnd(52)} ${figures.join("   ")}`);
}

async function model(
  deployment: Deployment,
  gpu: Pick<Gpu, "url">,
  name: string,
  max_concurrency: number,
  state = "active",
): Promise<string> {
  await deployment.operator("POST", "/models", { name });
  const backend = await deployment.operator("POST", "/backends", { model: name, url: gpu.url, protocol: "oip", max_concurrency, state });
  return String(backend["id"]);
}

async function bigKey(deployment: Deployment): Promise<string> {
  const account = await deployment.operator("POST", "/accounts", { name: "bench" });
  const limits = { read: 10_000, submit: 10_000, cancel: 10_000 };
  const made = await deployment.operator("POST", "/keys", { account_id: account["id"], limits });
  return String(made["key"]);
}

async function submit(deployment: Deployment, key: string, name: string, number: number): Promise<void> {
  const answer = await deployment.api(
    "POST",
    "/v1/inferences",
    { model: name, input: { x: [number] } },
    { Authorization: `Bearer ${key}` },
  );
  if (answer.status !== 202) throw new Error(`submit answered ${answer.status}: ${answer.text}`);
}

async function dispatch(deployment: Deployment, key: string, gpu: Gpu): Promise<void> {
  await model(deployment, gpu, "dispatch", 1);
  const called = new Map<number, number>();
  gpu.does((call) => {
    called.set(Number(call.body.inputs[0]?.data[0]), performance.now());
    return ok;
  });
  const delays: number[] = [];
  const submits: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const begun = performance.now();
    await submit(deployment, key, "dispatch", round);
    const answered = performance.now();
    await until(
      async () => called.get(round),
      (time) => time !== undefined,
      10,
      1,
    );
    const bare = performance.now();
    await deployment.api("GET", "/healthz");
    if (round < WARM_UP) continue;
    floor.push(performance.now() - bare);
    submits.push(answered - begun);
    // Called before the client even had its answer counts as no delay at all.
    delays.push(Math.max(0, (called.get(round) ?? Number.NaN) - answered));
  }
  console.log(`dispatch, ${ROUNDS} submits one after the other, a free slot each time`);
  line("a do-nothing round trip (GET /healthz)", floor);
  line("submit until its answer", submits);
  line("from the answer until the backend is called", delays);
}

/** The share of a run in which slots stood idle, and the most calls at once. */
interface Idle {
  readonly idle: number;
  readonly most: number;
}

function idleOf(calls: readonly Slot[]): Idle {
  const begun = Math.min(...calls.map((call) => call.startedAt));
  const ended = Math.max(...calls.map((call) => call.endedAt));
  const busy = calls.reduce((sum, call) => sum + call.endedAt - call.startedAt, 0);
  return { idle: 1 - busy / (SLOTS * (ended - begun)), most: mostOf(calls) };
}

/** The same calls without a queue. */
async function direct(gpu: GpuProcess): Promise<readonly Slot[]> {
  let left = JOBS;
  const caller = async () => {
    while (left-- > 0) {
      const body = JSON.stringify({ inputs: [{ name: "x", shape: [1], datatype: "INT64", data: [left] }] });
      await (await fetch(`${gpu.url}/v2/models/m/infer`, { method: "POST", headers: { "Content-Type": "application/json" }, body })).text();
    }
  };
  await Promise.all(Array.from({ length: SLOTS }, caller));
  return gpu.calls(JOBS);
}

/** Loops: the call, then one batch of two one-row updates, as little as one may ask of a database between two calls. */
const LOOPS = `export default {
  async fetch(request, env, ctx) {
    const { url, jobs, slots } = await request.json();
    const rows = Array.from({ length: 2 * slots }, (_, id) => env.DB.prepare("INSERT OR IGNORE INTO jobs VALUES (?, 0)").bind(id));
    await env.DB.batch([env.DB.prepare("CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY, count INTEGER)"), ...rows]);
    const update = env.DB.prepare("UPDATE jobs SET count = count + 1 WHERE id = ? RETURNING id, count");
    let left = jobs;
    const loop = async (slot) => {
      while (left-- > 0) {
        const body = JSON.stringify({ inputs: [{ name: "x", shape: [1], datatype: "INT64", data: [left] }] });
        await (await env.NETWORK.fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body })).text();
        await env.DB.batch([update.bind(slot), update.bind(slots + slot)]);
      }
    };
    ctx.waitUntil(Promise.all(Array.from({ length: slots }, (_, slot) => loop(slot))));
    return new Response("begun");
  },
};`;

async function looped(bare: Bare, gpu: GpuProcess): Promise<readonly Slot[]> {
  const body = JSON.stringify({ url: `${gpu.url}/v2/models/m/infer`, jobs: JOBS, slots: SLOTS });
  const { status } = await fetch(bare.url, { method: "POST", body });
  if (status !== 200) throw new Error(`the bare Worker answered ${status}`);
  return gpu.calls(JOBS);
}

/** The most that ran at once. */
function mostOf(calls: readonly Slot[]): number {
  return Math.max(...calls.map(({ startedAt }) => calls.filter((it) => it.startedAt <= startedAt && startedAt < it.endedAt).length));
}

async function conservation(deployment: Deployment, key: string): Promise<void> {
  const alone: Idle[] = [];
  const bare: Idle[] = [];
  const queued: Idle[] = [];
  const bareWorker = await startBare(LOOPS);
  const turns: [Idle[], (gpu: GpuProcess, round: number) => Promise<readonly Slot[]>][] = [
    [alone, direct],
    [bare, (gpu) => looped(bareWorker, gpu)],
    [queued, (gpu, round) => throughQueue(deployment, key, gpu, `conservation-${round}`)],
  ];
  for (let round = 0; round < IDLE_ROUNDS; round++) {
    for (const [into, work] of [...turns.slice(round % turns.length), ...turns.slice(0, round % turns.length)]) {
      const gpu = await startGpuProcess(JOB_MS);
      into.push(idleOf(await work(gpu, round)));
      gpu.end();
    }
  }
  await bareWorker.stop();
  console.log(`work conservation, ${JOBS} inferences of ${JOB_MS} ms on ${SLOTS} slots; at best ${(JOBS * JOB_MS) / SLOTS} ms`);
  console.log(`  a client that calls the server itself                ${shown(alone)}`);
  console.log(`  a bare Worker that does two one-row updates between  ${shown(bare)}`);
  console.log(`  through the queue                                    ${shown(queued)}`);
}

function shown(rounds: readonly Idle[]): string {
  const idle = rounds.map((round) => 100 * round.idle).toSorted((a, b) => a - b);
  const all = idle.map((share) => share.toFixed(1)).join(", ");
  return `slots idle ${at(idle, 0.5).toFixed(1)} % of the run (${all}); at most ${Math.max(...rounds.map(({ most }) => most))} at once`;
}

async function throughQueue(deployment: Deployment, key: string, gpu: GpuProcess, name: string): Promise<readonly Slot[]> {
  const backend = await model(deployment, gpu, name, SLOTS, "paused");
  let number = 0;
  const submitter = async () => {
    while (number < JOBS) await submit(deployment, key, name, number++);
  };
  await Promise.all(Array.from({ length: SUBMITTERS }, submitter));
  await deployment.operator("PATCH", `/backends/${backend}`, { state: "active" });
  return gpu.calls(JOBS);
}

/** Reads a stream; when each of its tokens had come, by `performance.now()`. */
async function tokensOf(url: string, key: string): Promise<number[]> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: STREAMED, messages: [{ role: "user", content: "?" }], stream: true }),
  });
  if (!response.ok || !response.body) throw new Error(`a stream answered ${response.status}: ${await response.text()}`);
  const arrivals: number[] = [];
  const decoder = new TextDecoder();
  for await (const bytes of response.body) {
    const now = performance.now();
    const tokens = decoder.decode(bytes, { stream: true }).split('"content":').length - 1;
    for (let token = 0; token < tokens; token++) arrivals.push(now);
  }
  return arrivals;
}

/** Token by token, how long each was under way. */
async function delaysOf(gpu: Gpu, url: string, key: string): Promise<{ first: number[]; others: number[] }> {
  const first: number[] = [];
  const others: number[] = [];
  for (let round = 0; round < WARM_UP + STREAMS; round++) {
    const arrivals = await tokensOf(url, key);
    const sentAt = gpu.calls.at(-1)?.sentAt ?? [];
    if (arrivals.length !== TOKENS) throw new Error(`${arrivals.length} tokens came`);
    if (round < WARM_UP) continue;
    const delays = arrivals.map((at_, token) => at_ - (sentAt[token] ?? Number.NaN));
    first.push(delays[0] ?? Number.NaN);
    others.push(...delays.slice(1));
  }
  return { first, others };
}

async function streaming(deployment: Deployment, key: string, gpu: Gpu): Promise<void> {
  const tokens = Array.from({ length: TOKENS }, (_, token) => ` token${token}`);
  gpu.does(() => chat(tokens, TOKEN_MS));
  await deployment.operator("POST", "/models", { name: STREAMED });
  await deployment.operator("POST", "/backends", { model: STREAMED, url: gpu.url, protocol: "openai" });
  const direct_ = await delaysOf(gpu, gpu.url, key);
  const through = await delaysOf(gpu, deployment.url, key);
  console.log(
    `streaming, ${STREAMS} chats of ${TOKENS} tokens, one every ${TOKEN_MS} ms; from the server's writing to the client's reading`,
  );
  line("first token, from the server itself", direct_.first);
  line("first token, through us", through.first);
  line("other tokens, from the server itself", direct_.others);
  line("other tokens, through us", through.others);
}

try {
  const deployment = await deploy({ folder: newFolder() });
  const key = await bigKey(deployment);
  await dispatch(deployment, key, await startGpu());
  await conservation(deployment, key);
  await streaming(deployment, key, await startGpu());
} finally {
  endAll();
}
process.exit(0);

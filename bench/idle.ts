/**
 * idle: work conservation. 4 slots, 200 inferences of 50 ms that all wait when the backend is let go; the share of the run, from
 * the first call to the end of the last, in which slots stand idle. Beside it the same calls by a client that calls the
 * server itself, four at a time: what this machine loses without any queue; and by a bare Worker that does one batch of two
 * one-row updates after each: what this runtime loses with any state. Each has a server of its own that has done nothing
 * before, and another one is first in each round.
 */
import type { Deployment } from "../test/support/deployment.ts";
import { type Bare, startBare } from "./bare.ts";
import { model, submit } from "./client.ts";
import { type Samples, median } from "./figures.ts";
import { type GpuProcess, type Slot, startGpuProcess } from "./gpu.ts";

const SLOTS = 4;
const JOBS = 200;
const JOB_MS = 50;
const SUBMITTERS = 16;

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

export async function idleSlots(deployment: Deployment, key: string, rounds: number): Promise<Samples> {
  const alone: Idle[] = [];
  const bare: Idle[] = [];
  const queued: Idle[] = [];
  const bareWorker = await startBare(LOOPS);
  const turns: [Idle[], (gpu: GpuProcess, round: number) => Promise<readonly Slot[]>][] = [
    [alone, direct],
    [bare, (gpu) => looped(bareWorker, gpu)],
    [queued, (gpu, round) => throughQueue(deployment, key, gpu, `conservation-${round}`)],
  ];
  for (let round = 0; round < rounds; round++) {
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
  const shares = (of: readonly Idle[]) => of.map((round) => round.idle);
  return { alone: shares(alone), bare: shares(bare), queued: shares(queued) };
}

function shown(rounds: readonly Idle[]): string {
  const idle = rounds.map((round) => 100 * round.idle).toSorted((a, b) => a - b);
  const all = idle.map((share) => share.toFixed(1)).join(", ");
  return `slots idle ${median(idle).toFixed(1)} % of the run (${all}); at most ${Math.max(...rounds.map(({ most }) => most))} at once`;
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

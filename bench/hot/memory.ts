/**
 * memory: what the runtime holds after each 100,000 polls of final inferences. Beside it a do-nothing Worker, and one with the bindings and
 * the settings of ours, so that one sees what the platform's simulators hold. All have stored as many results before.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, startRuntime } from "../../src/local/runtime.ts";
import { newFolder } from "../../test/support/deployment.ts";
import { runtimeOf } from "../bare.ts";
import { table } from "../figures.ts";
import { startInstantGpu } from "../gpu-instant.ts";
import { type Contestant, LARGE } from "./contestant.ts";
import type { Chart } from "../plot.ts";
import type { Drawn } from "./curve.ts";
import { type Load, loadGenerator } from "./load.ts";
import { startOurs } from "./ours.ts";
import { startSmall } from "./small.ts";

const CONNECTIONS = 32;
const POLLS = 100_000;
const POLLS_IN_ALL = 500_000;

async function startNothing(): Promise<Contestant> {
  const main = join(import.meta.dirname, "..", "metered", "nothing.ts");
  const secrets = { keySecret: "nobody asks for it", adminToken: "nobody asks for it" };
  const runtime = await startRuntime({ host: "127.0.0.1", port: await freePort("127.0.0.1"), folder: newFolder(), secrets, main });
  const { status } = await fetch(`${runtime.url}/fill?mib=${LARGE}`);
  if (status !== 200) throw new Error(`the do-nothing Worker answered ${status}`);
  return {
    name: "do-nothing Worker with our bindings",
    url: runtime.url,
    pids: [runtimeOf((parent) => parent === process.pid)],
    rows: { nothing: { requests: [{ method: "GET", path: "/nothing", headers: {} }], answers: "success" } },
    open: null,
    stop: () => runtime.stop(),
  };
}

/** What a process holds in memory, in MiB (proc_pid_status(5), VmRSS). */
function heldBy(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

/** In MiB, at first and after each POLLS. */
async function heldWhilePolled(load: Load, { url, pids, rows }: Contestant, row: string, helpers: readonly number[]): Promise<number[]> {
  const [pid] = pids;
  const requests = rows[row]?.requests;
  if (pid === undefined || !requests) throw new Error(`there is nothing to poll as "${row}"`);
  const seen = [heldBy(pid)];
  for (let polls = 0, marked = POLLS; polls < POLLS_IN_ALL;) {
    polls += (await load.measure({ url, pids, helpers, requests, connections: CONNECTIONS, seconds: 1 })).perSecond;
    for (; polls >= marked && marked <= POLLS_IN_ALL; marked += POLLS) seen.push(heldBy(pid));
  }
  return seen;
}

export async function memory(): Promise<Drawn> {
  const load = loadGenerator(newFolder());
  const gpu = await startInstantGpu();
  const subjects = [
    { name: "do-nothing Worker", start: startSmall, row: "nothing" },
    { name: "do-nothing Worker with our bindings and settings", start: startNothing, row: "nothing" },
    { name: "status of a final one", start: () => startOurs(gpu.url), row: "status" },
  ];
  console.log(`memory: what the runtime holds after each ${POLLS} polls, MiB`);
  const held = new Map<string, number[]>();
  for (const { name, start, row } of subjects) {
    const contestant = await start();
    const seen = await heldWhilePolled(load, contestant, row, [gpu.pid]);
    held.set(name, seen);
    await contestant.stop();
    console.log(`${name}: ${seen.map((each) => each.toFixed(0)).join(", ")}`);
  }
  gpu.end();
  const counts = Array.from({ length: POLLS_IN_ALL / POLLS + 1 }, (_, index) => index * POLLS);
  const rows = [...held].map(([name, seen]) => [name, ...seen.map((each) => each.toFixed(0))]);
  console.log(`\n${table(["polls", ...counts.map(String)], rows)}\n`);
  const chart: Chart = {
    title: "What the runtime holds in memory",
    x: { title: "polls", scale: "linear" },
    y: { title: "MiB", scale: "linear" },
    lines: [...held].map(([name, seen]) => ({ name, points: seen.map((y, index) => ({ x: index * POLLS, y })) })),
  };
  return { samples: Object.fromEntries([...held].map(([name, seen]) => [`${name}, MiB`, seen])), charts: { memory: chart } };
}

/**
 * Closed-loop load from a process of its own: so many connections, each sends its next request as soon as it has its answer. wrk if the
 * machine has it, since it takes little of the processors that it shares with what it measures; else autocannon.
 */
import { execFile, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const TIMEOUT = "20s";

export interface LoadRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What a generator saw. */
interface Seen {
  readonly answered: number;
  /** Of those, with a status of 400 or more. */
  readonly refused: number;
  /** Without an answer. */
  readonly broken: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the server's processes, for each answer; NaN where the system does not tell. */
  readonly cpuMs: number;
  /** The share of answers with a status of 400 or more. */
  readonly refused: number;
  readonly broken: number;
  /** How many processors other programs of this machine took meanwhile; NaN where the system does not tell. */
  readonly others: number;
}

export interface Target {
  readonly url: string;
  /** The server's processes. */
  readonly pids: readonly number[];
  /** What else of the benchmark runs meanwhile: the GPU server. */
  readonly helpers: readonly number[];
  readonly requests: readonly LoadRequest[];
  readonly connections: number;
  readonly seconds: number;
  /** No more than about so many; as many as there can be where it is not said. */
  readonly perSecond?: number;
}

export interface Load {
  readonly name: string;
  measure(target: Target): Promise<Measured>;
}

export const hasProgram = (name: string) => spawnSync(name, ["--version"]).error === undefined;

/** Puts its files into `folder`. Autocannon is of the package bench/peer. */
export function loadGenerator(folder: string): Load {
  const isWrk = hasProgram("wrk");
  return {
    name: isWrk ? "wrk" : "autocannon",
    async measure(target) {
      const generate = () => (isWrk ? wrk(target, join(folder, "requests.txt")) : autocannon(target, join(folder, "requests.json")));
      const { result: seen, cpuSeconds, others } = await watched(target.pids, target.helpers, generate);
      return {
        perSecond: seen.answered / seen.seconds,
        p50Ms: seen.p50Ms,
        p99Ms: seen.p99Ms,
        cpuMs: (1000 * cpuSeconds) / seen.answered,
        refused: seen.refused / seen.answered,
        broken: seen.broken,
        others,
      };
    },
  };
}

async function wrk({ url, requests, connections, seconds, perSecond }: Target, file: string): Promise<Seen> {
  writeFileSync(file, requests.map((request) => raw(request, new URL(url).host)).join("\x1e"));
  const script = join(import.meta.dirname, "requests.lua");
  const args = [
    "-t1",
    `-c${connections}`,
    `-d${seconds}s`,
    "--timeout",
    TIMEOUT,
    "-s",
    script,
    url,
    "--",
    file,
    ...paceOf(connections, perSecond),
  ];
  const { stdout } = await run("wrk", args);
  const seen = /^SEEN (.*)$/m.exec(stdout)?.[1];
  if (seen === undefined) throw new Error(`wrk printed no figures:\n${stdout}`);
  return JSON.parse(seen) as Seen; // as requests.lua prints it
}

/** The mean pause of each connection in ms; none where the load is not bounded. */
const paceOf = (connections: number, perSecond: number | undefined) =>
  perSecond === undefined ? [] : [((1000 * connections) / perSecond).toFixed(2)];

async function autocannon({ url, requests, connections, seconds, perSecond }: Target, file: string): Promise<Seen> {
  writeFileSync(file, JSON.stringify(requests));
  const program = join(import.meta.dirname, "..", "peer", "load.ts");
  const { stdout } = await run(process.execPath, [program, JSON.stringify({ url, file, connections, seconds, perSecond })]);
  return JSON.parse(stdout) as Seen; // as load.ts prints it
}

function raw({ method, path, headers, body = "" }: LoadRequest, host: string): string {
  const all = { Host: host, ...headers, ...(body === "" ? {} : { "Content-Length": Buffer.byteLength(body) }) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}

const TICKS_PER_SECOND = 100;

/** Does the work; what the server's processes took of the processors meanwhile, and what others did that are not of this benchmark. */
export async function watched<Result>(
  pids: readonly number[],
  helpers: readonly number[],
  work: () => Promise<Result>,
): Promise<{ result: Result; cpuSeconds: number; others: number }> {
  const begun = performance.now();
  const before = { server: cpuSecondsOf(pids), own: ownCpuSeconds(helpers), machine: machineCpuSeconds() };
  const result = await work();
  const seconds = (performance.now() - begun) / 1000;
  const cpuSeconds = cpuSecondsOf(pids) - before.server;
  const others = (machineCpuSeconds() - before.machine - cpuSeconds - (ownCpuSeconds(helpers) - before.own)) / seconds;
  return { result, cpuSeconds, others };
}

const hasProc = existsSync("/proc/self/stat");

/** Fields of proc_pid_stat(5), from the third on. */
const statOf = (pid: number | "self") => {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
};

const secondsOf = (ticks: readonly (string | undefined)[]) => ticks.reduce((sum, each) => sum + Number(each), 0) / TICKS_PER_SECOND;

/** How long processes have had a processor. */
export function cpuSecondsOf(pids: readonly number[]): number {
  return hasProc ? secondsOf(pids.flatMap((pid) => statOf(pid).slice(11, 13))) : Number.NaN; // utime, stime
}

/** Of this process, of those that it has waited for, such as the load generator, and of its helpers. */
function ownCpuSeconds(helpers: readonly number[]): number {
  return hasProc ? secondsOf(statOf("self").slice(11, 15)) + cpuSecondsOf(helpers) : Number.NaN; // utime, stime, cutime, cstime
}

/** Of all processors together, without their idle time. */
function machineCpuSeconds(): number {
  if (!hasProc) return Number.NaN;
  const [, user, nice, system, , , irq, softirq] = readFileSync("/proc/stat", "utf8").split("\n")[0]?.split(/\s+/) ?? [];
  return secondsOf([user, nice, system, irq, softirq]);
}

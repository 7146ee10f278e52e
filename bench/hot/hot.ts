/**
 * hot: the path that polls and submits take, under load: so many requests a second from so many connections. In each round, every row of
 * Claimcheck, of the small Workers and of the peer is measured once, another first in each round, and every other round backwards.
 * Each is asked for a second before it is measured: an isolate keeps answers for a while and is given permits by what it
 * used. Ratios are of figures of the same round.
 * end to end: so many submits from 32 clients to a backend that answers at once, until all of them are final.
 */
import { performance } from "node:perf_hooks";
import { newFolder, until } from "../../test/support/deployment.ts";
import { type Samples, median, ratios, spread, table } from "../figures.ts";
import { startInstantGpu } from "../gpu-instant.ts";
import { type Contestant, type Row, call, nth, numbers, pool } from "./contestant.ts";
import { type Measured, hasProgram, loadGenerator, watched } from "./load.ts";
import { startOurs } from "./ours.ts";
import { startPeer, whyNoPeer, whyNotInstalled } from "./peer.ts";
import { startSmall } from "./small.ts";

const WARM_UP_SECONDS = 1;
const CLIENTS = 32;
const END_TO_END = "end to end";
const EMPTY_SECONDS = 300;
/** Processors that other programs take, above which a figure is not to be trusted. */
const DISTURBED = 0.35;

export interface HotOptions {
  readonly rounds: number;
  /** That each row is measured for. */
  readonly seconds: number;
  readonly connections: number;
  /** Submits of each end to end. */
  readonly jobs: number;
}

/** A line of the table: a row of ours, the small Worker that does the least that it could do, and the peer's row. */
interface Line {
  readonly title: string;
  readonly ours: string;
  readonly small?: string;
  readonly peer: string;
}

const LINES: readonly Line[] = [
  { title: "`GET /healthz`", ours: "healthz", peer: "nothing" },
  { title: "status of a final one", ours: "status", small: "read", peer: "status" },
  { title: "status of a final one, Vody", ours: "vody", small: "read", peer: "status" },
  { title: "status while 20 wait", ours: "waiting", small: "read", peer: "waiting" },
  { title: "over the limit (429)", ours: "limited", small: "object", peer: "limited" },
  { title: "a forged key (401), sent before", ours: "forged", peer: "forged" },
  { title: "a forged key (401), not seen before", ours: "forgedAnew", peer: "forged" },
  { title: "submit, paused lane", ours: "paused", small: "insert", peer: "paused" },
  { title: "submit, live lane", ours: "live", small: "insert", peer: "live" },
  { title: "result of 1 MiB", ours: "result", small: "get", peer: "result" },
  { title: "submit until final", ours: END_TO_END, peer: END_TO_END },
];

/** What a Redis that syncs before each answer takes part in: only writes differ. */
const ALWAYS = new Set(["paused", "live", END_TO_END]);

interface Task {
  readonly contestant: Contestant;
  readonly name: string;
  /** Null for end to end. */
  readonly row: Row | null;
}

type Results = Map<string, Measured[]>;

const keyOf = (contestant: string, row: string) => `${contestant}: ${row}`;

export async function hot(options: HotOptions): Promise<Samples> {
  const whyNot = whyNoPeer();
  if (whyNot !== null && !hasProgram("wrk")) {
    const reason = whyNotInstalled();
    if (reason !== null) throw new Error(`There is no load generator: wrk is not installed, and ${reason}.`);
  }
  const load = loadGenerator(newFolder());
  const { rounds, seconds, connections } = options;
  console.log(
    `hot: ${connections} connections, ${rounds} rounds of ${seconds} s for each row, after ${WARM_UP_SECONDS} s; load of ${load.name}`,
  );
  if (whyNot !== null) console.log(`no figures of the peer: ${whyNot}`);
  const gpu = await startInstantGpu();
  const ours = await startOurs(gpu.url);
  const small = await startSmall();
  const peers = whyNot === null ? [await startPeer(gpu.url, "everysec"), await startPeer(gpu.url, "always")] : [];
  const tasks = [ours, small, ...peers].flatMap((contestant) =>
    tasksOf(contestant).filter(({ name }) => contestant !== peers[1] || ALWAYS.has(name)),
  );
  const results: Results = new Map(tasks.map(({ contestant, name }) => [keyOf(contestant.name, name), []]));
  for (let round = 0; round < rounds; round++) {
    for (const task of turned(tasks, round, rounds)) {
      const measured = task.row
        ? await measure(task.contestant, task.name, task.row)
        : await endToEnd(task.contestant, options.jobs, [gpu.pid]);
      results.get(keyOf(task.contestant.name, task.name))?.push(measured);
    }
    console.log(`round ${round + 1} of ${rounds} is done`);
  }
  for (const contestant of [ours, small, ...peers]) await contestant.stop();
  gpu.end();
  report(results, ours, small, peers);
  reportOthers(results);
  return samplesOf(results);

  async function measure(contestant: Contestant, name: string, { requests, answers, fills }: Row): Promise<Measured> {
    const target = { url: contestant.url, pids: contestant.pids, helpers: [gpu.pid], requests, connections };
    await load.measure({ ...target, seconds: WARM_UP_SECONDS });
    const measured = await load.measure({ ...target, seconds });
    const wanted = answers === "success" ? measured.refused : 1 - measured.refused;
    // A limited key lets some through, and a machine at its bound may lose a connection.
    if (wanted > 0.1 || measured.broken > connections) {
      console.log(
        `  ${keyOf(contestant.name, name)}: ${(100 * measured.refused).toFixed(1)} % of the answers refuse, ${measured.broken} requests broke off`,
      );
    }
    if (fills) await emptied(contestant);
    return measured;
  }
}

function tasksOf(contestant: Contestant): Task[] {
  const rows = Object.entries(contestant.rows).map(([name, row]): Task => ({ contestant, name, row }));
  return contestant.open ? [...rows, { contestant, name: END_TO_END, row: null }] : rows;
}

/** Another one first in each round, and every other round backwards. */
function turned(tasks: readonly Task[], round: number, rounds: number): Task[] {
  const from = Math.floor((round * tasks.length) / rounds);
  const list = [...tasks.slice(from), ...tasks.slice(0, from)];
  return round % 2 === 0 ? list : list.toReversed();
}

async function emptied({ name, open }: Contestant): Promise<void> {
  const left = await until(
    async () => (await open?.()) ?? 0,
    (count) => count === 0,
    EMPTY_SECONDS,
  );
  if (left > 0) throw new Error(`${name}: ${left} jobs are not done after ${EMPTY_SECONDS} s`);
}

async function endToEnd(contestant: Contestant, jobs: number, helpers: readonly number[]): Promise<Measured> {
  const submits = contestant.rows["live"]?.requests ?? [];
  const begun = performance.now();
  const { cpuSeconds, others } = await watched(contestant.pids, helpers, async () => {
    await pool(numbers(jobs), CLIENTS, (number) => call(contestant.url, nth(submits, number), 202));
    await emptied(contestant);
  });
  const seconds = (performance.now() - begun) / 1000;
  return {
    perSecond: jobs / seconds,
    p50Ms: Number.NaN,
    p99Ms: Number.NaN,
    cpuMs: (1000 * cpuSeconds) / jobs,
    refused: 0,
    broken: 0,
    others,
  };
}

const of = (results: Results, contestant: string, row: string, figure: keyof Measured) =>
  (results.get(keyOf(contestant, row)) ?? []).map((measured) => measured[figure]);

function report(results: Results, ours: Contestant, small: Contestant, peers: readonly Contestant[]): void {
  const perSecond = (contestant: Contestant | undefined, row: string | undefined) =>
    contestant && row ? of(results, contestant.name, row, "perSecond") : [];
  const ratio = (line: Line, other: readonly number[]) => spread(ratios(perSecond(ours, line.ours), other), 2);
  const one = (row: string, figure: keyof Measured, contestant = ours, digits = 1) =>
    spread([median(of(results, contestant.name, row, figure))], digits);
  const [everySecond, always] = peers;
  const lines = LINES.map((line) => [
    line.title,
    spread(perSecond(ours, line.ours), 0),
    `${one(line.ours, "p50Ms")} / ${one(line.ours, "p99Ms")}`,
    one(line.ours, "cpuMs", ours, 2),
    ratio(line, perSecond(small, "nothing")),
    line.small ? `${line.small}: ${ratio(line, perSecond(small, line.small))}` : "-",
    ratio(line, perSecond(everySecond, line.peer)),
    ratio(line, perSecond(always, line.peer)),
  ]);
  const ratiosTo = ["of a do-nothing Worker", "of a small Worker", "of the peer", "of the peer, fsync always"];
  console.log(`\n${table(["Claimcheck", "a second", "p50 / p99 ms", "CPU ms", ...ratiosTo], lines)}`);
  const others = [small, ...peers].flatMap((contestant) =>
    [...Object.keys(contestant.rows), END_TO_END]
      .filter((row) => perSecond(contestant, row).length > 0)
      .map((row) => [
        keyOf(contestant.name, row),
        spread(perSecond(contestant, row), 0),
        `${one(row, "p50Ms", contestant)} / ${one(row, "p99Ms", contestant)}`,
        one(row, "cpuMs", contestant, 2),
      ]),
  );
  console.log(`\n${table(["compared with", "a second", "p50 / p99 ms", "CPU ms"], others)}\n`);
}

/** Says how far the figures may be trusted. */
function reportOthers(results: Results): void {
  const others = [...results.values()].flat().map((measured) => measured.others);
  const disturbed = others.filter((processors) => processors > DISTURBED).length;
  if (disturbed === 0) return;
  console.log(
    `In ${disturbed} of ${others.length} measurements other programs took more than ${DISTURBED} of a processor: run it again on a quiet machine.\n`,
  );
}

const FIGURES = ["perSecond", "p50Ms", "p99Ms", "cpuMs", "refused", "broken", "others"] as const satisfies readonly (keyof Measured)[];

function samplesOf(results: Results): Samples {
  return Object.fromEntries(
    [...results].flatMap(([name, measured]) => FIGURES.map((figure) => [`${name}, ${figure}`, measured.map((each) => each[figure])])),
  );
}

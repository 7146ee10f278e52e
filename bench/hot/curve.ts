/**
 * curve: how many requests a second are answered, and how fast, from 1 to 256 connections; the most of them at which 99 of 100
 * answers come within 5, 10 and 50 ms; and how fast answers come at half of what 32 connections get.
 */
import { newFolder } from "../../test/support/deployment.ts";
import { type Samples, median, spread, table } from "../figures.ts";
import { startInstantGpu } from "../gpu-instant.ts";
import type { Chart } from "../plot.ts";
import type { Contestant, Row } from "./contestant.ts";
import { type Load, type Measured, loadGenerator } from "./load.ts";
import { startOurs } from "./ours.ts";
import { startPeer, whyNoPeer } from "./peer.ts";
import { startSmall } from "./small.ts";

const CONNECTIONS = [1, 4, 16, 32, 64, 256] as const;
const SATURATING = 32;
const BOUNDS_MS = [5, 10, 50] as const;
const WARM_UP_SECONDS = 1;

export interface Drawn {
  readonly samples: Samples;
  readonly charts: Readonly<Record<string, Chart>>;
}

interface Subject {
  readonly name: string;
  readonly contestant: Contestant;
  readonly row: Row;
}

function subject(name: string, contestant: Contestant, row: string): Subject[] {
  const found = contestant.rows[row];
  return found ? [{ name, contestant, row: found }] : [];
}

export async function curve({ rounds, seconds }: { readonly rounds: number; readonly seconds: number }): Promise<Drawn> {
  const load = loadGenerator(newFolder());
  const gpu = await startInstantGpu();
  const ours = await startOurs(gpu.url);
  const small = await startSmall();
  const whyNot = whyNoPeer();
  if (whyNot !== null) console.log(`no figures of the peer: ${whyNot}`);
  const peers = whyNot === null ? [await startPeer(gpu.url, "everysec")] : [];
  const subjects = [
    ...subject("do-nothing Worker", small, "nothing"),
    ...subject("status of a final one", ours, "status"),
    ...subject("status while 20 wait", ours, "waiting"),
    ...subject("submit, paused lane", ours, "paused"),
    ...peers.flatMap((peer) => [...subject("the peer: status", peer, "status"), ...subject("the peer: submit", peer, "paused")]),
  ];
  console.log(`curve: ${CONNECTIONS.join(", ")} connections, ${rounds} rounds of ${seconds} s for each, after ${WARM_UP_SECONDS} s`);
  const results = new Map<string, Measured[]>();
  const note = (name: string, measured: Measured) => results.set(name, [...(results.get(name) ?? []), measured]);
  const of = (name: string, figure: keyof Measured) => (results.get(name) ?? []).map((measured) => measured[figure]);
  for (let round = 0; round < rounds; round++) {
    for (const connections of round % 2 === 0 ? CONNECTIONS : CONNECTIONS.toReversed()) {
      for (const it of subjects) note(at(it, connections), await measure(load, it, connections, seconds, [gpu.pid]));
    }
    for (const it of subjects) {
      const half = median(of(at(it, SATURATING), "perSecond")) / 2;
      note(atHalf(it), await measure(load, it, SATURATING, seconds, [gpu.pid], half));
    }
    console.log(`round ${round + 1} of ${rounds} is done`);
  }
  for (const contestant of [ours, small, ...peers]) await contestant.stop();
  gpu.end();
  const points = (it: Subject) =>
    CONNECTIONS.map((connections) => ({
      connections,
      x: median(of(at(it, connections), "perSecond")),
      y: median(of(at(it, connections), "p99Ms")),
    }));
  const within = (it: Subject, bound: number) => points(it).filter(({ y }) => y <= bound);
  const figures = ({ x, y }: { x: number; y: number }) => `${x.toFixed(0)} (${y.toFixed(1)} ms)`;
  const rows = subjects.map((it) => [
    it.name,
    ...points(it)
      .filter(({ connections }) => [1, 32, 256].includes(connections))
      .map(figures),
    ...BOUNDS_MS.map((bound) => Math.max(0, ...within(it, bound).map(({ x }) => x)).toFixed(0)),
    `${spread(of(atHalf(it), "p50Ms"), 1)} / ${spread(of(atHalf(it), "p99Ms"), 1)}`,
  ]);
  const head = ["", "1 connection", "32", "256", ...BOUNDS_MS.map((bound) => `a second at p99 under ${bound} ms`), "at half: p50 / p99 ms"];
  console.log(`\n${table(head, rows)}\n`);
  const chart: Chart = {
    title: "Requests a second and the 99th percentile, from 1 to 256 connections",
    x: { title: "requests a second", scale: "log" },
    y: { title: "99th percentile, ms", scale: "log" },
    lines: subjects.map((it) => ({ name: it.name, points: points(it) })),
    marks: BOUNDS_MS,
  };
  const samples = Object.fromEntries(
    [...results.keys()].flatMap((name) =>
      (["perSecond", "p50Ms", "p99Ms", "cpuMs", "others"] as const).map((figure) => [`${name}, ${figure}`, of(name, figure)]),
    ),
  );
  return { samples, charts: { "hot-path": chart } };
}

const at = (it: Subject, connections: number) => `${it.name}, ${connections} connections`;
const atHalf = (it: Subject) => `${it.name}, at half`;

async function measure(
  load: Load,
  { contestant, row }: Subject,
  connections: number,
  seconds: number,
  helpers: readonly number[],
  perSecond?: number,
): Promise<Measured> {
  const target = { url: contestant.url, pids: contestant.pids, helpers, requests: row.requests, connections };
  await load.measure({ ...target, connections: SATURATING, seconds: WARM_UP_SECONDS }); // one connection alone would not get round
  return load.measure({ ...target, seconds, ...(perSecond === undefined ? {} : { perSecond }) });
}

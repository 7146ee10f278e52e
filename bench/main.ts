/**
 * `npm run bench`: figures of the scheduler and of the hot path on the embedded runtime, beside what the arithmetic, the runtime and a
 * peer allow. Single figures are of this machine; quote the ratios. `npm run bench -- hot --rounds 3` takes only some of the parts:
 * start (start.ts), dispatch and streaming (latency.ts), watching (watching.ts), bulk (bulk.ts), idle (idle.ts), cost (cost.ts), hot (hot/hot.ts),
 * curve (hot/curve.ts), memory (hot/memory.ts), lane (hot/lane-object.ts). Every sample is kept as JSON in bench/results, with the charts as SVG.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { commandLine, mistake, wholeNumber } from "../test/support/command-line.ts";
import { type Deployment, deploy, endAll, newFolder } from "../test/support/deployment.ts";
import { startGpu } from "../test/support/gpu.ts";
import { bulk } from "./bulk.ts";
import { bigKey } from "./client.ts";
import { cost } from "./cost.ts";
import type { Samples } from "./figures.ts";
import { type Drawn, curve } from "./hot/curve.ts";
import { hot } from "./hot/hot.ts";
import { laneObject } from "./hot/lane-object.ts";
import { memory } from "./hot/memory.ts";
import { idleSlots } from "./idle.ts";
import { dispatch, streaming } from "./latency.ts";
import { svgOf } from "./plot.ts";
import { start } from "./start.ts";
import { watching } from "./watching.ts";

const RESULTS = join(import.meta.dirname, "results");
const PARTS = ["start", "dispatch", "idle", "streaming", "watching", "bulk", "cost", "hot", "curve", "memory", "lane"] as const;
/** These start what they measure themselves. */
const ALONE = new Set<Part>(["start", "watching", "bulk", "cost", "hot", "curve", "memory", "lane"]);

type Part = (typeof PARTS)[number];

const OPTIONS = {
  rounds: { type: "string" },
  seconds: { type: "string", default: "2" },
  connections: { type: "string", default: "32" },
  jobs: { type: "string", default: "3000" },
} as const;

const USAGE = `Usage: npm run bench -- [PART…] [--rounds N] [--seconds N] [--connections N] [--jobs N]

  PART             ${PARTS.join(", ")} (all)
  --rounds N       how often each is measured (3; start and idle 9)
  --seconds N      how long a round of the hot path takes (2)
  --connections N  how many connections call it at once (32)
  --jobs N         how many inferences are dispatched (3000)`;

const { values, positionals } = commandLine(USAGE, { options: OPTIONS, allowPositionals: true });
const unknown = positionals.find((word) => !PARTS.includes(word as Part)); // looked at here
if (unknown !== undefined) mistake(`There is no part "${unknown}".`, USAGE);

/** Of an option or its default. */
const count = (name: keyof typeof OPTIONS, otherwise = "") => wholeNumber(name, values[name] ?? otherwise, 1, USAGE);

const options = { rounds: count("rounds", "3"), seconds: count("seconds"), connections: count("connections"), jobs: count("jobs") };
const begunAt = new Date().toISOString();
const parts: Partial<Record<Part, Samples>> = {};
let shared: Promise<{ deployment: Deployment; key: string }> | null = null;

/** One deployment for the parts that are content with any. */
function deployed(): Promise<{ deployment: Deployment; key: string }> {
  shared ??= deploy({ folder: newFolder() }).then(async (deployment) => ({ deployment, key: await bigKey(deployment) }));
  return shared;
}

async function take(part: Part): Promise<Samples> {
  if (ALONE.has(part)) {
    await (await shared)?.deployment.interrupt(); // what nobody asks takes no processor
    if (part === "start") return start(count("rounds", "9"));
    if (part === "watching") return watching();
    if (part === "bulk") return bulk(options.rounds);
    if (part === "curve") return drawn(await curve(options));
    if (part === "memory") return drawn(await memory());
    if (part === "lane") return laneObject(options);
    return part === "hot" ? hot(options) : cost();
  }
  const { deployment, key } = await deployed();
  if (part === "dispatch") return dispatch(deployment, key, await startGpu());
  if (part === "idle") return idleSlots(deployment, key, count("rounds", "9"));
  return streaming(deployment, key, await startGpu());
}

const fileOf = (ending: string) => join(RESULTS, `${begunAt.replaceAll(":", "-")}${ending}`);

/** Leaves the charts beside the samples. */
function drawn({ samples, charts }: Drawn): Samples {
  mkdirSync(RESULTS, { recursive: true });
  for (const [name, chart] of Object.entries(charts)) {
    writeFileSync(fileOf(`-${name}.svg`), svgOf(chart));
    console.log(`Drawn in ${fileOf(`-${name}.svg`)}.`);
  }
  return samples;
}

try {
  for (const part of PARTS.filter((each) => positionals.length === 0 || positionals.includes(each))) {
    parts[part] = await take(part);
  }
  mkdirSync(RESULTS, { recursive: true });
  const file = fileOf(".json");
  const machine = { processors: availableParallelism(), model: cpus()[0]?.model ?? null, node: process.version };
  writeFileSync(file, `${JSON.stringify({ begunAt, machine, options, parts }, null, 1)}\n`);
  console.log(`All samples are in ${file}.`);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  endAll();
}
process.exit();

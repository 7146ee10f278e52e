/**
 * `npm run simulate -- --seed N --seeds COUNT [--steps N] [--trace] [--mutations [--only TEXT]]`. Runs COUNT seeds from N on, on all
 * processors. Ends with 1 at the first seed that breaks a rule, and shows the end of its story; the same seed on the
 * same code tells the same story again, whole with `--trace`. A run of 1,000 or more goes on until all unkind answers are met, for
 * 300 seeds at most. With `--mutations` it looks for the planted bugs instead, and writes down in docs/reliability.md which rule finds
 * each; with `--only TEXT` for those alone whose name has that text, and writes nothing.
 */
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Ledger } from "./outside/clients.ts";
import type { Result, Task } from "./crew.ts";
import { commandLine, mistake, wholeNumber } from "../support/command-line.ts";
import { hang } from "../support/gpu.ts";
import { MUTATIONS } from "./mutations.ts";
import { WAYS } from "./outside/unkind.ts";
import { type Found, PLANTED_PAGE, withPlanted } from "./planted/table.ts";
import { type Report, simulate } from "./simulation.ts";
import { UNSOUND } from "./world.ts";

const CHUNK = 10;
const MUTATION_SEEDS = 1_000;
const SHOWN = 60;
/** So many seeds together are to meet every answer of the repertoire. Which seed meets which changes with the code, so a run goes on for a while. */
const ALL_ARE_MET_IN = 1_000;
const MORE = 50;
const MORE_MOST = 300;
const RAREST = 5;

const print = (line: string) => void process.stdout.write(`${line}\n`);

/** Has threads, as many as there are processors but no more than `most`, do one task after the other; `next` gives each, and null at the end. */
async function runAll(next: () => Task | null, most: number, seen: (reports: readonly Report[], task: Task) => void): Promise<void> {
  const threads = Math.min(availableParallelism(), most);
  await Promise.all(
    Array.from({ length: threads }, async () => {
      const worker = new Worker(new URL("./crew.ts", import.meta.url));
      try {
        for (let task = next(); task; task = next()) {
          worker.postMessage(task, []);
          const [result] = (await once(worker, "message")) as [Result]; // crew.ts says nothing else
          if ("failure" in result) throw new Error(result.failure);
          seen(result.reports, task);
        }
      } finally {
        await worker.terminate();
      }
    }),
  );
}

function show(report: Report): void {
  print(`\nseed ${report.seed} breaks a rule after ${(report.virtualMs / 1000).toFixed(3)} s:`);
  print(`  ${report.violation?.rule}: ${report.violation?.detail}`);
  print(`the last ${SHOWN} events (ms since the beginning):`);
  for (const line of report.trace.slice(-SHOWN)) print(`  ${line.slice(0, 220)}`);
  print(`\nagain, whole: npm run simulate -- --seed ${report.seed} --trace`);
}

async function simulateMany(first: number, asked: number, steps: number): Promise<boolean> {
  const total: Record<keyof Ledger, number> = {
    attempted: 0,
    accepted: 0,
    succeeded: 0,
    failed: 0,
    canceled: 0,
    expired: 0,
    lost: 0,
    unexpected: 0,
    doubled: 0,
    recovered: 0,
    left: 0,
    attempts: 0,
    done: 0,
    deliveries: 0,
    received: 0,
    files: 0,
    polls: 0,
  };
  const failed: Report[] = [];
  const met = new Map<string, number>();
  const groups: Record<keyof Report["groups"], Record<number, number>> = { ended: {}, claimed: {}, crews: {} };
  const unmet = () => WAYS.filter(({ name, does }) => !met.has(name) && does !== hang);
  const mustMeetAll = asked >= ALL_ARE_MET_IN;
  let count = 0;
  let [done, virtualMs, events, crashes] = [0, 0, 0, 0];
  const began = performance.now();
  let shownAt = began;
  const progress = () => {
    const seconds = (performance.now() - began) / 1000;
    const ratio = virtualMs / 1000 / seconds;
    return `${done} of ${count} seeds, ${seconds.toFixed(1)} s, ${(done / seconds).toFixed(1)} seeds/s, ${ratio.toFixed(0)} times real time`;
  };
  const see = (report: Report) => {
    done++;
    virtualMs += report.virtualMs;
    events += report.steps;
    crashes += report.crashes;
    for (const [name, value] of Object.entries(report.ledger)) total[name as keyof Ledger] += value; // Object.entries forgets the keys' type
    if (report.violation) failed.push(report);
    for (const what of ["ended", "claimed", "crews"] as const) {
      for (const [size, times] of Object.entries(report.groups[what]))
        groups[what][Number(size)] = (groups[what][Number(size)] ?? 0) + times;
    }
    for (const [way, times] of Object.entries(report.met)) met.set(way, (met.get(way) ?? 0) + times);
    if (performance.now() - shownAt > 5_000) {
      shownAt = performance.now();
      print(progress());
    }
  };
  const runMore = async (more: number) => {
    const seeds = Array.from({ length: more }, (_, index) => first + count + index);
    count += more;
    const next = (): Task | null => {
      const part = failed.length > 0 ? [] : seeds.splice(0, CHUNK);
      return part.length > 0 ? { seeds: part, steps, mutation: null } : null;
    };
    await runAll(next, Math.ceil(more / CHUNK), (reports) => reports.forEach(see));
    print(progress());
  };
  await runMore(asked);
  const goesOn = () => mustMeetAll && unmet().length > 0 && count < asked + MORE_MOST && failed.length === 0;
  while (goesOn()) {
    print(`not met yet: ${namesOf(unmet())}; ${MORE} more seeds`);
    await runMore(MORE);
  }
  print(`${(virtualMs / 3_600_000).toFixed(1)} hours simulated, ${events} events, ${crashes} isolates died`);
  print(
    Object.entries(total)
      .map(([name, value]) => `${name} ${value}`)
      .join(", "),
  );
  print(
    `ended together: ${sizesOf(groups.ended)}; claimed together: ${sizesOf(groups.claimed)}; for so many crews: ${sizesOf(groups.crews)}`,
  );
  const missed = unmet();
  print(`${met.size} of ${met.size + missed.length} unkind answers met${missed.length === 0 ? "" : `; not ${namesOf(missed)}`}`);
  const rarest = [...met].toSorted(([, one], [, other]) => one - other).slice(0, RAREST);
  print(`the rarest of them: ${rarest.map(([name, times]) => `${times} times "${name}"`).join(", ")}`);
  const worst = failed.toSorted((one, other) => one.seed - other.seed)[0];
  if (worst) show(worst);
  return failed.length === 0 && (!mustMeetAll || missed.length === 0);
}

/** How often there was a group of each size. */
const sizesOf = (sizes: Readonly<Record<number, number>>) =>
  Object.entries(sizes)
    .map(([size, times]) => `${size} (${times} times)`)
    .join(", ");

const namesOf = (ways: readonly { readonly name: string }[]) => ways.map(({ name }) => `"${name}"`).join(", ");

async function simulateOne(seed: number, steps: number, trace: boolean): Promise<boolean> {
  const report = await simulate(seed, { steps, ...(trace ? { print } : {}) });
  if (report.violation && !trace) show(report);
  print(JSON.stringify({ ...report, trace: undefined }));
  return report.violation === null;
}

/**
 * Whether each planted bug is found within MUTATION_SEEDS seeds. One whose statements fail does not count: any broken text would be
 * found so, and what it was planted for is not held.
 */
async function findMutations(first: number, steps: number, only: string): Promise<boolean> {
  const planted = MUTATIONS.filter(({ name }) => name.includes(only));
  if (planted.length === 0) return mistake(`No planted bug has "${only}" in its name.`, USAGE);
  const rules = new Map<string, string>();
  const seeds = Array.from({ length: MUTATION_SEEDS }, (_, index) => first + index);
  const left = planted.map(({ name }) => name);
  const next = (): Task | null => {
    const mutation = left.shift();
    return mutation === undefined ? null : { seeds, steps, mutation };
  };
  await runAll(next, planted.length, ([report], { mutation }) => {
    const name = mutation ?? "";
    const violation = report?.violation;
    if (!violation) return print(`MISSED in ${seeds.length} seeds: ${name}`);
    if (violation.rule === UNSOUND) return print(`BROKEN seed ${report.seed}: ${name} -> ${violation.detail}`);
    rules.set(name, violation.rule);
    print(`found  seed ${report.seed}: ${name} -> ${violation.rule}`);
  });
  const found = planted.flatMap(({ name }): Found[] => {
    const rule = rules.get(name);
    return rule === undefined ? [] : [[name, rule]];
  });
  if (only === "") writeFileSync(PLANTED_PAGE, withPlanted(readFileSync(PLANTED_PAGE, "utf8"), found));
  return found.length === planted.length;
}

const USAGE = `Usage: npm run simulate -- [--seed N] [--seeds COUNT] [--steps N] [--trace] [--mutations [--only TEXT]]

  --seed N       the first seed (1)
  --seeds COUNT  how many seeds, from the first on (1)
  --steps N      ends each seed after so many events
  --trace        prints everything that happens in a seed
  --mutations    looks for the planted bugs instead
  --only TEXT    only for those with this text in their name`;

const { values } = commandLine(USAGE, {
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    steps: { type: "string" },
    trace: { type: "boolean", default: false },
    mutations: { type: "boolean", default: false },
    only: { type: "string", default: "" },
  },
});
const seed = wholeNumber("seed", values.seed, 0, USAGE);
const count = wholeNumber("seeds", values.seeds, 1, USAGE);
const steps = values.steps === undefined ? Infinity : wholeNumber("steps", values.steps, 1, USAGE);
const green = values.mutations
  ? await findMutations(seed, steps, values.only)
  : count === 1
    ? await simulateOne(seed, steps, values.trace)
    : await simulateMany(seed, count, steps);
process.exitCode = green ? 0 : 1;

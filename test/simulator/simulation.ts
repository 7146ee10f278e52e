/** One seed from beginning to end: faults, then none, then the ledger. */
import { age } from "./aging.ts";
import { type Ledger, Clients } from "./outside/clients.ts";
import type { Mutation } from "./planted/rewrite.ts";
import type { Sizes } from "./rules/groups.ts";
import { borrowGlobals } from "./platform/globals.ts";
import { Trace } from "./trace.ts";
import { type Violation, World } from "./world.ts";

export interface Report {
  readonly seed: number;
  readonly violation: Violation | null;
  readonly steps: number;
  readonly virtualMs: number;
  readonly realMs: number;
  /** Of the whole trace: the same for the same seed and code. */
  readonly fingerprint: string;
  readonly ledger: Ledger;
  readonly crashes: number;
  readonly runs: number;
  /** How often a server answered in which way of the repertoire, and what came of it was judged. */
  readonly met: Readonly<Record<string, number>>;
  /** Of inferences that runners end, and claim, together, and of the crews that those are claimed for. */
  readonly groups: Readonly<Record<"ended" | "claimed" | "crews", Sizes>>;
  /** The end of the trace, where a rule was broken. */
  readonly trace: readonly string[];
}

export interface Options {
  /** Faults end after this many steps at the latest. */
  readonly steps?: number;
  readonly mutation?: Mutation;
  readonly print?: (line: string) => void;
}

const NO_MUTATION: Mutation = { name: "none" };
/** What is logged as an error must be the platform's; anything else is a bug of ours. */
const OUR_ERROR = /"error":"(?:TypeError|RangeError|SyntaxError|ReferenceError|ZodError|Error)\b/;
/** The time of the machine that simulates; the trace has its own. */
const TIME = /,"time":"[^"]*"/;
const STACK = /,"stack":"(?:[^"\\]|\\.)*"/;

/** The seed that runs, or has run. */
let latest: Promise<unknown> = Promise.resolve();

/**
 * Runs one seed. What the flows log becomes part of the trace. Console, clock and WebCrypto are borrowed, so it waits for the one
 * that runs: one that a test's time limit has left behind would otherwise go on with the real ones in the middle of the next.
 */
export function simulate(seed: number, options: Options = {}): Promise<Report> {
  const report = latest.then(() => simulateAlone(seed, options));
  latest = report.catch(() => null); // whoever asked for it gets the error
  return report;
}

async function simulateAlone(seed: number, options: Options): Promise<Report> {
  const began = performance.now();
  const trace = new Trace(options.print ?? null);
  const world = new World(seed, trace, options.mutation ?? NO_MUTATION);
  const giveBack = borrowGlobals({ schedule: world.schedule, random: world.watchRandom });
  const { log, error } = console;
  console.log = (line: unknown) => world.note(String(line).replace(TIME, ""));
  console.error = (line: unknown) => {
    const text = String(line).replace(TIME, "").replace(STACK, "");
    world.note(text);
    if (OUR_ERROR.test(text)) world.violate("no error but the platform's", String(line));
  };
  try {
    const clients = new Clients(world);
    await live(world, clients, options.steps ?? Infinity);
    if (!world.violation && world.shape.ages) await age(world);
    const ledger = clients.ledger();
    if (!world.violation) clients.judge();
    return {
      seed,
      violation: world.violation,
      steps: world.schedule.steps,
      virtualMs: world.elapsedMs,
      realMs: performance.now() - began,
      fingerprint: trace.fingerprint,
      ledger,
      crashes: world.crashes,
      runs: world.runs,
      met: Object.fromEntries(world.model.answers.met),
      groups: { ended: world.groups.ended, claimed: world.groups.claimed, crews: world.groups.crews },
      trace: world.violation ? trace.last : [],
    };
  } finally {
    console.log = log;
    console.error = error;
    giveBack();
    world.close();
  }
}

async function live(world: World, clients: Clients, steps: number): Promise<void> {
  const { schedule, model, shape } = world;
  while (!world.violation && world.elapsedMs < shape.spanMs && schedule.steps < steps) await schedule.step();
  if (world.violation) return;
  world.endFaults();
  let judgedAt = world.elapsedMs;
  const isOver = () =>
    clients.underWay === 0 &&
    world.quiet &&
    clients.watchers.haveSeenAll() &&
    clients.readers.haveReadAll() &&
    clients.pollers.haveAllAnswers();
  while (!world.violation && !isOver()) {
    await schedule.step();
    if (world.elapsedMs - judgedAt < 1_000) continue;
    judgedAt = world.elapsedMs;
    clients.watchers.judge();
    clients.pollers.judge();
    clients.readers.judgeEnds();
    world.progress.judge();
    for (const life of model.known.lives.values()) {
      if (life.finalAt === null && schedule.now > model.transitions.latestEnd(life))
        world.violate("bound", `#${life.job} is ${life.row.status} and should be final`);
    }
  }
  clients.watchers.leave();
  clients.readers.leave();
  clients.pollers.leave();
}

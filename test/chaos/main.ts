/**
 * Chaos on the real runtime: `npm run chaos -- --seed N --inferences N --kills N`. Two models, three GPU servers that answer,
 * delay, refuse, hang, cut the connection and send garbage as the seed draws it; the whole runtime killed with `kill -9`
 * and started again while they work. In the end everything accepted must be final and explained by its own log, nothing
 * may have two successes, and no server may ever have had more calls at once than its concurrency. Exits 1 otherwise.
 */
import { setTimeout as wait } from "node:timers/promises";
import * as z from "zod";
import { commandLine, wholeNumber } from "../support/command-line.ts";
import { type Answer, type Deployment, ask, deploy, endAll, newFolder, until } from "../support/deployment.ts";
import { type Behaviour, type Gpu, answer, cut, hang, ok, reset, slow, startGpu, status } from "../support/gpu.ts";

const CLIENTS = 16;
/** A runtime that was killed must have work running again within this. */
const AGAIN_SECONDS = 60;
const SETTLE_SECONDS = 600;

const USAGE = `Usage: npm run chaos -- [--seed N] [--inferences N] [--kills N]

  --seed N        what the servers and the kills are drawn from (1)
  --inferences N  how many are submitted (1000)
  --kills N       how often the runtime is killed (5)`;

const options = commandLine(USAGE, {
  options: {
    seed: { type: "string", default: "1" },
    inferences: { type: "string", default: "1000" },
    kills: { type: "string", default: "5" },
  },
}).values;
const seed = wholeNumber("seed", options.seed, 0, USAGE);
const total = wholeNumber("inferences", options.inferences, 1, USAGE);
const kills = wholeNumber("kills", options.kills, 0, USAGE);
const random = mulberry32(seed);

/** A small seeded generator: the same draws for the same seed. */
function mulberry32(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a server does with a call, by share. */
const BEHAVIOURS: readonly (readonly [share: number, behaviour: () => Behaviour])[] = [
  [0.4, () => ok],
  [0.3, () => slow(Math.floor(random() * 400))],
  [0.06, () => status(503)],
  [0.04, () => status(503, { "Retry-After": "1" })],
  [0.05, () => status(500)],
  [0.03, () => status(429)],
  [0.02, () => hang],
  [0.04, () => cut],
  [0.03, () => reset],
  [0.03, () => answer("this is no answer")],
];

function drawn(): Behaviour {
  let rest = random();
  for (const [share, behaviour] of BEHAVIOURS) {
    rest -= share;
    if (rest < 0) return behaviour();
  }
  return ok;
}

const inferenceSchema = z.object({
  id: z.string(),
  status: z.enum(["queued", "in_progress", "succeeded", "failed", "canceled", "expired"]),
  is_final: z.boolean(),
  attempts: z.number(),
  output: z.unknown(),
  error: z.object({ code: z.string() }).nullable(),
  logs: z.array(z.object({ event: z.string(), attempt: z.number().optional(), error: z.object({ code: z.string() }).optional() })),
});
type Inference = z.infer<typeof inferenceSchema>;

interface Server {
  readonly gpu: Gpu;
  readonly model: string;
  readonly concurrency: number;
}

let deployment: Deployment;

/** One request, again and again while the runtime is dead or can't answer. */
async function insist(key: string, method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> {
  for (;;) {
    try {
      const reply = await ask(deployment.url, key, method, path, body, headers);
      if (reply.status < 500) return reply;
    } catch {
      // The runtime is down, or died under the request: whether it took effect is unknown.
    }
    await wait(100);
  }
}

async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const rest = [...items.entries()];
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      for (let next = rest.shift(); next; next = rest.shift()) results[next[0]] = await work(next[1]);
    }),
  );
  return results;
}

async function main(): Promise<string[]> {
  const folder = newFolder();
  const servers: Server[] = [
    { gpu: await startGpu(drawn), model: "first", concurrency: 4 },
    { gpu: await startGpu(drawn), model: "first", concurrency: 2 },
    { gpu: await startGpu(drawn), model: "second", concurrency: 5 },
  ];
  deployment = await deploy({ folder });
  for (const model of ["first", "second"]) await deployment.operator("POST", "/models", { name: model });
  for (const { gpu, model, concurrency } of servers) {
    await deployment.operator("POST", "/backends", {
      model,
      url: gpu.url,
      protocol: "oip",
      max_concurrency: concurrency,
      timeout_seconds: 3,
    });
  }
  const account = await deployment.operator("POST", "/accounts", { name: "chaos" });
  const limits = { read: 10_000, submit: 10_000, cancel: 10_000 };
  const { key: made } = await deployment.operator("POST", "/keys", { account_id: account["id"], limits });
  const key = String(made);
  console.log(`seed ${seed}: ${total} inferences, 2 models, 3 backends, ${kills} kills`);

  const numbers = Array.from({ length: total }, (_, index) => index);
  const retry = { max_attempts: 10, initial_delay_ms: 50, max_delay_ms: 1_000 };
  const submitting = inParallel(numbers, async (number) => {
    const body = { model: number % 3 === 2 ? "second" : "first", input: { x: [number] }, retry, max_time_in_queue_seconds: 3_600 };
    const reply = await insist(key, "POST", "/v1/inferences", body, { "Idempotency-Key": `${seed}-${number}` });
    if (reply.status !== 202) throw new Error(`submit ${number} answered ${reply.status}: ${reply.text}`);
    return z.object({ id: z.string() }).parse(reply.body).id;
  });

  const finals = new Map<string, Inference>();
  const callsNow = () => servers.reduce((sum, { gpu }) => sum + gpu.calls.length, 0);
  const faults: string[] = [];
  const again: number[] = [];
  for (let kill = 1; kill <= kills; kill++) {
    const callsBefore = callsNow();
    // Killed after a drawn share of the work, so that kills meet submits, runs, retries and sweeps alike.
    const enough = callsBefore + Math.ceil(((0.3 + random()) * total) / (kills + 1));
    await until(
      async () => callsNow(),
      (calls) => calls >= enough,
      60,
    );
    await deployment.kill9();
    const atDeath = callsNow();
    deployment = await deploy({ folder, port: deployment.port });
    const upAt = Date.now();
    await until(
      async () => callsNow(),
      (calls) => calls > atDeath,
      AGAIN_SECONDS,
    );
    const seconds = (Date.now() - upAt) / 1000;
    again.push(seconds);
    console.log(`  kill ${kill} after ${atDeath} calls; running again ${seconds.toFixed(1)} s after the restart`);
    if (seconds >= AGAIN_SECONDS) faults.push(`nothing ran within ${AGAIN_SECONDS} s of restart ${kill}`);
  }
  const ids = await submitting;
  if (new Set(ids).size !== total) faults.push(`${total - new Set(ids).size} ids were given twice`);

  const end = Date.now() + SETTLE_SECONDS * 1000;
  let open = ids;
  while (open.length > 0 && Date.now() < end) {
    const seen = await inParallel(open, async (id) =>
      inferenceSchema.parse((await insist(key, "GET", `/v1/inferences/${id}?logs=1`)).body),
    );
    for (const inference of seen) if (inference.is_final) finals.set(inference.id, inference);
    open = open.filter((id) => !finals.has(id));
    process.stdout.write(`\r  ${finals.size} of ${total} final `);
    if (open.length > 0) await wait(500);
  }
  process.stdout.write("\n");

  if (open.length > 0) faults.push(`${open.length} are not final: ${open.slice(0, 3).join(", ")}`);
  for (const [number, id] of ids.entries()) {
    const inference = finals.get(id);
    if (inference) faults.push(...faultsOf(inference, number));
  }
  for (const { gpu, concurrency, model } of servers) {
    if (gpu.mostAtOnce > concurrency)
      faults.push(`a backend of ${model} had ${gpu.mostAtOnce} calls at once, with a concurrency of ${concurrency}`);
  }
  for (const model of ["first", "second"]) {
    const depth = z
      .object({ queued: z.number(), in_progress: z.number() })
      .parse((await insist(key, "GET", `/v1/models/${model}/queue`)).body);
    if (depth.queued + depth.in_progress > 0) faults.push(`${model} still has ${depth.queued} queued and ${depth.in_progress} in progress`);
  }
  const count = (wanted: string) => [...finals.values()].filter((inference) => inference.status === wanted).length;
  const attempts = [...finals.values()].reduce((sum, inference) => sum + inference.attempts, 0);
  const { total: used } = usageSchema.parse((await insist(key, "GET", "/v1/usage")).body);
  const counted = `${used.inferences.succeeded} succeeded, ${used.inferences.failed} failed, ${used.attempts} attempts`;
  const recounted = `${count("succeeded")} succeeded, ${count("failed")} failed, ${attempts} attempts`;
  console.log(`  usage: ${counted}`);
  if (counted !== recounted) faults.push(`usage has ${counted}, and a recount ${recounted}`);
  console.log(`  succeeded ${count("succeeded")}, failed ${count("failed")}, attempts ${attempts}, backend calls ${callsNow()}`);
  console.log(`  at most at once: ${servers.map(({ gpu, concurrency }) => `${gpu.mostAtOnce} of ${concurrency}`).join(", ")}`);
  console.log(`  accepted ${ids.length}, lost ${open.length}, running again after at most ${Math.max(0, ...again).toFixed(1)} s`);
  return faults;
}

/** What of the usage is held against a recount. */
const usageSchema = z.object({
  total: z.object({ inferences: z.object({ succeeded: z.number(), failed: z.number() }), attempts: z.number() }),
});

/** What is wrong with an ended inference, by its own log. */
function faultsOf(inference: Inference, number: number): string[] {
  const events = inference.logs.map((line) => line.event);
  const count = (event: string) => events.filter((candidate) => candidate === event).length;
  const named = (fault: string) => `${inference.id} (${inference.status}): ${fault}: ${events.join(" ")}`;
  const faults: string[] = [];
  if (events[0] !== "queued") faults.push(named("its log does not begin with its submit"));
  if (events.at(-1) !== inference.status) faults.push(named("its log does not end as it did"));
  if (count("succeeded") + count("failed") !== 1) faults.push(named("it ended other than once"));
  if (count("claimed") !== inference.attempts) faults.push(named(`${inference.attempts} attempts, but ${count("claimed")} claims`));
  if (count("attempt_failed") + 1 !== inference.attempts) faults.push(named("an attempt has no end"));
  const echoed = z.object({ x: z.array(z.number()) }).safeParse(inference.output);
  if (inference.status === "succeeded" && echoed.data?.x[0] !== number) faults.push(named(`its output is not of its input ${number}`));
  if (inference.status === "failed" && inference.error === null) faults.push(named("it failed without an error"));
  return faults;
}

let faults: string[];
try {
  faults = await main();
} finally {
  endAll();
}
for (const fault of faults.slice(0, 20)) console.error(`FAULT ${fault}`);
console.log(faults.length === 0 ? "ok" : `${faults.length} faults; run again with --seed ${seed}`);
process.exit(faults.length === 0 ? 0 : 1);

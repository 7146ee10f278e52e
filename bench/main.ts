/**
 * `npm run bench`: figures of the scheduler on the embedded runtime, beside what the arithmetic or the runtime allows.
 * Single figures are of this machine; quote the ratios.
 *
 * dispatch: from the client's having the answer of a submit to the backend's having the call, with a free slot. Its
 * floor is a do-nothing round trip to the same Worker, measured between the rounds.
 * work conservation: 4 slots, 200 inferences of 50 ms; the share of the run in which slots stand idle.
 */
import { performance } from "node:perf_hooks";
import { type Deployment, deploy, endAll, newFolder, until } from "../test/support/deployment.ts";
import { type Gpu, ok, slow, startGpu } from "../test/support/gpu.ts";

const WARM_UP = 30;
const ROUNDS = 300;
const SLOTS = 4;
const JOBS = 200;
const JOB_MS = 50;

const at = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;

function line(name: string, samples: readonly number[]): void {
  const sorted = samples.toSorted((a, b) => a - b);
  const figures = [0.5, 0.95, 0.99].map((share) => `p${share * 100} ${at(sorted, share).toFixed(2)} ms`);
  console.log(`  ${name.padEnd(52)} ${figures.join("   ")}`);
}

async function model(deployment: Deployment, gpu: Gpu, name: string, concurrency: number): Promise<void> {
  await deployment.operator("POST", "/models", { name });
  await deployment.operator("POST", "/backends", { model: name, url: gpu.url, protocol: "oip", max_concurrency: concurrency });
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

async function conservation(deployment: Deployment, key: string, gpu: Gpu): Promise<void> {
  await model(deployment, gpu, "conservation", SLOTS);
  gpu.does(() => slow(JOB_MS));
  const before = gpu.calls.length;
  await Promise.all(Array.from({ length: JOBS }, (_, number) => submit(deployment, key, "conservation", number)));
  const calls = () => gpu.calls.slice(before).filter((call) => call.endedAt !== null);
  await until(
    async () => calls().length,
    (count) => count === JOBS,
    60,
  );
  const begun = Math.min(...calls().map((call) => call.startedAt));
  const ended = Math.max(...calls().map((call) => call.endedAt ?? 0));
  const busy = calls().reduce((sum, call) => sum + (call.endedAt ?? 0) - call.startedAt, 0);
  const idle = 1 - busy / (SLOTS * (ended - begun));
  console.log(`work conservation, ${JOBS} inferences of ${JOB_MS} ms on ${SLOTS} slots`);
  console.log(
    `  run ${ended - begun} ms, at best ${(JOBS * JOB_MS) / SLOTS} ms; slots idle ${(100 * idle).toFixed(1)} % of it; at most ${gpu.mostAtOnce} at once`,
  );
}

try {
  const deployment = await deploy({ folder: newFolder() });
  const key = await bigKey(deployment);
  await dispatch(deployment, key, await startGpu());
  await conservation(deployment, key, await startGpu());
} finally {
  endAll();
}
process.exit(0);

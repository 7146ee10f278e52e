/**
 * cost: what each operation asks of D1, Durable Objects, Queues and R2, counted at the bindings, and what a million of it costs by the
 * list prices; the processor's time and stored bytes are not in it.
 * distance: 80 ms are added to each of these calls; by how much longer an operation then takes, in such round trips.
 */
import { performance } from "node:perf_hooks";
import { startRuntime, freePort } from "../src/local/runtime.ts";
import { Operator } from "../src/local/operator.ts";
import { newFolder, until } from "../test/support/deployment.ts";
import { type Samples, spread, table } from "./figures.ts";
import { startInstantGpu } from "./gpu-instant.ts";
import { call, nth, numbers, pool } from "./hot/contestant.ts";
import type { LoadRequest } from "./hot/load.ts";
import { type Counts, PRICES } from "./metered/counts.ts";
import { join } from "node:path";

const DELAY_MS = 80;
const TIMES = 15;
const COUNTED = 300;
const ALONE = 20;
const APART_MS = 100;
const CLIENTS = 32;
const QUIET_LOOKS = 4;

const LIVE = "live";
const PAUSED = "paused";

interface Metered {
  readonly url: string;
  /** What was counted since it was last asked; from now on each call takes so many ms more. */
  take(delayMs?: number): Promise<Counts>;
  /** As `take`, once nothing has been counted for a while. */
  settled(): Promise<Counts>;
}

function meteredAt(url: string): Metered {
  const take = async (delayMs = 0) => (await (await fetch(`${url}/bench?delay=${delayMs}`)).json()) as Counts; // of the metered Worker
  return {
    url,
    take,
    async settled() {
      let sum = await take();
      let quiet = 0;
      await until(
        async () => {
          const more = await take();
          quiet = Object.values(more).some((count) => count > 0) ? 0 : quiet + 1;
          sum = added(sum, more);
          return quiet;
        },
        (looks) => looks >= QUIET_LOOKS,
        60,
        250,
      );
      return sum;
    },
  };
}

const NAMES = Object.keys(PRICES) as (keyof Counts)[]; // of a literal

function each(figure: (name: keyof Counts) => number): Counts {
  return Object.fromEntries(NAMES.map((name) => [name, figure(name)])) as unknown as Counts; // every name has its figure
}

const added = (one: Counts, other: Counts) => each((name) => one[name] + other[name]);

const submission = (model: string, key: string): LoadRequest => ({
  method: "POST",
  path: "/v1/inferences",
  headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
  body: JSON.stringify({ model, input: { x: [0] } }),
});

const status = (id: string, key: string): LoadRequest => ({
  method: "GET",
  path: `/v1/inferences/${id}`,
  headers: { Authorization: `Bearer ${key}` },
});

async function submit(url: string, model: string, key: string): Promise<string> {
  return (JSON.parse(await call(url, submission(model, key), 202)) as { id: string }).id; // of an answer of 202
}

/** Starts it with a lane that runs, one that does not, and keys without a limit that matters. */
async function start(gpu: string): Promise<Metered & { readonly newKey: () => Promise<string>; stop(): Promise<void> }> {
  const port = await freePort("127.0.0.1");
  const secrets = { keySecret: "a-secret-for-the-benchmark-that-is-long-enough", adminToken: "an-admin-token-for-the-benchmark-of-40" };
  const main = join(import.meta.dirname, "metered", "worker.ts");
  const runtime = await startRuntime({ host: "127.0.0.1", port, folder: newFolder(), secrets, main });
  const operator = new Operator(runtime.url, secrets.adminToken);
  for (const [model, state] of Object.entries({ [LIVE]: "active", [PAUSED]: "paused" })) {
    await operator.call("POST", "/models", { name: model });
    await operator.call("POST", "/backends", { model, url: gpu, protocol: "oip", max_concurrency: CLIENTS, state });
  }
  const account = await operator.call("POST", "/accounts", { name: "bench" });
  const limits = { read: 10_000, submit: 10_000, cancel: 10_000 };
  const newKey = async () => String((await operator.call("POST", "/keys", { account_id: account["id"], limits }))["key"]);
  return { ...meteredAt(runtime.url), newKey, stop: () => runtime.stop() };
}

export async function cost(): Promise<Samples> {
  const gpu = await startInstantGpu();
  const metered = await start(gpu.url);
  const { url } = metered;
  const key = await metered.newKey();
  const busy = async (model: string) => pool(numbers(COUNTED), CLIENTS, () => submit(url, model, key));
  const polls = (ids: readonly string[], times: number) =>
    pool(numbers(times), CLIENTS, (index) => call(url, status(nth(ids, index), key), 200));
  await busy(LIVE);
  await metered.settled();
  const costs: [string, number, Counts][] = [];
  const count = async <Result>(name: string, times: number, work: () => Promise<Result>): Promise<Result> => {
    await metered.settled();
    const result = await work();
    costs.push([name, times, await metered.settled()]);
    return result;
  };
  const finished = await count("an inference, busy", COUNTED, () => busy(LIVE));
  await count("an inference by itself", ALONE, async () => {
    for (let time = 0; time < ALONE; time++) {
      await submit(url, LIVE, key);
      await new Promise((resolve) => setTimeout(resolve, APART_MS)); // one that follows at once is not by itself
    }
  });
  const waiting = await count("a submit to a paused lane", COUNTED, () => busy(PAUSED));
  await count("the first poll of a final one", COUNTED, () => polls(finished, COUNTED));
  await count("a further poll of a final one", 10 * COUNTED, () => polls(finished, 10 * COUNTED));
  await count("a poll of one that waits", COUNTED, () => polls(waiting, COUNTED));
  report(costs);
  const samples = await distance(metered, key, waiting, metered.newKey);
  await metered.stop();
  gpu.end();
  const counted = costs.flatMap(([name, times, counts]) => NAMES.map((kind) => [`${name}, ${kind}`, [counts[kind] / times]] as const));
  return { ...Object.fromEntries(counted), ...samples };
}

function report(costs: readonly [string, number, Counts][]): void {
  const head = ["cost of", "D1 calls", "rows read", "rows written", "object calls", "messages", "R2 writes", "R2 reads", "$ a million"];
  const kinds = NAMES.filter((name) => name !== "requests");
  const rows = costs.map(([name, times, counts]) => {
    const dollars = NAMES.reduce((sum, kind) => sum + (counts[kind] / times) * PRICES[kind], 0);
    return [name, ...kinds.map((kind) => (counts[kind] / times).toFixed(2)), dollars.toFixed(2)];
  });
  console.log(`cost, the mean of ${ALONE} operations or more\n\n${table(head, rows)}\n`);
}

async function distance(metered: Metered, key: string, waiting: readonly string[], newKey: () => Promise<string>): Promise<Samples> {
  const { url } = metered;
  const fresh = await pool(numbers(4 * TIMES), 4, newKey);
  const trips: Record<string, number[]> = {};
  const msOf = async (delayMs: number, work: () => Promise<unknown>) => {
    await metered.take(delayMs);
    const begun = performance.now();
    await work();
    return performance.now() - begun;
  };
  // Each twice, near and far: the difference is what the distance costs.
  const take = async (name: string, work: (time: number) => Promise<unknown>) => {
    for (let time = 0; time < TIMES; time++) {
      const near = await msOf(0, () => work(2 * time));
      const far = await msOf(DELAY_MS, () => work(2 * time + 1));
      (trips[name] ??= []).push((far - near) / DELAY_MS);
    }
  };
  const unseen = await pool(numbers(4 * TIMES), 4, () => submit(url, LIVE, key));
  await metered.settled();
  await take("a poll, its key not seen before", (time) => call(url, status(nth(unseen, time), nth(fresh, time)), 200));
  await take("a first poll of a final one", (time) => call(url, status(nth(unseen, 2 * TIMES + time), key), 200));
  await take("a further poll of it", (time) => call(url, status(nth(unseen, 2 * TIMES + time), key), 200));
  await take("a poll of one that waits", (time) => call(url, status(nth(waiting, time), key), 200));
  await take("a submit, its key not seen before", (time) => submit(url, PAUSED, nth(fresh, 2 * TIMES + time)));
  await take("a submit after others, paused lane", () => submit(url, PAUSED, key));
  await take("a submit after others, live lane", () => submit(url, LIVE, key));
  await metered.take(0);
  await metered.settled();
  const rows = Object.entries(trips).map(([name, samples]) => [name, spread(samples, 2)]);
  console.log(`distance, ${DELAY_MS} ms added to each call to a binding\n\n${table(["what", "round trips"], rows)}\n`);
  return trips;
}

/** What a server's trouble, or one account's bad inputs, come to for those that share the server, over real sockets. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Deployment, type Shown, ask, deploy, endAll, newFolder, until } from "../support/deployment.ts";
import { type Gpu, type GpuCall, slow, startGpu, status } from "../support/gpu.ts";

const DOWN_MS = 6_000;
const SLOTS = 8;
/** How long the good inputs run, in turn. */
const RUN_MS = [500, 1_000, 2_000, 750];

let deployment: Deployment;
const gpus: Gpu[] = [];

beforeAll(async () => {
  deployment = await deploy({ folder: newFolder() });
});

afterAll(async () => {
  endAll();
  await Promise.all(gpus.map((gpu) => gpu.close()));
});

async function newKey(name: string): Promise<string> {
  const account = await deployment.operator("POST", "/accounts", { name });
  const limits = { submit: 10_000, read: 10_000 };
  return String((await deployment.operator("POST", "/keys", { account_id: account["id"], limits }))["key"]);
}

async function serve(model: string, gpu: Gpu): Promise<void> {
  gpus.push(gpu);
  await deployment.operator("POST", "/models", { name: model });
  await deployment.operator("POST", "/backends", { model, url: gpu.url, protocol: "oip", max_concurrency: SLOTS, timeout_seconds: 30 });
}

async function submit(key: string, model: string, number: number): Promise<string> {
  const submitted = await ask(deployment.url, key, "POST", "/v1/inferences", { model, input: { n: [number] } });
  expect(submitted.status).toBe(202);
  return (submitted.body as Shown).id;
}

async function finished(key: string, id: string): Promise<Shown> {
  return until(
    async () => (await ask(deployment.url, key, "GET", `/v1/inferences/${id}`)).body as Shown,
    ({ is_final }) => is_final,
    50,
    250,
  );
}

const numberIn = (call: GpuCall) => Number(call.body.inputs[0]?.data[0]);

test("40 inferences that come while a server answers 530 for 6 s, readiness too, all succeed", { timeout: 60_000 }, async () => {
  const key = await newKey("Patient");
  let downUntil = Infinity;
  const isDown = () => Date.now() < downUntil;
  const gpu = await startGpu(
    () => (isDown() ? status(530) : slow(20)),
    () => (isDown() ? 530 : 200),
  );
  await serve("tunnelled", gpu);
  downUntil = Date.now() + DOWN_MS;
  const ids: string[] = [];
  for (let number = 0; number < 40; number++) ids.push(await submit(key, "tunnelled", number));
  expect(isDown(), "all were submitted while it was down").toBe(true);
  const ends = await Promise.all(ids.map((id) => finished(key, id)));
  expect(ends.filter((it) => it.status === "succeeded")).toHaveLength(40);
  expect(gpu.calls.filter((call) => call.startedAt < downUntil).length).toBeGreaterThan(0);
});

test(
  "bursts of one account's bad inputs, each a 500 at once, make another's good ones wait for a moment only",
  { timeout: 60_000 },
  async () => {
    const bad = await newKey("Careless");
    const good = await newKey("Neighbour");
    const gpu = await startGpu((call) => {
      const number = numberIn(call);
      return number < 0 ? status(500) : slow(RUN_MS[number % RUN_MS.length] ?? 0);
    });
    await serve("shared", gpu);
    const submittedAt: number[] = [];
    const badOnes: string[] = [];
    const burst = async () => {
      for (let count = 0; count < SLOTS; count++) badOnes.push(await submit(bad, "shared", -1 - badOnes.length));
    };
    const calledWith = (number: number) => gpu.calls.find((call) => numberIn(call) === number);
    const hasEnded = (number: number) => (calledWith(number)?.endedAt ?? null) !== null;
    const arrives = async () => {
      const number = submittedAt.length;
      submittedAt.push(Date.now());
      await submit(good, "shared", number);
    };

    await burst();
    // Two of the neighbour's are open at a time, a new one when one has ended.
    await arrives();
    await arrives();
    for (let done = 0; done < 12; done++) {
      if (done === 6) await burst();
      await until(async () => hasEnded(done), Boolean, 15, 20);
      await arrives();
    }
    const waits = await Promise.all(
      submittedAt.map(async (at, number) => {
        const call = await until(async () => calledWith(number), Boolean, 15, 20);
        return (call?.startedAt ?? Infinity) - at;
      }),
    );
    const sorted = waits.toSorted((a, b) => a - b);
    expect(Math.max(...waits), `waits: ${sorted.join(", ")}`).toBeLessThan(6_000);
    expect(sorted[Math.floor(sorted.length / 2)], `waits: ${sorted.join(", ")}`).toBeLessThan(1_000);
    const goodOnes = gpu.calls.filter((call) => numberIn(call) >= 0);
    expect(goodOnes).toHaveLength(submittedAt.length);
    const ends = await Promise.all(badOnes.map((id) => finished(bad, id)));
    expect(ends.map((it) => it.status)).toEqual(badOnes.map(() => "failed"));
  },
);

/** A GPU server that is as unkind as real ones, through the real runtime and over real sockets: what each way of it comes to. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Deployment, type Shown, ask, deploy, endAll, newFolder, until } from "../support/deployment.ts";
import { type Gpu, startGpu } from "../support/gpu.ts";
import { REPERTOIRE, type Speech, type Unkindness, storedIn } from "../support/repertoire.ts";

let deployment: Deployment;
let key: string;
const gpus: Gpu[] = [];

beforeAll(async () => {
  deployment = await deploy({ folder: newFolder() });
  const account = await deployment.operator("POST", "/accounts", { name: "Unkind" });
  const limits = { submit: 10_000, read: 10_000 };
  key = String((await deployment.operator("POST", "/keys", { account_id: account["id"], limits }))["key"]);
});

afterAll(async () => {
  endAll();
  await Promise.all(gpus.map((gpu) => gpu.close()));
});

const INPUTS = { oip: { x: [1.5] }, http: { x: [1.5] }, openai: { messages: [{ role: "user", content: "Hi" }] } };
/** Enough to see whether it is tried again. */
const RETRY = { max_attempts: 2, initial_delay_ms: 50, max_delay_ms: 50 };
let models = 0;

async function endOf({ does }: Unkindness, speaks: Speech): Promise<Shown> {
  const gpu = await startGpu([does]);
  gpus.push(gpu);
  const model = `unkind-${++models}`;
  await deployment.operator("POST", "/models", { name: model });
  await deployment.operator("POST", "/backends", { model, url: speaks === "http" ? `${gpu.url}/infer` : gpu.url, protocol: speaks });
  const body = { model, input: INPUTS[speaks], retry: RETRY, run_within_seconds: 1 };
  const { id } = (await ask(deployment.url, key, "POST", "/v1/inferences", body)).body as { id: string };
  return until(
    async () => (await ask(deployment.url, key, "GET", `/v1/inferences/${id}`)).body as Shown,
    ({ is_final }) => is_final,
    60,
  );
}

const WAYS = REPERTOIRE.flatMap((unkindness) => unkindness.speaks.map((speaks) => ({ ...unkindness, of: speaks })));

test.concurrent.each(WAYS)("$name, of a server of $of, comes to what it is", async ({ of, ...unkindness }) => {
  const { comesTo } = unkindness;
  const ended = await endOf(unkindness, of);
  if (comesTo.to === "success") {
    expect(ended).toMatchObject({ status: "succeeded", attempts: 1, error: null });
    expect(storedIn(of, ended.output)).toMatchObject(comesTo.stores);
  } else {
    const { code, reason, again, breaksAtOnce = false } = comesTo;
    const free = breaksAtOnce && of !== "http" ? 1 : 0; // at its own path this server breaks too, so it is not ready
    const error = { code: expect.stringContaining(code), message: expect.stringContaining(reason) };
    expect(ended).toMatchObject({ status: "failed", attempts: again ? 2 + free : 1, error });
  }
});

/**
 * The unmodified client of RunPod against the real runtime, in front of a scripted GPU server: each of its methods, and what it
 * makes of success, failure, cancel, time that is over, and refusals.
 */
import runpodSdk from "runpod-sdk";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Deployment, ask, deploy, endAll, newFolder, until } from "../support/deployment.ts";
import { type Gpu, answer, chat, hang, startGpu, status } from "../support/gpu.ts";
import { type Receiver, startReceiver } from "../support/receiver.ts";

type Endpoint = NonNullable<ReturnType<ReturnType<typeof runpodSdk>["endpoint"]>>;
type Job = Record<string, unknown> & { readonly id: string; readonly status: string };

const INPUT = { input: { prompt: "Hello, World!" } };
const MS = expect.any(Number);

let deployment: Deployment;
let gpu: Gpu;
let receiver: Receiver;
let names = 0;

beforeAll(async () => {
  vi.spyOn(console, "log").mockReturnValue(undefined); // the client prints each status
  gpu = await startGpu();
  receiver = await startReceiver();
  deployment = await deploy({ folder: newFolder() });
});

afterAll(async () => {
  endAll();
  receiver.close();
  await gpu.close();
});

/** A client's endpoint of a new model, which is served by the scripted server unless told otherwise. */
async function endpoint(protocol: "http" | "openai" | null = "http", key = deployment.key): Promise<{ model: string; its: Endpoint }> {
  const model = `model-${++names}`;
  await deployment.operator("POST", "/models", { name: model });
  const url = protocol === "openai" ? gpu.url : `${gpu.url}/infer`;
  if (protocol) await deployment.operator("POST", "/backends", { model, url, protocol, max_concurrency: 4 });
  return { model, its: endpointOf(model, key) };
}

function endpointOf(model: string, key = deployment.key): Endpoint {
  const its = runpodSdk(key, { baseUrl: `${deployment.url}/runpod/v2` }).endpoint(model);
  if (!its) throw new Error("no endpoint");
  return its;
}

/** What the client tells of a job at its end. */
const ended = (its: Endpoint, id: string) =>
  until(
    async () => (await its.status(id)) as unknown as Job & { completed: boolean },
    ({ completed }) => completed,
  );

/** What the client raises. */
const raised = (work: Promise<unknown>): Promise<{ status: unknown; message: string; data: unknown }> =>
  work.then(
    () => ({ status: "nothing was raised", message: "", data: null }),
    (error: { message: string; response: { status: number; data: unknown } }) => ({
      status: error.response.status,
      message: error.message,
      data: error.response.data,
    }),
  );

describe("the client of RunPod", () => {
  test("runs a job, asks for it until it is completed, and the webhook is sent the same", async () => {
    gpu.does([answer({ text: "Hi" })]);
    const { its } = await endpoint();
    const policy = { executionTimeout: 60_000, ttl: 600_000, lowPriority: true };
    const job = (await its.run({ ...INPUT, webhook: receiver.url, policy })) as unknown as Job;
    expect(job).toEqual({ id: expect.any(String), status: "IN_QUEUE" });
    const { started, completed, succeeded, ...shown } = (await ended(its, job.id)) as Record<string, unknown>;
    expect([started, completed, succeeded]).toEqual([true, true, true]);
    expect(shown).toEqual({ id: job.id, status: "COMPLETED", delayTime: MS, executionTime: MS, output: { text: "Hi" } });
    expect(gpu.calls.at(-1)?.body).toEqual(INPUT.input);
    const sent = await until(
      async () => receiver.told.map(({ body }) => JSON.parse(body) as Job).find(({ id }) => id === job.id),
      (it) => it !== undefined,
    );
    expect(sent).toEqual(shown);
  });

  test("runs a job and waits, in one call or in several", async () => {
    gpu.does([answer(["a", 1])]);
    const { its } = await endpoint();
    const whole = { id: expect.any(String), status: "COMPLETED", output: ["a", 1], completed: true, succeeded: true };
    expect(await its.runSync(INPUT)).toMatchObject(whole);
    const { id } = (await its.run(INPUT)) as unknown as Job;
    expect(await its.statusSync(id)).toMatchObject({ ...whole, id });
  });

  test("is told how a job stands when its wait is over, by few calls", async () => {
    const { its } = await endpoint(null);
    const begun = Date.now();
    const asked = vi.spyOn(globalThis, "fetch");
    const job = (await its.runSync(INPUT, 1)) as unknown as Job;
    expect(asked.mock.calls.length).toBeLessThanOrEqual(3); // each is held for a second
    asked.mockRestore();
    expect(job).toMatchObject({ status: "IN_QUEUE", completed: false });
    expect(Date.now() - begun).toBeGreaterThan(900);
  });

  test("is told that a job has failed, and why", async () => {
    gpu.does([status(400, {}, '{"error":"no such prompt"}')]);
    const { its } = await endpoint();
    const failed = { status: "FAILED", completed: true, succeeded: false, error: expect.stringContaining("no such prompt") };
    expect(await its.runSync(INPUT)).toMatchObject(failed);
  });

  test("is told that a job ran for too long", async () => {
    gpu.does([hang]);
    const { its, model } = await endpoint();
    const job = { model, ...INPUT, run_within_seconds: 1, retry: { max_attempts: 1 } }; // theirs are given 5 s at least
    const { id } = (await ask(deployment.url, deployment.key, "POST", "/v1/inferences", job)).body as Job;
    const late = { id, status: "TIMED_OUT", completed: true, succeeded: false, error: expect.stringMatching(/\S/) };
    expect(await its.statusSync(id)).toMatchObject(late);
  });

  test("cancels a job that waits, and one that runs", async () => {
    gpu.does([hang]);
    for (const protocol of [null, "http"] as const) {
      const { its } = await endpoint(protocol);
      const { id } = (await its.run(INPUT)) as unknown as Job;
      const wanted = protocol ? "IN_PROGRESS" : "IN_QUEUE";
      await until(
        () => its.status(id),
        (job) => job.status === wanted,
      );
      expect(await its.cancel(id)).toMatchObject({ id, status: "CANCELLED" });
      expect(await its.status(id)).toMatchObject({ status: "CANCELLED", completed: true, succeeded: false });
    }
  });

  test("streams the chunks of a model that streams, and the whole of one that does not", async () => {
    gpu.does([chat(["Hel", "lo", " 🙂"], 100)]);
    const { its } = await endpoint("openai");
    const { id } = (await its.run({ input: { messages: [{ role: "user", content: "Hi" }], stream: true } })) as unknown as Job;
    let text = "";
    for await (const { output } of its.stream(id) as AsyncGenerator<{ output: { choices: { delta?: { content?: string } }[] } }>)
      text += output.choices[0]?.delta?.content ?? "";
    expect(text).toBe("Hello 🙂");
    expect(await its.status(id)).toMatchObject({ status: "COMPLETED", output: { choices: [{ message: { content: "Hello 🙂" } }] } });

    gpu.does([answer({ text: "Hi" })]);
    const { its: other } = await endpoint();
    const chunks: unknown[] = [];
    for await (const chunk of other.stream(((await other.run(INPUT)) as unknown as Job).id)) chunks.push(chunk);
    expect(chunks).toEqual([{ output: { text: "Hi" } }]);
  });

  test("counts what there is to do, and purges what waits", async () => {
    const { its } = await endpoint(null);
    const jobs = [await its.run(INPUT), await its.run(INPUT)] as unknown as Job[];
    expect(await its.health()).toMatchObject({ jobs: { inQueue: 2, inProgress: 0 }, workers: { idle: 0, running: 0 } });
    expect(await its.purgeQueue()).toEqual({ removed: 2, status: "completed" });
    expect(await its.status(jobs[0]?.id ?? "")).toMatchObject({ status: "CANCELLED" });
  });

  test("names a version with its endpoint", async () => {
    gpu.does([answer(1)]);
    const model = `model-${++names}`;
    await deployment.operator("POST", "/models", { name: model, versions: ["v1", "v2"], default_version: "v1" });
    await deployment.operator("POST", "/backends", { model, version: "v2", url: `${gpu.url}/infer`, protocol: "http" });
    const its = endpointOf(`${model}/versions/v2`);
    const job = (await its.runSync(INPUT)) as unknown as Job;
    expect(job).toMatchObject({ status: "COMPLETED" });
    expect((await ask(deployment.url, deployment.key, "GET", `/v1/inferences/${job.id}`)).body).toMatchObject({ version: "v2" });
  });

  test("raises what is refused, with the reason", async () => {
    const { its, model } = await endpoint();
    const s3Config = { accessId: "a", accessSecret: "b", bucketName: "c", endpointUrl: "https://s3.example.com" };
    const unknown = crypto.randomUUID();
    const refused = (code: number, error: string) => ({
      status: code,
      message: `Request failed with status code ${code}`,
      data: { error: expect.stringContaining(error) },
    });
    expect(await raised(endpointOf(model, "wrong").run(INPUT))).toEqual(refused(401, "key is not valid"));
    expect(await raised(endpointOf("nothing").run(INPUT))).toEqual(refused(404, 'no model "nothing"'));
    expect(await raised(its.run({ ...INPUT, s3Config }))).toEqual(refused(400, '"s3Config" is not taken here'));
    expect(await raised(its.status(unknown))).toEqual(refused(404, "There is no job"));
    expect(await raised(its.cancel(`${unknown}-u1`))).toEqual(refused(404, "There is no job"));
  });
});

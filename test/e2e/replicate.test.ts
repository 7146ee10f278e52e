/**
 * Replicate's unmodified client against the real runtime, pointed there by its `baseUrl` alone: each of its methods that is served, and
 * what it raises.
 */
import Replicate, { type Prediction, validateWebhook } from "replicate";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Deployment, deploy, endAll, newFolder, until } from "../support/deployment.ts";
import { type Gpu, answer, chat, slow, startGpu, status } from "../support/gpu.ts";
import { raised } from "../support/raised.ts";
import { startReceiver } from "../support/receiver.ts";

const PAINTER = "acme/painter";
const VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa";
const WRITER = "acme/writer";
const input = { prompt: "A blue sky." };

let deployment: Deployment;
let gpu: Gpu;
let client: Replicate;

beforeAll(async () => {
  deployment = await deploy({ folder: newFolder() });
  gpu = await startGpu();
  const { operator } = deployment;
  await operator("POST", "/models", { name: PAINTER, description: "Paints.", versions: [VERSION], default_version: VERSION });
  await operator("POST", "/models", { name: WRITER, description: "Writes." });
  const more = { max_concurrency: 4, timeout_seconds: 20 };
  await operator("POST", "/backends", { model: PAINTER, version: VERSION, url: `${gpu.url}/infer`, protocol: "http", ...more });
  await operator("POST", "/backends", { model: WRITER, url: gpu.url, protocol: "openai", ...more });
  const account = String((await operator("POST", "/accounts", { name: "Painters" }))["id"]);
  client = clientWith(
    String((await operator("POST", "/keys", { account_id: account, limits: { submit: 1_000, read: 1_000, cancel: 1_000 } }))["key"]),
  );
});

beforeEach(() => gpu.does([answer(["a.png", "b.png"])]));
afterAll(async () => {
  await gpu.close();
  endAll();
});

const clientWith = (auth: string) => new Replicate({ auth, baseUrl: `${deployment.url}/replicate/v1` });

const ended = (id: string) =>
  until(
    () => client.predictions.get(id),
    ({ status: stands }) => stands !== "starting" && stands !== "processing",
  );

async function told(stream: AsyncIterable<{ event: string; data: string }>): Promise<string[]> {
  const events: string[] = [];
  for await (const { event, data } of stream) events.push(`${event}: ${data}`);
  return events;
}

describe("run", () => {
  test.each([PAINTER, `${PAINTER}:${VERSION}`] as const)("gives the output of %s", async (ref) => {
    const seen: string[] = [];
    const output = await client.run(ref, { input }, (prediction: Prediction) => seen.push(prediction.status));
    expect(output).toEqual(["a.png", "b.png"]);
    expect(seen).toEqual(["succeeded", "succeeded"]);
    expect(JSON.parse(gpu.calls.at(-1)?.text ?? "")).toEqual(input);
  });

  test("asks on when its wait runs out", async () => {
    gpu.does([slow(1_200)]);
    const seen: string[] = [];
    const wait = { mode: "block", timeout: 1 } as const;
    await client.run(PAINTER, { input, wait }, (prediction) => seen.push(prediction.status));
    expect([seen[0], seen.at(-1)]).toEqual(["starting", "succeeded"]);
  });

  test("asks from the first on if it is told to", async () => {
    const wait = { mode: "poll", interval: 50 } as const;
    expect(await client.run(PAINTER, { input, wait })).toEqual(["a.png", "b.png"]);
  });

  test("raises what failed", async () => {
    gpu.does([status(400, {}, '{"error":"too blue"}')]);
    expect(String(await raised(client.run(PAINTER, { input })))).toMatch(/^Error: Prediction failed: .*too blue/);
  });

  test("gives bytes as a link that needs no key", async () => {
    gpu.does([status(200, { "Content-Type": "image/png" }, "a picture")]);
    const output: unknown = await client.run(PAINTER, { input }); // of https it would be a FileOutput
    if (typeof output !== "string") throw new Error("not a link");
    const picture = await fetch(output);
    expect([picture.status, picture.headers.get("content-type"), await picture.text()]).toEqual([200, "image/png", "a picture"]);
  });

  test("hands a file of the input to the model's server as a link", async () => {
    await client.run(PAINTER, { input: { image: new Blob(["a photo"], { type: "image/jpeg" }) } });
    const { image } = JSON.parse(gpu.calls.at(-1)?.text ?? "") as { image: string };
    const photo = await fetch(image);
    expect([photo.status, photo.headers.get("content-type"), await photo.text()]).toEqual([200, "image/jpeg", "a photo"]);
  });
});

describe("a stream", () => {
  test("of a text model comes in pieces, without a word in the create", async () => {
    gpu.does([chat(["Hel", "lo\n", "you"])]);
    const events = await told(client.stream(WRITER, { input: { messages: [{ role: "user", content: "Hi." }] } }));
    expect(events.join("|")).toBe("output: Hel|output: lo\n|output: you|done: {}");
  });

  test("of any other model has its output at the end", async () => {
    expect(await told(client.stream(PAINTER, { input }))).toEqual(["output: a.png", "output: b.png", "done: {}"]);
  });

  test("of one that fails raises the reason", async () => {
    gpu.does([status(400, {}, '{"error":"too blue"}')]);
    expect(String(await raised(told(client.stream(PAINTER, { input }))))).toContain("too blue");
  });
});

describe("predictions", () => {
  test("are created, got, listed and canceled", async () => {
    gpu.does([slow(60_000)]);
    const made = await client.predictions.create({ model: PAINTER, input });
    expect(made).toMatchObject({ status: "starting", model: PAINTER, version: VERSION, input, output: null, error: null, source: "api" });
    expect(await client.predictions.get(made.id)).toMatchObject({ id: made.id, input });
    const pages = [];
    for await (const page of client.paginate(() => client.predictions.list())) pages.push(...page);
    expect(pages[0]).toMatchObject({ id: made.id, input });
    expect(await client.predictions.cancel(made.id)).toMatchObject({ status: "canceled", completed_at: expect.any(String) });
    expect(await client.predictions.cancel(made.id)).toMatchObject({ status: "canceled" });
  });

  test("are made of deployments", async () => {
    const made = await client.deployments.predictions.create("acme", "painter", { input });
    expect(await ended(made.id)).toMatchObject({
      status: "succeeded",
      output: ["a.png", "b.png"],
      metrics: { total_time: expect.any(Number) },
    });
  });

  test("tell a webhook, whose signature is right", async () => {
    const receiver = await startReceiver();
    const { key: secret } = await client.webhooks.default.secret.get();
    const { id } = await client.predictions.create({ model: PAINTER, input, webhook: receiver.url, webhook_events_filter: ["completed"] });
    await until(
      async () => receiver.told.length,
      (count) => count > 0,
    );
    receiver.close();
    const [{ headers, body } = { headers: {}, body: "" }] = receiver.told;
    expect(JSON.parse(body)).toMatchObject({ id, status: "succeeded", input, output: ["a.png", "b.png"] });
    const about = {
      id: String(headers["webhook-id"]),
      timestamp: String(headers["webhook-timestamp"]),
      signature: String(headers["webhook-signature"]),
    };
    expect(await validateWebhook({ ...about, body, secret })).toBe(true);
    expect(await validateWebhook({ ...about, body: body.replace("succeeded", "failed"), secret })).toBe(false);
    expect(String(await raised(client.webhooks.default.secret.get()))).toContain("shown once");
  });
});

test("files are created, listed, got and deleted", async () => {
  const made = await client.files.create(new File(["a picture"], "sky.png", { type: "image/png" }), { of: "the sky" });
  expect(made).toMatchObject({ name: "sky.png", content_type: "image/png", size: 9, metadata: { of: "the sky" } });
  expect((await client.files.list()).results[0]).toMatchObject({ id: made.id });
  expect(await client.files.get(made.id)).toMatchObject({ id: made.id, urls: { get: made.urls.get } });
  expect(await client.files.delete(made.id)).toBe(true);
  expect(await raised(client.files.get(made.id))).toMatchObject({ response: { status: 404 } });
});

test("the catalogue and the account are shown", async () => {
  expect((await client.models.list()).results.map(({ owner, name }) => `${owner}/${name}`)).toEqual(
    expect.arrayContaining([PAINTER, WRITER]),
  );
  const latest_version = { id: VERSION, openapi_schema: { components: { schemas: { Input: { type: "object" } } } } };
  expect(await client.models.get("acme", "painter")).toMatchObject({
    owner: "acme",
    name: "painter",
    description: "Paints.",
    latest_version,
  });
  expect(await client.models.versions.list("acme", "painter")).toMatchObject({ results: [{ id: VERSION }] });
  expect(await client.models.versions.get("acme", "painter", VERSION)).toMatchObject({ id: VERSION });
  expect(await client.accounts.current()).toMatchObject({ type: "organization", name: "Painters" });
});

test.each<[what: string, call: () => Promise<unknown>, status: number, says: string]>([
  ["a wrong key", () => clientWith("r8_wrong").predictions.list(), 401, "API key"],
  ["an unknown model", () => client.run("acme/nobody", { input }), 404, 'no model "acme/nobody"'],
  ["an unknown version", () => client.run(`${PAINTER}:abc`, { input }), 404, '"abc"'],
  ["an unknown prediction", () => client.predictions.get("none"), 404, 'no prediction "none"'],
  [
    "an input that is no object",
    () => client.predictions.create({ model: PAINTER, input: [] as object }),
    422,
    '"input" must be an object',
  ],
  ["what is not served", () => client.hardware.list(), 404, "/replicate/v1/hardware"],
])("%s is raised with its status and reason", async (_what, call, code, says) => {
  const error = await raised(call());
  expect(error).toMatchObject({ response: { status: code } });
  expect(String(error)).toContain(JSON.stringify(says).slice(1, -1)); // the answer's text is JSON
});

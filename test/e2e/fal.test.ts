/**
 * The unmodified client of fal against the real runtime, in front of a scripted GPU server: each of its methods, and what it makes of
 * success, failure, cancel, a time to start that is over, and refusals. It is pointed here by its `proxyUrl`.
 */
import { type JsonWebKey, createHash, createPublicKey, verify } from "node:crypto";
import { ApiError, ValidationError, createFalClient } from "@fal-ai/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Deployment, deploy, endAll, newFolder, until } from "../support/deployment.ts";
import { type Gpu, answer, chat, hang, startGpu, status } from "../support/gpu.ts";
import { raised } from "../support/raised.ts";
import { type Receiver, startReceiver } from "../support/receiver.ts";

type Client = ReturnType<typeof createFalClient>;

const INPUT = { prompt: "a kite" };
const OUTPUT = { images: [{ url: "https://cdn.example/1.png" }] };

let deployment: Deployment;
let gpu: Gpu;
let receiver: Receiver;
let client: Client;
let apps = 0;

beforeAll(async () => {
  gpu = await startGpu();
  receiver = await startReceiver();
  deployment = await deploy({ folder: newFolder() });
  client = clientWith(deployment.key);
});

afterAll(async () => {
  endAll();
  receiver.close();
  await gpu.close();
});

function clientWith(credentials: string): Client {
  return createFalClient({ credentials, proxyUrl: { url: `${deployment.url}/fal/proxy`, when: "always" }, retry: { maxRetries: 0 } });
}

/** A model with an owner, as fal's are named, behind the scripted server unless told otherwise. */
async function app(protocol: "http" | "openai" | null = "http"): Promise<string> {
  const name = `acme/painter-${++apps}`;
  await deployment.operator("POST", "/models", { name });
  const url = protocol === "openai" ? gpu.url : `${gpu.url}/infer`;
  if (protocol) await deployment.operator("POST", "/backends", { model: name, url, protocol, max_concurrency: 4 });
  return name;
}

describe("the client of fal", () => {
  test.each(["polling", "streaming"] as const)("subscribes by %s, and sees each status to the output", async (mode) => {
    gpu.does([answer(OUTPUT)]);
    const seen: string[] = [];
    let enqueued = "";
    const options = {
      input: INPUT,
      logs: true,
      mode,
      onEnqueue: (id: string) => (enqueued = id),
      onQueueUpdate: (it: { status: string }) => void seen.push(it.status),
    };
    const { data, requestId } = await client.subscribe(await app(), options);
    expect([data, requestId]).toEqual([OUTPUT, enqueued]);
    expect(seen.at(-1)).toBe("COMPLETED");
    expect(gpu.calls.at(-1)?.text).toBe(JSON.stringify(INPUT));
  });

  test("submits, asks for the status and gets the result, with a webhook that a published key signs", async () => {
    gpu.does([answer(OUTPUT)]);
    const name = await app();
    const { request_id: requestId, ...accepted } = await client.queue.submit(name, {
      input: INPUT,
      webhookUrl: receiver.url,
      priority: "low",
      startTimeout: 30.5,
    });
    expect(accepted).toMatchObject({
      status: "IN_QUEUE",
      queue_position: 0,
      response_url: `${deployment.url}/fal/queue/${name}/requests/${requestId}`,
    });
    await until(
      () => client.queue.status(name, { requestId, logs: true }),
      (it) => it.status === "COMPLETED",
    );
    expect(await client.queue.result(name, { requestId })).toEqual({ data: OUTPUT, requestId });
    const [{ headers, body } = { headers: {}, body: "" }] = await until(
      async () => receiver.told,
      (all) => all.length > 0,
    );
    expect(JSON.parse(body)).toMatchObject({ request_id: requestId, status: "OK", payload: OUTPUT });
    const said = (what: string) => String(headers[`x-fal-webhook-${what}`]);
    const digest = createHash("sha256").update(body).digest("hex");
    const text = Buffer.from([said("request-id"), said("user-id"), said("timestamp"), digest].join("\n"));
    const { keys } = (await (await fetch(`${deployment.url}/fal/.well-known/jwks.json`)).json()) as { keys: JsonWebKey[] };
    const isSigned = keys.some((key) => verify(null, text, createPublicKey({ key, format: "jwk" }), Buffer.from(said("signature"), "hex")));
    expect(isSigned).toBe(true);
  });

  test("runs, streams what a model streams, and uploads what an input holds", async () => {
    gpu.does([answer(OUTPUT)]);
    const painter = await app();
    const ran = await client.run(painter, { input: { picture: new Blob(["a picture"], { type: "image/png" }) } });
    expect(ran).toEqual({ data: OUTPUT, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    const sent = JSON.parse(gpu.calls.at(-1)?.text ?? "{}") as { picture: string };
    const file = await fetch(sent.picture);
    expect([file.headers.get("content-type"), await file.text()]).toEqual(["image/png", "a picture"]);
    gpu.does([chat()]);
    const stream = await client.stream(await app("openai"), { input: { messages: [{ role: "user", content: "Say hello." }] } });
    const texts: string[] = [];
    stream.on("data", (it: { choices?: { delta?: { content?: string } }[] }) => void texts.push(it.choices?.[0]?.delta?.content ?? ""));
    await stream.done();
    expect(texts.join("")).toBe("Hello 🙂");
    expect(stream.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("cancels, and is told what became of it", async () => {
    const name = await app(null);
    const { request_id: requestId } = await client.queue.submit(name, { input: INPUT });
    expect(await raised(client.queue.result(name, { requestId }))).toMatchObject({
      status: 400,
      body: { detail: "Request is still in progress" },
    });
    await client.queue.cancel(name, { requestId });
    expect(await client.queue.status(name, { requestId })).toMatchObject({ status: "COMPLETED", error: "The request was canceled." });
    expect(await raised(client.queue.result(name, { requestId }))).toMatchObject({
      status: 499,
      message: "The request was canceled.",
      requestId,
    });
    expect(await raised(client.subscribe(name, { input: INPUT, timeout: 100 }))).toMatchObject({
      message: expect.stringContaining("timed out"),
    });
  });

  test("raises a failure with its words and form, and a time to start as the user's own", async () => {
    const name = await app();
    gpu.does([status(400, {}, '{"error":"not a picture"}')]);
    const wrong = await raised(client.subscribe(name, { input: INPUT }));
    expect(wrong).toBeInstanceOf(ValidationError);
    expect((wrong as ValidationError).fieldErrors).toEqual([
      { loc: ["body"], msg: expect.stringContaining("not a picture"), type: "value_error" },
    ]);
    gpu.does([hang]);
    const idle = await app(null);
    const late = await raised(client.subscribe(idle, { input: INPUT, startTimeout: 1.1 }));
    expect(late).toBeInstanceOf(ApiError);
    expect([(late as ApiError<unknown>).status, (late as ApiError<unknown>).isUserTimeout]).toEqual([504, true]);
  });

  test("raises what is refused: a wrong key, an unknown model, and a request of nobody", async () => {
    const wrong = clientWith(`${deployment.key}x`);
    expect(await raised(wrong.queue.submit("acme/painter", { input: INPUT }))).toMatchObject({
      status: 401,
      message: expect.stringContaining("API key"),
    });
    expect(await raised(client.run("acme/nothing", { input: INPUT }))).toMatchObject({
      status: 404,
      message: 'There is no model "acme/nothing".',
    });
    const requestId = crypto.randomUUID();
    expect(await raised(client.queue.status("acme/painter", { requestId }))).toMatchObject({ status: 404, body: { status: "NOT_FOUND" } });
    expect(await raised(client.queue.submit("acme/painter-1", { input: INPUT, webhookUrl: "http://example.com" }))).toMatchObject({
      status: 422,
    });
  });
});

/**
 * The unmodified client of OpenAI's API against the real runtime, in front of a scripted chat server: what it lists,
 * completes, streams and raises, and what a client that leaves or is slow does to the server behind us.
 */
import { once } from "node:events";
import { type Socket, connect } from "node:net";
import OpenAI, {
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
  UnprocessableEntityError,
} from "openai";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Deployment, ask, deploy, endAll, newFolder, until } from "../support/deployment.ts";
import { type Gpu, type GpuCall, PROMPT_TOKENS, answer, chat, chatThen, hang, ok, startGpu, status } from "../support/gpu.ts";
import { raised } from "../support/raised.ts";

const MESSAGES = [{ role: "user" as const, content: "Say hello." }];
/** The backend's name for the model, which no client sees. */
const REMOTE = "meta/llama";

let deployment: Deployment;
let accountId: string;
let key: string;
let gpu: Gpu;
let model: string;
let client: OpenAI;
let models = 0;

beforeAll(async () => {
  deployment = await deploy({ folder: newFolder() });
  accountId = String((await deployment.operator("POST", "/accounts", { name: "Chats" }))["id"]);
  key = await newKey({ submit: 10_000, read: 10_000, cancel: 10_000 });
});

beforeEach(async () => {
  gpu = await startGpu([chat()]);
  model = `chat-${++models}`;
  await serve(model);
  client = clientWith(key);
});

afterEach(() => gpu.close());
afterAll(endAll);

async function newKey(limits: Record<string, number>): Promise<string> {
  return String((await deployment.operator("POST", "/keys", { account_id: accountId, limits }))["key"]);
}

async function serve(name: string, protocol = "openai", remote_model = REMOTE): Promise<void> {
  await deployment.operator("POST", "/models", { name, description: "Chats" });
  const more = { max_concurrency: 4, timeout_seconds: 20 };
  await deployment.operator("POST", "/backends", { model: name, url: gpu.url, protocol, remote_model, ...more });
}

function clientWith(apiKey: string): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${deployment.url}/v1`, maxRetries: 0, timeout: 30_000 });
}

interface Shown {
  id: string;
  status: string;
  is_final: boolean;
  output: unknown;
  stopped?: string;
  metrics: Record<string, number>;
  error: { code: string } | null;
}

/** The inference of an answer, once it has ended. */
async function recorded(id: string): Promise<Shown> {
  return until(
    async () => (await ask(deployment.url, key, "GET", `/v1/inferences/${id}`)).body as Shown,
    ({ is_final }) => is_final,
  );
}

const bodyOf = (call: GpuCall | undefined) => JSON.parse(call?.text ?? "null") as Record<string, unknown>; // what we sent

const chatWith = (more: Record<string, unknown> = {}) => ({ model, messages: MESSAGES, ...more });
const idOf = (response: Response) => response.headers.get("x-inference-id") ?? "";

/** All that a stream says, and the error that it ends with where it does. */
async function told(stream: AsyncIterable<OpenAI.ChatCompletionChunk>): Promise<{ chunks: OpenAI.ChatCompletionChunk[]; error: unknown }> {
  const chunks: OpenAI.ChatCompletionChunk[] = [];
  try {
    for await (const chunk of stream) chunks.push(chunk);
  } catch (error) {
    return { chunks, error };
  }
  return { chunks, error: null };
}

const textOf = (chunks: readonly OpenAI.ChatCompletionChunk[]) => chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");

/** The latest inference of this test's model. */
async function latest(): Promise<Shown> {
  const { body } = await ask(deployment.url, key, "GET", `/v2/inference/requests?model_id=${model}`);
  return recorded((body as { items: { request_id: string }[] }).items[0]?.request_id ?? "none");
}

/** A client of which nothing is hidden: the request is sent, and nothing is read until it is asked for. */
async function rawClient(body: Record<string, unknown>): Promise<Socket> {
  const socket = connect(deployment.port, "127.0.0.1").pause();
  await once(socket, "connect");
  const text = JSON.stringify(body);
  const head = ["POST /v1/chat/completions HTTP/1.1", "Host: claimcheck", `Authorization: Bearer ${key}`];
  socket.write([...head, "Content-Type: application/json", `Content-Length: ${Buffer.byteLength(text)}`, "", text].join("\r\n"));
  return socket;
}

describe("the client of OpenAI", () => {
  test("lists and retrieves models", async () => {
    const listed = [];
    for await (const it of client.models.list()) listed.push(it);
    const mine = { id: model, object: "model", created: expect.any(Number), owned_by: "claimcheck" };
    expect(listed).toContainEqual(expect.objectContaining(mine));
    expect(await client.models.retrieve(model)).toMatchObject({ ...mine, description: "Chats" });
  });

  test("completes, and what it is answered is an inference like any other", async () => {
    const { data, response } = await client.chat.completions.create(chatWith({ temperature: 0.5 })).withResponse();
    expect(data).toEqual({
      id: "chatcmpl-0",
      object: "chat.completion",
      created: 1_700_000_000,
      model,
      choices: [{ index: 0, message: { role: "assistant", content: "Hello 🙂", refusal: null }, logprobs: null, finish_reason: "stop" }],
      usage: { prompt_tokens: PROMPT_TOKENS, completion_tokens: 3, total_tokens: PROMPT_TOKENS + 3 },
    });
    expect(data).toHaveProperty("_request_id", response.headers.get("x-request-id"));
    expect(bodyOf(gpu.calls[0])).toEqual({ model: REMOTE, messages: MESSAGES, temperature: 0.5, stream: false });
    const shown = await recorded(idOf(response));
    expect(shown).toMatchObject({
      status: "succeeded",
      capability: "chat/completions",
      output: JSON.parse(JSON.stringify(data)),
      metrics: { prompt_tokens: PROMPT_TOKENS, completion_tokens: 3 },
    });
  });

  test("streams, and the whole is kept", async () => {
    const { data, response } = await client.chat.completions.create({ model, messages: MESSAGES, stream: true }).withResponse();
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(response.headers.get("cache-control")).toBe("private, no-store");
    expect(response.headers.get("x-accel-buffering")).toBe("no");
    const { chunks, error } = await told(data);
    expect(error).toBeNull();
    expect(textOf(chunks)).toBe("Hello 🙂");
    expect(new Set(chunks.map((chunk) => chunk.model))).toEqual(new Set([model]));
    expect(chunks.map(({ choices }) => choices.length)).toEqual([1, 1, 1, 1]);
    expect(bodyOf(gpu.calls[0])).toEqual({ model: REMOTE, messages: MESSAGES, stream: true, stream_options: { include_usage: true } });
    // It leaves when it has read [DONE]; by then the end is recorded.
    expect((await ask(deployment.url, key, "GET", `/v1/inferences/${idOf(response)}`)).body).toMatchObject({
      status: "succeeded",
      attempts: 1,
      output: {
        id: "chatcmpl-0",
        object: "chat.completion",
        created: 1_700_000_000,
        model,
        choices: [{ index: 0, message: { role: "assistant", content: "Hello 🙂" }, logprobs: null, finish_reason: "stop" }],
        usage: { prompt_tokens: PROMPT_TOKENS, completion_tokens: 3, total_tokens: PROMPT_TOKENS + 3 },
      },
      metrics: { prompt_tokens: PROMPT_TOKENS, completion_tokens: 3 },
    });
  });

  test("is told the tokens of a stream when it asks for them", async () => {
    const stream = await client.chat.completions.create({
      model,
      messages: MESSAGES,
      stream: true,
      stream_options: { include_usage: true },
    });
    const { chunks } = await told(stream);
    const usage = { prompt_tokens: PROMPT_TOKENS, completion_tokens: 3, total_tokens: PROMPT_TOKENS + 3 };
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage });
    expect(chunks.slice(0, -1).map((chunk) => chunk.usage)).toEqual([null, null, null, null]);
  });

  test("puts a stream together as it does with OpenAI's", async () => {
    gpu.does([chat(["Hel", "lo"], 5)]);
    const final = await client.chat.completions.stream({ model, messages: MESSAGES }).finalChatCompletion();
    expect(final.choices[0]).toMatchObject({ message: { role: "assistant", content: "Hello" }, finish_reason: "stop" });
  });

  test("reads each token before the next one is sent", async () => {
    gpu.does([chat(["a", "b", "c", "d"], 150)]);
    const stream = await client.chat.completions.create({ model, messages: MESSAGES, stream: true });
    const read: { content: string; sent: number }[] = [];
    for await (const { choices } of stream) {
      const content = choices[0]?.delta.content;
      if (content) read.push({ content, sent: gpu.calls[0]?.sentAt.length ?? 0 });
    }
    expect(read.slice(0, 3)).toEqual([
      { content: "a", sent: 1 },
      { content: "b", sent: 2 },
      { content: "c", sent: 3 },
    ]);
  });

  test("is served under Reka's path too", async () => {
    const reka = new OpenAI({ apiKey: key, baseURL: `${deployment.url}/v2/inference`, maxRetries: 0 });
    const completion = await reka.chat.completions.create({ model, messages: MESSAGES });
    expect(completion.choices[0]?.message.content).toBe("Hello 🙂");
  });

  test("raises its error for 401", async () => {
    const error = await raised(clientWith("sk-nobody").chat.completions.create(chatWith()));
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error).toMatchObject({ status: 401, type: "authentication_error", code: "invalid_api_key", param: null });
    expect(await raised(clientWith("sk-nobody").models.retrieve(model))).toBeInstanceOf(AuthenticationError);
  });

  test("raises its error for 404", async () => {
    const asked = [client.chat.completions.create(chatWith({ model: "nothing" })), client.models.retrieve("nothing")];
    for (const error of await Promise.all(asked.map(raised))) {
      expect(error).toBeInstanceOf(NotFoundError);
      expect(error).toMatchObject({ status: 404, type: "not_found_error", code: "model_not_found" });
    }
  });

  test("raises its error for 429", async () => {
    const limited = clientWith(await newKey({ submit: 1 }));
    const errors = await Promise.all([1, 2, 3].map(() => raised(limited.chat.completions.create(chatWith()))));
    const refused = errors.filter((error) => error !== null);
    expect(refused.length).toBeGreaterThan(0);
    for (const error of refused) {
      expect(error).toBeInstanceOf(RateLimitError);
      expect(error).toMatchObject({ status: 429, type: "rate_limit_error", code: "rate_limit_exceeded" });
    }
  });

  test("raises its error for 400, ours and the server's", async () => {
    const ours = await raised(client.chat.completions.create(chatWith({ messages: [] })));
    expect(ours).toBeInstanceOf(BadRequestError);
    expect(ours).toMatchObject({ param: "messages", type: "invalid_request_error" });
    gpu.does([status(400, {}, '{"error":{"message":"too many tokens","type":"x","param":null,"code":null}}')]);
    for (const stream of [false, true]) {
      const theirs = await raised(client.chat.completions.create(chatWith({ stream })));
      expect(theirs).toBeInstanceOf(BadRequestError);
      expect(theirs).toMatchObject({ status: 400, type: "x", code: null, message: expect.stringContaining("too many tokens") });
    }
  });

  test.each([false, true])("raises its error for 500, stream: %j", async (stream) => {
    gpu.does([status(500)]);
    const error = await raised(client.chat.completions.create(chatWith({ stream })));
    expect(error).toBeInstanceOf(InternalServerError);
    expect(error).toMatchObject({ status: 500, type: "server_error", code: "backend_error", param: null });
    expect(gpu.calls).toHaveLength(3);
  });
});

describe("a server that fails a stream", () => {
  test.each([
    ["resets the connection in the middle of an event", chatThen("reset"), "backend_cut"],
    ["ends the answer too soon", chatThen("close"), "backend_cut"],
    ["says so in the stream", chatThen("error"), "backend_error"],
  ])("%s: the stream ends with the error, and there is no other attempt", async (_, behaviour, code) => {
    gpu.does([behaviour]);
    const { data, response } = await client.chat.completions.create({ model, messages: MESSAGES, stream: true }).withResponse();
    const { chunks, error } = await told(data);
    expect(textOf(chunks)).toBe("Hello");
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ error: { message: expect.any(String), type: "server_error", param: null, code } });
    expect(await recorded(idOf(response))).toMatchObject({ status: "failed", attempts: 1, error: { code } });
    expect(gpu.calls).toHaveLength(1);
  });

  test("before its first token is asked again", async () => {
    gpu.does([status(503), chatThen("reset", []), chat()]);
    const { data, response } = await client.chat.completions.create({ model, messages: MESSAGES, stream: true }).withResponse();
    expect(textOf((await told(data)).chunks)).toBe("Hello 🙂");
    expect(await recorded(idOf(response))).toMatchObject({ status: "succeeded", attempts: 3 });
  });

  test.each([
    ["is overloaded", status(503), 503, "backend_unavailable"],
    ["answers garbage", answer("<html>"), 502, "backend_garbage"],
    [
      "streams garbage",
      { ...status(200, {}, "data: <html>\n\n"), headers: { "Content-Type": "text/event-stream" } },
      502,
      "backend_garbage",
    ],
  ])("by the first byte (%s) is a plain error", async (_, behaviour, code, name) => {
    gpu.does([behaviour]);
    const error = await raised(client.chat.completions.create(chatWith({ stream: true })));
    expect(error).toBeInstanceOf(InternalServerError);
    expect(error).toMatchObject({ status: code, code: name });
  });
});

describe("a client that leaves", () => {
  /** What becomes of the server's connection, of the inference, and of the slot that it had. */
  async function after(leftAt: number): Promise<Record<string, unknown>> {
    const endedAt = await until(
      async () => gpu.calls[0]?.endedAt ?? null,
      (at) => at !== null,
    );
    const { status: state, stopped, output } = await latest();
    gpu.does([chat()]);
    // As many as the server takes at once.
    const others = await Promise.all([1, 2, 3, 4].map(() => client.chat.completions.create({ model, messages: MESSAGES })));
    return {
      closedWithinASecond: Number(endedAt) - leftAt < 1_000,
      answered: gpu.calls[0]?.answered,
      inference: { state, stopped, output },
      others: others.map(({ choices }) => choices[0]?.message.content),
    };
  }

  const STOPPED = {
    closedWithinASecond: true,
    answered: false,
    inference: { state: "canceled", stopped: "best_effort", output: null },
    others: Array(4).fill("Hello 🙂"),
  };

  test.each([
    ["that comes token by token", chat(Array(500).fill("x"), 20)],
    ["that has come to a halt", chatThen("hang")],
  ])("a stream %s has the server stopped", async (_, behaviour) => {
    gpu.does([behaviour]);
    const stream = await client.chat.completions.create({ model, messages: MESSAGES, stream: true });
    for await (const _chunk of stream) break;
    expect(await after(Date.now())).toEqual(STOPPED);
  });

  // The embedded runtime takes a client's FIN for half of a close; what it is told of at once is a reset.
  test.each([true, false])("before there is an answer has the server stopped, stream: %j", async (stream) => {
    gpu.does([hang]);
    const leaver = await rawClient(chatWith({ stream }));
    await until(
      async () => gpu.calls.length,
      (calls) => calls === 1,
    );
    leaver.resetAndDestroy();
    expect(await after(Date.now())).toEqual(STOPPED);
  });

  test("while its inference waits for a slot has it canceled", async () => {
    gpu.does([chatThen("hang")]);
    const holders = [1, 2, 3, 4].map(() => client.chat.completions.create({ model, messages: MESSAGES, stream: true }));
    const held = await Promise.all(holders);
    const leaver = await rawClient(chatWith());
    const queue = async () =>
      (await ask(deployment.url, key, "GET", `/v1/models/${model}/queue`)).body as { queued: number; in_progress: number };
    await until(queue, ({ queued }) => queued === 1);
    leaver.resetAndDestroy();
    expect(await until(queue, ({ queued }) => queued === 0)).toMatchObject({ queued: 0, in_progress: 4 });
    expect(await latest()).toMatchObject({ status: "canceled", stopped: "confirmed" });
    for (const stream of held) stream.controller.abort();
    expect(await until(queue, (it) => it.in_progress === 0)).toMatchObject({ in_progress: 0 });
  });
});

describe("a client that is slow", () => {
  test("slows the server down; nothing is lost, and little is held for it", async () => {
    const [events, bytes] = [3_000, 16_000];
    await serve(`${model}-gushing`, "openai", `${model}-gushing`); // under one name, so that all passes as it came
    gpu.does([{ does: "gush", events, bytes }]);
    const reader = await rawClient(chatWith({ model: `${model}-gushing`, stream: true }));
    const sent = () => gpu.calls[0]?.sentAt.length ?? 0;
    // It stands still once every buffer on the way is full.
    let before = -1;
    await until(
      async () => sent(),
      (now) => {
        const stands = now > 0 && now === before;
        before = now;
        return stands;
      },
      20,
      500,
    );
    const stood = sent();
    console.log(`it stood still at ${((stood * bytes) / 1e6).toFixed(1)} of ${((events * bytes) / 1e6).toFixed(0)} MB`);
    expect(stood * bytes).toBeLessThan((events * bytes) / 2);
    let text = "";
    reader
      .setEncoding("utf8")
      .on("data", (part: string) => (text += part.replaceAll("  ", "")))
      .resume();
    expect(
      await until(
        async () => text,
        (all) => all.includes("data: [DONE]"),
      ),
    ).toContain("data: [DONE]\n\n");
    reader.destroy();
    const [, id = ""] = /x-inference-id: (\S+)/i.exec(text) ?? [];
    expect(text.split('"content":"x"').length - 1).toBe(events);
    expect(await recorded(id)).toMatchObject({ status: "succeeded", output: { choices: [{ message: { content: "x".repeat(events) } }] } });
  });
});

describe("a model that no server of OpenAI's API serves", () => {
  test("but one that answers chat completions by plain HTTP is completed and streamed", async () => {
    gpu.does([chat()]);
    await deployment.operator("POST", "/models", { name: `${model}-plain` });
    await deployment.operator("POST", "/backends", { model: `${model}-plain`, url: `${gpu.url}/chat/completions`, protocol: "http" });
    const asked = { model: `${model}-plain`, messages: MESSAGES };
    const completion = await client.chat.completions.create(asked);
    expect(completion).toMatchObject({ model: `${model}-plain`, choices: [{ message: { content: "Hello 🙂" } }] });
    const { chunks } = await told(await client.chat.completions.create({ ...asked, stream: true }));
    expect(textOf(chunks)).toBe("Hello 🙂");
  });

  test("or one that speaks tensors is a clear error", async () => {
    await serve(`${model}-oip`, "oip");
    gpu.does([ok]);
    for (const stream of [false, true]) {
      const error = await raised(client.chat.completions.create(chatWith({ model: `${model}-oip`, stream })));
      expect(error).toBeInstanceOf(UnprocessableEntityError);
      expect(error).toMatchObject({ status: 422, type: "invalid_request_error", code: "input_not_tensors" });
    }
  });
});

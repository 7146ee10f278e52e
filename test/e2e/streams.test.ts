/**
 * Streams as servers send them, through the real runtime and over real sockets: what the unmodified client of OpenAI and
 * a real EventSource read, and what every published decoder makes of a stream with pauses.
 */
import { EventSource } from "eventsource";
import OpenAI, { APIError } from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DECODERS } from "../support/decoders.ts";
import { type Deployment, type Shown, ask, deploy, endAll, newFolder, until } from "../support/deployment.ts";
import { type Gpu, startGpu, streams } from "../support/gpu.ts";
import { REMOTE_MODEL, STREAMS, type StreamForm } from "../support/streams.ts";

const MESSAGES = [{ role: "user" as const, content: "Hi" }];
/** Longer than a stream is silent before something is said in its pause. */
const PAUSE_MS = 700;

let deployment: Deployment;
let key: string;
let gpu: Gpu;
let client: OpenAI;

beforeAll(async () => {
  gpu = await startGpu();
  deployment = await deploy({ folder: newFolder() });
  const account = await deployment.operator("POST", "/accounts", { name: "Streams" });
  const limits = { submit: 10_000, read: 10_000 };
  key = String((await deployment.operator("POST", "/keys", { account_id: account["id"], limits }))["key"]);
  client = new OpenAI({ apiKey: key, baseURL: `${deployment.url}/v1`, maxRetries: 0, timeout: 30_000 });
});

afterAll(async () => {
  endAll();
  await gpu.close();
});

const chats = STREAMS.filter(({ speaks }) => speaks === "openai");
const formOf = (name: string) => STREAMS.find((form) => form.name === name) ?? fail(name);

function fail(name: string): never {
  throw new Error(`no form: ${name}`);
}

const recorded = (id: string) =>
  until(
    async () => (await ask(deployment.url, key, "GET", `/v1/inferences/${id}`)).body as Shown,
    ({ is_final }) => is_final,
  );

let models = 0;

/** A new model with one server, which has seen no failure. */
async function served(protocol: string): Promise<string> {
  const model = `streams-${++models}`;
  await deployment.operator("POST", "/models", { name: model });
  await deployment.operator("POST", "/backends", { model, url: gpu.url, protocol, remote_model: REMOTE_MODEL });
  return model;
}

/** The answer of a route that streams. */
function streamed(path: string, body: unknown): Promise<Response> {
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  return fetch(deployment.url + path, { method: "POST", headers, body: JSON.stringify(body) });
}

const chat = async () => streamed("/v1/chat/completions", { model: await served("openai"), messages: MESSAGES, stream: true });
const generation = async () => streamed(`/v2/models/${await served("oip")}/generate_stream`, { text_input: "Hi" });

test.each(chats)("the client of OpenAI reads, of a chat server: $name", async (form) => {
  gpu.does([streams(form)]);
  const model = await served("openai");
  const { data, response } = await client.chat.completions.create({ model, messages: MESSAGES, stream: true }).withResponse();
  let text = "";
  let error: unknown = null;
  try {
    for await (const { choices } of data) text += choices[0]?.delta.content ?? "";
  } catch (raised) {
    error = raised;
  }
  expect(text).toBe(form.passes);
  const shown = await recorded(response.headers.get("x-inference-id") ?? "none");
  if (form.amounts.to === "whole") {
    expect([error, shown.status]).toEqual([null, "succeeded"]);
  } else {
    const { code, reason, ownCode = code } = form.amounts;
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ code: ownCode, message: expect.stringContaining(reason) });
    expect(shown).toMatchObject({ status: "failed", error: { code, message: expect.stringContaining(reason) } });
  }
});

test.each<[string, () => Promise<Response>, StreamForm, (value: unknown) => string]>([
  [
    "a chat",
    chat,
    formOf("one with names, ids and retries"),
    (value) => (value as OpenAI.ChatCompletionChunk).choices[0]?.delta.content ?? "",
  ],
  ["generated text", generation, formOf("Triton's"), (value) => (value as { text_output: string }).text_output],
])("a stream of %s with pauses is read whole by every published decoder and a real EventSource", async (_name, open, form, textIn) => {
  const sends = form.sends.slice(-4);
  gpu.does([streams({ ...form, sends }, PAUSE_MS)]);
  const answer = await open();
  const read = eventsOf(answer.clone());
  const text = await answer.text();
  expect(text).toMatch(/^:\n/m);
  for (const [decoder, decode] of Object.entries(DECODERS)) {
    const { values, error } = decode(text);
    expect([decoder, values.map(textIn).join(""), error]).toEqual([decoder, textOf(sends.join("")), null]);
  }
  const values = (await read).filter((data) => data !== "[DONE]").map((data): unknown => JSON.parse(data));
  expect(values.map(textIn).join("")).toBe(textOf(sends.join("")));
});

/** The data that an EventSource tells of this answer. */
function eventsOf(answer: Response): Promise<string[]> {
  const read: string[] = [];
  return new Promise((resolve) => {
    const source = new EventSource(`${deployment.url}/`, { fetch: async () => answer });
    source.addEventListener("message", ({ data }) => void read.push(String(data)));
    // It takes the end of every stream for an error, after which it would ask again.
    source.addEventListener("error", () => {
      source.close();
      resolve(read);
    });
  });
}

/** The text in what a server sends. */
function textOf(sent: string): string {
  return [...sent.matchAll(/"(?:content|text_output)":"([^"]*)"/g)].map(([, text]) => text).join("");
}

// Here and not among the Worker's tests, whose runtime is set not to let one request wake another as production does
// (`no_handle_cross_request_promise_resolution`).
test.each([1, 2, 3])(
  "who watches an inference with others is told of its end at once, although the first %i of them have just left",
  async (leaving) => {
    const model = `streams-${++models}`; // without a backend
    await deployment.operator("POST", "/models", { name: model });
    const { body } = await ask(deployment.url, key, "POST", "/v1/inferences", { model, input: "x" });
    const { id } = body as Shown;
    const url = `${deployment.url}/v1/inferences/${id}/events`;
    const withKey: typeof fetch = (address, init) =>
      fetch(address, { ...init, headers: { Accept: "text/event-stream", Authorization: `Bearer ${key}` } });
    const sources: EventSource[] = [];
    for (let count = 0; count < 4; count++) {
      const source = new EventSource(url, { fetch: withKey });
      sources.push(source);
      await new Promise((resolve) => source.addEventListener("status", resolve));
    }
    const last = sources.at(-1) ?? fail("no source");
    const end = new Promise((resolve) => last.addEventListener("final", resolve));
    for (const source of sources.slice(0, leaving)) source.close();
    const leftAt = Date.now();
    await ask(deployment.url, key, "POST", `/v1/inferences/${id}/cancel`);
    await end;
    for (const source of sources) source.close();
    expect(Date.now() - leftAt).toBeLessThan(10_000); // it would look by itself after 15 s
  },
);

/** The OpenAI dialect: what a chat completion is made of on its way there and back, what is refused, and what nobody may see. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import OpenAI from "openai";
import { describe, expect, test, vi } from "vitest";
import { handle } from "../../src/router.ts";
import type { BackendCall, Outside } from "../../src/backends/backend.ts";
import { CHAT } from "../../src/backends/openai-paths.ts";
import { openai } from "../../src/backends/openai.ts";
import type { Failure, Outcome } from "../../src/backends/outcome.ts";
import { after } from "../../src/entry/bindings.ts";
import { retryHeaders } from "../../src/http/retry-headers.ts";
import { BACKEND_ANSWER_BYTES, INLINE_BYTES, JSON_BODY_BYTES, MODELS_LISTED, REPEATS_MAX } from "../../src/limits.ts";
import { ended, expire } from "./support/inferences.ts";
import { held } from "./support/clock.ts";
import { type ScriptedBackend, backendIs, echo } from "./support/outside.ts";
import { newBackend, newModel, newTenant, restBackends, BAD_KEYS, servedBy } from "./support/tenants.ts";
import { asDatabase } from "./support/ports.ts";
import { ORIGIN, as, call, object, operator, until, seen } from "./support/requests.ts";

const PATHS = ["/v1/chat/completions", "/v2/inference/chat/completions"] as const;
const [PATH] = PATHS;
const MESSAGES = [{ role: "user", content: "Hi" }];
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const HEAD = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_000, model: "meta/llama" };
const USAGE = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const COMPLETION = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1_700_000_000,
  model: "meta/llama",
  choices: [{ index: 0, message: { role: "assistant", content: "Hello" }, logprobs: null, finish_reason: "stop" }],
  usage: USAGE,
};

const delta = (members: unknown, finish: string | null = null, index = 0) => ({
  ...HEAD,
  choices: [{ index, delta: members, logprobs: null, finish_reason: finish }],
});
/** A chat of two tokens, as a server streams it that was asked for the usage. */
const HELLO = [
  delta({ role: "assistant", content: "" }),
  delta({ content: "Hel" }),
  delta({ content: "lo" }),
  delta({}, "stop"),
  { ...HEAD, choices: [], usage: USAGE },
  "[DONE]",
];
const eventOf = (data: unknown) => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
const STREAM_TYPE = { "Content-Type": "text/event-stream" };
const sse = (events: readonly unknown[]) => new Response(events.map(eventOf).join(""), { headers: STREAM_TYPE });

/** A server that answers a chat whole or streamed, as it is asked; `asked` is how. */
function llama(asked: Record<string, unknown>[] = []): ScriptedBackend {
  return async (request) => {
    const body: Record<string, unknown> = await request.json();
    asked.push(body);
    return body["stream"] === true ? sse(HELLO) : Response.json(COMPLETION);
  };
}

/** A model with one server of OpenAI's API, which knows it as meta/llama. */
function served(script: ScriptedBackend = llama(), more: Record<string, unknown> = {}): Promise<string> {
  return servedBy(script, { protocol: "openai", remote_model: "meta/llama", max_concurrency: 4, ...more });
}

const chat = (key: string, model: string, more: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  as(key, "POST", PATH, { model, messages: MESSAGES, ...more }, headers);

/** The data of a stream's events; each as JSON but the last one's [DONE]. */
async function eventsOf(answer: Response): Promise<unknown[]> {
  const text = await answer.text();
  // What is said in pauses is a line and no event.
  const blocks = text.replaceAll(/^:\n/gm, "").split("\n\n");
  expect(blocks.pop()).toBe("");
  return blocks.map((block) => (block === "data: [DONE]" ? "[DONE]" : JSON.parse(block.replace(/^data: /, ""))));
}

const inferenceOf = (key: string, answer: Response) => ended(key, answer.headers.get("x-inference-id") ?? "");

/** An error of OpenAI's API, member for member, as `seen` shows an answer. */
const refusal = (status: number, type: string, code: string, more: Record<string, unknown> = {}) => ({
  status,
  type: "application/json",
  body: { error: { message: expect.stringMatching(/\S/), type, param: null, code, ...more } },
});

describe("Hugging Face's client", () => {
  test("sends its endpoint's address as the model, and is told so", async () => {
    const { key } = await newTenant();
    const answer = await seen(chat(key, "https://api.example.com/v1"));
    expect(answer).toMatchObject({
      status: 404,
      body: { error: { code: "model_not_found", message: expect.stringMatching(/is the address/) } },
    });
  });

  test("asks again at once whenever it is told 503, and is told something else in the end", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    let calls = 1;
    let answer = await chat(key, model);
    while (answer.status === 503 && calls < 50) {
      calls++;
      await answer.body?.cancel();
      answer = await chat(key, model);
    }
    expect(calls).toBe(REPEATS_MAX + 1);
    expect(answer.headers.get("retry-after")).toBe("10");
    expect(await seen(answer)).toMatchObject(refusal(429, "rate_limit_error", "model_not_ready"));
  });
});

describe("a chat completion", () => {
  test.each(PATHS)("by %s is the server's own body under the name that clients know", async (path) => {
    const asked: Record<string, unknown>[] = [];
    const { key } = await newTenant();
    const model = await served(llama(asked));
    const answer = await as(key, "POST", path, { model, messages: MESSAGES });
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "private, no-store"]);
    expect(await answer.json()).toStrictEqual({ ...COMPLETION, model });
    expect(asked).toEqual([{ model: "meta/llama", messages: MESSAGES, stream: false }]);
    expect(await inferenceOf(key, answer)).toMatchObject({
      model,
      capability: "chat/completions",
      status: "succeeded",
      output: { ...COMPLETION, model },
      metrics: { prompt_tokens: 3, completion_tokens: 2 },
    });
  });

  test("takes along every member that we do not know, and exact integers", async () => {
    const { key } = await newTenant();
    let asked = "";
    const model = await served(async (request) => {
      asked = await request.text();
      return new Response('{"id":"c","created":9007199254740993,"choices":[],"seen":[1.5,18446744073709551615]}');
    });
    const body = `{"model":"${model}","messages":[{"role":"user","content":null,"x":[]}],"seed":9007199254740993,"stream_options":{"include_usage":true},"extra":{"deep":[null]}}`;
    const answer = await as(key, "POST", PATH, body);
    expect(asked).toBe(
      '{"model":"meta/llama","messages":[{"role":"user","content":null,"x":[]}],"seed":9007199254740993,"extra":{"deep":[null]},"stream":false}',
    );
    expect(await answer.text()).toBe(
      `{"id":"c","created":9007199254740993,"choices":[],"seen":[1.5,18446744073709551615],"model":"${model}"}`,
    );
  });

  test("larger than a row comes whole", async () => {
    const { key } = await newTenant();
    const content = "é漢😀".repeat(INLINE_BYTES / 4);
    const choices = [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }];
    const model = await served(() => Response.json({ ...COMPLETION, choices }));
    const answer = await chat(key, model, { messages: [{ role: "user", content }] });
    expect(await answer.json()).toMatchObject({ model, choices });
  });

  test("is asked of a version's and a capability's model only", async () => {
    const { key } = await newTenant();
    const model = await newModel({ capabilities: ["text-to-image"] });
    expect(await seen(chat(key, model))).toStrictEqual(refusal(404, "not_found_error", "model_not_found"));
    const chats = await newModel({ capabilities: ["chat/completions"], versions: ["1", "2"] });
    await newBackend(chats, { protocol: "openai", version: "2" });
    backendIs(llama());
    expect((await chat(key, chats)).status).toBe(200);
  });

  test("is given once for one Idempotency-Key, whole or as a stream", async () => {
    const asked: Record<string, unknown>[] = [];
    const { key } = await newTenant();
    const model = await served(llama(asked));
    const first = await chat(key, model, {}, { "Idempotency-Key": "a" });
    const again = await chat(key, model, {}, { "Idempotency-Key": "a" });
    expect(await again.json()).toEqual(await first.json());
    expect(again.headers.get("x-inference-id")).toBe(first.headers.get("x-inference-id"));
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(await seen(chat(key, model, { n: 2 }, { "Idempotency-Key": "a" }))).toStrictEqual(
      refusal(422, "invalid_request_error", "idempotency_key_reused"),
    );
    const options = { stream: true, stream_options: { include_usage: true } };
    const first_ = await eventsOf(await chat(key, model, options, { "Idempotency-Key": "b" }));
    expect(first_).toHaveLength(HELLO.length);
    const replayed = await chat(key, model, options, { "Idempotency-Key": "b" });
    expect(replayed.headers.get("content-type")).toBe("text/event-stream");
    const head = { ...HEAD, model };
    expect(await eventsOf(replayed)).toEqual([
      {
        ...head,
        usage: null,
        choices: [{ index: 0, delta: { role: "assistant", content: "Hello" }, logprobs: null, finish_reason: "stop" }],
      },
      { ...head, choices: [], usage: USAGE },
      "[DONE]",
    ]);
    expect(asked).toHaveLength(2);
  });
});

/** A stream that stands still after its first half until it may go on. */
function inTwoHalves(first: string, goesOn: Promise<void>, second: string): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    async start(controller) {
      controller.enqueue(encoder.encode(first));
      await goesOn;
      controller.enqueue(encoder.encode(second));
      controller.close();
    },
  });
  return new Response(body, { headers: STREAM_TYPE });
}

describe("a streamed chat completion", () => {
  test("passes as it came, and its usage only to a client that asked for it", async () => {
    const asked: Record<string, unknown>[] = [];
    const { key } = await newTenant();
    const model = await served(llama(asked));
    const named = HELLO.map((event) => (typeof event === "string" ? event : { ...event, model }));
    const plain = await chat(key, model, { stream: true });
    expect(
      Object.fromEntries([...plain.headers].filter(([name]) => /^(?:content-type|cache-control|x-accel-buffering)$/.test(name))),
    ).toEqual({
      "content-type": "text/event-stream",
      "cache-control": "private, no-store",
      "x-accel-buffering": "no",
    });
    expect(await eventsOf(plain)).toEqual(named.filter((event) => typeof event === "string" || !("usage" in event)));
    expect(await inferenceOf(key, plain)).toMatchObject({ output: { ...COMPLETION, model }, metrics: { completion_tokens: 2 } });
    const options = { include_usage: true, include_obfuscation: false };
    expect(await eventsOf(await chat(key, model, { stream: true, stream_options: options }))).toEqual(named);
    expect(asked.map(({ stream, stream_options }) => [stream, stream_options])).toEqual([
      [true, { include_usage: true }],
      [true, options],
    ]);
  });

  test("passes word for word where the server knows the model by our name, in a frame that every client reads", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    await newBackend(model, { protocol: "openai" });
    const chunk = (content: string) =>
      `{"choices": [ {"index":0, "delta":{"role":"assistant", "content":"${content}"}} ], "model":"${model}" }`;
    const end = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}';
    const text = [
      `\ufeff: not begun\n\nretry: 5\n\nid: 6\n\n`,
      `event: x\r\nid: 7\r\ndata: ${chunk("a\\u00e9")}\r\n\r\n: still here\n\n\n\ndata:${chunk("é😀")}\r\r`,
      `: a comment\ndata: ${chunk("c").replace(" ", "\ndata: ")}\n\ndata: ${end}\n\ndata: [DONE]\n\n`,
    ].join("");
    backendIs(() => new Response(text, { headers: STREAM_TYPE }));
    const answer = await chat(key, model, { stream: true });
    const passed = [chunk("a\\u00e9"), chunk("é😀"), chunk("c").replace(" ", "\ndata: "), end, "[DONE]"];
    expect((await answer.text()).replaceAll(/^:\n/gm, "")).toBe(passed.map((data) => `data: ${data}\n\n`).join(""));
    expect(await inferenceOf(key, answer)).toMatchObject({ output: { choices: [{ message: { content: "aéé😀c" } }] } });
  });

  test("comes while the server is still speaking", async () => {
    const { key } = await newTenant();
    const more = held<void>();
    const model = await served(() =>
      inTwoHalves(
        eventOf(HELLO[0]) + eventOf(HELLO[1]).slice(0, 20),
        more.promise,
        eventOf(HELLO[1]).slice(20) + HELLO.slice(2).map(eventOf).join(""),
      ),
    );
    const answer = await chat(key, model, { stream: true });
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    // Half an event stays here until the rest of it comes.
    expect((await reader?.read())?.value).toBe(eventOf({ ...delta({ role: "assistant", content: "" }), model }));
    more.release();
    let rest = "";
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) rest += part.value;
    expect(rest.replaceAll(/^:\n/gm, "")).toContain(eventOf({ ...delta({ content: "Hel" }), model }));
    expect(rest.endsWith("data: [DONE]\n\n")).toBe(true);
  });

  test("goes on to its end though its account is deleted meanwhile, as a whole one does, and keeps no slot", async () => {
    const { key, accountId } = await newTenant();
    const more = held<void>();
    let calls = 0;
    const model = await served(
      async (request) => {
        const { stream } = await request.json<{ stream: boolean }>();
        if (++calls > 2) return Response.json(COMPLETION);
        if (stream) return inTwoHalves(eventOf(HELLO[1]), more.promise, HELLO.slice(2).map(eventOf).join(""));
        await more.promise;
        return Response.json(COMPLETION);
      },
      { max_concurrency: 2 },
    );
    const whole = chat(key, model);
    const live = await chat(key, model, { stream: true });
    await until(
      async () => calls,
      (count) => count === 2,
    );
    expect((await operator("DELETE", `/accounts/${accountId}`)).status).toBe(200);
    expect(await seen(chat(key, model))).toMatchObject(refusal(401, "authentication_error", "invalid_api_key"));
    more.release();
    expect((await eventsOf(live)).at(-1)).toBe("[DONE]");
    expect([(await whole).status, await (await whole).json()]).toEqual([200, { ...COMPLETION, model }]);
    const { key: another } = await newTenant();
    expect((await Promise.all([chat(another, model), chat(another, model)])).map(({ status }) => status)).toEqual([200, 200]);
  });

  test("that a client cancelled elsewhere ends with that, not with [DONE]", async () => {
    const { key } = await newTenant();
    const more = held<void>();
    const model = await served(() => inTwoHalves(eventOf(HELLO[1]), more.promise, HELLO.slice(2).map(eventOf).join("")));
    const answer = await chat(key, model, { stream: true });
    expect((await as(key, "POST", `/v1/inferences/${answer.headers.get("x-inference-id") ?? ""}/cancel`)).status).toBe(200);
    more.release();
    expect((await eventsOf(answer)).at(-1)).toEqual({
      error: { message: "The inference was canceled.", type: "invalid_request_error", param: null, code: "canceled" },
    });
  });

  test("from a server that answers whole is one chunk", async () => {
    const { key } = await newTenant();
    const tool_calls = [{ id: "t", type: "function", function: { name: "f", arguments: "{}" } }];
    const choices = [{ index: 0, message: { role: "assistant", content: null, tool_calls }, logprobs: null, finish_reason: "tool_calls" }];
    const model = await served(() => Response.json({ ...COMPLETION, choices }));
    const head = { ...HEAD, model };
    const message = { role: "assistant", content: null, tool_calls: [{ index: 0, ...tool_calls[0] }] };
    expect(await eventsOf(await chat(key, model, { stream: true }))).toEqual([
      { ...head, choices: [{ index: 0, delta: message, logprobs: null, finish_reason: "tool_calls" }] },
      "[DONE]",
    ]);
  });

  test("that a runner has run again can be read by its client", async () => {
    const { key } = await newTenant();
    const model = await served(llama());
    await restBackends(model);
    const waits = chat(key, model, { stream: true });
    const open = () => env.DB.prepare("SELECT id, status, waiter FROM inferences WHERE model = ?").bind(model).first<{ id: string }>();
    const row = await until(open, (found) => found !== null);
    await expire(row?.id ?? "");
    expect(await seen(waits)).toStrictEqual(refusal(504, "server_error", "max_time_in_queue_seconds"));
    expect((await as(key, "POST", `/v1/inferences/${row?.id}/redrive`)).status).toBe(202);
    await restBackends(model, false);
    expect(await ended(key, row?.id ?? "")).toMatchObject({ status: "succeeded", output: { ...COMPLETION, model } });
  });
});

/** A stream as a server sends it, in pieces of these sizes, and what is made of it. */
async function streamed(
  text: string,
  sizes: readonly number[],
  input: Record<string, unknown> = {},
): Promise<{ outcome: Outcome; written: string }> {
  const bytes = new TextEncoder().encode(text);
  const pieces: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? bytes.length;
    pieces.push(bytes.slice(at, at + size));
    at += size;
  }
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces.shift();
      if (piece) controller.enqueue(piece);
      else controller.close();
    },
  });
  const outside: Outside = {
    fetch: async () => new Response(body, { headers: STREAM_TYPE }),
    clock: { now: () => Date.now(), after, timeout: (ms) => AbortSignal.timeout(ms) },
  };
  const written: Uint8Array[] = [];
  const sink = {
    get begun() {
      return written.length > 0;
    },
    write: async (chunk: Uint8Array) => void written.push(chunk),
  };
  const outcome = await openai.stream?.(
    {
      backend: { id: "b", url: "http://gpu.test", protocol: "openai", remoteModel: "meta/llama", credential: null },
      model: "llama",
      version: "",
      attempt: { inferenceId: "01990000-0000-7000-8000-000000000001", number: 1 },
      input: { body: JSON.stringify({ messages: MESSAGES, ...input }), contentType: "application/json" },
      capability: CHAT,
      timeoutMs: 5_000,
      stop: new AbortController().signal,
      takeIn: () => Promise.reject(new Error("a chat is held whole")),
      extract: null,
      identity: { headers: {}, conceal: (said) => said.replaceAll("secret", "[secret]") },
    } satisfies BackendCall,
    outside,
    sink,
  );
  if (!outcome) throw new Error("it can't stream");
  return { outcome, written: await new Blob(written).text() };
}

const outputOf = (outcome: Outcome): unknown => (outcome.kind === "done" ? JSON.parse(String(outcome.output.body)) : outcome);

describe("the whole of a stream", () => {
  const call_ = (index: number, members: unknown) => delta({ tool_calls: [{ index, ...(members as object) }] });

  test.each<[string, unknown[], unknown]>([
    ["text", HELLO, { ...COMPLETION, model: "llama" }],
    [
      "calls of tools, interleaved",
      [
        delta({ role: "assistant", content: null }),
        call_(1, { id: "b", type: "function", function: { name: "g", arguments: "" } }),
        call_(0, { id: "a", type: "function", function: { name: "f", arguments: '{"x"' } }),
        call_(1, { function: { arguments: "[1" } }),
        call_(0, { id: "a", type: "function", function: { name: "f", arguments: ":1}" } }),
        call_(1, { function: { arguments: "]" } }),
        delta({}, "tool_calls"),
        "[DONE]",
      ],
      {
        choices: [
          {
            index: 0,
            message: {
              role: "assistant",
              content: null,
              tool_calls: [
                { id: "a", type: "function", function: { name: "f", arguments: '{"x":1}' } },
                { id: "b", type: "function", function: { name: "g", arguments: "[1]" } },
              ],
            },
            finish_reason: "tool_calls",
          },
        ],
      },
    ],
    [
      "several choices, in any order",
      [
        delta({ role: "assistant", content: "b" }, null, 1),
        delta({ role: "assistant", content: "a" }, null, 0),
        delta({ content: "B" }, "length", 1),
        delta({ content: "A" }, "stop", 0),
        "[DONE]",
      ],
      {
        choices: [
          { index: 0, message: { role: "assistant", content: "aA" }, logprobs: null, finish_reason: "stop" },
          { index: 1, message: { role: "assistant", content: "bB" }, logprobs: null, finish_reason: "length" },
        ],
      },
    ],
    [
      "log probabilities, and what nobody has heard of",
      [
        {
          ...HEAD,
          system_fingerprint: "fp",
          choices: [{ index: 0, delta: { reasoning: "why" }, logprobs: { content: [{ token: "a", logprob: -1 }], refusal: null } }],
        },
        {
          ...HEAD,
          choices: [{ index: 0, delta: { reasoning: "?", audio: { data: "A" } }, logprobs: { content: [{ token: "b", logprob: -2 }] } }],
        },
        {
          ...HEAD,
          choices: [{ index: 0, delta: { audio: { data: "B" } }, finish_reason: "stop", stop_reason: 7 }],
          service_tier: "default",
        },
        "[DONE]",
      ],
      {
        system_fingerprint: "fp",
        service_tier: "default",
        choices: [
          {
            index: 0,
            message: { role: "assistant", content: null, reasoning: "why?", audio: { data: "AB" } },
            logprobs: {
              content: [
                { token: "a", logprob: -1 },
                { token: "b", logprob: -2 },
              ],
              refusal: null,
            },
            finish_reason: "stop",
            stop_reason: 7,
          },
        ],
      },
    ],
  ])("has its %s as if it had come at once", async (_, events, whole) => {
    const { outcome } = await streamed(events.map(eventOf).join(""), []);
    expect(outputOf(outcome)).toMatchObject(whole as Record<string, unknown>);
  });

  test("is the same however the bytes are cut, and so is what passes", async () => {
    const text = [delta({ content: "é漢😀" }), ...HELLO].map(eventOf).join("").replace("\n\n", "\r\n\r\n");
    const whole = await streamed(text, []);
    expect(outputOf(whole.outcome)).toMatchObject({ choices: [{ message: { content: "é漢😀Hello" } }] });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 }), async (sizes) => {
        expect(await streamed(text, sizes)).toEqual(whole);
      }),
      { numRuns: 60 },
    );
  });

  test.each<[string, string, Record<string, unknown>, string]>([
    ["ends before the end", HELLO.slice(0, 3).map(eventOf).join(""), { kind: "retry", error: { code: "backend_cut", status: 502 } }, "Hel"],
    [
      "ends in the middle of an event",
      HELLO.slice(0, 2).map(eventOf).join("").slice(0, -20),
      { kind: "retry", error: { code: "backend_cut" } },
      "",
    ],
    ["says nothing", "", { kind: "retry", error: { code: "backend_cut" } }, ""],
    ["says only that it is done", "data: [DONE]\n\n", { kind: "rejected", error: { code: "backend_garbage" } }, ""],
    ["says something that is not JSON", "data: <html>\n\n", { kind: "rejected", error: { code: "backend_garbage" } }, ""],
    [
      "leaves every finish_reason out",
      [...HELLO.slice(0, 3), "[DONE]"].map(eventOf).join(""),
      { kind: "retry", error: { code: "backend_cut" } },
      "Hello",
    ],
    [
      "says an empty finish_reason and ends",
      eventOf(delta({ content: "Hel" }, "")) + eventOf(delta({ content: "lo" }, "null")),
      { kind: "retry", error: { code: "backend_cut" } },
      "Hello",
    ],
    ["says something that is no object", "data: [1]\n\n", { kind: "rejected", error: { code: "backend_garbage" } }, ""],
    [
      "fails on its way",
      eventOf(HELLO[1]) + eventOf({ error: { message: "no secret here", code: 503 } }) + eventOf("[DONE]"),
      { kind: "retry", error: { class: "capacity", code: "backend_unavailable", message: "The backend answered 503: no [secret] here" } },
      "Hel",
    ],
    ["fails without a status", eventOf({ error: "x" }), { kind: "retry", error: { code: "backend_error", status: 500 } }, ""],
    [
      "does not like the input",
      eventOf({ error: { message: "m", code: 400 } }),
      { kind: "rejected", error: { class: "input", status: 400 } },
      "",
    ],
  ])("is none where a server %s", async (_, text, outcome, passed) => {
    const told = await streamed(text, []);
    expect(told.outcome).toMatchObject(outcome);
    expect(told.written.includes("error")).toBe(false);
    expect([...told.written.matchAll(/"content":"(\w+)"/g)].map(([, content]) => content).join("")).toContain(passed);
  });

  test("is whole where a server leaves out [DONE], or the line after it", async () => {
    for (const text of [HELLO.slice(0, -1).map(eventOf).join(""), HELLO.map(eventOf).join("").trimEnd()]) {
      expect(outputOf((await streamed(text, [])).outcome)).toEqual({ ...COMPLETION, model: "llama" });
    }
  });

  test("is bounded, and so is one event of it", async () => {
    const content = "x".repeat(1_000_000);
    const many = Array.from({ length: BACKEND_ANSWER_BYTES / content.length + 1 }, () => eventOf(delta({ content }))).join("");
    for (const text of [many, `data: ${" ".repeat(BACKEND_ANSWER_BYTES + 1)}`]) {
      expect((await streamed(text, [65_536])).outcome).toMatchObject({
        kind: "rejected",
        error: { class: "model", code: "backend_oversized" },
      });
    }
  });

  test("is made of whatever a server sends without our failing", async () => {
    const members = fc.dictionary(
      fc.constantFrom("index", "delta", "logprobs", "finish_reason", "content", "tool_calls", "__proto__", "x"),
      fc.jsonValue({ maxDepth: 3 }),
    );
    const chunk = fc.record(
      { choices: fc.oneof(fc.jsonValue(), fc.array(members)), usage: fc.jsonValue(), model: fc.jsonValue() },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(chunk, { maxLength: 4 }), async (chunks) => {
        const { outcome } = await streamed([...chunks, ...HELLO].map(eventOf).join(""), []);
        expect(outcome).toMatchObject({ kind: "done" });
        expect(Object.getPrototypeOf(outputOf(outcome))).toBe(Object.prototype);
      }),
      { numRuns: 200 },
    );
  });
});

describe("a chat completion that fails", () => {
  test.each<[string, ScriptedBackend, number, string, string]>([
    [
      "that the server refuses",
      () => Response.json({ error: { message: "m" } }, { status: 400 }),
      400,
      "invalid_request_error",
      "backend_rejected",
    ],
    [
      "that the server refuses as it likes",
      () => Response.json({ message: "m" }, { status: 418 }),
      418,
      "invalid_request_error",
      "backend_rejected",
    ],
    ["that nobody lets in", () => new Response(null, { status: 401 }), 502, "server_error", "backend_misconfigured"],
    ["too large", () => new Response("x".repeat(BACKEND_ANSWER_BYTES + 1)), 502, "server_error", "backend_oversized"],
  ])("for an input or a server %s", async (_, script, status, type, code) => {
    const { key } = await newTenant();
    const model = await served(script);
    for (const stream of [false, true]) {
      const answer = await chat(key, model, { stream });
      expect(answer.headers.get("x-inference-id")).toMatch(UUID);
      expect(await seen(answer)).toStrictEqual(refusal(status, type, code));
    }
  });

  test("says what an older server says too, without our secrets", async () => {
    const { key } = await newTenant();
    const model = await served(() => Response.json({ object: "error", message: "context of 8192 tokens", code: 40303 }, { status: 400 }));
    const { error } = await object(chat(key, model));
    expect(error).toMatchObject({ message: "context of 8192 tokens", code: "40303" }); // typed clients read no number there
  });

  test("for an input that the server refuses in OpenAI's words has these words, as they are", async () => {
    const { key } = await newTenant();
    const error = { message: "too long", type: "invalid_request_error", param: "messages", code: "context_length_exceeded" };
    const model = await served(() => Response.json({ error }, { status: 400 }));
    const answer = await chat(key, model);
    expect([answer.status, await object(answer)]).toEqual([400, { error }]);
  });

  test("on a server that limits its rate is 429 with the server's last Retry-After, after our attempts", async () => {
    const { key } = await newTenant();
    let calls = 0;
    const model = await served(() => {
      calls++;
      return Response.json({ error: { message: "slow down" } }, { status: 429, headers: { "Retry-After": "1" } });
    });
    const answer = await chat(key, model);
    expect([answer.status, answer.headers.get("retry-after"), answer.headers.get("x-should-retry"), calls]).toEqual([429, "1", null, 3]);
    expect(await object(answer)).toMatchObject({ error: { type: "rate_limit_error", message: "slow down" } });
  }, 30_000);

  test("on a server that asks for more than a minute is told a minute, since OpenAI's client would repeat at once after more", () => {
    const failure: Failure = {
      class: "capacity",
      code: "backend_busy",
      message: "",
      status: 503,
      upstream: { status: 429, retryAfterMs: 600_000 },
    };
    expect(retryHeaders(failure)).toEqual({ "Retry-After": "60" });
  });

  test("whose body is no object is told so in a sentence", async () => {
    const { key } = await newTenant();
    const answer = await object(as(key, "POST", "/v1/chat/completions", "[]"));
    expect(answer["error"]).toMatchObject({ message: "The body must be an object, and is an array", param: null });
  });

  test("on a server without room is 503 with Retry-After, whether the server gave one or not", async () => {
    const { key } = await newTenant();
    const model = await served(() => new Response(null, { status: 503 }));
    const answer = await chat(key, model);
    expect([answer.status, Number(answer.headers.get("retry-after")) >= 1]).toEqual([503, true]);
  }, 30_000);

  test("on a server that always fails tells clients not to repeat our attempts", async () => {
    const { key } = await newTenant();
    const model = await served(() => new Response(null, { status: 500 }));
    expect((await chat(key, model)).headers.get("x-should-retry")).toBe("false");
  }, 30_000);

  test("since it takes too long says so, in the stream where that has begun", async () => {
    const { key } = await newTenant();
    const stalls: ScriptedBackend = (request) =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode(eventOf(HELLO[1])));
            request.signal.addEventListener("abort", () => controller.error(new Error("closed")));
          },
        }),
        { headers: STREAM_TYPE },
      );
    const model = await served(stalls, { timeout_seconds: 1 });
    const answer = await chat(key, model, { stream: true });
    const events = await eventsOf(answer);
    expect(events.at(-1)).toEqual({
      error: { message: expect.stringContaining("1 s"), type: "server_error", param: null, code: "run_within_seconds" },
    });
    expect(await inferenceOf(key, answer)).toMatchObject({ status: "failed", attempts: 1, error: { class: "timeout" } });
  });

  test("for the model's sake is not to be tried again", async () => {
    const { key } = await newTenant();
    const model = await served(() => new Response("x".repeat(BACKEND_ANSWER_BYTES + 1)));
    expect((await chat(key, model)).headers.get("x-should-retry")).toBe("false");
  });

  test("since its model is none that chats names the inference", async () => {
    const { key } = await newTenant();
    const tensors = await newModel();
    await newBackend(tensors, { protocol: "oip" });
    const plain = await newModel();
    await newBackend(plain, { protocol: "http" });
    backendIs((request) => (request.url.includes("/infer") ? echo(request) : Response.json({ label: "cat" })));
    expect(await seen(chat(key, tensors))).toStrictEqual(refusal(422, "invalid_request_error", "input_not_tensors"));
    for (const stream of [false, true]) {
      const answer = await chat(key, plain, { stream });
      const message = expect.stringContaining(answer.headers.get("x-inference-id") ?? "none");
      expect(await seen(answer)).toStrictEqual(refusal(400, "invalid_request_error", "not_a_chat_model", { param: "model", message }));
      expect(await inferenceOf(key, answer)).toMatchObject({ status: "succeeded", output: { label: "cat" } });
    }
  });

  test("since somebody cancelled it says so", async () => {
    const { key } = await newTenant();
    const model = await served(llama());
    await restBackends(model);
    const waits = chat(key, model);
    const row = await until(
      () => env.DB.prepare("SELECT id FROM inferences WHERE model = ?").bind(model).first<{ id: string }>(),
      (found) => found !== null,
    );
    await as(key, "POST", `/v1/inferences/${row?.id}/cancel`);
    expect(await seen(waits)).toStrictEqual(refusal(499, "invalid_request_error", "canceled"));
  });
});

describe("a chat completion that is refused", () => {
  test.each<[string, unknown, string | null, RegExp]>([
    ["nothing but an array", [], null, /object/],
    ["null", "null", null, /object/],
    ["no model", { messages: MESSAGES }, "model", /missing/],
    ["a model that is a number", { model: 1, messages: MESSAGES }, "model", /string/],
    ["an empty model", { model: "", messages: MESSAGES }, "model", /./],
    ["no messages", { model: "m" }, "messages", /missing/],
    ["messages that are a text", { model: "m", messages: "hi" }, "messages", /array/],
    ["no message", { model: "m", messages: [] }, "messages", /at least one message/],
    ["a message that is a text", { model: "m", messages: [...MESSAGES, "hi"] }, "messages[1]", /object/],
    ["a message without a role", { model: "m", messages: [{ content: "hi" }] }, "messages[0].role", /missing/],
    ["a stream that is a text", { model: "m", messages: MESSAGES, stream: "true" }, "stream", /boolean/],
    ["options that are none", { model: "m", messages: MESSAGES, stream_options: 1 }, "stream_options", /object/],
    [
      "options of another type",
      { model: "m", messages: MESSAGES, stream_options: { include_usage: 1 } },
      "stream_options.include_usage",
      /boolean/,
    ],
  ])("for %s names what is wrong and where", async (_, body, param, message) => {
    const { key } = await newTenant();
    expect(await seen(as(key, "POST", PATH, body))).toStrictEqual(
      refusal(400, "invalid_request_error", "invalid_input", { param, message: expect.stringMatching(message) }),
    );
  });

  test.each<[string, string, Record<string, string>, number, string]>([
    ["nothing", "", {}, 400, "bad_json"],
    ["half of it", '{"model":', {}, 400, "bad_json"],
    ["a number beyond all", '{"model":"m","messages":[{"role":"user"}],"x":1e999}', {}, 400, "bad_json"],
    ["nested too deep", `{"x":${"[".repeat(65)}${"]".repeat(65)}}`, {}, 400, "bad_json"],
    ["another type", "model=m", { "Content-Type": "application/x-www-form-urlencoded" }, 415, "unsupported_media_type"],
    ["a key of the wrong kind", "{}", { "Idempotency-Key": "" }, 400, "invalid_input"],
  ])("is %s", async (_, body, headers, status, code) => {
    const { key } = await newTenant();
    const param = code === "invalid_input" ? "model" : null;
    expect(await seen(as(key, "POST", PATH, body, headers))).toStrictEqual(refusal(status, "invalid_request_error", code, { param }));
  });

  test("is too large, said or seen", async () => {
    const { key } = await newTenant();
    const answer = as(key, "POST", PATH, { model: "m", messages: [{ role: "user", content: "x".repeat(JSON_BODY_BYTES) }] });
    expect(await seen(answer)).toStrictEqual(refusal(413, "invalid_request_error", "body_too_large"));
  });

  test("or taken, but never fails for what it is", async () => {
    const { key } = await newTenant();
    const model = await served();
    const message = fc.oneof(
      { weight: 5, arbitrary: fc.record({ role: fc.string({ minLength: 1 }), content: fc.jsonValue() }) },
      { weight: 1, arbitrary: fc.jsonValue() },
    );
    const body = fc.record(
      {
        model: fc.oneof({ weight: 4, arbitrary: fc.constant(model) }, { weight: 1, arbitrary: fc.jsonValue() }),
        messages: fc.oneof(
          { weight: 6, arbitrary: fc.array(message, { minLength: 1, maxLength: 3 }) },
          { weight: 1, arbitrary: fc.jsonValue() },
        ),
        stream: fc.oneof({ weight: 6, arbitrary: fc.constantFrom(true, false, null) }, { weight: 1, arbitrary: fc.jsonValue() }),
        stream_options: fc.oneof(
          { weight: 6, arbitrary: fc.record({ include_usage: fc.boolean() }) },
          { weight: 1, arbitrary: fc.jsonValue() },
        ),
        n: fc.jsonValue(),
        ["__proto__"]: fc.jsonValue(),
      },
      { requiredKeys: ["model", "messages"] },
    );
    const raw = fc.oneof(
      { weight: 8, arbitrary: body.map((value) => JSON.stringify(value)) },
      fc.json(),
      fc.string({ unit: "binary" }),
      fc.constantFrom("[", '"\\ud800"', "\ufeff{}", "NaN"),
    );
    const taken = { count: 0 };
    await fc.assert(
      fc.asyncProperty(raw, async (text) => {
        const answer = await as(key, "POST", PATH, text);
        if (answer.status === 200) {
          taken.count++;
          await answer.body?.cancel();
          return;
        }
        const shown = await seen(answer);
        expect([400, 404]).toContain(shown.status);
        const { error } = shown.body as { error: Record<string, unknown> };
        expect(Object.keys(error)).toEqual(["message", "type", "param", "code"]);
      }),
      { numRuns: 150 },
    );
    expect(taken.count).toBeGreaterThan(10);
  }, 30_000);
});

describe("the models", () => {
  test("come all at once, each with our members beside OpenAI's", async () => {
    const { key } = await newTenant();
    const name = await newModel({ description: "Chats", versions: ["1"], capabilities: ["chat/completions"] });
    const rows = Array.from({ length: 120 }, (_, index) =>
      env.DB.prepare("INSERT INTO models (name, description, versions, default_version, created_at) VALUES (?, '', '[]', '', 1)").bind(
        `many-${index}`,
      ),
    );
    await env.DB.batch(rows);
    const shown = {
      id: name,
      object: "model",
      created: expect.any(Number),
      owned_by: "claimcheck",
      description: "Chats",
      versions: ["1"],
      default_version: "1",
      capabilities: ["chat/completions"],
    };
    const listed = await object(as(key, "GET", "/v1/models"));
    expect(listed).toMatchObject({ object: "list", has_more: false, next_after: null });
    expect([listed["data"]].flat().length).toBeGreaterThan(120);
    expect(listed["data"]).toContainEqual(shown);
    expect(await object(as(key, "GET", `/v1/models/${name}`))).toStrictEqual({ ...shown, input_schema: null, inputs: null, outputs: null });
    expect(MODELS_LISTED).toBeGreaterThanOrEqual(120);
  });

  test("are found with a slash after the name, as every path is, whether the name has one too or not", async () => {
    const { key } = await newTenant();
    const names = [crypto.randomUUID(), `org/${crypto.randomUUID()}`];
    for (const name of names) {
      await operator("POST", "/models", { name });
      for (const end of ["", "/", "//"]) expect(await object(as(key, "GET", `/v1/models/${name}${end}`))).toMatchObject({ id: name });
    }
  });

  test.each(["nothing", "%00", "a%2Fb", "%E0%A4%A"])("have none of the name %s", async (name) => {
    const { key } = await newTenant();
    expect(await seen(as(key, "GET", `/v1/models/${name}`))).toStrictEqual(refusal(404, "not_found_error", "model_not_found"));
  });

  test.each(["0", "101", "1.5", "x", ""])("have no page of %j", async (limit) => {
    const { key } = await newTenant();
    expect(await seen(as(key, "GET", `/v1/models?limit=${limit}`))).toStrictEqual(
      refusal(400, "invalid_request_error", "invalid_input", { param: "limit" }),
    );
  });
});

describe("who may call the OpenAI API", () => {
  const ROUTES: [method: string, path: string, scope: string, found: number][] = [
    ...PATHS.map((path): [string, string, string, number] => ["POST", path, "submit", 404]),
    ["GET", "/v1/models", "read", 200],
    ["GET", "/v1/models/any-model", "read", 404],
  ];

  describe.each(ROUTES)("%s %s", (method, path, scope, found) => {
    const send = (key: string | null) =>
      call(path, {
        method,
        headers: { "Content-Type": "application/json", ...(key === null ? {} : { Authorization: `Bearer ${key}` }) },
        ...(method === "POST" ? { body: JSON.stringify({ model: "any-model", messages: MESSAGES }) } : {}),
      });

    test.each([
      ...BAD_KEYS,
      ["with an empty key", async (): Promise<string | null> => ""],
      ["with a key of OpenAI's", async (): Promise<string | null> => "sk-proj-0123456789"],
    ] as const)("is not answered %s", async (_fault, makeKey) => {
      const answer = await send(await makeKey());
      expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer realm="/);
      expect(answer.headers.get("cache-control")).toBe("private, no-store");
      expect(await seen(answer)).toStrictEqual(refusal(401, "authentication_error", "invalid_api_key"));
    });

    test("needs its scope", async () => {
      const { key } = await newTenant({ scopes: ["submit", "read", "cancel"].filter((other) => other !== scope) });
      expect(await seen(send(key))).toStrictEqual(refusal(403, "permission_error", "missing_scope"));
    });

    test("is refused beyond the key's limit, and says where the key stands", async () => {
      const { key } = await newTenant({ limits: { read: 1, submit: 1 } });
      const [first, second] = [await send(key), await send(key)];
      expect(first.status).toBe(found);
      expect([first.headers.get("x-ratelimit-limit-requests"), first.headers.get("x-ratelimit-remaining-requests")]).toEqual(["1", "0"]);
      expect(second.headers.get("x-ratelimit-reset-requests")).toMatch(/^\d+ms$/);
      expect(second.headers.get("retry-after")).toBe("1");
      expect(await seen(second)).toStrictEqual(refusal(429, "rate_limit_error", "rate_limit_exceeded"));
    });

    test("has no other method", async () => {
      const answer = await call(path, { method: "PATCH" });
      expect(answer.headers.get("allow")).toBe(method === "GET" ? "GET, HEAD" : method);
      expect(await seen(answer)).toStrictEqual(refusal(405, "invalid_request_error", "method_not_allowed"));
    });
  });

  test.each(["/v1/chat", "/v1/chat/completions/x", "/v1/batches/b/x", "/v1/images/generations", "/v1/responses/r/cancel"])(
    "has nothing at %s",
    async (path) => {
      const { key } = await newTenant();
      expect(await seen(as(key, "GET", path))).toStrictEqual(refusal(404, "not_found_error", "not_found"));
    },
  );

  test.each([
    ["we", "D1_ERROR: no such table: secrets: SQLITE_ERROR", 500, "internal"],
    ["the platform", "Network connection to 10.0.0.7 lost", 503, "unavailable"],
  ])("hears that %s failed in the same shape, and no more", async (_, message, status, code) => {
    const { key } = await newTenant();
    const told = vi.spyOn(console, "error").mockImplementation(() => {});
    const prepare = () => {
      throw new Error(message);
    };
    const request = new Request(`${ORIGIN}/v1/models`, { headers: { Authorization: `Bearer ${key}` } });
    const answer = await handle(request, { ...env, DB: asDatabase({ prepare }) }, createExecutionContext());
    told.mockRestore();
    const shown = await seen(answer);
    expect(shown).toStrictEqual(refusal(status, "server_error", code));
    expect(JSON.stringify(shown)).not.toMatch(/D1|secrets|10\.0\.0\.7/);
  });

  test("sees nothing of another account's chats", async () => {
    const [mine, theirs] = [await newTenant(), await newTenant()];
    const model = await served();
    const answer = await chat(mine.key, model, {}, { "Idempotency-Key": "same" });
    const id = answer.headers.get("x-inference-id") ?? "";
    expect((await as(theirs.key, "GET", `/v1/inferences/${id}`)).status).toBe(404);
    const other = await chat(theirs.key, model, {}, { "Idempotency-Key": "same" });
    expect(other.headers.get("idempotency-replayed")).toBeNull();
    expect(other.headers.get("x-inference-id")).not.toBe(id);
  });
});

describe("OpenAI's unmodified client", () => {
  const clientOf = (apiKey: string) =>
    new OpenAI({
      apiKey,
      baseURL: `${ORIGIN}/v1`,
      maxRetries: 0,
      fetch: (url, init) => call(new URL(url instanceof Request ? url.url : url).pathname, init),
    });
  /** A server that embeds a text as its length and a half, in the form that it is asked for, the last text first. */
  const embedder: ScriptedBackend = async (request) => {
    const { input, encoding_format, model }: { input: string[]; encoding_format?: string; model: string } = await request.json();
    const data = input.map((text, index) => {
      const bytes = new Uint8Array(new Float32Array([text.length, 0.5]).buffer);
      const embedding = encoding_format === "base64" ? btoa(String.fromCharCode(...bytes)) : [text.length, 0.5];
      return { object: "embedding", index, embedding };
    });
    return Response.json({ object: "list", model, data: data.toReversed(), usage: { prompt_tokens: 2, total_tokens: 2 } });
  };

  test.each([undefined, "base64", "float"] as const)("embeds texts in their order, with encoding_format %s", async (encoding_format) => {
    const { key } = await newTenant();
    const asked: unknown[] = [];
    const model = await served(async (request) => {
      asked.push([new URL(request.url).pathname, await request.clone().json()]);
      return embedder(request);
    });
    const input = ["a", "bcd"];
    const {
      data,
      usage,
      model: named,
    } = await clientOf(key).embeddings.create({ model, input, ...(encoding_format && { encoding_format }) });
    const encoded = (...numbers: number[]) => btoa(String.fromCharCode(...new Uint8Array(new Float32Array(numbers).buffer)));
    // The client decodes base64 only where it chose that form itself.
    const shown =
      encoding_format === "base64"
        ? [encoded(1, 0.5), encoded(3, 0.5)]
        : [
            [1, 0.5],
            [3, 0.5],
          ];
    expect(data.map(({ index, embedding }) => [index, embedding])).toEqual(shown.map((embedding, index) => [index, embedding]));
    expect({ usage, named }).toEqual({ usage: { prompt_tokens: 2, total_tokens: 2 }, named: model });
    expect(asked).toEqual([["/v1/embeddings", { model: "meta/llama", input, encoding_format: encoding_format ?? "base64" }]]);
  });

  test("completes a text, whole and streamed, and the stored completion of the stream is the whole", async () => {
    const { key } = await newTenant();
    const head = { id: "cmpl-1", object: "text_completion", created: 1, model: "meta/llama" };
    const piece = (text: string, finish_reason: string | null) => ({
      ...head,
      choices: [{ index: 0, text, logprobs: null, finish_reason }],
    });
    const paths: string[] = [];
    const model = await served(async (request) => {
      paths.push(new URL(request.url).pathname);
      const { stream }: { stream: boolean } = await request.json();
      if (!stream) return Response.json(piece("Hello", "stop"));
      return sse([piece("Hel", null), piece("lo", null), piece("", "stop"), "[DONE]"]);
    });
    const client = clientOf(key);
    const whole = await client.completions.create({ model, prompt: "Say" });
    expect(whole).toMatchObject({ object: "text_completion", model, choices: [{ text: "Hello", finish_reason: "stop" }] });
    const { data: stream, response } = await client.completions.create({ model, prompt: "Say", stream: true }).withResponse();
    const texts: string[] = [];
    for await (const { choices } of stream) texts.push(choices[0]?.text ?? "");
    expect(texts).toEqual(["Hel", "lo", ""]);
    expect(paths).toEqual(["/v1/completions", "/v1/completions"]);
    const { output } = await inferenceOf(key, response);
    expect(output).toEqual({ ...piece("Hello", "stop"), model });
  });

  test("is told by name what is missing, and that a model has no embeddings", async () => {
    const { key } = await newTenant();
    const model = await served();
    const client = clientOf(key);
    const missing = await client.post("/embeddings", { body: { model } }).then(String, (error: unknown) => error);
    expect(missing).toMatchObject({ status: 400, param: "input", message: "400 input: is missing" });
    const wrong = await client.post("/completions", { body: { model, prompt: 5 } }).then(String, (error: unknown) => error);
    expect(wrong).toMatchObject({ status: 400, param: "prompt", message: "400 prompt: must be a text or a list" });
    const odd = await client.embeddings.create({ model, input: "a" }).then(String, (error: unknown) => error);
    expect(odd).toMatchObject({ status: 502 });
  });
});

test.each([
  ["messages", { messages: MESSAGES }, "/v1/chat/completions"],
  ["prompt", { prompt: "Say" }, "/v1/completions"],
  ["input", { input: ["a"] }, "/v1/embeddings"],
])("an inference that says nothing but its input asks by its `%s`", async (_member, input, path) => {
  const { key } = await newTenant();
  const paths: string[] = [];
  const model = await served(async (request) => {
    if (request.method === "POST") paths.push(new URL(request.url).pathname);
    return Response.json({ ...COMPLETION, data: [{ index: 0, embedding: [1] }] });
  });
  const { id } = await object(as(key, "POST", "/v1/inferences", { model, input }));
  expect(await ended(key, String(id))).toMatchObject({ status: "succeeded" });
  expect(paths).toEqual([path]);
});

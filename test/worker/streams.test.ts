/**
 * Streams as servers send them, over every wire that gives them on: what passes while they come, what every published
 * client makes of it, what is stored, what a later read and a replay show, and what a webhook tells.
 */
import { describe, expect, test } from "vitest";
import { DECODERS, type Decoded } from "../support/decoders.ts";
import { type Amounts, REMOTE_MODEL, STREAMS, type StreamForm } from "../support/streams.ts";
import { ended } from "./support/inferences.ts";
import { held } from "./support/clock.ts";
import { type ScriptedBackend, backendIs, publicNames } from "./support/outside.ts";
import { newBackend, newModel, newTenant } from "./support/tenants.ts";
import { as, object, until } from "./support/requests.ts";

const HOOK = "https://hooks.example.com/streams";

interface Wire {
  readonly name: string;
  /** The servers whose streams it gives on. */
  readonly of: readonly StreamForm["speaks"][];
  ask(key: string, model: string): Promise<Response>;
  /** The text in a value of its stream. */
  textIn(value: unknown): string;
  /** Whether its stream says that it has said all. */
  readonly saysDone: boolean;
  /** The error event of a failure with this message. */
  error(message: unknown, code: unknown): unknown;
}

const REPEATED = { "Idempotency-Key": "once" };

function chatAt(path: string): Pick<Wire, "of" | "ask" | "textIn" | "saysDone" | "error"> {
  return {
    of: ["openai"],
    ask: (key, model) => as(key, "POST", path, { model, messages: [{ role: "user", content: "Hi" }], stream: true }, REPEATED),
    textIn: (value) => {
      const { choices } = value as { choices: { delta: { content?: string | null } }[] }; // the form of a chunk
      return choices.map(({ delta }) => delta.content ?? "").join("");
    },
    saysDone: true,
    error: (message, code) => ({ message, type: expect.any(String), param: null, code }),
  };
}

const WIRES: readonly Wire[] = [
  { name: "OpenAI's", ...chatAt("/v1/chat/completions") },
  { name: "Reka's", ...chatAt("/v2/inference/chat/completions") },
  {
    name: "the Open Inference Protocol's",
    of: ["openai", "oip"],
    ask: (key, model) => as(key, "POST", `/v2/models/${model}/generate_stream`, { text_input: "Hi" }, REPEATED),
    textIn: (value) => (value as { text_output: string }).text_output, // the form of its events
    saysDone: false,
    error: (message) => message,
  },
];

/** A stream of these pieces that then ends or breaks. */
function streamOf({ sends, ends }: Pick<StreamForm, "sends" | "ends">): Response {
  const pieces = sends.map((piece) => new TextEncoder().encode(piece));
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces.shift();
      if (piece) controller.enqueue(piece);
      else if (ends === "close") controller.close();
      else controller.error(new Error("reset"));
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}

/** What a receiver was told, by inference. */
type Told = Map<string, Record<string, unknown>>;

/** A world with a GPU server that answers so, and a receiver of webhooks. */
function world(script: ScriptedBackend): Told {
  const told: Told = new Map();
  backendIs(async (request) => {
    if (request.url !== HOOK) return request.url.startsWith("https://cloudflare-dns.com/") ? publicNames(request) : script(request);
    const event: { type: string; data: Record<string, unknown> } = await request.json();
    told.set(String(event.data["id"]), event.data);
    return new Response("taken");
  });
  return told;
}

async function watched(protocol: string): Promise<{ key: string; model: string }> {
  const { key } = await newTenant();
  const model = await newModel();
  await newBackend(model, { protocol, remote_model: REMOTE_MODEL });
  return { key, model };
}

const idOf = (answer: Response) => answer.headers.get("x-inference-id") ?? "none";

/** What a failure is, wherever it is shown. */
function shownFailure({ code, reason }: Extract<Amounts, { to: "failure" }>) {
  return { code, message: expect.stringContaining(reason) };
}

const cases = WIRES.flatMap((wire) => STREAMS.filter(({ speaks }) => wire.of.includes(speaks)).map((form) => ({ wire, form })));

describe.each(cases)("over $wire.name wire, of $form.speaks: $form.name", ({ wire, form }) => {
  test("passes as far as it came, is stored, read again and told as what it was", async () => {
    const { amounts, passes } = form;
    const told = world(() => streamOf(form));
    const { key, model } = await watched(form.speaks);
    await as(key, "POST", "/v1/webhooks", { url: HOOK });
    const answer = await wire.ask(key, model);
    expect(answer.headers.get("content-type")).toMatch(/^text\/event-stream/);
    const text = await answer.text();

    // Live, by every client's rules.
    const failure = amounts.to === "failure" ? shownFailure(amounts) : null;
    const ownCode = amounts.to === "failure" && wire.saysDone ? amounts.ownCode : undefined;
    const error = failure && wire.error(failure.message, ownCode === undefined ? failure.code : ownCode);
    for (const [name, decode] of Object.entries(DECODERS)) {
      const decoded: Decoded = decode(text);
      expect([name, decoded.values.map((value) => wire.textIn(value)).join("")]).toEqual([name, passes]);
      const raised: unknown = decoded.error === null ? null : JSON.parse(decoded.error.replace(/^received error: /, ""));
      expect([name, raised]).toEqual([name, error]);
    }
    expect(text).not.toContain(REMOTE_MODEL);
    expect(text.endsWith("data: [DONE]\n\n")).toBe(wire.saysDone && !failure);
    if (failure) expect(text).not.toContain("[DONE]");

    // Stored, in the words of our own API and of Reka's.
    const shown = await ended(key, idOf(answer));
    const whole = amounts.to === "whole" ? amounts.message : null;
    const isText = !wire.saysDone;
    const content = whole?.["content"] ?? "";
    const output = isText
      ? { text_output: form.speaks === "oip" ? whole?.["text_output"] : content }
      : { object: "chat.completion", model, choices: [{ index: 0, message: whole, finish_reason: expect.stringMatching(/./) }] };
    const stored = failure ? { status: "failed", output: null, attempts: 1, error: failure } : { status: "succeeded", output, error: null };
    expect(shown).toMatchObject(stored);
    expect(await object(as(key, "GET", `/v2/inference/requests/${idOf(answer)}`))).toMatchObject(
      failure ? { status: "FAILED", output: null, error: { message: failure.message } } : { status: "COMPLETED", output },
    );

    // Asked for again.
    const again = await wire.ask(key, model);
    expect([idOf(again), again.headers.get("idempotency-replayed")]).toEqual([idOf(answer), "true"]);
    if (failure) {
      expect(again.status).toBeGreaterThanOrEqual(400);
      expect(await again.json()).toEqual({ error });
    } else {
      const replay = DECODERS["openai-python"]?.(await again.text());
      expect(replay?.values.map((value) => wire.textIn(value)).join("")).toBe(passes);
    }

    // Told.
    const event = await until(
      async () => told.get(idOf(answer)),
      (data) => data !== undefined,
    );
    expect(event).toMatchObject(stored);
  });
});

describe.each(WIRES.slice(0, 1).concat(WIRES.slice(2)))("over $name wire", (wire) => {
  test("the pauses of a server are filled with what no client takes for an event", async () => {
    const form = STREAMS.find(({ name }) => name === (wire.saysDone ? "one with names, ids and retries" : "Triton's"));
    if (!form) throw new Error("no such form");
    const more = held<void>();
    const half = Math.floor(form.sends.length / 2);
    world(() => {
      const body = new ReadableStream<Uint8Array>({
        async start(controller) {
          for (const [index, piece] of form.sends.entries()) {
            if (index === half) await more.promise;
            controller.enqueue(new TextEncoder().encode(piece));
          }
          controller.close();
        },
      });
      return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
    });
    const { key, model } = await watched(form.speaks);
    const answer = await wire.ask(key, model);
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      text += part.value;
      if (/^:$/m.test(text)) more.release();
    }
    expect(text).toMatch(/^:\n/m);
    expect(text).not.toMatch(/^:\n\n/m);
    for (const [name, decode] of Object.entries(DECODERS)) {
      const { values, error } = decode(text);
      expect([name, values.map((value) => wire.textIn(value)).join(""), error]).toEqual([name, form.passes, null]);
    }
  });
});

/** An answer of success that speaks of a failure, whole or as the first event of a stream. */
const whole = (failure: unknown) => Response.json(failure);
const first = (failure: unknown) => streamOf({ sends: [`data: ${JSON.stringify(failure)}\n\n`, "data: [DONE]\n\n"], ends: "close" });

describe.each<[string, (failure: unknown) => Response]>([
  ["a success that is no stream", whole],
  ["the first event of a stream", first],
])("a failure in %s", (_name, tell) => {
  test.each<[unknown, number, string | null, string]>([
    [{ error: { message: "too long", type: "BadRequestError", param: null, code: 400 } }, 400, "400", "too long"],
    [{ error: { message: "no such field", code: "422" } }, 422, "422", "no such field"],
    [{ object: "error", message: "too long", type: "invalid_request_error", code: 40_303 }, 400, "40303", "too long"],
    [{ error: { message: "context full", type: "exceed_context_size_error" } }, 400, null, "context full"],
    [{ error: "inputs must be short", error_type: "validation" }, 422, "backend_rejected", "inputs must be short"],
    [{ code: 400, message: "odd input" }, 400, "backend_rejected", "odd input"],
  ])("that is final is told with its status and its reason: %j", async (failure, status, code, reason) => {
    let calls = 0;
    const { key, model } = await watched("openai");
    world((request) => {
      if (request.method === "POST" && request.url.includes(model)) calls++; // others may be asked whether they are ready
      return tell(failure);
    });
    const answer = await WIRES[0]?.ask(key, model);
    expect(answer?.status).toBe(status);
    expect(await answer?.json()).toMatchObject({ error: { code, message: expect.stringContaining(reason) } });
    expect(calls).toBe(1);
  });

  test.each<[string, unknown]>([
    ["says that it is busy", { error: { message: "overloaded", code: 503 } }],
    ["says that it limits", { error: { message: "slow down", type: "rate_limit_exceeded" } }],
    ["gives no status", { error: "CUDA error" }],
    ["gives a detail alone", { detail: "worker lost" }],
  ])("that may pass is tried again: a server that %s", async (_said, failure) => {
    let calls = 0;
    const form = STREAMS.find(({ name }) => name === "vLLM's");
    const { key, model } = await watched("openai");
    world((request) => {
      if (request.method === "POST" && request.url.includes(model)) calls++;
      return calls === 1 ? tell(failure) : streamOf(form ?? { sends: [], ends: "close" });
    });
    const answer = await WIRES[0]?.ask(key, model);
    expect([answer?.status, (await answer?.text())?.endsWith("data: [DONE]\n\n"), calls]).toEqual([200, true, 2]);
    const shown = await object(as(key, "GET", `/v1/inferences/${answer ? idOf(answer) : ""}?logs=1`));
    expect(shown).toMatchObject({ status: "succeeded", attempts: 2 });
  });
});

describe("a server that refuses stream_options", () => {
  const form = STREAMS.find(({ name }) => name === "vLLM's");
  const asked: Record<string, unknown>[] = [];

  /** A server that takes the options or refuses them as it does what else it does not know, and counts who asks. */
  const strict = (refuses: (body: Record<string, unknown>) => boolean): ScriptedBackend => {
    asked.length = 0;
    return async (request) => {
      if (request.method !== "POST") return Response.json({ data: [] });
      const body: Record<string, unknown> = await request.json();
      asked.push(body);
      if (!refuses(body)) return streamOf(form ?? { sends: [], ends: "close" });
      return Response.json(
        { detail: [{ type: "extra_forbidden", loc: ["body", "stream_options"], msg: "not permitted" }] },
        { status: 422 },
      );
    };
  };
  const chat = (key: string, model: string, more: object = {}) =>
    as(key, "POST", "/v1/chat/completions", { model, messages: [{ role: "user", content: "Hi" }], stream: true, ...more });
  const options = () => asked.map((body) => "stream_options" in body);

  test("is asked without those that the client did not send, and from then on only so", async () => {
    world(strict((body) => "stream_options" in body));
    const { key, model } = await watched("openai");
    for (let time = 0; time < 2; time++) {
      const answer = await chat(key, model);
      expect([answer.status, (await answer.text()).endsWith("data: [DONE]\n\n")]).toEqual([200, true]);
      expect(await ended(key, idOf(answer))).toMatchObject({ status: "succeeded", attempts: 1 });
    }
    expect(options()).toEqual([true, false, false]);
    const own = await chat(key, model, { stream_options: { include_usage: true } });
    expect([own.status, options().slice(3)]).toEqual([422, [true]]);
  });

  test("is not asked again for an input that it refuses once it is known to take them", async () => {
    world(strict((body) => JSON.stringify(body["messages"]).includes("bad")));
    const { key, model } = await watched("openai");
    await (await chat(key, model)).text();
    const bad = await chat(key, model, { messages: [{ role: "user", content: "bad" }] });
    expect([bad.status, options()]).toEqual([422, [true, true]]);
  });

  test("is not taken for one that does by an input that it refuses either way", async () => {
    world(strict((body) => JSON.stringify(body["messages"]).includes("bad")));
    const { key, model } = await watched("openai");
    expect((await chat(key, model, { messages: [{ role: "user", content: "bad" }] })).status).toBe(422);
    await (await chat(key, model)).text();
    expect(options()).toEqual([true, false, true]);
  });
});

describe("a server that streams unasked", () => {
  test.each(["text/event-stream", "text/plain", "application/json"])("is read whole, whatever it calls that: %s", async (type) => {
    const form = STREAMS.find(({ name }) => name === "vLLM's");
    world(() => new Response(form?.sends.join(""), { headers: { "Content-Type": type } }));
    const { key, model } = await watched("openai");
    for (const stream of [false, true]) {
      const answer = await as(key, "POST", "/v1/chat/completions", { model, messages: [{ role: "user", content: "Hi" }], stream });
      const shown = await ended(key, idOf(answer));
      expect(shown).toMatchObject({ status: "succeeded", output: { model, choices: [{ message: { content: "Hello" } }] } });
      expect(await answer.text()).toMatch(stream ? /data: \[DONE\]\n\n$/ : /^\{.*"content":"Hello".*\}$/);
    }
  });
});

describe("a stream that its server does not call one", () => {
  const chunk = (content: string, finish_reason: string | null) =>
    `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta: { content }, finish_reason }] })}\n\n`;
  const ask = (key: string, model: string) =>
    as(key, "POST", "/v1/chat/completions", { model, messages: [{ role: "user", content: "Hi" }], stream: true });

  // "application/octet-stream" is what the server of a Truss says.
  test.each(["application/octet-stream", "text/plain; charset=utf-8", null])("but %s is given on while it comes", async (type) => {
    const more = held<void>();
    world(() => {
      const pieces = ["\n", "da", chunk("Hel", null).slice(2), chunk("lo", "stop"), "data: [DONE]\n\n"];
      const body = new ReadableStream<Uint8Array>({
        async start(controller) {
          for (const [index, piece] of pieces.entries()) {
            if (index === 3) await more.promise;
            controller.enqueue(new TextEncoder().encode(piece));
          }
          controller.close();
        },
      });
      return new Response(body, { headers: type === null ? {} : { "Content-Type": type } });
    });
    const { key, model } = await watched("openai");
    const answer = await ask(key, model);
    expect(answer.headers.get("content-type")).toMatch(/^text\/event-stream/);
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      text += part.value;
      if (text.includes("Hel")) more.release();
    }
    expect(text).toMatch(/Hel.*lo.*\[DONE\]/s);
    expect(await ended(key, idOf(answer))).toMatchObject({ status: "succeeded", output: { choices: [{ message: { content: "Hello" } }] } });
  });

  test.each(["\n".repeat(1_000), "Hello", "", "\u0000\u0001", "<html>data: x</html>"])(
    "and is none at all, is judged whole: %j",
    async (body) => {
      world(() => new Response(body, { headers: { "Content-Type": "application/octet-stream" } }));
      const { key, model } = await watched("openai");
      const answer = await ask(key, model);
      expect([answer.status, await ended(key, idOf(answer))]).toMatchObject([
        502,
        { status: "failed", error: { code: expect.stringMatching(/^(?:backend_garbage|backend_error)$/) } },
      ]);
    },
  );
});

describe("a stream with which a plain server answers a chat", () => {
  // What may pass is tried again, as with any whole answer; here is what ends at once.
  const ending = STREAMS.filter(({ speaks, amounts }) => {
    return speaks === "openai" && (amounts.to === "whole" || ["backend_rejected", "backend_garbage"].includes(amounts.code));
  });

  test.each(ending)("is what it says: $name", async (form) => {
    world(() => streamOf(form));
    const { key, model } = await watched("http");
    const chat = { model, messages: [{ role: "user", content: "Hi" }], stream: true };
    const answer = await as(key, "POST", "/v1/chat/completions", chat);
    const shown = await ended(key, idOf(answer));
    if (form.amounts.to === "failure") {
      expect(shown).toMatchObject({ status: "failed", attempts: 1, error: shownFailure(form.amounts) });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      return;
    }
    expect(shown).toMatchObject({ status: "succeeded", output: { model, choices: [{ message: form.amounts.message }] } });
    const text = await answer.text();
    for (const [name, decode] of Object.entries(DECODERS)) {
      const { values, error } = decode(text);
      expect([name, values.map((value) => WIRES[0]?.textIn(value) ?? "").join(""), error]).toEqual([name, form.passes, null]);
    }
  });
});

describe("a chat whose server leaves out of a first piece what clients wait for", () => {
  const head = { id: "c", object: "chat.completion.chunk", created: 1 };
  const event = (choices: unknown[], more: object = {}) => `data: ${JSON.stringify({ ...head, ...more, choices })}\n\n`;
  const piece = (delta: unknown, index: number | undefined = 0, finish_reason: string | null = null) =>
    event([{ index, delta, finish_reason }]);
  const calls = [{ index: 0, id: "a", type: "function", function: { name: "find", arguments: "{}" } }];
  const role = "assistant";
  const untyped = (id: string) => ({ index: 0, id, function: { name: "find", arguments: "" } });
  const typed = (id: string) => ({ ...untyped(id), type: "function" });
  /** A stream without what it says while the server is silent. */
  const said = (text: string) => text.replaceAll(/^:\n/gm, "");

  test.each<[string, string[], unknown[]]>([
    ["no role in any chunk", [piece({ tool_calls: calls }), piece({}, 0, "tool_calls")], [{ role, tool_calls: calls }, {}]],
    [
      "no role in the first of each choice",
      [piece({ content: "a" }, 1), piece({}), piece({ content: "b" }), piece({}, 1, "stop"), piece({}, 0, "stop")],
      [{ role, content: "a" }, { role }, { content: "b" }, {}, {}],
    ],
    [
      "a role that is null, or an empty text",
      [
        piece({ role: null, content: "a" }),
        piece({ role: "", content: "b" }, 1),
        piece({ role: null }, 0, "stop"),
        piece({ role: "" }, 1, "stop"),
      ],
      [{ role, content: "a" }, { role, content: "b" }, { role: null }, { role: "" }],
    ],
    [
      "no role, and chunks before it that count or filter alone",
      [
        event([], { usage: { prompt_tokens: 1, completion_tokens: 0 } }),
        event([{ index: 0, finish_reason: null, content_filter_results: {} }]),
        piece(null),
        piece({ content: "a" }, 0, "stop"),
      ],
      [undefined, null, { role, content: "a" }],
    ],
    [
      "no role and no index",
      [event([{ delta: { content: "a" } }]), event([{ delta: { content: "b" }, finish_reason: "stop" }])],
      [{ role, content: "a" }, { content: "b" }],
    ],
    [
      "nothing, its role is of its own",
      [piece({ role: "tool", content: "a" }), piece({ content: "b" }, 0, "stop")],
      [{ role: "tool", content: "a" }, { content: "b" }],
    ],
    [
      "no type of a call",
      [
        piece({ role, tool_calls: [untyped("a"), { ...untyped("b"), index: 1, type: null }] }),
        piece({ tool_calls: [{ index: 0, function: { arguments: "{" } }] }),
        piece({ tool_calls: [{ ...untyped("a"), function: { name: "find", arguments: "}" } }] }), // as some say who it is each time
        piece({ tool_calls: [{ ...untyped("c"), index: 2, type: "" }] }, 0, "tool_calls"),
      ],
      [
        { role, tool_calls: [typed("a"), { ...typed("b"), index: 1 }] },
        { tool_calls: [{ index: 0, function: { arguments: "{" } }] },
        { tool_calls: [{ ...untyped("a"), function: { name: "find", arguments: "}" } }] },
        { tool_calls: [{ ...typed("c"), index: 2 }] },
      ],
    ],
    [
      "no type of a later piece that says again whose call it is",
      [
        piece({
          role,
          tool_calls: [
            { ...untyped("a"), type: "function" },
            { index: 1, id: "b", type: "function", function: {} },
          ],
        }),
        piece({ tool_calls: [untyped("a"), { ...untyped("b"), index: 1 }] }, 0, "tool_calls"),
      ],
      [
        { role, tool_calls: [typed("a"), { index: 1, id: "b", type: "function", function: {} }] },
        { tool_calls: [untyped("a"), { ...untyped("b"), index: 1 }] },
      ],
    ],
    [
      "no type of what is no call of a function, or not its beginning",
      [
        piece({
          role,
          tool_calls: [
            { index: 0, id: "a", custom: { name: "find" } },
            { index: 1, id: "b", function: { name: "" } },
          ],
        }),
        piece({ tool_calls: [{ index: 0, id: "", function: { name: "find" } }, null, { index: 1, function: { name: "find" } }] }),
        piece({ tool_calls: [{ ...untyped("a"), type: "custom" }] }, 0, "tool_calls"),
      ],
      [
        {
          role,
          tool_calls: [
            { index: 0, id: "a", custom: { name: "find" } },
            { index: 1, id: "b", function: { name: "" } },
          ],
        },
        { tool_calls: [{ index: 0, id: "", function: { name: "find" } }, null, { index: 1, function: { name: "find" } }] },
        { tool_calls: [{ ...untyped("a"), type: "custom" }] },
      ],
    ],
  ])("(%s) has it there, live and when it is read again", async (_, sends, deltas) => {
    world(() => streamOf({ sends: [...sends, "data: [DONE]\n\n"], ends: "close" }));
    const { key, model } = await watched("openai");
    const ask = (query: string) =>
      as(key, "POST", `/v1/chat/completions${query}`, { model, messages: [{ role: "user", content: "Hi" }], stream: true });
    const text = await (await ask("")).text();
    const shown = DECODERS["openai-python"]?.(text).values.flatMap((value) =>
      (value as { choices: { delta?: unknown }[] }).choices.map(({ delta }) => delta),
    );
    expect(shown).toEqual(deltas);
    const detached = await ask("?detach=1");
    const withIds = said(await detached.text());
    expect(withIds.replaceAll(/^id: .*\n/gm, "")).toBe(said(text));
    const again = said(await (await as(key, "GET", `/v1/inferences/${idOf(detached)}/stream`)).text());
    expect(again).toBe(`retry: 1000\n${withIds}`);
  });

  test("and does not stream either has it in its one piece", async () => {
    world(() =>
      Response.json({
        ...head,
        object: "chat.completion",
        choices: [{ index: 0, message: { tool_calls: [untyped("a")] }, finish_reason: "tool_calls" }],
      }),
    );
    const { key, model } = await watched("openai");
    const answer = await as(key, "POST", "/v1/chat/completions", { model, messages: [{ role: "user", content: "Hi" }], stream: true });
    expect(await answer.text()).toContain(`"delta":${JSON.stringify({ tool_calls: [typed("a")], role })}`);
  });
});

describe("a failure in a success of a tensor server", () => {
  test.each<[string, unknown, string]>([
    ["infer", { inputs: [{ name: "x", shape: [1], datatype: "INT64", data: [1] }] }, "odd shape"],
    ["generate", { text_input: "Hi" }, "odd shape"],
  ])("is told with its status and its reason by %s", async (verb, body, reason) => {
    let calls = 0;
    world((request) => {
      if (request.method === "POST") calls++;
      return Response.json({ error: { code: 400, message: reason } });
    });
    const { key, model } = await watched("oip");
    const answer = await as(key, "POST", `/v2/models/${model}/${verb}`, body);
    expect([answer.status, await answer.json()]).toEqual([400, { error: expect.stringContaining(reason) }]);
    expect(calls).toBe(1);
  });
});

describe("an answer that is nested deeper than the stack", () => {
  const lists = "[".repeat(100_000) + "]".repeat(100_000);
  const objects = `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`;
  const events = (data: string) => streamOf({ sends: [`data: ${data}\n\n`], ends: "close" });
  const tensors = { inputs: [{ name: "x", shape: [1], datatype: "INT64", data: [1] }] };
  const chat = { messages: [{ role: "user", content: "Hi" }], stream: true };

  test.each<[string, string, string, object, () => Response]>([
    ["a stream's failure", "openai", "chat/completions", chat, () => events(`{"error":${lists}}`)],
    ["a stream's delta", "openai", "chat/completions", chat, () => events(`{"choices":[{"index":0,"delta":${objects}}]}`)],
    [
      "a tensor of open size",
      "oip",
      "infer",
      tensors,
      () => new Response(`{"outputs":[{"name":"y","shape":[-1],"datatype":"INT64","data":${lists}}]}`),
    ],
  ])("as %s is odd, and asked for once", async (_what, protocol, verb, input, answerWith) => {
    let calls = 0;
    const { key, model } = await watched(protocol);
    world((request) => {
      if (request.method === "POST" && request.url.includes(model)) calls++;
      return request.method === "POST" ? answerWith() : new Response(null, { status: 404 });
    });
    const path = protocol === "oip" ? `/v2/models/${model}/${verb}` : `/v1/${verb}`;
    const answer = await as(key, "POST", path, { ...input, ...(protocol === "oip" ? {} : { model }) });
    expect([answer.status, JSON.stringify(await answer.json()), calls]).toEqual([502, expect.stringContaining("is nested too deeply"), 1]);
  });
});

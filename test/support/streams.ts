/**
 * Streams as servers send them: short ones of our own in the forms that vLLM, SGLang, llama.cpp, Ollama, TGI, Triton and
 * what stands before them have, whole and broken, and what each of them amounts to. The fake GPU servers speak them.
 */

/** What a stream amounts to. */
export type Amounts =
  /** The message of the completion that is stored; for a server of the Open Inference Protocol its text. */
  | { readonly to: "whole"; readonly message: Readonly<Record<string, unknown>> }
  | { readonly to: "failure"; readonly code: string; readonly reason: string; readonly ownCode?: string | null };

export interface StreamForm {
  readonly name: string;
  readonly speaks: "openai" | "oip";
  /** All that the server sends, in pieces, and how that ends. */
  readonly sends: readonly string[];
  readonly ends: "close" | "reset";
  /** The text that passes to a client that reads along. */
  readonly passes: string;
  readonly amounts: Amounts;
}

/** The server's own name for the model, which no client sees. */
export const REMOTE_MODEL = "meta/llama";

const event = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`;
const DONE = "data: [DONE]\n\n";
const USAGE = { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 };

/** A chunk as each server has it: what is the same in all of its chunks, and in all of its choices. */
function chunks(head: object, beside: object = {}): (delta: object, finish?: unknown, more?: object) => string {
  const base = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_000, model: REMOTE_MODEL, ...head };
  return (delta, finish = null, more = {}) => event({ ...base, choices: [{ index: 0, delta, ...beside, finish_reason: finish, ...more }] });
}

const usage = (head: object = {}) =>
  event({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1_700_000_000,
    model: REMOTE_MODEL,
    ...head,
    choices: [],
    usage: USAGE,
  });

const vllm = chunks({ prompt_token_ids: null }, { logprobs: null, token_ids: null });
const sglang = chunks({ usage: null }, { logprobs: null, matched_stop: null });
const llamacpp = chunks({ system_fingerprint: "b1-c0ffee" });
const ollama = chunks({ system_fingerprint: "fp_ollama" });
const tgi = chunks({ id: "", system_fingerprint: "3.0.0-native", usage: null }, { logprobs: null });
const other = chunks({});

/** The beginning of a stream of each that goes on with other things. */
const hel = (chunk: typeof vllm) => [chunk({ role: "assistant", content: "" }), chunk({ content: "Hel" })];
const hello = (chunk: typeof vllm) => [...hel(chunk), chunk({ content: "lo" })];

const text = (content: string): Amounts => ({ to: "whole", message: { role: "assistant", content } });
/** `ownCode`: of the server's own error object, which a refusal keeps on OpenAI's wire, as text. */
const fails = (code: string, reason: string, ownCode?: string | null): Amounts => ({
  to: "failure",
  code,
  reason,
  ...(ownCode === undefined ? {} : { ownCode }),
});

interface Form {
  readonly sends: readonly string[];
  readonly passes?: string;
  readonly ends?: "close" | "reset";
  readonly amounts: Amounts;
}

function formsOf(speaks: StreamForm["speaks"], forms: Readonly<Record<string, Form>>): StreamForm[] {
  return Object.entries(forms).map(([name, { sends, passes = "Hello", ends = "close", amounts }]) => ({
    name,
    speaks,
    sends,
    ends,
    passes,
    amounts,
  }));
}

const call = (id: string, name: string, args: string) => ({ id, type: "function", function: { name, arguments: args } });
const calls = (...entries: object[]) => ({ tool_calls: entries });
const called = (...tool_calls: object[]): Amounts => ({ to: "whole", message: { role: "assistant", tool_calls } });

/** Chat completions that come whole. */
const GOOD_CHATS = formsOf("openai", {
  "vLLM's": { sends: [...hello(vllm), vllm({ content: "" }, "stop", { stop_reason: null }), usage(), DONE], amounts: text("Hello") },
  "SGLang's": {
    sends: [
      sglang({ role: "assistant", content: "", reasoning_content: null, tool_calls: null }),
      sglang({ role: null, content: "Hel", reasoning_content: null, tool_calls: null }),
      sglang({ role: null, content: "lo", reasoning_content: null, tool_calls: null }),
      sglang({ role: null, content: null, reasoning_content: null, tool_calls: null }, "stop", { matched_stop: 128_009 }),
      usage(),
      DONE,
    ],
    amounts: text("Hello"),
  },
  "llama.cpp's, with pauses": {
    sends: [
      ":\n\n",
      llamacpp({ role: "assistant", content: null }),
      llamacpp({ content: "Hel" }),
      ":\n\n",
      llamacpp({ content: "lo" }),
      llamacpp({}, "stop"),
      usage({ timings: { predicted_per_second: 50.5 } }),
      DONE,
    ],
    amounts: text("Hello"),
  },
  "Ollama's, which names the role in each": {
    sends: [
      ollama({ role: "assistant", content: "Hel" }),
      ollama({ role: "assistant", content: "lo" }),
      ollama({ role: "assistant", content: "" }, "stop"),
      usage(),
      DONE,
    ],
    amounts: text("Hello"),
  },
  "an older Ollama's, whose finish_reason is empty until the end": {
    sends: [
      ollama({ role: "assistant", content: "Hel" }, ""),
      ollama({ role: "assistant", content: "lo" }, ""),
      ollama({ content: "" }, "stop"),
      DONE,
    ],
    amounts: text("Hello"),
  },
  "TGI's, without the space after the colon": {
    sends: [tgi({ role: "assistant", content: "Hel" }), ":\n\n", tgi({ role: "assistant", content: "lo" }, "stop"), DONE].map((it) =>
      it.replace("data: ", "data:"),
    ),
    amounts: text("Hello"),
  },
  "one with lines that end in CR LF, cut anywhere": {
    sends:
      [...hello(other), other({}, "stop"), DONE]
        .join("")
        .replaceAll("\n", "\r\n")
        .match(/[^]{1,29}/g) ?? [],
    amounts: text("Hello"),
  },
  "one with lines that end in CR": {
    sends: [...hello(other), other({}, "stop"), DONE].map((it) => it.replaceAll("\n", "\r")),
    amounts: text("Hello"),
  },
  "one with names, ids and retries": {
    sends: [
      "retry: 3000\n\n",
      ...[...hello(other), other({}, "stop")].map((it, id) => `id: ${id}\nevent: message\n${it}`),
      "id: 9\n\n",
      DONE,
    ],
    amounts: text("Hello"),
  },
  "one with comments and empty events in its pauses": {
    sends: [
      ": PROCESSING\n\n",
      ...hel(other),
      "data:\n\n",
      ": PROCESSING\n\n\n",
      "event: ping\ndata: {}\n\n",
      other({ content: "lo" }),
      "data: \n\n",
      other({}, "stop"),
      DONE,
    ],
    amounts: text("Hello"),
  },
  "one whose chunks say that there is no error": {
    sends: [{}, "", false, null, [], { code: null, message: "" }]
      .map((error, index) =>
        event({
          id: "c",
          model: REMOTE_MODEL,
          error,
          choices: [{ index: 0, delta: { content: "Hello!"[index] }, finish_reason: index === 5 ? "stop" : null }],
        }),
      )
      .concat(DONE),
    passes: "Hello!",
    amounts: text("Hello!"),
  },
  "one whose text has ends of lines that are none in a stream": {
    sends: [...hel(other), other({ content: "\u0085l\u2028o\u2029" }), other({}, "stop"), DONE],
    passes: "Hel\u0085l\u2028o\u2029",
    amounts: text("Hel\u0085l\u2028o\u2029"),
  },
  "one that ends without [DONE]": { sends: [...hello(other), other({}, "stop"), usage()], amounts: text("Hello") },
  "one whose last line lacks its end": { sends: [...hello(other), other({}, "stop"), "data: [DONE]"], amounts: text("Hello") },
  "one that begins without a choice": {
    sends: [
      event({ id: "", model: "", object: "", choices: [], prompt_filter_results: [{ prompt_index: 0 }] }),
      ...hello(other),
      other({}, "length"),
      DONE,
    ],
    amounts: text("Hello"),
  },
  "one that comes as lines of JSON": {
    sends: [...hello(other), other({}, "stop")].map((it) => it.replace("data: ", "").trimEnd() + "\n"),
    amounts: text("Hello"),
  },
  "one with events that are no chunks": {
    sends: [
      event({ type: "ping" }),
      event({}),
      event(null),
      ...hello(other),
      event({ id: "c", note: "nearly there" }),
      other({}, "stop"),
      DONE,
    ],
    amounts: text("Hello"),
  },
  "vLLM's call of a tool": {
    sends: [
      vllm({ role: "assistant", content: "" }),
      vllm(calls({ index: 0, id: "a", type: "function", function: { name: "f" } })),
      vllm(calls({ index: 0, function: { arguments: '{"x"' } })),
      vllm(calls({ index: 0, function: { arguments: ": 1}" } })),
      vllm({}, "tool_calls"),
      DONE,
    ],
    passes: "",
    amounts: called(call("a", "f", '{"x": 1}')),
  },
  "SGLang's calls of tools, whose later chunks say id and name empty": {
    sends: [
      sglang(calls({ index: 0, ...call("a", "f", "") })),
      sglang(calls({ index: 0, id: "", type: "function", function: { name: "", arguments: '{"x": 1}' } })),
      sglang(calls({ index: 1, ...call("b", "f", "") })),
      sglang(calls({ index: 1, id: null, type: "function", function: { name: null, arguments: '{"x": 2}' } })),
      sglang({}, "tool_calls"),
      DONE,
    ],
    passes: "",
    amounts: called(call("a", "f", '{"x": 1}'), call("b", "f", '{"x": 2}')),
  },
  "llama.cpp's call of a tool, token by token": {
    sends: [
      llamacpp({ role: "assistant", content: null }),
      llamacpp(calls({ index: 0, ...call("a", "f", "{") })),
      ...['"x"', ":", "1", "}"].map((args) => llamacpp(calls({ index: 0, function: { arguments: args } }))),
      llamacpp({}, "tool_calls"),
      DONE,
    ],
    passes: "",
    amounts: called(call("a", "f", '{"x":1}')),
  },
  "Ollama's calls of tools, all of index 0": {
    sends: [
      ollama({ role: "assistant", content: "", ...calls({ index: 0, ...call("a", "f", '{"x":1}') }) }),
      ollama({ role: "assistant", content: "", ...calls({ index: 0, ...call("b", "g", '{"y":2}') }) }),
      ollama({ role: "assistant", content: "" }, "tool_calls"),
      DONE,
    ],
    passes: "",
    amounts: called(call("a", "f", '{"x":1}'), call("b", "g", '{"y":2}')),
  },
  "one whose name of a tool comes in two pieces": {
    sends: [
      other(calls({ index: 0, id: "a", type: "function", function: { name: "get_" } })),
      other(calls({ index: 0, function: { name: "weather", arguments: "" } })),
      other(calls({ index: 0, function: { arguments: "{}" } })),
      other({}, "tool_calls"),
      DONE,
    ],
    passes: "",
    amounts: called(call("a", "get_weather", "{}")),
  },
  "TGI's call of a tool, which is no list": {
    sends: [
      tgi({ role: "assistant", tool_calls: { index: 0, id: "", type: "function", function: { name: "f", arguments: "{" } } }),
      tgi({ role: "assistant", tool_calls: { index: 0, id: "", type: "function", function: { name: null, arguments: "}" } } }),
      tgi({ role: "assistant", content: "" }, "tool_calls"),
      DONE,
    ],
    passes: "",
    amounts: called(call("", "f", "{}")),
  },
});

/** Chat completions that break after their first words. */
const BROKEN_CHATS = formsOf("openai", {
  "vLLM's error and [DONE]": {
    sends: [...hel(vllm), event({ error: { message: "engine died", type: "InternalServerError", param: null, code: 500 } }), DONE],
    passes: "Hel",
    amounts: fails("backend_error", "engine died"),
  },
  "an older vLLM's error": {
    sends: [...hel(vllm), event({ object: "error", message: "too long", type: "BadRequestError", param: null, code: 400 }), DONE],
    passes: "Hel",
    amounts: fails("backend_rejected", "too long", "400"),
  },
  "SGLang's aborted one": {
    sends: [
      ...hel(sglang),
      event({ error: { object: "error", message: "Aborted.", type: "SERVICE_UNAVAILABLE", param: null, code: 503 } }),
      DONE,
    ],
    passes: "Hel",
    amounts: fails("backend_unavailable", "Aborted."),
  },
  "vLLM's that ends by abort": {
    sends: [...hel(vllm), vllm({}, "abort"), DONE],
    passes: "Hel",
    amounts: fails("backend_error", '"abort"'),
  },
  "llama.cpp's error, a field of its own": {
    sends: [...hel(llamacpp), 'error: {"code":500,"message":"out of memory","type":"server_error"}\n\n', DONE],
    passes: "Hel",
    amounts: fails("backend_error", "out of memory"),
  },
  "llama.cpp's error of today": {
    sends: [
      ...hel(llamacpp),
      event({ error: { code: 400, message: "context full", type: "exceed_context_size_error", n_ctx: 512 } }),
      DONE,
    ],
    passes: "Hel",
    amounts: fails("backend_rejected", "context full", "400"),
  },
  "Ollama's error, which nothing frames": {
    sends: [...hel(ollama), '{"error":{"message":"runner terminated","type":"api_error","param":null,"code":null}}\n'],
    passes: "Hel",
    amounts: fails("backend_error", "runner terminated"),
  },
  "TGI's error": {
    sends: [...hel(tgi), event({ error: "Request failed during generation: no memory", error_type: "generation" }), DONE],
    passes: "Hel",
    amounts: fails("backend_error", "no memory"),
  },
  "TGI's overload": {
    sends: [...hel(tgi), event({ error: "Model is overloaded", error_type: "overloaded" }), DONE],
    passes: "Hel",
    amounts: fails("backend_unavailable", "Model is overloaded"),
  },
  "an event named error": {
    sends: [...hel(other), `event: error\n${event({ message: "lost the worker" })}`, DONE],
    passes: "Hel",
    amounts: fails("backend_error", "lost the worker"),
  },
  "an event named error, of text": {
    sends: [...hel(other), "event: error\ndata: lost the worker\n\n", DONE],
    passes: "Hel",
    amounts: fails("backend_error", "lost the worker"),
  },
  "an event named error, without data": {
    sends: [...hel(other), "event: error\n\n", DONE],
    passes: "Hel",
    amounts: fails("backend_error", "500"),
  },
  "the failed response of OpenAI's newer API": {
    sends: [
      ...hel(other),
      `event: response.failed\n${event({
        type: "response.failed",
        response: { id: "resp_1", status: "failed", error: { code: "server_error", message: "lost the worker" } },
      })}`,
    ],
    passes: "Hel",
    amounts: fails("backend_error", "lost the worker"),
  },
  "FastAPI's detail": {
    sends: [...hel(other), event({ detail: "worker lost" }), DONE],
    passes: "Hel",
    amounts: fails("backend_error", "worker lost"),
  },
  "a gateway's, with a finish_reason of error": {
    sends: [
      ...hel(other),
      event({
        id: "c",
        error: { code: 502, message: "Provider disconnected" },
        choices: [{ index: 0, delta: { content: "" }, finish_reason: "error" }],
      }),
      DONE,
    ],
    passes: "Hel",
    amounts: fails("backend_error", "Provider disconnected"),
  },
  "a finish_reason of error alone": {
    sends: [...hel(other), other({}, "error"), DONE],
    passes: "Hel",
    amounts: fails("backend_error", '"error"'),
  },
  "a message alone": {
    sends: [...hel(other), event({ status: "error", msg: "lost" })],
    passes: "Hel",
    amounts: fails("backend_error", "lost"),
  },
  "an error that nothing frames, on several lines": {
    sends: [...hel(other), `${JSON.stringify({ error: { message: "lost" } }, null, 2)}\n`],
    passes: "Hel",
    amounts: fails("backend_error", "lost"),
  },
  "an event that ends in the middle": {
    sends: [...hel(other), 'data: {"id":"chatcmpl'],
    passes: "Hel",
    amounts: fails("backend_cut", "broke off"),
  },
  "an error beside a chunk, line upon line": {
    sends: [...hel(other), `${other({ content: "lo" }).trimEnd()}\n{"error": {"message": "lost"}}\n\n`, DONE],
    amounts: fails("backend_error", "lost"),
  },
  "no finish_reason at all": { sends: [...hello(other), DONE], amounts: fails("backend_cut", "broke off") },
  "an empty finish_reason, and its end": {
    sends: [other({ content: "Hel" }, ""), other({ content: "lo" }, "")],
    amounts: fails("backend_cut", "broke off"),
  },
  "a body that ends": { sends: hello(other), amounts: fails("backend_cut", "broke off") },
  "a connection that breaks": {
    sends: [...hel(other), 'data: {"id":"chatcmpl'],
    ends: "reset",
    passes: "Hel",
    amounts: fails("backend_cut", "broke off"),
  },
  "what is not JSON": {
    sends: [...hel(other), "data: <html>\n\n", DONE],
    passes: "Hel",
    amounts: fails("backend_garbage", "not a JSON object"),
  },
});

const triton = (text_output: string, more: object = {}) =>
  event({ model_name: "ensemble", model_version: "1", sequence_end: false, sequence_id: 0, sequence_start: false, text_output, ...more });
const tgiToken = (id: number, text_: string, special = false, more: object = {}) =>
  event({ index: id, token: { id, text: text_, logprob: -0.5, special }, generated_text: null, details: null, ...more }).replace(
    "data: ",
    "data:",
  );
const said = (text_output: string): Amounts => ({ to: "whole", message: { text_output } });

/** Text of servers of the Open Inference Protocol's `generate_stream`. */
const TEXTS = formsOf("oip", {
  "Triton's": { sends: [triton("Hel"), triton("lo"), triton("")], amounts: said("Hello") },
  "Triton's, with keep-alives and [DONE]": {
    sends: [":\n\n", triton("Hel"), "data:\n\n", "data: \n\n", triton("lo"), DONE],
    amounts: said("Hello"),
  },
  "TGI's tokens": {
    sends: [
      tgiToken(1, "Hel"),
      ":\n\n",
      tgiToken(2, "lo"),
      tgiToken(3, "</s>", true, { generated_text: "Hello", details: { finish_reason: "eos_token", generated_tokens: 3, seed: null } }),
    ],
    amounts: said("Hello"),
  },
  "one that says that there is no error": { sends: [triton("Hel", { error: "" }), triton("lo", { error: null })], amounts: said("Hello") },
  "Triton's error": {
    sends: [triton("Hel"), event({ error: "in ensemble, failed to allocate" })],
    passes: "Hel",
    amounts: fails("model_failed", "failed to allocate"),
  },
  "TGI's error as an event of its own, and [DONE]": {
    sends: [tgiToken(1, "Hel"), event({ error: "no memory", error_type: "generation" }), DONE],
    passes: "Hel",
    amounts: fails("model_failed", "no memory"),
  },
  "TGI's overload, told in the stream": {
    sends: [tgiToken(1, "Hel"), event({ error: "Model is overloaded", error_type: "overloaded" })],
    passes: "Hel",
    amounts: fails("backend_unavailable", "Model is overloaded"),
  },
  "an error that nothing frames": { sends: [triton("Hel"), '{"error":"lost"}'], passes: "Hel", amounts: fails("model_failed", "lost") },
  "an event named error, of a text server": {
    sends: [triton("Hel"), 'event: error\ndata: {"detail":"lost"}\n\n'],
    passes: "Hel",
    amounts: fails("model_failed", "lost"),
  },
  "a connection that breaks in a text": {
    sends: [triton("Hel")],
    ends: "reset",
    passes: "Hel",
    amounts: fails("backend_cut", "broke off"),
  },
});

export const STREAMS: readonly StreamForm[] = [...GOOD_CHATS, ...BROKEN_CHATS, ...TEXTS];

/**
 * Client of servers of the OpenAI API, such as vLLM: an inference's input is the body of a chat completion. The server
 * is asked for the model by the name that it knows, and its answer has the name that clients know. Whether the
 * answer streams is decided by the caller, not by the input. A stream is put together on its way, and the whole is stored.
 * The tokens are always asked for; a client that did not ask for them does not see them.
 * Source: openai/openai-openapi, `POST /v1/chat/completions`.
 */
import { JSON_TYPE } from "../content/content.ts";
import { parseJson, parseTolerantly, writeJson } from "../encoding/json.ts";
import { BACKEND_ANSWER_BYTES, FORMS_MS } from "../limits.ts";
import { Completion, isUsageAlone, usageOf } from "./completion.ts";
import { isObject } from "../tensors/tensor.ts";
import type { Outcome } from "./outcome.ts";
import { type Answer, type BackendCall, type Outside, type Protocol, type Sink, askReady, exchange, inputText, textOf } from "./backend.ts";
import { cutOff, garbage, oversized, refusal, refusedInside, unsendable } from "./judgement.ts";
import { type Reading, isEventStream, outcomeOfEvents, stream } from "./sse.ts";
import { type Members, type SaidFailure, failureIn } from "./stream-events.ts";
import { framed } from "./event-reader.ts";

/** What is asked of a model by a chat completion. */
export const CHAT = "chat/completions";

export const openai: Protocol = {
  async infer(call, outside): Promise<Outcome> {
    const input = chatOf(call);
    if (input === null) return NOT_CHAT;
    const { stream_options: _, ...whole } = input;
    const exchanged = await exchange(outside, urlOf(call), questionOf(call, { ...whole, stream: false }, JSON_TYPE), call);
    return exchanged.ok ? outcomeOf(exchanged.value, call) : exchanged.fault;
  },

  async stream(call, outside, sink): Promise<Outcome> {
    // What streams is a chat; a client of another kind would not know what to make of it.
    if (call.capability !== CHAT) return openai.infer(call, outside);
    return streamChat(call, outside, sink, chunksFor(call));
  },

  ready({ backend, ...bounds }, outside) {
    return askReady(outside, `${baseOf(backend.url)}/v1/models`, bounds);
  },

  async describe() {
    return null;
  },
};

const NOT_CHAT = unsendable("input_not_chat", "The input of a chat model must be an object with `messages`.");

/** The input as the body of a chat completion; null if it is none. */
function chatOf({ input }: BackendCall): Members | null {
  const value: unknown = parseJson(inputText(input));
  return isObject(value) && Array.isArray(value["messages"]) ? value : null;
}

/** An address that was registered with the version that every path of this API begins with. */
function baseOf(url: string): string {
  return url.replace(/\/v1$/, "");
}

function urlOf({ backend }: BackendCall): string {
  return `${baseOf(backend.url)}/v1/chat/completions`;
}

function questionOf({ backend }: BackendCall, body: Members, accept: string) {
  // What is compressed on its way comes in blocks, not token by token.
  const headers = { "Content-Type": JSON_TYPE, Accept: accept, ...(accept === JSON_TYPE ? {} : { "Accept-Encoding": "identity" }) };
  return { method: "POST", headers, body: writeJson({ ...body, model: backend.remoteModel }) };
}

/** An answer that came whole. */
function outcomeOf(answer: Answer, call: BackendCall): Outcome {
  const refused = refusal(answer);
  if (refused) return refused;
  const known = parseTolerantly(textOf(answer));
  if (!known.ok) {
    // A server that streams whatever is asked for, or does not say that it does.
    const isStream = isEventStream(answer.headers) || STREAM.test(textOf(answer));
    return isStream ? outcomeOfChat(answer.bytes, call) : garbage("it is not JSON");
  }
  const { value: body, text } = known.value;
  const failure = failureIn(body);
  if (failure) return refusedInside(failure, answer);
  if (!isObject(body) || !Array.isArray(body["choices"])) return garbage("no choices");
  const shown = named(body, call);
  const usage = usageOf(body);
  return {
    kind: "done",
    output: { body: shown === body ? text : writeJson(shown), contentType: JSON_TYPE, items: 1, ...(usage ? { usage } : {}) },
  };
}

/** Statuses of a request that has a member too many, among other things. */
const REFUSES_MEMBERS: ReadonlySet<number | null> = new Set([400, 422]);

/** A chat whose stream came whole. */
export function outcomeOfChat(events: Uint8Array, call: BackendCall): Outcome {
  return outcomeOfEvents(events, new ChatReading(call, () => ""));
}

/** How a text begins that is a stream. */
const STREAM = /^\ufeff?\s*(?:data|event|id|retry)?:/;

/** Under the name that clients know. */
function named(body: Members, { model }: BackendCall): Members {
  return typeof body["model"] !== "string" || body["model"] === model ? body : { ...body, model };
}

/** What goes on of a chunk, and of the text that it was read from; "" for nothing. */
export type ShowChunk = (chunk: Members, data: string) => string;

/**
 * Asks for a chat's stream and gives it on to the sink as `show` has it; what is kept is the whole. That tokens are to be
 * counted is added to the request, and some servers refuse what they don't know. One that refuses is asked without; it is
 * remembered which of the two a server takes.
 */
export async function streamChat(call: BackendCall, outside: Outside, sink: Sink, show: ShowChunk): Promise<Outcome> {
  const input = chatOf(call);
  if (input === null) return NOT_CHAT;
  const { forms, clock } = outside;
  const name = `stream_options ${call.backend.id} ${call.backend.url}`;
  const known = forms?.get(name, clock.now());
  const begunAt = clock.now();
  let refusedBy: number | null = null;
  const ask = async (body: Members): Promise<Outcome> => {
    const timeoutMs = Math.max(1, call.timeoutMs - (clock.now() - begunAt));
    const question = questionOf(call, { ...body, stream: true }, "text/event-stream");
    const reading = new ChatReading(call, show);
    const whole = (answer: Answer) => {
      refusedBy = answer.status;
      return outcomeOf(answer, call);
    };
    const streamed = await stream(outside, urlOf(call), question, { ...call, timeoutMs }, sink, reading, whole);
    return streamed.ok ? streamed.value : streamed.fault;
  };
  const isAsked = isObject(input["stream_options"]);
  if (isAsked || known !== false) {
    const outcome = await ask({ ...input, stream_options: { ...optionsOf(input), include_usage: true } });
    if (outcome.kind === "done") forms?.set(name, true, clock.now() + FORMS_MS);
    if (isAsked || known === true || !REFUSES_MEMBERS.has(refusedBy)) return outcome;
  }
  const outcome = await ask(input);
  if (outcome.kind === "done") forms?.set(name, false, clock.now() + FORMS_MS);
  return outcome;
}

/** A chat's chunks for a client of OpenAI's API: word for word, but under the name that it knows. */
export function chunksFor(call: BackendCall): ShowChunk {
  const input = chatOf(call);
  const tellsUsage = input !== null && optionsOf(input)["include_usage"] === true;
  return (chunk, data) => {
    if (!tellsUsage && isUsageAlone(chunk)) return "";
    if (!Array.isArray(chunk["choices"])) return ""; // kept, but no client could read it
    const shown = named(withoutError(chunk), call);
    return framed(shown === chunk ? data : writeJson(shown));
  };
}

/** Without an `error` that says that there is none: some clients take its mere presence for one. */
function withoutError(chunk: Members): Members {
  if (!("error" in chunk)) return chunk;
  const { error: _, ...rest } = chunk;
  return rest;
}

function optionsOf({ stream_options: options }: Members): Members {
  return isObject(options) ? options : {};
}

/** What a chat's stream has said so far. */
class ChatReading implements Reading {
  readonly #call: BackendCall;
  readonly #show: ShowChunk;
  readonly #completion = new Completion();

  constructor(call: BackendCall, show: ShowChunk) {
    this.#call = call;
    this.#show = show;
  }

  take(chunk: Members, data: string): string | Outcome {
    this.#completion.add(chunk);
    return this.#completion.characters > BACKEND_ANSWER_BYTES ? oversized() : this.#show(chunk, data);
  }

  failed(failure: SaidFailure): Outcome {
    return refusedInside(failure, this.#call.identity);
  }

  /** A server that ends before every choice has a reason to end has broken off, whatever it says. */
  ended(isDone: boolean): Outcome {
    if (isDone && this.#completion.isEmpty) return garbage("no choices");
    if (!this.#completion.isWhole(isDone)) return cutOff();
    const completion = named(this.#completion.value(), this.#call);
    const usage = usageOf(completion);
    return { kind: "done", output: { body: writeJson(completion), contentType: JSON_TYPE, items: 1, ...(usage ? { usage } : {}) } };
  }
}

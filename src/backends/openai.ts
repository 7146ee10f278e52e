/**
 * Client of servers of the OpenAI API, such as vLLM: an inference's input is the body of a chat completion, of a completion,
 * of embeddings, or of whatever its capability has as a path (openai-paths.ts). The server is asked for the model by the name
 * that it knows, and its answer has the name that clients know. Whether the answer streams is decided by the caller, not by
 * the input. A stream is put together on its way, and the whole is stored.
 * The tokens are always asked for; a client that did not ask for them does not see them.
 * Source: openai/openai-openapi, `POST /v1/chat/completions`, `/v1/completions`, `/v1/embeddings`.
 */
import { JSON_TYPE } from "../content/content.ts";
import { parseAnswer, parseJson, writeJson } from "../encoding/json.ts";
import { BACKEND_ANSWER_BYTES, FORMS_MS, UPSTREAM_CHARACTERS } from "../limits.ts";
import { Completion, isUsageAlone, usageOf } from "./streams/completion.ts";
import { isObject } from "../tensors/tensor.ts";
import type { Outcome } from "./outcome.ts";
import {
  type Answer,
  type BackendCall,
  type Outside,
  type Protocol,
  type Sink,
  askReady,
  exchange,
  inputText,
  jsonOf,
  textOf,
} from "./backend.ts";
import { cutOff, garbage, oversized, refusal, refusedInside, unsendable } from "./judgement.ts";
import { type Reading, beginsAsStream, isEventStream, outcomeOfEvents, stream } from "./streams/sse.ts";
import { type Members, type SaidFailure, errorIn, failureIn } from "./streams/stream-events.ts";
import { framed } from "./streams/event-reader.ts";
import { FirstPieces } from "./streams/first-pieces.ts";
import { type Asked, CHAT, COMPLETIONS, EMBEDDINGS, askedBy, knownIn } from "./openai-paths.ts";
import { itemsIn } from "../tensors/plain.ts";

export const openai: Protocol = {
  async infer(call, outside): Promise<Outcome> {
    const asked = inputOf(call);
    if (asked === null) return unaskable(call);
    const { stream_options: _, ...whole } = asked.body;
    const body = asked.what === CHAT || asked.what === COMPLETIONS ? { ...whole, stream: false } : asked.body;
    const exchanged = await exchange(outside, urlOf(call, asked), questionOf(call, { ...asked, body }, JSON_TYPE), call);
    return exchanged.ok ? outcomeOf(exchanged.value, call, asked) : exchanged.fault;
  },

  async stream(call, outside, sink): Promise<Outcome> {
    // What streams is a completion; a client of another kind would not know what to make of it.
    const what = inputOf(call)?.what;
    if (what !== CHAT && what !== COMPLETIONS) return openai.infer(call, outside);
    return streamChat(call, outside, sink, chunksFor(call));
  },

  ready({ backend, ...bounds }, outside) {
    return askReady(outside, `${baseOf(backend.url)}/v1/models`, bounds, (answer) => unlisted(backend.remoteModel, answer));
  },

  async describe() {
    return null;
  },
};

/** Models that a message lists. */
const LISTED_MAX = 5;

/** What is wrong if a list of models lacks this one; null if it has it, or tells nothing. */
function unlisted(model: string, answer: Answer): string | null {
  const list = jsonOf(answer);
  const data: unknown = isObject(list) ? list["data"] : null;
  const ids = Array.isArray(data) ? data.flatMap((it: unknown) => (isObject(it) && typeof it["id"] === "string" ? [it["id"]] : [])) : [];
  // Ollama lists names with their tag, and takes them without the usual one.
  if (ids.length === 0 || ids.includes(model) || ids.includes(`${model}:latest`)) return null;
  const shown = ids.slice(0, LISTED_MAX).map((id) => `"${answer.conceal(id).slice(0, UPSTREAM_CHARACTERS)}"`);
  const more = ids.length > shown.length ? ` and ${ids.length - shown.length} more` : "";
  return (
    `The server does not list the model "${model}". It lists ${shown.join(", ")}${more}. Set remote_model to one of these; ` +
    "if the server takes any name, set ready_path."
  );
}

/** What is said where nothing was sent. */
function unaskable({ capability }: BackendCall): Outcome {
  switch (knownIn(capability)) {
    case CHAT:
      return unsendable("input_not_chat", "The input of a chat model must be an object with `messages`.");
    case COMPLETIONS:
      return unsendable("input_not_prompt", "The input of a completion must be an object with `prompt`, a text or a list.");
    case EMBEDDINGS:
      return unsendable("input_not_embeddable", "The input of embeddings must be an object with `input`, a text or a list.");
    case null:
      return unsendable("input_not_chat", "The input of a server of OpenAI's API must be an object with `messages`, `prompt` or `input`.");
  }
}

/** What the input asks for; null if it is nothing that can be asked. */
function inputOf({ capability, input }: BackendCall): Asked | null {
  return askedBy(capability, parseJson(inputText(input)));
}

/** An address that was registered with the version that every path of this API begins with. */
function baseOf(url: string): string {
  return url.replace(/\/v1$/, "");
}

function urlOf({ backend }: BackendCall, { path }: Asked): string {
  return `${baseOf(backend.url)}${path}`;
}

function questionOf({ backend }: BackendCall, { what, body }: Asked, accept: string) {
  // What is compressed on its way comes in blocks, not token by token.
  const headers = { "Content-Type": JSON_TYPE, Accept: accept, ...(accept === JSON_TYPE ? {} : { "Accept-Encoding": "identity" }) };
  // A server's own paths may know no `model`; one that is said is not what the server calls it.
  const isNamed = what !== null || "model" in body;
  return { method: "POST", headers, body: writeJson(isNamed ? { ...body, model: backend.remoteModel } : body) };
}

/** An answer that came whole. */
function outcomeOf(answer: Answer, call: BackendCall, { what }: Asked): Outcome {
  const refused = refusal(answer);
  if (refused) return refused;
  const known = parseAnswer(textOf(answer));
  if (!known.ok) {
    // A server that streams whatever is asked for, or does not say that it does.
    const isStream = isEventStream(answer.headers) || beginsAsStream(textOf(answer));
    return isStream && (what === CHAT || what === COMPLETIONS) ? outcomeOfChat(answer.bytes, call) : garbage("it is not JSON");
  }
  const { value: body, text } = known.value;
  const failure = what === null ? errorIn(body) : failureIn(body);
  if (failure) return refusedInside(failure, answer);
  if (what === EMBEDDINGS) return embeddingsIn(body, text, call);
  if (what === null) return wholeOf(body, isObject(body) ? named(body, call) : body, text, itemsIn(body));
  if (!isObject(body) || !Array.isArray(body["choices"])) return garbage("no choices");
  return wholeOf(body, named(body, call), text, 1);
}

/** An answer under the name that clients know; the text that it was read from, if that is the same. */
function wholeOf(body: unknown, shown: unknown, text: string, items: number): Outcome {
  const usage = isObject(body) ? usageOf(body) : null;
  const written = shown === body ? text : writeJson(shown);
  return { kind: "done", output: { body: written, contentType: JSON_TYPE, items, ...(usage ? { usage } : {}) } };
}

/** Embeddings in the order of what they are of, as clients read them; else as the server sent them: in base64 or as numbers. */
function embeddingsIn(body: unknown, text: string, call: BackendCall): Outcome {
  const data: unknown = isObject(body) ? body["data"] : null;
  if (!isObject(body) || !Array.isArray(data)) return garbage("no embeddings");
  const indexes = data.map((each: unknown) => (isObject(each) ? each["index"] : null));
  const areAll = indexes.every((index) => typeof index === "number");
  const isOrdered = !areAll || indexes.every((index, at) => at === 0 || Number(indexes[at - 1]) <= index);
  const ordered = isOrdered ? body : { ...body, data: data.toSorted((a, b) => a.index - b.index) };
  return wholeOf(body, named(ordered, call), text, data.length);
}

/** Statuses of a request that has a member too many, among other things. */
const REFUSES_MEMBERS: ReadonlySet<number | null> = new Set([400, 422]);

/** A chat whose stream came whole. */
export function outcomeOfChat(events: Uint8Array, call: BackendCall): Outcome {
  return outcomeOfEvents(events, new ChatReading(call, () => ""));
}

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
  const asked = inputOf(call);
  if (asked === null) return unaskable(call);
  const input = asked.body;
  const { forms, clock } = outside;
  const name = `stream_options ${call.backend.id} ${call.backend.url}`;
  const known = forms?.get(name, clock.now());
  const begunAt = clock.now();
  let refusedBy: number | null = null;
  const ask = async (body: Members): Promise<Outcome> => {
    const timeoutMs = Math.max(1, call.timeoutMs - (clock.now() - begunAt));
    const question = questionOf(call, { ...asked, body: { ...body, stream: true } }, "text/event-stream");
    const reading = new ChatReading(call, show);
    const whole = (answer: Answer) => {
      refusedBy = answer.status;
      return outcomeOf(answer, call, asked);
    };
    const streamed = await stream(outside, urlOf(call, asked), question, { ...call, timeoutMs }, sink, reading, whole);
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

/** A chat's chunks for a client of OpenAI's API: word for word, but under the name that it knows, and with whole first pieces. */
function chunksFor(call: BackendCall): ShowChunk {
  const asked = inputOf(call);
  const firstPieces = new FirstPieces();
  const tellsUsage = asked !== null && optionsOf(asked.body)["include_usage"] === true;
  return (chunk, data) => {
    if (!tellsUsage && isUsageAlone(chunk)) return "";
    if (!Array.isArray(chunk["choices"])) return ""; // kept, but no client could read it
    const shown = firstPieces.complete(named(withoutError(chunk), call));
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

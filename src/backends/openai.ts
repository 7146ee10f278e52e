/**
 * Client of servers of the OpenAI API, such as vLLM: an inference's input is the body of a chat completion. The server
 * is asked for the model by the name that it knows, and its answer has the name that clients know. Whether the
 * answer streams is the caller's affair, not the input's; a stream is put together on its way, and what is kept is the
 * whole. The tokens are always asked for; who did not ask for them is not told.
 * Source: openai/openai-openapi, `POST /v1/chat/completions`.
 */
import { JSON_TYPE } from "../content/content.ts";
import { parseJson, writeJson } from "../encoding/json.ts";
import { BACKEND_ANSWER_BYTES } from "../limits.ts";
import { Completion, type Members, isUsageAlone, usageOf } from "./completion.ts";
import { isObject } from "../tensors/tensor.ts";
import type { Outcome } from "./outcome.ts";
import {
  type Answer,
  type BackendCall,
  type Protocol,
  askReady,
  cutOff,
  exchange,
  garbage,
  inputText,
  jsonOf,
  oversized,
  parsed,
  reasonIn,
  refusal,
  rejected,
  textOf,
} from "./backend.ts";
import { type ServerEvent, type Verdict, stream } from "./sse.ts";

/** What is asked of a model by a chat completion. */
export const CHAT = "chat/completions";
/** The data of a stream's last event. */
export const DONE = "[DONE]";

export const openai: Protocol = {
  async infer(call, outside): Promise<Outcome> {
    const input = chatOf(call);
    if (input === null) return NOT_CHAT;
    const { stream_options: _, ...whole } = input;
    const exchanged = await exchange(outside, urlOf(call), questionOf(call, { ...whole, stream: false }, JSON_TYPE), call);
    return "outcome" in exchanged ? exchanged.outcome : outcomeOf(exchanged.answer, call);
  },

  async stream(call, outside, sink): Promise<Outcome> {
    // What streams is a chat; a client of another kind would not know what to make of it.
    if (call.capability !== CHAT) return openai.infer(call, outside);
    const input = chatOf(call);
    if (input === null) return NOT_CHAT;
    const options = isObject(input["stream_options"]) ? input["stream_options"] : {};
    const body = { ...input, stream: true, stream_options: { ...options, include_usage: true } };
    const reading = new Reading(call, options["include_usage"] === true, () => outside.clock.now());
    const question = questionOf(call, body, "text/event-stream");
    const streamed = await stream(outside, urlOf(call), question, call, sink, (event) => reading.judge(event));
    if ("outcome" in streamed) return streamed.outcome;
    return "answer" in streamed ? outcomeOf(streamed.answer, call) : reading.outcome();
  },

  ready({ backend, ...bounds }, outside) {
    return askReady(outside, `${backend.url}/v1/models`, bounds);
  },

  async describe() {
    return null;
  },
};

const NOT_CHAT = rejected("input", "input_not_chat", 422, "The input of a chat model must be an object with `messages`.");

/** The input as the body of a chat completion; null where it is none. */
function chatOf({ input }: BackendCall): Members | null {
  const value: unknown = parseJson(inputText(input));
  return isObject(value) && Array.isArray(value["messages"]) ? value : null;
}

function urlOf({ backend }: BackendCall): string {
  return `${backend.url}/v1/chat/completions`;
}

function questionOf({ backend }: BackendCall, body: Members, accept: string) {
  // What is compressed on its way comes in blocks, not token by token.
  const headers = { "Content-Type": JSON_TYPE, Accept: accept, ...(accept === JSON_TYPE ? {} : { "Accept-Encoding": "identity" }) };
  return { method: "POST", headers, body: writeJson({ ...body, model: backend.remoteModel }) };
}

/** An answer that came whole. */
function outcomeOf(answer: Answer, call: BackendCall): Outcome {
  const body = jsonOf(answer);
  const refused = refusal(answer, reasonOf(body));
  if (refused) return refused;
  if (!isObject(body) || !Array.isArray(body["choices"])) return garbage("no choices");
  const shown = named(body, call);
  const usage = usageOf(body);
  return {
    kind: "done",
    output: { body: shown === body ? textOf(answer) : writeJson(shown), contentType: JSON_TYPE, items: 1, ...(usage ? { usage } : {}) },
  };
}

/** Under the name that clients know. */
function named(body: Members, { model }: BackendCall): Members {
  return typeof body["model"] !== "string" || body["model"] === model ? body : { ...body, model };
}

/** The reason in an error body; older servers have it outside of any `error`. */
function reasonOf(body: unknown): string | null {
  const said = reasonIn(body);
  return said === null && isObject(body) && typeof body["message"] === "string" ? body["message"] : said;
}

/** What a stream has told so far. */
class Reading {
  readonly #call: BackendCall;
  readonly #tellsUsage: boolean;
  readonly #now: () => number;
  readonly #completion = new Completion();
  #isDone = false;
  #failure: Outcome | null = null;

  constructor(call: BackendCall, tellsUsage: boolean, now: () => number) {
    this.#call = call;
    this.#tellsUsage = tellsUsage;
    this.#now = now;
  }

  judge({ data }: ServerEvent): Verdict {
    if (data.trim() === DONE) {
      this.#isDone = true;
      return "stop";
    }
    const chunk = parsed(data);
    if (!isObject(chunk)) return this.#fails(garbage("an event that is no JSON object"));
    if (chunk["error"] !== undefined && chunk["error"] !== null) return this.#fails(this.#failureIn(chunk));
    this.#completion.add(chunk);
    if (this.#completion.characters > BACKEND_ANSWER_BYTES) return this.#fails(oversized());
    if (!this.#tellsUsage && isUsageAlone(chunk)) return "keep";
    const shown = named(chunk, this.#call);
    return shown === chunk ? "pass" : { instead: `data: ${writeJson(shown)}\n\n` };
  }

  /** When nothing more comes. A server that ends without a word has broken off, unless all was said. */
  outcome(): Outcome {
    if (this.#failure) return this.#failure;
    if (!this.#isDone && !this.#completion.isFinished) return cutOff();
    const completion = named(this.#completion.value(), this.#call);
    if (Array.isArray(completion["choices"]) && completion["choices"].length === 0) return garbage("no choices");
    const usage = usageOf(completion);
    return { kind: "done", output: { body: writeJson(completion), contentType: JSON_TYPE, items: 1, ...(usage ? { usage } : {}) } };
  }

  #fails(outcome: Outcome): Verdict {
    this.#failure = outcome;
    return "stop";
  }

  /** A failure that is told in the stream itself, since its status was sent long ago. */
  #failureIn(chunk: Members): Outcome {
    const code = isObject(chunk["error"]) ? chunk["error"]["code"] : null;
    const status = typeof code === "number" && code >= 400 && code <= 599 ? code : 500;
    const told = { status, headers: new Headers(), at: this.#now(), conceal: this.#call.identity.conceal };
    return refusal(told, reasonOf(chunk)) ?? cutOff();
  }
}

/**
 * Text generation as the Open Inference Protocol has it, and how a server of the OpenAI API comes to offer it: the text
 * is the one message of a chat, and what the model says to it is the output. A stream's pieces are events of their own,
 * and there is no last one to say that it was. Token ids, which the protocol has in its details, no chat tells.
 * Source: kserve/open-inference-protocol, specification/protocol/generate_rest.yaml.
 */
import { createParser } from "eventsource-parser";
import { JSON_TYPE } from "../content/content.ts";
import { writeJson } from "../encoding/json.ts";
import { isObject } from "../tensors/tensor.ts";
import { type BackendCall, type Protocol, type Sink, garbage, inputText, parsed, rejected } from "./backend.ts";
import { CHAT, DONE } from "./openai.ts";
import type { Outcome, Output } from "./outcome.ts";

/** What is asked of a model by `generate` and `generate_stream`. */
export const GENERATE = "generate";

/** The protocol's own, for a request that does not say how many tokens it wants. */
const MAX_TOKENS = 20;

export type Generated = Readonly<Record<string, unknown>> & { readonly text_output: string };

/** What an answer is said to come from. */
export type Origin = Pick<BackendCall, "model" | "version">;

export function isGenerated(value: unknown): value is Generated {
  return isObject(value) && typeof value["text_output"] === "string";
}

/** An answer under the name that clients know the model by, and its version where it has any. */
export function generatedBy<T extends object>(answer: T, { model, version }: Origin): T {
  const { model_name: _, model_version: __, ...rest } = answer as T & { model_name?: unknown; model_version?: unknown }; // whatever it has of these
  return { model_name: model, ...(version && { model_version: version }), ...rest } as T; // the same but for its names
}

export function eventOf(value: unknown): string {
  return `data: ${writeJson(value)}\n\n`;
}

/** What the stored input of such a request asks for; null where it is none. */
export function generateInput({ input }: BackendCall): Generate | null {
  const value = parsed(inputText(input));
  if (!isObject(value) || typeof value["text_input"] !== "string") return null;
  // Triton takes parameters beside the text too.
  const { text_input: text, parameters, ...beside } = value;
  return { text, parameters: { ...beside, ...(isObject(parameters) ? parameters : {}) } };
}

export interface Generate {
  readonly text: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export const NOT_GENERATE = rejected("input", "input_not_text", 422, "The input of text generation must be an object with `text_input`.");

/** A protocol for chats that also generates text. */
export function generating(chat: Protocol): Protocol {
  return {
    ...chat,
    async infer(call, outside) {
      if (call.capability !== GENERATE) return chat.infer(call, outside);
      const asked = generateInput(call);
      return asked ? generated(await chat.infer(chatCall(call, asked), outside), call, asked) : NOT_GENERATE;
    },
    async stream(call, outside, sink) {
      if (call.capability !== GENERATE) return chat.stream ? chat.stream(call, outside, sink) : chat.infer(call, outside);
      const asked = generateInput(call);
      if (!asked) return NOT_GENERATE;
      const chatted = chatCall(call, asked);
      const outcome = await (chat.stream ? chat.stream(chatted, outside, new Pieces(sink, call)) : chat.infer(chatted, outside));
      return generated(outcome, call, asked);
    },
  };
}

function chatCall(call: BackendCall, { text, parameters }: Generate): BackendCall {
  const { temperature, top_p, max_tokens, stop } = parameters;
  const body = writeJson({
    model: call.model,
    messages: [{ role: "user", content: text }],
    max_tokens: max_tokens ?? MAX_TOKENS,
    ...(temperature === undefined || temperature === null ? {} : { temperature }),
    ...(top_p === undefined || top_p === null ? {} : { top_p }),
    ...(stop === undefined || stop === null ? {} : { stop }),
  });
  return { ...call, capability: CHAT, input: { body, contentType: JSON_TYPE } };
}

/** A chat's outcome as that of a generation. */
function generated(outcome: Outcome, call: BackendCall, asked: Generate): Outcome {
  if (outcome.kind !== "done") return outcome;
  const choice = choiceOf(parsed(inputText(outcome.output)));
  if (!choice) return garbage("no choices");
  const text = isObject(choice["message"]) ? choice["message"]["content"] : null;
  const details = asked.parameters["details"] === true ? { details: { finish_reason: reasonOf(choice), logprobs: [] } } : {};
  const body = writeJson(generatedBy({ text_output: typeof text === "string" ? text : "", ...details }, call));
  const output: Output = { ...outcome.output, body, contentType: JSON_TYPE };
  return { kind: "done", output };
}

function choiceOf(chat: unknown): Readonly<Record<string, unknown>> | null {
  const choices = isObject(chat) ? chat["choices"] : null;
  const [first]: unknown[] = Array.isArray(choices) ? choices : [];
  return isObject(first) ? first : null;
}

/** Why it stopped, in the protocol's words. `stop_reason` is vLLM's: the text that it stopped at. */
function reasonOf({ finish_reason, stop_reason }: Readonly<Record<string, unknown>>): string {
  if (finish_reason === "length") return "length";
  return typeof stop_reason === "string" ? "stop_sequence" : "eos_token";
}

/** Takes a chat's chunks and gives on an event for each piece of text in them. */
class Pieces implements Sink {
  readonly #sink: Sink;
  readonly #decoder = new TextDecoder();
  readonly #parser;
  #events = "";

  constructor(sink: Sink, origin: Origin) {
    this.#sink = sink;
    this.#parser = createParser({
      onEvent: ({ data }) => {
        const text = data === DONE ? null : textIn(parsed(data));
        if (text !== null && text !== "") this.#events += eventOf(generatedBy({ text_output: text }, origin));
      },
    });
  }

  get begun(): boolean {
    return this.#sink.begun;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#parser.feed(this.#decoder.decode(chunk, { stream: true }));
    const events = this.#events;
    this.#events = "";
    if (events !== "") await this.#sink.write(new TextEncoder().encode(events));
  }
}

function textIn(chunk: unknown): string | null {
  const delta = choiceOf(chunk)?.["delta"];
  const text = isObject(delta) ? delta["content"] : null;
  return typeof text === "string" ? text : null;
}

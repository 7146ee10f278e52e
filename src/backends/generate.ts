/**
 * Text generation as the Open Inference Protocol has it, and how a server of the OpenAI API comes to offer it: the text
 * is the one message of a chat, and what the model says to it is the output. A stream's pieces are events of their own,
 * and none of them says that it is the last. A chat has no token ids, which the protocol has in its details.
 * Source: kserve/open-inference-protocol, specification/protocol/generate_rest.yaml.
 */
import { JSON_TYPE } from "../content/content.ts";
import { writeJson } from "../encoding/json.ts";
import { GENERATE_ID_CHARACTERS } from "../limits.ts";
import { isObject } from "../tensors/tensor.ts";
import { type BackendCall, type Protocol, inputText, parsed } from "./backend.ts";
import { garbage, unsendable } from "./judgement.ts";
import { CHAT, askedBy } from "./openai-paths.ts";
import { type ShowChunk, openai, streamChat } from "./openai.ts";
import type { Outcome, Output } from "./outcome.ts";
import { framed } from "./streams/event-reader.ts";

/** What is asked of a model by `generate` and `generate_stream`. */
export const GENERATE = "generate";

/** The protocol's own, for a request that does not say how many tokens it wants. */
const MAX_TOKENS = 20;

export type Generated = Readonly<Record<string, unknown>> & { readonly text_output: string };

/** The model that an answer names. */
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
  return framed(writeJson(value));
}

/** What the stored input of such a request asks for; null if it is none. */
export function generateInput({ input }: Pick<BackendCall, "input">): Generate | null {
  const value = parsed(inputText(input));
  if (!isObject(value) || typeof value["text_input"] !== "string") return null;
  // Triton takes parameters beside the text too.
  const { text_input: text, id, parameters, ...beside } = value;
  const named = typeof id === "string" && id.length <= GENERATE_ID_CHARACTERS ? { id } : {};
  return { text, named, parameters: { ...beside, ...(isObject(parameters) ? parameters : {}) } };
}

/**
 * Whether a call asks for text, where its wire does not say what it asks for: its input has `text_input`, and nothing that would be
 * another question.
 */
export function looksLikeText({ capability, input }: BackendCall, isOther: (value: unknown) => boolean): boolean {
  if (capability !== "" || !inputText(input).includes('"text_input"')) return false; // few inputs have to be read for this
  const value = parsed(inputText(input));
  return isObject(value) && typeof value["text_input"] === "string" && !isOther(value);
}

export interface Generate {
  readonly text: string;
  /** The client's id, which each event of its stream has, unless it is too long for that. */
  readonly named: { readonly id?: string };
  readonly parameters: Readonly<Record<string, unknown>>;
}

export const NOT_GENERATE = unsendable("input_not_text", "The input of text generation must be an object with `text_input`.");

/** The protocol of chat servers, by which they generate text too. */
export const generatingChat: Protocol = {
  ...openai,
  async infer(call, outside) {
    if (!isText(call)) return openai.infer(call, outside);
    const asked = generateInput(call);
    return asked ? generated(await openai.infer(chatCall(call, asked), outside), call, asked) : NOT_GENERATE;
  },
  async stream(call, outside, sink) {
    if (!isText(call)) return openai.stream ? openai.stream(call, outside, sink) : openai.infer(call, outside);
    const asked = generateInput(call);
    if (!asked) return NOT_GENERATE;
    return generated(await streamChat(chatCall(call, asked), outside, sink, piecesFor(call, asked)), call, asked);
  },
};

function isText(call: BackendCall): boolean {
  return call.capability === GENERATE || looksLikeText(call, (value) => askedBy("", value) !== null);
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

/** An event for each piece of text in a chat's chunks. */
function piecesFor(call: BackendCall, { named }: Generate): ShowChunk {
  return (chunk) => {
    const text = textIn(chunk);
    return text === null || text === "" ? "" : eventOf(generatedBy({ ...named, text_output: text }, call));
  };
}

function textIn(chunk: unknown): string | null {
  const delta = choiceOf(chunk)?.["delta"];
  const text = isObject(delta) ? delta["content"] : null;
  return typeof text === "string" ? text : null;
}

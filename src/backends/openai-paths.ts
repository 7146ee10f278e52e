/**
 * PURE. What is asked of a server of the OpenAI API, and where: a capability of OpenAI's is a path below `/v1/`, and one that
 * begins with a slash is a path of the server itself.
 */
import { isObject } from "../tensors/tensor.ts";
import type { Members } from "./streams/stream-events.ts";

/** What is asked of a model by a chat completion. */
export const CHAT = "chat/completions";
/** What is asked of it by the older completion of a text. */
export const COMPLETIONS = "completions";
export const EMBEDDINGS = "embeddings";

type Known = typeof CHAT | typeof COMPLETIONS | typeof EMBEDDINGS;

const isKnown = (name: string): name is Known => name === CHAT || name === COMPLETIONS || name === EMBEDDINGS;

/** A question that the server can be asked: `what` is null if it is not one of OpenAI's that we know. */
export interface Asked {
  readonly what: Known | null;
  readonly path: string;
  readonly body: Members;
}

/** The path of the server that a capability is; null if it is none. */
export function serverPathOf(capability: string): string | null {
  return capability.startsWith("/") ? capability : null;
}

/** Whether a model's name is an address: Hugging Face's client sends that of its endpoint where it is given no model. */
export function isAddress(model: string): boolean {
  return /^https?:\/\//i.test(model);
}

/** Which of OpenAI's calls a capability is; null if it is none of these. */
export function knownIn(capability: string): Known | null {
  const name = capability.replace(/^\/v1\//, "");
  return isKnown(name) ? name : null;
}

/** Whether the answer to it may come as a stream of completions. */
export function canStream(capability: string): boolean {
  const what = knownIn(capability);
  return what === CHAT || what === COMPLETIONS;
}

/** What an input asks for; null if no server of this API could know. Where the wire does not say what it is, the input does. */
export function askedBy(capability: string, input: unknown): Asked | null {
  if (!isObject(input)) return null;
  const what = knownIn(capability);
  const path = serverPathOf(capability);
  if (path !== null && what === null) return { what, path, body: input };
  const found = what ?? (isKind(CHAT, input) ? CHAT : isKind(COMPLETIONS, input) ? COMPLETIONS : EMBEDDINGS);
  return isKind(found, input) ? { what: found, path: `/v1/${found}`, body: input } : null;
}

function isKind(what: Known, { messages, prompt, input }: Members): boolean {
  if (what === CHAT) return Array.isArray(messages);
  const value = what === COMPLETIONS ? prompt : input;
  return typeof value === "string" || Array.isArray(value);
}

/** How many things an input of embeddings or completions asks about: a list of numbers is one text, in tokens. */
export function itemsAsked(input: unknown): number {
  return Array.isArray(input) && typeof input[0] !== "number" ? Math.max(1, input.length) : 1;
}

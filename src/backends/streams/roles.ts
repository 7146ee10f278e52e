/**
 * PURE. Whose message a stream of chunks brings. OpenAI's own streams say it in the first chunk of each choice; a chunk's type leaves
 * it open, and some servers do. Clients that wait for it lose calls of tools, or the whole message, so it is added.
 * Source: openai/openai-openapi, ChatCompletionStreamResponseDelta.
 */
import { isObject } from "../../tensors/tensor.ts";
import { isCount } from "./joiner.ts";
import type { Members } from "./stream-events.ts";

/** A message, or the first piece of one, that says whose it is. */
export function withRole(message: Members): Members {
  const { role } = message;
  return role === undefined || role === null || role === "" ? { ...message, role: "assistant" } : message;
}

/** Adds the role to the chunks of one stream. */
export class Roles {
  /** The choices that have begun. */
  readonly #begun = new Set<number>();

  /** The chunk, in which the first piece of each choice has a role; the same object if nothing was added. */
  addTo(chunk: Members): Members {
    const { choices } = chunk;
    if (!Array.isArray(choices)) return chunk;
    const shown = choices.map((choice: unknown) => this.#addToChoice(choice));
    return shown.every((choice, at) => choice === choices[at]) ? chunk : { ...chunk, choices: shown };
  }

  #addToChoice(choice: unknown): unknown {
    if (!isObject(choice) || !isObject(choice["delta"])) return choice; // a piece of a text, or what a filter says of one
    const index = isCount(choice["index"]) ? choice["index"] : 0;
    if (this.#begun.has(index)) return choice;
    this.#begun.add(index);
    const delta = withRole(choice["delta"]);
    return delta === choice["delta"] ? choice : { ...choice, delta };
  }
}

/**
 * PURE. What OpenAI's own streams say in the first piece of a message, whose it is, and of a call of a tool, of which type it is. A
 * chunk's schema leaves both open, and some servers do. Clients that wait for it lose calls, or the whole message, so it is added.
 * Source: openai/openai-openapi, ChatCompletionStreamResponseDelta and ChatCompletionMessageToolCallChunk.
 */
import { isObject } from "../../tensors/tensor.ts";
import { isCount } from "./joiner.ts";
import type { Members } from "./stream-events.ts";

const isMissing = (value: unknown) => value === undefined || value === null || value === "";

/** A message, or the first piece of one, that says whose it is. */
export function withRole(message: Members): Members {
  return isMissing(message["role"]) ? { ...message, role: "assistant" } : message;
}

/** The id of a call of a tool, in a piece with which it may begin: it says its type, or which function is called. */
function beginningIn({ id, type, function: called }: Members): string | null {
  const isNamed = isObject(called) && typeof called["name"] === "string" && called["name"] !== "";
  return (isNamed || !isMissing(type)) && typeof id === "string" && id !== "" ? id : null;
}

/** Calls of tools, each with its type if it begins with a piece that lacks it. `isFirst` tells that of an id. */
export function withTypes(calls: readonly unknown[], isFirst: (id: string) => boolean = () => true): readonly unknown[] {
  return mapped(calls, (call) => {
    const id = isObject(call) ? beginningIn(call) : null;
    return id !== null && isFirst(id) && isObject(call) && isMissing(call["type"]) ? { ...call, type: "function" } : call;
  });
}

/** The same list if nothing in it was changed. */
function mapped(list: readonly unknown[], change: (it: unknown) => unknown): readonly unknown[] {
  const changed = list.map(change);
  return changed.every((it, at) => it === list[at]) ? list : changed;
}

/** Completes the first pieces in the chunks of one stream. */
export class FirstPieces {
  /** The choices that have begun, and the ids of their calls that have. */
  readonly #begun = new Map<number, Set<string>>();

  /** The chunk with what its first pieces lack; the same object if nothing was added. */
  complete(chunk: Members): Members {
    const { choices } = chunk;
    if (!Array.isArray(choices)) return chunk;
    const shown = mapped(choices, (choice) => this.#completeChoice(choice));
    return shown === choices ? chunk : { ...chunk, choices: shown };
  }

  #completeChoice(choice: unknown): unknown {
    if (!isObject(choice) || !isObject(choice["delta"])) return choice; // a piece of a text, or what a filter says of one
    const index = isCount(choice["index"]) ? choice["index"] : 0;
    const calls = this.#begun.get(index);
    const said = calls ? choice["delta"] : withRole(choice["delta"]);
    const delta = this.#withTypes(said, calls ?? this.#begin(index));
    return delta === choice["delta"] ? choice : { ...choice, delta };
  }

  #begin(index: number): Set<string> {
    const calls = new Set<string>();
    this.#begun.set(index, calls);
    return calls;
  }

  #withTypes(delta: Members, begun: Set<string>): Members {
    const { tool_calls: calls } = delta;
    if (!Array.isArray(calls)) return delta;
    const shown = withTypes(calls, (id) => begun.size < begun.add(id).size);
    return shown === calls ? delta : { ...delta, tool_calls: shown };
  }
}

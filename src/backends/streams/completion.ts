/**
 * PURE. A completion that comes in chunks, put together as it would have come at once (see joiner.ts), and whether it is
 * whole. Source: openai/openai-openapi, CreateChatCompletionStreamResponse and CreateChatCompletionResponse.
 */
import { writeJson } from "../../encoding/json.ts";
import { COUNTED_MOST } from "../../limits.ts";
import { isObject } from "../../tensors/tensor.ts";
import { MEMBER_CHARACTERS, JoinedObject, type Tally, isCount } from "./joiner.ts";
import type { Usage } from "../outcome.ts";
import type { Members } from "./stream-events.ts";

/** Tokens as a completion counts them; null if it does not, or beyond all belief. */
export function usageOf(completion: Members): Usage | null {
  const { usage } = completion;
  if (!isObject(usage)) return null;
  const { prompt_tokens: promptTokens, completion_tokens: completionTokens } = usage;
  return isTokens(promptTokens) && isTokens(completionTokens) ? { promptTokens, completionTokens } : null;
}

const isTokens = (said: unknown): said is number => isCount(said) && said <= COUNTED_MOST;

/** Whether a chunk only counts tokens: what a server adds at the end when it is asked for `include_usage`. */
export function isUsageAlone({ choices, usage }: Members): boolean {
  return Array.isArray(choices) && choices.length === 0 && isObject(usage);
}

/** Some servers say in every chunk that a choice has not ended, in one of these words. */
const NOT_ENDED = new Set(["", "null", "none"]);

/** A member of the whole, and about what it takes to hold it. */
interface Member {
  readonly value: unknown;
  readonly characters: number;
}

interface Choice {
  readonly message: JoinedObject;
  readonly rest: JoinedObject;
}

export class Completion {
  readonly #tally: Tally = { characters: 0 };
  readonly #head = new Map<string, Member>();
  readonly #choices = new Map<number, Choice>();
  #usage: Members | null = null;

  /** About what it takes to hold it. */
  get characters(): number {
    return this.#tally.characters;
  }

  get isEmpty(): boolean {
    return this.#choices.size === 0;
  }

  /**
   * Whether it has come whole. Every choice of it must have ended, with a reason; a server that says that it is done may
   * leave that out of some of several, but never of all.
   */
  isWhole(isDone: boolean): boolean {
    const ended = [...this.#choices.values()].filter(({ rest }) => finishOf(rest) !== null);
    return ended.length > 0 && (isDone || ended.length === this.#choices.size);
  }

  add(chunk: Members): void {
    for (const [name, value] of Object.entries(chunk)) {
      if (name === "choices" || name === "object" || name === "usage" || name === "error") continue;
      if ((value !== null && value !== "") || !this.#head.has(name)) this.#keep(name, value);
    }
    const { choices, usage } = chunk;
    if (isObject(usage)) this.#usage = usage;
    for (const choice of Array.isArray(choices) ? choices : []) if (isObject(choice)) this.#addTo(choice);
  }

  /** A member of the whole, in the place of what was said of it before. */
  #keep(name: string, value: unknown): void {
    const characters = MEMBER_CHARACTERS + name.length + heldBy(value);
    this.#tally.characters += characters - (this.#head.get(name)?.characters ?? 0);
    this.#head.set(name, { value, characters });
  }

  #addTo({ index, delta, message, ...rest }: Members): void {
    const number = isCount(index) ? index : 0;
    const choice = this.#choices.get(number) ?? { message: new JoinedObject(this.#tally), rest: new JoinedObject(this.#tally) };
    this.#choices.set(number, choice);
    if (isObject(delta)) choice.message.add(delta);
    // A server that has only whole answers may send one as an event.
    else if (isObject(message) && choice.message.isEmpty) choice.message.add(message);
    choice.rest.add(rest);
  }

  /** The whole, as a `chat.completion` object; of a completion of text, whose pieces have `text`, as that. */
  value(): Record<string, unknown> {
    const head = [...this.#head].map(([name, { value }]) => [name, value]);
    const { id = null, created = null, model = null, ...rest }: Record<string, unknown> = Object.fromEntries(head);
    const choices = [...this.#choices]
      .toSorted(([a], [b]) => a - b)
      .map(([index, choice]) => ({
        index,
        ...(isText(choice) ? {} : { message: { role: "assistant", content: null, ...choice.message.value() } }),
        logprobs: null,
        ...choice.rest.value(),
        finish_reason: finishOf(choice.rest),
      }));
    const object = [...this.#choices.values()].some(isText) ? "text_completion" : "chat.completion";
    return { id, object, created, model, choices, ...(this.#usage ? { usage: this.#usage } : {}), ...rest };
  }
}

/** About what it takes to hold a value, beside that it is one. */
function heldBy(value: unknown): number {
  if (typeof value === "string") return value.length;
  return typeof value === "object" && value !== null ? writeJson(value).length : 0;
}

function isText({ message, rest }: Choice): boolean {
  return message.isEmpty && typeof rest.get("text") === "string";
}

function finishOf(choice: JoinedObject): unknown {
  const reason = choice.get("finish_reason") ?? null;
  return typeof reason === "string" && NOT_ENDED.has(reason.trim().toLowerCase()) ? null : reason;
}

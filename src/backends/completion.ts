/**
 * PURE. A chat completion that comes in chunks, put together as it would have come at once: texts are joined, lists are
 * joined by their entries' index where they have one, whatever else is said again replaces what was said. Members that
 * nobody has heard of yet are treated alike, so that what a server adds (`reasoning_content` …) is not lost.
 * Source: openai/openai-openapi, CreateChatCompletionStreamResponse and CreateChatCompletionResponse.
 */
import { writeJson } from "../encoding/json.ts";
import { isObject } from "../tensors/tensor.ts";
import type { Usage } from "./outcome.ts";

export type Members = Readonly<Record<string, unknown>>;

/** Tokens as a completion counts them; null where it does not. */
export function usageOf(completion: Members): Usage | null {
  const { usage } = completion;
  if (!isObject(usage)) return null;
  const { prompt_tokens: promptTokens, completion_tokens: completionTokens } = usage;
  return isCount(promptTokens) && isCount(completionTokens) ? { promptTokens, completionTokens } : null;
}

/** Whether a chunk does nothing but count tokens: what a server adds at the end when it is asked for `include_usage`. */
export function isUsageAlone({ choices, usage }: Members): boolean {
  return Array.isArray(choices) && choices.length === 0 && isObject(usage);
}

export class Completion {
  readonly #tally: Tally = { characters: 0 };
  readonly #head = new Map<string, unknown>();
  readonly #choices = new Map<number, Choice>();
  #usage: Members | null = null;

  /** About what it takes to hold it. */
  get characters(): number {
    return this.#tally.characters;
  }

  /** Whether every choice has been said to have ended. */
  get isFinished(): boolean {
    const choices = [...this.#choices.values()];
    return choices.length > 0 && choices.every(({ rest }) => typeof rest.get("finish_reason") === "string");
  }

  add(chunk: Members): void {
    for (const [name, value] of Object.entries(chunk)) {
      if (name === "choices" || name === "object" || name === "usage") continue;
      if (value !== null || !this.#head.has(name)) this.#head.set(name, value);
    }
    const { choices, usage } = chunk;
    if (isObject(usage)) this.#usage = usage;
    for (const choice of Array.isArray(choices) ? choices : []) if (isObject(choice)) this.#addTo(choice);
  }

  #addTo({ index, delta, logprobs, ...rest }: Members): void {
    const number = isCount(index) ? index : 0;
    const choice = this.#choices.get(number) ?? { message: new GatheredCompletion(this.#tally), logprobs: null, rest: new Map() };
    this.#choices.set(number, choice);
    if (isObject(delta)) choice.message.add(delta);
    if (isObject(logprobs)) {
      choice.logprobs ??= new GatheredCompletion(this.#tally);
      choice.logprobs.add(logprobs);
    }
    for (const [name, value] of Object.entries(rest)) if (value !== null || !choice.rest.has(name)) choice.rest.set(name, value);
  }

  /** The whole, as a `chat.completion` object. */
  value(): Record<string, unknown> {
    const { id = null, created = null, model = null, ...rest } = Object.fromEntries(this.#head);
    const choices = [...this.#choices]
      .toSorted(([a], [b]) => a - b)
      .map(([index, choice]) => ({
        index,
        message: { role: "assistant", content: null, ...choice.message.value() },
        logprobs: choice.logprobs?.value() ?? null,
        finish_reason: null,
        ...Object.fromEntries(choice.rest),
      }));
    return { id, object: "chat.completion", created, model, choices, ...(this.#usage ? { usage: this.#usage } : {}), ...rest };
  }
}

interface Tally {
  characters: number;
}

interface Choice {
  readonly message: GatheredCompletion;
  logprobs: GatheredCompletion | null;
  readonly rest: Map<string, unknown>;
}

/** An entry of a list, beside its text. */
const ENTRY_CHARACTERS = 32;

/** Texts that are said once; some servers say them in every chunk. */
const WHOLE: ReadonlySet<string> = new Set(["id", "index", "name", "role", "type"]);

/** The members of one object, chunk by chunk. */
class GatheredCompletion {
  readonly #tally: Tally;
  readonly #members = new Map<string, unknown>();

  constructor(tally: Tally) {
    this.#tally = tally;
    tally.characters += ENTRY_CHARACTERS;
  }

  add(delta: Members): void {
    for (const [name, value] of Object.entries(delta)) {
      if (value === null && this.#members.has(name)) continue;
      this.#members.set(name, this.#after(name, this.#members.get(name), value));
    }
  }

  #after(name: string, before: unknown, value: unknown): unknown {
    if (typeof value === "string") {
      this.#tally.characters += value.length;
      return typeof before === "string" && !WHOLE.has(name) ? before + value : value;
    }
    if (isObject(value)) {
      const gathered = before instanceof GatheredCompletion ? before : new GatheredCompletion(this.#tally);
      gathered.add(value);
      return gathered;
    }
    if (Array.isArray(value)) {
      const list = before instanceof List ? before : new List(this.#tally);
      list.add(value);
      return list;
    }
    return value;
  }

  value(): Record<string, unknown> {
    return Object.fromEntries([...this.#members].map(([name, value]) => [name, plain(value)]));
  }
}

/** A list: entries with an index are joined by it, others follow each other. */
class List {
  readonly #tally: Tally;
  readonly #byIndex = new Map<number, GatheredCompletion>();
  readonly #others: unknown[] = [];

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  add(values: readonly unknown[]): void {
    for (const value of values) {
      if (isObject(value) && isCount(value["index"])) {
        const { index, ...delta } = value;
        const entry = this.#byIndex.get(index) ?? new GatheredCompletion(this.#tally);
        this.#byIndex.set(index, entry);
        entry.add(delta);
      } else {
        this.#tally.characters += writeJson(value).length + ENTRY_CHARACTERS;
        this.#others.push(value);
      }
    }
  }

  value(): unknown[] {
    const entries = [...this.#byIndex].toSorted(([a], [b]) => a - b).map(([, entry]) => entry.value());
    return [...entries, ...this.#others];
  }
}

function plain(value: unknown): unknown {
  return value instanceof GatheredCompletion || value instanceof List ? value.value() : value;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

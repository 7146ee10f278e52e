/**
 * PURE. Joins the pieces in which an object comes bit by bit to what it would have been at once. Texts are joined, lists
 * are appended, objects are joined member by member, anything else replaces what was there; null and an empty text
 * replace nothing. Members that nobody has heard of yet are treated alike, so that what a server adds is not lost.
 * - A text that is a name (`id`, `role`, `format` …) is said again and not continued. Of an unknown text both are possible:
 *   one that comes again and again as it was, and only so, is a name.
 * - An entry of a list is found by its `id`, then by its `index`. One of another id, type or name is another entry,
 *   whatever its index. A call of a tool has its name once, in its first piece: a piece that has neither id nor index, or
 *   an index of nothing that has come, goes on the last call, unless it has a name itself after a call that is complete.
 */
import { parseJson, writeJson } from "../encoding/json.ts";
import { isObject } from "../tensors/tensor.ts";

type Members = Readonly<Record<string, unknown>>;

/** About what it takes to hold what was joined. */
export interface Tally {
  characters: number;
}

/** An entry of a list or an object, beside its text. */
const ENTRY_CHARACTERS = 32;

/** Texts that are said whole; some servers say them in every piece. */
const NAMES: ReadonlySet<string> = new Set(
  (
    "id index name role type format status object model provider language encoding mime_type tool_call_id call_id url title " +
    "finish_reason native_finish_reason stop_reason matched_stop"
  ).split(" "),
);

/** Texts that come piece by piece. */
const CONTENTS: ReadonlySet<string> = new Set(
  (
    "content reasoning reasoning_content reasoning_text thinking text arguments refusal data transcript summary input output " +
    "partial_json"
  ).split(" "),
);

/** The list whose entries are calls of tools. */
const CALLS = "tool_calls";

/** One object. */
export class JoinedObject {
  readonly #tally: Tally;
  readonly #members = new Map<string, unknown>();

  constructor(tally: Tally) {
    this.#tally = tally;
    tally.characters += ENTRY_CHARACTERS;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  add(piece: Members): void {
    for (const [name, value] of Object.entries(piece)) {
      const before = this.#members.get(name);
      if ((value === null || value === "") && before !== undefined && before !== null) continue;
      this.#members.set(name, this.#joined(name, before, value));
    }
  }

  /** A member as it stands. */
  get(name: string): unknown {
    return plain(this.#members.get(name));
  }

  #joined(name: string, before: unknown, said: unknown): unknown {
    const value = name === CALLS && isObject(said) ? [said] : said; // as some servers have the one call of a piece
    if (typeof value === "string") {
      this.#tally.characters += value.length;
      if (before instanceof JoinedList) return before.addText(value);
      if (NAMES.has(name)) return value;
      if (CONTENTS.has(name)) return typeof before === "string" ? before + value : value;
      return before instanceof UnknownText ? before.add(value) : new UnknownText(value);
    }
    if (isObject(value)) {
      const joined = before instanceof JoinedObject ? before : new JoinedObject(this.#tally);
      joined.add(value);
      return joined;
    }
    if (Array.isArray(value)) {
      const list = before instanceof JoinedList ? before : new JoinedList(this.#tally, name);
      if (typeof before === "string" && before !== "") list.addText(before);
      list.add(value);
      return list;
    }
    return value;
  }

  value(): Record<string, unknown> {
    return Object.fromEntries([...this.#members].map(([name, value]) => [name, plain(value)]));
  }
}

/** A text of which nobody knows whether its pieces follow each other or say the same again. */
class UnknownText {
  readonly #first: string;
  #again = 0;
  #joined: string | null = null;

  constructor(first: string) {
    this.#first = first;
  }

  add(piece: string): this {
    if (this.#joined !== null) this.#joined += piece;
    else if (piece === this.#first) this.#again++;
    else this.#joined = this.#first.repeat(1 + this.#again) + piece;
    return this;
  }

  value(): string {
    return this.#joined ?? this.#first;
  }
}

interface Entry {
  readonly index: number | null;
  readonly value: unknown;
}

class JoinedList {
  readonly #tally: Tally;
  readonly #name: string;
  readonly #entries: Entry[] = [];
  /** The object that was last begun or continued. */
  #latest: JoinedObject | null = null;

  constructor(tally: Tally, name: string) {
    this.#tally = tally;
    this.#name = name;
  }

  add(values: readonly unknown[]): void {
    for (const value of values) {
      if (isObject(value) && (this.#isOfCalls || indexOf(value["index"]) !== null)) this.#addObject(value);
      else this.#append(value);
    }
  }

  /** A list of parts that goes on as text: the text is a part of its own, which the next text continues. */
  addText(text: string): this {
    if (this.#latest === null) {
      this.#latest = new JoinedObject(this.#tally);
      this.#latest.add({ type: "text" });
      this.#entries.push({ index: null, value: this.#latest });
    }
    this.#latest.add({ text });
    return this;
  }

  #append(value: unknown): void {
    this.#tally.characters += writeJson(value).length + ENTRY_CHARACTERS;
    this.#entries.push({ index: null, value });
    this.#latest = null;
  }

  #addObject({ index: said, ...piece }: Members): void {
    const index = indexOf(said);
    let entry = this.#entryFor(piece, index);
    if (!entry) {
      entry = new JoinedObject(this.#tally);
      if (index !== null && !this.#isOfCalls) entry.add({ index });
      this.#entries.push({ index: index ?? this.#lastIndex(), value: entry });
    }
    entry.add(piece);
    this.#latest = entry;
  }

  /** The entry that a piece continues; null if it begins one. */
  #entryFor(piece: Members, index: number | null): JoinedObject | null {
    const objects = this.#entries.filter((entry): entry is Entry & { value: JoinedObject } => entry.value instanceof JoinedObject);
    const id = textOf(piece["id"]);
    const name = textOf(callIn(piece).name);
    if (id !== null) {
      // Some give one id to several, which then have other indexes, and a name each.
      const known = objects.findLast(({ value, index: at }) => value.get("id") === id && (index === null || at === index || name === null));
      if (known) return known.value;
      if (index === null) return null;
    }
    const found = index === null ? this.#latest : objects.findLast((entry) => entry.index === index)?.value;
    if (found) return beginsAnother(piece, found) ? null : found;
    return this.#isOfCalls && id === null && name === null ? this.#latest : null;
  }

  /** Where an entry without an index stands: after those that have come. */
  #lastIndex(): number | null {
    return this.#entries.at(-1)?.index ?? null;
  }

  get #isOfCalls(): boolean {
    return this.#name === CALLS;
  }

  value(): unknown[] {
    return this.#entries.toSorted((a, b) => (a.index ?? 0) - (b.index ?? 0)).map(({ value }) => plain(value));
  }
}

/** Whether a piece can't belong to an entry: it has another name, or a name and arguments after arguments that are complete. */
function beginsAnother(piece: Members, entry: JoinedObject): boolean {
  const soFar = entry.value();
  const [mine, its] = [callIn(piece), callIn(soFar)];
  const differ = (a: unknown, b: unknown) => textOf(a) !== null && textOf(b) !== null && a !== b;
  if (differ(mine.name, its.name) || ["id", "type", "name"].some((name) => differ(piece[name], soFar[name]))) return true;
  if (textOf(piece["id"]) !== null || textOf(mine.name) === null) return false;
  return !isBlank(mine.input) && isComplete(its.input);
}

/** The name of the tool that an entry calls, and what it is called with. */
function callIn(entry: Members): { readonly name: unknown; readonly input: unknown } {
  const { function: called, custom } = entry;
  if (isObject(called)) return { name: called["name"], input: called["arguments"] };
  return isObject(custom) ? { name: custom["name"], input: custom["input"] } : { name: null, input: null };
}

function indexOf(said: unknown): number | null {
  const index = typeof said === "string" && /^\d{1,9}$/.test(said) ? Number(said) : said;
  return isCount(index) ? index : null;
}

function isComplete(text: unknown): boolean {
  if (typeof text !== "string") return isObject(text);
  if (!text.trimEnd().endsWith("}")) return false;
  try {
    return isObject(parseJson(text));
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function isBlank(text: unknown): boolean {
  return text === undefined || text === null || (typeof text === "string" && text.trim() === "");
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function plain(value: unknown): unknown {
  return value instanceof JoinedObject || value instanceof JoinedList || value instanceof UnknownText ? value.value() : value;
}

export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

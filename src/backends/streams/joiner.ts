/**
 * PURE. Joins the pieces in which an object comes bit by bit to what it would have been at once. Texts are joined, lists
 * are appended, objects are joined member by member, anything else replaces what was there; null and an empty text
 * replace nothing. Unknown members are joined by the same rules, so that what a server adds is not lost.
 * - A text that is a name (`id`, `role`, `format` …) is said again and not continued. Of an unknown text both are possible:
 *   one that comes again and again as it was, and only so, is a name.
 * - An entry of a list is found by its `id`, then by its `index`. One of another id, type or name is another entry,
 *   whatever its index. A call of a tool has its name before its arguments: a piece that has neither id nor index, or an
 *   index of nothing that has come, goes on the last call, unless it has a name itself after a call that is complete.
 * - The name of a tool may come in several pieces, too, until its arguments begin; after that another name is another call.
 */
import { writeJson } from "../../encoding/json.ts";
import { isObject } from "../../tensors/tensor.ts";

type Members = Readonly<Record<string, unknown>>;

/** About what it takes to hold what was joined. */
export interface Tally {
  characters: number;
}

/** An entry of a list, an object or a member of one, beside its text. */
export const MEMBER_CHARACTERS = 32;

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

/** Objects that name a tool, and what it is called with. */
const CALLED: ReadonlySet<string> = new Set(["function", "custom", "function_call"]);

/** The name of a tool after another piece: said again, at once or longer each time, or gone on with. */
function nameAfter(before: string, said: string): string {
  return said.startsWith(before) ? said : before + said;
}

/** One object. */
export class JoinedObject {
  readonly #tally: Tally;
  readonly #isCalled: boolean;
  readonly #members = new Map<string, unknown>();

  constructor(tally: Tally, name = "") {
    this.#tally = tally;
    this.#isCalled = CALLED.has(name);
    tally.characters += MEMBER_CHARACTERS;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  add(piece: Members): void {
    const mayGoOn = this.#isCalled && isBlank(this.get("arguments")) && isBlank(this.get("input"));
    for (const [name, value] of Object.entries(piece)) {
      const before = this.#members.get(name);
      if (before === undefined) this.#tally.characters += name.length + MEMBER_CHARACTERS;
      if ((value === null || value === "") && before !== undefined && before !== null) continue;
      const isPiece = mayGoOn && name === "name" && typeof before === "string" && typeof value === "string";
      this.#members.set(name, this.#joined(name, before, isPiece ? nameAfter(before, value) : value));
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
      const joined = before instanceof JoinedObject ? before : new JoinedObject(this.#tally, name);
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

/** A text of an unknown member: its pieces may follow each other or repeat the whole. */
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

/** An entry that comes piece by piece, and how much of the call that it may be has come. */
interface Entry {
  readonly joined: JoinedObject;
  readonly call: CallSoFar;
}

class JoinedList {
  readonly #tally: Tally;
  readonly #isOfCalls: boolean;
  readonly #values: { readonly index: number; readonly value: unknown }[] = [];
  readonly #byIndex = new Map<number, Entry>();
  /** By their ids, and by their ids at their indexes. */
  readonly #byId = new Map<string, Entry>();
  /** The one that was last begun or continued. */
  #latest: Entry | null = null;
  #lastIndex = 0;

  constructor(tally: Tally, name: string) {
    this.#tally = tally;
    this.#isOfCalls = name === CALLS;
  }

  add(values: readonly unknown[]): void {
    for (const value of values) {
      if (isObject(value) && (this.#isOfCalls || indexOf(value["index"]) !== null)) this.#addObject(value);
      else this.#append(value);
    }
  }

  /** A list of parts that goes on as text: the text is a part of its own, which the next text continues. */
  addText(text: string): this {
    this.#latest ??= this.#begin({ type: "text" }, null);
    this.#latest.joined.add({ text });
    return this;
  }

  #append(value: unknown): void {
    this.#tally.characters += writeJson(value).length + MEMBER_CHARACTERS;
    this.#values.push({ index: this.#lastIndex, value });
    this.#latest = null;
  }

  #addObject({ index: said, ...piece }: Members): void {
    const index = indexOf(said);
    const entry = this.#entryFor(piece, index);
    if (entry) {
      entry.joined.add(piece);
      entry.call.add(piece);
    }
    this.#latest = entry ?? this.#begin(piece, index);
    const id = textOf(piece["id"]);
    if (id !== null) for (const name of [id, at(id, index)]) this.#byId.set(name, this.#latest);
  }

  #begin(piece: Members, index: number | null): Entry {
    const entry: Entry = { joined: new JoinedObject(this.#tally), call: new CallSoFar(piece) };
    if (index !== null) {
      this.#lastIndex = index;
      this.#byIndex.set(index, entry);
      if (!this.#isOfCalls) entry.joined.add({ index });
    }
    entry.joined.add(piece);
    this.#values.push({ index: this.#lastIndex, value: entry.joined });
    return entry;
  }

  /** The entry that a piece continues; null if it begins one. */
  #entryFor(piece: Members, index: number | null): Entry | null {
    const id = textOf(piece["id"]);
    const name = textOf(callIn(piece).name);
    if (id !== null) {
      // Some give one id to several, which then have other indexes, and a name each.
      const known = this.#byId.get(at(id, index)) ?? (index === null || name === null ? this.#byId.get(id) : undefined);
      if (known) return known;
      if (index === null) return null;
    }
    const found = index === null ? this.#latest : this.#byIndex.get(index);
    if (found) return beginsAnother(piece, found, index !== null) ? null : found;
    return this.#isOfCalls && id === null && name === null ? this.#latest : null;
  }

  value(): unknown[] {
    return this.#values.toSorted((a, b) => a.index - b.index).map(({ value }) => plain(value));
  }
}

const at = (id: string, index: number | null) => JSON.stringify([id, index]);

/**
 * Whether a piece can't belong to an entry: it has another name where that of the entry can't go on, or a name and arguments
 * after arguments that are complete.
 */
function beginsAnother(piece: Members, { joined, call }: Entry, isIndexed: boolean): boolean {
  const mine = callIn(piece);
  const differ = (a: unknown, b: unknown) => textOf(a) !== null && textOf(b) !== null && a !== b;
  if (["id", "type", "name"].some((name) => differ(piece[name], joined.get(name)))) return true;
  const mayGoOn = isIndexed && textOf(piece["id"]) === null && !call.hasInput && !new CallSoFar(piece).isComplete;
  if (differ(mine.name, call.name) && !mayGoOn) return true;
  return textOf(piece["id"]) === null && textOf(mine.name) !== null && !isBlank(mine.input) && call.isComplete;
}

/** The name of the tool that an entry calls, and what it is called with. */
function callIn(entry: Members): { readonly name: unknown; readonly input: unknown } {
  const { function: called, custom } = entry;
  if (isObject(called)) return { name: called["name"], input: called["arguments"] };
  return isObject(custom) ? { name: custom["name"], input: custom["input"] } : { name: null, input: null };
}

/** A call whose arguments come piece by piece: whether the braces that they opened are all closed. */
class CallSoFar {
  #name: string | null = null;
  #hasInput = false;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isComplete = false;

  constructor(piece: Members) {
    this.add(piece);
  }

  get name(): string | null {
    return this.#name;
  }

  get hasInput(): boolean {
    return this.#hasInput;
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  add(piece: Members): void {
    const { name, input } = callIn(piece);
    const said = textOf(name);
    if (said !== null) this.#name = this.#name === null || this.#hasInput ? said : nameAfter(this.#name, said);
    this.#hasInput ||= !isBlank(input);
    if (isObject(input)) this.#isComplete = true;
    if (typeof input === "string") for (const character of input) this.#read(character);
  }

  #read(character: string): void {
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (character === "\\") this.#isEscaped = true;
      else if (character === '"') this.#isInString = false;
    } else if (character === '"') this.#isInString = true;
    else if (character === "{" || character === "[") this.#depth++;
    else if (character === "}" || character === "]") this.#isComplete = --this.#depth === 0;
  }
}

function indexOf(said: unknown): number | null {
  const index = typeof said === "string" && /^\d{1,9}$/.test(said) ? Number(said) : said;
  return isCount(index) ? index : null;
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

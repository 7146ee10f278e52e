/**
 * PURE. JSON whose integers are exact. JSON.parse rounds every number to a double, so that 9007199254740993 comes out
 * as another number; ids and INT64 tensors hold such integers. Here an integer beyond ±(2^53 - 1) comes as a `bigint`,
 * and a `bigint` is written as the integer that it is. All else is as JSON.parse and JSON.stringify have it: 1.0 is 1,
 * and 1e20, not written as an integer, is a double.
 * - A number that a double would make infinite (1e400) is a SyntaxError: it could not be written again.
 * - A text without long runs of digits or large exponents costs one scan more than JSON.parse. Others are read a second
 *   time, by the reader below. (A reviver sees each number's source too, but took 2.8 s for 9 MB of small integers
 *   with one large one among them; this takes a tenth.)
 */
import { jsonFault } from "./json-fault.ts";
import { type Result, faulty, read } from "./result.ts";

/** Where a number may be beyond what a double holds: 16 digits that are no fraction, or an exponent of 3 digits. */
const BEYOND_DOUBLES = /(?<![\d.])\d{16}|\d[eE]\+?\d{3}/;
/** So many digits are always exact. */
const EXACT_DIGITS = 15;

/**
 * The value of a JSON text, with integers beyond ±(2^53 - 1) as `bigint`.
 *
 * @throws SyntaxError where the text is not JSON, holds a number that overflows, or is nested beyond the stack; its message is
 * a phrase of ours
 */
export function parseJson(text: string): unknown {
  const value = parsedWhole(text);
  if (!BEYOND_DOUBLES.test(text)) return value;
  return withinStack(() => readExact(text));
}

function parsedWhole(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SyntaxError(jsonFault(text) ?? "it can't be read", { cause: error });
  }
}

/** A value as JSON.parse has it: an integer beyond ±(2^53 - 1) is the nearest double. */
export function withoutBigints(value: unknown): unknown {
  return JSON.parse(writeJson(value));
}

/**
 * JSON.stringify for a value as parseJson gives it: a `bigint` is written as an integer. A value that JSON can't hold
 * is `null`, as it is in an array.
 */
export function writeJson(value: unknown): string {
  try {
    const text: string | undefined = JSON.stringify(value); // is typed as if it never were undefined
    return text ?? "null";
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  // It met a bigint; a cycle, its other reason, ends in a RangeError here.
  return writeExact(value) ?? "null";
}

/** How often some servers write an answer as JSON before they send it as JSON. */
const TIMES_WRITTEN = 3;

/**
 * What some writers of JSON have for numbers that it lacks, numbers with exponents, and where a string begins, which may hold the
 * same. No number is looked for within another, or a text of a million digits would be read a million times.
 */
const STRINGS_AND_NON_NUMBERS = /"|-?\b(?:NaN|Infinity)\b|(?<![\d.])-?\d+(?:\.\d+)?[eE]\+?\d+/g;

/**
 * As parseJson, but NaN and the infinities may stand where numbers do, as Python's json module writes them. They are read
 * as the texts "NaN", "Infinity" and "-Infinity", which is what they are in the text that comes back: as it came if it is
 * JSON, else with these in quotes. So is a number that a double would make infinite (1e400).
 */
export function parseTolerantly(text: string): Result<{ readonly value: unknown; readonly text: string }, SyntaxError> {
  const strictly = attempted(text);
  if (strictly.ok || !/\b(?:NaN|Infinity)\b|\d[eE]\+?\d{3}/.test(text)) return strictly;
  return attempted(withoutNonNumbers(text));
}

/** The same text, with what is no finite number in quotes. Linear in the text, which need not be JSON. */
function withoutNonNumbers(text: string): string {
  const next = new RegExp(STRINGS_AND_NON_NUMBERS);
  let written = "";
  let from = 0;
  for (let found = next.exec(text); found; found = next.exec(text)) {
    const [part] = found;
    if (part === '"') next.lastIndex = endOfString(text, found.index) + 1;
    else if (!Number.isFinite(Number(part))) {
      written += `${text.slice(from, found.index)}"${Number(part)}"`;
      from = next.lastIndex;
    }
  }
  return written + text.slice(from);
}

/** As parseTolerantly; where the value is a text that is the JSON of an object or a list, written twice or more often over, that is read. */
export function parseAnswer(text: string): ReturnType<typeof parseTolerantly> {
  const known = parseTolerantly(text);
  let inner = known;
  for (let times = 0; times < TIMES_WRITTEN && inner.ok && typeof inner.value.value === "string"; times++) {
    inner = parseTolerantly(inner.value.value);
  }
  return inner.ok && typeof inner.value.value === "object" && inner.value.value !== null ? inner : known;
}

function attempted(text: string): Result<{ readonly value: unknown; readonly text: string }, SyntaxError> {
  try {
    return read({ value: parseJson(text), text });
  } catch (error) {
    if (error instanceof SyntaxError) return faulty(error);
    throw error;
  }
}

/** Whether a value was nested deeper than the stack, so that it could not be gone through. */
export function isTooDeep(error: unknown): boolean {
  return error instanceof RangeError && error.message.includes("call stack");
}

function withinStack<T>(reading: () => T): T {
  try {
    return reading();
  } catch (error) {
    if (error instanceof RangeError) throw new SyntaxError("it is nested too deeply", { cause: error });
    throw error;
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Reads a text that JSON.parse has accepted, so nothing but the numbers is checked. */
function readExact(text: string): unknown {
  let at = 0;

  /** The code of the next character that is no white space, which it stands at then. */
  function next(): number {
    for (;;) {
      const code = text.charCodeAt(at);
      if (code > 0x20) return code;
      at++;
    }
  }

  function readValue(): unknown {
    const code = next();
    if (code === QUOTE) return readString();
    if (code === OPEN_ARRAY) return readArray();
    if (code === OPEN_OBJECT) return readObject();
    if (code === MINUS || (code >= ZERO && code <= NINE)) return readNumber();
    const word = code === 0x74 ? "true" : code === 0x66 ? "false" : "null";
    at += word.length;
    return word === "null" ? null : word === "true";
  }

  function readArray(): unknown[] {
    const values: unknown[] = [];
    at++;
    if (next() === CLOSE_ARRAY) {
      at++;
      return values;
    }
    for (;;) {
      values.push(readValue());
      const code = next();
      at++;
      if (code !== COMMA) return values;
    }
  }

  function readObject(): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    at++;
    if (next() === CLOSE_OBJECT) {
      at++;
      return object;
    }
    for (;;) {
      next();
      const key = readString();
      next();
      at++; // the colon
      const value = readValue();
      // Set, it would become the prototype.
      if (key === "__proto__") Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
      else object[key] = value;
      const code = next();
      at++;
      if (code !== COMMA) return object;
    }
  }

  function readString(): string {
    const start = at;
    let escaped = false;
    at++;
    for (;;) {
      const code = text.charCodeAt(at++);
      if (code === QUOTE) break;
      if (code === BACKSLASH) {
        escaped = true;
        at++;
      }
    }
    return escaped ? String(JSON.parse(text.slice(start, at))) : text.slice(start + 1, at - 1);
  }

  function readNumber(): number | bigint {
    const start = at;
    const negative = text.charCodeAt(at) === MINUS;
    if (negative) at++;
    const first = at;
    let value = 0;
    let code = text.charCodeAt(at);
    while (code >= ZERO && code <= NINE) {
      value = value * 10 + (code - ZERO);
      code = text.charCodeAt(++at);
    }
    const isInteger = code !== DOT && code !== 0x65 && code !== 0x45;
    if (isInteger && at - first <= EXACT_DIGITS) return negative ? -value : value;
    while ((code >= ZERO && code <= NINE) || code === DOT || code === 0x65 || code === 0x45 || code === MINUS || code === 0x2b) {
      code = text.charCodeAt(++at);
    }
    const source = text.slice(start, at);
    const rounded = Number(source);
    if (!Number.isFinite(rounded)) throw new SyntaxError("it holds a number that is too large");
    return isInteger && !Number.isSafeInteger(rounded) ? BigInt(source) : rounded;
  }

  return readValue();
}

/** As JSON.stringify, but for bigints; no `toJSON` is called. Undefined where that gives it. */
function writeExact(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return Number.isFinite(value) ? String(value) : "null";
    case "bigint":
    case "boolean":
      return String(value);
    case "object": {
      if (value === null) return "null";
      if (Array.isArray(value)) return writeArray(value);
      let text = "";
      for (const [key, member] of Object.entries(value)) {
        const written = writeExact(member);
        if (written !== undefined) text += `${text === "" ? "" : ","}${JSON.stringify(key)}:${written}`;
      }
      return `{${text}}`;
    }
    case "undefined":
    case "function":
    case "symbol":
      return undefined;
  }
}

function writeArray(values: readonly unknown[]): string {
  if (values.every((value) => Number.isFinite(value) || typeof value === "bigint")) return `[${values.join(",")}]`;
  let text = "[";
  for (let index = 0; index < values.length; index++) {
    if (index > 0) text += ",";
    text += writeExact(values[index]) ?? "null";
  }
  return `${text}]`;
}

/** Where the string that begins there ends: its closing quote, or the end of the text. */
export function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end;
    while (text.charCodeAt(before - 1) === 0x5c) before--;
    if ((end - before) % 2 === 0) return end;
  }
  return text.length;
}

/**
 * The name of a member that an object of a JSON text has twice, or null. Readers differ in which of the two counts, so that
 * one may check what another does not use. Linear in the text, which is JSON.
 */
export function repeatedMember(text: string): string | null {
  const members: Set<string>[] = [];
  const next = /["{}]/g;
  for (let found = next.exec(text); found; found = next.exec(text)) {
    if (found[0] === "{") members.push(new Set());
    else if (found[0] === "}") members.pop();
    else {
      const end = endOfString(text, found.index);
      next.lastIndex = end + 1;
      const inside = members.at(-1);
      if (!inside || !isName(text, end + 1)) continue;
      const name = String(JSON.parse(text.slice(found.index, end + 1)));
      if (inside.has(name)) return name;
      inside.add(name);
    }
  }
  return null;
}

/** Whether a string that ended there is a member's name. */
function isName(text: string, after: number): boolean {
  let at = after;
  while (text.charCodeAt(at) <= 0x20) at++;
  return text[at] === ":";
}

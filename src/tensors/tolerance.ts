/**
 * PURE. What servers write that is not quite a tensor of the protocol, read without guessing: a result has been paid for with
 * GPU time, and is worth more than a refusal. Booleans as 0 and 1 (numpy), integers as text (protobuf's JSON has 64 bits so)
 * or as booleans (Python's are integers), floats as text, not-a-number in its spellings, datatypes in lower case or by the
 * names of numpy and of Triton's configuration, a scalar without its list, sizes as text or one of them as -1.
 */
import { type Datatype, type Element, KINDS, type Kind, datatypeNamed } from "./datatype.ts";

const NAMES: ReadonlyMap<string, Datatype> = new Map([
  ["BOOLEAN", "BOOL"],
  ["FLOAT16", "FP16"],
  ["HALF", "FP16"],
  ["BFLOAT16", "BF16"],
  ["FLOAT", "FP32"],
  ["FLOAT32", "FP32"],
  ["DOUBLE", "FP64"],
  ["FLOAT64", "FP64"],
  ["STR", "BYTES"],
  ["STRING", "BYTES"],
  ["OBJECT", "BYTES"],
]);

export function datatypeLike(name: unknown): Datatype | null {
  if (typeof name !== "string") return null;
  const bare = name
    .trim()
    .toUpperCase()
    .replace(/^TYPE_/, "");
  return datatypeNamed(bare) ?? NAMES.get(bare) ?? null;
}

/** The sizes of a shape; `data` tells what it lacks. Null if that can't be said. */
export function shapeLike(shape: unknown, data: unknown): readonly number[] | null {
  if (shape === undefined || shape === null) return data === undefined ? null : sizesOf(data);
  if (!Array.isArray(shape)) return null;
  const sizes = shape.map((size) =>
    typeof size === "string" && /^-?\d{1,15}$/.test(size) ? Number(size) : Number.isSafeInteger(size) ? Number(size) : null,
  );
  if (sizes.some((size) => size === null || size < -1)) return null;
  const known = sizes.filter((size) => size !== null);
  const open = known.indexOf(-1);
  if (open === -1) return known;
  const others = known.toSpliced(open, 1);
  const each = others.reduce((product, size) => product * size, 1);
  const count = Array.isArray(data) ? data.flat(Number.POSITIVE_INFINITY).length : Number.NaN;
  return others.includes(-1) || each === 0 || !Number.isInteger(count / each) ? null : known.with(open, count / each);
}

function sizesOf(data: unknown): number[] {
  const sizes: number[] = [];
  for (let level = data; Array.isArray(level) && sizes.length < 64; level = level[0]) sizes.push(level.length);
  return sizes;
}

/** The values as elements of a type, or the index of the first that can't be read as one. */
export function elementsLike(values: readonly unknown[], datatype: Datatype): readonly Element[] | number {
  const kind: Kind = KINDS[datatype];
  const elements: Element[] = [];
  for (const [index, value] of values.entries()) {
    const element = elementLike(value, kind);
    if (element === null) return index;
    elements.push(element);
  }
  return elements;
}

function elementLike(value: unknown, kind: Kind): Element | null {
  switch (kind.is) {
    case "boolean":
      return booleanLike(value);
    case "integer":
    case "long": {
      const integer = integerLike(value);
      if (integer === null || integer < BigInt(kind.least) || integer > BigInt(kind.most)) return null;
      const number = Number(integer);
      return Number.isSafeInteger(number) ? number : integer;
    }
    case "float":
      return floatLike(value, kind.limit);
    case "text":
      return typeof value === "string" && value.isWellFormed() ? value : null;
    default:
      return kind satisfies never;
  }
}

function booleanLike(value: unknown): boolean | null {
  if (typeof value === "boolean") return value;
  const text = typeof value === "string" ? value.toLowerCase() : value;
  if (text === 1 || text === "1" || text === "true") return true;
  return text === 0 || text === "0" || text === "false" ? false : null;
}

function integerLike(value: unknown): bigint | null {
  if (typeof value === "bigint") return value;
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : null;
  return typeof value === "string" && /^[+-]?\d{1,20}(?:\.0*)?$/.test(value) ? BigInt(value.replace(/^\+|\.0*$/g, "")) : null;
}

function floatLike(value: unknown, limit: number): number | null {
  const number = typeof value === "string" ? numberIn(value) : value === null ? Number.NaN : Number(value);
  if (typeof value === "object" && value !== null) return null;
  if (number === null || Math.abs(number) < limit) return number;
  return Number.isNaN(number) ? number : Math.sign(number) * Number.POSITIVE_INFINITY; // what the type rounds it to
}

const SPELLED = /^([+-]?)(nan|inf(?:inity)?)$/i;

function numberIn(text: string): number | null {
  const [, sign, word] = SPELLED.exec(text.trim()) ?? [];
  if (word === undefined) return text.trim() === "" || Number.isNaN(Number(text)) ? null : Number(text);
  if (/nan/i.test(word)) return Number.NaN;
  return sign === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

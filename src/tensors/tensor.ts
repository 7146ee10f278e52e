/**
 * PURE. A tensor as the Open Inference Protocol has it, and the reading of one from JSON or from the raw bytes of the
 * binary extension. What is read is checked whole, so whatever holds a Tensor need not look again:
 * - the shape, the datatype and the data agree, in number and in type; integers are in their type's range, numbers
 *   finite when rounded to it, texts valid Unicode; null and "NaN" are NaN to a float;
 * - data comes flat or nested as the shape has it; sizes of 1 don't count in nesting. It is kept flat, row-major;
 * - data stays in the form in which it came, elements or bytes, until another is asked for. Of bytes nothing is copied,
 *   and nothing but their number is checked, for BYTES also the lengths: any byte is a boolean, any bits a float.
 * A fault is a value, and the first one found.
 * Source: kserve/open-inference-protocol, specification/protocol/inference_rest.md, "Tensor Data".
 */
import type { Result } from "../encoding/result.ts";
import type { Fault } from "../problem.ts";
import { countTexts, decode, decodeTexts, encode } from "./codec.ts";
import { type Datatype, type Element, KINDS, type Kind, datatypeNamed } from "./datatype.ts";
import { datatypeLike, elementsLike, shapeLike } from "./tolerance.ts";

export type Parameters = Readonly<Record<string, string | number | bigint | boolean>>;

export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: Datatype;
  readonly data: readonly Element[] | Uint8Array;
  readonly parameters?: Parameters;
}

/** What was read, or the first fault in it. */
export type Read<T> = Result<T, Fault>;

/** Dimensions of a tensor; more than anybody has, and far from exhausting the stack. */
const RANK_MAX = 64;
/** The rows that an empty tensor may have: they are made out of nothing. */
const EMPTY_MAX = 100_000;
/** What a message repeats of a name that a client chose. */
const NAME_CHARACTERS = 64;
/** Elements that are decoded at a time on their way to text. */
const CHUNK = 16_384;

type Path = Fault["path"];
type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function fault(path: Path, detail: string): { readonly ok: false; readonly fault: Fault } {
  return { ok: false, fault: { path, detail } };
}

/** A client's text, safe and short enough to be sent back. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > NAME_CHARACTERS ? `${text.slice(0, NAME_CHARACTERS)}…` : text);
}

/** A tensor's head: all but its data. */
export type Head = Omit<Tensor, "data">;

/** How a tensor is read: as the protocol has it, or also what can be read without guessing (tolerance.ts). */
export type Manner = "strict" | "tolerant";

/** Name, datatype and shape, of an `input` or `output`. */
export function readHead(value: unknown, role: "input" | "output", path: Path, manner: Manner = "strict"): Read<Omit<Head, "parameters">> {
  if (!isObject(value)) return fault(path, `${role} is not an object`);
  const { name, datatype } = value;
  const shape = manner === "strict" ? value["shape"] : (shapeLike(value["shape"], value["data"]) ?? value["shape"]);
  if (typeof name !== "string") return fault([...path, "name"], `${role} without a name`);
  const called = `${role} ${quoted(name)}`;
  const known = manner === "strict" ? datatypeNamed(datatype) : datatypeLike(datatype);
  if (!known) {
    const given = datatype === undefined ? "no datatype" : "an unknown datatype";
    return fault([...path, "datatype"], `${called} has ${given}; there are ${Object.keys(KINDS).join(", ")}`);
  }
  const at = [...path, "shape"];
  if (shape === undefined) return fault(at, `${called} has no shape`);
  if (!Array.isArray(shape) || !shape.every(isSize)) return fault(at, `${called}: shape is not an array of integers from 0`);
  if (shape.length > RANK_MAX) return fault(at, `${called}: shape has ${shape.length} dimensions, more than ${RANK_MAX}`);
  const count = countOf(shape);
  if (!Number.isSafeInteger(count)) return fault(at, `${called}: shape ${shapeText(shape)} is too large`);
  if (count === 0 && countOf(shape.filter((size) => size > 0)) > EMPTY_MAX)
    return fault(at, `${called}: shape ${shapeText(shape)} is too large for an empty tensor`);
  return { ok: true, value: { name, shape, datatype: known } };
}

function isSize(size: unknown): size is number {
  return Number.isSafeInteger(size) && Number(size) >= 0;
}

export function countOf(shape: readonly number[]): number {
  let count = 1;
  for (const size of shape) {
    if (size === 0) return 0;
    count *= size;
  }
  return count;
}

export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/** The tensor of this head whose data these bytes are. `path` is that of its size. */
export function withBytes(head: Head, bytes: Uint8Array, role: "input" | "output", path: Path): Read<Tensor> {
  const count = countOf(head.shape);
  const width = KINDS[head.datatype].bytes;
  const called = () => `${role} ${quoted(head.name)}: shape ${shapeText(head.shape)}`;
  if (width !== null) {
    if (bytes.length !== count * width) return fault(path, `${called()} needs ${count * width} bytes, data has ${bytes.length}`);
  } else {
    const found = countTexts(bytes);
    if (found === null)
      return fault(path, `${role} ${quoted(head.name)}: the lengths of its elements don't add up to its ${bytes.length} bytes`);
    if (found !== count) return fault(path, `${called()} needs ${count} elements, data has ${found}`);
  }
  return { ok: true, value: { ...head, data: bytes } };
}

/** The tensor of this head whose data this JSON value is. `path` is that of the data. */
export function withJson(head: Head, given: unknown, role: "input" | "output", path: Path, manner: Manner = "strict"): Read<Tensor> {
  const called = `${role} ${quoted(head.name)}`;
  const isScalar = manner === "tolerant" && given !== undefined && !Array.isArray(given) && countOf(head.shape) === 1;
  const data = isScalar ? [given] : given;
  if (!Array.isArray(data)) return fault(path, data === undefined ? `${called} has no data` : `${called}: data is not an array`);
  const nested = Array.isArray(data[0]);
  const flat = nested ? flattened(data, head.shape) : (data as readonly unknown[]); // has no type but its own
  if (flat === null) return fault(path, `${called}: data is not nested as its shape ${shapeText(head.shape)} is`);
  const count = countOf(head.shape);
  if (flat.length !== count) {
    return fault(path, `${called}: shape ${shapeText(head.shape)} needs ${count} elements, data has ${flat.length}`);
  }
  const elements = manner === "strict" ? elementsIn(flat, KINDS[head.datatype]) : elementsLike(flat, head.datatype);
  if (typeof elements === "number") {
    const what = flaw(flat[elements], head.datatype);
    return fault(nested ? path : [...path, elements], `${called}: element ${elements} ${what}`);
  }
  return { ok: true, value: { ...head, data: elements } };
}

/** The elements of nested data in order, or null where it is not nested as the shape is. */
function flattened(data: readonly unknown[], shape: readonly number[]): unknown[] | null {
  const sizes: number[] = [];
  for (let level: unknown = data; Array.isArray(level); level = level[0]) {
    if (sizes.length === RANK_MAX) return null;
    sizes.push(level.length);
  }
  if (significant(sizes) !== significant(shape)) return null;
  const elements: unknown[] = [];
  return gather(data, sizes, 0, elements) ? elements : null;
}

/** A shape without what makes no difference to nested data: sizes of 1, and whatever comes after a 0. */
function significant(shape: readonly number[]): string {
  const end = shape.indexOf(0);
  return (end < 0 ? shape : shape.slice(0, end + 1)).filter((size) => size !== 1).join();
}

function gather(level: readonly unknown[], sizes: readonly number[], depth: number, into: unknown[]): boolean {
  if (level.length !== sizes[depth]) return false;
  const isLast = depth === sizes.length - 1;
  for (const part of level) {
    if (isLast) into.push(part); // an array here is no element, which is found later
    else if (!Array.isArray(part) || !gather(part, sizes, depth + 1, into)) return false;
  }
  return true;
}

/** The values as elements of a kind, or the index of the first that is none. */
function elementsIn(values: readonly unknown[], kind: Kind): readonly Element[] | number {
  switch (kind.is) {
    case "boolean":
      for (let index = 0; index < values.length; index++) if (typeof values[index] !== "boolean") return index;
      break;
    case "text":
      for (let index = 0; index < values.length; index++) {
        const value = values[index];
        if (typeof value !== "string" || !value.isWellFormed()) return index;
      }
      break;
    case "integer":
      for (let index = 0; index < values.length; index++) {
        const value = values[index];
        if (typeof value !== "number" || !Number.isInteger(value) || value < kind.least || value > kind.most) return index;
      }
      break;
    case "long":
      for (let index = 0; index < values.length; index++) if (!isLong(values[index], kind.least, kind.most)) return index;
      break;
    case "float":
      return floatsIn(values, kind.limit);
    default:
      return kind satisfies never;
  }
  return values as readonly Element[]; // each has been looked at
}

function isLong(value: unknown, least: bigint, most: bigint): boolean {
  if (typeof value === "bigint") return value >= least && value <= most;
  // A number beyond the safe integers was written as 1e18, and is the integer that it says.
  if (!Number.isInteger(value)) return false;
  return Number.isSafeInteger(value) ? least < 0n || Number(value) >= 0 : isLong(BigInt(Number(value)), least, most);
}

/** What stands for the floats that JSON lacks: null, as many libraries write them, and the protocol's own texts (see plainOf). */
const NON_NUMBERS: ReadonlyMap<unknown, number> = new Map<unknown, number>([
  [null, Number.NaN],
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);

/** Whole numbers come as bigints where they are large, though a double is meant; they are made doubles. */
function floatsIn(values: readonly unknown[], limit: number): readonly Element[] | number {
  let asTheyAre = true;
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (typeof value === "number" && value < limit && value > -limit) continue;
    if (!NON_NUMBERS.has(value) && (typeof value !== "bigint" || Math.abs(Number(value)) >= limit)) return index;
    asTheyAre = false;
  }
  return asTheyAre ? (values as readonly Element[]) : values.map((value) => NON_NUMBERS.get(value) ?? Number(value)); // each has been looked at
}

/** What is wrong with a value that is no element of the type. */
function flaw(value: unknown, datatype: Datatype): string {
  const kind: Kind = KINDS[datatype];
  const isNumber = typeof value === "number" || typeof value === "bigint";
  switch (kind.is) {
    case "boolean":
      return "is not a boolean";
    case "text":
      return typeof value === "string" ? "is not valid Unicode" : "is not text";
    case "integer":
    case "long":
      if (!isNumber || (typeof value === "number" && !Number.isInteger(value))) return "is not an integer";
      return `is out of the range of ${datatype}, ${kind.least} to ${kind.most}`;
    case "float":
      return isNumber ? `is out of the range of ${datatype}` : "is not a number";
    default:
      return kind satisfies never;
  }
}

/** A tensor's data as the binary extension has it. */
export function bytesOf({ data, datatype }: Tensor): Uint8Array {
  return data instanceof Uint8Array ? data : encode(data, datatype);
}

/** What JSON has for a tensor: its parameters may tell how to take the elements. */
export interface Plain {
  readonly elements: readonly Element[];
  readonly parameters?: Parameters;
}

/**
 * A tensor's data as JSON values, flat. Two things have no JSON, and a result is worth more than a refusal:
 * - a float that is not finite is the text "NaN", "Infinity" or "-Infinity", as the protocol's gRPC form has it when
 *   written as JSON (proto3);
 * - where an element of BYTES is not UTF-8, all of the tensor's are base64, and its `content_type` parameter says so,
 *   which is how MLServer marks them.
 * The first is read back as the float that it stands for, and so is null. Bytes lose nothing.
 */
export function plainOf(tensor: Tensor): Plain {
  const { data, datatype, parameters } = tensor;
  if (datatype !== "BYTES") {
    const elements = data instanceof Uint8Array ? decode(data, datatype, 0, countOf(tensor.shape)) : data;
    const isSpelled = KINDS[datatype].is === "float" && !elements.every(Number.isFinite);
    return { elements: isSpelled ? elements.map(spelledOut) : elements, ...(parameters && { parameters }) };
  }
  if (!(data instanceof Uint8Array)) return { elements: data, ...(parameters && { parameters }) };
  const { texts, base64 } = decodeTexts(data);
  const marked = base64 ? { ...parameters, content_type: "base64" } : parameters;
  return { elements: texts, ...(marked && { parameters: marked }) };
}

function spelledOut(element: Element): Element {
  return typeof element === "number" && !Number.isFinite(element) ? String(element) : element;
}

/** As plainOf, but the data as JSON text, which also keeps -0 and, of large tensors, the memory. */
export function plainText(tensor: Tensor): { readonly text: string; readonly parameters?: Parameters } {
  const { data, datatype, shape, parameters } = tensor;
  if (datatype === "BYTES") {
    const plain = plainOf(tensor);
    return { text: JSON.stringify(plain.elements), ...(plain.parameters && { parameters: plain.parameters }) };
  }
  if (!(data instanceof Uint8Array)) return { text: `[${listed(data)}]`, ...(parameters && { parameters }) };
  const count = countOf(shape);
  let text = "[";
  for (let start = 0; start < count; start += CHUNK) {
    if (start > 0) text += ",";
    text += listed(decode(data, datatype, start, Math.min(count, start + CHUNK)));
  }
  return { text: `${text}]`, ...(parameters && { parameters }) };
}

/** Numbers or booleans as JSON, between commas. */
function listed(elements: readonly Element[]): string {
  for (let index = 0; index < elements.length; index++) {
    const element = elements[index];
    if (typeof element === "bigint" || Object.is(element, -0) || (typeof element === "number" && !Number.isFinite(element))) {
      return elements.map(literal).join(",");
    }
  }
  return JSON.stringify(elements).slice(1, -1);
}

function literal(element: Element): string {
  if (Object.is(element, -0)) return "-0";
  return typeof element === "number" && !Number.isFinite(element) ? `"${element}"` : String(element);
}

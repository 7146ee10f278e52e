/**
 * PURE. Plain JSON to tensors of the Open Inference Protocol and back, so that a client that knows nothing of tensors
 * can use a tensor model. Rules, from the design (section 8):
 * - a field becomes a tensor of its name: strings BYTES, integers INT64, other numbers FP32, booleans BOOL; nested
 *   arrays give the shape, a scalar has shape [1];
 * - integers that are too large for INT64 are UINT64, where all are from 0; beyond 64 bits they are refused. Numbers
 *   that would be infinite in FP32 are FP64: a server refuses the type, if it must, instead of taking another number;
 * - an array of objects is read by column: one tensor per field, first dimension the items. A text missing in some
 *   items is ""; any other type must be there in all;
 * - an input that has `inputs` is tensors already and is left as it is.
 * Back: a tensor whose `parameters.content_type` is application/json holds one JSON text per element. Where items went
 * in and every output has their number as its first dimension, items come out.
 */

import { parseJson } from "../encoding/json.ts";
import { type Result, faulty, read } from "../encoding/result.ts";
import { COUNTED_MOST } from "../limits.ts";
import { type Datatype, type Element, KINDS } from "./datatype.ts";
import { type Tensor, isObject, plainOf, quoted } from "./tensor.ts";

/** What went in, as far as coming out depends on it. */
export type Form =
  | { readonly kind: "tensors" }
  | { readonly kind: "items"; readonly count: number }
  | { readonly kind: "fields"; readonly scalar: boolean };

/** What a plain input makes; `inputs` is null if it is tensors already. */
export interface Mapped {
  readonly form: Form;
  readonly inputs: readonly Tensor[] | null;
}

/** Dimensions of a field, whose levels are descended one in another. */
const RANK_MAX = 64;

type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a plain input is tensors already. */
export function isTensorInput(input: unknown): input is JsonObject & { inputs: unknown[] } {
  return isObject(input) && Array.isArray(input["inputs"]);
}

/** How many items an input or output counts for: the length of an array, the first dimension of tensors, up to COUNTED_MOST, else 1. */
export function itemsIn(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  if (isObject(value)) {
    const tensors = value["inputs"] ?? value["outputs"];
    const shape = Array.isArray(tensors) && isObject(tensors[0]) ? tensors[0]["shape"] : undefined;
    const first: unknown = Array.isArray(shape) ? shape[0] : undefined;
    if (typeof first === "number" && Number.isSafeInteger(first) && first >= 0) return Math.min(first, COUNTED_MOST);
  }
  return 1;
}

/** The tensors of a plain input. */
export function toTensors(input: unknown): Result<Mapped> {
  if (isTensorInput(input)) return read({ form: { kind: "tensors" }, inputs: null });
  const columns = Array.isArray(input) && input.length > 0 && input.every(isObject) ? columnsOf(input) : null;
  const fields: JsonObject = columns ?? (isObject(input) ? input : { input });
  const inputs: Tensor[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const tensor = tensorOf(name, value);
    if (!tensor.ok) return tensor;
    inputs.push(tensor.value);
  }
  if (inputs.length === 0) return faulty("the input has no fields");
  if (columns && Array.isArray(input)) return read({ form: { kind: "items", count: input.length }, inputs });
  return read({ form: { kind: "fields", scalar: Object.values(fields).every((value) => !Array.isArray(value)) }, inputs });
}

/** One array per field over all items. */
function columnsOf(items: readonly JsonObject[]): JsonObject {
  const names = [...new Set(items.flatMap((item) => Object.keys(item)))];
  return Object.fromEntries(
    names.map((name) => {
      const values = items.map((item) => (Object.hasOwn(item, name) ? item[name] : undefined));
      const isText = values.some((value) => typeof value === "string");
      return [name, values.map((value) => value ?? (isText ? "" : undefined))];
    }),
  );
}

/** A tensor, or what keeps the value from being one. */
function tensorOf(name: string, value: unknown): Result<Tensor> {
  const shape: number[] = [];
  for (let level = value; Array.isArray(level); level = level[0]) {
    if (shape.length === RANK_MAX) return faulty(`field ${quoted(name)} is nested deeper than ${RANK_MAX} levels`);
    shape.push(level.length);
  }
  const data: Element[] = [];
  const fault = flatten(value, shape, 0, data);
  if (fault) return faulty(`field ${quoted(name)} ${fault}`);
  const known = datatypeOf(data);
  if (!known.ok) return faulty(`field ${quoted(name)} ${known.fault}`);
  const datatype = known.value;
  const isFloat = KINDS[datatype].is === "float";
  return read({ name, shape: shape.length > 0 ? shape : [1], datatype, data: isFloat ? data.map(Number) : data });
}

function flatten(value: unknown, shape: readonly number[], depth: number, into: Element[]): string | null {
  if (Array.isArray(value)) {
    if (value.length !== shape[depth]) return "is not rectangular";
    for (const part of value) {
      const fault = flatten(part, shape, depth + 1, into);
      if (fault) return fault;
    }
    return null;
  }
  if (depth !== shape.length) return "is not rectangular";
  if (value === undefined || value === null) return "is missing in some items";
  if (!isElement(value)) return "holds an object, which no tensor can";
  into.push(value);
  return null;
}

function isElement(value: unknown): value is Element {
  return typeof value === "string" || typeof value === "number" || typeof value === "bigint" || typeof value === "boolean";
}

/** The type that holds all elements, or why none does. */
function datatypeOf(data: readonly Element[]): Result<Datatype> {
  const types = new Set(data.map((element) => typeof element));
  const isNumeric = types.has("number") || types.has("bigint");
  types.delete("bigint");
  if (isNumeric) types.add("number");
  if (types.size > 1) return faulty("mixes types");
  if (types.has("boolean")) return read("BOOL");
  if (isNumeric) return numberType(data);
  return data.every((text) => String(text).isWellFormed()) ? read("BYTES") : faulty("holds text that is not valid Unicode");
}

function numberType(data: readonly Element[]): Result<Datatype> {
  if (data.every((element) => typeof element === "bigint" || Number.isSafeInteger(element))) {
    const large = data.filter((element) => typeof element === "bigint");
    if (large.every((element) => element >= KINDS.INT64.least && element <= KINDS.INT64.most)) return read("INT64");
    const isUnsigned = data.every((element) => Number(element) >= 0) && large.every((element) => element <= KINDS.UINT64.most);
    return isUnsigned ? read("UINT64") : faulty("holds an integer that neither INT64 nor UINT64 can");
  }
  return read(data.every((element) => Math.abs(Number(element)) < KINDS.FP32.limit) ? "FP32" : "FP64");
}

/** Output tensors as plain JSON, in the form in which the input came; or what is wrong with them. */
export function fromTensors(outputs: readonly Tensor[], form: Form): Result<unknown> {
  const values = new Map<string, unknown>();
  for (const tensor of outputs) {
    const elements = elementsOf(tensor);
    if (!elements) return faulty(`output ${quoted(tensor.name)} holds text that is not the JSON it is said to be`);
    values.set(tensor.name, nest(elements, tensor.shape));
  }
  const names = [...values.keys()];
  if (form.kind === "items" && outputs.every((tensor) => tensor.shape[0] === form.count)) {
    const items = Array.from(
      { length: form.count },
      (_, index) => Object.fromEntries(names.map((name) => [name, (values.get(name) as unknown[])[index]])), // nest gives arrays for shapes with a first dimension
    );
    return read(items);
  }
  const bare = form.kind === "fields" && form.scalar;
  return read(
    Object.fromEntries(
      outputs.map((tensor) => {
        const value = values.get(tensor.name);
        return [tensor.name, bare && tensor.shape.length === 1 && tensor.shape[0] === 1 && Array.isArray(value) ? value[0] : value];
      }),
    ),
  );
}

/** The elements as JSON values; null where they are said to be JSON and are not. */
function elementsOf(tensor: Tensor): readonly unknown[] | null {
  const { elements } = plainOf(tensor);
  if (tensor.parameters?.["content_type"] !== "application/json") return elements;
  try {
    return elements.map((element) => parseJson(String(element)));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function nest(elements: readonly unknown[], shape: readonly number[]): unknown {
  let level = elements;
  for (let depth = shape.length - 1; depth > 0; depth--) {
    const size = shape[depth] ?? 0;
    const length = shape.slice(0, depth).reduce((product, each) => product * each, 1);
    level = Array.from({ length }, (_, index) => level.slice(index * size, (index + 1) * size));
  }
  return shape.length === 0 ? elements[0] : level;
}

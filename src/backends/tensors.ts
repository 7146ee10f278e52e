/**
 * PURE. Plain JSON to tensors of the Open Inference Protocol and back, so that a client that knows nothing of tensors
 * can use a tensor model. Rules, from the design (section 8):
 * - a field becomes a tensor of its name: strings BYTES, integers INT64, other numbers FP32, booleans BOOL; nested
 *   arrays give the shape, a scalar has shape [1];
 * - an array of objects is read by column: one tensor per field, first dimension the items. A text missing in some
 *   items is ""; any other type must be there in all;
 * - an input that has `inputs` is tensors already and is left as it is.
 * Back: a tensor whose `parameters.content_type` is application/json holds one JSON text per element. Where items went
 * in and every output has their number as its first dimension, items come out.
 */

export const DATATYPES = [
  "BOOL",
  "UINT8",
  "UINT16",
  "UINT32",
  "UINT64",
  "INT8",
  "INT16",
  "INT32",
  "INT64",
  "FP16",
  "BF16",
  "FP32",
  "FP64",
  "BYTES",
] as const;
export type Datatype = (typeof DATATYPES)[number];

type Element = string | number | boolean;

export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: Datatype;
  readonly data: readonly Element[];
  readonly parameters?: Readonly<Record<string, unknown>>;
}

/** What went in, as far as coming out depends on it. */
export type Form =
  | { readonly kind: "tensors" }
  | { readonly kind: "items"; readonly count: number }
  | { readonly kind: "fields"; readonly scalar: boolean };

export type Mapped =
  | { readonly ok: true; readonly form: Form; readonly inputs: readonly Tensor[] | null }
  | { readonly ok: false; readonly detail: string };

/** The rows that an empty tensor may have: they are made out of nothing. */
const EMPTY_MAX = 100_000;
/** Dimensions of a tensor; more than anybody has, and far from exhausting the stack. */
const RANK_MAX = 64;

type JsonObject = Record<string, unknown>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a plain input is tensors already. */
export function isTensorInput(input: unknown): input is JsonObject & { inputs: unknown[] } {
  return isObject(input) && Array.isArray(input["inputs"]);
}

/** How many items an input or output counts for: the length of an array, the first dimension of tensors, else 1. */
export function itemsIn(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  if (isObject(value)) {
    const tensors = value["inputs"] ?? value["outputs"];
    const shape = Array.isArray(tensors) && isObject(tensors[0]) ? tensors[0]["shape"] : undefined;
    const first: unknown = Array.isArray(shape) ? shape[0] : undefined;
    if (typeof first === "number" && Number.isSafeInteger(first) && first >= 0) return first;
  }
  return 1;
}

/** The tensors of a plain input; `inputs` is null where it is tensors already. */
export function toTensors(input: unknown): Mapped {
  if (isTensorInput(input)) return { ok: true, form: { kind: "tensors" }, inputs: null };
  const columns = Array.isArray(input) && input.length > 0 && input.every(isObject) ? columnsOf(input) : null;
  const fields: JsonObject = columns ?? (isObject(input) ? input : { input });
  const inputs: Tensor[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const tensor = tensorOf(name, value);
    if (typeof tensor === "string") return { ok: false, detail: tensor };
    inputs.push(tensor);
  }
  if (inputs.length === 0) return { ok: false, detail: "the input has no fields" };
  if (columns && Array.isArray(input)) return { ok: true, form: { kind: "items", count: input.length }, inputs };
  return { ok: true, form: { kind: "fields", scalar: Object.values(fields).every((value) => !Array.isArray(value)) }, inputs };
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
function tensorOf(name: string, value: unknown): Tensor | string {
  const shape: number[] = [];
  for (let level = value; Array.isArray(level); level = level[0]) shape.push(level.length);
  const data: Element[] = [];
  const fault = flatten(value, shape, 0, data);
  if (fault) return `field "${name}" ${fault}`;
  const datatype = datatypeOf(data);
  if (!datatype) return `field "${name}" mixes types, or has values that are neither text, number nor boolean`;
  return { name, shape: shape.length > 0 ? shape : [1], datatype, data };
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
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") return "holds an object, which no tensor can";
  into.push(value);
  return null;
}

function datatypeOf(data: readonly Element[]): Datatype | null {
  const types = new Set(data.map((element) => typeof element));
  if (types.size > 1) return null;
  if (types.has("boolean")) return "BOOL";
  if (types.has("number")) return data.every((element) => Number.isSafeInteger(element)) ? "INT64" : "FP32";
  return "BYTES";
}

/** The body of an infer request for these tensors. */
export function inferRequest(inputs: readonly Tensor[]): string {
  return JSON.stringify({ inputs });
}

/** The output tensors of an infer response, or what is wrong with it. */
export function readInferResponse(value: unknown): Tensor[] | string {
  if (!isObject(value)) return "not a JSON object";
  if (!Array.isArray(value["outputs"])) return "no outputs";
  const tensors: Tensor[] = [];
  for (const output of value["outputs"]) {
    const tensor = readTensor(output);
    if (typeof tensor === "string") return tensor;
    tensors.push(tensor);
  }
  return tensors;
}

function readTensor(value: unknown): Tensor | string {
  if (!isObject(value) || typeof value["name"] !== "string") return "an output without a name";
  const { shape, datatype, data, parameters } = value;
  const name = value["name"];
  const known = DATATYPES.find((candidate) => candidate === datatype);
  if (!known) return `output "${name}" has no known datatype`;
  if (!Array.isArray(shape) || shape.length > RANK_MAX || !shape.every((size) => Number.isSafeInteger(size) && size >= 0))
    return `output "${name}" has no valid shape`;
  if (!Array.isArray(data)) return `output "${name}" has no data`;
  const flat = data.flat(shape.length) as unknown[]; // is typed one level deep
  const count = shape.reduce((product: number, size: number) => product * size, 1);
  if (flat.length !== count) return `output "${name}" has ${flat.length} elements where its shape says ${count}`;
  if (count === 0 && shape.reduce((product: number, size: number) => product * Math.max(1, size), 1) > EMPTY_MAX)
    return `output "${name}" is empty, but has an enormous shape`;
  const type = known === "BYTES" ? "string" : known === "BOOL" ? "boolean" : "number";
  if (!flat.every((element): element is Element => typeof element === type)) return `output "${name}" has elements that are not ${known}`;
  return { name: name, shape, datatype: known, data: flat, ...(isObject(parameters) ? { parameters } : {}) };
}

/** Output tensors as plain JSON, in the form in which the input came; or what is wrong with them. */
export function fromTensors(outputs: readonly Tensor[], form: Form): { ok: true; value: unknown } | { ok: false; detail: string } {
  const values = new Map<string, unknown>();
  for (const tensor of outputs) {
    const elements = elementsOf(tensor);
    if (!elements) return { ok: false, detail: `output "${tensor.name}" holds text that is not the JSON it is said to be` };
    values.set(tensor.name, nest(elements, tensor.shape));
  }
  const names = [...values.keys()];
  if (form.kind === "items" && outputs.every((tensor) => tensor.shape[0] === form.count)) {
    const items = Array.from(
      { length: form.count },
      (_, index) => Object.fromEntries(names.map((name) => [name, (values.get(name) as unknown[])[index]])), // nest gives arrays for shapes with a first dimension
    );
    return { ok: true, value: items };
  }
  const bare = form.kind === "fields" && form.scalar;
  return {
    ok: true,
    value: Object.fromEntries(
      outputs.map((tensor) => {
        const value = values.get(tensor.name);
        return [tensor.name, bare && tensor.shape.length === 1 && tensor.shape[0] === 1 && Array.isArray(value) ? value[0] : value];
      }),
    ),
  };
}

function elementsOf(tensor: Tensor): unknown[] | null {
  if (tensor.parameters?.["content_type"] !== "application/json") return [...tensor.data];
  try {
    return tensor.data.map((element) => JSON.parse(String(element)) as unknown);
  } catch {
    return null;
  }
}

function nest(elements: unknown[], shape: readonly number[]): unknown {
  let level = elements;
  for (let depth = shape.length - 1; depth > 0; depth--) {
    const size = shape[depth] ?? 0;
    const length = shape.slice(0, depth).reduce((product, each) => product * each, 1);
    level = Array.from({ length }, (_, index) => level.slice(index * size, (index + 1) * size));
  }
  return shape.length === 0 ? elements[0] : level;
}

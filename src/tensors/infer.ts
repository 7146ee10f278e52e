/**
 * PURE. The request and the response of an inference in the Open Inference Protocol, and reading them from a body:
 * - JSON (`headLength` null), or
 * - JSON of `headLength` bytes, then the raw data of each tensor with a `binary_data_size`, in the order of the JSON and
 *   nothing after it. Tensors with `data` may stand among them. `headLength` is what the header
 *   `Inference-Header-Content-Length` says.
 * A request is read strictly: it comes from a client that can mend it. A response has been paid for with GPU time: what
 * does not matter in it is let go (a parameter that is no text, number or boolean; a missing name of the model), but
 * tensors are checked the same. A null counts as left out, which is how some servers write what is optional.
 *
 * `binary_data_size` belongs to the form of a body and is never in what was read; `binary_data` and
 * `binary_data_output` are a client's wishes for its answer (`wantsOf`) and stay in its request, but are written
 * anew for a server (wire.ts).
 * Source: kserve/open-inference-protocol, specification/protocol/inference_rest.md; Triton's
 * docs/protocol/extension_binary_data.md.
 */
import { parseJson, parseTolerantly } from "../encoding/json.ts";
import { read } from "../encoding/result.ts";
import type { Fault } from "../problem.ts";
import { prefixed } from "./codec.ts";
import { KINDS } from "./datatype.ts";
import {
  type Head,
  type Manner,
  type Parameters,
  type Read,
  type Tensor,
  countOf,
  fault,
  isObject,
  quoted,
  readHead,
  shapeText,
  withBytes,
  withJson,
} from "./tensor.ts";

export interface RequestedOutput {
  readonly name: string;
  readonly parameters?: Parameters;
}

export interface InferRequest {
  readonly id?: string;
  readonly parameters?: Parameters;
  readonly inputs: readonly Tensor[];
  /** None, or an empty list, asks for all. */
  readonly outputs?: readonly RequestedOutput[];
}

export interface InferResponse {
  /** '' where the server did not say. */
  readonly model_name: string;
  readonly model_version?: string;
  readonly id?: string;
  readonly parameters?: Parameters;
  readonly outputs: readonly Tensor[];
}

/** A request of either form. A `headLength` of 0 is another form, which needs the model's input: rawInferRequest. */
export function readInferRequest(body: Uint8Array | string, headLength: number | null): Read<InferRequest> {
  const opened = open(body, headLength);
  if (!opened.ok) return opened;
  const { head, tail } = opened.value;
  if (!isObject(head)) return fault([], "the body is not a JSON object");
  const id = head["id"] ?? undefined;
  if (id !== undefined && typeof id !== "string") return fault(["id"], "id is not text");
  const parameters = readParameters(head["parameters"], ["parameters"], "strict");
  if (!parameters.ok) return parameters;
  const wish = parameters.value?.["binary_data_output"];
  if (wish !== undefined && typeof wish !== "boolean")
    return fault(["parameters", "binary_data_output"], "binary_data_output is not a boolean");
  const inputs = readTensors(head["inputs"], "input", tail, "strict");
  if (!inputs.ok) return inputs;
  const outputs = readRequested(head["outputs"]);
  if (!outputs.ok) return outputs;
  return {
    ok: true,
    value: {
      ...(id !== undefined && { id }),
      ...(parameters.value && { parameters: parameters.value }),
      inputs: inputs.value,
      ...(outputs.value && { outputs: outputs.value }),
    },
  };
}

/** A server's response of either form. */
export function readInferResponse(body: Uint8Array | string, headLength: number | null, manner: Manner = "strict"): Read<InferResponse> {
  const opened = open(body, headLength, manner);
  if (!opened.ok) return opened;
  const { head, tail } = opened.value;
  if (!isObject(head)) return fault([], "the body is not a JSON object");
  const { id, model_name: name, model_version: version } = head;
  const parameters = readParameters(head["parameters"], ["parameters"], "lenient");
  if (!parameters.ok) return parameters;
  const outputs = readTensors(head["outputs"], "output", tail, manner);
  if (!outputs.ok) return outputs;
  return {
    ok: true,
    value: {
      model_name: typeof name === "string" ? name : "",
      ...((typeof version === "string" || typeof version === "number") && { model_version: String(version) }),
      ...(typeof id === "string" && { id }),
      ...(parameters.value && { parameters: parameters.value }),
      outputs: outputs.value,
    },
  };
}

/** The bytes after the head, given out in order; null where the body is JSON alone. */
type Tail = { readonly bytes: Uint8Array; at: number } | null;

function open(
  body: Uint8Array | string,
  headLength: number | null,
  manner: Manner = "strict",
): Read<{ readonly head: unknown; readonly tail: Tail }> {
  if (headLength === null) {
    const head = readText(body, manner);
    return head.ok ? { ok: true, value: { head: head.value, tail: null } } : head;
  }
  if (headLength === 0) return fault([], "the body has no JSON head, since Inference-Header-Content-Length is 0");
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  if (!Number.isSafeInteger(headLength) || headLength < 0) return fault([], "Inference-Header-Content-Length is not a length");
  if (headLength > bytes.length) {
    return fault([], `Inference-Header-Content-Length is ${headLength}, but the body has only ${bytes.length} bytes`);
  }
  const head = readText(bytes.subarray(0, headLength), manner);
  return head.ok ? { ok: true, value: { head: head.value, tail: { bytes, at: headLength } } } : head;
}

function readText(body: Uint8Array | string, manner: Manner): Read<unknown> {
  let text: string;
  try {
    text = typeof body === "string" ? body : new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body);
  } catch (error) {
    if (error instanceof TypeError) return fault([], "the JSON is not UTF-8");
    throw error;
  }
  if (manner === "tolerant") {
    const known = parseTolerantly(text);
    return known.ok ? read(known.value.value) : fault([], `the JSON is malformed: ${known.fault.message}`);
  }
  try {
    return read(parseJson(text));
  } catch (error) {
    if (error instanceof SyntaxError) return fault([], `the JSON is malformed: ${error.message}`);
    throw error;
  }
}

function readTensors(values: unknown, role: "input" | "output", tail: Tail, manner: Manner): Read<Tensor[]> {
  const list = `${role}s`;
  if (!Array.isArray(values)) return fault([list], values === undefined ? `there are no ${list}` : `${list} is not an array`);
  const tensors: Tensor[] = [];
  const names = new Set<string>();
  for (let index = 0; index < values.length; index++) {
    const tensor = readTensor(values[index], role, [list, index], tail, manner);
    if (!tensor.ok) return tensor;
    const { name } = tensor.value;
    if (names.has(name)) return fault([list, index, "name"], `${role} ${quoted(name)} is given twice`);
    names.add(name);
    tensors.push(tensor.value);
  }
  const rest = tail ? tail.bytes.length - tail.at : 0;
  if (rest > 0) return fault([], `${rest} bytes follow the data of the last ${role}`);
  return { ok: true, value: tensors };
}

function readTensor(value: unknown, role: "input" | "output", path: Fault["path"], tail: Tail, manner: Manner): Read<Tensor> {
  const head = readHead(value, role, path, manner);
  if (!head.ok) return head;
  const called = `${role} ${quoted(head.value.name)}`;
  const { data, parameters: given } = value as { readonly data?: unknown; readonly parameters?: unknown }; // readHead has found an object
  const parameters = readParameters(given, [...path, "parameters"], role === "input" ? "strict" : "lenient");
  if (!parameters.ok) return parameters;
  const { binary_data_size: size, ...others } = parameters.value ?? {};
  const whole: Head = { ...head.value, ...(Object.keys(others).length > 0 && { parameters: others }) };
  if (size === undefined) {
    const region = data === undefined || data === null ? sharedMemoryOf(others) : undefined;
    if (region !== undefined) return fault([...path, "parameters", region], inSharedMemory(role, head.value.name));
    return withJson(whole, data ?? undefined, role, [...path, "data"], manner);
  }

  const at = [...path, "parameters", "binary_data_size"];
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
    return fault(at, `${called}: binary_data_size is not a size in bytes`);
  if (data !== undefined && data !== null) return fault(at, `${called} has both data and binary_data_size`);
  if (!tail) return fault(at, `${called} has binary_data_size, but without Inference-Header-Content-Length the body is JSON alone`);
  const left = tail.bytes.length - tail.at;
  if (size > left) return fault(at, `${called}: binary_data_size is ${size}, but only ${left} bytes are left in the body`);
  const bytes = tail.bytes.subarray(tail.at, tail.at + size);
  tail.at += size;
  return withBytes(whole, bytes, role, at);
}

/** The parameter by which a tensor is said to be in shared memory (a Triton extension), where its data would be. */
export function sharedMemoryOf(parameters: Parameters = {}): string | undefined {
  return Object.keys(parameters).find((name) => name.startsWith(SHARED_MEMORY));
}

export const SHARED_MEMORY = "shared_memory_";

export function inSharedMemory(role: "input" | "output", name: string): string {
  return `${role} ${quoted(name)} is to be in shared memory, which is not offered`;
}

function readRequested(values: unknown): Read<RequestedOutput[] | null> {
  if (values === undefined || values === null) return { ok: true, value: null };
  if (!Array.isArray(values)) return fault(["outputs"], "outputs is not an array");
  const outputs: RequestedOutput[] = [];
  const names = new Set<string>();
  for (let index = 0; index < values.length; index++) {
    const value: unknown = values[index];
    const path = ["outputs", index];
    if (!isObject(value) || typeof value["name"] !== "string") return fault([...path, "name"], "output without a name");
    const { name } = value;
    if (names.has(name)) return fault([...path, "name"], `output ${quoted(name)} is asked for twice`);
    names.add(name);
    const parameters = readParameters(value["parameters"], [...path, "parameters"], "strict");
    if (!parameters.ok) return parameters;
    const wish = parameters.value?.["binary_data"];
    if (wish !== undefined && typeof wish !== "boolean")
      return fault([...path, "parameters", "binary_data"], `output ${quoted(name)}: binary_data is not a boolean`);
    outputs.push({ name, ...(parameters.value && { parameters: parameters.value }) });
  }
  return { ok: true, value: outputs };
}

/** A flat map; null where there is none. Leniently, what makes it not flat is left out. */
function readParameters(value: unknown, path: Fault["path"], manner: "strict" | "lenient"): Read<Parameters | null> {
  if (value === undefined || value === null) return { ok: true, value: null };
  if (!isObject(value)) return manner === "lenient" ? { ok: true, value: null } : fault(path, "parameters is not an object");
  const entries = Object.entries(value);
  const flat = entries.filter((entry): entry is [string, Parameters[string]] => isParameter(entry[1]));
  const odd = entries.find(([, each]) => !isParameter(each));
  if (manner === "strict" && odd) return fault([...path, odd[0]], `parameter ${quoted(odd[0])} is not text, a number or a boolean`);
  return { ok: true, value: Object.fromEntries(flat) };
}

function isParameter(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "bigint" || typeof value === "boolean";
}

/**
 * The request of a body that is nothing but the data of the model's only input (`Inference-Header-Content-Length: 0`).
 * Its shape is the model's, where one dimension may be variable and follows from the size. Where two are, the first is
 * the batch dimension, and 1. BYTES have one element, which is the whole body, without a length before it. All outputs
 * come back as bytes.
 */
export function rawInferRequest(
  bytes: Uint8Array,
  input: { readonly name: string; readonly datatype: string; readonly shape: readonly number[] },
): Read<InferRequest> {
  const known = readHead({ ...input, shape: [] }, "input", []);
  if (!known.ok) return known;
  const { name, datatype } = known.value;
  const width = KINDS[datatype].bytes;
  const called = `input ${quoted(name)} of shape ${shapeText(input.shape)}`;
  const isVariable = (size: number) => size < 0;
  if (width === null && input.shape.some((size) => size !== 1 && !isVariable(size))) {
    return fault([], `${called}: a raw request holds one element of BYTES`);
  }
  const variable = input.shape.filter(isVariable).length;
  const isBatch = variable === 2 && isVariable(input.shape[0] ?? 0);
  const unknown = width === null ? 0 : variable - (isBatch ? 1 : 0);
  if (unknown > 1) return fault([], `${called}: a raw request can't tell more than one variable dimension`);
  const fixed = input.shape.map((size, index) => (isVariable(size) && (width === null || (isBatch && index === 0)) ? 1 : size));
  const row = countOf(fixed.filter((size) => !isVariable(size))) * (width ?? 0);
  if (unknown === 1 && (row === 0 || bytes.length % row !== 0)) {
    return fault([], `${called}: the body's ${bytes.length} bytes are no multiple of ${row}`);
  }
  const head = readHead({ name, datatype, shape: fixed.map((size) => (isVariable(size) ? bytes.length / row : size)) }, "input", []);
  if (!head.ok) return head;
  const tensor = withBytes(head.value, width === null ? prefixed(bytes) : bytes, "input", []);
  if (!tensor.ok) return tensor;
  return { ok: true, value: { parameters: { binary_data_output: true }, inputs: [tensor.value] } };
}

/** Which outputs a client asked for, in its order, and which of them as bytes. */
export interface Wants {
  /** Null for all, in the model's order. */
  readonly outputs: readonly { readonly name: string; readonly binary: boolean }[] | null;
  /** What holds for those of which nothing is said. */
  readonly binary: boolean;
}

/** `outputs[].parameters.binary_data` before `parameters.binary_data_output` before JSON. */
export function wantsOf({ parameters, outputs }: Pick<InferRequest, "parameters" | "outputs">): Wants {
  const binary = parameters?.["binary_data_output"] === true;
  if (!outputs || outputs.length === 0) return { outputs: null, binary };
  const isBinary = (own: Parameters[string] | undefined) => (own === undefined ? binary : own === true);
  return { outputs: outputs.map(({ name, parameters: own }) => ({ name, binary: isBinary(own?.["binary_data"]) })), binary };
}

/** The outputs that a client asked for, in its order. The fault's path is that in its request. */
export function selectOutputs(
  outputs: readonly Tensor[],
  wants: Wants,
): Read<readonly { readonly tensor: Tensor; readonly binary: boolean }[]> {
  if (!wants.outputs) return { ok: true, value: outputs.map((tensor) => ({ tensor, binary: wants.binary })) };
  const byName = new Map(outputs.map((tensor) => [tensor.name, tensor]));
  const selected: { tensor: Tensor; binary: boolean }[] = [];
  for (const [index, { name, binary }] of wants.outputs.entries()) {
    const tensor = byName.get(name);
    if (!tensor) return fault(["outputs", index, "name"], `the model has no output ${quoted(name)}`);
    selected.push({ tensor, binary });
  }
  return { ok: true, value: selected };
}

/**
 * Client of the Open Inference Protocol (KServe V2 over HTTP): infer, generate, ready, metadata. A server that lists
 * `binary_tensor_data` is sent raw data and asked for it, so that no number is written out and read again and FP16 and
 * BF16 stay whole; others get JSON. Tensors are answered with the server's own answer, as it came; plain JSON is mapped
 * there and back (tensors/plain.ts). Whatever a server says is checked before it is believed: an answer whose sizes,
 * shapes or lengths don't agree is garbage.
 * Source: kserve/open-inference-protocol, specification/protocol/inference_rest.md and generate_rest.yaml; for raw data
 * Triton's docs/protocol/extension_binary_data.md.
 */
import { type Content, JSON_TYPE } from "../content/content.ts";
import { parseAnswer, parseJson, writeJson } from "../encoding/json.ts";
import { type Result, faulty, read } from "../encoding/result.ts";
import { FORMS_MS, FORMS_UNSURE_MS, READY_TIMEOUT_MS } from "../limits.ts";
import type { Fault } from "../problem.ts";
import {
  type InferRequest,
  type InferResponse,
  inSharedMemory,
  readInferRequest,
  readInferResponse,
  sharedMemoryOf,
  wantsOf,
} from "../tensors/infer.ts";
import { type Form, fromTensors, isTensorInput, itemsIn, toTensors } from "../tensors/plain.ts";
import { serverPathOf } from "./openai-paths.ts";
import { isObject, plainOf } from "../tensors/tensor.ts";
import { contentOf, headOf, writeInferRequest, writeInferResponse } from "../tensors/wire.ts";
import { generate, generateStream } from "./oip-text.ts";
import { GENERATE, looksLikeText } from "./generate.ts";
import type { Outcome } from "./outcome.ts";
import {
  type Answer,
  type BackendCall,
  type FieldExtraction,
  type Outside,
  type Protocol,
  type Server,
  askReady,
  exchange,
  inputText,
  jsonOf,
  parsed,
  textOf,
} from "./backend.ts";
import { garbage, refusal, refusedInside, tooSlow, unsendable } from "./judgement.ts";
import { failureIn } from "./streams/stream-events.ts";

/** Of a body of JSON and raw data: how long the JSON is, in bytes. */
export const HEAD_LENGTH = "Inference-Header-Content-Length";
export const BINARY_EXTENSION = "binary_tensor_data";
const BINARY_TYPE = "application/octet-stream";
const JSON_HEADERS = { "Content-Type": JSON_TYPE, Accept: JSON_TYPE };

export const oip: Protocol = {
  async infer(call, outside): Promise<Outcome> {
    if (call.capability === GENERATE) return generate(call, outside, modelUrl(call.backend, call.version));
    const path = serverPathOf(call.capability);
    if (path !== null) return unsendable("path_not_served", `A tensor model's server has no path "${path}"; ask for "predict".`);
    const begunAt = outside.clock.now();
    const binary = await takesBinary(call, outside);
    const request = requestFor(call, binary);
    if (!request.ok) return unsendable("input_not_tensors", `The input can't be given to a tensor model: ${request.fault}.`);
    const { body, headLength, form } = request.value;
    const headers = {
      "Content-Type": headLength === null ? JSON_TYPE : BINARY_TYPE,
      Accept: binary ? `${BINARY_TYPE}, ${JSON_TYPE}` : JSON_TYPE,
      ...(headLength === null ? {} : { [HEAD_LENGTH]: String(headLength) }),
    };
    // What it took to ask for the form is time of this attempt.
    const timeoutMs = Math.max(1, call.timeoutMs - (outside.clock.now() - begunAt));
    const url = `${modelUrl(call.backend, call.version)}/infer`;
    const exchanged = await exchange(outside, url, { method: "POST", headers, body }, { ...call, timeoutMs });
    if (exchanged.ok) return refusal(exchanged.value) ?? outcomeOf(exchanged.value, form, call.extract);
    const outcome = exchanged.fault;
    return outcome.kind === "retry" && outcome.error.class === "timeout" ? tooSlow(call.timeoutMs) : outcome;
  },

  async stream(call, outside, sink): Promise<Outcome> {
    // Nothing but text comes bit by bit. What is asked for without a wire that says so is told by its input: here alone, since a
    // tensor may well have the name of the text.
    return call.capability === GENERATE || looksLikeText(call, isTensorInput)
      ? generateStream(call, outside, sink, modelUrl(call.backend, call.version))
      : oip.infer(call, outside);
  },

  ready({ backend, version, ...bounds }, outside) {
    return askReady(outside, `${modelUrl(backend, version)}/ready`, bounds);
  },

  async describe({ backend, version, ...bounds }, outside) {
    const described = await exchange(outside, modelUrl(backend, version), { method: "GET", headers: JSON_HEADERS }, bounds);
    if (!described.ok || described.value.status !== 200) return null;
    return parsed(described.value.conceal(textOf(described.value))) ?? null;
  },
};

/**
 * Whether the server takes and gives raw data, by its own metadata: asked once by an isolate, and again when FORMS_MS
 * have passed. A server that does not answer is asked for JSON, and soon again.
 */
async function takesBinary({ backend, identity, stop, timeoutMs }: BackendCall, outside: Outside): Promise<boolean> {
  const { forms, clock } = outside;
  if (!forms) return false;
  const name = `${backend.id} ${backend.url}`;
  const known = forms.get(name, clock.now());
  if (known !== undefined) return known;
  const bounds = { identity, stop, timeoutMs: Math.min(READY_TIMEOUT_MS, timeoutMs) };
  const asked = await exchange(outside, `${baseOf(backend.url)}/v2`, { method: "GET", headers: { Accept: JSON_TYPE } }, bounds);
  if (!asked.ok && asked.fault.kind === "abandoned") return false; // nothing was learned of the server
  const isAnswered = asked.ok && asked.value.status < 500;
  const binary = asked.ok && asked.value.status === 200 && listsBinary(jsonOf(asked.value));
  forms.set(name, binary, clock.now() + (isAnswered ? FORMS_MS : FORMS_UNSURE_MS));
  return binary;
}

function listsBinary(metadata: unknown): boolean {
  const extensions = isObject(metadata) ? metadata["extensions"] : null;
  return Array.isArray(extensions) && extensions.includes(BINARY_EXTENSION);
}

interface Request {
  readonly body: string | Uint8Array;
  readonly headLength: number | null;
  readonly form: Form;
}

/** What is sent: its id is the client's own, or else the inference's, so that a server can tell a double by it. */
function requestFor({ input, attempt }: BackendCall, binary: boolean): Result<Request> {
  const headLength = headOf(input.contentType);
  const text = headLength === null ? inputText(input) : "";
  const value = headLength === null ? parsed(text) : undefined;
  const id = attempt.inferenceId;
  if (headLength !== null || isTensorInput(value)) {
    const body = headLength === null ? text : input.body;
    const request = readInferRequest(body, headLength);
    if (!request.ok) return faulty(request.fault.detail);
    const fault = sharedMemoryIn(request.value);
    if (fault) return faulty(fault.detail);
    const isReady = request.value.id !== undefined && (headLength !== null) === binary && isAll(request.value, binary);
    return read({
      ...(isReady ? { body, headLength } : writeInferRequest({ id, ...request.value }, { binary })),
      form: { kind: "tensors" },
    });
  }
  if (value === undefined) return faulty("it is not JSON");
  const mapped = toTensors(value);
  if (!mapped.ok) return mapped;
  const { inputs, form } = mapped.value;
  return inputs ? read({ ...writeInferRequest({ id, inputs }, { binary }), form }) : faulty("");
}

/** Whether all that goes and all that is wanted back is raw data, or nothing is: then a request can go as it came. */
function isAll(request: InferRequest, binary: boolean): boolean {
  const wants = wantsOf(request);
  const isWanted = wants.outputs ? wants.outputs.every((output) => output.binary === binary) : wants.binary === binary;
  return isWanted && request.inputs.every(({ data }) => data instanceof Uint8Array === binary);
}

/**
 * Where a request would have the server read or write its shared memory (a Triton extension), or null. That memory is
 * not the client's: whoever knows a region's name could see or change what another account computes.
 */
export function sharedMemoryIn({ inputs, outputs = [] }: InferRequest): Fault | null {
  for (const [role, tensors] of [["input", inputs] as const, ["output", outputs] as const]) {
    const index = tensors.findIndex(({ parameters }) => sharedMemoryOf(parameters) !== undefined);
    const tensor = tensors[index];
    if (tensor) return { path: [`${role}s`, index, "parameters"], detail: inSharedMemory(role, tensor.name) };
  }
  return null;
}

async function outcomeOf(answer: Answer, form: Form, extract: FieldExtraction | null): Promise<Outcome> {
  const length = answer.headers.get(HEAD_LENGTH);
  if (length !== null && !/^\d{1,15}$/.test(length)) return garbage(`${HEAD_LENGTH} is not a length`);
  const headLength = length === null ? null : Number(length);
  const understood = understand(answer, headLength);
  if (!understood.ok) return understood.fault;
  const { response, content } = understood.value;
  if (form.kind === "tensors") {
    const texts = extract && textsOf(response, extract);
    if (extract && texts) return withoutFiles(response, texts, extract);
    return { kind: "done", output: { ...content, items: itemsIn(response) } };
  }
  const plain = fromTensors(response.outputs, form);
  if (!plain.ok) return garbage(plain.fault);
  const items = itemsIn(plain.value);
  const text = writeJson(plain.value);
  if (!extract) return { kind: "done", output: { body: text, contentType: JSON_TYPE, items } };
  const extracted = await extract.of(text);
  if (!extracted.ok) return garbage(extracted.fault);
  return { kind: "done", output: { body: extracted.value.json, contentType: JSON_TYPE, items, parts: extracted.value.parts } };
}

/** A response, and what is kept of it: as it came if it is as the protocol has it, else written anew. */
function understand(answer: Answer, headLength: number | null): Result<{ response: InferResponse; content: Content }, Outcome> {
  const strictly = readInferResponse(answer.bytes, headLength, "strict");
  if (strictly.ok) {
    const body = headLength === null ? textOf(answer) : answer.bytes;
    return read({ response: strictly.value, content: contentOf({ body, headLength }) });
  }
  const value = headLength === null ? jsonOf(answer) : null;
  const failure = failureIn(value);
  if (failure) return faulty(refusedInside(failure, answer));
  const bytes = headLength === null ? new TextEncoder().encode(textWithin(answer)) : answer.bytes;
  const tolerantly = readInferResponse(bytes, headLength, "tolerant");
  if (!tolerantly.ok) return faulty(garbage(value === undefined ? "it is not JSON" : tolerantly.fault.detail));
  const written = writeInferResponse(tolerantly.value, { outputs: null, binary: false });
  return written.ok ? read({ response: tolerantly.value, content: contentOf(written.value) }) : faulty(garbage(written.fault.detail));
}

/** An answer's text of JSON, also where that is within a text of JSON. */
function textWithin(answer: Answer): string {
  const known = parseAnswer(textOf(answer));
  return known.ok ? known.value.text : textOf(answer);
}

/** The elements of the outputs that are to be files, by name; null where there are none. */
function textsOf({ outputs }: InferResponse, { fields }: FieldExtraction): Map<string, readonly unknown[]> | null {
  const texts = outputs.filter(({ name, datatype }) => datatype === "BYTES" && fields.some(({ field }) => field === name));
  return texts.length === 0 ? null : new Map(texts.map((tensor) => [tensor.name, plainOf(tensor).elements]));
}

/** A response with the addresses of files where their bytes were. */
async function withoutFiles(response: InferResponse, texts: Map<string, readonly unknown[]>, extract: FieldExtraction): Promise<Outcome> {
  const extracted = await extract.of(writeJson(Object.fromEntries(texts)));
  if (!extracted.ok) return garbage(extracted.fault);
  const addresses = parseJson(extracted.value.json) as Record<string, readonly string[]>; // written above, with other texts in it
  const outputs = response.outputs.map((tensor) => (texts.has(tensor.name) ? { ...tensor, data: addresses[tensor.name] ?? [] } : tensor));
  const written = writeInferResponse({ ...response, outputs }, { outputs: null, binary: false });
  if (!written.ok) return garbage(written.fault.detail);
  return { kind: "done", output: { ...contentOf(written.value), items: itemsIn(response), parts: extracted.value.parts } };
}

/** An address that was registered with the version that every path of this protocol begins with. */
function baseOf(url: string): string {
  return url.replace(/\/v2$/, "");
}

function modelUrl(backend: Server, version: string): string {
  const model = `${baseOf(backend.url)}/v2/models/${encodeURIComponent(backend.remoteModel)}`;
  return version ? `${model}/versions/${encodeURIComponent(version)}` : model;
}

/**
 * Client of the Open Inference Protocol (KServe V2 over HTTP): infer, ready, metadata. An input that is tensors
 * already, as JSON or with raw data after it, is passed on as it came and answered with the server's own answer, of
 * either form; plain JSON is mapped there and back (tensors/plain.ts).
 * Source: kserve/open-inference-protocol, specification/protocol/inference_rest.md; for raw data Triton's
 * docs/protocol/extension_binary_data.md.
 */
import { JSON_TYPE } from "../content.ts";
import { writeJson } from "../json.ts";
import { readInferResponse } from "../tensors/infer.ts";
import { type Form, fromTensors, itemsIn, toTensors } from "../tensors/plain.ts";
import { contentOf, headOf, writeInferRequest } from "../tensors/wire.ts";
import type { Outcome } from "./outcome.ts";
import {
  type Answer,
  type BackendCall,
  type Protocol,
  type Server,
  askReady,
  exchange,
  garbage,
  inputText,
  jsonOf,
  parsed,
  reasonIn,
  refusal,
  rejected,
  textOf,
} from "./backend.ts";

const ACCEPT = { Accept: "application/json, application/octet-stream" };
const JSON_HEADERS = { "Content-Type": JSON_TYPE, Accept: JSON_TYPE };
const HEAD_LENGTH = "Inference-Header-Content-Length";

export const oip: Protocol = {
  async infer(call, outside): Promise<Outcome> {
    const request = requestFor(call.input);
    if ("outcome" in request) return request.outcome;
    const { body, headers, form } = request;
    const url = `${modelUrl(call.backend, call.version)}/infer`;
    const exchanged = await exchange(outside, url, { method: "POST", headers: { ...headers, ...ACCEPT }, body }, call);
    if ("outcome" in exchanged) return exchanged.outcome;
    const { answer } = exchanged;
    const isRefused = answer.status < 200 || answer.status >= 300;
    const refused = refusal(answer, isRefused ? reasonIn(jsonOf(answer)) : null);
    return refused ?? outcomeOf(answer, form);
  },

  ready({ backend, version, ...bounds }, outside) {
    return askReady(outside, `${modelUrl(backend, version)}/ready`, bounds);
  },

  async describe({ backend, version, ...bounds }, outside) {
    const described = await exchange(outside, modelUrl(backend, version), { method: "GET", headers: JSON_HEADERS }, bounds);
    if ("outcome" in described || described.answer.status !== 200) return null;
    return parsed(described.answer.conceal(textOf(described.answer))) ?? null;
  },
};

interface Request {
  readonly body: string | Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly form: Form;
}

function requestFor(input: BackendCall["input"]): Request | { readonly outcome: Outcome } {
  const headLength = headOf(input.contentType);
  if (headLength !== null) {
    const headers = { "Content-Type": "application/octet-stream", [HEAD_LENGTH]: String(headLength) };
    return { body: input.body, headers, form: { kind: "tensors" } };
  }
  const text = inputText(input);
  const value = parsed(text);
  const mapped = value === undefined ? { ok: false as const, detail: "it is not JSON" } : toTensors(value);
  if (!mapped.ok) {
    const message = `The input can't be given to a tensor model: ${mapped.detail}.`;
    return { outcome: rejected("input", "input_not_tensors", 422, message) };
  }
  const body = mapped.inputs ? writeInferRequest({ inputs: mapped.inputs }, { binary: false }).body : text;
  return { body, headers: { "Content-Type": JSON_TYPE }, form: mapped.form };
}

function outcomeOf(answer: Answer, form: Form): Outcome {
  const length = answer.headers.get(HEAD_LENGTH);
  const headLength = length === null ? null : Number(length);
  const body = headLength === null ? textOf(answer) : answer.bytes;
  const read = readInferResponse(body, headLength);
  if (!read.ok) return garbage(read.fault.detail);
  if (form.kind === "tensors") return { kind: "done", output: { ...contentOf({ body, headLength }), items: itemsIn(read.value) } };
  const plain = fromTensors(read.value.outputs, form);
  if (!plain.ok) return garbage(plain.detail);
  return { kind: "done", output: { body: writeJson(plain.value), contentType: JSON_TYPE, items: itemsIn(plain.value) } };
}

function modelUrl(backend: Server, version: string): string {
  const model = `${backend.url}/v2/models/${encodeURIComponent(backend.remoteModel)}`;
  return version ? `${model}/versions/${encodeURIComponent(version)}` : model;
}

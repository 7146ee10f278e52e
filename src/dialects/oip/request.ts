/** What a request of the Open Inference Protocol's wire asks for: its body as JSON, as JSON and raw tensors, or as data alone. */
import { HEAD_LENGTH, sharedMemoryIn } from "../../backends/oip.ts";
import { activeProtocols } from "../../backends/store.ts";
import { type Content, JSON_TYPE, isJson } from "../../content/content.ts";
import { toBase64 } from "../../encoding/base64.ts";
import { parseJson, parseTolerantly, repeatedMember, writeJson } from "../../encoding/json.ts";
import { mustFit } from "../../http/body.ts";
import { readBytes } from "../../http/bytes.ts";
import { idempotencyOf, submitterOf } from "../../http/vetted.ts";
import { mustHoldNoKey } from "../../http/no-keys.ts";
import type { KeyCall } from "../../http/route.ts";
import type { Submission } from "../../inferences/submission.ts";
import {
  BACKEND_TIMEOUT_SECONDS,
  JSON_BODY_BYTES,
  JSON_TEXT_COPIES,
  PRIORITY,
  TENSOR_BODY_BYTES,
  TENSOR_BODY_COPIES,
} from "../../limits.ts";
import { problem } from "../../problem.ts";
import { type InferRequest, SHARED_MEMORY, rawInferRequest, readInferRequest } from "../../tensors/infer.ts";
import { type Parameters, type Read, isObject } from "../../tensors/tensor.ts";
import { contentOf, writeInferRequest } from "../../tensors/wire.ts";
import { describe, find, unready } from "./models.ts";

/** Beside JSON. */
const BODY_TYPES = /^application\/(?:octet-stream|x-www-form-urlencoded)\s*(?:[;,]|$)/i;

/** A body as it came, and where its JSON ends; null where it is JSON alone. */
interface Body {
  readonly bytes: Uint8Array;
  readonly headLength: number | null;
}

export async function readBody(request: Request): Promise<Body> {
  const { headers } = request;
  const type = headers.get("content-type");
  if (type !== null && type.trim() !== "" && !isJson(type) && !BODY_TYPES.test(type)) {
    throw problem("unsupported_media_type", {
      detail: `The body must be JSON, or JSON and raw tensors: Content-Type: application/json, or application/octet-stream with ${HEAD_LENGTH}.`,
      headers: { Accept: "application/json, application/octet-stream" },
    });
  }
  const length = headers.get(HEAD_LENGTH);
  if (length === null) return { bytes: await readBytes(request, JSON_BODY_BYTES, JSON_TEXT_COPIES), headLength: null };
  if (!/^\d{1,15}$/.test(length)) throw problem("bad_request", { detail: `${HEAD_LENGTH} must be a length in bytes.` });
  if (Number(length) > JSON_BODY_BYTES) throw problem("body_too_large", { detail: `The JSON exceeds ${JSON_BODY_BYTES} bytes.` });
  const bytes = await readBytes(request, TENSOR_BODY_BYTES, TENSOR_BODY_COPIES);
  if (Number(length) > bytes.length)
    throw problem("bad_request", { detail: `${HEAD_LENGTH} is ${length}, but the body has only ${bytes.length} bytes.` });
  return { bytes, headLength: Number(length) };
}

/** The JSON of a body, or of its beginning. Throws 400 where it is not UTF-8, and what mustFit throws. */
export function jsonText(request: Request, bytes: Uint8Array, besideBytes = 0): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw problem("bad_json", { detail: "The body is not UTF-8." });
  }
  if (text.trim() === "") throw problem("bad_json", { detail: "The body is empty; it must be JSON." });
  mustFit(request, text, besideBytes);
  mustHoldNoKey(text, null); // JSON may write a key otherwise than its bytes are
  return text;
}

/** Throws 501 for an input in shared memory, which has no data for that reason, and 400 for any other fault. */
export function good<T>(read: Read<T>): T {
  if (read.ok) return read.value;
  const { path, detail } = read.fault;
  throw problem(String(path.at(-1)).startsWith(SHARED_MEMORY) ? "not_implemented" : "bad_request", { detail });
}

/** Throws 501 for what is a GPU server's own affair: its memory, and sequences of requests that all go to one server. */
export function mustBeOffered(asked: InferRequest): void {
  const shared = sharedMemoryIn(asked);
  if (shared) throw problem("not_implemented", { detail: shared.detail });
  const sequence = asked.parameters?.["sequence_id"] ?? 0;
  if (sequence !== 0 && sequence !== "")
    throw problem("not_implemented", { detail: "Sequences are not offered: requests go to any backend of a model." });
}

/**
 * What a request asks for, and what is stored of it: the body as it came, so that nothing is lost; but NaN and the infinities
 * that Triton's clients write as bare words are stored as the texts that stand for them in JSON.
 */
export async function requestIn(call: KeyCall, { bytes, headLength }: Body): Promise<{ asked: InferRequest; input: Content }> {
  if (headLength === 0) {
    const asked = await rawRequest(call, bytes);
    return { asked, input: contentOf(writeInferRequest(asked, { binary: true })) };
  }
  if (headLength !== null) {
    const head = jsonText(call.request, bytes.subarray(0, headLength), bytes.length * TENSOR_BODY_COPIES);
    const proper = properly(head);
    const whole = proper === head ? { body: bytes, headLength } : withHead(proper, bytes.subarray(headLength));
    const asked = good(readInferRequest(whole.body, whole.headLength));
    mustNameOnce(proper);
    return { asked, input: contentOf(whole) };
  }
  const text = properly(jsonText(call.request, bytes));
  const read = readInferRequest(text, null);
  const loose = read.ok ? null : readLoosely(text);
  const asked = good(loose && !(await mayTakeTensors(call)) ? loose : read);
  mustNameOnce(text);
  return { asked, input: { body: text, contentType: JSON_TYPE } };
}

/** The text as JSON that every reader takes, if it is that but for bare words in the place of numbers; else as it is. */
function properly(text: string): string {
  if (!/NaN|Infinity/.test(text)) return text; // most are, and are read only once
  const known = parseTolerantly(text);
  return known.ok ? known.value.text : text;
}

function withHead(head: string, tail: Uint8Array): { readonly body: Uint8Array; readonly headLength: number } {
  const json = new TextEncoder().encode(head);
  const body = new Uint8Array(json.length + tail.length);
  body.set(json);
  body.set(tail, json.length);
  return { body, headLength: json.length };
}

/** A backend gets the JSON as it came, so it must not read there what was not checked here. Throws 400. */
export function mustNameOnce(text: string): void {
  const name = repeatedMember(text);
  if (name !== null)
    throw problem("bad_request", { detail: `The member "${name.slice(0, 64)}" is given twice in one object; give it once.` });
}

/** All of a request but its tensors; null where even that can't be read. */
function readLoosely(text: string): Read<InferRequest> | null {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return null;
  }
  return isObject(value) && Array.isArray(value["inputs"]) ? readInferRequest(writeJson({ ...value, inputs: [] }), null) : null;
}

/** Whether the model has a backend that takes tensors, or none yet. */
async function mayTakeTensors({ ports, params }: KeyCall): Promise<boolean> {
  const protocols = await activeProtocols(ports.db, params["model"] ?? "", params["version"] ?? null);
  return protocols.length === 0 || protocols.includes("oip");
}

/** The request of a body that is data alone: what it is the data of, a backend has to tell. */
async function rawRequest(call: KeyCall, bytes: Uint8Array): Promise<InferRequest> {
  const found = await find(call);
  const { inputs } = (await describe(call, found)) ?? {};
  if (!inputs) {
    if (found.backends.some(({ protocol }) => protocol !== "oip"))
      throw problem("not_implemented", { detail: "No backend of this model says which input it has; a raw request needs that." });
    throw unready(found.model, "no backend says now which input it has, and a raw request needs that");
  }
  const [input] = inputs;
  if (!input || inputs.length > 1)
    throw problem("bad_request", { detail: `A raw request is for a model of one input; this one has ${inputs.length}.` });
  return good(rawInferRequest(bytes, input));
}

type Schedule = Pick<Submission, "priority" | "runWithinSeconds">;

/** Triton's schedule policy. Source: docs/protocol/extension_schedule_policy.md. */
export function scheduleOf(parameters: Parameters | undefined): Schedule {
  const priority = countIn(parameters, "priority");
  const microseconds = countIn(parameters, "timeout");
  const [least, most] = BACKEND_TIMEOUT_SECONDS.range;
  return {
    priority: priority === 0 ? undefined : Math.min(PRIORITY.range[1], priority - 1),
    runWithinSeconds: microseconds === 0 ? undefined : Math.min(most, Math.max(least, Math.ceil(microseconds / 1e6))),
  };
}

/** An integer from 0; 0 where there is none. */
function countIn(parameters: Parameters | undefined, name: string): number {
  const value = parameters?.[name] ?? 0;
  const count = typeof value === "bigint" ? Number(value) : value;
  if (typeof count !== "number" || !Number.isInteger(count) || count < 0) {
    throw problem("bad_request", { detail: `parameter "${name}" is not an integer from 0` });
  }
  return count;
}

export async function submissionOf(call: KeyCall, { bytes, headLength }: Body, input: Content): Promise<Submission> {
  const { params, request } = call;
  const isReplayable = request.headers.has("idempotency-key");
  const fingerprint = isReplayable ? `${headLength ?? ""}\n${await hashOf(bytes)}` : "";
  return {
    ...submitterOf(call),
    dialect: "oip",
    model: params["model"] ?? "",
    version: params["version"],
    input,
    inputItems: 1,
    idempotency: await idempotencyOf(call, fingerprint),
  };
}

async function hashOf(bytes: Uint8Array): Promise<string> {
  return toBase64(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

export function valueOf(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw problem("bad_json", { detail: `The body is not JSON: ${error instanceof Error ? error.message : "it does not parse"}.` });
  }
}

/**
 * The Open Inference Protocol (KServe V2 over HTTP) as a server, with Triton's binary tensor data, schedule policy and
 * text generation; every path with and without a version. An inference asked for here is one like any other, whose
 * client waits for it: `X-Inference-Id` says which, and a client that leaves cancels it.
 * Source: kserve/open-inference-protocol, specification/protocol (inference_rest.md, open_inference_rest.yaml,
 * generate_rest.yaml); triton-inference-server/server, docs/protocol and src/http_server.cc.
 *
 * Decided here, where the sources differ or say nothing:
 * - `Prefer: respond-async` answers 202 at once, with `Location`; the result is there in our own API.
 * - What is wrong in a request is 400 and names the tensor; in one for text it is 422, as published. A media type is asked
 *   for only to refuse what can't be meant: Triton ignores it, its clients send none, and curl calls what it sends a form.
 * - Live and the server's metadata are open: they are the same for everybody and ask nobody. All else needs a key, ready
 *   too: it tells what the deployment serves, and asks the database, which no stranger may make busy.
 * - A model is ready while a backend of it takes work: it is active and its circuit is not open. The server is ready while
 *   all models that have backends are. Not ready is 503.
 * - A model of which no backend is active is 503 for whoever waits; one whose backends are only resting is waited for.
 * - `priority`: 0 is the default, which is the highest here; 1 is the highest, 2 the next, all others the lowest.
 *   `timeout`, in microseconds, is the time of one attempt, in whole seconds rounded up; 0 is none.
 * - Tensors are checked where the model has a backend that takes tensors. A model behind plain HTTP gets JSON as it came.
 * - Sequences and shared memory are 501: requests go to any backend, and its memory is not the client's.
 * - The `id` of an answer is the client's; without one there is none.
 * - A failure has the status of its class: input 400, capacity 503, timeout 504, infrastructure 502 or 500, model 500; a
 *   cancel by another call is 409.
 */
import * as z from "zod";
import { json } from "../http/answer.ts";
import { check, mustFit } from "../http/body.ts";
import { readBytes } from "../http/bytes.ts";
import { idempotencyOf, replayHeaders } from "../http/idempotency.ts";
import type { Dialect, KeyCall, BareRoute } from "../http/route.ts";
import { EVENTS_TYPE, eventStream } from "../http/sse.ts";
import { GENERATE, type Generated, eventOf, generatedBy, isGenerated } from "../backends/generate.ts";
import { BINARY_EXTENSION, HEAD_LENGTH, sharedMemoryIn } from "../backends/oip.ts";
import type { Failure } from "../backends/outcome.ts";
import { KEEP_ALIVE } from "../backends/event-reader.ts";
import { descriptionOf } from "../backends/protocols.ts";
import { type Backend, activeProtocols, listBackends } from "../backends/store.ts";
import { toBase64 } from "../encoding/base64.ts";
import { type Content, JSON_TYPE, isJson } from "../content/content.ts";
import { submitAndWait } from "../inferences/waiter.ts";
import type { StreamWords } from "../inferences/stream.ts";
import type { Inference } from "../inferences/inference.ts";
import { isFinal } from "../inferences/status.ts";
import { readPayload } from "../payloads/payloads.ts";
import { type Submission, submit } from "../inferences/submit.ts";
import { parseJson, writeJson } from "../encoding/json.ts";
import { Memory } from "../platform/memory.ts";
import { findModel, listModels, modelsNotReady } from "../models/store.ts";
import {
  BACKENDS_LISTED,
  BACKEND_ANSWER_BYTES,
  BACKEND_TIMEOUT_SECONDS,
  DESCRIPTIONS_ASKED,
  DESCRIPTION_MS,
  DESCRIPTION_UNSURE_MS,
  JSON_BODY_BYTES,
  JSON_TEXT_COPIES,
  MEMORY_THINGS,
  MODELS_LISTED,
  PRIORITY,
  PROBE_MS,
  TENSOR_BODY_BYTES,
  TENSOR_BODY_COPIES,
} from "../limits.ts";
import { type Problem, faultText, problem } from "../problem.ts";
import { type InferRequest, type InferResponse, rawInferRequest, readInferRequest, readInferResponse, wantsOf } from "../tensors/infer.ts";
import { itemsIn } from "../tensors/plain.ts";
import { type Parameters, type Read, isObject } from "../tensors/tensor.ts";
import { contentOf, headOf, tensorsType, writeInferRequest, writeInferResponse } from "../tensors/wire.ts";
import { asTensors } from "../tensors/wrap.ts";

const SERVER = { name: "claimcheck", version: "0.1.0", extensions: [BINARY_EXTENSION, "parameters", "schedule_policy", "generate"] };

const MODEL_PATHS = ["/v2/models/:model", "/v2/models/:model/versions/:version"];
const BODY_TYPES = /^application\/(?:(?:[\w.+-]+\+)?json|octet-stream|x-www-form-urlencoded)\s*(?:;|$)/i;
/** With the charset, as Triton has it. */
const EVENTS = { "Content-Type": `${EVENTS_TYPE}; charset=utf-8` };
/** In doubt, a backend's health is looked at that often, in seconds. */
const RETRY_AFTER = String(PROBE_MS / 1000);
/** Models that an answer names. */
const NAMES_SHOWN = 5;

export const oip: Dialect = {
  name: "oip",
  owns: (path) => path === "/v2" || path.startsWith("/v2/"),
  routes: [
    { method: "GET", path: "/v2", access: "open", handle: () => json(SERVER) },
    { method: "GET", path: "/v2/health/live", access: "open", handle: () => json({ live: true }) },
    { method: "GET", path: "/v2/health/ready", access: "read", handle: showServerReady },
    { method: "GET", path: "/v2/models", access: "read", handle: showModels },
    ...MODEL_PATHS.flatMap((path): BareRoute[] => [
      { method: "GET", path, access: "read", handle: showModel },
      { method: "GET", path: `${path}/ready`, access: "read", handle: showModelReady },
      { method: "POST", path: `${path}/infer`, access: "submit", handle: infer },
      { method: "POST", path: `${path}/generate`, access: "submit", handle: (call) => generate(call) },
      { method: "POST", path: `${path}/generate_stream`, access: "submit", handle: (call) => generate(call, STREAM) },
    ]),
  ],
  refuse({ status, detail, faults, headers }: Problem) {
    return json({ error: faults.map(faultText).join("; ") || detail }, { status, headers: { ...headers } });
  },
};

// What there is, and whether it works

/** A model in the version that is asked for, and the backends of that. */
interface Served {
  readonly model: string;
  readonly versions: readonly string[];
  /** '' where the model has none. */
  readonly version: string;
  readonly backends: readonly Backend[];
}

const takesWork = ({ state, circuit }: Backend) => state === "active" && circuit !== "open";
const isActive = ({ state }: Backend) => state === "active";

async function find({ params, ports }: KeyCall): Promise<Served> {
  const { model: name = "", version } = params;
  const [model, backends] = await Promise.all([findModel(ports.db, name), listBackends(ports.db, name, "", BACKENDS_LISTED)]);
  if (!model || (version !== undefined && !model.versions.includes(version))) {
    const what = version === undefined ? "no model" : `no version "${version.slice(0, 128)}" of a model`;
    throw problem("model_not_found", { detail: `There is ${what} "${name.slice(0, 128)}".` });
  }
  const asked = version ?? model.defaultVersion;
  return { model: name, versions: model.versions, version: asked, backends: backends.filter((backend) => backend.version === asked) };
}

async function showServerReady({ ports }: KeyCall): Promise<Response> {
  const names = await modelsNotReady(ports.db, NAMES_SHOWN + 1);
  if (names.length === 0) return json({ ready: true });
  const shown = `${names.slice(0, NAMES_SHOWN).join(", ")}${names.length > NAMES_SHOWN ? " and others" : ""}`;
  return notReady({ ready: false, error: `No backend takes work for ${shown}.` });
}

async function showModelReady(call: KeyCall): Promise<Response> {
  const { model: name, backends } = await find(call);
  if (backends.some(takesWork)) return json({ name, ready: true });
  return notReady({ name, ready: false, error: `No backend takes work for ${name}.` });
}

function notReady(body: unknown): Response {
  return json(body, { status: 503, headers: { "Retry-After": RETRY_AFTER } });
}

async function showModels({ ports }: KeyCall): Promise<Response> {
  const models: string[] = [];
  for (;;) {
    const page = await listModels(ports.db, models.at(-1) ?? "", MODELS_LISTED);
    models.push(...page.map(({ name }) => name));
    if (page.length < MODELS_LISTED) return json({ models });
  }
}

async function showModel(call: KeyCall): Promise<Response> {
  const found = await find(call);
  const described = await describe(call, found);
  return json({
    name: found.model,
    versions: found.versions,
    platform: described?.platform ?? `claimcheck_${found.backends[0]?.protocol ?? "none"}`,
    inputs: described?.inputs ?? [],
    outputs: described?.outputs ?? [],
    ...(described?.properties && { properties: described.properties }),
  });
}

const tensorsSchema = z.array(z.object({ name: z.string(), datatype: z.string(), shape: z.array(z.int()) }));
/** What a server says of its model; what it says otherwise than the protocol has it is not taken over. */
const descriptionSchema = z.object({
  platform: z.string().optional().catch(undefined),
  inputs: tensorsSchema.optional().catch(undefined),
  outputs: tensorsSchema.optional().catch(undefined),
  properties: z.record(z.string(), z.string()).optional().catch(undefined),
});
type Description = z.infer<typeof descriptionSchema>;

const descriptions = new Memory<Description | null>(MEMORY_THINGS);

/** What the model's backends say of it, the first that says anything, preferably one that works; null where none does. */
async function describe({ ports }: KeyCall, { version, backends }: Served): Promise<Description | null> {
  const { clock } = ports;
  const able = backends.filter((backend) => backend.protocol === "oip" && isActive(backend));
  const asked = able.toSorted((a, b) => Number(takesWork(b)) - Number(takesWork(a))).slice(0, DESCRIPTIONS_ASKED);
  if (asked.length === 0) return null;
  const name = JSON.stringify(asked.map(({ id, url, remoteModel }) => [id, url, remoteModel]));
  const known = descriptions.get(name, clock.now());
  if (known !== undefined) return known;
  let described: Description | null = null;
  for (const backend of asked) {
    described = descriptionSchema.safeParse(await descriptionOf(backend, version, ports)).data ?? null;
    if (described) break;
  }
  descriptions.set(name, described, clock.now() + (described ? DESCRIPTION_MS : DESCRIPTION_UNSURE_MS));
  return described;
}

// Inferences

/** A body as it came, and where its JSON ends; null where it is JSON alone. */
interface Body {
  readonly bytes: Uint8Array;
  readonly headLength: number | null;
}

async function readBody(request: Request): Promise<Body> {
  const { headers } = request;
  const type = headers.get("content-type");
  if (type !== null && !BODY_TYPES.test(type)) {
    throw problem("unsupported_media_type", {
      detail: `The body must be JSON, or JSON and raw tensors: Content-Type: application/json, or application/octet-stream with ${HEAD_LENGTH}.`,
      headers: { Accept: "application/json, application/octet-stream" },
    });
  }
  const length = headers.get(HEAD_LENGTH);
  if (length === null) return { bytes: await readBytes(request, JSON_BODY_BYTES, JSON_TEXT_COPIES), headLength: null };
  if (!/^\d{1,15}$/.test(length)) throw problem("bad_request", { detail: `${HEAD_LENGTH} must be a length in bytes.` });
  if (Number(length) > JSON_BODY_BYTES) throw problem("body_too_large", { detail: `The JSON exceeds ${JSON_BODY_BYTES} bytes.` });
  return { bytes: await readBytes(request, TENSOR_BODY_BYTES, TENSOR_BODY_COPIES), headLength: Number(length) };
}

/** The JSON of a body, or of its beginning. Throws 400 where it is not UTF-8, and what mustFit throws. */
function jsonText(request: Request, bytes: Uint8Array, besideBytes = 0): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw problem("bad_json", { detail: "The body is not UTF-8." });
  }
  mustFit(request, text, besideBytes);
  return text;
}

function good<T>(read: Read<T>): T {
  if (!read.ok) throw problem("bad_request", { detail: read.fault.detail });
  return read.value;
}

async function infer(call: KeyCall): Promise<Response> {
  const { request } = call;
  const body = await readBody(request);
  const { asked, input } = await requestIn(call, body);
  mustBeOffered(asked);
  const submission = {
    ...(await submissionOf(call, body, input)),
    ...scheduleOf(asked.parameters),
    inputItems: itemsIn({ inputs: asked.inputs }),
  };
  return run(call, submission, null, (inference, content) => {
    const { parameters, outputs } = responseIn(content);
    const response: InferResponse = {
      model_name: inference.model,
      ...(inference.version && { model_version: inference.version }),
      ...(asked.id !== undefined && { id: asked.id }),
      ...(parameters && { parameters }),
      outputs,
    };
    const { body: written, headLength } = good(writeInferResponse(response, wantsOf(asked)));
    const headers =
      headLength === null
        ? { "Content-Type": JSON_TYPE }
        : { "Content-Type": "application/octet-stream", [HEAD_LENGTH]: String(headLength) };
    return new Response(written, { headers });
  });
}

/** Throws 501 for what is a GPU server's own affair: its memory, and sequences of requests that all go to one server. */
function mustBeOffered(asked: InferRequest): void {
  const shared = sharedMemoryIn(asked);
  if (shared) throw problem("not_implemented", { detail: shared.detail });
  const sequence = asked.parameters?.["sequence_id"] ?? 0;
  if (sequence !== 0 && sequence !== "")
    throw problem("not_implemented", { detail: "Sequences are not offered: requests go to any backend of a model." });
}

/** What a request asks for, and what is stored of it: the body as it came, so that nothing is lost. */
async function requestIn(call: KeyCall, { bytes, headLength }: Body): Promise<{ asked: InferRequest; input: Content }> {
  if (headLength === 0) {
    const asked = await rawRequest(call, bytes);
    return { asked, input: contentOf(writeInferRequest(asked, { binary: true })) };
  }
  if (headLength !== null) {
    jsonText(call.request, bytes.subarray(0, headLength), bytes.length * TENSOR_BODY_COPIES);
    return { asked: good(readInferRequest(bytes, headLength)), input: { body: bytes, contentType: tensorsType(headLength) } };
  }
  const text = jsonText(call.request, bytes);
  const read = readInferRequest(text, null);
  const loose = read.ok ? null : readLoosely(text);
  const asked = good(loose && !(await mayTakeTensors(call)) ? loose : read);
  return { asked, input: { body: text, contentType: JSON_TYPE } };
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

/** A stored output as a response of the protocol, whatever protocol its backend speaks. */
function responseIn(content: Content): InferResponse {
  const { body, contentType } = content;
  const headLength = headOf(contentType);
  const read = headLength !== null || isJson(contentType) ? readInferResponse(body, headLength) : null;
  return read?.ok ? read.value : { model_name: "", outputs: asTensors(content) };
}

function textIn({ body }: Content): string {
  return typeof body === "string" ? body : new TextDecoder().decode(body);
}

type Schedule = Pick<Submission, "priority" | "runWithinSeconds">;

/** Triton's schedule policy. Source: docs/protocol/extension_schedule_policy.md. */
function scheduleOf(parameters: Parameters | undefined): Schedule {
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

async function submissionOf(call: KeyCall, { bytes, headLength }: Body, input: Content): Promise<Submission> {
  const { caller, params, request, url } = call;
  const isReplayable = request.headers.has("idempotency-key");
  const fingerprint = isReplayable ? `${headLength ?? ""}\n${await hashOf(bytes)}` : "";
  return {
    ...caller,
    dialect: "oip",
    model: params["model"] ?? "",
    version: params["version"],
    input,
    inputItems: 1,
    idempotency: await idempotencyOf(request, url, fingerprint),
  };
}

async function hashOf(bytes: Uint8Array): Promise<string> {
  return toBase64(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/**
 * Submits, and answers: at once where the client prefers that, else when the inference has ended, with what `show`
 * makes of its output; or, where `stream` says how a stream ends, with the backend's own words while they come.
 */
async function run(
  call: KeyCall,
  submission: Submission,
  stream: StreamWords | null,
  show: (inference: Inference, output: Content) => Response | Promise<Response>,
): Promise<Response> {
  const { ports, request, after } = call;
  if (!stream && prefersAsync(request.headers)) {
    const submitted = await submit(ports, submission, after);
    const { id, model, version, status } = submitted.inference;
    return json(
      { id, model_name: model, ...(version && { model_version: version }), status },
      {
        status: 202,
        headers: {
          ...headersOf(submitted.inference, submitted.replayed),
          Location: `${call.origin}/v1/inferences/${id}`,
          "Preference-Applied": "respond-async",
        },
      },
    );
  }
  const { model, version = null } = submission;
  if ((await activeProtocols(ports.db, model, version)).length === 0) {
    await find(call); // one that is not there at all is not found
    throw unready(model, "it has no active backend");
  }
  const attended = await submitAndWait(ports, submission, { after, gone: request.signal, ...(stream && { stream }) });
  if (attended.kind === "streaming") return eventStream(attended.body, { ...EVENTS, ...headersOf(attended.inference, false) });
  const { inference, replayed } = attended;
  const headers = headersOf(inference, replayed);
  if (inference.status !== "succeeded") throw failed(inference, headers);
  if (inference.output.at === "object" && inference.output.bytes > BACKEND_ANSWER_BYTES) {
    const detail = `The result is larger than ${BACKEND_ANSWER_BYTES} bytes; it is that of inference ${inference.id}, in parts if need be.`;
    throw problem("not_implemented", { detail, headers });
  }
  const output = await readPayload(ports.payloads, inference.output);
  if (!output) throw problem("payload_gone", { detail: "The result is no longer stored.", headers });
  const answer = await show(inference, output);
  const whole = new Headers({ "Cache-Control": "private, no-store", ...headers });
  for (const [name, value] of answer.headers) whole.set(name, value);
  return new Response(answer.body, { headers: whole });
}

function unready(model: string, why: string): Problem {
  return problem("model_not_ready", {
    detail: `Model "${model}" is not ready: ${why}.`,
    headers: { "Retry-After": RETRY_AFTER, Vary: "Prefer" },
  });
}

function headersOf({ id }: Inference, replayed: boolean): Record<string, string> {
  return { "X-Inference-Id": id, Vary: "Prefer", ...replayHeaders({ replayed }) };
}

/** `Prefer: respond-async` (RFC 7240, 4.1), whatever else is preferred. */
function prefersAsync(headers: Headers): boolean {
  const preferences = (headers.get("prefer") ?? "").replaceAll(/"(?:[^"\\]|\\.)*"/g, "").split(",");
  return preferences.some((preference) => /^\s*respond-async\s*(?:[;=]|$)/i.test(preference));
}

function failed(inference: Exclude<Inference, { status: "succeeded" }>, headers: Record<string, string>): Problem {
  if (inference.status === "canceled") return problem("inference_failed", { status: 409, detail: CANCELED, headers });
  if (!isFinal(inference.status) || !("error" in inference))
    return problem("unavailable", { detail: "The inference has not ended.", headers });
  return problem("inference_failed", { status: statusOf(inference.error), detail: inference.error.message, headers });
}

const CANCELED = "The inference was canceled.";

function statusOf({ class: failureClass, status }: Failure): number {
  switch (failureClass) {
    case "input":
      return 400;
    case "model":
      return 500;
    case "capacity":
      return 503;
    case "timeout":
      return 504;
    case "infrastructure":
      return status === 500 ? 500 : 502;
    default:
      return failureClass satisfies never;
  }
}

// Text

const generateSchema = z.looseObject({
  id: z.string().nullish(),
  text_input: z.string(),
  parameters: z
    .looseObject({
      temperature: z.number().min(0).nullish(),
      top_p: z.number().min(0).max(1).nullish(),
      max_tokens: z.int().min(1).nullish(),
      stop: z.union([z.string(), z.array(z.string())]).nullish(),
      details: z.boolean().nullish(),
    })
    .nullish(),
});

const STREAM: StreamWords = {
  idle: new TextEncoder().encode(KEEP_ALIVE),
  failed: (error) => new TextEncoder().encode(eventOf({ error: error?.message ?? CANCELED })),
};

async function generate(call: KeyCall, stream: StreamWords | null = null): Promise<Response> {
  const { request } = call;
  const body = await readBody(request);
  if (body.headLength !== null) throw problem("bad_request", { detail: `Text generation takes JSON alone, without ${HEAD_LENGTH}.` });
  const text = jsonText(request, body.bytes);
  const { id } = check(generateSchema, valueOf(text));
  const submission = { ...(await submissionOf(call, body, { body: text, contentType: JSON_TYPE })), capability: GENERATE };
  return run(call, submission, stream, (inference, content) => {
    const { id: _, ...generated } = generatedIn(content);
    const shown = { ...generatedBy(generated, inference), ...(typeof id === "string" && { id }) };
    // A backend that does not stream has said all at once.
    return stream ? eventStream(eventOf(shown), EVENTS) : json(shown);
  });
}

function valueOf(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw problem("bad_json", { detail: `The body is not JSON: ${error instanceof Error ? error.message : "it does not parse"}` });
  }
}

/** A stored output as text, whatever its backend takes for that. Throws 501 where it is none. */
function generatedIn(content: Content): Generated {
  const { contentType } = content;
  const isText = isJson(contentType) || /^text\//i.test(contentType);
  if (!isText) throw problem("not_implemented", { detail: `The model answers with ${contentType}, not with text.` });
  const text = textIn(content);
  const value = isJson(contentType) ? parseJson(text) : text;
  if (isGenerated(value)) return value;
  return { text_output: typeof value === "string" ? value : text };
}

/**
 * The Open Inference Protocol (KServe V2 over HTTP) as a server, with Triton's binary tensor data, schedule policy,
 * statistics and text generation; every path with and without a version. An inference asked for here is one like any other, whose
 * client waits for it: `X-Inference-Id` says which, and a client that leaves cancels it.
 * Source: kserve/open-inference-protocol, specification/protocol (inference_rest.md, open_inference_rest.yaml,
 * generate_rest.yaml); triton-inference-server/server, docs/protocol and src/http_server.cc.
 *
 * Decided here, where the sources differ or say nothing:
 * - `generate_stream` with `?detach=1` or `Prefer: respond-async` is a stream that can be read again from any place, and goes on
 *   if its client leaves: each of its events has an id;
 * - otherwise `Prefer: respond-async` answers 202 at once, with `Location`; the result is there in our own API.
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
import { KEEP_ALIVE } from "../../backends/streams/event-reader.ts";
import { GENERATE, eventOf, generatedBy } from "../../backends/generate.ts";
import { BINARY_EXTENSION, HEAD_LENGTH } from "../../backends/oip.ts";
import { activeProtocols } from "../../backends/store.ts";
import { type Content, JSON_TYPE } from "../../content/content.ts";
import { json, replayHeaders } from "../../http/answer.ts";
import { check } from "../../http/body.ts";
import { prefersAsync } from "../../http/prefer.ts";
import { type Dialect, type KeyCall, type Route, type RouteShape, route } from "../../http/route.ts";
import { isDetached, submitDetached } from "../../http/resumed.ts";
import { EVENTS_TYPE, eventStream } from "../../http/sse.ts";
import type { Inference } from "../../inferences/inference.ts";
import type { StreamWords } from "../../inferences/stream.ts";
import { submit } from "../../inferences/submit.ts";
import type { Submission } from "../../inferences/submission.ts";
import { submitAndWait } from "../../inferences/waiter.ts";
import { BACKEND_ANSWER_BYTES } from "../../limits.ts";
import { readPayload } from "../../payloads/payloads.ts";
import { type Problem, faultsText, problem } from "../../problem.ts";
import { type InferResponse, wantsOf } from "../../tensors/infer.ts";
import { itemsIn } from "../../tensors/plain.ts";
import { writeInferResponse } from "../../tensors/wire.ts";
import { find, showModel, showModelReady, showModels, showServerReady, unready } from "./models.ts";
import { CANCELED, ENDS, failed, generatedIn, responseIn, restarted } from "./present.ts";
import { good, jsonText, mustBeOffered, mustNameOnce, readBody, requestIn, scheduleOf, submissionOf, valueOf } from "./request.ts";
import {
  type Accepted,
  GENERATE_STREAM,
  GENERATE_TEXT,
  GET_LIVE,
  GET_MODEL,
  GET_MODEL_READY,
  GET_READY,
  GET_SERVER,
  GET_STATISTICS,
  INFER,
  LIST_MODELS,
  type ServerMetadata,
  errorSchema,
  generateSchema,
} from "./schemas.ts";
import { SOFTWARE_VERSION } from "../../platform/version.ts";
import { showStatistics } from "./statistics.ts";

const SERVER: Omit<ServerMetadata, "name"> = {
  version: SOFTWARE_VERSION,
  extensions: [BINARY_EXTENSION, "parameters", "schedule_policy", "generate", "statistics"],
};

const MODEL = z.string().describe("The model's name.");
const VERSION = z.string().describe("The model's version.");
const MODEL_PATHS = [
  { path: "/v2/models/:model", params: z.object({ model: MODEL }) },
  { path: "/v2/models/:model/versions/:version", params: z.object({ model: MODEL, version: VERSION }) },
];
/** With the charset, as Triton has it. */
const EVENTS = { "Content-Type": `${EVENTS_TYPE}; charset=utf-8` };

export const oip: Dialect = {
  name: "oip",
  title: "Open Inference Protocol, version 2",
  owns: (path) => path === "/v2" || path.startsWith("/v2/"),
  error: errorSchema,
  routes: [
    route("open", "GET", "/v2", GET_SERVER, ({ config }) => json({ name: config.oipServerName, ...SERVER })),
    route("open", "GET", "/v2/health/live", GET_LIVE, () => json({ live: true })),
    route("read", "GET", "/v2/health/ready", GET_READY, showServerReady),
    route("read", "GET", "/v2/models", LIST_MODELS, showModels),
    route("read", "GET", "/v2/models/stats", GET_STATISTICS, showStatistics), // before the models' own: one named "stats" is reached by its versions
    ...MODEL_PATHS.flatMap(({ path, params }): Route[] => {
      const of = <const S extends RouteShape>(shape: S) => ({ ...shape, params });
      return [
        route("read", "GET", path, of(GET_MODEL), showModel),
        route("read", "GET", `${path}/ready`, of(GET_MODEL_READY), showModelReady),
        route("read", "GET", `${path}/stats`, of(GET_STATISTICS), showStatistics),
        route("submit", "POST", `${path}/infer`, of(INFER), infer),
        route("submit", "POST", `${path}/generate`, of(GENERATE_TEXT), (call) => generate(call)),
        route("submit", "POST", `${path}/generate_stream`, of(GENERATE_STREAM), (call) => generate(call, STREAM)),
      ];
    }),
  ],
  streamEnds: ENDS,
  refuse({ code, status, detail, faults, headers }: Problem) {
    const error = faultsText(faults) || detail;
    return json({ error: code === "model_not_found" ? UNKNOWN_MODEL + error : error }, { status, headers: { ...headers } });
  },
};

/** How Triton's answer begins: its clients, and its own examples, know an unknown model by these words. */
const UNKNOWN_MODEL = "Request for unknown model: ";

// Inferences

async function infer(call: KeyCall): Promise<Response> {
  const { request } = call;
  const body = await readBody(request);
  const { asked, input } = await requestIn(call, body);
  mustBeOffered(asked);
  const submission = {
    ...(await submissionOf(call, body, input)),
    ...scheduleOf(asked.parameters),
    inputItems: itemsIn({ inputs: asked.inputs }),
    ...(asked.inputs.length > 0 && { given: { value: null, tensors: asked.inputs, status: 400 } }),
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
    const accepted: Accepted = { id, model_name: model, ...(version && { model_version: version }), status };
    const headers = {
      ...headersOf(submitted.inference, submitted.replayed),
      Location: `${call.origin}/v1/inferences/${id}`,
      "Preference-Applied": "respond-async",
    };
    return json(accepted, { status: 202, headers });
  }
  if (stream && isDetached(call)) return submitDetached(call, submission, { ...ENDS, restarted }, () => EVENTS);
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

function headersOf({ id }: Inference, replayed: boolean): Record<string, string> {
  return { "X-Inference-Id": id, Vary: "Prefer", ...replayHeaders({ replayed }) };
}

// Text

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
  mustNameOnce(text);
  const submission = { ...(await submissionOf(call, body, { body: text, contentType: JSON_TYPE })), capability: GENERATE };
  return run(call, submission, stream, (inference, content) => {
    const { id: _, ...generated } = generatedIn(content);
    const shown = { ...generatedBy(generated, inference), ...(typeof id === "string" && { id }) };
    // A backend that does not stream has said all at once.
    return stream ? eventStream(eventOf(shown), EVENTS) : json(shown);
  });
}

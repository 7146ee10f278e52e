/**
 * Baseten's inference API: asynchronous requests (submit, status, cancel, queue), synchronous ones, and wake. A model
 * is named by the host (`model-{id}.…`, a chain `chain-{id}.…`) or by a path that begins with `/baseten/{id}`. A host
 * has no capitals: a model whose name has any is reached by path alone.
 * - An environment or deployment is a version of the model: none, or `production`, is the default one, any other name
 *   the version of that name. Where no model has the whole name and the path names no environment, the end of the name
 *   does, as in the hosts of their regional environments. A deployment is shown as the version, or as the model's name
 *   where it has none, and that name is taken for a deployment too.
 * - An id is enough to find a request: `/async_request/{id}` is the same with and without a model before it.
 * - What is running can't be canceled here; asked to, we answer 200 and `canceled: false`, as published.
 * Decided here, where the vendor publishes nothing or two things: an unknown id is 404; a body's unknown members are
 * ignored, since their schema does not forbid them; a fault in a body is 400; `async_run_remote` takes either the
 * chain's own input or the envelope of `async_predict`, told apart by `model_input`; a second cancel answers as the
 * first; `errors` are those of each attempt, as long as none has succeeded; `wake` answers `{}`. Binary and multipart
 * input of `predict` is not taken: 415. What stands after `sync/` is a path of the model's server; a `model` in the body
 * counts for nothing there, and a completion that streams does so as OpenAI's, which with `?detach=1` or `Prefer: respond-async`
 * can be read again and goes on without its client.
 * Source: "Baseten inference API" 1.0.0 (basetenlabs/baseten-go, internal/tools/apigen/specs/inference.json).
 */
import * as z from "zod";
import { findModel } from "../../models/store.ts";
import { EMBEDDINGS, canStream, itemsAsked, knownIn } from "../../backends/openai-paths.ts";
import { JSON_TYPE, sizeOf } from "../../content/content.ts";
import { writeJson } from "../../encoding/json.ts";
import { cachingOf, json, jsonText, replayHeaders, unlessKnown } from "../../http/answer.ts";
import { idempotencyOf, submitterOf, webhookOf } from "../../http/vetted.ts";
import { lookUp, nameIn, notFoundAs } from "../../http/lookup.ts";
import { render } from "../../http/output.ts";
import { retryHeaders } from "../../http/retry-headers.ts";
import { type Dialect, type Input, type KeyCall, type Route, type RouteShape, route } from "../../http/route.ts";
import { waitedFor } from "../../http/prefer.ts";
import { isDetached, submitDetached } from "../../http/resumed.ts";
import { eventStream } from "../../http/sse.ts";
import { cancel } from "../../inferences/change.ts";
import { hintSweep, hintWork } from "../../inferences/hints.ts";
import type { Inference } from "../../inferences/inference.ts";
import { retryOf } from "../../inferences/retry.ts";
import { depthOf } from "../../inferences/sql/read.ts";
import { submit } from "../../inferences/submit.ts";
import { submitAndWait } from "../../inferences/waiter.ts";
import type { EventName } from "../../inferences/webhook.ts";
import { SERVER_PATH_CHARACTERS } from "../../limits.ts";
import { openPayload } from "../../payloads/payloads.ts";
import { type Problem, faultsText, pointer, problem } from "../../problem.ts";
import { itemsIn } from "../../tensors/plain.ts";
import { isObject } from "../../tensors/tensor.ts";
import { headOf } from "../../tensors/wire.ts";
import { ENDS, WORDS, restarted, storedStream, wantsUsage } from "../openai/present.ts";
import { type Address, PRODUCTION, laneAt, sendTo } from "./address.ts";
import { CHAIN, PUBLISHED, codeOf, deploymentOf, errorCodeOf, present, presentEvent, refusal } from "./present.ts";
import {
  ASYNC_PREDICT,
  ASYNC_RUN_REMOTE,
  CANCEL_REQUEST,
  type Canceled,
  GET_QUEUE,
  GET_REQUEST,
  PREDICT,
  type Queue,
  RUN_REMOTE,
  SYNC,
  WAKE,
  errorSchema,
} from "./schemas.ts";

const PREFIXES: readonly { readonly path: string; readonly by: Address["by"]; readonly version?: string }[] = [
  { path: "", by: "nothing" },
  { path: "/production", by: "environment" },
  { path: "/development", by: "environment", version: "development" },
  { path: "/environments/:version", by: "environment" },
  { path: "/deployment/:version", by: "deployment" },
];

const modelParam = z.string().describe("The model's name, or the chain's.");

export const baseten: Dialect = {
  name: "baseten",
  title: "Baseten inference API",
  owns: (path) => /^\/(?:baseten|async_request)(?:\/|$)/.test(path),
  pathOf(hostname, path) {
    const id = /^(?:model|chain)-([^.]+)\./.exec(hostname)?.[1];
    return id === undefined ? null : `/baseten/${id}${path}`;
  },
  presentEvent,
  streamEnds: ENDS,
  error: errorSchema,
  routes: [...PREFIXES.flatMap(callsUnder), ...["", "/baseten/:model"].flatMap(requestsUnder)],
  refuse(fault: Problem) {
    const { faults } = fault;
    const message = faults.length > 0 ? faultsText(faults) : fault.detail;
    const detail = faults.map(({ path }) => pointer(path)).join(" ");
    const status = fault.code === "invalid_input" ? 400 : fault.status;
    return refusal(status, message, errorCodeOf(fault), detail, fault.headers);
  },
};

function callsUnder(prefix: (typeof PREFIXES)[number]): Route[] {
  const path = `/baseten/:model${prefix.path}`;
  const version = z
    .string()
    .describe(prefix.by === "deployment" ? "A version of the model." : "A version of the model; `production` is the default one.");
  const params = prefix.path.includes(":version") ? z.object({ model: modelParam, version }) : z.object({ model: modelParam });
  /** A route of that shape, whose handler gets the address that the path names. */
  const at = <const S extends RouteShape>(
    access: "submit" | "read",
    method: "POST" | "GET",
    name: string,
    shape: S,
    handle: (call: KeyCall, address: Address, input: Input<S>) => Promise<Response>,
  ) =>
    route(access, method, `${path}/${name}`, { ...shape, params: params.extend(shape.params?.shape ?? {}) }, (call: KeyCall, input) =>
      handle(call, addressOf(call, prefix), input),
    );
  return [
    at("submit", "POST", "async_predict", ASYNC_PREDICT, (call, to, input) => submitAsync(call, to, input, "")),
    at("submit", "POST", "async_run_remote", ASYNC_RUN_REMOTE, (call, to, input) => submitAsync(call, to, input, CHAIN)),
    at("submit", "POST", "predict", PREDICT, (call, to, input) => predict(call, to, input, "")),
    at("submit", "POST", "run_remote", RUN_REMOTE, (call, to, input) => predict(call, to, input, CHAIN)),
    at("submit", "POST", "sync/:rest+", SYNC, async (call, to, input) => predict(call, to, input, await openPathIn(call, to))),
    at("submit", "POST", "wake", WAKE, wake),
    at("read", "GET", "async_queue_status", GET_QUEUE, showQueue),
  ];
}

function addressOf({ params }: KeyCall, prefix: (typeof PREFIXES)[number]): Address {
  const named = prefix.version ?? params["version"];
  const version = prefix.by === "environment" && named === PRODUCTION ? undefined : named;
  return { model: params["model"] ?? "", version, by: prefix.by };
}

function requestsUnder(prefix: string): Route[] {
  const id = z.string().describe("The request's id.");
  const params = prefix === "" ? z.object({ id }) : z.object({ model: modelParam, id });
  return [
    route("read", "GET", `${prefix}/async_request/:id`, { ...GET_REQUEST, params }, showRequest),
    route("cancel", "DELETE", `${prefix}/async_request/:id`, { ...CANCEL_REQUEST, params }, cancelRequest),
  ];
}

// Asynchronous requests

/** All ends but a cancel, of which the request's webhook hears nothing. */
const TOLD: readonly EventName[] = ["inference.succeeded", "inference.failed", "inference.expired"];

async function submitAsync(
  call: KeyCall,
  address: Address,
  { body, sent, text }: Pick<Input<typeof ASYNC_PREDICT>, "body" | "sent" | "text">,
  capability: string,
): Promise<Response> {
  const submission = {
    ...(await submissionOf(call, text, body.model_input, capability)),
    inputPath: isObject(sent) && Object.hasOwn(sent, "model_input") ? ["model_input"] : [],
    priority: body.priority,
    maxTimeInQueueSeconds: body.max_time_in_queue_seconds,
    retry: retryOf(body.inference_retry_config),
    webhook:
      typeof body.webhook_endpoint === "string" ? await webhookOf(call, body.webhook_endpoint, ["webhook_endpoint"], TOLD) : undefined,
  };
  const submitted = await sendTo(call, address, (target) => submit(call.ports, { ...submission, ...target }, call.after));
  const { id } = submitted.inference;
  return json(
    { request_id: id },
    { status: 201, headers: { ...replayHeaders(submitted), Location: `${call.origin}/async_request/${id}` } },
  );
}

/** What is the same in every submission of this dialect. */
async function submissionOf(call: KeyCall, text: string, input: unknown, capability: string) {
  return {
    ...submitterOf(call),
    dialect: "baseten",
    capability,
    input: { body: writeJson(input), contentType: JSON_TYPE },
    given: { value: input },
    inputItems: knownIn(capability) === EMBEDDINGS && isObject(input) ? itemsAsked(input["input"]) : itemsIn(input),
    idempotency: await idempotencyOf(call, text),
  };
}

async function showRequest(call: KeyCall): Promise<Response> {
  const { inference, headers } = await waitedFor(call, () => lookUp(call, notFound), notFound);
  return unlessKnown(call.request, json(present(inference), { headers: { ...cachingOf(inference), ...headers } }));
}

async function cancelRequest(call: KeyCall): Promise<Response> {
  const name = nameIn(call, notFound);
  const { id } = name;
  const canceled = await cancel(call.ports, name, call.after, ["queued"]);
  if (canceled.kind === "not_found") throw notFound(id);
  const { status } = canceled.inference;
  const message = {
    queued: "The request is waiting again; it was not canceled.", // it was running when the cancel came
    in_progress: "The request is already in progress; only a queued request can be canceled.",
    succeeded: "The request has already succeeded; only a queued request can be canceled.",
    failed: "The request has already failed; only a queued request can be canceled.",
    expired: "The request has already expired; only a queued request can be canceled.",
    canceled: canceled.kind === "canceled" ? "The request was canceled." : "The request was canceled before.",
  }[status];
  const answer: Canceled = { request_id: id, canceled: status === "canceled", message };
  return json(answer);
}

async function showQueue(call: KeyCall, address: Address): Promise<Response> {
  const lane = await laneAt(call, address);
  const { queued, inProgress } = await depthOf(call.ports.db, lane);
  const queue: Queue = {
    model_id: lane.model,
    deployment_id: deploymentOf(lane),
    num_queued_requests: queued,
    num_in_progress_requests: inProgress,
  };
  return json(queue);
}

/** Nothing here sleeps but a runner; what it would do is look for work. */
async function wake(call: KeyCall, address: Address): Promise<Response> {
  const lane = await laneAt(call, address);
  call.after(hintWork(call.ports, [lane]));
  hintSweep(call.ports, call.after);
  return json({}, { status: 202 });
}

const notFound = notFoundAs((id) => `There is no async request "${id}".`);

// Synchronous calls

/** Segments that begin with a letter or digit, so that none of them leads upwards. */
const SERVER_PATH = /^[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;

/**
 * Paths of a model's server that clients of Baseten ask for. Any other one, such as what loads or unloads models, is only for a model
 * whose capabilities name it: the call carries our credential.
 */
const OPEN_PATHS: ReadonlySet<string> = new Set([
  "predict",
  "v1/chat/completions",
  "v1/completions",
  "v1/embeddings",
  "v1/rerank",
  "rerank",
  "classify",
  "embed",
]);

/** As serverPathIn. Throws 404 for a path that the model does not open. */
async function openPathIn(call: KeyCall, { model }: Address): Promise<string> {
  const path = serverPathIn(call);
  if (OPEN_PATHS.has(path.slice(1))) return path;
  const named = (await findModel(call.ports.db, model))?.capabilities.map((capability) => `/${capability.replace(/^\//, "")}`) ?? [];
  if (named.includes(path)) return path;
  throw problem("not_found", {
    detail: `The model opens no path "${path.slice(0, 128)}"; its operator can list it among its capabilities.`,
  });
}

/** The capability that a path of the model's server is. */
function serverPathIn({ params }: KeyCall): string {
  const asked = params["rest"] ?? "";
  const rest = asked.slice(0, SERVER_PATH_CHARACTERS + 1).replace(/\/+$/, ""); // no more, or a path of slashes would cost its length squared
  if (!SERVER_PATH.test(rest) || asked.length > SERVER_PATH_CHARACTERS)
    throw problem("not_found", {
      detail: `"/${asked.slice(0, 128)}" can't be a path of a model's server: it takes letters, digits, '.', '_', '-' and '/'.`,
    });
  return `/${rest}`;
}

/** The body is the model's input; the answer is its output, or its failure under the status that says it. */
async function predict(
  call: KeyCall,
  address: Address,
  { body, text }: { body: unknown; text: string },
  capability: string,
): Promise<Response> {
  const submission = await submissionOf(call, text, body, capability);
  const streams = canStream(capability) && isObject(body) && body["stream"] === true;
  const headersOf = ({ id }: Inference) => ({ "X-BASETEN-REQUEST-ID": id });
  if (streams && isDetached(call))
    return sendTo(call, address, (target) => submitDetached(call, { ...submission, ...target }, { ...ENDS, restarted }, headersOf));
  const attention = { after: call.after, gone: call.request.signal, ...(streams ? { stream: WORDS } : {}) };
  const attended = await sendTo(call, address, (target) => submitAndWait(call.ports, { ...submission, ...target }, attention));
  const named = headersOf(attended.inference);
  if (attended.kind === "streaming") return eventStream(attended.body, named);
  const { inference } = attended;
  const headers = { ...named, ...replayHeaders(attended) };
  switch (inference.status) {
    case "succeeded": {
      const stream = streams ? await storedStream(call.ports.payloads, inference.output, wantsUsage(body)) : null;
      return stream === null ? output(call, inference, headers) : eventStream(stream, headers);
    }
    case "failed":
    case "expired": {
      const { error } = inference;
      const after = error.class === "capacity" ? retryHeaders(error) : {};
      return refusal(error.status, error.message, PUBLISHED[codeOf(error)], `${error.class}: ${error.code}`, { ...headers, ...after });
    }
    case "canceled":
      return refusal(499, "The request was canceled.", "client_error", "", headers);
    case "queued":
    case "in_progress":
      throw problem("not_finished", { detail: `The request is ${inference.status}.`, headers }); // nobody waits any longer
    default:
      return inference satisfies never;
  }
}

/** The output as the backend typed it; tensors in raw form as JSON, since nobody asked for them in that form. */
async function output(
  call: KeyCall,
  inference: Extract<Inference, { status: "succeeded" }>,
  more: Record<string, string>,
): Promise<Response> {
  const gone = () => problem("payload_gone", { detail: "The output is no longer stored.", headers: more });
  const { output: stored } = inference;
  if (headOf(stored.contentType) !== null) {
    const rendered = await render(call.ports.payloads, stored);
    if (rendered.kind === "json") return jsonText(rendered.text, { headers: more });
  }
  const body = await openPayload(call.ports.payloads, stored);
  if (body === null) throw gone();
  const length = stored.at === "object" ? stored.bytes : sizeOf(stored.body);
  const headers = { "Content-Type": stored.contentType, "Content-Length": String(length), "Cache-Control": "private, no-store", ...more };
  return new Response(body, { headers });
}

/**
 * fal's API: requests in its queue (submit, status, result, cancel, events), calls that wait (`fal.run`, `…/stream`), and its storage.
 * How its clients reach it is in address.ts.
 * Source: fal.ai/docs "Queue", "Common parameters" and "Webhooks", and the clients @fal-ai/client 1.10.1 and fal-client 1.0.3, as of 2026.
 * - A status is COMPLETED however a request ended; if it has no output, `error` and `error_type` say why, and its result is that error.
 * - An id is enough to find a request: what stands before `/requests/` counts for nothing, since the clients rebuild it from two parts of
 *   the endpoint's id, or three under `workflows` and `comfy`.
 * Decided here, where fal publishes nothing or has no such thing:
 * - an endpoint's id is the name of a model; if there is none, the first two parts are, and the rest is a path of its server, if that
 *   is among the model's capabilities;
 * - a request that waits is 202, as is one that runs; before the end its result is 400 in the words that other clients of fal look for;
 * - a second cancel answers as the first; of a request that has ended otherwise it is 400;
 * - `x-fal-request-timeout` is in whole seconds, rounded up, up to three days; its end is told as the client's own timeout even if it is
 *   ours by default, since a repeat would not help. Of retries that depend on the failure the most count; at most 10 attempts are made;
 * - what is not to be stored (`x-fal-store-io: 0`) is kept for a minute after its end, in which it must be fetched;
 * - an output that is no JSON, or JSON of more than 10 MB in a webhook, is `{"file": {url, content_type, file_name, file_size}}`, and links
 *   stand in the place of files that came out of JSON: they need no key, as fal's need none;
 * - a stream has the events of a model that streams; a failure within it is its last event, in the form of an error;
 * - there are no tokens for browsers, no realtime connections and no uploads in parts: 404.
 */
import { KEEP_ALIVE, framed } from "../../backends/streams/event-reader.ts";
import { writeJson } from "../../encoding/json.ts";
import { resultLinks } from "../../api/links.ts";
import { serveResult } from "../../api/results.ts";
import { KEY_SET, getKeySet } from "../../api/webhooks.ts";
import { cachingOf, json, jsonText, replayHeaders, unlessKnown } from "../../http/answer.ts";
import { lookUp, lookUpWithWait, nameIn, notFoundAs } from "../../http/lookup.ts";
import { waitedFor } from "../../http/prefer.ts";
import { retryHeaders } from "../../http/retry-headers.ts";
import { type Dialect, type Input, type KeyCall, type RouteShape, route } from "../../http/route.ts";
import { eventStream } from "../../http/sse.ts";
import { cancel as cancelInference } from "../../inferences/change.ts";
import type { Inference } from "../../inferences/inference.ts";
import { isFinal } from "../../inferences/status.ts";
import type { StreamWords } from "../../inferences/stream.ts";
import { submit } from "../../inferences/submit.ts";
import { submitAndWait } from "../../inferences/waiter.ts";
import { type Problem, type ProblemCode, faultsText, problem } from "../../problem.ts";
import { pathAt } from "./address.ts";
import {
  WIRE,
  acceptedOf,
  bodyOf,
  detailOf,
  errorOf,
  errorOfFailure,
  isPlain,
  outputText,
  presentEvent,
  refusal,
  statusOf,
  typeOf,
} from "./present.ts";
import { inputIn, mustNotBeLong, sendTo, submissionOf } from "./request.ts";
import {
  CANCEL,
  GET_RESULT,
  GET_STATUS,
  RUN,
  RUN_BY_QUERY,
  STREAM,
  STREAM_STATUS,
  SUBMIT,
  SUBMIT_BY_QUERY,
  type ShownError,
  errorSchema,
} from "./schemas.ts";
import { storageRoutes } from "./storage.ts";
import { watchStatus } from "./watch.ts";

const GET_KEYS = { summary: "Get the public keys that fal's webhooks are signed with.", answers: KEY_SET } as const satisfies RouteShape;

const REQUEST = "/fal/queue/:app+/requests/:id";
// An endpoint's id has any number of parts, but these.
const QUEUE = "/fal/queue/(?!*/requests/):app+";
const RUNS = "/fal/run/(?!*/stream/*$):app+";

export const fal: Dialect = {
  name: WIRE,
  title: "fal's API",
  owns: (path) => path === "/fal" || path.startsWith("/fal/"),
  pathOf: pathAt,
  presentEvent,
  error: errorSchema,
  routes: [
    route("read", "GET", `${REQUEST}/status`, GET_STATUS, showStatus),
    route("read", "GET", `${REQUEST}/status/stream`, STREAM_STATUS, (call, { query }) => watchStatus(call, notFound, query.logs)),
    ...["", "/response"].map((end) => route("read", "GET", REQUEST + end, GET_RESULT, showResult)),
    route("cancel", "PUT", `${REQUEST}/cancel`, CANCEL, cancel),
    route("submit", "POST", QUEUE, SUBMIT, (call, { body, text, query }) => submitRequest(call, body, text, query)),
    route("submit", "GET", QUEUE, SUBMIT_BY_QUERY, (call, { query }) => submitRequest(call, inputOf(call, query), "", query)),
    route("submit", "POST", "/fal/run/:app+/stream", STREAM, (call, { body, text, query }) => run(call, body, text, query, WORDS)),
    route("submit", "POST", RUNS, RUN, (call, { body, text, query }) => run(call, body, text, query, null)),
    route("submit", "GET", RUNS, RUN_BY_QUERY, (call, { query }) => run(call, inputOf(call, query), "", query, null)),
    ...storageRoutes,
    ...["/fal", "/fal/rest"].map((room) =>
      route("open", "GET", `${room}/.well-known/jwks.json`, GET_KEYS, (call) => getKeySet(call, WIRE)),
    ),
  ],
  refuse(fault: Problem) {
    const { code, faults, headers } = fault;
    const message = faults.length > 0 ? faultsText(faults) : fault.detail;
    const detail = faults.length > 0 ? { detail: detailOf(faults) } : {};
    const status = code === "already_final" || code === "not_finished" ? 400 : fault.status;
    return refusal({ status, type: typeOf(code, status), message, ...detail }, headers, WORDS_OF[code]);
  },
};

/** What a refusal says beside its message, as published. */
const WORDS_OF: Partial<Record<ProblemCode, NonNullable<ShownError["status"]>>> = {
  inference_not_found: "NOT_FOUND",
  already_final: "ALREADY_COMPLETED",
};

const notFound = notFoundAs((id) => `There is no request "${id}".`);

type Query = Input<typeof SUBMIT>["query"];

/** Of a GET that submits. Throws 405 for one that only asks whether it would. */
function inputOf({ request }: KeyCall, query: Query): Record<string, unknown> {
  if (request.method === "HEAD") throw problem("method_not_allowed", { detail: "HEAD submits nothing.", headers: { Allow: "GET, POST" } });
  return inputIn(query);
}

const idHeader = ({ id }: Inference) => ({ "X-Fal-Request-Id": id });

// The queue

async function submitRequest(call: KeyCall, input: unknown, text: string, query: Query): Promise<Response> {
  const submission = await submissionOf(call, input, text, query);
  const submitted = await sendTo(call, async (target) => {
    await mustNotBeLong(call, query, target);
    return submit(call.ports, { ...submission, ...target }, call.after);
  });
  const { inference } = submitted;
  const accepted = acceptedOf(call.origin, inference);
  return json(accepted, { headers: { ...idHeader(inference), ...replayHeaders(submitted), Location: accepted.status_url } });
}

async function showStatus(call: KeyCall, { query }: Input<typeof GET_STATUS>): Promise<Response> {
  const { inference, headers } = await waitedFor(call, () => lookUpWithWait(call, notFound), notFound);
  const status = statusOf(call.origin, inference, query.logs ? inference.log : null);
  const init = { status: isFinal(inference.status) ? 200 : 202, headers: { ...cachingOf(inference), ...headers } };
  return unlessKnown(call.request, json(status, init));
}

/** What other clients of fal's take for "not yet" is this very `detail`, under a status that is no success. */
const IN_PROGRESS = "Request is still in progress";

async function showResult(call: KeyCall): Promise<Response> {
  const inference = await lookUp(call, notFound);
  const headers = idHeader(inference);
  if (inference.status !== "succeeded") return errorAnswer(inference, { ...headers, ...cachingOf(inference) });
  if (isPlain(inference)) return serveResult(call, inference, headers);
  return outputAnswer(call, inference, { ...headers, ...cachingOf(inference), "Cache-Control": "private, no-store" }); // its links end
}

function errorAnswer(inference: Inference, headers: Record<string, string>): Response {
  const error = errorOf(inference);
  if (!error) throw problem("not_finished", { detail: IN_PROGRESS, headers: { ...headers, "Cache-Control": "private, no-store" } });
  const isBusy = inference.status === "failed" && inference.error.class === "capacity";
  return refusal(error, isBusy ? { ...headers, ...retryHeaders(inference.error) } : headers);
}

async function cancel(call: KeyCall): Promise<Response> {
  const canceled = await cancelInference(call.ports, nameIn(call, notFound), call.after);
  if (canceled.kind === "not_found") throw notFound(call.params["id"] ?? "");
  const headers = idHeader(canceled.inference);
  if (canceled.kind !== "not_cancelable") return json({ status: "CANCELLATION_REQUESTED" }, { status: 202, headers });
  throw problem("already_final", { detail: "The request has ended already, so it can't be canceled.", headers });
}

// Calls that wait

/** What a stream says beside the model's words. */
const WORDS: StreamWords = {
  idle: new TextEncoder().encode(KEEP_ALIVE),
  failed: (failure) => {
    const error = failure
      ? errorOfFailure(failure)
      : { status: 499, type: "client_cancelled" as const, message: "The request was canceled." };
    return new TextEncoder().encode(framed(writeJson(bodyOf(error))));
  },
};

async function run(call: KeyCall, input: unknown, text: string, query: Query, stream: StreamWords | null): Promise<Response> {
  const submission = await submissionOf(call, input, text, query);
  const attention = { after: call.after, gone: call.request.signal, ...(stream ? { stream } : {}) };
  const attended = await sendTo(call, async (target) => {
    await mustNotBeLong(call, query, target);
    return submitAndWait(call.ports, { ...submission, ...target }, attention);
  });
  const { inference } = attended;
  const headers = { ...idHeader(inference), ...(attended.kind === "ended" ? replayHeaders(attended) : {}) };
  if (attended.kind === "streaming") return eventStream(attended.body, headers);
  if (inference.status !== "succeeded") {
    if (!isFinal(inference.status)) throw problem("unavailable", { detail: "The request has not ended.", headers }); // nobody waits any longer
    return errorAnswer(inference, headers);
  }
  return outputAnswer(call, inference, headers, stream !== null);
}

/** An output as JSON, or as the one event of a stream. */
async function outputAnswer(
  call: KeyCall,
  inference: Extract<Inference, { status: "succeeded" }>,
  headers: Record<string, string>,
  asStream = false,
): Promise<Response> {
  const text = await outputText(call.ports.payloads, inference, resultLinks(call, inference));
  if (text === null) throw problem("payload_gone", { detail: "The output is no longer stored.", headers });
  return asStream ? eventStream(framed(text), headers) : jsonText(text, { headers });
}

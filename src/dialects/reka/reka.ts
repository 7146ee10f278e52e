/**
 * The inference API of Reka Vision, version 2: submit to `{model}/{capability}`, ask for the status, fetch the result,
 * cancel, list. Chat completions under the same prefix have OpenAI's shape and are that dialect's; here they are listed
 * and asked about like any other.
 * Source: docs.reka.ai/vision/api-reference/inference and /vision/errors, as of 2026.
 * Decided here, where Reka publishes nothing:
 * - statuses are IN_QUEUE, IN_PROGRESS, COMPLETED, FAILED, CANCELED; what waited too long is FAILED, its error's type
 *   `expired`; any other error's type is the class of the failure;
 * - the result is answered at any time, with a null output until it is COMPLETED;
 * - an output, and an input in a list, is an object: one that is JSON of another kind comes as `{"value": …}`, one that is
 *   neither JSON nor tensors, or has more than 10 MB, as `{"url", "content_type", "file_size"}`; in a list, so does one too
 *   large for the row. An input's url, `…/requests/{id}/input`, is ours. What was removed when its time was over is null in
 *   a list and 410 elsewhere;
 * - a cancel of what is final already is 409, but of what is canceled already the object again;
 * - `queue_position` is 1 for the next, and null while it waits for no other (backing off);
 * - an error has one of the five published types, by its HTTP status; a 429 has the `code` of the page on rate limits too,
 *   since their pages disagree. The window of those limits is a second, as everywhere here, not Reka's 24 hours.
 */
import type * as z from "zod";
import { metricsOf } from "../../api/present.ts";
import { JSON_TYPE, endingOf } from "../../content/content.ts";
import { writeJson } from "../../encoding/json.ts";
import { cachingOf, json, jsonText, replayHeaders, unlessKnown } from "../../http/answer.ts";
import { atHand, download } from "../../http/download.ts";
import { idempotencyOf, submitterOf, webhookOf } from "../../http/vetted.ts";
import { lookUp, lookUpWithWait, nameIn } from "../../http/lookup.ts";
import { objectText, render, withTexts } from "../../http/output.ts";
import { type Dialect, type Input, type KeyCall, route } from "../../http/route.ts";
import { waitedFor } from "../../http/prefer.ts";
import { cancel as cancelInference } from "../../inferences/change.ts";
import type { Inference } from "../../inferences/inference.ts";
import type { Filter } from "../../inferences/sql/filter.ts";
import { STATUSES } from "../../inferences/status.ts";
import { findInput, listInferences, listWithInputs } from "../../inferences/sql/read.ts";
import { submit } from "../../inferences/submit.ts";
import type { Allowance } from "../../keys/gate.ts";
import { OFFSET_MAX } from "../../limits.ts";
import { listModels } from "../../models/store.ts";
import type { Payload } from "../../payloads/payload.ts";
import { storedObject } from "../../payloads/payloads.ts";
import { type Problem, faultsText, problem } from "../../problem.ts";
import { itemsIn } from "../../tensors/plain.ts";
import { ROOT, SHOWN, endpointOf, itemOf, outputUrl, requestUrl, resultText, shortText, shownLine, shownModel } from "./present.ts";
import {
  type Accepted,
  CANCEL,
  GET_INPUT,
  GET_RESULT,
  GET_STATUS,
  LIST_MODELS,
  LIST_REQUESTS,
  type RequestsQuery,
  type Rest,
  SUBMIT,
  type ShownStatus,
  errorSchema,
} from "./schemas.ts";

/** The path of chat completions, which are OpenAI's. */
const CHAT = new RegExp(`^${ROOT}/chat/completions/*$`);

export const reka: Dialect = {
  name: "reka",
  title: "Reka Vision API, version 2",
  owns: (path) => (path === ROOT || path.startsWith(`${ROOT}/`)) && !CHAT.test(path),
  error: errorSchema,
  routes: [
    route("read", "GET", `${ROOT}/models`, LIST_MODELS, showModels),
    route("read", "GET", `${ROOT}/requests`, LIST_REQUESTS, showRequests),
    route("read", "GET", `${ROOT}/requests/:id`, GET_RESULT, showResult),
    route("read", "GET", `${ROOT}/requests/:id/status`, GET_STATUS, showStatus),
    route("read", "GET", `${ROOT}/requests/:id/input`, GET_INPUT, showInput),
    route("cancel", "POST", `${ROOT}/requests/:id/cancel`, CANCEL, cancel),
    // No model is called `requests`, and a chat completion is no capability of one called `chat`.
    route("submit", "POST", `${ROOT}/(?!requests/|chat/completions(?:/|$)):model+/:capability`, SUBMIT, submitRequest),
  ],
  limitHeaders({ limit, remaining, resetMs, retryAfterMs }: Allowance) {
    return {
      "x-ratelimit-requests-limit": String(limit),
      "x-ratelimit-requests-remaining": String(remaining),
      "x-ratelimit-requests-reset": String(Math.ceil(resetMs / 1000)),
      "retry-after": String(Math.ceil(retryAfterMs / 1000)),
    };
  },
  /** The result object, as the URL of the request has it. */
  async presentEvent(event) {
    const { inference, payloads } = event;
    if (inference.status !== "succeeded") return { body: resultText(inference, "null") };
    const { output, id } = inference;
    return { body: resultText(inference, objectText(await render(payloads, output), output, outputUrl(event, id))) };
  },
  refuse(fault: Problem) {
    const { faults, headers } = fault;
    const status = fault.code === "invalid_input" ? 400 : fault.status;
    const error: z.infer<typeof errorSchema>["error"] = {
      type: errorType(status),
      ...(status === 429 ? { code: "rate_limit_exceeded" } : {}),
      message: faults.length > 0 ? faultsText(faults) : fault.detail,
      ...paramOf(faults[0]?.path),
      ...(faults.length > 0 ? { details: faults.map(({ path, detail }) => ({ ...paramOf(path), message: detail })) } : {}),
    };
    return json({ error }, { status, headers: { ...headers } });
  },
};

function errorType(status: number): z.infer<typeof errorSchema>["error"]["type"] {
  if (status >= 500) return "server_error";
  if (status === 429) return "rate_limit_error";
  if (status === 404 || status === 410) return "not_found_error";
  return status === 401 || status === 403 ? "authentication_error" : "validation_error";
}

/** What is at fault, by its name in the body or query; nothing where it is the whole. */
function paramOf(path: readonly (string | number)[] = []): { param?: string } {
  return path.length > 0 ? { param: path.join(".") } : {};
}

// Submit

/** A model's capability is one segment of a path. */
const CAPABILITY = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

async function submitRequest(call: KeyCall, { body, text }: Input<typeof SUBMIT>): Promise<Response> {
  const { model = "", capability = "" } = call.params;
  if (!CAPABILITY.test(capability)) throw problem("model_not_found", { detail: "No model offers such a capability." });
  const { input, webhook_url } = body;
  const submitted = await submit(
    call.ports,
    {
      ...submitterOf(call),
      dialect: "reka",
      model,
      capability,
      input: { body: writeJson(input), contentType: JSON_TYPE },
      inputPath: ["input"],
      given: { value: input },
      inputItems: itemsIn(input),
      ...(webhook_url ? { webhook: await webhookOf(call, webhook_url, ["webhook_url"]) } : {}),
      idempotency: await idempotencyOf(call, text),
    },
    call.after,
  );
  const { id, status } = submitted.inference;
  const self = requestUrl(call, id);
  const accepted: Accepted = {
    request_id: id,
    status: SHOWN[status],
    status_url: `${self}/status`,
    response_url: self,
    cancel_url: `${self}/cancel`,
  };
  return json(accepted, { status: 202, headers: { ...replayHeaders(submitted), Location: accepted.status_url } });
}

// One request

async function showStatus(call: KeyCall, { query }: Input<typeof GET_STATUS>): Promise<Response> {
  const { inference, headers } = await waitedFor(call, () => lookUpWithWait(call, notFound), notFound);
  const ahead = inference.status === "queued" ? inference.wait?.ahead : null;
  const status: ShownStatus = {
    request_id: inference.id,
    status: SHOWN[inference.status],
    queue_position: typeof ahead === "number" ? ahead + 1 : null,
    logs: query.with_logs ? inference.log.map(shownLine) : null,
    metrics: metricsOf(inference),
  };
  return unlessKnown(call.request, json(status, { headers: { ...cachingOf(inference), ...headers } }));
}

async function showResult(call: KeyCall): Promise<Response> {
  const inference = await lookUp(call, notFound);
  if (inference.status !== "succeeded") return unlessKnown(call.request, await resultAnswer(call, inference));
  const text = await resultTextOf(call, inference);
  const { ETag: etag = "", "Cache-Control": cacheControl = "" } = cachingOf(inference);
  const fileName = `${inference.id}.json`;
  return download(call.request, { ...(await atHand(text)), contentType: JSON_TYPE, etag, cacheControl, fileName });
}

async function cancel(call: KeyCall): Promise<Response> {
  const canceled = await cancelInference(call.ports, nameIn(call, notFound), call.after);
  if (canceled.kind === "not_found") throw notFound();
  const { kind, inference } = canceled;
  if (kind === "not_cancelable") throw problem("already_final", { detail: `The request is ${SHOWN[inference.status]} already.` });
  return resultAnswer(call, inference);
}

async function resultAnswer(call: KeyCall, inference: Inference): Promise<Response> {
  return jsonText(await resultTextOf(call, inference), { headers: cachingOf(inference) });
}

async function resultTextOf(call: KeyCall, inference: Inference): Promise<string> {
  if (inference.status !== "succeeded") return resultText(inference, "null");
  const { output, id } = inference;
  const rendered = await render(call.ports.payloads, output);
  if (rendered.kind === "gone") throw problem("payload_gone", { detail: "The result has expired." });
  return resultText(inference, objectText(rendered, output, outputUrl(call, id)));
}

async function showInput(call: KeyCall): Promise<Response> {
  const { accountId, id } = nameIn(call, notFound);
  const input = await findInput(call.ports.db, accountId, id);
  if (!input) throw notFound();
  const whole = input.at === "row" ? await atHand(input.body) : storedObject(call.ports.payloads, input);
  if (whole === null) throw problem("payload_gone", { detail: "The input has expired." });
  const { contentType } = input;
  const fileName = `${id}-input.${endingOf(contentType)}`;
  return download(call.request, { ...whole, contentType, etag: `"input-${id}"`, cacheControl: "private, no-cache", fileName });
}

const notFound = () => problem("inference_not_found", { detail: "There is no such inference request." });

// Lists

async function showRequests(call: KeyCall, { query }: Input<typeof LIST_REQUESTS>): Promise<Response> {
  const { expand, limit, offset } = query;
  const filter = filterOf(query);
  const rows = filter ? await listed(call, filter, { before: null, offset, limit: limit + 1 }, expand.length > 0) : [];
  const items = rows.slice(0, limit).map(({ inference, input }) => {
    const { id } = inference;
    if (!input) return writeJson(itemOf(inference));
    const output = inference.status === "succeeded" ? shortText(inference.output, outputUrl(call, id)) : "null";
    return withTexts(itemOf(inference), { input: shortText(input, `${requestUrl(call, id)}/input`), output });
  });
  return jsonText(withTexts(rest(rows.length, query), { items: `[${items.join(",")}]` }));
}

/** What follows a page that was read one row beyond its limit. */
function rest(rows: number, { limit, offset }: { limit: number; offset: number }): Rest {
  const has_more = rows > limit;
  return { next_offset: has_more && offset + limit <= OFFSET_MAX ? offset + limit : null, has_more };
}

async function listed(
  { ports: { db }, caller: { accountId } }: KeyCall,
  filter: Filter,
  page: Parameters<typeof listInferences>[3],
  expanded: boolean,
): Promise<{ inference: Inference; input: Payload | null }[]> {
  if (expanded) return listWithInputs(db, accountId, filter, page);
  return (await listInferences(db, accountId, filter, page)).map((inference) => ({ inference, input: null }));
}

/** Null where the query names no endpoint, or contradicts itself, so that nothing can match. */
function filterOf(query: RequestsQuery): Filter | null {
  const { endpoint_id, model_id, capability, status: wanted, start, end } = query;
  const endpoint = endpoint_id === undefined ? { model: model_id, capability } : partsOf(endpoint_id);
  if (endpoint_id !== undefined && endpointOf(endpoint) !== endpoint_id) return null;
  if (model_id !== undefined && model_id !== endpoint.model) return null;
  if (capability !== undefined && capability !== endpoint.capability) return null;
  const statuses = STATUSES.filter((status) => wanted === undefined || SHOWN[status] === wanted);
  return { ...endpoint, statuses, createdAfter: start, createdBefore: end };
}

/** Capabilities that have a slash: OpenAI's chat, and the paths of a model's server, which begin with one. */
const OF_SEVERAL = /^(.+?)\/(\/.+|chat\/completions)$/;

/** The model and capability of an endpoint's id. A model's name may have slashes, and any other capability has none. */
function partsOf(endpointId: string): { model: string; capability: string } {
  const [, named, several] = OF_SEVERAL.exec(endpointId) ?? [];
  if (named !== undefined && several !== undefined) return { model: named, capability: several };
  const slash = endpointId.lastIndexOf("/");
  return slash < 0 ? { model: endpointId, capability: "" } : { model: endpointId.slice(0, slash), capability: endpointId.slice(slash + 1) };
}

/** The catalogue, in the form of the list of requests. */
async function showModels(call: KeyCall, { query: page }: Input<typeof LIST_MODELS>): Promise<Response> {
  const models = (await listModels(call.ports.db, "", page.offset + page.limit + 1)).slice(page.offset);
  return json({ items: models.slice(0, page.limit).map(shownModel), ...rest(models.length, page) });
}

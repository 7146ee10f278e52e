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
import * as z from "zod";
import { cachingOf, json, jsonText, unlessKnown } from "../http/answer.ts";
import { check, readJson } from "../http/body.ts";
import { atHand, download } from "../http/download.ts";
import { idempotencyOf, replayHeaders } from "../http/idempotency.ts";
import { metricsOf } from "../api/inferences.ts";
import { type Rendered, render, renderInline } from "../http/output.ts";
import { lookUp, lookUpWithWait, nameIn } from "../http/lookup.ts";
import { webhookOf } from "../http/webhook-url.ts";
import type { Dialect, KeyCall } from "../http/route.ts";
import { JSON_TYPE, endingOf, sizeOf } from "../content/content.ts";
import type { Inference, LogEntry } from "../inferences/inference.ts";
import { STATUSES, type Status } from "../inferences/status.ts";
import type { Payload } from "../payloads/payload.ts";
import { storedObject } from "../payloads/payloads.ts";
import type { Filter } from "../inferences/sql/filter.ts";
import { findInput, listInferences, listWithInputs } from "../inferences/sql/read.ts";
import { cancel as cancelInference } from "../inferences/change.ts";
import { submit } from "../inferences/submit.ts";
import { writeJson } from "../encoding/json.ts";
import type { Allowance } from "../keys/gate.ts";
import { type Model, listModels } from "../models/store.ts";
import { JSON_BODY_BYTES, OFFSET_MAX, PAGE, WEBHOOK_URL_CHARACTERS } from "../limits.ts";
import { type Problem, faultText, problem } from "../problem.ts";
import { itemsIn } from "../tensors/plain.ts";
import { isObject } from "../tensors/tensor.ts";

const ROOT = "/v2/inference";
const CHAT = `${ROOT}/chat/completions`;

export const reka: Dialect = {
  name: "reka",
  owns: (path) => (path === ROOT || path.startsWith(`${ROOT}/`)) && path.replace(/\/+$/, "") !== CHAT,
  routes: [
    { method: "GET", path: `${ROOT}/models`, access: "read", handle: showModels },
    { method: "GET", path: `${ROOT}/requests`, access: "read", handle: showRequests },
    { method: "GET", path: `${ROOT}/requests/:id`, access: "read", handle: showResult },
    { method: "GET", path: `${ROOT}/requests/:id/status`, access: "read", beside: true, handle: showStatus },
    { method: "GET", path: `${ROOT}/requests/:id/input`, access: "read", handle: showInput },
    { method: "POST", path: `${ROOT}/requests/:id/cancel`, access: "cancel", handle: cancel },
    // No model is called `requests`, and a chat completion is no capability of one called `chat`.
    { method: "POST", path: `${ROOT}/(?!requests/|chat/completions(?:/|$)):model/:capability`, access: "submit", handle: submitRequest },
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
    return { body: resultText(inference, textOf(await render(payloads, output), output, outputUrl(event, id))) };
  },
  refuse(fault: Problem) {
    const { faults, headers } = fault;
    const status = fault.code === "invalid_input" ? 400 : fault.status;
    const error = {
      type: errorType(status),
      ...(status === 429 ? { code: "rate_limit_exceeded" } : {}),
      message: faults.length > 0 ? faults.map(faultText).join("; ") : fault.detail,
      ...paramOf(faults[0]?.path),
      ...(faults.length > 0 ? { details: faults.map(({ path, detail }) => ({ ...paramOf(path), message: detail })) } : {}),
    };
    return json({ error }, { status, headers: { ...headers } });
  },
};

function errorType(status: number): string {
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

const submissionSchema = z.object({
  input: z.custom<Readonly<Record<string, unknown>>>(isObject, {
    error: ({ input }) => (input === undefined ? "is missing" : "must be an object"),
  }),
  webhook_url: z
    .string()
    .min(1)
    .max(WEBHOOK_URL_CHARACTERS)
    .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ""), "must be an http or https URL")
    .nullish(),
});

async function submitRequest(call: KeyCall): Promise<Response> {
  const { model = "", capability = "" } = call.params;
  if (!CAPABILITY.test(capability)) throw problem("model_not_found", { detail: "No model offers such a capability." });
  const { text, value } = await readJson(call.request, JSON_BODY_BYTES);
  const { input, webhook_url } = check(submissionSchema, value);
  const submitted = await submit(
    call.ports,
    {
      ...call.caller,
      dialect: "reka",
      model,
      capability,
      input: { body: writeJson(input), contentType: JSON_TYPE },
      inputItems: itemsIn(input),
      ...(webhook_url ? { webhook: await webhookOf(call, webhook_url, ["webhook_url"]) } : {}),
      idempotency: await idempotencyOf(call.request, call.url, text),
    },
    call.after,
  );
  const { id, status } = submitted.inference;
  const self = requestUrl(call, id);
  const accepted = {
    request_id: id,
    status: SHOWN[status],
    status_url: `${self}/status`,
    response_url: self,
    cancel_url: `${self}/cancel`,
  };
  return json(accepted, { status: 202, headers: { ...replayHeaders(submitted), Location: accepted.status_url } });
}

const requestUrl = (call: KeyCall, id: string) => `${call.origin}${ROOT}/requests/${id}`;

// One request

const SHOWN = {
  queued: "IN_QUEUE",
  in_progress: "IN_PROGRESS",
  succeeded: "COMPLETED",
  failed: "FAILED",
  canceled: "CANCELED",
  expired: "FAILED",
} as const satisfies Record<Status, string>;

async function showStatus(call: KeyCall): Promise<Response> {
  const { with_logs } = check(statusSchema, queryOf(call));
  const inference = await lookUpWithWait(call, notFound);
  const ahead = inference.status === "queued" ? inference.wait?.ahead : null;
  const status = {
    request_id: inference.id,
    status: SHOWN[inference.status],
    queue_position: typeof ahead === "number" ? ahead + 1 : null,
    logs: with_logs ? inference.log.map(shownLine) : null,
    metrics: metricsOf(inference),
  };
  return unlessKnown(call.request, json(status, { headers: cachingOf(inference) }));
}

const statusSchema = z.object({ with_logs: z.stringbool({ error: "must be true or false" }).default(false) });

/** What a line of the log says, where it has no error to tell of. */
const EVENTS: Readonly<Record<LogEntry["event"], string>> = {
  queued: "Queued.",
  claimed: "An attempt began.",
  attempt_failed: "An attempt failed.",
  ready: "Ready for the next attempt.",
  aged: "Waited so long that it goes before others.",
  succeeded: "Completed.",
  failed: "Failed.",
  canceled: "Canceled.",
  expired: "Waited for too long.",
  redriven: "Queued again.",
  shortened: "Earlier lines were left out.",
};

function shownLine({ at, event, attempt, error, retry_at }: LogEntry): Record<string, unknown> {
  return {
    timestamp: time(at),
    level: error || event === "expired" ? "ERROR" : "INFO",
    message: error?.message ?? EVENTS[event],
    event,
    ...(attempt === undefined ? {} : { attempt }),
    ...(retry_at === undefined ? {} : { retry_at: time(retry_at) }),
  };
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
  return resultText(inference, textOf(rendered, output, outputUrl(call, id)));
}

/** The result object, around the text of its output. */
function resultText(inference: Inference, output: string): string {
  const result = {
    request_id: inference.id,
    status: SHOWN[inference.status],
    error: shownError(inference),
    metrics: metricsOf(inference),
  };
  return withTexts(result, { output });
}

function shownError(inference: Inference): Record<string, string> | null {
  if (!("error" in inference)) return null;
  const { class: failureClass, code, message } = inference.error;
  return { type: inference.status === "expired" ? "expired" : failureClass, code, message };
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

const integer = ([least, most]: readonly [number, number]) =>
  z
    .string()
    .refine(
      (text) => /^\d{1,15}$/.test(text) && Number(text) >= least && Number(text) <= most,
      `must be an integer from ${least} to ${most}`,
    )
    .transform(Number);

/**
 * A time in ms, from ISO 8601; without an offset it is UTC. Times here are whole ms, so a bound between two of them is
 * as good as the later one. A `+` that a client did not encode has become a space.
 */
const instant = z
  .string()
  .transform((text) => text.replace(/ (?=\d\d:\d\d$)/, "+"))
  .pipe(z.union([z.iso.datetime({ offset: true, local: true }), z.iso.date()], { error: "must be a time such as 2026-01-31T12:00:00Z" }))
  .transform((text) => Date.parse(/T[^Z+-]*$/.test(text) ? `${text}Z` : text) + (/\.\d{3}\d*[1-9]/.test(text) ? 1 : 0));

const OFFSETS = [0, OFFSET_MAX] as const;

const requestsSchema = z.object({
  endpoint_id: z.string().optional(),
  capability: z.string().optional(),
  model_id: z.string().optional(),
  status: z.enum([...new Set(Object.values(SHOWN))]).optional(),
  start: instant.optional(),
  end: instant.optional(),
  expand: z.array(z.string()).refine((parts) => parts.every((part) => part === "payloads"), 'may only be "payloads"'),
  limit: integer(PAGE.range).default(PAGE.default),
  offset: integer(OFFSETS).default(0),
});

/** A query's members; of one that is repeated the last. */
function queryOf({ url }: KeyCall): Record<string, unknown> {
  return Object.fromEntries(url.searchParams);
}

async function showRequests(call: KeyCall): Promise<Response> {
  const expand = call.url.searchParams.getAll("expand").flatMap((list) => list.split(",").filter((part) => part !== ""));
  const query = check(requestsSchema, { ...queryOf(call), expand });
  const { limit, offset } = query;
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
function rest(rows: number, { limit, offset }: { limit: number; offset: number }) {
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
function filterOf(query: z.infer<typeof requestsSchema>): Filter | null {
  const { endpoint_id, model_id, capability, status: wanted, start, end } = query;
  const endpoint = endpoint_id === undefined ? { model: model_id, capability } : partsOf(endpoint_id);
  if (endpoint_id !== undefined && endpointOf(endpoint) !== endpoint_id) return null;
  if (model_id !== undefined && model_id !== endpoint.model) return null;
  if (capability !== undefined && capability !== endpoint.capability) return null;
  const statuses = STATUSES.filter((status) => wanted === undefined || SHOWN[status] === wanted);
  return { ...endpoint, statuses, createdAfter: start, createdBefore: end };
}

/** Of the wires that know no capabilities, the endpoint is the model. */
function endpointOf({ model = "", capability = "" }: { model?: string | undefined; capability?: string | undefined }): string {
  return capability === "" ? model : `${model}/${capability}`;
}

/** The model and capability of an endpoint's id: a model's name has no slash. */
function partsOf(endpointId: string): { model: string; capability: string } {
  const slash = endpointId.indexOf("/");
  return slash < 0 ? { model: endpointId, capability: "" } : { model: endpointId.slice(0, slash), capability: endpointId.slice(slash + 1) };
}

/** One request of a list. */
function itemOf(inference: Inference): Record<string, unknown> {
  const { id, model, capability, status, createdAt, startedAt } = inference;
  return {
    request_id: id,
    endpoint_id: endpointOf(inference),
    model_id: model,
    capability: capability === "" ? null : capability,
    status: SHOWN[status],
    created_at: time(createdAt),
    started_at: startedAt === null ? null : time(startedAt),
    completed_at: "finishedAt" in inference ? time(inference.finishedAt) : null,
    error: shownError(inference),
    metrics: metricsOf(inference),
  };
}

const modelsSchema = z.object({ limit: integer(PAGE.range).default(PAGE.range[1]), offset: integer(OFFSETS).default(0) });

/** The catalogue, in the form of the list of requests. */
async function showModels(call: KeyCall): Promise<Response> {
  const page = check(modelsSchema, queryOf(call));
  const models = (await listModels(call.ports.db, "", page.offset + page.limit + 1)).slice(page.offset);
  return json({ items: models.slice(0, page.limit).map(shownModel), ...rest(models.length, page) });
}

/** Where `capabilities` is empty, anything may be asked of the model. */
function shownModel({ name, description, capabilities, createdAt }: Model): Record<string, unknown> {
  return { model_id: name, description, capabilities, created_at: time(createdAt) };
}

const time = (ms: number) => new Date(ms).toISOString();

// Payloads: stored JSON goes into an answer as the text that it is. Read as values, 10 MB could be more than an isolate has.

/** An object's text, with members that are JSON texts already. */
function withTexts(members: Readonly<Record<string, unknown>>, texts: Readonly<Record<string, string>>): string {
  const ready = Object.entries(texts).map(([name, text]) => `${writeJson(name)}:${text}`);
  return `${writeJson(members).slice(0, -1)},${ready.join(",")}}`;
}

/** A payload as the text of an object: itself if it is JSON or tensors, else its address; "null" if it was removed. */
function textOf(rendered: Rendered, payload: Payload, url: string): string {
  switch (rendered.kind) {
    case "json":
      return asObject(rendered.text);
    case "elsewhere":
      return writeJson({ url, content_type: payload.contentType, file_size: lengthOf(payload) });
    case "gone":
      return "null";
    default:
      return rendered satisfies never;
  }
}

const shortText = (payload: Payload, url: string) => textOf(renderInline(payload), payload, url);

/** JSON that is no object, in one. */
function asObject(text: string): string {
  return text.trimStart().startsWith("{") ? text : `{"value":${text}}`;
}

const outputUrl = (call: Pick<KeyCall, "origin">, id: string) => `${call.origin}/v1/inferences/${id}/result`;

function lengthOf(payload: Payload): number {
  return payload.at === "object" ? payload.bytes : sizeOf(payload.body);
}

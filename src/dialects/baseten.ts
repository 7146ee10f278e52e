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
 * input of `predict` is not taken: 415.
 * Source: "Baseten inference API" 1.0.0 (basetenlabs/baseten-go, internal/tools/apigen/specs/inference.json).
 */
import * as z from "zod";
import { cachingOf, json, jsonText, unlessKnown } from "../http/answer.ts";
import { check, readJson } from "../http/body.ts";
import { render } from "../http/output.ts";
import { idempotencyOf, replayHeaders } from "../http/idempotency.ts";
import type { Dialect, KeyCall, BareRoute } from "../http/route.ts";
import { lookUp, nameIn, notFoundAs } from "../http/lookup.ts";
import { webhookOf } from "../http/webhook-url.ts";
import type { Failure } from "../backends/outcome.ts";
import type { Bucket } from "../payloads/bucket.ts";
import { JSON_TYPE, sizeOf } from "../content/content.ts";
import { submitAndWait } from "../inferences/waiter.ts";
import type { Inference } from "../inferences/inference.ts";
import type { Status } from "../inferences/status.ts";
import type { Payload } from "../payloads/payload.ts";
import { openPayload } from "../payloads/payloads.ts";
import type { Lane } from "../models/lane.ts";
import { cancel } from "../inferences/change.ts";
import { depthOf } from "../inferences/sql/read.ts";
import { type Submission, submit } from "../inferences/submit.ts";
import { hintSweep, hintWork } from "../inferences/hints.ts";
import { writeJson } from "../encoding/json.ts";
import { findModel } from "../models/store.ts";
import {
  BASETEN_BODY_BYTES,
  BASETEN_ENVIRONMENT_PARTS,
  INITIAL_DELAY_MS,
  JSON_BODY_BYTES,
  MAX_ATTEMPTS,
  MAX_DELAY_MS,
  MAX_TIME_IN_QUEUE_SECONDS,
  PRIORITY,
} from "../limits.ts";
import { Problem, faultText, pointer, problem } from "../problem.ts";
import { itemsIn } from "../tensors/plain.ts";
import { headOf } from "../tensors/wire.ts";
import type { DeliveryMessage, WebhookEvent } from "../webhooks/deliver.ts";
import type { EventName } from "../inferences/webhook.ts";
import { signBaseten } from "../webhooks/signature.ts";

/** The capability of what is asked of a chain. */
const RUN_REMOTE = "run_remote";
const PRODUCTION = "production";

/** Where a call is sent to, as its address has it. */
interface Address {
  readonly model: string;
  /** An environment or a deployment; undefined = the default one. */
  readonly version: string | undefined;
  /** What the path says of it: nothing, an environment or a deployment. */
  readonly by: "nothing" | "environment" | "deployment";
}

/** A version of a model; undefined = its default one. */
type Target = Pick<Submission, "model" | "version">;

const PREFIXES: readonly { readonly path: string; readonly by: Address["by"]; readonly version?: string }[] = [
  { path: "", by: "nothing" },
  { path: "/production", by: "environment" },
  { path: "/development", by: "environment", version: "development" },
  { path: "/environments/:version", by: "environment" },
  { path: "/deployment/:version", by: "deployment" },
];

export const baseten: Dialect = {
  name: "baseten",
  owns: (path) => /^\/(?:baseten|async_request)(?:\/|$)/.test(path),
  pathOf(url) {
    const id = /^(?:model|chain)-([^.]+)\./.exec(url.hostname)?.[1];
    return id === undefined ? null : `/baseten/${id}${url.pathname}`;
  },
  presentEvent,
  routes: [...PREFIXES.flatMap(callsUnder), ...["", "/baseten/:model"].flatMap(requestsUnder)],
  refuse(fault: Problem) {
    const { faults } = fault;
    const message = faults.length > 0 ? faults.map(faultText).join("; ") : fault.detail;
    const detail = faults.map(({ path }) => pointer(path)).join(" ");
    const status = fault.code === "invalid_input" ? 400 : fault.status;
    return refusal(status, message, errorCodeOf(fault), detail, fault.headers);
  },
};

function callsUnder(prefix: (typeof PREFIXES)[number]): BareRoute[] {
  const path = `/baseten/:model${prefix.path}`;
  const at =
    (handle: (call: KeyCall, address: Address) => Promise<Response>) =>
    (call: KeyCall): Promise<Response> => {
      const named = prefix.version ?? call.params["version"];
      const version = prefix.by === "environment" && named === PRODUCTION ? undefined : named;
      return handle(call, { model: call.params["model"] ?? "", version, by: prefix.by });
    };
  return [
    { method: "POST", path: `${path}/async_predict`, access: "submit", handle: at((call, to) => submitAsync(call, to, "")) },
    { method: "POST", path: `${path}/async_run_remote`, access: "submit", handle: at((call, to) => submitAsync(call, to, RUN_REMOTE)) },
    { method: "POST", path: `${path}/predict`, access: "submit", handle: at((call, to) => predict(call, to, "")) },
    { method: "POST", path: `${path}/run_remote`, access: "submit", handle: at((call, to) => predict(call, to, RUN_REMOTE)) },
    { method: "POST", path: `${path}/wake`, access: "submit", handle: at(wake) },
    { method: "GET", path: `${path}/async_queue_status`, access: "read", handle: at(showQueue) },
  ];
}

function requestsUnder(prefix: string): BareRoute[] {
  return [
    { method: "GET", path: `${prefix}/async_request/:id`, access: "read", beside: true, handle: showRequest },
    { method: "DELETE", path: `${prefix}/async_request/:id`, access: "cancel", handle: cancelRequest },
  ];
}

// Where a call goes

/**
 * Does the work at the version of the model that the address most likely means. Whether that is there shows in the one
 * write; only where it is not are models read to see what else the address may mean.
 */
async function sendTo<T>(call: KeyCall, address: Address, work: (target: Target) => Promise<T>): Promise<T> {
  try {
    return await work({ model: address.model, version: address.version });
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "model_not_found") throw error;
    const other = await otherReading(call, address);
    if (!other) throw error;
    return work({ model: other.model, version: other.version || undefined });
  }
}

/** What an address may mean beside what it says; null where nothing is there. */
async function otherReading({ ports }: KeyCall, { model, version: named, by }: Address): Promise<Lane | null> {
  if (by === "deployment" && named === model) {
    const known = await findModel(ports.db, model);
    return known?.versions.length === 0 ? { model, version: "" } : null;
  }
  if (by !== "nothing") return null;
  const parts = model.split("-");
  for (let taken = 1; taken <= Math.min(BASETEN_ENVIRONMENT_PARTS, parts.length - 1); taken++) {
    const environment = parts.slice(-taken).join("-");
    const version = environment === PRODUCTION ? undefined : environment;
    const lane = await laneOf(ports, { model: parts.slice(0, -taken).join("-"), version });
    if (lane) return lane;
  }
  return null;
}

/** The queue of a version of a model; null where there is no such version. */
async function laneOf({ db }: KeyCall["ports"], target: Target): Promise<Lane | null> {
  const known = await findModel(db, target.model);
  const version = target.version ?? known?.defaultVersion;
  if (!known || version === undefined) return null;
  const isThere = version === "" ? known.versions.length === 0 : known.versions.includes(version);
  return isThere ? { model: known.name, version } : null;
}

async function laneAt(call: KeyCall, address: Address): Promise<Lane> {
  const lane = (await laneOf(call.ports, address)) ?? (await otherReading(call, address));
  if (!lane) throw problem("model_not_found", { detail: `There is no such model or deployment: "${address.model.slice(0, 128)}".` });
  return lane;
}

// Asynchronous requests

const within = ([least, most]: readonly [number, number]) => z.int().min(least).max(most).optional();

const asyncSchema = z.object({
  // parseJson has made it, so there is nothing to check but that it is there.
  model_input: z.unknown().refine((input) => input !== undefined, "is missing"),
  webhook_endpoint: z.string().nullish(),
  priority: within(PRIORITY.range),
  max_time_in_queue_seconds: within(MAX_TIME_IN_QUEUE_SECONDS.range),
  inference_retry_config: z
    .object({
      max_attempts: within(MAX_ATTEMPTS.range),
      initial_delay_ms: within(INITIAL_DELAY_MS.range),
      max_delay_ms: within(MAX_DELAY_MS.range),
    })
    .optional(),
});

/** All ends but a cancel, of which the request's webhook hears nothing. */
const TOLD: readonly EventName[] = ["inference.succeeded", "inference.failed", "inference.expired"];

async function submitAsync(call: KeyCall, address: Address, capability: string): Promise<Response> {
  const { text, value } = await readJson(call.request, BASETEN_BODY_BYTES);
  const isBare = capability === RUN_REMOTE && !(typeof value === "object" && value !== null && Object.hasOwn(value, "model_input"));
  const body = check(asyncSchema, isBare ? { model_input: value } : value);
  const submission = {
    ...(await submissionOf(call, text, body.model_input, capability)),
    priority: body.priority,
    maxTimeInQueueSeconds: body.max_time_in_queue_seconds,
    retry: {
      maxAttempts: body.inference_retry_config?.max_attempts,
      initialDelayMs: body.inference_retry_config?.initial_delay_ms,
      maxDelayMs: body.inference_retry_config?.max_delay_ms,
    },
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
    ...call.caller,
    dialect: "baseten",
    capability,
    input: { body: writeJson(input), contentType: JSON_TYPE },
    inputItems: itemsIn(input),
    idempotency: await idempotencyOf(call.request, call.url, text),
  };
}

async function showRequest(call: KeyCall): Promise<Response> {
  const inference = await lookUp(call, notFound);
  return unlessKnown(call.request, json(present(inference), { headers: cachingOf(inference) }));
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
  return json({ request_id: id, canceled: status === "canceled", message });
}

async function showQueue(call: KeyCall, address: Address): Promise<Response> {
  const lane = await laneAt(call, address);
  const { queued, inProgress } = await depthOf(call.ports.db, lane);
  return json({
    model_id: lane.model,
    deployment_id: deploymentOf(lane),
    num_queued_requests: queued,
    num_in_progress_requests: inProgress,
  });
}

/** Nothing here sleeps but a runner; what it would do is look for work. */
async function wake(call: KeyCall, address: Address): Promise<Response> {
  const lane = await laneAt(call, address);
  call.after(hintWork(call.ports, [lane]));
  call.after(hintSweep(call.ports));
  return json({}, { status: 202 });
}

const notFound = notFoundAs((id) => `There is no async request "${id}".`);

export type WebhookStatus = "PENDING" | "SUCCEEDED" | "FAILED" | "CANCELED" | "NO_WEBHOOK_PROVIDED";

/** How it stands with a request's webhook. */
function webhookStatusOf({ webhook }: Inference): WebhookStatus {
  return SHOWN[webhook?.status ?? "none"];
}

const SHOWN = {
  none: "NO_WEBHOOK_PROVIDED",
  pending: "PENDING",
  succeeded: "SUCCEEDED",
  failed: "FAILED",
  canceled: "CANCELED",
} as const;

/** The published status; a success whose delivery was given up is none to them. */
export function statusOf(status: Status, webhook: WebhookStatus): string {
  switch (status) {
    case "queued":
      return "QUEUED";
    case "in_progress":
      return "IN_PROGRESS";
    case "succeeded":
      return webhook === "FAILED" ? "WEBHOOK_FAILED" : "SUCCEEDED";
    case "failed":
      return "FAILED";
    case "canceled":
      return "CANCELED";
    case "expired":
      return "EXPIRED";
    default:
      return status satisfies never;
  }
}

/** A request as published. */
function present(inference: Inference): Record<string, unknown> {
  const webhook = webhookStatusOf(inference);
  return {
    request_id: inference.id,
    [inference.capability === RUN_REMOTE ? "chain_id" : "model_id"]: inference.model,
    deployment_id: deploymentOf(inference),
    status: statusOf(inference.status, webhook),
    webhook_status: webhook,
    created_at: utc(inference.createdAt),
    status_at: utc("finishedAt" in inference ? inference.finishedAt : inference.updatedAt),
    errors: errorsOf(inference),
  };
}

/** What a request's webhook is sent, failures too. The signature is of the body alone, under the secrets as they stand. */
async function presentEvent({ inference, now, payloads, secrets }: WebhookEvent): Promise<DeliveryMessage> {
  const { id, model, capability, status } = inference;
  const members = {
    request_id: id,
    [capability === RUN_REMOTE ? "chain_id" : "model_id"]: model,
    deployment_id: deploymentOf(inference),
    type: "async_request_completed",
    time: utc(now),
    errors: errorsOf(inference),
  };
  const data = status === "succeeded" ? await dataOf(payloads, inference.output) : "null";
  const body = `${writeJson(members).slice(0, -1)},"data":${data}}`;
  const signature = await signBaseten(body, secrets);
  return { body, headers: { "X-BASETEN-REQUEST-ID": id, ...(signature === null ? {} : { "X-BASETEN-SIGNATURE": signature }) } };
}

/** An output as JSON text; "null" if it is not JSON, is too large, or was removed. */
async function dataOf(payloads: Bucket, stored: Payload): Promise<string> {
  const rendered = await render(payloads, stored);
  return rendered.kind === "json" ? rendered.text : "null";
}

function deploymentOf({ model, version }: Lane): string {
  return version || model;
}

/** As Python writes it, whose older versions read no `Z`. */
function utc(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000+00:00");
}

/** Of each attempt since the submit or the last redrive. An expired wait is no error: the status says it. */
function errorsOf({ status, log }: Inference): { code: PublishedCode; message: string }[] {
  if (status === "succeeded") return [];
  const begun = log.findLastIndex(({ event }) => event === "redriven") + 1;
  return log.slice(begun).flatMap(({ error }) => (error ? [{ code: codeOf(error), message: error.message }] : []));
}

// Failures

/** Their codes of a request's errors, and the `error_code` that says the same of a call that waited. */
const PUBLISHED = {
  MODEL_INVALID_INPUT: "client_error",
  MODEL_PREDICT_ERROR: "application_error",
  MODEL_PREDICT_TIMEOUT: "timeout",
  MODEL_UNAVAILABLE: "model_unavailable",
  INTERNAL_SERVER_ERROR: "internal_baseten_error",
} as const;

type PublishedCode = keyof typeof PUBLISHED;

function codeOf({ class: failureClass, code, status }: Failure): PublishedCode {
  switch (failureClass) {
    case "input":
      return "MODEL_INVALID_INPUT";
    case "model":
      return "MODEL_PREDICT_ERROR";
    case "timeout":
      return "MODEL_PREDICT_TIMEOUT";
    case "capacity":
      return "MODEL_UNAVAILABLE";
    case "infrastructure":
      if (code === "backend_garbage" || (code === "backend_error" && status === 500)) return "MODEL_PREDICT_ERROR";
      if (code === "backend_cut" || code === "backend_unreachable" || code === "backend_error") return "MODEL_UNAVAILABLE";
      return "INTERNAL_SERVER_ERROR"; // a lost runner, a missing input, a backend whose address or credential is wrong
    default:
      return failureClass satisfies never;
  }
}

function errorCodeOf({ code, status }: Problem): string {
  if (code === "model_not_found") return "model_does_not_exist";
  if (status === 401 || status === 403) return "unauthorized";
  if (status === 413) return "payload_too_large";
  if (status === 429) return "rate_limited";
  return status >= 500 ? "internal_baseten_error" : "client_error";
}

function refusal(status: number, error: string, code: string, detail: string, headers: Readonly<Record<string, string>> = {}): Response {
  return json({ error, error_code: code, ...(detail === "" ? {} : { detail }) }, { status, headers });
}

// Synchronous calls

/** The body is the model's input; the answer is its output, or its failure under the status that says it. */
async function predict(call: KeyCall, address: Address, capability: string): Promise<Response> {
  const { text, value } = await readJson(call.request, JSON_BODY_BYTES);
  const submission = await submissionOf(call, text, value, capability);
  const attention = { after: call.after, gone: call.request.signal };
  const attended = await sendTo(call, address, (target) => submitAndWait(call.ports, { ...submission, ...target }, attention));
  if (attended.kind === "streaming") throw new Error("a call that asked for no stream got one");
  const { inference } = attended;
  const headers = { "X-BASETEN-REQUEST-ID": inference.id, ...replayHeaders(attended) };
  switch (inference.status) {
    case "succeeded":
      return output(call, inference, headers);
    case "failed":
    case "expired": {
      const { error } = inference;
      return refusal(error.status, error.message, PUBLISHED[codeOf(error)], `${error.class}: ${error.code}`, headers);
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

/** How fal's wire shows a request, its output, the event that its webhook is sent, and what went wrong. */
import type * as z from "zod";
import type { Failure } from "../../backends/outcome.ts";
import { JSON_TYPE, endingOf, essenceOf } from "../../content/content.ts";
import { writeJson } from "../../encoding/json.ts";
import { hexOf } from "../../encoding/hex.ts";
import { json } from "../../http/answer.ts";
import { type LinkTo, fileOf, render, withLinks, withTexts } from "../../http/output.ts";
import { time } from "../../http/time.ts";
import type { Inference, LogEntry } from "../../inferences/inference.ts";
import type { Status } from "../../inferences/status.ts";
import type { Bucket } from "../../payloads/bucket.ts";
import type { Fault, ProblemCode } from "../../problem.ts";
import type { DeliveryMessage, WebhookEvent } from "../../webhooks/deliver.ts";
import { appOf, placeOf } from "./request.ts";
import type { Accepted, Detail, ErrorType, LogLine, ShownError, ShownStatus, eventSchema } from "./schemas.ts";

export const WIRE = "fal";

/** The addresses of a request, as the clients make them: of its app alone. */
export function urlsOf(origin: string, { id, model }: Pick<Inference, "id" | "model">) {
  const app = appOf(model).app.split("/").map(encodeURIComponent).join("/");
  const self = `${origin}/fal/queue/${app}/requests/${id}`;
  return { request_id: id, response_url: self, status_url: `${self}/status`, cancel_url: `${self}/cancel` };
}

const SHOWN = {
  queued: "IN_QUEUE",
  in_progress: "IN_PROGRESS",
  succeeded: "COMPLETED",
  failed: "COMPLETED",
  canceled: "COMPLETED",
  expired: "COMPLETED",
} as const satisfies Record<Status, ShownStatus["status"]>;

/** How many go before it. None where that is not known, since clients take a number for granted. */
const positionOf = (inference: Inference) => (inference.status === "queued" ? (inference.wait?.ahead ?? 0) : 0);

/** The answer to a submit. */
export function acceptedOf(origin: string, inference: Inference): Accepted {
  return {
    status: SHOWN[inference.status],
    ...urlsOf(origin, inference),
    queue_position: positionOf(inference),
    ...(inference.webhook ? { gateway_request_id: inference.id } : {}),
  };
}

/** A status, with these of its logs. */
export function statusOf(origin: string, inference: Inference, logs: readonly LogEntry[] | null): ShownStatus {
  const error = errorOf(inference);
  return {
    status: SHOWN[inference.status],
    ...urlsOf(origin, inference),
    ...(inference.status === "queued" ? { queue_position: positionOf(inference) } : {}),
    logs: logs && logs.flatMap(lineOf),
    ...("finishedAt" in inference ? { metrics: { inference_time: inference.startedAt === null ? null : inference.runMs / 1000 } } : {}),
    ...(error ? { error: error.message, ...(error.type === null ? {} : { error_type: error.type }) } : {}),
  };
}

/** What the model said, and what became of an attempt; the rest of a life is no log to fal. */
function lineOf({ at, error, message }: LogEntry): LogLine[] {
  const text = error?.message ?? message;
  return text === undefined ? [] : [{ message: text, timestamp: time(at), level: error ? "ERROR" : "INFO", source: "USER" }];
}

// Outputs

type Succeeded = Extract<Inference, { status: "succeeded" }>;

/** Whether an output can be answered as it is stored: clients read what calls itself so as JSON, and nothing else. */
export const isPlain = ({ output, parts }: Succeeded) => essenceOf(output.contentType) === JSON_TYPE && parts.length === 0;

/**
 * An output as JSON: itself if it is JSON or tensors, with links in the place of the addresses of its parts, which need a key; else, or if
 * it is too large to be read, its file. Null if it was removed.
 */
export async function outputText(bucket: Bucket, { id, output, parts }: Succeeded, linkTo: LinkTo): Promise<string | null> {
  const rendered = await render(bucket, output);
  if (rendered.kind === "gone") return null;
  if (rendered.kind === "elsewhere")
    return writeJson({ file: { ...fileOf(output, await linkTo()), file_name: `${id}.${endingOf(output.contentType)}` } });
  return (await withLinks(rendered.text, id, parts, linkTo)) ?? rendered.text;
}

// Errors

/** What went wrong, in fal's terms: a status goes with each type. */
export interface WireError {
  readonly status: number;
  readonly type: ErrorType | null;
  readonly message: string;
  readonly detail?: Detail;
  /** Its time to begin was over, which its client has set; clients don't repeat that. */
  readonly isUserTimeout?: boolean;
}

/** Why an inference has no output; null if it has one, or may have one yet. */
export function errorOf(inference: Inference): WireError | null {
  switch (inference.status) {
    case "queued":
    case "in_progress":
    case "succeeded":
      return null;
    case "canceled":
      return { status: 499, type: "client_cancelled", message: "The request was canceled." };
    case "expired":
      return { status: 504, type: "request_timeout", message: inference.error.message, isUserTimeout: true };
    case "failed":
      return errorOfFailure(inference.error);
    default:
      return inference satisfies never;
  }
}

export function errorOfFailure({ class: failureClass, code, status, message }: Failure): WireError {
  switch (failureClass) {
    case "input":
      return { status: 422, type: null, message, detail: detailOf([{ path: [], detail: message }]) };
    case "model":
      return { status: 500, type: "runner_server_error", message };
    case "timeout":
      return { status: 504, type: "request_timeout", message };
    case "capacity":
      return { status: 503, type: "runner_scheduling_failure", message };
    case "infrastructure":
      if (code === "backend_garbage") return { status: 502, type: "runner_incomplete_response", message };
      if (code === "backend_cut") return { status: 503, type: "runner_disconnected", message };
      if (code === "backend_unreachable") return { status: 503, type: "runner_connection_error", message };
      if (code === "backend_error")
        return { status: status === 500 ? 500 : 503, type: status === 500 ? "runner_server_error" : "runner_connection_error", message };
      return { status: 500, type: "internal_error", message }; // a lost runner, a backend whose address or credential is wrong
    default:
      return failureClass satisfies never;
  }
}

/** The type of a refusal; null where fal has none for it. */
export function typeOf(code: ProblemCode, status: number): ErrorType | null {
  if (code === "already_final" || code === "not_finished") return null;
  if (code === "too_many_open" || code === "too_many_waiting") return "concurrent_requests_limit";
  if (code === "model_not_ready") return "runner_scheduling_failure";
  return status === 400 ? "bad_request" : status === 500 ? "internal_error" : null;
}

export function detailOf(faults: readonly Fault[]): Detail {
  return faults.map(({ path, detail }) => ({ loc: placeOf(path), msg: detail, type: "value_error" }));
}

/** The body of an error. */
export function bodyOf({ type, message, detail }: WireError, status?: ShownError["status"]): ShownError {
  return {
    detail: detail ?? message,
    message,
    ...(type === null ? {} : { error_type: type }),
    ...(status === undefined ? {} : { status }),
  };
}

export function refusal(error: WireError, headers: Readonly<Record<string, string>> = {}, status?: ShownError["status"]): Response {
  const { type, isUserTimeout = false } = error;
  return json(bodyOf(error, status), {
    status: error.status,
    headers: {
      ...headers,
      ...(type === null ? {} : { "X-Fal-Error-Type": type }),
      ...(isUserTimeout ? { "X-Fal-Request-Timeout-Type": "user" } : {}),
    },
  });
}

// Webhooks

/**
 * What a request's webhook is sent. The text that is signed is the request's id, the user's, the time and the body's digest, a line each;
 * the key is the deployment's own for this wire (`/fal/.well-known/jwks.json`).
 */
export async function presentEvent({ inference, now, payloads, resultLink, wireKey }: WebhookEvent): Promise<DeliveryMessage> {
  const { id, accountId } = inference;
  const error = errorOf(inference);
  const payload = inference.status === "succeeded" ? await outputText(payloads, inference, resultLink) : error && writeJson(bodyOf(error));
  const members: z.infer<typeof eventSchema> = {
    request_id: id,
    gateway_request_id: id,
    status: error ? "ERROR" : "OK",
    ...(error ? { error: error.message } : {}),
    ...(payload === null ? { payload_error: "The output is no longer stored." } : {}),
  };
  const body = withTexts(members, { payload: payload ?? "null" });
  const timestamp = String(Math.floor(now / 1000));
  const digest = hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(body))));
  const key = await wireKey(WIRE);
  const signature = await key.sign(new TextEncoder().encode([id, accountId, timestamp, digest].join("\n")));
  const headers = {
    "X-Fal-Webhook-Request-Id": id,
    "X-Fal-Webhook-User-Id": accountId,
    "X-Fal-Webhook-Timestamp": timestamp,
    "X-Fal-Webhook-Signature": hexOf(signature),
  };
  return { body, headers };
}

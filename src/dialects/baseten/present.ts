/** How Baseten's wire shows a request, the event that its webhook is sent, and what went wrong. */
import type * as z from "zod";
import type { Failure } from "../../backends/outcome.ts";
import { writeJson } from "../../encoding/json.ts";
import { json } from "../../http/answer.ts";
import { render } from "../../http/output.ts";
import type { Inference } from "../../inferences/inference.ts";
import type { Status } from "../../inferences/status.ts";
import type { Lane } from "../../models/lane.ts";
import type { Bucket } from "../../payloads/bucket.ts";
import type { Payload } from "../../payloads/payload.ts";
import type { Problem } from "../../problem.ts";
import type { DeliveryMessage, WebhookEvent } from "../../webhooks/deliver.ts";
import { signBaseten } from "../../webhooks/signature.ts";
import type { ErrorCode, FailureCode, RequestStatus, ShownError, ShownRequest, WebhookStatus, eventSchema } from "./schemas.ts";

/** The capability of what is asked of a chain. */
export const CHAIN = "run_remote";

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
export function statusOf(status: Status, webhook: WebhookStatus): RequestStatus {
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
export function present(inference: Inference): ShownRequest {
  const webhook = webhookStatusOf(inference);
  return {
    request_id: inference.id,
    ...namesOf(inference),
    status: statusOf(inference.status, webhook),
    webhook_status: webhook,
    created_at: utc(inference.createdAt),
    status_at: utc("finishedAt" in inference ? inference.finishedAt : inference.updatedAt),
    errors: errorsOf(inference),
  };
}

/** What a request's webhook is sent, failures too. The signature is of the body alone, under the secrets as they stand. */
export async function presentEvent({ inference, now, payloads, secrets }: WebhookEvent): Promise<DeliveryMessage> {
  const { id, status } = inference;
  const members: z.infer<typeof eventSchema> = {
    request_id: id,
    ...namesOf(inference),
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

/** The model or chain, and its deployment. */
function namesOf({ capability, model, version }: Inference) {
  return { ...(capability === CHAIN ? { chain_id: model } : { model_id: model }), deployment_id: deploymentOf({ model, version }) };
}

export function deploymentOf({ model, version }: Lane): string {
  return version || model;
}

/** As Python writes it, whose older versions read no `Z`. */
function utc(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000+00:00");
}

/** Of each attempt since the submit or the last redrive. An expired wait is no error: the status says it. */
function errorsOf({ status, log }: Inference): { code: FailureCode; message: string }[] {
  if (status === "succeeded") return [];
  const begun = log.findLastIndex(({ event }) => event === "redriven") + 1;
  return log.slice(begun).flatMap(({ error }) => (error ? [{ code: codeOf(error), message: error.message }] : []));
}

// Failures

/** Their codes of a request's errors, and the `error_code` that says the same of a call that waited. */
export const PUBLISHED = {
  MODEL_INVALID_INPUT: "client_error",
  MODEL_PREDICT_ERROR: "application_error",
  MODEL_PREDICT_TIMEOUT: "timeout",
  MODEL_UNAVAILABLE: "model_unavailable",
  INTERNAL_SERVER_ERROR: "internal_baseten_error",
} as const satisfies Record<FailureCode, ErrorCode>;

export function codeOf({ class: failureClass, code, status }: Failure): FailureCode {
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

export function errorCodeOf({ code, status }: Problem): ErrorCode {
  if (code === "model_not_found") return "model_does_not_exist";
  if (code === "model_not_ready") return "model_not_ready";
  if (status === 401 || status === 403) return "unauthorized";
  if (status === 413) return "payload_too_large";
  if (status === 429) return "rate_limited";
  return status >= 500 ? "internal_baseten_error" : "client_error";
}

export function refusal(
  status: number,
  error: string,
  code: ErrorCode,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const body: ShownError = { error, error_code: code, ...(detail === "" ? {} : { detail }) };
  return json(body, { status, headers });
}

/** How Reka's wire shows an inference: the status words, the result object, an item of a list, and stored payloads as text. */
import { metricsOf } from "../../api/present.ts";
import { objectText, renderInline, withTexts } from "../../http/output.ts";
import { time } from "../../http/time.ts";
import type { Call } from "../../http/route.ts";
import type { Inference, LogEntry } from "../../inferences/inference.ts";
import type { Status } from "../../inferences/status.ts";
import type { Model } from "../../models/store.ts";
import type { Payload } from "../../payloads/payload.ts";
import type { Item, LogLine, Result, ShownFailure, ShownModel, StatusName } from "./schemas.ts";

/** What an address is made from. */
type At = Pick<Call, "origin">;

export const ROOT = "/v2/inference";

export const requestUrl = ({ origin }: At, id: string) => `${origin}${ROOT}/requests/${id}`;

export const SHOWN = {
  queued: "IN_QUEUE",
  in_progress: "IN_PROGRESS",
  succeeded: "COMPLETED",
  failed: "FAILED",
  canceled: "CANCELED",
  expired: "FAILED",
} as const satisfies Record<Status, StatusName>;

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
  log: "A line of the model's.",
};

export function shownLine({ at, event, attempt, error, retry_at, message }: LogEntry): LogLine {
  return {
    timestamp: time(at),
    level: error || event === "expired" ? "ERROR" : "INFO",
    message: error?.message ?? message ?? EVENTS[event],
    event,
    ...(attempt === undefined ? {} : { attempt }),
    ...(retry_at === undefined ? {} : { retry_at: time(retry_at) }),
  };
}

/** The result object, around the text of its output. */
export function resultText(inference: Inference, output: string): string {
  const result: Omit<Result, "output"> = {
    request_id: inference.id,
    status: SHOWN[inference.status],
    error: shownError(inference),
    metrics: metricsOf(inference),
  };
  return withTexts(result, { output });
}

function shownError(inference: Inference): ShownFailure | null {
  if (!("error" in inference)) return null;
  const { class: failureClass, code, message } = inference.error;
  return { type: inference.status === "expired" ? "expired" : failureClass, code, message };
}

/** One request of a list. */
export function itemOf(inference: Inference): Item {
  const { id, model, capability, status, createdAt, startedAt } = inference;
  return {
    request_id: id,
    endpoint_id: endpointOf(inference),
    model_id: model,
    capability: capability === "" ? null : capability,
    status: SHOWN[status],
    created_at: time(createdAt),
    started_at: time(startedAt),
    completed_at: "finishedAt" in inference ? time(inference.finishedAt) : null,
    error: shownError(inference),
    metrics: metricsOf(inference),
  };
}

/** Of the wires that know no capabilities, the endpoint is the model. */
export function endpointOf({ model = "", capability = "" }: { model?: string | undefined; capability?: string | undefined }): string {
  return capability === "" ? model : `${model}/${capability}`;
}

/** Where `capabilities` is empty, anything may be asked of the model. */
export function shownModel({ name, description, capabilities, createdAt }: Model): ShownModel {
  return { model_id: name, description, capabilities: [...capabilities], created_at: time(createdAt) };
}

export const shortText = (payload: Payload, url: string) => objectText(renderInline(payload), payload, url);

export const outputUrl = ({ origin }: At, id: string) => `${origin}/v1/inferences/${id}/result`;

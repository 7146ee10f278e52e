/**
 * Our own API over inferences: `/v1/inferences`. The object that `present` makes is the same in every channel.
 */
import * as z from "zod";
import { itemsIn } from "../backends/tensors.ts";
import { type Inference, isFinal, isInferenceId } from "../inferences/inference.ts";
import { openPayload } from "../inferences/payloads.ts";
import { cancelInference, findInference } from "../inferences/store.ts";
import { submit } from "../inferences/submit.ts";
import {
  BACKEND_TIMEOUT_SECONDS,
  INITIAL_DELAY_MS,
  JSON_BODY_BYTES,
  MAX_ATTEMPTS,
  MAX_DELAY_MS,
  MAX_TIME_IN_QUEUE_SECONDS,
  PRIORITY,
  RETENTION_SECONDS,
} from "../numbers.ts";
import { problem } from "../problem.ts";
import { cachingOf, json, unlessKnown } from "./answer.ts";
import { check, readJson } from "./body.ts";
import type { KeyCall } from "./route.ts";

const within = ([least, most]: readonly [number, number]) => z.int().min(least).max(most).optional();

const submissionSchema = z.strictObject({
  model: z.string().min(1).max(128),
  version: z.string().min(1).max(128).optional(),
  input: z.json(),
  priority: within(PRIORITY.range),
  max_time_in_queue_seconds: within(MAX_TIME_IN_QUEUE_SECONDS.range),
  run_within_seconds: within(BACKEND_TIMEOUT_SECONDS.range),
  retry: z
    .strictObject({
      max_attempts: within(MAX_ATTEMPTS.range),
      initial_delay_ms: within(INITIAL_DELAY_MS.range),
      max_delay_ms: within(MAX_DELAY_MS.range),
    })
    .optional(),
  metadata: z
    .record(z.string().min(1).max(64), z.string().max(512))
    .refine((metadata) => Object.keys(metadata).length <= 16, "at most 16 entries")
    .optional(),
});

const POLL_AFTER_SECONDS = 1;

export async function submitInference(call: KeyCall): Promise<Response> {
  const { value } = await readJson(call.request, JSON_BODY_BYTES);
  const body = check(submissionSchema, value);
  const inference = await submit(
    call.ports,
    {
      ...call.caller,
      dialect: "claimcheck",
      model: body.model,
      version: body.version,
      input: JSON.stringify(body.input),
      inputItems: itemsIn(body.input),
      priority: body.priority,
      maxTimeInQueueSeconds: body.max_time_in_queue_seconds,
      runWithinSeconds: body.run_within_seconds,
      retry: {
        maxAttempts: body.retry?.max_attempts,
        initialDelayMs: body.retry?.initial_delay_ms,
        maxDelayMs: body.retry?.max_delay_ms,
      },
      metadata: body.metadata,
    },
    call.after,
  );
  const headers = { ...cachingOf(inference), Location: `${call.origin}/v1/inferences/${inference.id}` };
  return json(present(inference, call), { status: 202, headers });
}

export async function showInference(call: KeyCall): Promise<Response> {
  const inference = await find(call);
  return unlessKnown(call.request, json(present(inference, call), { headers: cachingOf(inference) }));
}

/** The output itself. Before the end 409; after a failure the failure, as a problem. */
export async function showResult(call: KeyCall): Promise<Response> {
  const inference = await find(call);
  switch (inference.status) {
    case "queued":
    case "in_progress":
      throw problem("not_finished", {
        detail: `The inference is ${inference.status}.`,
        headers: { "Retry-After": String(POLL_AFTER_SECONDS) },
        members: { inference_status: inference.status },
      });
    case "failed":
    case "expired":
    case "canceled":
      throw problem("inference_failed", {
        status: 409,
        detail: inference.status === "canceled" ? "The inference was canceled; it has no result." : inference.error.message,
        members: { inference_status: inference.status, error: inference.status === "canceled" ? null : errorOf(inference.error) },
      });
    case "succeeded":
      return result(call, inference);
    default:
      return inference satisfies never;
  }
}

/** The stored output of a succeeded inference, as the backend typed it. */
export async function result(call: KeyCall, inference: Extract<Inference, { status: "succeeded" }>): Promise<Response> {
  const { output } = inference;
  const body = await openPayload(call.ports.payloads, output);
  if (body === null) throw problem("payload_gone", { detail: "The result is no longer stored." });
  const headers: Record<string, string> = { ...cachingOf(inference), "Content-Type": output.contentType };
  if (output.at === "object") headers["Content-Length"] = String(output.bytes);
  return unlessKnown(call.request, new Response(body, { headers }));
}

export async function cancel(call: KeyCall): Promise<Response> {
  const id = idOf(call);
  const canceled = await cancelInference(call.ports.db, call.caller.accountId, id);
  if (canceled) return json(present(canceled, call), { headers: cachingOf(canceled) });
  const inference = await find(call);
  if (inference.status === "canceled") return json(present(inference, call), { headers: cachingOf(inference) });
  throw problem("already_final", {
    detail: `The inference has already ${inference.status}.`,
    members: { inference_status: inference.status },
  });
}

/** The inference that the path names, if it is the caller's; `inference_not_found` otherwise, whoever's it is. */
async function find(call: KeyCall): Promise<Inference> {
  const id = idOf(call);
  const inference = await findInference(call.ports.db, call.caller.accountId, id);
  if (!inference) throw notFound(id);
  return inference;
}

function idOf(call: KeyCall): string {
  const id = call.params["id"] ?? "";
  if (!isInferenceId(id)) throw notFound(id);
  return id.toLowerCase();
}

function notFound(id: string) {
  return problem("inference_not_found", { detail: `There is no inference "${id.slice(0, 64)}".` });
}

const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

/** The inference as our API shows it. */
export function present(inference: Inference, call: { origin: string; url?: URL }): Record<string, unknown> {
  const { id, status } = inference;
  const self = `${call.origin}/v1/inferences/${id}`;
  const finishedAt = "finishedAt" in inference ? inference.finishedAt : null;
  const logs = call.url?.searchParams.get("logs");
  return {
    id,
    model: inference.model,
    version: inference.version || null,
    status,
    is_final: isFinal(status),
    priority: inference.priority,
    created_at: time(inference.createdAt),
    updated_at: time(inference.updatedAt),
    started_at: time(inference.startedAt),
    finished_at: time(finishedAt),
    expires_at: time(finishedAt === null ? null : finishedAt + RETENTION_SECONDS * 1000),
    waiting_on: status !== "queued" ? null : inference.notBefore !== null ? "retry_backoff" : "position",
    poll_after: isFinal(status) ? null : POLL_AFTER_SECONDS,
    attempts: inference.attempt,
    max_attempts: inference.retry.maxAttempts,
    metrics: {
      queue_ms: inference.startedAt === null ? null : inference.startedAt - inference.createdAt,
      run_ms: inference.startedAt === null ? null : inference.runMs,
      total_ms: finishedAt === null ? null : finishedAt - inference.createdAt,
    },
    input_items: inference.inputItems,
    output_items: inference.status === "succeeded" ? inference.outputItems : null,
    output: inference.status === "succeeded" && inference.output.at === "row" ? (JSON.parse(inference.output.text) as unknown) : null,
    error: "error" in inference ? errorOf(inference.error) : null,
    metadata: inference.metadata,
    urls: { self, result: `${self}/result`, cancel: `${self}/cancel` },
    ...(logs === "1" || logs === "true"
      ? { logs: inference.log.map((line) => ({ ...line, at: time(line.at), ...(line.retry_at ? { retry_at: time(line.retry_at) } : {}) })) }
      : {}),
  };
}

function errorOf(error: Extract<Inference, { status: "failed" | "expired" }>["error"]): Record<string, unknown> {
  return { class: error.class, code: error.code, message: error.message };
}

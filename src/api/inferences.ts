/**
 * Our own API over inferences: `/v1/inferences`. The object that `present` makes is the same in every channel.
 */
import * as z from "zod";
import { JSON_TYPE, endingOf } from "../content/content.ts";
import { itemsIn } from "../tensors/plain.ts";
import type { Inference } from "../inferences/inference.ts";
import { isFinal } from "../inferences/status.ts";
import { storedObject } from "../payloads/payloads.ts";
import {
  cancel as cancelInference,
  cancelMany as cancelInferences,
  redrive as redriveInference,
  remove as removeInference,
} from "../inferences/change.ts";
import { submit } from "../inferences/submit.ts";
import {
  ADMIN_BODY_BYTES,
  BACKEND_TIMEOUT_SECONDS,
  CANCEL_AFTER_SECONDS,
  INITIAL_DELAY_MS,
  JSON_BODY_BYTES,
  MAX_ATTEMPTS,
  MAX_DELAY_MS,
  MAX_TIME_IN_QUEUE_SECONDS,
  POSITION_MAX,
  PRIORITY,
  PAYLOAD_RETENTION_SECONDS,
} from "../limits.ts";
import { writeJson } from "../encoding/json.ts";
import { problem } from "../problem.ts";
import { EVENTS } from "../inferences/webhook.ts";
import { cachingOf, json, unlessKnown } from "../http/answer.ts";
import { atHand, download } from "../http/download.ts";
import { check, readJson } from "../http/body.ts";
import { filterOf, filterShape, metadataSchema, narrows } from "../http/filter.ts";
import { renderInline, typeHeaders, valueOf } from "../http/output.ts";
import { idempotencyOf, replayHeaders } from "../http/idempotency.ts";
import { lookUp, lookUpWithWait, nameIn, notFoundAs } from "../http/lookup.ts";
import type { KeptPart } from "../backends/outcome.ts";
import type { KeyCall } from "../http/route.ts";
import { webhookOf } from "../http/webhook-url.ts";

const within = ([least, most]: readonly [number, number]) => z.int().min(least).max(most).optional();

const submissionSchema = z.strictObject({
  model: z.string().min(1).max(128),
  version: z.string().min(1).max(128).optional(),
  // JSON.parse has made it, so there is nothing to check but that it is there.
  input: z.unknown().refine((input) => input !== undefined, "is missing"),
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
  cancel_after_seconds: within(CANCEL_AFTER_SECONDS.range),
  retention_seconds: within(PAYLOAD_RETENTION_SECONDS.range),
  metadata: metadataSchema.optional(),
  webhook: z.strictObject({ url: z.string(), events: z.array(z.enum(EVENTS)).min(1).optional() }).optional(),
});

/** How soon to ask again: half the estimated wait, within these. */
const POLL_AFTER_SECONDS = 1;
const POLL_AFTER_MAX_SECONDS = 30;

export async function submitInference(call: KeyCall): Promise<Response> {
  const { text, value } = await readJson(call.request, JSON_BODY_BYTES);
  const body = check(submissionSchema, value);
  const submitted = await submit(
    call.ports,
    {
      ...call.caller,
      dialect: "claimcheck",
      model: body.model,
      version: body.version,
      input: { body: writeJson(body.input), contentType: JSON_TYPE },
      inputPath: ["input"],
      inputItems: itemsIn(body.input),
      priority: body.priority,
      maxTimeInQueueSeconds: body.max_time_in_queue_seconds,
      runWithinSeconds: body.run_within_seconds,
      retry: {
        maxAttempts: body.retry?.max_attempts,
        initialDelayMs: body.retry?.initial_delay_ms,
        maxDelayMs: body.retry?.max_delay_ms,
      },
      cancelAfterSeconds: body.cancel_after_seconds,
      retentionSeconds: body.retention_seconds,
      metadata: body.metadata,
      webhook: body.webhook && (await webhookOf(call, body.webhook.url, ["webhook", "url"], body.webhook.events)),
      idempotency: await idempotencyOf(call.request, call.url, text),
    },
    call.after,
  );
  const { inference } = submitted;
  const headers = { ...cachingOf(inference), ...replayHeaders(submitted), Location: `${call.origin}/v1/inferences/${inference.id}` };
  return json(present(inference, call), { status: 202, headers });
}

export async function showInference(call: KeyCall): Promise<Response> {
  const inference = await lookUpWithWait(call, notFound);
  return unlessKnown(call.request, json(present(inference, call), { headers: cachingOf(inference) }));
}

/** The output itself. Before the end 409; after a failure the failure, as a problem. */
export async function showResult(call: KeyCall): Promise<Response> {
  const inference = await lookUp(call, notFound);
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
  const { output, id } = inference;
  const { ETag: etag = "", "Cache-Control": cacheControl = "" } = cachingOf(inference);
  const { "Content-Type": contentType = "", ...headers } = typeHeaders(output.contentType);
  const whole = output.at === "row" ? await atHand(output.body) : storedObject(call.ports.payloads, output);
  if (whole === null) throw problem("payload_gone", { detail: "The result has expired." });
  return download(call.request, { ...whole, contentType, headers, etag, cacheControl, fileName: `${id}.${endingOf(contentType)}` });
}

/** What came beside the output: nothing before there is one. */
export function partsOf(inference: Inference): readonly KeptPart[] {
  return inference.status === "succeeded" ? inference.parts : [];
}

export function showNamedPart(call: KeyCall): Promise<Response> {
  const name = call.params["part"] ?? "";
  return showPart(call, (parts) => parts.find((part) => part.name === name));
}

/** One of the parts that came beside the output. */
export async function showPart(call: KeyCall, pick: (parts: readonly KeptPart[]) => KeptPart | undefined): Promise<Response> {
  const inference = await lookUp(call, notFound);
  if (inference.status !== "succeeded") return showResult(call); // which says what there is instead
  if (inference.dataRemoved) throw problem("payload_gone", { detail: "The result has expired." });
  const part = pick(partsOf(inference));
  const whole = part && storedObject(call.ports.payloads, { at: "object", ...part });
  if (!part || !whole) throw problem("not_found", { detail: "The result has no such part." });
  const { ETag: etag = "", "Cache-Control": cacheControl = "" } = cachingOf(inference);
  return download(call.request, { ...whole, contentType: part.contentType, etag, cacheControl, fileName: part.name });
}

export async function remove(call: KeyCall): Promise<Response> {
  const removed = await removeInference(call.ports, nameIn(call, notFound), call.after);
  switch (removed.kind) {
    case "removed":
      return new Response(null, { status: 204, headers: { "Cache-Control": "private, no-store" } });
    case "not_found":
      throw notFound(call.params["id"] ?? "");
    case "still_held":
    case "not_final": {
      const { status } = removed.inference;
      const held = "The runner is still finishing this inference; try again.";
      throw problem("not_finished", {
        detail: removed.kind === "still_held" ? held : `The inference is ${status}; cancel it first.`,
        headers: { "Retry-After": String(POLL_AFTER_SECONDS) },
        members: { inference_status: status },
      });
    }
    default:
      return removed satisfies never;
  }
}

export async function cancel(call: KeyCall): Promise<Response> {
  const canceled = await cancelInference(call.ports, nameIn(call, notFound), call.after);
  if (canceled.kind === "not_found") throw notFound(call.params["id"] ?? "");
  const { inference } = canceled;
  if (canceled.kind !== "not_cancelable") return json(present(inference, call), { headers: cachingOf(inference) });
  throw problem("already_final", {
    detail: `The inference has already ${inference.status}.`,
    members: { inference_status: inference.status },
  });
}

const cancelManySchema = z
  .strictObject({
    status: z.enum(["queued", "in_progress"]).optional(),
    ...filterShape,
    dry_run: z.boolean().optional(),
    after: z.string().optional(),
  })
  .refine(narrows, "must hold at least one filter");

/**
 * Cancels what a filter matches, a bounded number of rows a call: `next` of the answer is the `after` of the next call,
 * until it is null. With `dry_run` it only counts.
 */
export async function cancelMany(call: KeyCall): Promise<Response> {
  const body = check(cancelManySchema, (await readJson(call.request, ADMIN_BODY_BYTES)).value);
  const change = { filter: filterOf(body), status: body.status, everyAccount: false, dryRun: body.dry_run ?? false };
  const done = await cancelInferences(
    call.ports,
    { ...change, from: { accountId: call.caller.accountId, id: body.after ?? "" } },
    call.after,
  );
  return json({
    dry_run: body.dry_run ?? false,
    looked_at: done.seen,
    [body.dry_run ? "matched" : "canceled"]: done.matched,
    next: done.next?.id ?? null,
  });
}

export async function redrive(call: KeyCall): Promise<Response> {
  const redriven = await redriveInference(call.ports, nameIn(call, notFound), call.after);
  switch (redriven.kind) {
    case "redriven":
      return json(present(redriven.inference, call), { status: 202, headers: cachingOf(redriven.inference) });
    case "not_found":
      throw notFound(call.params["id"] ?? "");
    case "input_removed":
      throw problem("payload_gone", { detail: "The input has expired; submit it again." });
    case "attempts_spent": {
      const { attempt } = redriven.inference;
      throw problem("conflict", { detail: `The inference has had ${attempt} attempts; submit it again as a new one.` });
    }
    case "not_redrivable":
      throw problem("conflict", {
        detail: `Only a failed or expired inference can be redriven; this one is ${redriven.inference.status}.`,
        members: { inference_status: redriven.inference.status },
      });
    default:
      return redriven satisfies never;
  }
}

/** Says that the caller has no inference of that id. */
export const notFound = notFoundAs((id) => `There is no inference "${id}".`);

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
    capability: inference.capability || null,
    status,
    is_final: isFinal(status),
    priority: inference.priority,
    created_at: time(inference.createdAt),
    updated_at: time(inference.updatedAt),
    started_at: time(inference.startedAt),
    finished_at: time(finishedAt),
    expires_at: time("expiresAt" in inference ? inference.expiresAt : null),
    data_removed: "dataRemoved" in inference && inference.dataRemoved,
    ...waitingOf(inference),
    attempts: inference.attempt,
    max_attempts: inference.retry.maxAttempts,
    metrics: metricsOf(inference),
    input_items: inference.inputItems,
    output_items: inference.status === "succeeded" ? inference.outputItems : null,
    output: inference.status === "succeeded" ? valueOf(renderInline(inference.output)) : null,
    ...(inference.status === "succeeded" && inference.parts.length > 0
      ? { output_parts: inference.parts.map((part) => presentPart(part, self)) }
      : {}),
    error: "error" in inference ? errorOf(inference.error) : null,
    metadata: inference.metadata,
    webhook: inference.webhook && { url: inference.webhook.url, events: inference.webhook.events },
    webhook_status: inference.webhook?.status ?? "none",
    ...(inference.status === "canceled" ? { stopped: inference.stopped } : {}),
    urls: { self, result: `${self}/result`, cancel: `${self}/cancel` },
    ...(logs === "1" || logs === "true"
      ? { logs: inference.log.map((line) => ({ ...line, at: time(line.at), ...(line.retry_at ? { retry_at: time(line.retry_at) } : {}) })) }
      : {}),
  };
}

const presentPart = ({ name, contentType, bytes, sha256 }: KeptPart, self: string) => ({
  name,
  content_type: contentType,
  bytes,
  sha256,
  url: `${self}/result/${name}`,
});

/** What it took so far: ms until its first start, in attempts and in all, and tokens where they were counted. */
export function metricsOf(inference: Inference): Record<string, number | null> {
  const { startedAt, createdAt, runMs } = inference;
  return {
    queue_ms: startedAt === null ? null : startedAt - createdAt,
    run_ms: startedAt === null ? null : runMs,
    total_ms: "finishedAt" in inference ? inference.finishedAt - createdAt : null,
    ...(inference.status === "succeeded" && inference.usage
      ? { prompt_tokens: inference.usage.promptTokens, completion_tokens: inference.usage.completionTokens }
      : {}),
  };
}

/** Why it waits, for how long, and when asking again makes sense. */
function waitingOf(inference: Inference): Record<string, unknown> {
  const none = { waiting_on: null, queue_position: null, estimated_start_at: null };
  if (inference.status === "in_progress") return { ...none, poll_after: POLL_AFTER_SECONDS };
  if (inference.status !== "queued") return { ...none, poll_after: null };
  const { wait } = inference;
  const estimatedMs = wait?.estimatedMs ?? null;
  const seconds = Math.ceil((estimatedMs ?? 0) / 2_000);
  return {
    waiting_on: wait?.on ?? "position",
    queue_position:
      wait?.ahead === undefined || wait.ahead === null ? null : wait.ahead >= POSITION_MAX ? `${POSITION_MAX}+` : wait.ahead + 1,
    estimated_start_at: estimatedMs === null ? null : time(Date.now() + estimatedMs),
    poll_after: Math.min(POLL_AFTER_MAX_SECONDS, Math.max(POLL_AFTER_SECONDS, seconds)),
  };
}

function errorOf(error: Extract<Inference, { status: "failed" | "expired" }>["error"]): Record<string, unknown> {
  return { class: error.class, code: error.code, message: error.message };
}

/** The inference as our own API shows it: the same object in every answer, event and webhook. */
import * as z from "zod";
import { FAILURE_CLASSES, type KeptPart } from "../backends/outcome.ts";
import { notFoundAs } from "../http/lookup.ts";
import { renderInline, valueOf } from "../http/output.ts";
import { time, timeSchema } from "../http/time.ts";
import type { Inference, LogEntry, Progress } from "../inferences/inference.ts";
import { STATUSES, isFinal } from "../inferences/status.ts";
import { WAIT_REASONS, delayedBy } from "../inferences/wait.ts";
import { DELIVERY_STATUSES, EVENTS } from "../inferences/webhook.ts";
import { INLINE_BYTES, POLL_AFTER_SECONDS, POSITION_MAX } from "../limits.ts";

export const failureSchema = z.object({
  class: z.enum(FAILURE_CLASSES),
  code: z.string().describe("For programs, such as `backend_timeout`."),
  message: z.string().describe("For people."),
});
z.globalRegistry.add(failureSchema, { id: "Failure" });

export const metricsSchema = z.lazy(() =>
  z.object({
    queue_ms: z.number().nullable().describe("Until its first start."),
    run_ms: z.number().nullable().describe("Spent in attempts so far."),
    total_ms: z.number().nullable().describe("From submit to end."),
    prompt_tokens: z.number().optional(),
    completion_tokens: z.number().optional(),
  }),
);
z.globalRegistry.add(metricsSchema, { id: "Metrics" });

const partSchema = z.object({
  name: z.string(),
  content_type: z.string(),
  bytes: z.int(),
  sha256: z.string().nullable(),
  url: z.string(),
});

const waitingSchema = z.object({
  waiting_on: z
    .enum(WAIT_REASONS)
    .nullable()
    .describe(
      "While queued: others go first; it is next when a slot is free; no backend takes work; it waits to be tried again; its `not_before` has not come.",
    ),
  queue_position: z.union([z.int(), z.string()]).nullable().describe(`1 is next; \`"${POSITION_MAX}+"\` beyond ${POSITION_MAX}.`),
  estimated_start_at: timeSchema.nullable().describe("By measured run times; null if nothing was measured."),
  poll_after: z.int().nullable().describe("Ask again after so many seconds."),
});

const lineSchema = z.looseObject({ at: timeSchema, event: z.string() });

const progressSchema = z.lazy(() =>
  z.object({
    progress: z.number().nullable().describe("From 0 to 1."),
    message: z.string().nullable().describe("What it does, for people."),
    preview_url: z.string().nullable(),
    at: timeSchema,
  }),
);

export const inferenceSchema = z.lazy(() =>
  z.object({
    id: z.uuid(),
    model: z.string(),
    version: z.string().nullable().describe("Null if the model has no versions."),
    capability: z.string().nullable().describe("What was asked of the model, if its wire says so."),
    status: z.enum(STATUSES),
    is_final: z.boolean(),
    priority: z.int(),
    created_at: timeSchema,
    updated_at: timeSchema,
    started_at: timeSchema.nullable(),
    finished_at: timeSchema.nullable(),
    expires_at: timeSchema.nullable().describe("Input and output are kept until then at least."),
    data_removed: z.boolean().describe("Whether input and output were removed."),
    ...waitingSchema.shape,
    attempts: z.int().describe("Begun so far."),
    max_attempts: z.int().describe("Allowed since the submit or the last redrive."),
    progress: progressSchema.optional().describe("While it runs, if the model reports it."),
    metrics: metricsSchema,
    input_items: z.int().describe("Length of an array, first dimension of tensors, else 1."),
    output_items: z.int().nullable(),
    output: z.unknown().describe(`The output if it is JSON of up to ${INLINE_BYTES} bytes; else get \`urls.result\`.`),
    output_parts: z.array(partSchema).optional().describe("If the output has parts."),
    error: failureSchema.nullable(),
    metadata: z.record(z.string(), z.string()),
    webhook: z.object({ url: z.string(), events: z.array(z.enum(EVENTS)) }).nullable(),
    webhook_status: z.enum(["none", ...DELIVERY_STATUSES]).exclude(["held"]),
    stopped: z
      .enum(["confirmed", "best_effort"])
      .optional()
      .describe("If canceled: it does not run (it never did, or its server says that it has stopped), or its connection was closed."),
    urls: z.object({
      self: z.string(),
      result: z.string(),
      stream: z.string().optional().describe("If it was submitted as a stream: its output, while it comes and after."),
      cancel: z.string().describe("Where to POST to cancel it."),
      web: z.string().describe("Its page in the console, for people."),
    }),
    logs: z.array(lineSchema).optional().describe("With `?logs=1`: what happened to it."),
  }),
);
z.globalRegistry.add(inferenceSchema, { id: "Inference" });

/** Says that the caller has no inference of that id. */
export const notFound = notFoundAs((id) => `There is no inference "${id}".`);

/** To whom an inference is shown: where clients reach us, and, of the operator's own calls, whether they show outputs. */
interface Shown {
  readonly origin: string;
  readonly asOperator?: { readonly seesPayloads: boolean };
}

/** `logs`: with what happened to it. */
export function present(inference: Inference, { origin, asOperator }: Shown, logs = false): z.infer<typeof inferenceSchema> {
  const { id, status } = inference;
  const path = asOperator ? `${inference.accountId}/${id}` : id;
  const self = `${origin}${asOperator ? "/admin" : ""}/v1/inferences/${path}`;
  const finishedAt = "finishedAt" in inference ? inference.finishedAt : null;
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
    ...(inference.status === "in_progress" && inference.progress ? { progress: progressOf(inference.progress) } : {}),
    metrics: metricsOf(inference),
    input_items: inference.inputItems,
    output_items: inference.status === "succeeded" ? inference.outputItems : null,
    output: inference.status === "succeeded" && asOperator?.seesPayloads !== false ? valueOf(renderInline(inference.output)) : null,
    ...(inference.status === "succeeded" && inference.parts.length > 0
      ? { output_parts: inference.parts.map((part) => presentPart(part, self)) }
      : {}),
    error: "error" in inference ? errorOf(inference.error) : null,
    metadata: { ...inference.metadata },
    webhook: inference.webhook && { url: inference.webhook.url, events: [...inference.webhook.events] },
    webhook_status: inference.webhook?.status ?? "none",
    ...(inference.status === "canceled" ? { stopped: inference.stopped } : {}),
    urls: {
      self,
      result: `${self}/result`,
      ...(inference.resumable && !asOperator ? { stream: `${self}/stream` } : {}),
      cancel: `${self}/cancel`,
      web: `${origin}/console/inferences/${path}`,
    },
    ...(logs ? { logs: inference.log.map(presentLine) } : {}),
  };
}

export function presentLine(line: LogEntry): z.infer<typeof lineSchema> {
  return { ...line, at: time(line.at), ...(line.retry_at ? { retry_at: time(line.retry_at) } : {}) };
}

export function progressOf({ progress, message, previewUrl, at }: Progress): z.infer<typeof progressSchema> {
  return { progress, message, preview_url: previewUrl, at: time(at) };
}

const presentPart = ({ name, contentType, bytes, sha256 }: KeptPart, self: string): z.infer<typeof partSchema> => ({
  name,
  content_type: contentType,
  bytes,
  sha256,
  url: `${self}/result/${name}`,
});

/** What it took so far: ms until its first start, in attempts and in all, and tokens where they were counted. */
export function metricsOf(inference: Inference): z.infer<typeof metricsSchema> {
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

/** Why it waits, for how long, and when asking again makes sense: after half the estimated wait, within bounds. */
function waitingOf(inference: Inference): z.infer<typeof waitingSchema> {
  const none = { waiting_on: null, queue_position: null, estimated_start_at: null };
  if (inference.status === "in_progress") return { ...none, poll_after: POLL_AFTER_SECONDS.range[0] };
  if (inference.status !== "queued") return { ...none, poll_after: null };
  const { wait } = inference;
  // Of one that is scheduled, its own time says enough where its lane was not looked at, or nothing is measured there.
  const scheduledMs = inference.notBefore !== null && inference.attempt === 0 ? Math.max(0, inference.notBefore - Date.now()) : null;
  const estimatedMs = wait?.estimatedMs ?? scheduledMs;
  const seconds = Math.ceil((estimatedMs ?? 0) / 2_000);
  return {
    waiting_on: wait?.on ?? (inference.notBefore === null ? "position" : delayedBy(inference.attempt)),
    queue_position:
      wait?.ahead === undefined || wait.ahead === null ? null : wait.ahead >= POSITION_MAX ? `${POSITION_MAX}+` : wait.ahead + 1,
    estimated_start_at: estimatedMs === null ? null : time(Date.now() + estimatedMs),
    poll_after: Math.min(POLL_AFTER_SECONDS.range[1], Math.max(POLL_AFTER_SECONDS.range[0], seconds)),
  };
}

export function errorOf(error: Extract<Inference, { status: "failed" | "expired" }>["error"]): z.infer<typeof failureSchema> {
  return { class: error.class, code: error.code, message: error.message };
}

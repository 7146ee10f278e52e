/** What Baseten's wire takes and answers. The members are the published ones; where Baseten publishes no form, `baseten.ts` says what was decided. */
import * as z from "zod";
import { NOT_MODIFIED } from "../../http/answer.ts";
import type { RouteShape } from "../../http/route.ts";
import { INITIAL_DELAY_MS, JSON_BODY_BYTES, MAX_ATTEMPTS, MAX_DELAY_MS, MAX_TIME_IN_QUEUE_SECONDS, PRIORITY } from "../../limits.ts";

/** The body of an asynchronous request, as published. */
export const ASYNC_BODY_BYTES = 262_144;

const errorCode = z.enum([
  "timeout",
  "client_error",
  "model_unavailable",
  "model_not_ready",
  "model_does_not_exist",
  "rate_limited",
  "payload_too_large",
  "unauthorized",
  "application_error",
  "internal_baseten_error",
]);
export type ErrorCode = z.infer<typeof errorCode>;

export const errorSchema = z.object({
  error: z.string().describe("What happened and what is wanted, for people."),
  error_code: errorCode.describe("What kind of error it is, for programs."),
  detail: z.string().optional().describe("Where the body is at fault, as JSON Pointers, or what the model's failure was."),
});
export type ShownError = z.infer<typeof errorSchema>;

const failureCode = z.enum([
  "MODEL_INVALID_INPUT",
  "MODEL_PREDICT_ERROR",
  "MODEL_PREDICT_TIMEOUT",
  "MODEL_UNAVAILABLE",
  "INTERNAL_SERVER_ERROR",
]);
export type FailureCode = z.infer<typeof failureCode>;

const attemptErrors = z
  .array(
    z.object({
      code: failureCode.describe("What happened, for programs."),
      message: z.string().describe("What happened, for people."),
    }),
  )
  .describe("The failure of each attempt; empty once one has succeeded.");

const requestId = z.string().describe("The request's id.");
const modelId = z.string().describe("The model's name.");
const named = {
  model_id: modelId.optional().describe("The model's name; of a chain it is `chain_id`."),
  chain_id: modelId.optional().describe("The chain's name, instead of `model_id`."),
  deployment_id: z.string().describe("The model's version, or its name if it has none."),
};

const webhookStatus = z
  .enum(["PENDING", "SUCCEEDED", "FAILED", "CANCELED", "NO_WEBHOOK_PROVIDED"])
  .describe("How far the delivery to the request's webhook is.");
export type WebhookStatus = z.infer<typeof webhookStatus>;

const requestStatus = z
  .enum(["QUEUED", "IN_PROGRESS", "SUCCEEDED", "FAILED", "EXPIRED", "CANCELED", "WEBHOOK_FAILED"])
  .describe("Where the request stands; `WEBHOOK_FAILED` if it succeeded and its webhook could not be delivered.");
export type RequestStatus = z.infer<typeof requestStatus>;

const requestSchema = z.object({
  request_id: requestId,
  ...named,
  status: requestStatus,
  webhook_status: webhookStatus,
  created_at: z.string().describe("When it was submitted, in UTC."),
  status_at: z.string().describe("When it ended, or else when its status last changed, in UTC."),
  errors: attemptErrors,
});
export type ShownRequest = z.infer<typeof requestSchema>;

/** The members of the event that a request's webhook is sent, `data` aside. */
export const eventSchema = z.object({
  request_id: requestId,
  ...named,
  type: z.literal("async_request_completed").describe("The same for every end, failures too."),
  time: z.string().describe("When it was sent, in UTC."),
  errors: attemptErrors,
});

const canceledSchema = z.object({
  request_id: requestId,
  canceled: z.boolean().describe("Whether it is canceled now."),
  message: z.string().describe("Why, for people."),
});
export type Canceled = z.infer<typeof canceledSchema>;

const queueSchema = z.object({
  model_id: modelId,
  deployment_id: named.deployment_id,
  num_queued_requests: z.int().describe("Requests that wait."),
  num_in_progress_requests: z.int().describe("Requests that run."),
});
export type Queue = z.infer<typeof queueSchema>;

const within = ([least, most]: readonly [number, number]) => z.int().min(least).max(most).optional();

const asyncSchema = z.lazy(() =>
  z.object({
    // The parser has made it, so there is nothing to check but that it is there.
    model_input: z
      .unknown()
      .refine((input) => input !== undefined, "is missing")
      .describe("What the model takes: any JSON."),
    webhook_endpoint: z.string().nullish().describe("A URL that is called when the request has ended."),
    priority: within(PRIORITY.range).describe("A lower number runs sooner; 0 by default."),
    max_time_in_queue_seconds: within(MAX_TIME_IN_QUEUE_SECONDS.range).describe("A request that waits for longer expires; 600 by default."),
    inference_retry_config: z
      .object({
        max_attempts: within(MAX_ATTEMPTS.range).describe("How often it is tried at most; 3 by default."),
        initial_delay_ms: within(INITIAL_DELAY_MS.range).describe("The wait before the second attempt; it doubles with each further one."),
        max_delay_ms: within(MAX_DELAY_MS.range).describe("The longest wait between two attempts."),
      })
      .optional()
      .describe("How it is tried again."),
  }),
);

const asyncBody = { json: asyncSchema, limitBytes: ASYNC_BODY_BYTES };
const accepted = { 201: { description: "Accepted.", json: z.object({ request_id: requestId }) } };
const output = { 200: { description: "The output, as the model's server typed it.", other: { "*/*": "The output." } } };
const input = { json: z.unknown().describe("What the model takes: any JSON."), limitBytes: JSON_BODY_BYTES };

export const ASYNC_PREDICT = {
  summary: "Submit a request to a model.",
  body: asyncBody,
  answers: accepted,
} as const satisfies RouteShape;

/** Takes the chain's own input too, which is told apart by `model_input`. */
export const ASYNC_RUN_REMOTE = {
  summary: "Submit a request to a chain.",
  body: {
    ...asyncBody,
    prepare: (value: unknown) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, "model_input") ? value : { model_input: value },
  },
  answers: accepted,
} as const satisfies RouteShape;

export const PREDICT = {
  summary: "Call a model and wait for its output.",
  body: input,
  answers: output,
} as const satisfies RouteShape;

export const RUN_REMOTE = {
  summary: "Call a chain and wait for its output.",
  body: input,
  answers: output,
} as const satisfies RouteShape;

export const SYNC = {
  summary: "Call a path of a model's server and wait for its answer.",
  params: z.object({ rest: z.string().describe("The path, such as `v1/embeddings` or `rerank`.") }),
  body: input,
  answers: {
    200: {
      description: "The answer, as the model's server typed it.",
      other: { "*/*": "The answer.", "text/event-stream": "With `stream`: a completion's chunks, then `[DONE]`." },
    },
  },
} as const satisfies RouteShape;

export const WAKE = {
  summary: "Have a model's queue looked at now.",
  answers: { 202: { description: "It is being looked at.", json: z.lazy(() => z.object({})) } },
} as const satisfies RouteShape;

export const GET_QUEUE = {
  summary: "Count the requests that wait for a model and that run.",
  answers: { 200: { description: "The counts.", json: queueSchema } },
} as const satisfies RouteShape;

export const GET_REQUEST = {
  summary: "Get the status of a request.",
  beside: true,
  answers: { 200: { description: "The request, without its output.", json: requestSchema }, 304: NOT_MODIFIED },
} as const satisfies RouteShape;

export const CANCEL_REQUEST = {
  summary: "Cancel a request that waits.",
  answers: { 200: { description: "Whether it is canceled now.", json: canceledSchema } },
} as const satisfies RouteShape;

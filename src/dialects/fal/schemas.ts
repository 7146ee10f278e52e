/** What fal's wire takes and answers. The members are the published ones; where fal publishes no form, `fal.ts` says what was decided. */
import * as z from "zod";
import { downloadAnswers } from "../../http/download.ts";
import { NOT_MODIFIED } from "../../http/answer.ts";
import type { RouteShape } from "../../http/route.ts";
import { EVENTS_TYPE } from "../../http/sse.ts";
import { switchSchema } from "../../http/switch.ts";
import { JSON_BODY_BYTES } from "../../limits.ts";
import { querySchema } from "./request.ts";

const errorTypes = [
  "request_timeout",
  "runner_scheduling_failure",
  "runner_disconnected",
  "runner_connection_error",
  "runner_incomplete_response",
  "runner_server_error",
  "internal_error",
  "client_cancelled",
  "bad_request",
  "concurrent_requests_limit",
] as const;
export type ErrorType = (typeof errorTypes)[number];
const errorType = z.enum(errorTypes);

const detail = z.array(
  z.object({
    loc: z.array(z.union([z.string(), z.int()])).describe("Where it is: `body`, `query` or `header`, and the way from there."),
    msg: z.string().describe("What is wrong with it."),
    type: z.literal("value_error"),
  }),
);
export type Detail = z.infer<typeof detail>;

export const errorSchema = z.object({
  detail: z.union([z.string(), detail]).describe("What is wrong, or what is wrong with each part of the request."),
  message: z.string().describe("The same in one text: what the client for JavaScript shows."),
  error_type: errorType.optional().describe("What kind of error it is, for programs; also in the header `X-Fal-Error-Type`."),
  status: z.enum(["NOT_FOUND", "ALREADY_COMPLETED"]).optional().describe("Of a request that is not there, or that can't be canceled."),
});
export type ShownError = z.infer<typeof errorSchema>;

const requestId = z.string().describe("The request's id.");

const urls = {
  request_id: requestId,
  response_url: z.string().describe("Where its output is."),
  status_url: z.string().describe("Where its status is."),
  cancel_url: z.string().describe("Where it is canceled."),
};

const queuePosition = z.int().describe("How many requests go before it.");

const logSchema = z.object({
  message: z.string(),
  timestamp: z.string().describe("When it was, in UTC."),
  level: z.enum(["INFO", "ERROR"]).describe("`ERROR` of an attempt that failed."),
  source: z.literal("USER").describe("Whose it is: the model's."),
});
export type LogLine = z.infer<typeof logSchema>;

const statusSchema = z.lazy(() =>
  z.object({
    status: z
      .enum(["IN_QUEUE", "IN_PROGRESS", "COMPLETED"])
      .describe("`COMPLETED` however it ended; if it has no output, `error` says why."),
    ...urls,
    queue_position: queuePosition.optional(),
    logs: z.array(logSchema).nullable().describe("What the model said and which attempts failed, if asked for."),
    metrics: z.object({ inference_time: z.number().nullable().describe("Seconds in attempts.") }).optional(),
    error: z.string().optional().describe("Why it has no output."),
    error_type: errorType.optional().describe("What kind of failure that is."),
  }),
);
export type ShownStatus = z.infer<typeof statusSchema>;

const acceptedSchema = z.lazy(() =>
  z.object({
    status: z.enum(["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]),
    ...urls,
    queue_position: queuePosition,
    gateway_request_id: requestId.optional(),
  }),
);
export type Accepted = z.infer<typeof acceptedSchema>;

/** What a request's webhook is sent, `payload` aside. */
export const eventSchema = z.object({
  request_id: requestId,
  gateway_request_id: requestId,
  status: z.enum(["OK", "ERROR"]),
  error: z.string().optional(),
  payload_error: z.string().optional().describe("Why there is no payload."),
});

const appParam = z
  .string()
  .describe("The endpoint's id: a model's name, such as `owner/app`, with or without a capability of the model behind it.");
const ofEndpoint = z.object({ app: appParam });
const ofRequest = z.object({ app: z.string().describe("The endpoint's id; it counts for nothing."), id: requestId });

const input = { json: z.unknown().describe("What the model takes: any JSON."), limitBytes: JSON_BODY_BYTES, mayBeMissing: true } as const;
const accepted = { 200: { description: "Accepted.", json: acceptedSchema } };

export const SUBMIT = {
  summary: "Submit a request to a model.",
  params: ofEndpoint,
  query: querySchema,
  body: input,
  answers: accepted,
} as const satisfies RouteShape;

export const SUBMIT_BY_QUERY = {
  summary: "Submit a request whose input is its query.",
  params: ofEndpoint,
  query: querySchema,
  answers: accepted,
} as const satisfies RouteShape;

const logsQuery = z.object({ logs: switchSchema.default(false).describe("Whether logs are wanted.") });

export const GET_STATUS = {
  summary: "Get the status of a request.",
  beside: true,
  params: ofRequest,
  query: logsQuery,
  answers: {
    200: { description: "It has ended: its status.", json: statusSchema },
    202: { description: "It waits or runs: its status.", json: statusSchema },
    304: NOT_MODIFIED,
  },
} as const satisfies RouteShape;

export const STREAM_STATUS = {
  summary: "Watch a request: its status, each time that it changes, until its end.",
  params: ofRequest,
  query: logsQuery,
  answers: { 200: { description: "Events, each with a status.", other: { [EVENTS_TYPE]: "Statuses, until the end." } } },
} as const satisfies RouteShape;

const OUTPUT = "The output as the model's server gave it, if it is JSON; else where its file is.";

export const GET_RESULT = {
  summary: "Get the output of a request.",
  params: ofRequest,
  answers: downloadAnswers(OUTPUT),
} as const satisfies RouteShape;

export const CANCEL = {
  summary: "Cancel a request.",
  params: ofRequest,
  answers: {
    202: {
      description: "It is canceled, or asked to stop.",
      json: z.lazy(() => z.object({ status: z.literal("CANCELLATION_REQUESTED") })),
    },
  },
} as const satisfies RouteShape;

const output = { 200: { description: OUTPUT, other: { "*/*": "The output." } } };

export const RUN = {
  summary: "Call a model and wait for its output.",
  params: ofEndpoint,
  query: querySchema,
  body: input,
  answers: output,
} as const satisfies RouteShape;

export const RUN_BY_QUERY = {
  summary: "Call a model with its input in the query, and wait for its output.",
  params: ofEndpoint,
  query: querySchema,
  answers: output,
} as const satisfies RouteShape;

export const STREAM = {
  summary: "Call a model and read its output while it comes.",
  params: ofEndpoint,
  query: querySchema,
  body: input,
  answers: { 200: { description: "Events.", other: { [EVENTS_TYPE]: "What the model streams; of any other, its output as one event." } } },
} as const satisfies RouteShape;

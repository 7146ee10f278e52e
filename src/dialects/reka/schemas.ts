/** What Reka's wire takes and answers. The members are the published ones; where Reka publishes no form, `reka.ts` says what was decided. */
import * as z from "zod";
import { metricsSchema } from "../../api/present.ts";
import { NOT_MODIFIED } from "../../http/answer.ts";
import { downloadAnswers } from "../../http/download.ts";
import type { RouteShape } from "../../http/route.ts";
import { JSON_BODY_BYTES, OFFSET_MAX, PAGE, WEBHOOK_URL_CHARACTERS } from "../../limits.ts";
import { isObject } from "../../tensors/tensor.ts";

export const errorSchema = z.lazy(() =>
  z.object({
    error: z.object({
      type: z
        .enum(["validation_error", "authentication_error", "not_found_error", "rate_limit_error", "server_error"])
        .describe("What kind of error it is."),
      code: z.literal("rate_limit_exceeded").optional().describe("With a 429 only."),
      message: z.string().describe("What happened and what is wanted, for people."),
      param: z.string().optional().describe("The first member at fault, such as `input`."),
      details: z
        .array(
          z.object({
            param: z.string().optional().describe("The member at fault; left out if it is the whole body."),
            message: z.string().describe("What is wanted there."),
          }),
        )
        .optional()
        .describe("Every fault of the body or the query."),
    }),
  }),
);

const statusName = z.enum(["IN_QUEUE", "IN_PROGRESS", "COMPLETED", "FAILED", "CANCELED"]).describe("Where the request stands.");
export type StatusName = z.infer<typeof statusName>;

const requestId = z.uuid().describe("The request's id.");
const metrics = metricsSchema.describe(
  "`queue_ms`, `run_ms` and `total_ms`, each null until it is known; of a text model `prompt_tokens` and `completion_tokens` too.",
);
const timestamp = z.iso.datetime();

/** An input or an output, inside an object where it is none by itself. */
const payload = z.record(z.string(), z.unknown()).nullable();

const failureSchema = z.object({
  type: z.string().describe("The class of the failure, such as `model`; `expired` if it waited too long."),
  code: z.string().describe("What happened, for programs."),
  message: z.string().describe("What happened, for people."),
});
export type ShownFailure = z.infer<typeof failureSchema>;

const error = failureSchema.nullable().describe("Why it failed; null if it has not.");

const logLine = z.lazy(() =>
  z.object({
    timestamp: timestamp.describe("When it happened."),
    level: z.enum(["INFO", "ERROR"]).describe("`ERROR` for what went wrong."),
    message: z.string().describe("What happened, for people."),
    event: z.string().describe("What happened, for programs."),
    attempt: z.int().optional().describe("The attempt that it happened in, from 1."),
    retry_at: timestamp.optional().describe("When the next attempt may begin."),
  }),
);
export type LogLine = z.infer<typeof logLine>;

const acceptedSchema = z.object({
  request_id: requestId,
  status: statusName,
  status_url: z.url().describe("Where its status is."),
  response_url: z.url().describe("Where its result is."),
  cancel_url: z.url().describe("Where a POST cancels it."),
});
export type Accepted = z.infer<typeof acceptedSchema>;

const statusSchema = z.object({
  request_id: requestId,
  status: statusName,
  queue_position: z.int().nullable().describe("1 for the next; null if it waits for no other request."),
  logs: z.array(logLine).nullable().describe("What happened to it so far; null without `with_logs`."),
  metrics,
});
export type ShownStatus = z.infer<typeof statusSchema>;

const resultSchema = z.object({
  request_id: requestId,
  status: statusName,
  error,
  metrics,
  output: payload.describe("The output; null until it is `COMPLETED`."),
});
export type Result = z.infer<typeof resultSchema>;

const itemSchema = z.lazy(() =>
  z.object({
    request_id: requestId,
    endpoint_id: z.string().describe("`{model_id}/{capability}`, or the model alone if it was asked without a capability."),
    model_id: z.string().describe("The model's name."),
    capability: z.string().nullable().describe("The capability; null if it was asked without one."),
    status: statusName,
    created_at: timestamp.describe("When it was submitted."),
    started_at: timestamp.nullable().describe("When its first attempt began."),
    completed_at: timestamp.nullable().describe("When it ended, in whatever status."),
    error,
    metrics,
    input: payload.optional().describe("With `expand=payloads`: its input."),
    output: payload.optional().describe("With `expand=payloads`: its output."),
  }),
);
export type Item = z.infer<typeof itemSchema>;

const modelSchema = z.lazy(() =>
  z.object({
    model_id: z.string().describe("The model's name."),
    description: z.string().describe("What it does."),
    capabilities: z.array(z.string()).describe("What may be asked of it; anything if the list is empty."),
    created_at: timestamp.describe("When it was registered."),
  }),
);
export type ShownModel = z.infer<typeof modelSchema>;

const restShape = {
  next_offset: z.int().nullable().describe("The `offset` of the next page; null on the last."),
  has_more: z.boolean().describe("Whether there is a next page."),
};
export type Rest = z.infer<z.ZodObject<typeof restShape>>;

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

const pageShape = (limit: number) => ({
  limit: integer(PAGE.range).default(limit).describe("Items of a page."),
  offset: integer(OFFSETS).default(0).describe("Items to leave out, from the newest."),
});

const requestsQuery = z.lazy(() =>
  z.object({
    endpoint_id: z.string().optional().describe("Only of this `{model_id}/{capability}`."),
    capability: z.string().optional().describe("Only of this capability."),
    model_id: z.string().optional().describe("Only of this model."),
    status: statusName.optional().describe("Only in this status."),
    start: instant.optional().describe("Only submitted at this time or later."),
    end: instant.optional().describe("Only submitted before this time."),
    expand: z
      .string()
      .default("")
      .transform((list) => list.split(",").filter((part) => part !== ""))
      .refine((parts) => parts.every((part) => part === "payloads"), 'may only be "payloads"')
      .describe("`payloads` adds each item's input and output; may be repeated."),
    ...pageShape(PAGE.default),
  }),
);
export type RequestsQuery = z.infer<typeof requestsQuery>;

const params = z.object({ id: z.string().describe("The request's id.") });

export const LIST_MODELS = {
  summary: "List the models.",
  query: z.object(pageShape(PAGE.range[1])),
  answers: {
    200: { description: "A page of models, by name.", json: z.lazy(() => z.object({ items: z.array(modelSchema), ...restShape })) },
  },
} as const satisfies RouteShape;

export const LIST_REQUESTS = {
  summary: "List requests, newest first.",
  query: requestsQuery,
  repeatable: ["expand"],
  answers: { 200: { description: "A page of requests.", json: z.lazy(() => z.object({ items: z.array(itemSchema), ...restShape })) } },
} as const satisfies RouteShape;

export const GET_RESULT = {
  summary: "Get the result of a request.",
  params,
  answers: { ...downloadAnswers("The result object."), 200: { description: "The result object, at any time.", json: resultSchema } },
} as const satisfies RouteShape;

export const GET_STATUS = {
  summary: "Get the status of a request.",
  beside: true,
  params,
  query: z.object({
    with_logs: z.stringbool({ error: "must be true or false" }).default(false).describe("Whether the answer has the request's log."),
  }),
  answers: { 200: { description: "The status object.", json: statusSchema }, 304: NOT_MODIFIED },
} as const satisfies RouteShape;

export const GET_INPUT = {
  summary: "Get the input of a request.",
  params,
  answers: downloadAnswers("The input, as it was sent."),
} as const satisfies RouteShape;

export const CANCEL = {
  summary: "Cancel a request.",
  params,
  answers: { 200: { description: "The result object: it is canceled.", json: resultSchema } },
} as const satisfies RouteShape;

export const SUBMIT = {
  summary: "Submit a request to a model's capability.",
  params: z.object({
    model: z.string().describe("The model's name."),
    capability: z.string().describe("What is asked of the model, such as `text-to-image`."),
  }),
  body: {
    json: z.object({
      input: z
        .custom<Readonly<Record<string, unknown>>>(isObject, {
          error: ({ input }) => (input === undefined ? "is missing" : "must be an object"),
        })
        .describe("What the model takes: an object."),
      webhook_url: z
        .string()
        .min(1)
        .max(WEBHOOK_URL_CHARACTERS)
        .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ""), "must be an http or https URL")
        .nullish()
        .describe("A URL that is sent the result object when the request has ended."),
    }),
    limitBytes: JSON_BODY_BYTES,
  },
  answers: { 202: { description: "Accepted.", json: acceptedSchema } },
} as const satisfies RouteShape;

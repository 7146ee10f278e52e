/**
 * The Vody Inference API: submit a bare array, ask for its status, fetch its results. Every member of a status is a
 * text, numbers included, exactly as published. Vody knows no queue and no cancel: what waits is `in_progress`, a
 * canceled or expired inference is `failed` with the response code that says so.
 * Decided here, where Vody publishes nothing: submit answers 202 with the status object; results before the end answer
 * the same; results after a failure are the error under its response code.
 */
import * as z from "zod";
import { JSON_TYPE } from "../content/content.ts";
import { writeJson } from "../encoding/json.ts";
import { json, replayHeaders } from "../http/answer.ts";
import { NOT_MODIFIED, cachingOf, unlessKnown } from "../http/answer.ts";
import { downloadAnswers } from "../http/download.ts";
import { idempotencyOf, submitterOf } from "../http/vetted.ts";
import { lookUp, notFoundAs } from "../http/lookup.ts";
import { serveResult } from "../api/results.ts";
import { type Dialect, type Input, type KeyCall, type RouteShape, route } from "../http/route.ts";
import { waitedFor } from "../http/prefer.ts";
import type { Inference } from "../inferences/inference.ts";
import { isFinal } from "../inferences/status.ts";
import { submit } from "../inferences/submit.ts";
import { BATCH_ITEMS, JSON_BODY_BYTES } from "../limits.ts";
import { type Problem, faultsText } from "../problem.ts";

const itemSchema = z.lazy(() =>
  z
    .looseObject({
      image_path: z.string().min(1).describe("Where the model finds the picture: a URL, or a path that its server knows."),
      product_type: z.string().describe("What the picture shows, such as `Shoes`."),
      category: z.string().optional().describe("The product's category."),
      hex_color_label: z
        .string()
        .regex(/^#[0-9a-fA-F]{6}$/, 'must be a color such as "#AA3300"')
        .optional()
        .describe("The color as a person labeled it, such as `#AA3300`."),
    })
    .describe("One picture; further members reach the model as they are."),
);

const batchSchema = z
  .array(itemSchema)
  .min(1, "must contain at least one item")
  .max(BATCH_ITEMS, `must contain at most ${BATCH_ITEMS} items`)
  .describe("The pictures of one inference event.");

/** The status object as published: every member is a text. */
const statusSchema = z.lazy(() =>
  z.object({
    id: z.uuid().describe("The inference's id."),
    created_at: z.string().describe("When it was submitted: ISO 8601 with microseconds and an offset."),
    updated_at: z.string().describe("When it ended, or else when its status last changed."),
    status: z.enum(["in_progress", "completed", "failed"]).describe("`in_progress` until it has ended."),
    model: z.string().describe("The model's name."),
    response_code: z.string().describe("202 until it has ended, then 200 or the code of its error."),
    request_item_count: z.string().describe("How many items were submitted."),
    response_item_count: z.string().describe("How many items the result has."),
    response_time: z.string().describe("Seconds from submit to `updated_at`."),
  }),
);

const errorSchema = z.object({
  error: z.string().describe("The reason phrase of the status code."),
  message: z.string().describe("What went wrong."),
  code: z.int().describe("The status code."),
});

const idParam = z.object({ id: z.string().describe("The inference's id.") });
const notFinished = { description: "It has not ended yet: the status object.", json: statusSchema };

const SUBMIT = {
  summary: "Submit a batch of items to a model.",
  params: z.object({ model: z.string().describe("The model's name.") }),
  body: { json: batchSchema, limitBytes: JSON_BODY_BYTES },
  answers: { 202: { description: "Accepted: the status object.", json: statusSchema } },
} as const satisfies RouteShape;

export const vody: Dialect = {
  name: "vody",
  title: "Vody Inference API",
  owns: (path) => path === "/inference" || path.startsWith("/inference/"),
  error: errorSchema,
  routes: [
    route("submit", "POST", "/inference/:model", SUBMIT, submitBatch),
    route(
      "read",
      "GET",
      "/inference/:id/status",
      {
        summary: "Get the status of an inference.",
        beside: true,
        params: idParam,
        answers: { 200: { description: "The status object.", json: statusSchema }, 304: NOT_MODIFIED },
      },
      getStatus,
    ),
    route(
      "read",
      "GET",
      "/inference/:id/results",
      {
        summary: "Get the results of an inference.",
        params: idParam,
        answers: {
          ...downloadAnswers("The output, as the model's server typed it."),
          202: notFinished,
        },
      },
      getResults,
    ),
  ],
  refuse(fault: Problem) {
    const message = fault.faults.length > 0 ? faultsText(fault.faults) : fault.detail;
    return refusal(fault.status, message, { "Cache-Control": "private, no-store", ...fault.headers });
  },
};

async function submitBatch(call: KeyCall, { body, text }: Input<typeof SUBMIT>): Promise<Response> {
  const submitted = await submit(
    call.ports,
    {
      ...submitterOf(call),
      dialect: "vody",
      model: call.params["model"] ?? "",
      input: { body: writeJson(body), contentType: JSON_TYPE },
      given: { value: body },
      inputItems: body.length,
      idempotency: await idempotencyOf(call, text),
    },
    call.after,
  );
  const { inference } = submitted;
  const headers = { ...cachingOf(inference), ...replayHeaders(submitted), Location: `${call.origin}/inference/${inference.id}/status` };
  return json(statusOf(inference), { status: 202, headers });
}

async function getStatus(call: KeyCall): Promise<Response> {
  const { inference, headers } = await waitedFor(call, () => lookUp(call, notFound), notFound);
  return unlessKnown(call.request, json(statusOf(inference), { headers: { ...cachingOf(inference), ...headers } }));
}

async function getResults(call: KeyCall): Promise<Response> {
  const inference = await lookUp(call, notFound);
  if (inference.status === "succeeded") return serveResult(call, inference);
  const headers = cachingOf(inference);
  if (!isFinal(inference.status)) return json(statusOf(inference), { status: 202, headers: { ...headers, "Retry-After": "1" } });
  return refusal(responseCode(inference), "error" in inference ? inference.error.message : "The inference was canceled.", headers);
}

const notFound = notFoundAs((id) => `Inference event with ID ${id} not found.`);

/** The status object as published. */
function statusOf(inference: Inference): z.infer<typeof statusSchema> {
  const { createdAt } = inference;
  const updatedAt = "finishedAt" in inference ? inference.finishedAt : inference.updatedAt;
  return {
    id: inference.id,
    created_at: isoTime(createdAt),
    updated_at: isoTime(updatedAt),
    status: inference.status === "succeeded" ? "completed" : isFinal(inference.status) ? "failed" : "in_progress",
    model: inference.model,
    response_code: String(responseCode(inference)),
    request_item_count: String(inference.inputItems),
    response_item_count: String(inference.status === "succeeded" ? inference.outputItems : 0),
    response_time: ((updatedAt - createdAt) / 1000).toFixed(6),
  };
}

function responseCode(inference: Inference): number {
  switch (inference.status) {
    case "queued":
    case "in_progress":
      return 202;
    case "succeeded":
      return 200;
    case "canceled":
      return 499;
    case "failed":
    case "expired":
      return inference.error.status;
    default:
      return inference satisfies never;
  }
}

/** Microseconds and an offset, as published: `2023-08-12T17:22:55.882273+00:00`. */
function isoTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000+00:00");
}

/** The published error: reason phrase, message, numeric code. */
function refusal(status: number, message: string, headers: Record<string, string>): Response {
  return json({ error: REASONS[status] ?? "Error", message, code: status }, { status, headers });
}

/** Reason phrases (RFC 9110, 6585, 4918; 499 is nginx's) of what we, or a backend through us, may answer. */
const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  407: "Proxy Authentication Required",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  417: "Expectation Failed",
  421: "Misdirected Request",
  422: "Unprocessable Content",
  423: "Locked",
  424: "Failed Dependency",
  425: "Too Early",
  426: "Upgrade Required",
  428: "Precondition Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  451: "Unavailable For Legal Reasons",
  499: "Client Closed Request",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

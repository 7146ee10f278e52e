/**
 * The Vody Inference API: submit a bare array, ask for its status, fetch its results. Every member of a status is a
 * text, numbers included, exactly as published. Vody knows no queue and no cancel: what waits is `in_progress`, a
 * cancelled or expired inference is `failed` with the response code that says so.
 * Decided here, where Vody publishes nothing: submit answers 202 with the status object; results before the end answer
 * the same; results after a failure are the error under its response code.
 */
import * as z from "zod";
import { JSON_TYPE } from "../content/content.ts";
import { writeJson } from "../encoding/json.ts";
import { json } from "../http/answer.ts";
import { check, readJson } from "../http/body.ts";
import { cachingOf, unlessKnown } from "../http/answer.ts";
import { idempotencyOf, replayHeaders } from "../http/idempotency.ts";
import { result } from "../api/inferences.ts";
import type { Dialect, KeyCall } from "../http/route.ts";
import type { Inference } from "../inferences/inference.ts";
import { isFinal } from "../inferences/status.ts";
import { isUuid } from "../ids.ts";
import { findInference } from "../inferences/store.ts";
import { submit } from "../inferences/submit.ts";
import { BATCH_ITEMS, JSON_BODY_BYTES } from "../limits.ts";
import { type Problem, faultText, problem } from "../problem.ts";

const itemSchema = z.looseObject({
  image_path: z.string().min(1),
  product_type: z.string(),
  category: z.string().optional(),
  hex_color_label: z
    .string()
    .regex(/^#[0-9a-fA-F]{6}$/, 'must be a colour such as "#AA3300"')
    .optional(),
});
const batchSchema = z.array(itemSchema).min(1, "must hold at least one item").max(BATCH_ITEMS, `must hold at most ${BATCH_ITEMS} items`);

export const vody: Dialect = {
  name: "vody",
  owns: (path) => path === "/inference" || path.startsWith("/inference/"),
  routes: [
    { method: "POST", path: "/inference/:model", access: "submit", handle: submitBatch },
    { method: "GET", path: "/inference/:id/status", access: "read", handle: showStatus },
    { method: "GET", path: "/inference/:id/results", access: "read", handle: showResults },
  ],
  refuse(fault: Problem) {
    const message = fault.faults.length > 0 ? fault.faults.map(faultText).join("; ") : fault.detail;
    return refusal(fault.status, message, { "Cache-Control": "private, no-store", ...fault.headers });
  },
};

async function submitBatch(call: KeyCall): Promise<Response> {
  const { text, value } = await readJson(call.request, JSON_BODY_BYTES);
  const batch = check(batchSchema, value);
  const submitted = await submit(
    call.ports,
    {
      ...call.caller,
      dialect: "vody",
      model: call.params["model"] ?? "",
      input: { body: writeJson(batch), contentType: JSON_TYPE },
      inputItems: batch.length,
      idempotency: await idempotencyOf(call.request, call.url, text),
    },
    call.after,
  );
  const { inference } = submitted;
  const headers = { ...cachingOf(inference), ...replayHeaders(submitted), Location: `${call.origin}/inference/${inference.id}/status` };
  return json(statusOf(inference), { status: 202, headers });
}

async function showStatus(call: KeyCall): Promise<Response> {
  const inference = await find(call);
  return unlessKnown(call.request, json(statusOf(inference), { headers: cachingOf(inference) }));
}

async function showResults(call: KeyCall): Promise<Response> {
  const inference = await find(call);
  if (inference.status === "succeeded") return result(call, inference);
  const headers = cachingOf(inference);
  if (!isFinal(inference.status)) return json(statusOf(inference), { status: 202, headers: { ...headers, "Retry-After": "1" } });
  return refusal(responseCode(inference), "error" in inference ? inference.error.message : "The inference was canceled.", headers);
}

async function find(call: KeyCall): Promise<Inference> {
  const id = call.params["id"] ?? "";
  const inference = isUuid(id) ? await findInference(call.ports.db, call.caller.accountId, id.toLowerCase()) : null;
  if (!inference) throw problem("inference_not_found", { detail: `Inference event with ID ${id} not found.` });
  return inference;
}

/** The status object as published. */
function statusOf(inference: Inference): Record<string, string> {
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

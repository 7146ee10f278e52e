/** Our own API over inferences: submit, get, cancel, redrive and delete. */
import * as z from "zod";
import { JSON_TYPE } from "../content/content.ts";
import { writeJson } from "../encoding/json.ts";
import { cachingOf, json, replayHeaders, unlessKnown } from "../http/answer.ts";
import { metadataSchema } from "../http/filter.ts";
import { idempotencyOf, webhookOf } from "../http/vetted.ts";
import { lookUpWithWait, nameIn } from "../http/lookup.ts";
import { preferredWait } from "../http/prefer.ts";
import { wholeIn } from "../http/range.ts";
import { type Input, type KeyCall, type RouteShape, route } from "../http/route.ts";
import { waitedFor } from "../http/wait.ts";
import { cancel as cancelInference, redrive as redriveInference, remove as removeInference } from "../inferences/change.ts";
import { isFinal } from "../inferences/status.ts";
import { submit as submitInference } from "../inferences/submit.ts";
import { EVENTS } from "../inferences/webhook.ts";
import {
  BACKEND_TIMEOUT_SECONDS,
  CANCEL_AFTER_SECONDS,
  INITIAL_DELAY_MS,
  JSON_BODY_BYTES,
  MAX_ATTEMPTS,
  MAX_DELAY_MS,
  MAX_TIME_IN_QUEUE_SECONDS,
  PAYLOAD_RETENTION_SECONDS,
  POLL_AFTER_SECONDS,
  PRIORITY,
} from "../limits.ts";
import { problem } from "../problem.ts";
import { itemsIn } from "../tensors/plain.ts";
import { inferenceSchema, notFound, present } from "./present.ts";

const within = (range: readonly [number, number]) => wholeIn(range).optional();

const submissionSchema = z.strictObject({
  model: z.string().min(1).max(128),
  version: z.string().min(1).max(128).optional().describe("The model's default version by default."),
  // JSON.parse has made it, so there is nothing to check but that it is there.
  input: z
    .unknown()
    .refine((input) => input !== undefined, "is missing")
    .describe("Any JSON; what the model takes."),
  priority: within(PRIORITY.range).describe(`0 goes first; ${PRIORITY.default} by default.`),
  max_time_in_queue_seconds: within(MAX_TIME_IN_QUEUE_SECONDS.range).describe(
    `It expires if it has not started by then; ${MAX_TIME_IN_QUEUE_SECONDS.default} by default.`,
  ),
  run_within_seconds: within(BACKEND_TIMEOUT_SECONDS.range).describe("Of one attempt; the backend's timeout by default."),
  retry: z
    .strictObject({
      max_attempts: within(MAX_ATTEMPTS.range).describe(`The first counts; ${MAX_ATTEMPTS.default} by default.`),
      initial_delay_ms: within(INITIAL_DELAY_MS.range).describe(`${INITIAL_DELAY_MS.default} by default.`),
      max_delay_ms: within(MAX_DELAY_MS.range).describe(`${MAX_DELAY_MS.default} by default.`),
    })
    .optional()
    .describe("How often and how soon it is tried again."),
  cancel_after_seconds: within(CANCEL_AFTER_SECONDS.range).describe("It is canceled so long after the submit; never by default."),
  retention_seconds: within(PAYLOAD_RETENTION_SECONDS.range).describe(
    "How long input and output are kept after its end; never longer than the account's retention.",
  ),
  metadata: metadataSchema.optional().describe("The client's own words, up to 16 entries."),
  webhook: z
    .strictObject({
      url: z.string(),
      events: z.array(z.enum(EVENTS)).min(1).optional().describe("How it ended by default."),
    })
    .optional()
    .describe("Who is sent its events."),
});

const params = z.object({ id: z.string().describe("The inference's id.") });
const shown = (description: string) => ({ description, json: inferenceSchema });

const SUBMIT = {
  summary: "Submit an inference.",
  body: { json: submissionSchema, limitBytes: JSON_BODY_BYTES },
  answers: { 200: shown("It has ended within the `Prefer: wait=N` of the call."), 202: shown("Accepted.") },
} as const satisfies RouteShape;

const GET = {
  summary: "Get an inference.",
  beside: true,
  params,
  query: z.strictObject({ logs: z.string().optional().describe("`1` or `true`: with what happened to it.") }),
  answers: { 200: shown("The inference."), 304: { description: "It is as `If-None-Match` says." } },
} as const satisfies RouteShape;

export const inferenceRoutes = [
  route("submit", "POST", "/v1/inferences", SUBMIT, submit),
  route("read", "GET", "/v1/inferences/:id", GET, get),
  route(
    "cancel",
    "DELETE",
    "/v1/inferences/:id",
    {
      summary: "Delete an inference that has ended, with its input and output.",
      params,
      answers: { 204: { description: "It is gone." } },
    },
    remove,
  ),
  route(
    "cancel",
    "POST",
    "/v1/inferences/:id/cancel",
    { summary: "Cancel an inference.", params, answers: { 200: shown("The inference, which is canceled.") } },
    cancel,
  ),
  route(
    "submit",
    "POST",
    "/v1/inferences/:id/redrive",
    {
      summary: "Queue a failed or expired inference again under its id.",
      params,
      answers: { 202: shown("The inference, which is queued.") },
    },
    redrive,
  ),
];

async function submit(call: KeyCall, { body, text }: Input<typeof SUBMIT>): Promise<Response> {
  preferredWait(call.request.headers); // what is wrong with it is said before anything is stored
  const submitted = await submitInference(
    call.ports,
    {
      ...call.caller,
      dialect: "claimcheck",
      model: body.model,
      version: body.version,
      input: { body: writeJson(body.input), contentType: JSON_TYPE },
      inputPath: ["input"],
      given: { value: body.input },
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
  const { inference, headers: waited } = await waitedFor(call, async () => submitted.inference, notFound);
  const location = { Location: `${call.origin}/v1/inferences/${inference.id}` };
  const headers = { ...cachingOf(inference), ...replayHeaders(submitted), ...location, ...waited };
  return json(present(inference, call), { status: isFinal(inference.status) ? 200 : 202, headers });
}

async function get(call: KeyCall, { query }: Input<typeof GET>): Promise<Response> {
  const { inference, headers } = await waitedFor(call, () => lookUpWithWait(call, notFound), notFound);
  const logs = query.logs === "1" || query.logs === "true";
  return unlessKnown(call.request, json(present(inference, call, logs), { headers: { ...cachingOf(inference), ...headers } }));
}

async function remove(call: KeyCall): Promise<Response> {
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
        headers: { "Retry-After": String(POLL_AFTER_SECONDS.range[0]) },
        members: { inference_status: status },
      });
    }
    default:
      return removed satisfies never;
  }
}

async function cancel(call: KeyCall): Promise<Response> {
  const canceled = await cancelInference(call.ports, nameIn(call, notFound), call.after);
  if (canceled.kind === "not_found") throw notFound(call.params["id"] ?? "");
  const { inference } = canceled;
  if (canceled.kind !== "not_cancelable") return json(present(inference, call), { headers: cachingOf(inference) });
  throw problem("already_final", {
    detail: `The inference has already ${inference.status}.`,
    members: { inference_status: inference.status },
  });
}

async function redrive(call: KeyCall): Promise<Response> {
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

/** Our own API over inferences: submit, get, cancel, redrive and delete. */
import * as z from "zod";
import { NOT_MODIFIED, cachingOf, json, replayHeaders, unlessKnown } from "../http/answer.ts";
import { idempotencyOf } from "../http/vetted.ts";
import { lookUpWithWait, nameIn } from "../http/lookup.ts";
import { preferredWait, waitedFor } from "../http/prefer.ts";
import { type AccountCall, type Input, type KeyCall, type RouteShape, route } from "../http/route.ts";
import { switchSchema } from "../http/switch.ts";
import { cancel as cancelInference, redrive as redriveInference, remove as removeInference } from "../inferences/change.ts";
import { isFinal } from "../inferences/status.ts";
import { submit as submitInference } from "../inferences/submit.ts";
import { JSON_BODY_BYTES, POLL_AFTER_SECONDS } from "../limits.ts";
import { problem } from "../problem.ts";
import { inferenceSchema, notFound, present } from "./present.ts";
import { submissionOf, submissionSchema } from "./submission.ts";

const params = z.object({ id: z.string().describe("The inference's id.") });
export const shown = (description: string) => ({ description, json: inferenceSchema });

const SUBMIT = {
  summary: "Submit an inference.",
  body: { json: submissionSchema, limitBytes: JSON_BODY_BYTES },
  answers: { 200: shown("It has ended within the `Prefer: wait=N` of the call."), 202: shown("Accepted.") },
} as const satisfies RouteShape;

export const getQuery = z.strictObject({
  logs: switchSchema.optional().describe("`1` or `true`: with what happened to it."),
});

const GET = {
  summary: "Get an inference.",
  beside: true,
  params,
  query: getQuery,
  answers: { 200: shown("The inference."), 304: NOT_MODIFIED },
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
    (call) => redrive(call, true),
  ),
];

async function submit(call: KeyCall, { body, text }: Input<typeof SUBMIT>): Promise<Response> {
  preferredWait(call.request.headers); // what is wrong with it is said before anything is stored
  const idempotency = await idempotencyOf(call, text);
  const submitted = await submitInference(call.ports, await submissionOf(call, body, idempotency), call.after);
  const { inference, headers: waited } = await waitedFor(call, async () => submitted.inference, notFound);
  const location = { Location: `${call.origin}/v1/inferences/${inference.id}` };
  const headers = { ...cachingOf(inference), ...replayHeaders(submitted), ...location, ...waited };
  return json(present(inference, call), { status: isFinal(inference.status) ? 200 : 202, headers });
}

async function get(call: KeyCall, { query }: Input<typeof GET>): Promise<Response> {
  const { inference, headers } = await waitedFor(call, () => lookUpWithWait(call, notFound), notFound);
  return unlessKnown(call.request, json(present(inference, call, query.logs), { headers: { ...cachingOf(inference), ...headers } }));
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
      const held = "The runner is still finishing this inference, or its batch is under way; try again.";
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

export async function cancel(call: AccountCall): Promise<Response> {
  const canceled = await cancelInference(call.ports, nameIn(call, notFound), call.after);
  if (canceled.kind === "not_found") throw notFound(call.params["id"] ?? "");
  const { inference } = canceled;
  if (canceled.kind !== "not_cancelable") return json(present(inference, call), { headers: cachingOf(inference) });
  throw problem("already_final", {
    detail: `The inference has already ${inference.status}.`,
    members: { inference_status: inference.status },
  });
}

/** `bounded`: only if the account may have one more; not for the operator. */
export async function redrive(call: AccountCall, bounded: boolean): Promise<Response> {
  const redriven = await redriveInference(call.ports, nameIn(call, notFound), call.after, bounded);
  switch (redriven.kind) {
    case "redriven":
      return json(present(redriven.inference, call), { status: 202, headers: cachingOf(redriven.inference) });
    case "not_found":
      throw notFound(call.params["id"] ?? "");
    case "refused":
      throw redriven.problem;
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

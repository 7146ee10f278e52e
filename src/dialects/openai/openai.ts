/**
 * The OpenAI API: completions of chats and texts, whole or streamed, embeddings, and the models. Each of them is an inference
 * like any other, whose client waits for it; `X-Inference-Id` says which.
 * Source: openai/openai-openapi 2.3.0, `/chat/completions`, `/completions`, `/embeddings`, `/models`, `ErrorResponse`.
 * Decided here, where OpenAI publishes nothing or has no such thing:
 * - the members `model` and `messages`, `prompt` or `input` are checked, all others are the model server's to judge: its 4xx is answered with
 *   its status. What fails otherwise has the status of the failure, and its code as `code`; a cancel is 499;
 * - a model whose answer is no completion is 400 `not_a_chat_model`, and one whose answer has no embeddings 400
 *   `not_an_embedding_model`, so that no client tries again;
 * - the end of a stream, `[DONE]`, is said once the inference is recorded: clients leave when they read it. A stream that
 *   breaks off ends with the error object as its last event instead;
 * - a stream that is asked for with `?detach=1` or `Prefer: respond-async` can be read again from any place, and goes on if its
 *   client leaves: each of its events has an id. It begins at once, so that a failure is always its last event;
 * - a stream of a server that does not stream, or of an inference that has ended (`Idempotency-Key`), has one chunk.
 */
import { get as getModel, listAll as listModels } from "../../api/models.ts";
import { CHAT, COMPLETIONS, EMBEDDINGS, itemsAsked } from "../../backends/openai-paths.ts";
import { JSON_TYPE } from "../../content/content.ts";
import { writeJson } from "../../encoding/json.ts";
import { json, replayHeaders } from "../../http/answer.ts";
import { idempotencyOf, submitterOf } from "../../http/vetted.ts";
import { render, valueOf } from "../../http/output.ts";
import { type Dialect, type Input, type KeyCall, route } from "../../http/route.ts";
import { isDetached, submitDetached } from "../../http/resumed.ts";
import { EVENTS_TYPE, eventStream, reframed } from "../../http/sse.ts";
import { submitAndWait } from "../../inferences/waiter.ts";
import type { Allowance } from "../../keys/gate.ts";
import { openPayload } from "../../payloads/payloads.ts";
import type { Problem } from "../../problem.ts";
import { isObject } from "../../tensors/tensor.ts";
import { ENDS, WORDS, asStream, errorOfProblem, failed, otherAnswer, refusal, restarted } from "./present.ts";
import { batchRoutes } from "./batches.ts";
import { CHAT_COMPLETION, EMBED, GET_MODEL, LIST_MODELS, TEXT_COMPLETION, errorSchema } from "./schemas.ts";

const CHAT_PATHS = ["/v1/chat/completions", "/v2/inference/chat/completions"] as const;

/** Where OpenAI has anything, ours or not: its clients read no other error than its own. */
const OPENAI_PATHS =
  /^\/v1\/(?:models(?:\/(?!.*\/queue\/*$).*)?|(?:assistants|audio|batches|chat|completions|containers|conversations|edits|embeddings|engines|evals|fine_tuning|images|moderations|realtime|responses|threads|vector_stores|videos)(?:\/.*)?)$/;

export const openai: Dialect = {
  name: "openai",
  title: "OpenAI API",
  owns: (path) => OPENAI_PATHS.test(path) || path === CHAT_PATHS[1],
  error: errorSchema,
  routes: [
    ...CHAT_PATHS.map((path) =>
      route("submit", "POST", path, CHAT_COMPLETION, (call, input) => complete(call, input, { capability: CHAT, items: 1 })),
    ),
    route("submit", "POST", "/v1/completions", TEXT_COMPLETION, (call, input) =>
      complete(call, input, { capability: COMPLETIONS, items: itemsAsked(input.body.prompt) }),
    ),
    route("submit", "POST", "/v1/embeddings", EMBED, embed),
    ...batchRoutes,
    route("read", "GET", "/v1/models", LIST_MODELS, listModels),
    // A name may have slashes; the queue of a model is ours.
    route("read", "GET", "/v1/models/(?![^]*/queue/*$):name+", GET_MODEL, getModel),
  ],
  streamEnds: ENDS,
  limitHeaders({ limit, remaining, resetMs }: Allowance) {
    return {
      "x-ratelimit-limit-requests": String(limit),
      "x-ratelimit-remaining-requests": String(remaining),
      "x-ratelimit-reset-requests": `${Math.ceil(resetMs)}ms`,
    };
  },
  refuse: (problem: Problem) => refusal(errorOfProblem(problem), problem.headers),
};

/** What is asked for, and about how many things. */
interface Question {
  readonly capability: string;
  readonly items: number;
}

async function submissionOf(
  call: KeyCall,
  { body, sent, text }: Input<typeof EMBED | typeof CHAT_COMPLETION | typeof TEXT_COMPLETION>,
  asked: Question,
) {
  return {
    ...submitterOf(call),
    dialect: "openai",
    model: body.model,
    capability: asked.capability,
    input: { body: writeJson(sent), contentType: JSON_TYPE },
    given: { value: sent },
    inputItems: asked.items,
    idempotency: await idempotencyOf(call, text),
  } as const;
}

async function complete(call: KeyCall, input: Input<typeof CHAT_COMPLETION | typeof TEXT_COMPLETION>, asked: Question): Promise<Response> {
  const { model, stream, stream_options } = input.body;
  const submission = await submissionOf(call, input, asked);
  if (stream && isDetached(call)) return submitDetached(call, submission, { ...ENDS, restarted });
  const attended = await submitAndWait(call.ports, submission, {
    after: call.after,
    gone: call.request.signal,
    ...(stream ? { stream: WORDS } : {}),
  });
  const headers = { "X-Inference-Id": attended.inference.id };
  if (attended.kind === "streaming") return eventStream(attended.body, headers);
  const { inference, replayed } = attended;
  const more = { ...headers, ...replayHeaders({ replayed }) };
  if (inference.status !== "succeeded") return failed(inference, more);
  if (stream && inference.output.contentType.startsWith(EVENTS_TYPE)) {
    const body = await openPayload(call.ports.payloads, inference.output);
    if (body !== null) return eventStream(reframed(body), more);
  }
  const completion = valueOf(await render(call.ports.payloads, inference.output));
  if (!isObject(completion) || !Array.isArray(completion["choices"]))
    return refusal(otherAnswer(model, inference.id, "chat completions", "not_a_chat_model"), more);
  const shown = { ...completion, model };
  return stream ? eventStream(asStream(shown, stream_options?.include_usage === true), more) : json(shown, { headers: more });
}

async function embed(call: KeyCall, input: Input<typeof EMBED>): Promise<Response> {
  const { model } = input.body;
  const submission = await submissionOf(call, input, { capability: EMBEDDINGS, items: itemsAsked(input.body.input) });
  const attended = await submitAndWait(call.ports, submission, { after: call.after, gone: call.request.signal });
  if (attended.kind === "streaming") throw new Error("a call that asked for no stream got one");
  const { inference } = attended;
  const more = { "X-Inference-Id": inference.id, ...replayHeaders(attended) };
  if (inference.status !== "succeeded") return failed(inference, more);
  const embeddings = valueOf(await render(call.ports.payloads, inference.output));
  if (!isObject(embeddings) || !Array.isArray(embeddings["data"]))
    return refusal(otherAnswer(model, inference.id, "embeddings", "not_an_embedding_model"), more);
  return json({ ...embeddings, model }, { headers: more });
}

/**
 * The OpenAI API: chat completions, whole or streamed, and the models. A chat completion is an inference like any other,
 * whose client waits for it; `X-Inference-Id` says which.
 * Source: openai/openai-openapi 2.3.0, `/chat/completions`, `/models`, `ErrorResponse`.
 * Decided here, where OpenAI publishes nothing or has no such thing:
 * - the members `model` and `messages` are checked, all others are the model server's to judge: its 4xx is answered with
 *   its status. What fails otherwise has the status of the failure, and its code as `code`; a cancel is 499;
 * - a model whose answer is no chat completion is 400 `not_a_chat_model`, so that no client tries again;
 * - the end of a stream, `[DONE]`, is said once the inference is recorded: clients leave when they read it. A stream that
 *   breaks off ends with the error object as its last event instead;
 * - a stream of a server that does not stream, or of an inference that has ended (`Idempotency-Key`), has one chunk.
 */
import * as z from "zod";
import { json } from "../http/answer.ts";
import { check, readJson } from "../http/body.ts";
import { idempotencyOf, replayHeaders } from "../http/idempotency.ts";
import { get as getModel, listAll as listModels } from "../api/models.ts";
import { render, valueOf } from "../http/output.ts";
import type { Dialect, KeyCall } from "../http/route.ts";
import { EVENTS_TYPE, eventStream, reframed } from "../http/sse.ts";
import { CHAT } from "../backends/openai.ts";
import type { Failure } from "../backends/outcome.ts";
import { DONE, KEEP_ALIVE, framed } from "../backends/event-reader.ts";
import { JSON_TYPE } from "../content/content.ts";
import { submitAndWait } from "../inferences/waiter.ts";
import type { Inference } from "../inferences/inference.ts";
import { isFinal } from "../inferences/status.ts";
import { openPayload } from "../payloads/payloads.ts";
import { writeJson } from "../encoding/json.ts";
import type { Allowance } from "../keys/gate.ts";
import { JSON_BODY_BYTES } from "../limits.ts";
import { type Fault, type Problem, type ProblemCode, problem } from "../problem.ts";
import { isObject } from "../tensors/tensor.ts";

const CHAT_PATHS = ["/v1/chat/completions", "/v2/inference/chat/completions"] as const;

const requestSchema = z.looseObject({
  model: z.string().min(1).max(128),
  messages: z.array(z.looseObject({ role: z.string().min(1) })).min(1, "must hold at least one message"),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
});

export const openai: Dialect = {
  name: "openai",
  owns: (path) => /^\/v1\/(?:chat(?:\/.*)?|models(?:\/[^/]*)?)$/.test(path) || path === CHAT_PATHS[1],
  routes: [
    ...CHAT_PATHS.map((path) => ({ method: "POST", path, access: "submit", handle: complete }) as const),
    { method: "GET", path: "/v1/models", access: "read", handle: listModels },
    { method: "GET", path: "/v1/models/:name", access: "read", beside: true, handle: getModel },
  ],
  limitHeaders({ limit, remaining, resetMs }: Allowance) {
    return {
      "x-ratelimit-limit-requests": String(limit),
      "x-ratelimit-remaining-requests": String(remaining),
      "x-ratelimit-reset-requests": `${Math.ceil(resetMs)}ms`,
    };
  },
  refuse({ code, status, detail, faults, headers }: Problem) {
    const message = faults.map((fault) => (fault.path.length > 0 ? `${placeOf(fault.path)}: ${fault.detail}` : fault.detail)).join("; ");
    const error = errorOf(code === "invalid_input" ? 400 : status, message || detail, CODES[code] ?? code);
    return refusal({ ...error, param: faults[0] && faults[0].path.length > 0 ? placeOf(faults[0].path) : null }, headers);
  },
};

async function complete(call: KeyCall): Promise<Response> {
  const { text, value } = await readJson(call.request, JSON_BODY_BYTES);
  const { model, stream, stream_options } = check(requestSchema, value);
  const attended = await submitAndWait(
    call.ports,
    {
      ...call.caller,
      dialect: "openai",
      model,
      capability: CHAT,
      input: { body: writeJson(value), contentType: JSON_TYPE },
      inputItems: 1,
      idempotency: await idempotencyOf(call.request, call.url, text),
    },
    { after: call.after, gone: call.request.signal, ...(stream ? { stream: WORDS } : {}) },
  );
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
  if (!isObject(completion) || !Array.isArray(completion["choices"])) {
    const message = `The model "${model}" does not answer with chat completions. What it answered is the result of inference ${inference.id}.`;
    return refusal({ ...errorOf(400, message, "not_a_chat_model"), param: "model" }, more);
  }
  const shown = { ...completion, model };
  return stream ? eventStream(asStream(shown, stream_options?.include_usage === true), more) : json(shown, { headers: more });
}

const encoded = (text: string) => new TextEncoder().encode(text);

const canceled = () => errorOf(499, "The inference was canceled.", "canceled");

const WORDS = {
  idle: encoded(KEEP_ALIVE),
  succeeded: encoded(framed(DONE)),
  failed: (error: Failure | null) => encoded(framed(writeJson(bodyOf(error ? errorOfFailure(error) : canceled())))),
};

/** A completion that is there already, as a stream. */
function asStream(completion: Readonly<Record<string, unknown>>, tellsUsage: boolean): string {
  const { choices, usage, ...head } = completion;
  const chunk = {
    ...head,
    object: "chat.completion.chunk",
    choices: [choices].flat().map(chunkOf),
    ...(tellsUsage ? { usage: null } : {}),
  };
  const last = { ...chunk, choices: [], usage: usage ?? null };
  return [chunk, ...(tellsUsage ? [last] : [])].map((it) => framed(writeJson(it))).join("") + framed(DONE);
}

function chunkOf(choice: unknown): unknown {
  if (!isObject(choice)) return choice;
  const { message, ...rest } = choice;
  if (!isObject(message)) return { ...rest, delta: {} };
  const calls = message["tool_calls"];
  if (!Array.isArray(calls)) return { ...rest, delta: message };
  return { ...rest, delta: { ...message, tool_calls: calls.map((it: unknown, index) => (isObject(it) ? { index, ...it } : it)) } };
}

/** The answer of an inference that has no output. */
function failed(inference: Exclude<Inference, { status: "succeeded" }>, headers: Record<string, string>): Response {
  if (inference.status === "canceled") return refusal(canceled(), headers);
  if (!isFinal(inference.status) || !("error" in inference)) throw problem("unavailable", { detail: "The inference has not ended." });
  const { error } = inference;
  // What ended the attempts was the model, whatever its backend: the clients' own retries would only repeat it.
  const final = error.class === "model" ? { "x-should-retry": "false" } : {};
  return refusal(errorOfFailure(error), { ...headers, ...final });
}

interface ApiError {
  readonly status: number;
  readonly message: string;
  readonly type: string;
  readonly code: string;
  readonly param: string | null;
}

function errorOf(status: number, message: string, code: string): ApiError {
  return { status, message, type: TYPES[status] ?? (status >= 500 ? "server_error" : "invalid_request_error"), param: null, code };
}

function errorOfFailure({ status, message, code }: Failure): ApiError {
  return errorOf(status, message, code);
}

/** All four members, always. */
function bodyOf({ message, type, param, code }: ApiError): unknown {
  return { error: { message, type, param, code } };
}

function refusal(error: ApiError, headers: Readonly<Record<string, string>>): Response {
  return json(bodyOf(error), { status: error.status, headers: { ...headers } });
}

const TYPES: Readonly<Record<number, string>> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  429: "rate_limit_error",
};

/** Where OpenAI has a code of its own for what we call otherwise. */
const CODES: Partial<Record<ProblemCode, string>> = {
  missing_key: "invalid_api_key",
  invalid_key: "invalid_api_key",
  revoked_key: "invalid_api_key",
  expired_key: "invalid_api_key",
  rate_limited: "rate_limit_exceeded",
};

/** Such as `messages[0].role`. */
function placeOf(path: Fault["path"]): string {
  return path.map((part, index) => (typeof part === "number" ? `[${part}]` : `${index > 0 ? "." : ""}${part}`)).join("");
}

/** How OpenAI's wire shows an error, and a completion that is there already as a stream. */
import { retryHeaders } from "../../http/retry-headers.ts";
import type * as z from "zod";
import { DONE, KEEP_ALIVE, framed } from "../../backends/streams/event-reader.ts";
import { withRole, withTypes } from "../../backends/streams/first-pieces.ts";
import type { Failure } from "../../backends/outcome.ts";
import { parseJson, writeJson } from "../../encoding/json.ts";
import { json } from "../../http/answer.ts";
import type { StreamEnds } from "../../http/route.ts";
import { render, valueOf } from "../../http/output.ts";
import { EVENTS_TYPE, reframed } from "../../http/sse.ts";
import type { Payload } from "../../payloads/payload.ts";
import { type Bucket, openPayload, readPayload } from "../../payloads/payloads.ts";
import type { Inference } from "../../inferences/inference.ts";
import { findInput } from "../../inferences/sql/read.ts";
import { isFinal } from "../../inferences/status.ts";
import { type Fault, type Problem, type ProblemCode, faultText, faultsText, problem } from "../../problem.ts";
import { isObject } from "../../tensors/tensor.ts";
import type { errorSchema } from "./schemas.ts";

const encoded = (text: string) => new TextEncoder().encode(text);

export const canceled = () => errorOf(499, "The inference was canceled.", "canceled");

/** What a stream says beside the chunks. */
export const WORDS = {
  idle: encoded(KEEP_ALIVE),
  succeeded: encoded(framed(DONE)),
  failed: (error: Failure | null) => encoded(framed(writeJson(bodyOf(error ? errorOfFailure(error) : canceled())))),
};

/** What a stream that resumes says beside the chunks. */
export const ENDS: StreamEnds = {
  last(inference) {
    if (inference.status === "succeeded") return framed(DONE);
    return framed(writeJson(bodyOf("error" in inference ? errorOfFailure(inference.error) : canceled())));
  },
  async whole(inference, { ports }) {
    const input = await findInput(ports.db, inference.accountId, inference.id);
    const request = input && (await readPayload(ports.payloads, input));
    const isUsageWanted = request !== null && typeof request.body === "string" && wantsUsage(parseJson(request.body));
    return storedStream(ports.payloads, inference.output, isUsageWanted, false);
  },
};

/** Ends a stream whose attempt was lost: this API's clients go on with what they have, and can't begin again. */
export function restarted({ id }: Inference): string {
  const message = `The attempt that spoke was lost, and another has begun. Read it from its beginning at /v1/inferences/${id}/stream.`;
  return framed(writeJson(bodyOf(errorOf(503, message, "stream_restarted"))));
}

/** A completion that is there already, as a stream. */
export function asStream(completion: Readonly<Record<string, unknown>>, tellsUsage: boolean, saysDone = true): string {
  const { choices, usage, ...head } = completion;
  const chunk = {
    ...head,
    object: head["object"] === "text_completion" ? "text_completion" : "chat.completion.chunk",
    choices: [choices].flat().map(chunkOf),
    ...(tellsUsage ? { usage: null } : {}),
  };
  const last = { ...chunk, choices: [], usage: usage ?? null };
  return [chunk, ...(tellsUsage ? [last] : [])].map((it) => framed(writeJson(it))).join("") + (saysDone ? framed(DONE) : "");
}

/** A stored completion as the stream that was asked for; null if it is none, or is no longer there. */
export async function storedStream(
  bucket: Bucket,
  output: Payload,
  usage: boolean,
  saysDone = true,
): Promise<string | ReadableStream<Uint8Array> | null> {
  if (output.contentType.startsWith(EVENTS_TYPE)) {
    const body = await openPayload(bucket, output);
    return body === null ? null : reframed(body);
  }
  const completion = valueOf(await render(bucket, output));
  return isObject(completion) && Array.isArray(completion["choices"]) ? asStream(completion, usage, saysDone) : null;
}

/** Whether a request asks for a last chunk that counts the tokens. */
export function wantsUsage(request: unknown): boolean {
  const options = isObject(request) ? request["stream_options"] : null;
  return isObject(options) && options["include_usage"] === true;
}

function chunkOf(choice: unknown): unknown {
  if (!isObject(choice)) return choice;
  const { message, ...rest } = choice;
  if (message === undefined && typeof rest["text"] === "string") return choice; // a text's pieces are as its whole
  if (!isObject(message)) return { ...rest, delta: {} };
  const delta = withRole(message);
  const calls = delta["tool_calls"];
  if (!Array.isArray(calls)) return { ...rest, delta };
  return { ...rest, delta: { ...delta, tool_calls: withTypes(calls).map((it, index) => (isObject(it) ? { index, ...it } : it)) } };
}

/** The answer of an inference that has no output. */
export function failed(inference: Exclude<Inference, { status: "succeeded" }>, headers: Record<string, string>): Response {
  if (inference.status === "canceled") return refusal(canceled(), headers);
  if (!isFinal(inference.status) || !("error" in inference)) throw problem("unavailable", { detail: "The inference has not ended." });
  const { error } = inference;
  // All attempts have been made: the clients' own retries would repeat them. Only what was busy may have room later.
  const after = error.class === "capacity" ? retryHeaders(error) : { "x-should-retry": "false" };
  return refusal(errorOfFailure(error), { ...headers, ...after });
}

export interface ApiError {
  readonly status: number;
  readonly message: string;
  readonly type: string;
  readonly code: string | number | null;
  readonly param: string | null;
}

export function errorOf(status: number, message: string, code: string): ApiError {
  return { status, message, type: TYPES[status] ?? (status >= 500 ? "server_error" : "invalid_request_error"), param: null, code };
}

/** A backend's own words, if it speaks this API and refuses: clients know what they mean. */
export function errorOfFailure({ class: failureClass, status, message, code, upstream }: Failure): ApiError {
  const said = upstream?.error;
  if (upstream?.status === 429) {
    const known = errorOf(429, said?.message ?? message, "rate_limit_exceeded");
    return { ...known, code: said?.code ?? known.code, param: said?.param ?? null };
  }
  if (failureClass !== "input" || !upstream || !said) return errorOf(status, message, code);
  const known = errorOf(upstream.status, said.message, code);
  const isBare = said.type === null && said.code === null; // it has but a message
  return { ...known, code: isBare ? code : said.code, type: said.type ?? known.type, param: said.param };
}

/** What refuses a call, in this API's words. */
export function errorOfProblem({ code, status, detail, faults }: Problem): ApiError {
  const message = faultsText(faults, (fault) => (fault.path.length > 0 ? `${placeOf(fault.path)}: ${fault.detail}` : faultText(fault)));
  const error = errorOf(code === "invalid_input" ? 400 : status, message || detail, CODES[code] ?? code);
  return { ...error, param: faults[0] && faults[0].path.length > 0 ? placeOf(faults[0].path) : null };
}

/** All four members, always. A code is text here, where some servers, such as vLLM, have a number: typed clients could not read that. */
export function bodyOf({ message, type, param, code }: ApiError): z.infer<typeof errorSchema> {
  return { error: { message, type, param, code: code === null ? null : String(code) } };
}

/** What is said where the model answers something else, so that no client tries again. */
export function otherAnswer(model: string, id: string, wanted: string, code: string): ApiError {
  const message = `The model "${model}" does not answer with ${wanted}. What it answered is the result of inference ${id}.`;
  return { ...errorOf(400, message, code), param: "model" };
}

export function refusal(error: ApiError, headers: Readonly<Record<string, string>>): Response {
  return json(bodyOf(error), { status: error.status, headers: { ...headers } });
}

const TYPES: Readonly<Record<number, string>> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  429: "rate_limit_error",
};

/** Where OpenAI has a code of its own for what we call otherwise. */
export const CODES: Partial<Record<ProblemCode, string>> = {
  missing_key: "invalid_api_key",
  invalid_key: "invalid_api_key",
  revoked_key: "invalid_api_key",
  expired_key: "invalid_api_key",
  rate_limited: "rate_limit_exceeded",
};

/** Such as `messages[0].role`. */
export function placeOf(path: Fault["path"]): string {
  return path.map((part, index) => (typeof part === "number" ? `[${part}]` : `${index > 0 ? "." : ""}${part}`)).join("");
}

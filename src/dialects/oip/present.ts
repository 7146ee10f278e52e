/** How the Open Inference Protocol's wire shows an output or a failure, whatever protocol the backend speaks. */
import { retryHeaders } from "../../http/retry-headers.ts";
import type { StreamEnds } from "../../http/route.ts";
import { type Generated, eventOf, generateInput, generatedBy, isGenerated } from "../../backends/generate.ts";
import { readPayload } from "../../payloads/payloads.ts";
import type { Failure } from "../../backends/outcome.ts";
import { type Content, isJson } from "../../content/content.ts";
import { parseJson } from "../../encoding/json.ts";
import type { Inference } from "../../inferences/inference.ts";
import { findInput } from "../../inferences/sql/read.ts";
import { isFinal } from "../../inferences/status.ts";
import { type Problem, problem } from "../../problem.ts";
import { type InferResponse, readInferResponse } from "../../tensors/infer.ts";
import { headOf } from "../../tensors/wire.ts";
import { asTensors } from "../../tensors/wrap.ts";

/** A stored output as a response of the protocol, whatever protocol its backend speaks. */
export function responseIn(content: Content): InferResponse {
  const { body, contentType } = content;
  const headLength = headOf(contentType);
  const read = headLength !== null || isJson(contentType) ? readInferResponse(body, headLength) : null;
  return read?.ok ? read.value : { model_name: "", outputs: asTensors(content) };
}

function textIn({ body }: Content): string {
  return typeof body === "string" ? body : new TextDecoder().decode(body);
}

export function failed(inference: Exclude<Inference, { status: "succeeded" }>, headers: Record<string, string>): Problem {
  if (inference.status === "canceled") return problem("inference_failed", { status: 409, detail: CANCELED, headers });
  if (!isFinal(inference.status) || !("error" in inference))
    return problem("unavailable", { detail: "The inference has not ended.", headers });
  const after = inference.error.class === "capacity" ? retryHeaders(inference.error) : {};
  return problem("inference_failed", {
    status: statusOf(inference.error),
    detail: inference.error.message,
    headers: { ...headers, ...after },
  });
}

export const CANCELED = "The inference was canceled.";

function statusOf({ class: failureClass, status }: Failure): number {
  switch (failureClass) {
    case "input":
      return 400;
    case "model":
      return 500;
    case "capacity":
      return 503;
    case "timeout":
      return 504;
    case "infrastructure":
      return status === 500 ? 500 : 502;
    default:
      return failureClass satisfies never;
  }
}

/** A stored output as text, whatever its backend takes for that. Throws 501 where it is none. */
export function generatedIn(content: Content): Generated {
  const { contentType } = content;
  const isText = isJson(contentType) || /^text\//i.test(contentType);
  if (!isText) throw problem("not_implemented", { detail: `The model answers with ${contentType}, not with text.` });
  const text = textIn(content);
  const value = isJson(contentType) ? parseJson(text) : text;
  if (isGenerated(value)) return value;
  return { text_output: typeof value === "string" ? value : text };
}

/** What a stream that resumes says beside the pieces of text. Its end is its end. */
export const ENDS: StreamEnds = {
  last(inference) {
    if (inference.status === "succeeded") return "";
    return eventOf({ error: "error" in inference ? inference.error.message : CANCELED });
  },
  async whole(inference, { ports }) {
    const output = await readPayload(ports.payloads, inference.output);
    if (!output) return null;
    const input = await findInput(ports.db, inference.accountId, inference.id);
    const request = input && (await readPayload(ports.payloads, input));
    const { id: _, ...generated } = generatedIn(output); // the server's
    return eventOf({ ...generatedBy(generated, inference), ...(request && generateInput({ input: request })?.named) });
  },
};

/** Ends a stream whose attempt was lost: this protocol's clients go on with what they have, and can't begin again. */
export const restarted = ({ id }: Inference) =>
  eventOf({ error: `The attempt that spoke was lost, and another has begun. Read it from its beginning at /v1/inferences/${id}/stream.` });

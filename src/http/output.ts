/** An inference's input or output as a value, for answers that show it among other members. */
import { HEAD_LENGTH } from "../backends/oip.ts";
import { isJson } from "../content/content.ts";
import type { Payload } from "../payloads/payload.ts";
import { type Bucket, readPayload } from "../payloads/payloads.ts";
import { parseJson } from "../encoding/json.ts";
import { BACKEND_ANSWER_BYTES } from "../limits.ts";
import { readInferRequest, readInferResponse } from "../tensors/infer.ts";
import { headOf, plainResponse, writeInferRequest } from "../tensors/wire.ts";

/** The value of an output that is in the row; null where it is not, or is no value: then its own address has it. */
export function shownOutput(output: Payload): unknown {
  return output.at === "row" ? valueOf(output) : null;
}

/** The value of an output wherever it is stored; null where its object is gone, it is too large to be read, or it is no value. */
export async function outputValue(bucket: Bucket, output: Payload): Promise<unknown> {
  if (output.at === "object" && output.bytes > BACKEND_ANSWER_BYTES) return null; // what is larger was never looked at
  const content = await readPayload(bucket, output);
  return content && valueOf(content);
}

/** How an answer that is a stored payload says of what type it is: where JSON ends and raw tensors begin has a header of its own. */
export function typeHeaders(contentType: string): Record<string, string> {
  const headLength = headOf(contentType);
  if (headLength === null) return { "Content-Type": contentType };
  return { "Content-Type": "application/octet-stream", [HEAD_LENGTH]: String(headLength) };
}

function valueOf({ body, contentType }: { body: string | Uint8Array; contentType: string }): unknown {
  if (typeof body === "string") return isJson(contentType) ? parseJson(body) : null;
  const headLength = headOf(contentType);
  return headLength === null ? null : tensorsValue(body, headLength);
}

/** Raw tensors in JSON's own values, as a client that asked for JSON would have them. */
function tensorsValue(body: Uint8Array, headLength: number): unknown {
  const response = readInferResponse(body, headLength);
  if (response.ok) return plainResponse(response.value);
  const request = readInferRequest(body, headLength);
  return request.ok ? parseJson(String(writeInferRequest(request.value, { binary: false }).body)) : null;
}

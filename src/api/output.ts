/** An inference's output as a value, for answers that show it among other members. */
import { isJson } from "../content.ts";
import type { Payload } from "../inferences/inference.ts";
import { type Bucket, readPayload } from "../inferences/payloads.ts";
import { parseJson } from "../json.ts";

/** The value of an output that is in the row; null where it is not, or is no value: then its own address has it. */
export function shownOutput(output: Payload): unknown {
  return output.at === "row" ? valueOf(output) : null;
}

/** The value of an output wherever it is stored; null where its object is gone or it is no value. */
export async function outputValue(bucket: Bucket, output: Payload): Promise<unknown> {
  const content = await readPayload(bucket, output);
  return content && valueOf(content);
}

function valueOf({ body, contentType }: { body: string | Uint8Array; contentType: string }): unknown {
  return typeof body === "string" && isJson(contentType) ? parseJson(body) : null;
}

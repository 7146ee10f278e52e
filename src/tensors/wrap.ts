/**
 * PURE. What a server that knows no tensors has answered, as tensors, for clients that know nothing else. Plain JSON is
 * mapped as an input is (plain.ts), but for numbers that are no integers: they are doubles here, since nobody has to
 * take them. What can't be mapped (objects in objects, a picture) is one element of BYTES, and its `content_type`
 * parameter says of what.
 */
import { type Content, isJson } from "../content/content.ts";
import { parseJson } from "../encoding/json.ts";
import { prefixed } from "./codec.ts";
import { toTensors } from "./plain.ts";
import { type Tensor, isObject } from "./tensor.ts";

/** The one output of an answer that has no names. */
const OUTPUT = "output";

export function asTensors({ body, contentType }: Content): readonly Tensor[] {
  if (!isJson(contentType)) return [whole(body, contentType)];
  const text = typeof body === "string" ? body : new TextDecoder().decode(body);
  const value = parseJson(text);
  const mapped = toTensors(value);
  if (!mapped.ok || !mapped.value.inputs) return [whole(text, contentType)];
  const { inputs, form } = mapped.value;
  const isNamed = isObject(value) || form.kind === "items";
  return inputs.map((tensor) => ({
    ...tensor,
    name: isNamed ? tensor.name : OUTPUT,
    datatype: tensor.datatype === "FP32" ? "FP64" : tensor.datatype,
  }));
}

function whole(body: string | Uint8Array, contentType: string): Tensor {
  const data = typeof body === "string" ? [body] : prefixed(body);
  return { name: OUTPUT, shape: [1], datatype: "BYTES", data, parameters: { content_type: contentType } };
}

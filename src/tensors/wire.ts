/**
 * PURE. Writing requests and responses of the Open Inference Protocol, as JSON or as JSON and raw data, and the media
 * type under which the second form is stored: the bytes alone don't say where the JSON ends.
 */
import { type Content, JSON_TYPE } from "../content/content.ts";
import { writeJson } from "../encoding/json.ts";
import { type InferRequest, type InferResponse, type Wants, selectOutputs } from "./infer.ts";
import { type Parameters, type Read, type Tensor, bytesOf, plainOf, plainText } from "./tensor.ts";

/** A body, with the length of its JSON where raw data follows it. */
export interface Written {
  readonly body: string | Uint8Array;
  readonly headLength: number | null;
}

/** A request for a server: all tensors, both ways, as raw data or as JSON. */
export function writeInferRequest(request: InferRequest, { binary }: { readonly binary: boolean }): Written {
  const { id, parameters, inputs, outputs } = request;
  const own = without(parameters, "binary_data_output");
  const asked = binary ? { ...own, binary_data_output: true } : own;
  return write(
    {
      id,
      parameters: asked,
      outputs: outputs?.map(({ name, parameters: each }) => ({ name, parameters: without(each, "binary_data") })),
    },
    "inputs",
    inputs.map((tensor) => ({ tensor, binary })),
    binary,
  );
}

/** A response for a client, with the outputs that it asked for, in its order and forms. */
export function writeInferResponse(response: InferResponse, wants: Wants): Read<Written> {
  const { outputs, ...head } = response;
  const selected = selectOutputs(outputs, wants);
  if (!selected.ok) return selected;
  return {
    ok: true,
    value: write(
      head,
      "outputs",
      selected.value,
      selected.value.some(({ binary }) => binary),
    ),
  };
}

/** A response in JSON's own values, for those who know nothing of tensors' forms. */
export function plainResponse({ outputs, ...head }: InferResponse): unknown {
  return {
    ...head,
    outputs: outputs.map((tensor) => {
      const { elements, parameters } = plainOf(tensor);
      return { name: tensor.name, shape: tensor.shape, datatype: tensor.datatype, ...(parameters && { parameters }), data: elements };
    }),
  };
}

/** What is written, to be stored or sent. */
export function contentOf({ body, headLength }: Written): Content {
  return { body, contentType: headLength === null ? JSON_TYPE : tensorsType(headLength) };
}

/** The media type of JSON of this length and the raw data after it. */
export function tensorsType(headLength: number): string {
  return `application/octet-stream;head=${headLength}`;
}

/** The length of the JSON in a body of this media type; null where it is another type. */
export function headOf(contentType: string): number | null {
  const digits = /^application\/octet-stream\s*;\s*head=(\d{1,15})$/i.exec(contentType.trim())?.[1];
  return digits === undefined ? null : Number(digits);
}

function without(parameters: Parameters | undefined, name: string): Parameters | undefined {
  if (!parameters) return undefined;
  const others = Object.entries(parameters).filter(([key]) => key !== name);
  return others.length > 0 ? Object.fromEntries(others) : undefined;
}

/** `head` and the tensors as a JSON object, and after it their raw data where any are wanted so. */
function write(
  head: Readonly<Record<string, unknown>>,
  list: "inputs" | "outputs",
  tensors: readonly { readonly tensor: Tensor; readonly binary: boolean }[],
  binary: boolean,
): Written {
  const raw: Uint8Array[] = [];
  const written = tensors.map((each) => {
    const { name, shape, datatype, parameters } = each.tensor;
    if (each.binary) {
      const bytes = bytesOf(each.tensor);
      raw.push(bytes);
      return writeJson({ name, shape, datatype, parameters: { ...parameters, binary_data_size: bytes.length } });
    }
    const plain = plainText(each.tensor);
    return `${writeJson({ name, shape, datatype, parameters: plain.parameters }).slice(0, -1)},"data":${plain.text}}`;
  });
  const members = writeJson(head).slice(1, -1);
  const text = `{${members}${members && ","}"${list}":[${written.join(",")}]}`;
  if (!binary) return { body: text, headLength: null };
  const json = new TextEncoder().encode(text);
  const body = new Uint8Array(raw.reduce((size, bytes) => size + bytes.length, json.length));
  body.set(json);
  let at = json.length;
  for (const bytes of raw) {
    body.set(bytes, at);
    at += bytes.length;
  }
  return { body, headLength: json.length };
}

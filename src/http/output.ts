/** An inference's stored input or output in an answer that shows it among other members: the one place where it is rendered. */
import { HEAD_LENGTH } from "../backends/oip.ts";
import type { KeptPart } from "../backends/outcome.ts";
import { type Content, isJson, sizeOf } from "../content/content.ts";
import type { Payload } from "../payloads/payload.ts";
import { type Bucket, readPayload } from "../payloads/payloads.ts";
import { parseJson, writeJson } from "../encoding/json.ts";
import { BACKEND_ANSWER_BYTES } from "../limits.ts";
import { readInferRequest, readInferResponse } from "../tensors/infer.ts";
import { headOf, plainResponse, writeInferRequest } from "../tensors/wire.ts";

/** What an answer can show of a stored input or output. */
export type Rendered =
  /** JSON as it is stored, or tensors as JSON. It stays a text: read as values, 10 MB could be more than an isolate has. */
  | { readonly kind: "json"; readonly text: string }
  /** Bytes, or too large: its own address has it. */
  | { readonly kind: "elsewhere" }
  | { readonly kind: "gone" };

/** A payload that is in the row; one in the bucket is not read. */
export function renderInline(payload: Payload): Rendered {
  if (payload.at === "object") return { kind: payload.key === null ? "gone" : "elsewhere" };
  const text = textOf(payload);
  return text === null ? { kind: "elsewhere" } : { kind: "json", text };
}

/** A payload wherever it is stored. Only JSON and tensors are read, up to BACKEND_ANSWER_BYTES: larger JSON was never checked. */
export async function render(bucket: Bucket, payload: Payload): Promise<Rendered> {
  if (payload.at === "row" || payload.key === null) return renderInline(payload);
  const { bytes, contentType } = payload;
  const isRead = bytes <= BACKEND_ANSWER_BYTES && (isJson(contentType) || headOf(contentType) !== null);
  if (!isRead) return { kind: "elsewhere" };
  const content = await readPayload(bucket, payload);
  return content ? renderInline({ at: "row", ...content }) : { kind: "gone" };
}

/** Its value; null if it has none to show. */
export function valueOf(rendered: Rendered): unknown {
  return rendered.kind === "json" ? parseJson(rendered.text) : null;
}

/** An object's text, with members that are JSON texts already. */
export function withTexts(members: Readonly<Record<string, unknown>>, texts: Readonly<Record<string, string>>): string {
  const ready = Object.entries(texts).map(([name, text]) => `${writeJson(name)}:${text}`);
  return `${writeJson(members).slice(0, -1)},${ready.join(",")}}`;
}

/** The headers that give a stored payload's type. Where JSON ends and raw tensors begin has a header of its own. */
export function typeHeaders(contentType: string): Record<string, string> {
  const headLength = headOf(contentType);
  if (headLength === null) return { "Content-Type": contentType };
  return { "Content-Type": "application/octet-stream", [HEAD_LENGTH]: String(headLength) };
}

function textOf({ body, contentType }: Content): string | null {
  if (typeof body === "string") return isJson(contentType) ? body : null;
  const headLength = headOf(contentType);
  return headLength === null ? null : tensorsText(body, headLength);
}

/** Raw tensors as JSON, as a client that asked for JSON would get them. */
function tensorsText(body: Uint8Array, headLength: number): string | null {
  const response = readInferResponse(body, headLength);
  if (response.ok) return writeJson(plainResponse(response.value));
  const request = readInferRequest(body, headLength);
  return request.ok ? String(writeInferRequest(request.value, { binary: false }).body) : null;
}

/** A payload as the text of an object: itself if it is JSON or tensors, else its address; "null" if it was removed. */
export function objectText(rendered: Rendered, payload: Payload, url: string): string {
  switch (rendered.kind) {
    case "json":
      return asObject(rendered.text);
    case "elsewhere":
      return writeJson(fileOf(payload, url));
    case "gone":
      return "null";
    default:
      return rendered satisfies never;
  }
}

/** JSON that is no object, in one. */
function asObject(text: string): string {
  return text.trimStart().startsWith("{") ? text : `{"value":${text}}`;
}

/** A payload that an answer does not have in itself: where it is, and what. */
export function fileOf(payload: Payload, url: string) {
  return { url, content_type: payload.contentType, file_size: payload.at === "object" ? payload.bytes : sizeOf(payload.body) };
}

/** Makes a link to an output, or to one of its parts, that needs no key. */
export type LinkTo = (part?: number) => Promise<string>;

/**
 * The text of an output with links in the place of the addresses of its parts, which need a key; null if it names none of them. Only a
 * string that is such an address as a whole is one, not a member's name, nor what a string quotes.
 */
export async function withLinks(text: string, id: string, parts: readonly KeptPart[], linkTo: LinkTo): Promise<string | null> {
  if (parts.length === 0) return null;
  const address = new RegExp(String.raw`(?<!\\)"(?:https?://[^"/\\]+)?/v1/inferences/${id}/result/([\w.-]+)"(?!\s*:)`, "g");
  const named = new Set(Array.from(text.matchAll(address), ([, name]) => name));
  const links = new Map<string, string>();
  for (const [index, { name }] of parts.entries()) if (named.has(name)) links.set(name, await linkTo(index));
  if (links.size === 0) return null;
  return text.replaceAll(address, (whole, name: string) => {
    const link = links.get(name);
    return link === undefined ? whole : writeJson(link);
  });
}

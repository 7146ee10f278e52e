/** PURE. What goes in and comes out: a text where its bytes are text, else bytes, and its media type. */
export interface Content {
  readonly body: string | Uint8Array;
  readonly contentType: string;
}

export const JSON_TYPE = "application/json";

/** Whether a media type is JSON (RFC 6839 has the suffix). */
export function isJson(contentType: string): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType);
}

/** The length in bytes; of a text, in UTF-8. */
export function sizeOf(body: string | Uint8Array): number {
  return typeof body === "string" ? new TextEncoder().encode(body).byteLength : body.byteLength;
}

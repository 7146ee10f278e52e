/** PURE. What goes in and comes out: a text where its bytes are text, else bytes, and its media type. */
export interface Content {
  readonly body: string | Uint8Array;
  readonly contentType: string;
}

export const JSON_TYPE = "application/json";

/** A media type, with its parameters, of which one may be empty, as in `text/plain;` (RFC 9110, 5.6.6 and 8.3.1). */
export const MEDIA_TYPE =
  /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:\s*;(?:\s*[\w!#$%&'*+.^`|~-]+=(?:[\w!#$%&'*+.^`|~-]+|"[\x20-\x21\x23-\x5b\x5d-\x7e]*"))?)*$/;

/** The first of the media types that a header holds: a line that is sent twice comes as a list (RFC 9110, 5.2). */
export function firstType(contentType: string): string {
  return (/^(?:[^",]|"(?:[^"\\]|\\.)*")*/.exec(contentType)?.[0] ?? "").trim();
}

/** The type and subtype alone, in lower case. */
export function essenceOf(contentType: string): string {
  return (firstType(contentType).split(";")[0] ?? "").trim().toLowerCase();
}

/** Whether a media type is JSON, by its essence (WHATWG MIME Sniffing, "JSON MIME type"; RFC 6839 has the suffix). */
export function isJson(contentType: string): boolean {
  return /^(?:(?:application|text)\/json|[\w!#$&^.+-]+\/[\w!#$&^.+-]+\+json)$/.test(essenceOf(contentType));
}

const encoder = new TextEncoder();

/** The length in bytes; of a text, in UTF-8. */
export function sizeOf(body: string | Uint8Array): number {
  if (typeof body !== "string") return body.byteLength;
  return body.length <= SHORT ? sizeOfShort(body) : encoder.encode(body).byteLength;
}

/** To encode a shorter text than this costs more than to look at each of its characters. */
const SHORT = 1_024;

/** Of a text, as UTF-8. A surrogate that stands alone is written as U+FFFD, whose three bytes are what it would have itself. */
function sizeOfShort(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    const isPair = unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00;
    bytes += unit < 0x800 ? 1 : 2;
    if (isPair) index++; // four bytes of two units
  }
  return bytes;
}

/** The ending of a file's name by its type; "bin" where it is not known. */
export function endingOf(contentType: string): string {
  const type = essenceOf(contentType);
  return ENDINGS.get(type) ?? (type.endsWith("+json") ? "json" : type.startsWith("text/") ? "txt" : "bin");
}

const ENDINGS: ReadonlyMap<string, string> = new Map([
  ["application/json", "json"],
  ["application/pdf", "pdf"],
  ["application/x-ndjson", "ndjson"],
  ["application/zip", "zip"],
  ["application/x-npy", "npy"],
  ["audio/aac", "aac"],
  ["audio/flac", "flac"],
  ["audio/mp4", "m4a"],
  ["audio/mpeg", "mp3"],
  ["audio/ogg", "ogg"],
  ["audio/wav", "wav"],
  ["audio/x-wav", "wav"],
  ["image/avif", "avif"],
  ["image/bmp", "bmp"],
  ["image/gif", "gif"],
  ["image/heic", "heic"],
  ["image/heif", "heif"],
  ["image/jpeg", "jpg"],
  ["image/jxl", "jxl"],
  ["image/png", "png"],
  ["image/svg+xml", "svg"],
  ["image/tiff", "tiff"],
  ["image/webp", "webp"],
  ["model/gltf-binary", "glb"],
  ["text/csv", "csv"],
  ["text/html", "html"],
  ["video/matroska", "mkv"],
  ["video/mp4", "mp4"],
  ["video/ogg", "ogv"],
  ["video/quicktime", "mov"],
  ["video/webm", "webm"],
  ["video/x-msvideo", "avi"],
]);

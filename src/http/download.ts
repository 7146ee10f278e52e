/**
 * Serves bytes that never change: a stored object, or what a row holds. One place for what HTTP has to say of them
 * (RFC 9110): `HEAD`, validators, one range at a time so that a download that was cut goes on where it broke off, the
 * SHA-256 of the whole (RFC 9530), a name to save it by. Nothing is opened that is not sent, and what is sent goes from the
 * bucket to the client without passing through our memory. What a backend made is never run by a browser here: it gets
 * no scripts, and only types that can have none are shown in place.
 */
import type { ByteRange } from "../payloads/bucket.ts";
import { toBase64 } from "../encoding/base64.ts";
import { sizeOf } from "../content/content.ts";
import { fromHex, hexOf } from "../encoding/hex.ts";
import { GZIP_BYTES } from "../limits.ts";
import { problem } from "../problem.ts";
import { NOT_MODIFIED, isKnown } from "./answer.ts";

/** What is to be served. */
export interface Download {
  readonly contentType: string;
  /** Of the whole. */
  readonly bytes: number;
  /** A strong validator, in quotes: another one for other bytes. */
  readonly etag: string;
  readonly cacheControl: string;
  /** In hex; null where it is not known. */
  readonly sha256: string | null;
  /** Of its type, where it has more to say than a media type can. */
  readonly headers?: Readonly<Record<string, string>>;
  /** To save it by. */
  readonly fileName: string;
  /** The bytes, or a part of them; null where they are gone. */
  open(range: ByteRange | null): Promise<string | Uint8Array | ReadableStream | null>;
}

/** What a route that serves one answers, for its shape. */
export const downloadAnswers = (what: string) => ({
  200: { description: what, other: { "*/*": what } },
  206: { description: "The part of it that `Range` asks for.", other: { "*/*": "Some of its bytes." } },
  304: NOT_MODIFIED,
  416: { description: "`Range` asks for what is beyond its end." },
});

/** The answer to a GET or HEAD of it: 200, 206, 304 or 416. Throws `payload_gone` where it was removed meanwhile. */
export async function download(request: Request, it: Download): Promise<Response> {
  const ranged = request.method === "GET" ? request.headers.get("range") : null;
  const zipped = ranged === null && isText(it.contentType) && it.bytes >= GZIP_BYTES && acceptsGzip(request.headers);
  const etag = zipped ? zippedTag(it.etag) : it.etag;
  const common = {
    ETag: etag,
    "Cache-Control": it.cacheControl,
    ...(isText(it.contentType) ? { Vary: "Accept-Encoding" } : {}),
  };
  if ([it.etag, zippedTag(it.etag)].some((tag) => isKnown(request, tag))) return new Response(null, { status: 304, headers: common });

  const headers: Record<string, string> = {
    ...common,
    "Content-Type": unambiguousType(it.contentType) === null ? OCTETS : it.contentType,
    ...it.headers,
    "Content-Disposition": disposition(it),
  };
  if (zipped) {
    headers["Content-Encoding"] = "gzip"; // the platform does it (Response, `encodeBody`)
    return new Response(request.method === "HEAD" ? null : await opened(it, null), { headers });
  }
  headers["Accept-Ranges"] = "bytes";
  if (it.sha256 !== null) headers["Repr-Digest"] = `sha-256=:${toBase64(fromHex(it.sha256))}:`;

  const part = ranged !== null && isCurrent(request.headers.get("if-range"), it.etag) ? partOf(ranged, it.bytes) : "whole";
  if (part === "none") {
    return new Response(null, { status: 416, headers: { ...common, "Accept-Ranges": "bytes", "Content-Range": `bytes */${it.bytes}` } });
  }
  if (part === "whole") {
    headers["Content-Length"] = String(it.bytes);
    return new Response(request.method === "HEAD" ? null : await opened(it, null), { headers });
  }
  headers["Content-Length"] = String(part.length);
  headers["Content-Range"] = `bytes ${part.offset}-${part.offset + part.length - 1}/${it.bytes}`;
  return new Response(await opened(it, part), { status: 206, headers });
}

/** `open` of bytes that are at hand. */
function opener(body: string | Uint8Array): Download["open"] {
  return async (range) => {
    if (!range) return body;
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    return bytes.subarray(range.offset, range.offset + range.length);
  };
}

/** What of bytes at hand a download has to say. */
export async function atHand(body: string | Uint8Array): Promise<Pick<Download, "bytes" | "sha256" | "open">> {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return { bytes: sizeOf(body), sha256: hexOf(digest), open: opener(body) };
}

async function opened(it: Download, range: ByteRange | null): Promise<string | Uint8Array | ReadableStream> {
  const body = await it.open(range);
  if (body === null) throw problem("payload_gone", { detail: "It is no longer stored." });
  return body;
}

/**
 * The part that `Range` asks for (RFC 9110, 14.2): "none" where there is nothing there. Whatever is no single range of bytes
 * is answered whole, as the header may always be ignored.
 */
export function partOf(header: string, bytes: number): ByteRange | "whole" | "none" {
  const match = /^bytes\s*=\s*(\d*)-(\d*)\s*$/i.exec(header);
  const [, from = "", to = ""] = match ?? [];
  if (!match || (from === "" && to === "")) return "whole";
  if (from === "") {
    const length = Math.min(Number(to), bytes);
    return length === 0 ? "none" : { offset: bytes - length, length };
  }
  const offset = Number(from);
  const last = to === "" ? bytes - 1 : Math.min(Number(to), bytes - 1);
  if (to !== "" && Number(to) < offset) return "whole";
  if (offset >= bytes) return "none";
  return { offset, length: last - offset + 1 };
}

/** `If-Range` (RFC 9110, 13.1.5): a part is of use only of the very bytes that the client has begun. Dates we give none. */
function isCurrent(header: string | null, etag: string): boolean {
  return header === null || header.trim() === etag;
}

function zippedTag(etag: string): string {
  return `${etag.slice(0, -1)}-gzip"`;
}

/** `Accept-Encoding` (RFC 9110, 12.5.3). */
function acceptsGzip(headers: Headers): boolean {
  const codings = (headers.get("accept-encoding") ?? "").split(",").map((coding) => coding.trim().toLowerCase());
  return codings.some((coding) => /^(?:gzip|x-gzip)(?:\s*;\s*q=(?!0(?:\.0*)?$).*)?$/.test(coding));
}

function isText(contentType: string): boolean {
  return /^(?:text\/|application\/(?:[\w.+-]+\+)?(?:json|xml)\b|application\/(?:x-)?ndjson\b|application\/jsonl\b|image\/svg\+xml)/i.test(
    contentType,
  );
}

const OCTETS = "application/octet-stream";

/** What a browser may show in place, by the whole essence: types that can't hold a script. */
const SHOWN = /^(?:image\/(?!svg)[\w.+-]+|audio\/[\w.+-]+|video\/[\w.+-]+|text\/plain|application\/(?:[\w.+-]+\+)?json)$/;

/**
 * The essence of a Content-Type: type and subtype in lower case. Null for a text that is not one media type. Browsers take
 * the last of several (`image/png, text/html`), so a text with a comma has none, even if it stands in a parameter.
 */
export function unambiguousType(contentType: string): string | null {
  return /^\s*([\w!#$&^.+-]+\/[\w!#$&^.+-]+)\s*(?:;[^,]*)?$/.exec(contentType)?.[1]?.toLowerCase() ?? null;
}

/** `Content-Disposition` (RFC 6266): a name in ASCII for all, and the whole name for those who know more (RFC 8187). */
function disposition({ contentType, fileName }: Download): string {
  const kind = SHOWN.test(unambiguousType(contentType) ?? "") ? "inline" : "attachment";
  const name = fileName.toWellFormed();
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, "_");
  const whole = encodeURIComponent(name).replaceAll(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return plain === name ? `${kind}; filename="${plain}"` : `${kind}; filename="${plain}"; filename*=UTF-8''${whole}`;
}

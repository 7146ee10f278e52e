/**
 * Reading a body of any type, compressed or not. What counts is its size as it comes out: a small body that unpacks to a
 * large one is refused as soon as it is beyond the limit, and no more of it is unpacked.
 * Source: RFC 9110, 8.4 (Content-Encoding) and 15.5.16 (what a 415 says).
 */
import { joined } from "../encoding/chunks.ts";
import { Problem, problem } from "../problem.ts";
import { receive } from "./incoming.ts";
import { bytesMustHoldNoKey } from "./no-keys.ts";

/** "deflate" is the zlib format (RFC 9110, 8.4.1.2), as it is in DecompressionStream. */
const ENCODINGS: Readonly<Record<string, "gzip" | "deflate">> = { gzip: "gzip", "x-gzip": "gzip", deflate: "deflate" };

/**
 * The body, unpacked, which will be held so many times. Throws 415 for an encoding that is not known, 413 beyond
 * `limitBytes`, 400 where it does not unpack, 503 where there is no room for it now.
 */
export async function readBytes(request: Request, limitBytes: number, copies: number): Promise<Uint8Array> {
  const encodings = (request.headers.get("content-encoding") ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "" && name !== "identity");
  const [encoding] = encodings;
  const format = encoding === undefined ? null : (ENCODINGS[encoding] ?? null);
  if (encodings.length > 1 || (encoding !== undefined && format === null)) {
    throw problem("unsupported_media_type", {
      detail: "The body's Content-Encoding must be gzip or deflate, once.",
      headers: { "Accept-Encoding": "gzip, deflate" },
    });
  }
  const body = format === null ? request.body : (request.body?.pipeThrough(new DecompressionStream(format)) ?? null);
  const parts: Uint8Array[] = [];
  await receive(request, body, { limitBytes, copies }, (chunk) => parts.push(chunk)).catch((error: unknown) => {
    if (format === null || error instanceof Problem) throw error;
    throw problem("bad_request", { detail: `The body is not ${encoding}, as its Content-Encoding says.` });
  });
  const bytes = joined(parts);
  bytesMustHoldNoKey(bytes);
  return bytes;
}

/**
 * PURE. The body of an answer as its server meant it. The platform decodes `gzip` and `br`, named just so, and hands all
 * else on as it came; servers and proxies send other codings unasked, with other names, and one upon another.
 * Source: RFC 9110, 8.4.
 */
import { CODINGS } from "../encoding/codings.ts";
import { type Result, faulty, read } from "../encoding/result.ts";
import { BrokenOff } from "../encoding/streams.ts";

/** Of those that a Response can be made with. What comes above it is a failure, whatever its body says. */
export const LAST_STATUS = 599;
/** What nobody decodes here. Other names, such as `utf-8`, are no codings, and are often sent by mistake. */
const UNREADABLE: ReadonlySet<string> = new Set(["br", "zstd", "compress", "x-compress", "dcb", "dcz"]);

/** The response with its body decoded, or why it can't be. */
export function decodedResponse(response: Response): Result<Response> {
  const said = response.headers.get("content-encoding") ?? "";
  if (response.body === null || said === "" || response.status > LAST_STATUS) return read(response);
  if (response.headers.get("content-length") === "0") return read(emptied(response));
  if (said === "gzip" || said === "br") return read(response);
  const codings = said.split(",").map((name) => name.trim().toLowerCase());
  const unreadable = codings.find((name) => UNREADABLE.has(name));
  if (unreadable !== undefined) return faulty(`its Content-Encoding is ${unreadable}, which it was not asked for`);
  let { body } = response;
  for (const name of codings.toReversed()) {
    const format = CODINGS.get(name);
    if (format) body = body.pipeThrough(new DecompressionStream(format));
  }
  const { status, headers } = response;
  return read(body === response.body ? response : new Response(body, { status, headers }));
}

/**
 * The response without its body. Middleware calls a body gzip that nothing was written to, and the platform fails to
 * decode it.
 */
export function emptied({ body, status, headers }: Response): Response {
  void body?.cancel().catch(() => {}); // of nothing
  return new Response(null, { status, headers });
}

/** Whether a body could not be decoded, or ended before its coding did: the platform says so by a TypeError, and by no other of a lost connection. */
export function isOfCoding(error: unknown): boolean {
  return error instanceof BrokenOff && error.cause instanceof TypeError;
}

/** Whether a body ended because it is not what its coding promises: the same will come again. One that was cut may come whole. */
export function isUndecodable(error: unknown): boolean {
  return (
    error instanceof BrokenOff &&
    error.cause instanceof TypeError &&
    /decompression failed|incorrect header|trailing/i.test(error.cause.message)
  );
}

/**
 * A body as it comes, unpacked if it is compressed: bounded in size and in pace, and with room taken for each byte that is held.
 * What counts is its size as it comes out: a small body that unpacks to a large one is refused as soon as it is beyond the
 * limit, and no more of it is unpacked.
 * Source: RFC 9110, 8.4 (Content-Encoding) and 15.5.16 (what a 415 says).
 */
import { CODINGS } from "../encoding/codings.ts";
import { TooSlow, readUpTo, wholeInTime } from "../encoding/streams.ts";
import { BODY_PACE, SMALL_BODY_BYTES } from "../limits.ts";
import { Problem, problem } from "../problem.ts";
import { reserve } from "./body-memory.ts";

interface Bounds {
  readonly limitBytes: number;
  /** How many times it will be held. */
  readonly copies: number;
}

/**
 * A small body of a length that is announced, as most are, in one piece: what `receive` would hand on of it, for less. Null where the
 * body is to be read chunk by chunk. Throws as `receive` does.
 */
export async function receiveSmall(request: Request, { limitBytes, copies }: Bounds): Promise<Uint8Array | null> {
  const { headers } = request;
  const announced = Number(headers.get("content-length") ?? Infinity);
  if (!(announced <= Math.min(limitBytes, SMALL_BODY_BYTES)) || headers.has("content-encoding") || headers.has("transfer-encoding"))
    return null;
  reserve(request, announced * copies); // before it comes, since it is not seen while it does
  return await wholeInTime(request, announced, BODY_PACE).catch(refuseSlow);
}

/**
 * Hands on the chunks of a request's body, unpacked. Throws 415 for an encoding that is not known, 400 if it does not unpack,
 * 413 beyond `limitBytes`, which may be announced, 408 if it comes too slowly, and 503 if there is no room for it now.
 */
export async function receive(request: Request, bounds: Bounds, take: (chunk: Uint8Array) => void): Promise<void> {
  const encodings = (request.headers.get("content-encoding") ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "" && name !== "identity");
  const [encoding] = encodings;
  if (encoding === undefined) return receivePlain(request, request.body, bounds, take);
  const format = CODINGS.get(encoding);
  if (encodings.length > 1 || format === undefined) {
    throw problem("unsupported_media_type", {
      detail: "The body's Content-Encoding must be gzip or deflate, once.",
      headers: { "Accept-Encoding": "gzip, deflate" },
    });
  }
  const unpacked = request.body?.pipeThrough(new DecompressionStream(format)) ?? null;
  await receivePlain(request, unpacked, bounds, take).catch((error: unknown) => {
    if (error instanceof Problem) throw error;
    const goesOn = error instanceof TypeError && /trailing/i.test(error.message);
    throw problem("bad_request", {
      detail: goesOn
        ? `The body goes on after the end of its ${encoding}. Several in a row, as of \`cat a.gz b.gz\`, are not read: send one.`
        : `The body is not ${encoding}, as its Content-Encoding says.`,
    });
  });
}

async function receivePlain(
  request: Request,
  body: ReadableStream<Uint8Array> | null,
  { limitBytes, copies }: Bounds,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  const tooLarge = () => problem("body_too_large", { detail: `The body exceeds ${limitBytes} bytes.` });
  if (Number(request.headers.get("content-length") ?? 0) > limitBytes) throw tooLarge();
  if (!body) return;
  const takeRoom = (chunk: Uint8Array, bytes: number) => {
    reserve(request, bytes * copies);
    take(chunk);
  };
  const isWhole = await readUpTo(body, limitBytes, takeRoom, BODY_PACE).catch(refuseSlow);
  if (!isWhole) throw tooLarge();
}

function refuseSlow(error: unknown): never {
  if (!(error instanceof TooSlow)) throw error;
  const { graceMs, bytesPerSecond } = BODY_PACE;
  throw problem("body_too_slow", {
    detail: `The body came too slowly: after ${graceMs / 1000} s it must come at ${bytesPerSecond} bytes a second or more.`,
  });
}

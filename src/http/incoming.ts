/** A body as it comes: bounded in size and in pace, and with room taken for each byte that is held. */
import { TooSlow, readUpTo } from "../encoding/streams.ts";
import { BODY_PACE } from "../limits.ts";
import { problem } from "../problem.ts";
import { reserve } from "./body-memory.ts";

/**
 * Hands on the chunks of a request's body; `body` is it as it came or unpacked, and it will be held `copies` times. Throws
 * 413 beyond `limitBytes`, which may be announced, 408 if it comes too slowly, and 503 if there is no room for it now.
 */
export async function receive(
  request: Request,
  body: ReadableStream<Uint8Array> | null,
  { limitBytes, copies }: { limitBytes: number; copies: number },
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  const tooLarge = () => problem("body_too_large", { detail: `The body exceeds ${limitBytes} bytes.` });
  if (Number(request.headers.get("content-length") ?? 0) > limitBytes) throw tooLarge();
  if (!body) return;
  const takeRoom = (chunk: Uint8Array, bytes: number) => {
    reserve(request, bytes * copies);
    take(chunk);
  };
  const isWhole = await readUpTo(body, limitBytes, takeRoom, BODY_PACE).catch((error: unknown) => {
    if (!(error instanceof TooSlow)) throw error;
    const { graceMs, bytesPerSecond } = BODY_PACE;
    throw problem("body_too_slow", {
      detail: `The body came too slowly: after ${graceMs / 1000} s it must come at ${bytesPerSecond} bytes a second or more.`,
    });
  });
  if (!isWhole) throw tooLarge();
}

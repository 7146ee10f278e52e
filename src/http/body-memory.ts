/**
 * Memory for bodies that are held whole: an isolate has 128 MB for all its requests together, and one that runs out dies
 * with all of them. So large bodies take room before they are read, and where there is none left the client is asked to
 * come back. The room is given back when the request is answered; of one that was cut off it lapses.
 */
import { BODIES_BYTES, LARGE_BODY_BYTES, LARGE_BODY_MS } from "../limits.ts";
import { problem } from "../problem.ts";

/** At most BODIES_BYTES in all, each until its time: a request whose client is gone may never come to its end. */
const taken = new Map<Request, { bytes: number; until: number }>();

/** How soon to come back: most bodies are dealt with within a second. */
const RETRY_AFTER_SECONDS = 1;

/** Takes so much room for a request, all it has until now included. Throws 503 where there is none; small ones always fit. */
export function reserve(request: Request, bytes: number): void {
  if (bytes <= LARGE_BODY_BYTES) return;
  const now = Date.now();
  let others = 0;
  for (const [other, room] of taken) {
    if (room.until <= now) taken.delete(other);
    else if (other !== request) others += room.bytes;
  }
  if (others > 0 && others + bytes > BODIES_BYTES) {
    throw problem("unavailable", {
      detail: "Too many large bodies are being dealt with at once; send it again.",
      headers: { "Retry-After": String(RETRY_AFTER_SECONDS) },
    });
  }
  taken.set(request, { bytes, until: now + LARGE_BODY_MS });
}

/** What a request has taken is free again. */
export function release(request: Request): void {
  taken.delete(request);
}

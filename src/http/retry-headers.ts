/** How a client of a failed inference is told when its backends may have room. */
import type { Failure } from "../backends/outcome.ts";
import { RETRY_AFTER_MAX_MS } from "../limits.ts";

/** If the backend did not say. */
const RETRY_AFTER_SECONDS = 1;

/**
 * `Retry-After`, as the backend asked for it last, up to the longest time that is heeded: OpenAI's client for Node takes a
 * longer one for none, and repeats at once.
 */
export function retryHeaders({ upstream }: Failure): Record<string, string> {
  const ms = Math.min(upstream?.retryAfterMs ?? RETRY_AFTER_SECONDS * 1000, RETRY_AFTER_MAX_MS);
  return { "Retry-After": String(Math.max(1, Math.ceil(ms / 1000))) };
}

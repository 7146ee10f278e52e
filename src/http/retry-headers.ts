/** How a client of a failed inference is told when its backends may have room. */
import type { Failure } from "../backends/outcome.ts";

/** If the backend did not say. */
const RETRY_AFTER_SECONDS = 1;

/** `Retry-After`, as the backend asked for it last. */
export function retryHeaders({ upstream }: Failure): Record<string, string> {
  const ms = upstream?.retryAfterMs ?? RETRY_AFTER_SECONDS * 1000;
  return { "Retry-After": String(Math.max(1, Math.ceil(ms / 1000))) };
}

/**
 * Memory for bodies that are held whole: an isolate has 128 MB for all its requests together, and one that runs out dies
 * with all of them. So every body takes room as its bytes come, and what is only announced takes none. An account has a
 * share, so that its bodies leave room for others'. If there is none left, the client is asked to come back. The room is
 * given back when the request is answered; that of a request that never ends lapses after its last byte.
 */
import { ACCOUNT_BODIES_BYTES, BODIES_BYTES, BODY_ROOM_MS } from "../limits.ts";
import { problem } from "../problem.ts";

interface Room {
  bytes: number;
  readonly account: string;
  until: number;
}

/** At most BODIES_BYTES in all, but one body alone may have more. */
const taken = new Map<Request, Room>();
const takenBy = new Map<string, number>();
let takenInAll = 0;

/** Whose body a request has. Requests of no account share one. */
const accounts = new WeakMap<Request, string>();

/** How soon to come back: most bodies are dealt with within a second. */
const RETRY_AFTER_SECONDS = 1;

/** Says whose share the body of a request takes from. */
export function belongsTo(request: Request, accountId: string): void {
  accounts.set(request, accountId);
}

/** Takes so much room for a request, all that it has until now included. Throws 503 if there is none. */
export function reserve(request: Request, bytes: number): void {
  const now = Date.now();
  const account = taken.get(request)?.account ?? accounts.get(request) ?? "";
  if (!fits(request, account, bytes)) {
    for (const [other, room] of taken) if (room.until <= now) release(other);
    if (!fits(request, account, bytes)) {
      throw problem("unavailable", {
        detail: "Too many large uploads at once; try again.",
        headers: { "Retry-After": String(RETRY_AFTER_SECONDS) },
      });
    }
  }
  const before = taken.get(request)?.bytes ?? 0;
  taken.set(request, { bytes, account, until: now + BODY_ROOM_MS });
  takenBy.set(account, (takenBy.get(account) ?? 0) + bytes - before);
  takenInAll += bytes - before;
}

function fits(request: Request, account: string, bytes: number): boolean {
  const before = taken.get(request)?.bytes ?? 0;
  const others = takenInAll - before;
  const ownOthers = (takenBy.get(account) ?? 0) - before;
  return (others === 0 || others + bytes <= BODIES_BYTES) && (ownOthers === 0 || ownOthers + bytes <= ACCOUNT_BODIES_BYTES);
}

/** What a request has taken is free again. */
export function release(request: Request): void {
  const room = taken.get(request);
  if (!room) return;
  taken.delete(request);
  takenInAll -= room.bytes;
  const rest = (takenBy.get(room.account) ?? 0) - room.bytes;
  if (rest > 0) takenBy.set(room.account, rest);
  else takenBy.delete(room.account);
}

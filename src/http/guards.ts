/** Guards return who has passed, or throw a problem. */
import type { Operator } from "../audit/store.ts";
import { digestOf, sameText } from "../keys/key.ts";
import { MEMORY_THINGS } from "../limits.ts";
import { log } from "../platform/log.ts";
import { Memory } from "../platform/memory.ts";
import { problem } from "../problem.ts";
import { beyond } from "./account-limit.ts";
import { networkOf } from "./address.ts";
import type { Call } from "./route.ts";
import { sessionOf } from "./session.ts";

/** Addresses that have guessed the operator's token too often, and until when they are refused. */
const guessers = new Memory<number>(MEMORY_THINGS);

/**
 * The operator's token, or the session that it was exchanged for. It is compared by digest so that neither length nor content shows in
 * the time it takes. Wrong ones are logged and counted by address; from one that guesses on, no token is looked at until its time is
 * over.
 */
export async function mustBeOperator(call: Pick<Call, "request" | "config" | "requestId" | "ports" | "accountMeter">): Promise<Operator> {
  const { request, config, requestId } = call;
  const from = networkOf(request); // where it is not known all callers count as one
  const now = call.ports.clock.now();
  const refusedUntil = guessers.get(from, now);
  if (refusedUntil !== undefined) throw beyond("adminGuesses", refusedUntil - now);
  const session = await sessionOf(request, config, now);
  if (session?.kind === "operator") return { via: session.name === null ? "session" : "access", name: session.name };
  const token = /^Bearer\s+(\S+)\s*$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? "";
  if (sameText(await digestOf(token), await digestOf(config.adminToken))) return { via: "token", name: null };
  if (token !== "") {
    log("admin_token_refused", { request_id: requestId, from });
    const retryAfterMs = await call.accountMeter(`operator ${from}`, "adminGuesses");
    if (retryAfterMs > 0) {
      guessers.set(from, now + retryAfterMs, now + retryAfterMs);
      throw beyond("adminGuesses", retryAfterMs);
    }
  }
  throw problem("invalid_admin_token", {
    detail: "Operator's calls need the deployment's token: Authorization: Bearer <ADMIN_TOKEN>.",
    headers: { "WWW-Authenticate": 'Bearer realm="claimcheck-admin"' },
  });
}

/** The guard for the limits of an account as a whole. */
import type { AccountLimit } from "../keys/account-limit.ts";
import { ACCOUNT_LIMITS } from "../limits.ts";
import { type Problem, problem } from "../problem.ts";
import type { Call } from "./route.ts";

const WHAT = {
  webhookTests: "test pings",
  linkReads: "reads by link",
  adminGuesses: "guesses of the admin token",
} as const satisfies Record<AccountLimit, string>;

/** Takes one permit of the account. Throws 429 with `Retry-After` if there is none. */
export async function mayTake({ accountMeter }: Pick<Call, "accountMeter">, accountId: string, limit: AccountLimit): Promise<void> {
  const retryAfterMs = await accountMeter(accountId, limit);
  if (retryAfterMs > 0) throw beyond(limit, retryAfterMs);
}

/** The refusal of what comes before there is a permit. */
export function beyond(limit: AccountLimit, retryAfterMs: number): Problem {
  const { most, spanMs } = ACCOUNT_LIMITS[limit];
  return problem("rate_limited", {
    detail: `${limit === "adminGuesses" ? "One address" : "An account"} may make at most ${most} ${WHAT[limit]} ${spanMs === 1_000 ? "a second" : "a minute"}.`,
    headers: { "Retry-After": String(Math.ceil(retryAfterMs / 1_000)) },
  });
}

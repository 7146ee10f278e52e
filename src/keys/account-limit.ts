/**
 * PURE, except for what it remembers. Limits of an account as a whole, for calls that no key's limit bounds: a link needs no
 * key, and a test ping makes us call somebody else's server. They count as a key's gate does.
 */
import { ACCOUNT_LIMITS } from "../limits.ts";
import { type Bucket, UNUSED, takePermit } from "./gcra.ts";

export type AccountLimit = keyof typeof ACCOUNT_LIMITS;

export class AccountMeter {
  readonly #now: () => number;
  readonly #buckets = new Map<AccountLimit, Bucket>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes one permit. Returns 0; if there is none, in how many ms there will be one. */
  take(limit: AccountLimit): number {
    const { most, spanMs } = ACCOUNT_LIMITS[limit];
    const scale = spanMs / 1_000; // a bucket refills in one of its seconds; here such a second lasts a span
    const { taken, bucket, nextMs } = takePermit(this.#buckets.get(limit) ?? UNUSED, Math.floor(this.#now() / scale), most);
    this.#buckets.set(limit, bucket);
    return taken ? 0 : Math.max(1, nextMs * scale);
  }
}

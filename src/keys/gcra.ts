/**
 * PURE. The generic cell rate algorithm (ITU-T I.371) in its leaky-bucket form: how much of the bucket is used, and when
 * that was so. Exactly `perSecond` requests pass at once, then one more each 1000 / perSecond ms; an idle second empties
 * it, so its state may be forgotten. All in whole numbers: a timestamp is too large a number to add thirds of a ms to.
 */

const BURST_MS = 1_000;
/** What one request uses: thousandths of a permit, of which each ms gives `perSecond` back. */
const PERMIT = 1_000;
/** Turns are told this far ahead; all who are refused beyond that are told the last. Clients follow up to a minute. */
export const TURNS_MS = 30_000;

export interface Bucket {
  /** Thousandths of a permit. */
  readonly used: number;
  readonly at: number;
  /** What would be used if all who were refused had been given the turn that they were told; never less than `used`. */
  readonly told: number;
}

export const UNUSED: Bucket = { used: 0, at: 0, told: 0 };

export interface Permit {
  readonly taken: boolean;
  /** The bucket afterwards. */
  readonly bucket: Bucket;
  /** Permits left at this moment. */
  readonly remaining: number;
  /** Until the bucket is full again. */
  readonly resetMs: number;
  /** Until the next permit; 0 if this one was taken. */
  readonly nextMs: number;
  /** Until a turn that no other refused caller was told, up to TURNS_MS; 0 if this permit was taken. */
  readonly retryAfterMs: number;
}

/** Asks a bucket for one permit; `now` in whole ms. A limit that was lowered meanwhile counts as used up, not as overdrawn. */
export function takePermit(bucket: Bucket, now: number, perSecond: number): Permit {
  const most = BURST_MS * perSecond;
  const before = Math.min(most, Math.max(0, bucket.used - Math.max(0, now - bucket.at) * perSecond));
  const taken = before + PERMIT <= most;
  const used = taken ? before + PERMIT : before;
  const toldBefore = Math.max(before, bucket.told - Math.max(0, now - bucket.at) * perSecond);
  const told = taken ? Math.max(used, toldBefore) : Math.min(toldBefore + PERMIT, most + TURNS_MS * perSecond);
  return {
    taken,
    bucket: { used, at: Math.max(bucket.at, now), told },
    remaining: Math.floor((most - used) / PERMIT),
    resetMs: used / perSecond,
    nextMs: taken ? 0 : (before + PERMIT - most) / perSecond,
    retryAfterMs: taken ? 0 : (told - most) / perSecond,
  };
}

/**
 * PURE. The generic cell rate algorithm (ITU-T I.371) in its virtual-scheduling form: one number per bucket, the
 * theoretical arrival time of the next request. Exactly `perSecond` requests pass at once, then one more each
 * 1000 / perSecond ms; an idle second refills the bucket, so its state may be forgotten.
 */

const BURST_MS = 1_000;
/** Sums of fractions such as 1000/30 must not refuse the last permit of a burst. */
const EPSILON_MS = 1e-6;

export interface Permit {
  readonly taken: boolean;
  /** The bucket's state afterwards; unchanged where nothing was taken. */
  readonly arrival: number;
  /** Permits left at this moment. */
  readonly remaining: number;
  /** Until the bucket is full again. */
  readonly resetMs: number;
  /** Until the next permit; 0 where this one was taken. */
  readonly retryAfterMs: number;
}

/** Asks a bucket for one permit. `arrival` is what the last call returned, or 0; times in ms. */
export function takePermit(arrival: number, now: number, perSecond: number): Permit {
  const interval = BURST_MS / perSecond;
  const from = Math.max(arrival, now);
  const next = from + interval;
  const taken = next - now <= BURST_MS + EPSILON_MS;
  const after = taken ? next : from;
  return {
    taken,
    arrival: taken ? next : arrival,
    remaining: Math.max(0, Math.floor((BURST_MS - (after - now) + EPSILON_MS) / interval)),
    resetMs: Math.max(0, after - now),
    retryAfterMs: taken ? 0 : next - now - BURST_MS,
  };
}

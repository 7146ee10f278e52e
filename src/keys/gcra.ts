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

/** What is asked of a bucket; one permit by default. */
export interface Wanted {
  /** Permits that are used at once. */
  readonly now?: number;
  /** Permits that will be used later, beside those. */
  readonly later?: number;
  /** Permits that others were given for later and have neither used nor given back: they count, and don't leak. */
  readonly reserved?: number;
  /** Until the first of those lapses. */
  readonly reservedMs?: number;
  /** Turns to be told to those who get none. */
  readonly turns?: number;
  /** Whether turns are wanted also where the last permits are given: for those who come after them. */
  readonly ahead?: boolean;
}

export interface Permit {
  readonly taken: boolean;
  /** Permits given to be used at once. */
  readonly count: number;
  /** Permits given for later; none unless all that were wanted at once were given. */
  readonly later: number;
  /** The bucket afterwards, without what is reserved. */
  readonly bucket: Bucket;
  /** Permits left at this moment. */
  readonly remaining: number;
  /** Until the bucket is full again. */
  readonly resetMs: number;
  /** Until the next permit; 0 if any is left. */
  readonly nextMs: number;
  /** Turns that are to be told. */
  readonly turns: number;
  /** Until the first of them, up to TURNS_MS: no other refused caller was told it. */
  readonly retryAfterMs: number;
}

/** Asks a bucket for permits; `now` in whole ms. A limit that was lowered meanwhile counts as used up, not as overdrawn. */
export function takePermit(bucket: Bucket, now: number, perSecond: number, wanted: Wanted = {}): Permit {
  const { reserved = 0, reservedMs = 0, turns: wantedTurns = 1, ahead = false } = wanted;
  const most = BURST_MS * perSecond;
  const leaked = Math.max(0, now - bucket.at) * perSecond;
  const before = Math.min(most, Math.max(0, bucket.used - leaked));
  const full = Math.min(most, before + reserved * PERMIT);
  const left = Math.floor((most - full) / PERMIT);
  const given = Math.min(wanted.now ?? 1, left);
  const later = Math.min(wanted.later ?? 0, left - given);
  const remaining = left - given - later;
  const used = before + given * PERMIT;
  const fullThen = full + (given + later) * PERMIT;
  const toldBefore = Math.max(fullThen, bucket.told - leaked);
  const turns = given === 0 ? wantedTurns : ahead && remaining === 0 ? wantedTurns - given : 0;
  const lacking = fullThen + PERMIT - most;
  const leaking = used + later * PERMIT; // what is reserved does not leak until it lapses
  return {
    taken: given > 0,
    count: given,
    later,
    bucket: { used, at: Math.max(bucket.at, now), told: Math.min(toldBefore + turns * PERMIT, most + TURNS_MS * perSecond) },
    remaining,
    resetMs: fullThen / perSecond,
    nextMs: remaining > 0 ? 0 : lacking <= leaking ? lacking / perSecond : reservedMs + PERMIT / perSecond,
    turns,
    retryAfterMs: turns === 0 ? 0 : Math.min(toldBefore + PERMIT - most, TURNS_MS * perSecond) / perSecond,
  };
}

/** A bucket in which permits that were reserved count as used, all of them at `at`: the latest that they can have been. */
export function settle(bucket: Bucket, at: number, permits: number, perSecond: number): Bucket {
  const since = Math.max(bucket.at, at);
  const before = Math.max(0, bucket.used - (since - bucket.at) * perSecond);
  const used = Math.min(BURST_MS * perSecond, before + permits * PERMIT);
  return { used, at: since, told: Math.max(used, bucket.told - (since - bucket.at) * perSecond) };
}

/** A bucket of which so many turns were told to nobody. */
export function untell(bucket: Bucket, turns: number): Bucket {
  return { ...bucket, told: Math.max(bucket.used, bucket.told - turns * PERMIT) };
}

/** When the nth of several turns is, if the first is after `firstMs`: one an interval, and all the last ones together. */
export function turnMs(firstMs: number, nth: number, perSecond: number): number {
  return Math.min(TURNS_MS, firstMs + (nth * 1_000) / perSecond);
}

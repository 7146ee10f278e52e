/** PURE. Why a queued inference waits, and for how long it probably will. */

export const WAIT_REASONS = ["position", "concurrency", "backend_down", "retry_backoff", "scheduled"] as const;
export type WaitReason = (typeof WAIT_REASONS)[number];

/** Why an inference waits, and for how long it will by the measured run times. Null where nothing is measured. */
export interface Wait {
  readonly on: WaitReason;
  /** How many go before it; null while it backs off. At most POSITION_MAX. */
  readonly ahead: number | null;
  /** Until its start; null where it can't be told. */
  readonly estimatedMs: number | null;
}

/** What the wait is reckoned from: the state of the lane at the moment of asking. */
export interface LaneState {
  readonly ahead: number;
  /** Slots of the backends that take work. */
  readonly capacity: number;
  readonly freeSlots: number;
  readonly meanRunMs: number | null;
}

/** Why an inference waits that is not to begin before a time: its client wanted it so, or an attempt has failed. */
export const delayedBy = (attempt: number) => (attempt === 0 ? "scheduled" : "retry_backoff");

/** Reckons the wait of a queued inference that has had so many attempts. `now` and `notBefore` by one clock. */
export function waitOf(lane: LaneState, notBefore: number | null, now: number, attempt: number): Wait {
  const rounds = lane.capacity > 0 ? Math.max(0, lane.ahead + 1 - lane.freeSlots) / lane.capacity : null;
  const inLine = rounds === 0 ? 0 : rounds === null || lane.meanRunMs === null ? null : Math.ceil(rounds * lane.meanRunMs);
  if (notBefore !== null)
    return { on: delayedBy(attempt), ahead: null, estimatedMs: inLine === null ? null : Math.max(0, notBefore - now) + inLine };
  if (lane.capacity === 0) return { on: "backend_down", ahead: lane.ahead, estimatedMs: null };
  return { on: lane.ahead > 0 ? "position" : "concurrency", ahead: lane.ahead, estimatedMs: inLine };
}

/** With no fault left nothing may stand still, nothing may be overdue, and no request may wait for what is there. */
import { CANCEL_LOOK_MS } from "../../../src/limits.ts";
import type { Gpus } from "../outside/gpu.ts";
import type { Schedule } from "../schedule.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Waiter } from "./lives.ts";
import type { Model } from "./model.ts";

/** With no fault left, a lane with work and a free backend may stand still for this long. */
const IDLE_MOST_MS = 6_000;
/**
 * Where a request waits for what is first in line, only until that looks: every WAITER_LOOK_MAX_MS, or, once it is told of its turn,
 * until a pass of the sweep finds the lane neglected, WAKE_UP_LOST_MS after its slot fell free.
 */
const FRONT_IDLE_MOST_MS = 4_000;
/** Who holds a slot calls its backend this long after the claim, or after a request that waits has looked. */
const UNUSED_MOST_MS = 2_000;
/** Who holds a slot says how its attempt ended this long after its call has. */
const UNRECORDED_MOST_MS = 5_000;
/** A runner gives back the slot of what was canceled when its next look has told it. */
const KEPT_MOST_MS = CANCEL_LOOK_MS + 2_000;
/** A request that waits ends this long after its client is gone, or after the end, of which its next look tells it. */
const LEFT_MOST_MS = 2_000;
const ANSWERED_MOST_MS = CANCEL_LOOK_MS + 2_000;
/** So long after the last fault nobody waits for what hangs any more: DATABASE_MS, BUCKET_MS and the pauses between. */
const SETTLED_MS = 30_000;
/** So long after it, nothing that nobody waits for takes effect any more, such as a claim. */
const STALLS_MS = 62_000;
/** What the sweep must have dealt with this long after its time. */
const OVERDUE_MOST_MS = 2_000;
/** A delivery is tried this long after it is due: the cron wakes the sweep once a minute, and others may have to end first. */
const DELIVERY_LATE_MOST_MS = 180_000;

export interface CalmWorld {
  readonly schedule: Schedule;
  readonly model: Model;
  readonly gpus: Gpus;
  readonly deliveries: Deliveries;
  readonly waiters: ReadonlyMap<Waiter, { readonly job: number; readonly beganAt: number }>;
  /** No call goes wrong any more, nor any part. */
  isCalm(): boolean;
  violate(rule: string, detail: string): void;
}

export class Calm {
  readonly #world: CalmWorld;
  readonly #idleSince = new Map<string, number>();
  readonly #frontIdleSince = new Map<Waiter, number>();
  /** Of calls that have ended, by inference and attempt, since when. */
  readonly #endedSince = new Map<string, number>();
  #passes = 0;
  /** From then on nothing hangs that hung while there were faults. */
  #settledAt = Infinity;
  /** Since when time has passed without a leap. */
  #steadySince = -Infinity;

  constructor(world: CalmWorld) {
    this.#world = world;
  }

  /** The faults have ended, or there were none. */
  begin(): void {
    this.#settledAt = Math.min(this.#settledAt, this.#world.schedule.now + SETTLED_MS);
  }

  /** There never was a fault. */
  beginAtOnce(): void {
    this.#settledAt = 0;
  }

  /** There are faults again. */
  end(): void {
    this.#passes = 0;
    this.#settledAt = Infinity;
  }

  /** Time has leapt. */
  leapt(): void {
    this.#steadySince = this.#world.schedule.now;
  }

  /**
   * Lanes that stand idle. One may for a moment until a request that waits for its first looks again, and for longer
   * where a wake-up is lost, until a pass of the sweep notices; one that ceased to meanwhile has not stood idle for long.
   */
  judgeIdle(isSwept: boolean): void {
    if (!this.#world.isCalm() || this.#passes < 3) return;
    const { now } = this.#world.schedule;
    const idle = this.#world.model.waiting.idleLanes(now);
    const lanes = new Set(idle.map(({ lane }) => lane));
    const fronts = new Set(idle.map(({ waiter }) => waiter));
    for (const lane of this.#idleSince.keys()) if (!lanes.has(lane)) this.#idleSince.delete(lane);
    for (const front of this.#frontIdleSince.keys()) if (!fronts.has(front)) this.#frontIdleSince.delete(front);
    for (const { lane, waiter } of idle) {
      const since = this.#idleSince.get(lane) ?? now;
      if (isSwept) this.#idleSince.set(lane, since);
      if (now - since > IDLE_MOST_MS) this.#world.violate("no slot idle while work waits", `${lane}, for ${now - since} ms`);
      if (waiter === null || now < this.#settledAt) continue;
      const lookedAt = this.#frontIdleSince.get(waiter) ?? now;
      this.#frontIdleSince.set(waiter, lookedAt);
      if (now - lookedAt > FRONT_IDLE_MOST_MS)
        this.#world.violate("a request takes its turn", `${lane}, first in line for ${now - lookedAt} ms`);
    }
  }

  /** With no fault left, nothing may stand still, and nothing may be overdue. */
  judgePass(): void {
    this.#world.model.calls.judgeZombies(this.#world.gpus.live);
    if (!this.#world.isCalm() || ++this.#passes < 3) return;
    const { now } = this.#world.schedule;
    for (const { job, row } of this.#world.model.waiting.overdue(now - OVERDUE_MOST_MS)) {
      this.#world.violate("acted on in time", `#${job} is ${row.status}, and was due ${now - (row.dueAt ?? 0)} ms ago`);
    }
    for (const { event, url, dueAt } of this.#world.deliveries.overdue(now - DELIVERY_LATE_MOST_MS)) {
      const late = now - Math.max(dueAt ?? 0, this.#steadySince);
      if (late > DELIVERY_LATE_MOST_MS) this.#world.violate("delivered in time", `${event} for ${url} was due ${late} ms ago`);
    }
    const stallsEndAt = this.#settledAt + STALLS_MS - SETTLED_MS;
    for (const { job, row, canceledAt } of this.#world.model.waiting.keptSlots(stallsEndAt, now - KEPT_MOST_MS)) {
      this.#world.violate("no slot held unused", `#${job} was canceled ${now - (canceledAt ?? now)} ms ago and is held under ${row.lease}`);
    }
    for (const { job, row } of this.#world.model.waiting.unusedSlots(stallsEndAt, now - UNUSED_MOST_MS)) {
      this.#world.violate("no slot held unused", `#${job} was claimed ${now - (row.startedAt ?? 0)} ms ago under ${row.lease}`);
    }
    this.#judgeUnrecorded(stallsEndAt);
    this.judgeIdle(true);
    this.#judgeWaiting();
  }

  /** An attempt whose call has ended does not go on. */
  #judgeUnrecorded(since: number): void {
    const { now } = this.#world.schedule;
    const unrecorded = new Map(this.#world.model.waiting.unrecorded(since).map((life) => [`${life.job} ${life.row.attempt}`, life]));
    for (const name of this.#endedSince.keys()) if (!unrecorded.has(name)) this.#endedSince.delete(name);
    for (const [name, { job, row }] of unrecorded) {
      const endedAt = this.#endedSince.get(name) ?? now;
      this.#endedSince.set(name, endedAt);
      if (now - endedAt > UNRECORDED_MOST_MS)
        this.#world.violate("an end is recorded", `the call of #${job} under ${row.lease} ended ${now - endedAt} ms ago`);
    }
  }

  /** A request that waits is answered once there is an answer, and one whose client is gone does not go on. */
  #judgeWaiting(): void {
    const { now } = this.#world.schedule;
    for (const [{ goneAt, lease, isolate }, { job, beganAt }] of this.#world.waiters) {
      const since = goneAt ?? this.#world.model.finalSince(job);
      const most = goneAt === null ? ANSWERED_MOST_MS : LEFT_MOST_MS;
      const late = since === null ? 0 : now - Math.max(since, beganAt, this.#settledAt) - most;
      if (late > 0) this.#world.violate("a request that waits is answered", `#${job} on ${isolate.name}, under ${lease}, ${late} ms late`);
    }
  }
}

/**
 * The leases of one runner invocation. All that it holds is renewed every LEASE_RENEW_MS in one statement, on a task of
 * its own, however busy the runners are. What the renewal does not bring back is lost (canceled, or taken over): its
 * signal is aborted, which closes the connection to the backend. Between renewals, a read every CANCEL_LOOK_MS finds what was
 * canceled, so that a model does not work on for nobody; what has run for less is not read. A lease that is not renewed in time is let go
 * LEASE_MARGIN_MS before it lapses, whatever the renewal still waits for, so that a backend is never called by two
 * runners for one slot. That is measured by a timer, since a clock may be set.
 */
import { logError } from "../platform/log.ts";
import { CANCEL_LOOK_MS, LEASE_MARGIN_MS, LEASE_MS, LEASE_RENEW_MS } from "../limits.ts";
import type { Ports } from "../ports.ts";
import type { Fence } from "./sql/record.ts";
import { canceledLeases, renewLeases } from "./sql/claim.ts";

const RETRY_RENEWAL_MS = 1_000;

interface HeldLease {
  readonly fence: Fence;
  readonly stop: AbortController;
  /** By the isolate's clock. */
  readonly takenAt: number;
  /** Calls off the timer that lets go of it. */
  unguard: () => void;
  /** When that timer fires, by the clock. */
  until: number;
}

export class Leases {
  /** The runner invocation's name in every row it holds. */
  readonly lease: string;
  readonly #ports: Pick<Ports, "db" | "clock">;
  readonly #held = new Map<string, HeldLease>();
  #renewing = false;
  #looking = false;

  constructor(ports: Pick<Ports, "db" | "clock">, lease: string) {
    this.#ports = ports;
    this.lease = lease;
  }

  /** Takes charge of a claim that was asked for at `askedAt`; the signal tells when to let go of it. */
  take(fence: Fence, askedAt: number): AbortSignal {
    const held = { fence, stop: new AbortController(), takenAt: this.#ports.clock.now(), unguard: () => {}, until: askedAt };
    this.#held.set(nameOf(fence), held);
    this.#guard(held, askedAt);
    if (!this.#renewing) void this.#renewLoop();
    return held.stop.signal;
  }

  /** Whether its runner still holds the lease. */
  has(fence: Fence): boolean {
    return this.#held.has(nameOf(fence));
  }

  /**
   * Whether a call may begin under the lease: to be asked right before one. An isolate that stood still goes on with what it
   * was about to do before any of its timers tells it that its lease is gone.
   */
  mayCall(fence: Fence): boolean {
    const held = this.#held.get(nameOf(fence));
    if (held && this.#ports.clock.now() >= held.until) this.#lose(held);
    return this.has(fence);
  }

  release(fence: Fence): void {
    this.#held.get(nameOf(fence))?.unguard();
    this.#held.delete(nameOf(fence));
  }

  /** Goes on over moments in which nothing is held, so that one lease after the other costs no new timer. */
  async #renewLoop(): Promise<void> {
    const { clock } = this.#ports;
    this.#renewing = true;
    for (let left = LEASE_RENEW_MS; this.#held.size > 0;) {
      const pause = Math.min(left, CANCEL_LOOK_MS);
      const since = clock.now();
      await clock.sleep(pause);
      left -= Math.max(pause, clock.now() - since);
      if (left <= 0) left = await this.#renew();
      else if (!this.#looking) void this.#look(); // not waited for: a database that stalls must not hold up a renewal
    }
    this.#renewing = false;
  }

  /** Lets go of what was canceled. Never throws: what it does not find, the renewal will. */
  async #look(): Promise<void> {
    const { clock, db } = this.#ports;
    const asked = [...this.#held.values()].filter(({ takenAt }) => clock.now() - takenAt >= CANCEL_LOOK_MS);
    if (asked.length === 0) return;
    this.#looking = true;
    try {
      const canceled = await canceledLeases(
        db,
        this.lease,
        asked.map(({ fence }) => fence),
      );
      for (const held of asked) if (canceled.has(nameOf(held.fence))) this.#lose(held);
    } catch (error) {
      logError("cancels_not_looked_for", error, { lease: this.lease, held: asked.length });
    } finally {
      this.#looking = false;
    }
  }

  /** Returns when to renew next, in ms. */
  async #renew(): Promise<number> {
    const { clock, db } = this.#ports;
    const asked = [...this.#held.values()];
    if (asked.length === 0) return LEASE_RENEW_MS;
    const askedAt = clock.now();
    try {
      const renewed = await renewLeases(
        db,
        this.lease,
        asked.map(({ fence }) => fence),
      );
      for (const held of asked) {
        if (!renewed.has(nameOf(held.fence))) this.#lose(held);
        else if (this.#holds(held)) this.#guard(held, askedAt);
      }
      return Math.min(LEASE_RENEW_MS, Math.max(RETRY_RENEWAL_MS, askedAt + LEASE_RENEW_MS - clock.now()));
    } catch (error) {
      logError("leases_not_renewed", error, { lease: this.lease, held: asked.length });
      return RETRY_RENEWAL_MS;
    }
  }

  /** Counts from before the write that granted the lease. */
  #guard(held: HeldLease, askedAt: number): void {
    const { clock } = this.#ports;
    held.unguard();
    const most = LEASE_MS - LEASE_MARGIN_MS;
    held.until = askedAt + most;
    const left = Math.min(most, Math.max(0, held.until - clock.now()));
    if (left === 0) return this.#lose(held); // the answer took so long that its lease may have lapsed: not one call under it
    held.unguard = clock.after(left, () => this.#lose(held));
  }

  #holds(held: HeldLease): boolean {
    return this.#held.get(nameOf(held.fence)) === held;
  }

  #lose(held: HeldLease): void {
    if (!this.#holds(held)) return;
    this.release(held.fence);
    held.stop.abort();
  }
}

function nameOf(fence: Fence): string {
  return `${fence.accountId}/${fence.id}/${fence.attempt}`;
}

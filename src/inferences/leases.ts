/**
 * The leases of one runner invocation. All that it holds is renewed every LEASE_RENEW_MS in one statement, on a task of
 * its own, however busy the runners are. What the renewal does not bring back is lost (cancelled, or taken over): its
 * signal is aborted, which closes the connection to the backend. A lease that could not be renewed in time is let go
 * before it lapses, so that a backend is never called by two runners for one slot.
 */
import { logError } from "../log.ts";
import { LEASE_MARGIN_MS, LEASE_MS, LEASE_RENEW_MS } from "../numbers.ts";
import type { Ports } from "../ports.ts";
import { type Hold, renewLeases } from "./store.ts";

const RETRY_RENEWAL_MS = 1_000;

interface Held {
  readonly hold: Hold;
  readonly letGo: AbortController;
  /** By this isolate's clock, counted from before the write that granted it. */
  lapsesAt: number;
}

export class Leases {
  /** The runner invocation's name in every row it holds. */
  readonly lease: string;
  readonly #ports: Pick<Ports, "db" | "clock">;
  readonly #held = new Map<string, Held>();
  #wake = new AbortController();
  #renewing = false;

  constructor(ports: Pick<Ports, "db" | "clock">, lease: string) {
    this.#ports = ports;
    this.lease = lease;
  }

  /** Takes charge of a claim that was asked for at `askedAt`; the signal tells when to let go of it. */
  take(hold: Hold, askedAt: number): AbortSignal {
    const letGo = new AbortController();
    this.#held.set(nameOf(hold), { hold, letGo, lapsesAt: askedAt + LEASE_MS });
    if (!this.#renewing) void this.#renewLoop();
    return letGo.signal;
  }

  /** Whether the hold may still write. */
  has(hold: Hold): boolean {
    return this.#held.has(nameOf(hold));
  }

  release(hold: Hold): void {
    this.#held.delete(nameOf(hold));
    if (this.#held.size === 0) this.#wake.abort();
  }

  async #renewLoop(): Promise<void> {
    this.#renewing = true;
    let pause = LEASE_RENEW_MS;
    while (this.#held.size > 0) {
      await this.#ports.clock.sleep(pause, this.#wake.signal);
      this.#wake = new AbortController();
      if (this.#held.size === 0) break;
      pause = (await this.#renew()) ? LEASE_RENEW_MS : RETRY_RENEWAL_MS;
    }
    this.#renewing = false;
  }

  async #renew(): Promise<boolean> {
    const { clock, db } = this.#ports;
    const asked = [...this.#held.values()];
    const askedAt = clock.now();
    try {
      const kept = await renewLeases(
        db,
        this.lease,
        asked.map(({ hold }) => hold),
      );
      for (const held of asked) {
        if (kept.has(nameOf(held.hold))) held.lapsesAt = askedAt + LEASE_MS;
        else this.#lose(held);
      }
      return true;
    } catch (error) {
      logError("leases_not_renewed", error, { lease: this.lease, held: asked.length });
      const now = clock.now();
      for (const held of asked) if (held.lapsesAt - LEASE_MARGIN_MS <= now) this.#lose(held);
      return false;
    }
  }

  #lose(held: Held): void {
    if (this.#held.get(nameOf(held.hold)) !== held) return;
    this.release(held.hold);
    held.letGo.abort();
  }
}

function nameOf(hold: Hold): string {
  return `${hold.accountId}/${hold.id}/${hold.attempt}`;
}

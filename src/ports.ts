/**
 * The one seam between the flows and the platform. Everything outside that a flow uses comes through here, so a
 * simulator can stand on the other side; in production it is the bindings.
 */
import type { Fetch } from "./backends/backend.ts";
import type { Bucket } from "./inferences/payloads.ts";
import type { Lane } from "./inferences/store.ts";
import { SWEEP_POKE_MS } from "./numbers.ts";
import { type Database, d1 } from "./sql.ts";

export interface Ports {
  readonly db: Database;
  readonly payloads: Bucket;
  /** Says that there may be work; a hint that may be lost, doubled or late. */
  wake(lanes: readonly Lane[]): Promise<void>;
  /** Sees to it that the sweep is ticking. */
  armSweep(): Promise<void>;
  readonly fetch: Fetch;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly randomBytes: (count: number) => Uint8Array;
}

export interface Clock {
  /** In ms; for spans of time within one isolate. What is durable is timed by the database. */
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const SWEEP_NAME = "sweep";

let sweepPokedAt = -Infinity; // once per isolate and SWEEP_POKE_MS; the sweep ticks on for longer than that by itself

export function portsOf(env: Env): Ports {
  return {
    db: d1(env.DB),
    payloads: env.PAYLOADS,
    async wake(lanes) {
      if (lanes.length === 1 && lanes[0]) await env.WAKE_UPS.send(lanes[0]);
      else if (lanes.length > 1) await env.WAKE_UPS.sendBatch(lanes.map((body) => ({ body })));
    },
    async armSweep() {
      const now = Date.now();
      if (now - sweepPokedAt < SWEEP_POKE_MS) return;
      sweepPokedAt = now;
      try {
        await env.SWEEP.getByName(SWEEP_NAME).arm();
      } catch (error) {
        sweepPokedAt = -Infinity;
        throw error;
      }
    },
    fetch: (url, init) => fetch(url, init),
    clock: { now: () => Date.now(), sleep },
    random: () => Math.random(),
    randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  };
}

/** Ends after `ms`, or at once when the signal is aborted; never rejects. */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
    signal?.addEventListener("abort", done);
  });
}

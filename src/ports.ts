/**
 * The one seam between the flows and the platform. Everything outside that a flow uses comes through here, so a
 * simulator can stand on the other side; in production it is the bindings, each within a time limit.
 */
import { type Bucket, type Uploads, r2, r2Uploads } from "./bucket.ts";
import type { Fetch, Outside } from "./backends/backend.ts";
import type { Lane } from "./inferences/lane.ts";
import type { Verdict } from "./keys/gate.ts";
import type { Scope } from "./keys/key.ts";
import { Memory } from "./memory.ts";
import { COURIERS_TOLD_AT_ONCE, DATABASE_MS, GATE_MS, MEMORY_THINGS, QUEUE_BATCH, QUEUE_MS, SWEEP_POKE_MS } from "./numbers.ts";
import { ask, askAgain } from "./platform.ts";
import { type Database, d1 } from "./sql.ts";

export interface Ports {
  readonly db: Database;
  readonly payloads: Bucket;
  readonly uploads: Uploads;
  /** Says that there may be work; a hint that may be lost, doubled or late. */
  wake(lanes: readonly Lane[]): Promise<void>;
  /** Sees to it that the sweep is ticking. */
  armSweep(): Promise<void>;
  /** Says that these accounts may have deliveries to be sent; a hint like a wake-up. */
  deliver(accountIds: readonly string[]): Promise<void>;
  readonly gate: GatePort;
  /** To GPU servers: through the deployment's own network, where it has one. */
  readonly fetch: Fetch;
  /** To what customers name: never through a network of ours. */
  readonly internet: Outside;
  /** See Outside. */
  readonly forms?: Memory<boolean>;
  /** A secret of the deployment for a backend, by its name; null where it is not set. */
  readonly secret: (name: string) => string | null;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly randomBytes: (count: number) => Uint8Array;
}

export interface GatePort {
  admit(keyId: string, digest: string, scope: Scope): Promise<Verdict>;
  /** What the gate knows of its key is out of date. */
  forget(keyId: string): Promise<void>;
}

export interface Clock {
  /** In ms; for spans of time within one isolate. What is durable is timed by the database. */
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Runs something after `ms`, unless what is returned is called before. */
  after(ms: number, run: () => void): () => void;
  /** Aborted after `ms`. */
  timeout(ms: number): AbortSignal;
}

export const SWEEP_NAME = "sweep";

/** An account's couriers are numbered from 0; the first is told of deliveries, and calls the next when it has its hands full. */
export function courierName(accountId: string, number: number): string {
  return `${accountId}/${number}`;
}

let sweepPokedAt = -Infinity; // once per isolate and SWEEP_POKE_MS; the sweep ticks on for longer than that by itself
const forms = new Memory<boolean>(MEMORY_THINGS);

/** A binding that a deployment may have: the private network in which its GPU servers are. */
interface Private {
  readonly GPU_NETWORK?: { readonly fetch: Fetch };
}

export function portsOf(env: Env & Private): Ports {
  const secrets: Readonly<Record<string, unknown>> = { ...env };
  const network = env.GPU_NETWORK;
  const clock: Clock = { now: () => Date.now(), sleep, after, timeout: (ms) => AbortSignal.timeout(ms) };
  const openly: Fetch = (url, init) => fetch(url, init);
  return {
    db: d1(env.DB, DATABASE_MS),
    payloads: r2(env.PAYLOADS),
    uploads: r2Uploads(env.PAYLOADS),
    async wake(lanes) {
      for (let sent = 0; sent < lanes.length; sent += QUEUE_BATCH) {
        const batch = lanes.slice(sent, sent + QUEUE_BATCH).map((body) => ({ body }));
        await ask("queue", QUEUE_MS, () => env.WAKE_UPS.sendBatch(batch));
      }
    },
    async armSweep() {
      const now = Date.now();
      if (now - sweepPokedAt < SWEEP_POKE_MS) return;
      sweepPokedAt = now;
      try {
        await ask("sweep", GATE_MS, () => env.SWEEP.getByName(SWEEP_NAME).arm());
      } catch (error) {
        sweepPokedAt = -Infinity;
        throw error;
      }
    },
    async deliver(accountIds) {
      const tell = (accountId: string) =>
        ask("courier", GATE_MS, () => env.COURIER.getByName(courierName(accountId, 0)).deliver(accountId, 0));
      for (let told = 0; told < accountIds.length; told += COURIERS_TOLD_AT_ONCE) {
        await Promise.all(accountIds.slice(told, told + COURIERS_TOLD_AT_ONCE).map(tell));
      }
    },
    gate: {
      // A new stub each time: one that has thrown stays broken.
      admit: (keyId, digest, scope) =>
        askAgain(() => ask<Verdict>("gate", GATE_MS, async () => env.GATE.getByName(keyId).admit(digest, scope))),
      forget: (keyId) => askAgain(() => ask("gate", GATE_MS, () => env.GATE.getByName(keyId).forget())),
    },
    fetch: network ? (url, init) => network.fetch(url, init) : openly,
    internet: { fetch: openly, clock },
    forms,
    secret: (name) => (typeof secrets[name] === "string" ? secrets[name] : null),
    clock,
    random: () => Math.random(),
    randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  };
}

function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/** Ends after `ms`, or at once when the signal is aborted; never rejects. */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const cancel = after(ms, done);
    function done() {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    }
    signal?.addEventListener("abort", done);
  });
}

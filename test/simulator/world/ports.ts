/** The seam's other side for one actor: what src/entry/bindings.ts is in production. */
import { DATABASE_QUOTA_BYTES, SWEEP_POKE_MS } from "../../../src/limits.ts";
import { askAgain } from "../../../src/platform/unavailable.ts";
import type { Database } from "../../../src/platform/sql.ts";
import type { Ports } from "../../../src/ports.ts";
import type { Way } from "../platform/objects.ts";
import { type Actor, leaseOf, nameOf } from "../rules/lives.ts";
import type { World } from "../world.ts";

const PUBLIC_URL = "https://claimcheck.example.com";

export function portsFor(world: World, actor: Actor, db: Database): Ports {
  const { isolate } = actor;
  const { storage, queue, gate, sweep } = world.parts;
  const trace = (what: string) => world.note(`${nameOf(actor)}: ${what}`);
  const way: Way = { ask: (effect) => storage.ask(isolate, effect, trace), now: () => world.schedule.now, trace };
  return {
    db,
    isolate,
    payloads: world.objects.bucketFor(way),
    uploads: world.objects.uploadsFor(way),
    deliver: async (accountIds) => {
      await Promise.all(accountIds.map((accountId) => world.tellDeliverer(isolate, accountId, 0)));
    },
    wake: async (lanes) => {
      if (lanes.length === 0) return;
      await queue.ask(isolate, () => lanes.forEach((lane) => world.queue.send(lane)), trace);
    },
    armSweep: async () => {
      const now = isolate.clock.now();
      if (now - isolate.pokedAt < SWEEP_POKE_MS) return;
      isolate.pokedAt = now;
      const arm = () =>
        world.within(
          () => world.sweep.isolate,
          () => world.sweep.arm(),
        );
      try {
        await sweep.ask(isolate, arm, trace);
      } catch (error) {
        isolate.pokedAt = -Infinity;
        throw error;
      }
    },
    streams: world.streams.portOf(isolate),
    watch: world.watchObjects.portOf(isolate),
    gate: {
      admit(keyId, digest, scope, asking) {
        const admit = () =>
          world.within(
            () => world.gates.isolate,
            () => world.gates.admit(keyId, digest, scope, asking, isolate.clock),
          );
        return askAgain(() => gate.ask(isolate, admit, trace));
      },
      ended: (keyId, digest, scope) => gate.ask(isolate, () => world.gates.ended(keyId, digest, scope), trace),
      forget: (keyId) => gate.ask(isolate, () => world.gates.forget(keyId), trace),
    },
    fetch: world.gpus.fetchOf(isolate, () => leaseOf(actor)),
    internet: { fetch: world.receivers.fetchOf(isolate), clock: isolate.clock },
    waiting: isolate.waiting,
    publicUrl: world.shape.tellsProgress ? PUBLIC_URL : "",
    progressOrigin: world.shape.tellsProgress ? PUBLIC_URL : "",
    databaseQuotaBytes: DATABASE_QUOTA_BYTES.default,
    secret: (name) => (name === "KEY_SECRET" ? world.secret : null),
    clock: isolate.clock,
    random: () => world.flowRandom.next(),
    randomBytes: (count) => world.flowRandom.bytes(count),
  };
}

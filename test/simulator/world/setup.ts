/** What an operator and the accounts have set up before a seed begins. */
import { accountStatements } from "../../../src/accounts/store.ts";
import { backendStatements } from "../../../src/backends/store.ts";
import { keyStatements } from "../../../src/keys/store.ts";
import { modelStatements } from "../../../src/models/store.ts";
import { sql } from "../../../src/platform/sql.ts";
import { subscriptionStatements } from "../../../src/webhooks/sql/subscriptions.ts";
import { plainModel } from "../../support/models.ts";
import type { Actor } from "../rules/lives.ts";
import type { World } from "../world.ts";

export function setUp(world: World): void {
  const setup: Actor = { kind: "setup", isolate: world.gates.isolate };
  for (const { id, keyId, digest, limits, quotaBytes, retentionSeconds, webhooks } of world.shape.accounts) {
    const scopes = ["submit", "read", "cancel"] as const;
    const key = { accountId: id, id: keyId, digest, name: "key", scopes, limits, expiresAt: null };
    world.transact([accountStatements.insert({ id, name: id }), keyStatements.insert(key)], setup);
    world.transact([sql`UPDATE accounts SET quota_bytes = ${quotaBytes}, retention_seconds = ${retentionSeconds} WHERE id = ${id}`], setup);
    for (const webhook of webhooks) {
      const more = { accountId: id, description: "", origin: "https://claimcheck.example.com" };
      world.transact([subscriptionStatements.insert({ ...webhook, ...more, events: [...webhook.events] })], setup);
    }
  }
  for (const { name, version, accountConcurrency, backends } of world.shape.models) {
    world.model.known.accountCaps.set(name, accountConcurrency);
    world.transact([modelStatements.insert(plainModel(name, version, accountConcurrency))], setup);
    for (const { id, protocol, maxConcurrency, timeoutSeconds } of backends) {
      const url = `http://${id}/`.slice(0, protocol === "http" ? undefined : -1);
      const settings = { id, model: name, version, url, protocol, maxConcurrency, timeoutSeconds };
      world.transact([backendStatements.insert({ ...settings, remoteModel: "model", credential: null, state: "active" })], setup);
    }
  }
  const cron = () => {
    world.schedule.after(60_000, cron);
    if (world.random.chance(world.faults.cronLost)) return;
    void world.within(
      () => world.sweep.isolate,
      () => world.sweep.arm(),
    );
  };
  world.schedule.after(world.random.int(1, 60_000), cron);
}

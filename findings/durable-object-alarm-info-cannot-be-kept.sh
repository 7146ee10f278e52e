#!/usr/bin/env bash
# What a Durable Object's alarm is told of itself looks like a plain object, and can be neither stored, cloned nor handed on.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: `alarm(info)` gets `retryCount`, `isRetry`
# and `scheduledTime` as plain data, which can be stored beside what the alarm did. Seen: JSON and its keys have all three, but
# `storage.put("last", info)`, `structuredClone(info)` and an RPC throw a DataCloneError; in an alarm that is a failure, and so the alarm
# comes again and again. A spread copy of it is stored.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `import { DurableObject } from "cloudflare:workers";
const told = async (work) => { try { await work(); return "taken"; } catch (error) { return error.name; } };
export class Clock extends DurableObject {
  echo(value) { return value; }
  async alarm(info) {
    this.seen = {
      "its keys": Object.keys(info).toSorted().join(),
      "structuredClone": await told(() => structuredClone(info)),
      "storage.put": await told(() => this.ctx.storage.put("last", info)),
      "RPC": await told(() => this.env.CLOCK.getByName("other").echo(info)),
      "storage.put of a copy": await told(() => this.ctx.storage.put("last", { ...info })),
    };
  }
  async look() {
    await this.ctx.storage.setAlarm(Date.now());
    while (!this.seen) await scheduler.wait(20);
    return this.seen;
  }
}
export default { async fetch(request, { CLOCK }) { return Response.json(await CLOCK.getByName("clock").look()); } }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, durableObjects: { CLOCK: { className: "Clock", useSQLite: true } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [what, told] of Object.entries(seen)) console.log(what.padEnd(22), told);
process.exit(Object.values(seen).join() === "isRetry,retryCount,scheduledTime,DataCloneError,DataCloneError,DataCloneError,taken" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

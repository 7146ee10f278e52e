#!/usr/bin/env bash
# An alarm that sets the next one and then throws is not retried: its place is taken, and the next run knows of no failure.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: what a failed handler wrote is undone, or
# stands beside the retry; either way the failed run comes again, with `isRetry` and a `retryCount` of 1, as the documentation of alarms
# has it. Seen: it does without the setAlarm. With it the next run is the one that was set, with `isRetry` false and `retryCount` 0, so a
# handler that counts its failures by these never sees one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `import { DurableObject } from "cloudflare:workers";
export class Alarmed extends DurableObject {
  begin(arms) {
    this.ctx.storage.kv.put("arms", arms);
    return this.ctx.storage.setAlarm(Date.now());
  }
  async alarm({ isRetry, retryCount }) {
    const { kv } = this.ctx.storage;
    const runs = [...(kv.get("runs") ?? []), { isRetry, retryCount }];
    kv.put("runs", runs);
    await this.ctx.storage.sync();
    if (runs.length > 1) return;
    if (kv.get("arms")) await this.ctx.storage.setAlarm(Date.now() + 300);
    throw new Error("this run failed");
  }
  runs() { return this.ctx.storage.kv.get("runs"); }
}
export default { async fetch(request, { ALARMED }) {
  const [plain, armed] = ["plain", "armed"].map((name) => ALARMED.getByName(name));
  await plain.begin(false);
  await armed.begin(true);
  await scheduler.wait(5000);
  return Response.json({ "throws": await plain.runs(), "sets the next one, and throws": await armed.runs() });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, durableObjects: { ALARMED: { className: "Alarmed", useSQLite: true } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [what, runs] of Object.entries(seen)) console.log(what.padEnd(30), JSON.stringify(runs));
const [plain, armed] = Object.values(seen);
process.exit(plain.length === 2 && plain[1].retryCount === 1 && armed.length === 2 && armed[1].retryCount === 0 && !armed[1].isRetry ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

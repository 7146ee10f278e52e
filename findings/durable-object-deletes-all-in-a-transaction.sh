#!/usr/bin/env bash
# `deleteAll` inside `transactionSync` of a Durable Object is not refused, can't be undone, and ends in an internal error.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: `deleteAll()` is refused there, as it is inside
# `transaction` ("Cannot call deleteAll() within a transaction"), or is part of the transaction, so that one that throws keeps everything.
# Seen: the function runs to its end, and `transactionSync` throws an internal error, whether its function has thrown or not. What was
# stored is gone in either case, and a table that was made after the `deleteAll` is there, also of the one that has thrown.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `import { DurableObject } from "cloudflare:workers";
export class Stored extends DurableObject {
  begin() { this.ctx.storage.kv.put("key", "value"); }
  async transaction() {
    await this.ctx.storage.transaction(async () => { await this.ctx.storage.deleteAll(); });
  }
  transactionSync(fails) {
    const { storage } = this.ctx;
    storage.transactionSync(() => {
      storage.deleteAll();
      storage.sql.exec("CREATE TABLE later (x)");
      if (fails) throw new Error("undo this");
    });
  }
  state() {
    const { kv, sql } = this.ctx.storage;
    return { stored: kv.get("key") ?? null, tables: sql.exec("SELECT name FROM sqlite_master WHERE name = 'later'").toArray().length };
  }
}
export default { async fetch(request, { STORED }) {
  const seen = [];
  for (const [method, fails] of [["transaction"], ["transactionSync", false], ["transactionSync", true]]) {
    const object = () => STORED.getByName(method + fails);
    await object().begin();
    const error = await object()[method](fails).then(() => "none", ({ message }) => message.replace(/;.*/, ""));
    seen.push([method + (fails ? " that throws" : ""), error, await object().state()]);
  }
  return Response.json(seen);
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, durableObjects: { STORED: { className: "Stored", useSQLite: true } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [what, error, state] of seen) console.log(`${what}: ${error}; then ${JSON.stringify(state)}`);
const [[, refused, kept], ...sync] = seen;
const isOdd = ([, error, { stored, tables }]) => error === "internal error" && stored === null && tables === 1;
process.exit(/within a transaction/.test(refused) && kept.stored === "value" && sync.every(isOdd) ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs 2>/dev/null # the runtime logs its internal error

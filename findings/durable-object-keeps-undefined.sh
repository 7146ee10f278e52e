#!/usr/bin/env bash
# A Durable Object's storage keeps `undefined` as an entry, refuses it, or leaves it out, by which of its three calls is given it.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: `storage.kv` is the synchronous form of the same
# storage, and documented as such, so `undefined` is refused by both. Seen: `put(key, undefined)` throws, `put({ key: undefined })`
# leaves the entry out without a word, and `kv.put(key, undefined)` stores one: `get` gives undefined as for none, `list` has it, and
# `delete` says that it was there.
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
  async look() {
    const { storage } = this.ctx;
    const said = async (put) => {
      try { await put(); } catch ({ message }) { return message; }
      return { get: typeof storage.kv.get("key"), listed: [...storage.kv.list()].length, deleted: storage.kv.delete("key") };
    };
    return {
      "put(key, undefined)": await said(() => storage.put("key", undefined)),
      "put({ key: undefined })": await said(() => storage.put({ key: undefined })),
      "kv.put(key, undefined)": await said(() => storage.kv.put("key", undefined)),
    };
  }
}
export default { async fetch(request, { STORED }) { return Response.json(await STORED.getByName("one").look()); } }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, durableObjects: { STORED: { className: "Stored", useSQLite: true } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [what, value] of Object.entries(seen)) console.log(what.padEnd(24), JSON.stringify(value));
const [alone, among, kv] = Object.values(seen);
process.exit(typeof alone === "string" && among.listed === 0 && kv.listed === 1 && kv.get === "undefined" && kv.deleted ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

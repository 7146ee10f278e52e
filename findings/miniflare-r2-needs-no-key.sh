#!/usr/bin/env bash
# R2 of miniflare gives an object that was stored with a customer's key to who has another one, or none.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: `ssecKey` is simulated, or refused as not
# supported; either way a test that reads with the wrong key fails, as it does in production. Seen: it is taken and forgotten, as
# `storageClass` is: the object is read without a key, with another and with its own, `ssecKeyMd5` is not told, and the class is an empty
# text instead of one of the two. So a test of keys passes here whatever the code does.
set -euo pipefail
cd "$(mktemp -d)"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `export default { async fetch(request, { R2 }) {
  const key = "a".repeat(64);
  const read = (options) => R2.get("object", options).then((object) => object.text(), (error) => "throws: " + error.message);
  const stored = await R2.put("object", "private", { ssecKey: key, storageClass: "InfrequentAccess" });
  return Response.json({
    "with its key": await read({ ssecKey: key }),
    "with another": await read({ ssecKey: "b".repeat(64) }),
    "without one": await read(),
    "ssecKeyMd5": String(stored.ssecKeyMd5),
    "storageClass": JSON.stringify((await R2.head("object")).storageClass),
  });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, r2Buckets: { R2: "r2" } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [what, came] of Object.entries(seen)) console.log(what.padEnd(14), came);
process.exit(Object.values(seen).join() === 'private,private,private,undefined,""' ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

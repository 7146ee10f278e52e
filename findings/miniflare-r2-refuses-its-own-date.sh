#!/usr/bin/env bash
# R2 of miniflare refuses an object by `If-Unmodified-Since` with the very date that it gave out for it.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: a client that sends back the `Last-
# Modified` that it was told gets the object, since it has not been modified since (RFC 9110, 13.1.4); the milliseconds, which a date in a
# header can't say, are left aside, as they are for `If-Modified-Since`. Seen: `If-Modified-Since` with that date is "not modified", and so
# is right; `If-Unmodified-Since` with it finds the object modified, always. A second later it passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `export default { async fetch(request, { R2 }) {
  const { uploaded } = await R2.put("object", "content");
  const passes = async (header, ms) => {
    const date = new Date(Date.parse(uploaded.toUTCString()) + ms).toUTCString();
    return "body" in (await R2.get("object", { onlyIf: new Headers({ [header]: date }) }));
  };
  const seen = {};
  for (const header of ["If-Modified-Since", "If-Unmodified-Since"]) {
    for (const ms of [-1000, 0, 1000]) seen[header + (ms ? (ms < 0 ? ", a second before" : ", a second after") : ", its own date")] = await passes(header, ms);
  }
  return Response.json(seen);
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, r2Buckets: { R2: "r2" } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [what, passed] of Object.entries(seen)) console.log(what.padEnd(38), passed ? "gives the object" : "gives none");
process.exit(Object.values(seen).join() === "true,false,false,false,false,true" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

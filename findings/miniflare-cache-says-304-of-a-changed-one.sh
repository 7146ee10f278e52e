#!/usr/bin/env bash
# The cache of miniflare says 304 to who holds an older version, if the date of both is the same.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: RFC 9110 has it that `If-Modified-Since` is ignored where
# `If-None-Match` stands beside it, as clients send them, so an entity tag that does not match is answered with the new version. Seen:
# so it is if the tag stands alone. With the date beside it the answer is 304, and the client goes on showing what it has.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `export default { async fetch() {
  const date = "Wed, 21 Oct 2026 07:28:00 GMT", url = "http://look/result";
  const headers = { "Cache-Control": "max-age=60", ETag: '"second"', "Last-Modified": date };
  await caches.default.put(url, new Response("the second version of this second", { headers }));
  const status = async (headers) => (await caches.default.match(new Request(url, { headers }))).status;
  return Response.json({
    "another tag": await status({ "If-None-Match": '"first"' }),
    "another tag, and the date": await status({ "If-None-Match": '"first"', "If-Modified-Since": date }),
    "its own tag, and an older date": await status({ "If-None-Match": '"second"', "If-Modified-Since": "Wed, 21 Oct 2015 07:28:00 GMT" }),
  });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [what, status] of Object.entries(seen)) console.log(what.padEnd(31), status);
process.exit(Object.values(seen).join() === "200,304,304" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

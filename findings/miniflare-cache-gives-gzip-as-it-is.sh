#!/usr/bin/env bash
# What miniflare's cache gives back of a gzip answer reads as compressed bytes, with `text()` and `json()` too.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: a Worker that puts the answer of a `fetch` into the cache
# and reads it from there has the same text as from the answer itself, whichever coding the server had chosen. Seen: an answer in gzip is
# decoded where it is read, and so is one that the Worker made with `Content-Encoding: gzip`; after `put` and `match` the text of
# either is gzip's bytes, and `json()` throws. Without gzip both are the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { gzipSync } from "node:zlib";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const server = createServer((request, response) => {
  const body = '{"status":"succeeded"}', coded = request.url === "/gzip";
  response.writeHead(200, { "Cache-Control": "max-age=60", "Content-Type": "application/json", ...(coded && { "Content-Encoding": "gzip" }) });
  response.end(coded ? gzipSync(body) : body);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const script = `export default { async fetch(request, { SERVER }) {
  const read = async (answer) => answer.json().then(({ status }) => status, ({ name }) => name);
  const seen = {};
  for (const path of ["/plain", "/gzip"]) {
    seen[path + ", read as it came"] = await read(await fetch(SERVER + path));
    await caches.default.put("http://look" + path, await fetch(SERVER + path));
    seen[path + ", from the cache"] = await read(await caches.default.match("http://look" + path));
  }
  return Response.json(seen);
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, bindings: { SERVER: `http://127.0.0.1:${server.address().port}` } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
server.close();
for (const [what, value] of Object.entries(seen)) console.log(what.padEnd(24), value);
process.exit(Object.values(seen).join() === "succeeded,succeeded,succeeded,SyntaxError" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

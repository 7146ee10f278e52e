#!/usr/bin/env bash
# `fetch` of workerd decodes `Content-Encoding: gzip`, and hands `GZIP` and `x-gzip` on as compressed bytes.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: names of codings are case-insensitive, and
# `x-gzip` is to be taken for `gzip` (RFC 9110, 8.4.1), as browsers, curl and Node's fetch have it. Seen: only the one spelling is decoded;
# JSON in another fails to parse.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { once } from "node:events";
import { createServer } from "node:http";
import { gzipSync } from "node:zlib";

import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const server = createServer((request, response) => {
  response.writeHead(200, { "content-encoding": request.url.slice(1) }).end(gzipSync("text"));
}).listen(0, "127.0.0.1");
await once(server, "listening");
const byNode = [];
for (const coding of ["gzip", "GZIP", "x-gzip"]) {
  byNode.push(await (await fetch(`http://127.0.0.1:${server.address().port}/${coding}`)).text());
}
console.log("Node's fetch:", byNode.join(", "));

const script = `export default { async fetch(request, { SERVER }) {
  const seen = {};
  for (const coding of ["gzip", "GZIP", "x-gzip"]) {
    const bytes = new Uint8Array(await (await fetch(SERVER + "/" + coding)).arrayBuffer());
    seen[coding] = bytes[0] === 0x1f && bytes[1] === 0x8b ? "still gzip" : new TextDecoder().decode(bytes);
  }
  return Response.json(seen);
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, bindings: { SERVER: `http://127.0.0.1:${server.address().port}` } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
server.closeAllConnections();
server.close();
console.log("workerd's fetch:", Object.values(seen).join(", "));
process.exit(byNode.join() === "text,text,text" && Object.values(seen).join() === "text,still gzip,still gzip" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

#!/usr/bin/env bash
# `DecompressionStream` of workerd refuses gzip of two members, which its own `fetch` reads.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: gzip is "a series of members" (RFC 1952,
# 2.2), and `cat a.gz b.gz` a valid file of it, so whatever reads gzip reads both. Seen: `fetch` gives "one two" of an answer with
# `Content-Encoding: gzip`; the same bytes through DecompressionStream are "Trailing bytes after end of compressed data", after the first
# member has come.
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

const members = Buffer.concat([gzipSync("one "), gzipSync("two")]);
const server = createServer((request, response) => {
  response.writeHead(200, request.url === "/gzip" ? { "content-encoding": "gzip" } : {}).end(members);
}).listen(0, "127.0.0.1");
await once(server, "listening");

const script = `export default { async fetch(request, { SERVER }) {
  const fetched = await (await fetch(SERVER + "/gzip")).text();
  const { body } = await fetch(SERVER + "/bytes");
  const piped = await new Response(body.pipeThrough(new DecompressionStream("gzip"))).text().catch((error) => error.message);
  return Response.json({ fetch: fetched, DecompressionStream: piped });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, bindings: { SERVER: `http://127.0.0.1:${server.address().port}` } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
server.closeAllConnections();
server.close();
for (const [by, read] of Object.entries(seen)) console.log(by.padEnd(20), read);
process.exit(seen.fetch === "one two" && /Trailing bytes/.test(seen.DecompressionStream) ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

#!/usr/bin/env bash
# `fetch` of workerd fails at an answer without a body that is called gzip, and so at the reason of nothing.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: an answer with `Content-Encoding: gzip` and no bytes, as
# middleware sends it whose handler wrote nothing, is an empty text, as in Node's `fetch` and curl. Seen: `text()` throws "Gzip compressed stream
# ended prematurely", with `Content-Length: 0` and with chunks, and so with Brotli. A 204 is well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const server = createServer(({ url }, response) => {
  const [, status, coding, length] = url.split("/");
  response.writeHead(Number(status), { "Content-Encoding": coding, ...(length && { "Content-Length": length }) }).end();
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const SERVER = `http://127.0.0.1:${server.address().port}`;
const look = async (SERVER) => {
  const seen = {};
  for (const path of ["/200/gzip/0", "/503/gzip/0", "/200/gzip", "/200/br/0", "/204/gzip"]) {
    const answer = await fetch(SERVER + path);
    seen[path] = await answer.text().then((text) => JSON.stringify(text), ({ message }) => message);
  }
  return seen;
};
const script = `const look = ${look};
export default { async fetch(request, { SERVER }) { return Response.json(await look(SERVER)); } }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, bindings: { SERVER } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
const node = await look(SERVER);
server.close();
for (const [path, text] of Object.entries(seen)) console.log(path.padEnd(12), "node:", node[path], " workerd:", text);
const [last, ...odd] = Object.values(seen).reverse();
const isOdd = odd.every((text) => /ended prematurely/.test(text)) && last === '""';
process.exit(isOdd && Object.values(node).every((text) => text === '""') ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

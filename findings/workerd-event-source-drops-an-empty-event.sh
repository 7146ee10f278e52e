#!/usr/bin/env bash
# EventSource of workerd drops an event whose data is empty, and waits a second where it is told to wait less.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: it follows the HTML standard, where a line
# `data` or `data:` is an event with an empty text, which servers use as a sign of life or for an empty token, and where `retry: 50` has it
# come back after 50 ms. Seen: the empty event never comes, and it comes back after 1,000 ms.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { once } from "node:events";
import { createServer } from "node:http";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const server = createServer((request, response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  response.end("retry: 50\ndata: one\n\n");
}).listen(0, "127.0.0.1");
await once(server, "listening");
const script = `export default { async fetch(request, { SERVER }) {
  const events = EventSource.from(new Response("data: one\\n\\ndata:\\n\\ndata\\n\\ndata: two\\n\\n").body);
  const given = [];
  events.onmessage = ({ data }) => given.push(data);
  await scheduler.wait(300);
  events.close();
  const times = [];
  const again = new EventSource(SERVER);
  again.onmessage = () => times.push(Date.now());
  await scheduler.wait(3500);
  again.close();
  return Response.json({ given, waits: times.slice(1).map((at, index) => at - times[index]) });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, bindings: { SERVER: `http://127.0.0.1:${server.address().port}` } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
server.closeAllConnections();
console.log("events given, of four:", JSON.stringify(seen.given));
console.log("waits with retry: 50, in ms:", seen.waits.join(" "));
process.exit(JSON.stringify(seen.given) === '["one","two"]' && seen.waits.length > 0 && seen.waits.every((ms) => ms > 900) ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

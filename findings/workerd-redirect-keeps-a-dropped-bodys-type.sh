#!/usr/bin/env bash
# `fetch` of workerd that a 302 or 303 leads from POST to GET drops the body, and goes on sending its `Content-Type`.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: the headers that describe the body go with
# it, as the Fetch Standard has it and Node does. Seen: the GET says `Content-Type: application/json` and `Content-Language` of a body that
# is not there, at which a server that reads JSON by its type can refuse a request for a result that it has accepted a job for.
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
  request.resume();
  if (request.method === "POST") return response.writeHead(Number(request.url.slice(1)), { location: "/result" }).end();
  const { "content-type": type = "no type", "content-language": language = "no language" } = request.headers;
  response.end(`${request.method} with ${type}, ${language}`);
}).listen(0, "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${server.address().port}`;
const look = `async (url) => {
  const headers = { "content-type": "application/json", "content-language": "de" };
  const seen = {};
  for (const status of [302, 303]) seen[status] = await (await fetch(url + "/" + status, { method: "POST", body: "{}", headers })).text();
  return seen;
}`;
const modules = [{ type: "ESModule", path: "look.js", contents: `export default { async fetch(request, { URL }) { return Response.json(await (${look})(URL)); } }` }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, bindings: { URL: url } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
const byNode = await (0, eval)(look)(url);
server.closeAllConnections();
server.close();
for (const status of Object.keys(seen)) console.log(`${status}: workerd: ${seen[status]}; Node: ${byNode[status]}`);
const all = (text) => [text, text].join();
process.exit(Object.values(seen).join() === all("GET with application/json, de") && Object.values(byNode).join() === all("GET with no type, no language") ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

#!/usr/bin/env bash
# `fetch` of workerd leaves the name and password of a URL out of the request, without a word.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: it is a TypeError, as the Fetch Standard
# has it and Node does it, or it is sent as `Authorization: Basic`, as curl does it. Seen: the request goes out with neither, so a server's
# URL that works with curl is 401 from a Worker.
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

const server = createServer(({ headers }, response) => response.end(JSON.stringify(headers.authorization ?? "no Authorization"))).listen(0, "127.0.0.1");
await once(server, "listening");
const byNode = await fetch(`http://name:password@127.0.0.1:${server.address().port}`).then(() => "sent", ({ name }) => name);

const script = `export default { async fetch(request, { SERVER }) {
  const answer = await fetch(SERVER.replace("//", "//name:password@")).catch((error) => error);
  return Response.json(answer instanceof Error ? answer.message : await answer.json());
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, bindings: { SERVER: `http://127.0.0.1:${server.address().port}` } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
server.closeAllConnections();
server.close();
console.log("Node's fetch:", byNode);
console.log("workerd's fetch:", seen);
process.exit(byNode === "TypeError" && seen === "no Authorization" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

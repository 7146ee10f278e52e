#!/usr/bin/env bash
# The timeout of a request of node:http ends it in workerd, where it only tells in Node.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm) stands beside it. A good guess: `setTimeout` of a request
# calls back when nothing has come for so long, and the request goes on unless it is destroyed, as Node's documentation has it; so a client
# can say that a slow model is still computing. Seen: the callback is called, and the request is aborted beside it with ABORT_ERR.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { get } from "node:http";

export const look = (url) =>
  new Promise((resolve) => {
    const seen = [];
    const request = get(url, ({ statusCode }) => resolve([...seen, statusCode]));
    request.setTimeout(300, () => seen.push("timeout"));
    request.on("error", ({ code }) => resolve([...seen, code]));
  });
JS
cat > main.mjs <<'JS'
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { look } from "./look.mjs";

const server = createServer((request, response) => void setTimeout(() => response.end(), 1000)).listen(0, "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${server.address().port}/`;
const script = 'import { look } from "./look.mjs"; export default { fetch: async (request, { SERVER }) => Response.json(await look(SERVER)) }';
const modules = [{ type: "ESModule", path: "main.mjs", contents: script }, { type: "ESModule", path: "look.mjs", contents: readFileSync("look.mjs", "utf8") }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, bindings: { SERVER: url } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const byWorkerd = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
const byNode = JSON.parse(JSON.stringify(await look(url)));
server.closeAllConnections();
server.close();
console.log("Node:   ", JSON.stringify(byNode));
console.log("workerd:", JSON.stringify(byWorkerd));
process.exit(JSON.stringify([byNode, byWorkerd]) === '[["timeout",200],["timeout","ABORT_ERR"]]' ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node main.mjs

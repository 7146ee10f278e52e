#!/usr/bin/env bash
# node:http of workerd joins the cookies of an answer into one text, and gives no `rawHeaders`.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm) stands beside it. A good guess: `headers["set-cookie"]` is
# a list even of one, as Node promises it, since a comma may stand in a date of a cookie; `headersDistinct` keeps values apart; and what was
# sent can be read in `rawHeaders`. Seen: one text with commas, lists of one joined text, and an empty list.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { get } from "node:http";

export const look = (url) =>
  new Promise((resolve, reject) => {
    get(url, (response) => {
      response.resume();
      const { headers, headersDistinct, rawHeaders } = response;
      resolve([headers["set-cookie"], headersDistinct["x-model"], rawHeaders.includes("b=2")]);
    }).on("error", reject);
  });
JS
cat > main.mjs <<'JS'
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { look } from "./look.mjs";

const server = createServer((request, response) => {
  response.writeHead(200, { "set-cookie": ["a=1", "b=2"], "x-model": ["whisper", "flux"] }).end();
}).listen(0, "127.0.0.1");
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
process.exit(JSON.stringify([byNode, byWorkerd]) === '[[["a=1","b=2"],["whisper","flux"],true],["a=1, b=2",["whisper, flux"],false]]' ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node main.mjs

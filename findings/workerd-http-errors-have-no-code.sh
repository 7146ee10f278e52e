#!/usr/bin/env bash
# Errors of node:http in workerd have no `code`, so a client that tries again by it never does.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm) stands beside it. A good guess: ECONNREFUSED of a server
# that is not there, and ECONNRESET of one that breaks off before or within its answer, as in Node; lists of codes that may be tried again
# have these first. Seen: all three are an Error without a code, whose message is "Network connection lost.".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { get } from "node:http";

const told = (url) =>
  new Promise((resolve) => {
    const failed = ({ code }) => resolve(code ?? "no code");
    get(url, (response) => response.on("error", failed).resume()).on("error", failed);
  });
export const look = async (url) => [await told("http://127.0.0.1:9/"), await told(`${url}before`), await told(`${url}within`)];
JS
cat > main.mjs <<'JS'
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { look } from "./look.mjs";

const server = createServer((request, response) => {
  if (request.url === "/before") return void request.socket.destroy();
  response.writeHead(200, { "content-length": 100 }).write("half", () => setTimeout(() => request.socket.destroy(), 100));
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
process.exit(JSON.stringify([byNode, byWorkerd]) === '[["ECONNREFUSED","ECONNRESET","ECONNRESET"],["no code","no code","no code"]]' ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node main.mjs

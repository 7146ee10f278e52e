#!/usr/bin/env bash
# `Response.json(undefined)` of workerd is a 200 of type application/json that holds the word `undefined`.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: what has no JSON throws a TypeError, as the
# Fetch Standard has it and Node does, so that a handler without a result is found out as a 500. Seen: a status of 200 and the nine letters,
# which no JSON parser takes; a function gives them too. In a list or an object both leave it out or make it null.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const look = `async () => {
  const seen = {};
  for (const [what, value] of [["undefined", undefined], ["a function", () => 1], ["a list of undefined", [undefined]]]) {
    try {
      const response = Response.json(value);
      seen[what] = [response.status, response.headers.get("content-type"), await response.text()].join(" ");
    } catch (error) {
      seen[what] = error.name;
    }
  }
  return seen;
}`;
const modules = [{ type: "ESModule", path: "look.js", contents: `export default { async fetch() { return new Response(JSON.stringify(await (${look})())); } }` }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
const byNode = await (0, eval)(look)();
for (const what of Object.keys(seen)) console.log(what.padEnd(20), `workerd: ${seen[what]};`.padEnd(42), `Node: ${byNode[what]}`);
const word = "200 application/json undefined";
const list = "200 application/json [null]";
process.exit(Object.values(seen).join() === [word, word, list].join() && Object.values(byNode).join() === ["TypeError", "TypeError", list].join() ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

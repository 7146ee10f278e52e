#!/usr/bin/env bash
# A `fetch` of workerd that is aborted while it waits rejects with another object than the reason it was given.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm) stands beside it. A good guess: it rejects with
# `signal.reason` itself, as the Fetch Standard has it and Node does it, so that `error === signal.reason` tells one's own abort from a
# failure. Seen: only where the signal was aborted before the call. Later an Error is a copy, and a text such as "canceled" has become an
# Error with that message.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
export const look = async (url) => {
  const seen = [];
  for (const reason of [new RangeError("too slow"), "canceled"]) {
    for (const wait of [0, 200]) {
      const controller = new AbortController();
      if (wait) setTimeout(() => controller.abort(reason), wait);
      else controller.abort(reason);
      await fetch(url, { signal: controller.signal }).catch((error) => seen.push(`${error === reason ? "the reason" : "another"}: ${error}`));
    }
  }
  return seen;
};
JS
cat > main.mjs <<'JS'
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { look } from "./look.mjs";

const server = createServer((request, response) => void setTimeout(() => response.end(), 3000)).listen(0, "127.0.0.1");
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
process.exit(JSON.stringify([byNode, byWorkerd]) === '[["the reason: RangeError: too slow","the reason: RangeError: too slow","the reason: canceled","the reason: canceled"],["the reason: RangeError: too slow","another: RangeError: too slow","the reason: canceled","another: Error: canceled"]]' ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node main.mjs

#!/usr/bin/env bash
# `getWebSockets()` of a Durable Object lists the newest socket first, and `getWebSockets(tag)` the oldest.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: both list sockets in the order in which
# they were accepted, or both in none; so the first of those that a tag finds is the first of all that have it. Seen: with every socket
# under one tag the two lists are each other's reverse. Who sends to "the first" sends to another one once a tag is added.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `import { DurableObject } from "cloudflare:workers";
export class Sockets extends DurableObject {
  open() {
    for (let n = 1; n <= 4; n++) {
      const [, server] = Object.values(new WebSocketPair());
      this.ctx.acceptWebSocket(server, ["all"]);
      server.serializeAttachment(n);
    }
    const numbers = (sockets) => sockets.map((socket) => socket.deserializeAttachment());
    return { "getWebSockets()": numbers(this.ctx.getWebSockets()), 'getWebSockets("all")': numbers(this.ctx.getWebSockets("all")) };
  }
}
export default { async fetch(request, { SOCKETS }) { return Response.json(await SOCKETS.getByName("one").open()); } }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, durableObjects: { SOCKETS: { className: "Sockets", useSQLite: true } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [call, numbers] of Object.entries(seen)) console.log(call.padEnd(22), numbers.join(" "));
process.exit(Object.values(seen).join(" ") === "4,3,2,1 1,2,3,4" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

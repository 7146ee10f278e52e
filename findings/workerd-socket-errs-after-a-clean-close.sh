#!/usr/bin/env bash
# A WebSocket of workerd has an error after it was closed cleanly.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: `close` is the last event of a socket, and
# an `error` comes before it or not at all, as the standard has it; so who opens a socket anew at an error does so only when one was lost.
# Seen: the object closes with a code, the Worker is told so, with `wasClean` true, and then has an `error`, "Network connection lost.".
# With compatibility date 2026-03-01 there is none.
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
  fetch() {
    const [client, server] = Object.values(new WebSocketPair());
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }
  webSocketMessage(socket) { socket.close(4000, "done"); }
}
export default { async fetch(request, { SOCKETS }) {
  const { webSocket } = await SOCKETS.getByName("one").fetch("http://object/", { headers: { Upgrade: "websocket" } });
  const events = [];
  webSocket.addEventListener("close", ({ code, wasClean }) => events.push("close " + code + (wasClean ? ", clean" : "")));
  webSocket.addEventListener("error", ({ message }) => events.push("error: " + message));
  webSocket.accept();
  webSocket.send("please close");
  await scheduler.wait(1000);
  return Response.json(events);
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, durableObjects: { SOCKETS: { className: "Sockets", useSQLite: true } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
console.log(seen.join("\n"));
process.exit(seen.length === 2 && seen[0] === "close 4000, clean" && /^error/.test(seen[1]) ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

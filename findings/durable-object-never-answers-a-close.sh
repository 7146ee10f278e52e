#!/usr/bin/env bash
# A Durable Object's hibernatable socket does not answer a client's Close by itself, though it is said to.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: from compatibility date 2026-04-07 the
# runtime answers a Close frame before `webSocketClose` is called, and a call of `ws.close()` there is needless, as the documentation of
# that handler and its changelog have it. Seen: it holds for sockets of `accept()`; the client of a socket of `acceptWebSocket` hears
# nothing, and stays in CLOSING. With `ws.close(code, reason)` in the handler, as the documentation's example has it, a client that gave a
# code is answered; one that gave none still isn't, because 1005 is a code that `close` throws for.
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
  fetch(request) {
    const [client, server] = Object.values(new WebSocketPair());
    const how = new URL(request.url).pathname.slice(1);
    if (how === "accept") server.accept();
    else this.ctx.acceptWebSocket(server, [how]);
    return new Response(null, { status: 101, webSocket: client });
  }
  webSocketClose(socket, code, reason) {
    if (this.ctx.getTags(socket).includes("closes")) socket.close(code, reason);
  }
}
export default { fetch(request, { SOCKETS }) { return SOCKETS.getByName(request.url).fetch(request); } }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, durableObjects: { SOCKETS: { className: "Sockets", useSQLite: true } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const address = String(await miniflare.ready).replace("http", "ws");
const asked = { accept: "accept()", sleeps: "acceptWebSocket, left alone", closes: "acceptWebSocket, ws.close(code)" };
const seen = {};
for (const [path, name] of Object.entries(asked)) {
  for (const code of [4000, undefined]) {
    const socket = new WebSocket(`${address}${path}?${code}`);
    const closed = new Promise((resolve) => (socket.onclose = (event) => resolve(`answered ${event.code}`)));
    await new Promise((resolve) => (socket.onopen = resolve));
    socket.close(code);
    seen[`${name}, ${code ?? "no code"}`] = await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 2000, "not answered"))]);
  }
}
await miniflare.dispose();
for (const [how, answers] of Object.entries(seen)) console.log(how.padEnd(34), answers);
process.exit(JSON.stringify(Object.values(seen)) === '["answered 4000","answered 1005","not answered","not answered","answered 4000","not answered"]' ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

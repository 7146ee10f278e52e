#!/usr/bin/env bash
# partyserver forgets a connection that came back under its id once the old one closes: it stays open, and no broadcast reaches it.
# Packages: partyserver 0.5.10, miniflare 5.20261102.0-beta with its workerd, esbuild 0.28.2 (npm); node 24.21.0 (npm).
# A good guess: PartySocket comes back after a cut with the same `_pk`, before the server has seen its old socket end; the new one is then
# the connection of that id. Seen: the end of the old socket takes the id out of the list, so the new one is in no list and no broadcast any
# more, though its messages still come in. With `hibernate: true` it stays, but `getConnection(id)` throws while both are open.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta esbuild@0.28.2 partyserver@0.5.10
cat > worker.js <<'JS'
import { routePartykitRequest, Server } from "partyserver";

class Party extends Server {
  onConnect(connection) {
    connection.send("hello");
  }
  onMessage(connection, message) {
    connection.send(`you said ${message}`);
  }
  async onClose() {
    this.closed = (this.closed ?? 0) + 1;
  }
  onRequest() {
    let one;
    try {
      one = this.getConnection("me") ? "found" : "not found";
    } catch (error) {
      one = error.message.slice(0, 29);
    }
    this.broadcast("news");
    return Response.json({ listed: [...this.getConnections()].length, one, closed: this.closed ?? 0 });
  }
}
export class Plain extends Party {}
export class Hibernating extends Party {
  static options = { hibernate: true };
}
export default { fetch: (request, env) => routePartykitRequest(request, env) };
JS
cat > look.mjs <<'JS'
import { once } from "node:events";
import { build } from "esbuild";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const options = { entryPoints: ["worker.js"], bundle: true, format: "esm", target: "esnext", write: false, external: ["cloudflare:workers"] };
const { outputFiles } = await build(options);
const modules = [{ type: "ESModule", path: "look.js", contents: outputFiles[0].text }];
const durableObjects = { PLAIN: { className: "Plain", useSQLite: true }, HIBERNATING: { className: "Hibernating", useSQLite: true } };
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, durableObjects };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const base = (await miniflare.ready).href;
async function connect(party) {
  const socket = new WebSocket(`${base.replace("http", "ws")}parties/${party}/room?_pk=me`);
  socket.heard = [];
  socket.addEventListener("message", ({ data }) => socket.heard.push(data));
  await once(socket, "open");
  return socket;
}
const ask = async (party) => (await fetch(`${base}parties/${party}/room`)).json();
const seen = [];
for (const party of ["plain", "hibernating"]) {
  const old = await connect(party);
  const back = await connect(party);
  const both = await ask(party);
  old.close(1000);
  let alone = await ask(party);
  for (let tries = 0; alone.closed === 0 && tries < 100; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    alone = await ask(party);
  }
  // What was sent before is heard before the answer to this.
  back.send("first");
  while (!back.heard.includes("you said first")) await once(back, "message");
  back.heard.length = 0;
  alone = await ask(party);
  back.send("second");
  while (!back.heard.includes("you said second")) await once(back, "message");
  seen.push([both.one, both.listed, alone.one, alone.listed, back.heard.includes("news")]);
  console.log(`${party}: both open: ${both.one}, ${both.listed} listed; the old one closed: ${alone.one}, ${alone.listed} listed; heard: ${back.heard}`);
}
await miniflare.dispose();
const wanted = [["found", 1, "not found", 0, false], ["More than one connection foun", 2, "found", 1, true]];
process.exit(JSON.stringify(seen) === JSON.stringify(wanted) ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
timeout 50 ./node_modules/.bin/node look.mjs

#!/usr/bin/env bash
# partyserver opens another room than the Worker does for a name with a space or an accent, as it does not decode the path.
# Packages: partyserver 0.5.10, miniflare 5.20261102.0-beta with its workerd, esbuild 0.28.2 (npm); node 24.21.0 (npm).
# A good guess: a client of `/parties/room/my%20room` is in the room that `getServerByName(env.ROOM, "my room")` gives, so what the Worker
# sends there reaches it. Seen: the client's room is called `my%20room`, an object of its own with its own storage; the Worker's is empty,
# and nothing says so. A name in plain letters is one room for both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta esbuild@0.28.2 partyserver@0.5.10
cat > worker.js <<'JS'
import { getServerByName, routePartykitRequest, Server } from "partyserver";

export class Room extends Server {
  onRequest() {
    this.visits = (this.visits ?? 0) + 1;
    return new Response(this.name);
  }
  count() {
    return this.visits ?? 0;
  }
}
export default {
  async fetch(request, env) {
    const name = new URL(request.url).searchParams.get("count");
    if (name === null) return routePartykitRequest(request, env);
    return Response.json(await (await getServerByName(env.ROOM, name)).count());
  },
};
JS
cat > look.mjs <<'JS'
import { build } from "esbuild";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const options = { entryPoints: ["worker.js"], bundle: true, format: "esm", target: "esnext", write: false, external: ["cloudflare:workers"] };
const { outputFiles } = await build(options);
const modules = [{ type: "ESModule", path: "look.js", contents: outputFiles[0].text }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, durableObjects: { ROOM: { className: "Room", useSQLite: true } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const base = (await miniflare.ready).href;
const seen = [];
for (const name of ["room-1", "my room", "café"]) {
  const called = await (await fetch(`${base}parties/room/${encodeURIComponent(name)}`)).text();
  const visits = await (await fetch(`${base}?count=${encodeURIComponent(name)}`)).json();
  seen.push([called, visits]);
  console.log(`a client that asks for "${name}" is in "${called}"; the Worker finds ${visits} visits in "${name}"`);
}
await miniflare.dispose();
process.exit(JSON.stringify(seen) === JSON.stringify([["room-1", 1], ["my%20room", 0], ["caf%C3%A9", 0]]) ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

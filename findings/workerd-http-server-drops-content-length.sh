#!/usr/bin/env bash
# A node:http server in a Worker leaves the `Content-Length` out that it is given, so an answer that is too short arrives as whole.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm) stands beside it. A good guess: a length that a handler sets is sent, as the
# HEAD of the same address has it, and a client can tell that fewer bytes came. Seen: every body is chunked, one that is written at once too; a client of
# a download shows no progress, and a copy that stopped in the middle is taken for the file. One that is too long is cut off without an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { readFileSync, writeFileSync } from "node:fs";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

writeFileSync("listener.mjs", `const bodies = { "/whole": "0123456789", "/short": "01234", "/long": "0123456789abc" };
export function listener(request, response) {
  response.writeHead(200, { "Content-Length": "10" });
  const { socket } = response;
  response.end(bodies[request.url]);
  if (request.url === "/short") setTimeout(() => socket?.destroy(), 100);
}
`);
const { listener } = await import("./listener.mjs");
const server = createServer(listener).listen(0, "127.0.0.1");
await new Promise((resolve) => server.on("listening", resolve));
const script = `import { httpServerHandler } from "cloudflare:node";
import { createServer } from "node:http";
import { listener } from "./listener.mjs";
createServer(listener).listen(8080);
export default httpServerHandler({ port: 8080 });`;
const modules = [{ type: "ESModule", path: "main.mjs", contents: script }, { type: "ESModule", path: "listener.mjs", contents: readFileSync("listener.mjs", "utf8") }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
async function load(port, path, method) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, signal: AbortSignal.timeout(5000) });
  const text = await response.text().catch((error) => error.message);
  return `length ${response.headers.get("content-length")}, ${text}`;
}
const seen = {};
for (const [name, port] of Object.entries({ Node: server.address().port, workerd: (await miniflare.ready).port })) {
  seen[name] = [await load(port, "/whole", "HEAD"), await load(port, "/whole", "GET"), await load(port, "/short", "GET")];
}
seen.workerd.push(await load((await miniflare.ready).port, "/long", "GET"));
await miniflare.dispose();
console.log(seen);
const node = ["length 10, ", "length 10, 0123456789", "length 10, terminated"];
const workerd = ["length 10, ", "length null, 0123456789", "length null, 01234", "length null, 0123456789"];
process.exit(JSON.stringify(seen) === JSON.stringify({ Node: node, workerd }) ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

#!/usr/bin/env bash
# The request of a node:http server in a Worker never says that its client has left.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm) stands beside it. A good guess: `close` and `aborted` come at the request,
# where servers of events look for them to stop their work, as in Node. Seen: the answer has `close`, and the request has neither, nor an error, nor is it
# destroyed; so a model goes on for a client that is gone, and its subscription is never taken back.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { connect } from "node:net";
import { readFileSync, writeFileSync } from "node:fs";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

writeFileSync("listener.mjs", `let told = [];
export function listener(request, response) {
  if (request.url === "/told") return response.end(JSON.stringify({ told, destroyed: told.request?.destroyed }));
  told.request = request;
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  response.write("data: 0\\n\\n");
  const beat = setInterval(() => response.write("data: 1\\n\\n"), 50);
  for (const event of ["close", "aborted", "error"]) request.on(event, () => told.push("request " + event));
  response.on("close", () => { clearInterval(beat); told.push("response close"); });
}
`);
const { listener } = await import("./listener.mjs");
async function leave(port) {
  const client = connect(Number(port), "127.0.0.1");
  client.write("GET /events HTTP/1.1\r\nHost: look\r\n\r\n");
  await new Promise((resolve) => client.once("data", resolve));
  client.destroy();
  for (let look = 0; ; look++) {
    const seen = await (await fetch(`http://127.0.0.1:${port}/told`)).json();
    if (look > 20 || seen.told.includes("request close")) return `${seen.told.toSorted().join(", ")}; destroyed: ${seen.destroyed}`;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
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
const seen = { Node: await leave(server.address().port), workerd: await leave((await miniflare.ready).port) };
await miniflare.dispose();
console.log(seen);
const guess = ["request aborted, request close, request error, response close; destroyed: true", "response close; destroyed: false"];
process.exit(Object.values(seen).join() === guess.join() ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

#!/usr/bin/env bash
# A request whose body fails on the way out of workerd arrives as a whole one.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: a body without a known length is sent in
# chunks, and if its stream fails, or the answer that it comes from is cut off, no last chunk is sent and the connection is closed, so that
# the server knows; workerd's own answers end so. Seen: the last chunk is sent, and the server answers 200 to the half that it has. Behind a
# FixedLengthStream the request is cut, as it ought to be.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { once } from "node:events";
import { createServer } from "node:http";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const server = createServer(async (request, response) => {
  if (request.url === "/cut") {
    response.write("half");
    setTimeout(() => request.socket.destroy(), 200);
    return;
  }
  let bytes = 0;
  try {
    for await (const chunk of request) bytes += chunk.length;
    response.end(`took ${bytes} bytes, whole`);
  } catch {
    response.destroy();
  }
}).listen(0, "127.0.0.1");
await once(server, "listening");
const script = `const part = new TextEncoder().encode("half");
const source = () => {
  let parts = 0;
  return new ReadableStream({ type: "bytes", pull(controller) {
    if (parts++ === 0) controller.enqueue(part);
    else controller.error(new Error("the source failed"));
  } });
};
export default { async fetch(request, { SERVER }) {
  const send = (body) => fetch(SERVER + "/take", { method: "POST", body }).then(async (answer) => answer.status + " " + await answer.text(), (error) => error.message);
  return Response.json({
    "a stream that fails": await send(source()),
    "an answer that is cut off": await send((await fetch(SERVER + "/cut")).body),
    "the same with a length": await send(source().pipeThrough(new FixedLengthStream(8))),
  });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, bindings: { SERVER: `http://127.0.0.1:${server.address().port}` } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
server.closeAllConnections();
for (const [what, came] of Object.entries(seen)) console.log(what.padEnd(26), came);
const [failed, cut, known] = Object.values(seen);
process.exit(failed === "200 took 4 bytes, whole" && cut === failed && !known.includes("whole") ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

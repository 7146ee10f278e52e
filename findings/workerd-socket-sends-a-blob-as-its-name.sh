#!/usr/bin/env bash
# A WebSocket of workerd that is given a Blob sends the words "[object Blob]".
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: `send` takes a Blob, as the standard has it and as the
# sockets of Node do, and its bytes arrive; all the more since `binaryType` is "blob", so that what comes in binary is a Blob, and
# handing it on is `other.send(event.data)`. Seen: a text message of 13 characters arrives, and nothing throws.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `export default { async fetch() {
  const [client, server] = Object.values(new WebSocketPair());
  const messages = [];
  server.addEventListener("message", ({ data }) => server.send(data)); // an echo
  client.addEventListener("message", ({ data }) => messages.push(typeof data === "string" ? "text: " + data : data.constructor.name));
  server.accept();
  client.accept();
  const { binaryType } = server;
  client.send(new Uint8Array([1, 2, 3])); // arrives as a Blob, is sent back as that
  client.send(new Blob(["abc"]));
  await scheduler.wait(200);
  return Response.json({ binaryType, messages });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
console.log("binaryType:", seen.binaryType);
console.log("bytes that are echoed, and a Blob that is sent, arrive as:", seen.messages.join(" and "));
process.exit(seen.binaryType === "blob" && seen.messages.join() === "text: [object Blob],text: [object Blob]" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

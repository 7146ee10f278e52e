#!/usr/bin/env bash
# A queue of miniflare refuses a batch, a message or a delay that is too large with "Unknown Internal Error", and does not say why.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: an error that names the limit (100 messages,
# 128,000 bytes, a delay of a day), so that a sender can split its batch and does not try what can never pass again. Seen: all three reject with
# the same "Unknown Internal Error (15000)", which reads like a fault that may pass. A body that is undefined is refused in words.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `export default { queue() {}, async fetch(request, { QUEUE }) {
  const told = (promise) => promise.then(() => "sent", ({ message }) => message);
  return Response.json({
    "100 messages": await told(QUEUE.sendBatch(Array.from({ length: 100 }, () => ({ body: 1 })))),
    "101 messages": await told(QUEUE.sendBatch(Array.from({ length: 101 }, () => ({ body: 1 })))),
    "130,000 letters": await told(QUEUE.send("x".repeat(130_000))),
    "a delay of 25 hours": await told(QUEUE.send("x", { delaySeconds: 90_000 })),
    undefined: await told(QUEUE.send(undefined)),
  });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, queueProducers: { QUEUE: "queue" }, queueConsumers: ["queue"] };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [what, told] of Object.entries(seen)) console.log(`${what}:`.padEnd(22), told);
const unknown = "Unknown Internal Error (15000)";
process.exit(Object.values(seen).join() === ["sent", unknown, unknown, unknown, "Message body cannot be undefined"].join() ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

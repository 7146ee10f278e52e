#!/usr/bin/env bash
# A queue gives a message of the type "bytes" as an ArrayBuffer, and refuses an ArrayBuffer as such a message.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: what a consumer is given it may send on,
# with the type that it came with. Seen: a Uint8Array is sent, an ArrayBuffer arrives, and sending `message.body` on with the same type
# throws 'Content Type "bytes" requires a value of type ArrayBufferView'. With the default type it is taken, and is `{}` when it arrives.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `const seen = {};
export default {
  async queue(batch, { NEXT }) {
    for (const { body } of batch.messages) {
      if (batch.queue === "next") { seen["sent on by the default type"] = JSON.stringify(body); continue; }
      seen["sent"] = "Uint8Array";
      seen["came"] = body.constructor.name + " of " + body.byteLength;
      seen["sent on as bytes"] = await NEXT.send(body, { contentType: "bytes" }).then(() => "taken", (error) => error.message);
      await NEXT.send(body);
    }
  },
  async fetch(request, { QUEUE }) {
    await QUEUE.send(new Uint8Array([1, 2, 3]), { contentType: "bytes" });
    for (let waited = 0; waited < 100 && !("sent on by the default type" in seen); waited++) await scheduler.wait(100);
    return Response.json(seen);
  },
};`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, queueProducers: { QUEUE: "q", NEXT: "next" }, queueConsumers: { q: { maxBatchTimeout: 0.1 }, next: { maxBatchTimeout: 0.1 } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [what, came] of Object.entries(seen)) console.log(what.padEnd(28), came);
process.exit(seen.came === "ArrayBuffer of 3" && /requires a value of type ArrayBufferView/.test(seen["sent on as bytes"]) && seen["sent on by the default type"] === "{}" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

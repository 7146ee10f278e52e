#!/usr/bin/env bash
# A queue of miniflare sends a message again that was acknowledged, if the handler throws later on.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: `ack()` is final, whether the handler then
# returns or throws, as the documentation of Queues has it; so of a batch of which one is acknowledged before the handler throws the other
# alone is repeated. Seen: both come again, and the acknowledged one with `attempts` 2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `const seen = [];
export default {
  async queue(batch) {
    for (const message of batch.messages) {
      seen.push(message.body + ", attempt " + message.attempts);
      if (message.body === "acknowledged") message.ack();
    }
    if (batch.messages.some(({ attempts }) => attempts === 1)) throw new Error("the handler fails once");
  },
  async fetch(request, { QUEUE }) {
    await QUEUE.sendBatch([{ body: "acknowledged" }, { body: "not yet" }]);
    await scheduler.wait(2000);
    return Response.json(seen);
  },
};`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, queueProducers: { QUEUE: "q" }, queueConsumers: { q: { maxBatchSize: 2, maxBatchTimeout: 0.2, maxRetries: 3 } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
console.log(seen.join("\n"));
process.exit(seen.includes("not yet, attempt 2") && seen.includes("acknowledged, attempt 2") ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

#!/usr/bin/env bash
# A batch of a queue comes again if a promise that was left to `waitUntil` rejects, though the handler acknowledged it and returned.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: `ack()` and a handler that returns decide;
# `waitUntil` is for what stands beside, such as a line to a log, and its failure costs that line. Seen: the messages are delivered again
# until they are dead letters, each acknowledged each time. With the flag `queue_consumer_no_wait_for_wait_until` they come once.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `const seen = { waits: [], "does not wait": [] };
export default {
  async queue(batch, { NAME }, context) {
    for (const message of batch.messages) {
      seen[NAME].push(message.attempts);
      message.ack();
    }
    context.waitUntil(Promise.reject(new Error("the log is away")));
  },
  async fetch(request, { QUEUE, NAME }) {
    if (request.method === "POST") await QUEUE.send("work");
    return Response.json(seen[NAME]);
  },
};`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const workers = [["waits", "q1", []], ["does not wait", "q2", ["queue_consumer_no_wait_for_wait_until"]]].map(([name, queue, compatibilityFlags]) => ({
  name: queue,
  compatibilityDate: "2026-10-01",
  compatibilityFlags,
  modules,
  bindings: { NAME: name },
  queueProducers: { QUEUE: queue },
  queueConsumers: { [queue]: { maxBatchTimeout: 0.1, maxRetries: 2 } },
}));
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers }));
const seen = {};
for (const { name, bindings } of workers) {
  const worker = await miniflare.getWorker(name);
  await worker.fetch("http://127.0.0.1/", { method: "POST" });
  await new Promise((resolve) => setTimeout(resolve, 3000));
  seen[bindings.NAME] = await (await worker.fetch("http://127.0.0.1/")).json();
}
await miniflare.dispose();
for (const [name, attempts] of Object.entries(seen)) console.log(name.padEnd(14), "attempts:", attempts.join(" "));
process.exit(seen.waits.join() === "1,2,3" && seen["does not wait"].join() === "1" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

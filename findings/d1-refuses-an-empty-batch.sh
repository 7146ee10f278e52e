#!/usr/bin/env bash
# `batch` of D1 throws if it is given no statement.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: a batch of nothing does nothing and returns
# an empty list, as `Promise.all([])` does and as a transaction without statements is committed; so one may build the list of statements
# from whatever there is to do. Seen: "D1_ERROR: No SQL statements detected.", an error that looks like one of a statement, on the day on
# which there is nothing to do. A queue's `sendBatch` refuses the same, and says so in words of its own; `delete` of R2 takes an empty list.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `const told = (promise) => promise.then((value) => JSON.stringify(value ?? null), (error) => "throws: " + error.message);
export default { async fetch(request, { DB, QUEUE, R2 }) {
  return Response.json({
    "D1, one statement": await told(DB.batch([DB.prepare("SELECT 1 AS a")]).then((all) => all.map(({ results }) => results))),
    "D1, none": await told(DB.batch([])),
    "a queue, none": await told(QUEUE.sendBatch([])),
    "R2, delete of none": await told(R2.delete([])),
  });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, d1Databases: { DB: "db" }, queueProducers: { QUEUE: "q" }, r2Buckets: { R2: "r2" } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [what, came] of Object.entries(seen)) console.log(what.padEnd(20), came);
const [one, none, queue, r2] = Object.values(seen);
process.exit(one === '[[{"a":1}]]' && /^throws: D1_ERROR: No SQL/.test(none) && /^throws/.test(queue) && r2 === "null" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

#!/usr/bin/env bash
# R2 of miniflare completes an upload whose parts come in any order, unless the short last part is not named last.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: parts have numbers, so the order in which
# `complete` names them either does not matter or is refused as such; parts that are sent side by side end in any order. Seen: parts of one
# size are put in the order of their numbers, whichever way they are named; if the last one is shorter, as it nearly always is, and not
# named last, the upload is "smaller than the minimum allowed object size", which is not so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `const MIB = 1024 * 1024;
export default { async fetch(request, { R2 }) {
  const seen = {};
  for (const [what, last, order] of [["three of one size, 3 2 1", 5 * MIB, [3, 2, 1]], ["the last one short, 2 1 3", 9, [2, 1, 3]], ["the last one short, 3 1 2", 9, [3, 1, 2]]]) {
    const upload = await R2.createMultipartUpload("object");
    const parts = [];
    for (const number of [1, 2, 3]) parts.push(await upload.uploadPart(number, new Uint8Array(number < 3 ? 5 * MIB : last).fill(48 + number)));
    const read = async () => {
      const begins = [0, 5, 10].map(async (at) => (await R2.get("object", { range: { offset: at * MIB, length: 1 } })).text());
      return "an object of the parts " + (await Promise.all(begins)).join(" ");
    };
    seen[what] = await upload.complete(order.map((number) => parts[number - 1])).then(read, (error) => error.message);
  }
  return Response.json(seen);
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, r2Buckets: { R2: "r2" } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [what, came] of Object.entries(seen)) console.log(what.padEnd(26), came);
const [equal, named, first] = Object.values(seen);
process.exit(equal === "an object of the parts 1 2 3" && named === equal && /smaller than the minimum/.test(first) ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

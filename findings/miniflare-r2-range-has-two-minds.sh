#!/usr/bin/env bash
# R2 of miniflare throws for a range behind an object's end, and answers the whole object if the same range comes as headers.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm).
# A good guess: `range: {offset: 20}` and `range: new Headers({range: "bytes=20-"})` are two ways to write one range, so both fail alike and a
# Worker that hands a client's headers to R2, as the documentation has it, can answer 416.
# Seen: the first throws "The requested range is not satisfiable (10039)". The second gives all 10 bytes, with a `range` of 0 to 10: a client
# that resumes a download behind its end gets it all again, unless the Worker looks at the range itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `export default { async fetch(request, { BUCKET }) {
  await BUCKET.put("k", "0123456789");
  const get = async (range) => {
    try {
      const object = await BUCKET.get("k", { range });
      return { text: await object.text(), range: object.range };
    } catch (error) {
      return { error: error.message };
    }
  };
  return Response.json({
    "offset 2": await get({ offset: 2 }),
    "bytes=2-": await get(new Headers({ range: "bytes=2-" })),
    "offset 20": await get({ offset: 20 }),
    "bytes=20-": await get(new Headers({ range: "bytes=20-" })),
  });
} }`;
const worker = { name: "look", compatibilityDate: "2026-10-01", modules: [{ type: "ESModule", path: "look.js", contents: script }], r2Buckets: ["BUCKET"] };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [range, got] of Object.entries(seen)) console.log(range.padEnd(10), JSON.stringify(got));
const alike = seen["offset 2"].text === "23456789" && seen["bytes=2-"].text === "23456789";
const apart = /not satisfiable/.test(seen["offset 20"].error ?? "") && seen["bytes=20-"].text === "0123456789";
process.exit(alike && apart ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

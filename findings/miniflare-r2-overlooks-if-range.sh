#!/usr/bin/env bash
# R2 of miniflare gives a part of the new object to a client that asked for a part of the old one by `If-Range`.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: `get(key, { range: headers, onlyIf:
# headers })`, as the documentation of R2 has it, does what RFC 9110 says of a client's headers, and `If-Range` with the ETag of another
# version means the whole object (13.1.5). Seen: bytes 5 to 9 of the new one, so a download that is resumed is half of each.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `export default { async fetch(request, { BUCKET }) {
  const { httpEtag } = await BUCKET.put("k", "aaaaaaaaaa");
  await BUCKET.put("k", "bbbbbbbbbb");
  const headers = new Headers({ range: "bytes=5-", "if-range": httpEtag });
  const object = await BUCKET.get("k", { range: headers, onlyIf: headers });
  return Response.json({ text: await object.text(), range: object.range });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, r2Buckets: ["BUCKET"] };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
console.log(JSON.stringify(seen));
process.exit(seen.text === "bbbbb" && seen.range.offset === 5 ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

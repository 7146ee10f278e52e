#!/usr/bin/env bash
# The cache of miniflare keeps no 202, 204, 429 or 503, whatever their Cache-Control says, and `put` does not tell.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: what may be kept by its `max-age` is kept with any final
# status, as RFC 9111 has it; what `put` refuses it throws for, and the documentation names 206, `Vary: *` and methods other than GET.
# So a status that is still 202, or a refusal 429, can be remembered for a second. Seen: `put` succeeds, and `match` finds nothing,
# for 201, 202, 204, 400, 429, 500 and 503; 200, 302, 404, 410 and 501 are found.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const STATUSES = [200, 201, 202, 204, 302, 400, 404, 410, 429, 500, 501, 503];
const script = `export default { async fetch() {
  const found = {};
  for (const status of ${JSON.stringify(STATUSES)}) {
    const url = "http://look/" + status;
    await caches.default.put(url, new Response(status === 204 ? null : "text", { status, headers: { "Cache-Control": "max-age=60" } }));
    found[status] = (await caches.default.match(url)) !== undefined;
  }
  return Response.json(found);
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
const of = (found) => STATUSES.filter((status) => seen[status] === found).join(", ");
console.log("put and found:    ", of(true));
console.log("put and not found:", of(false));
process.exit(of(true) === "200, 302, 404, 410, 501" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

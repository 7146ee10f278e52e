#!/usr/bin/env bash
# D1 makes one byte of each element of a typed array: of an embedding in a Float32Array the fractions, signs and sizes are gone.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). The SQL of a Durable Object stands beside it. A good
# guess: a Float32Array is a view of bytes, D1 takes views of bytes as BLOB, so four bytes of each number are stored, as in the SQL of a
# Durable Object. Seen there: 0000C03F000080BF00009643 of [1.5, -1, 300]. Seen in D1: 01FF2C, without an error. What holds whole is its
# `buffer`, or a Uint8Array over it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `import { DurableObject } from "cloudflare:workers";
const floats = new Float32Array([1.5, -1, 300]);
const query = "SELECT hex(?) AS bytes";
export class Beside extends DurableObject {
  look() { return this.ctx.storage.sql.exec(query, floats).one().bytes; }
}
export default { async fetch(request, { DB, BESIDE }) {
  return Response.json({
    "Durable Object": await BESIDE.getByName("a").look(),
    "D1": await DB.prepare(query).bind(floats).first("bytes"),
    "D1, its buffer": await DB.prepare(query).bind(floats.buffer).first("bytes"),
  });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, d1Databases: ["DB"], durableObjects: { BESIDE: { className: "Beside", useSQLite: true } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [where, bytes] of Object.entries(seen)) console.log(where.padEnd(16), bytes);
const whole = "0000C03F000080BF00009643";
process.exit(seen["Durable Object"] === whole && seen["D1, its buffer"] === whole && seen.D1 === "01FF2C" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

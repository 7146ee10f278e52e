#!/usr/bin/env bash
# D1 stores an infinity as NULL, and reads one that SQL made as null, without a word.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). The SQL of a Durable Object stands beside it. A good
# guess: SQLite's REAL has infinities, so a score of -Infinity comes back as it went, as it does in a Durable Object; or D1 refuses what it
# can't hold, as it refuses `undefined` and a BigInt. Seen: typeof(?) is null in D1, so NOT NULL fails and IS NULL holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `import { DurableObject } from "cloudflare:workers";
const query = "SELECT typeof(?1) AS bound, 9e999 AS made";
const told = ({ bound, made }) => [bound, String(made)];
export class Beside extends DurableObject {
  look() { return told(this.ctx.storage.sql.exec(query, -Infinity).one()); }
}
export default { async fetch(request, { DB, BESIDE }) {
  return Response.json({ "Durable Object": await BESIDE.getByName("a").look(), D1: told(await DB.prepare(query).bind(-Infinity).first()) });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, d1Databases: ["DB"], durableObjects: { BESIDE: { className: "Beside", useSQLite: true } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [where, [bound, made]] of Object.entries(seen)) console.log(where.padEnd(16), "bound:", bound.padEnd(6), "made by SQL:", made);
process.exit(JSON.stringify(seen) === '{"Durable Object":["real","Infinity"],"D1":["null","null"]}' ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

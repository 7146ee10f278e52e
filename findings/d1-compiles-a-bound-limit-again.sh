#!/usr/bin/env bash
# A bound number of a LIMIT has D1 compile the statement once more at each run.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd, whose D1 is real SQLite; node 24.21.0 (npm).
# A good guess: binding is free, and better than a number written into the text, for a LIMIT as for any value.
# Seen: SQLite plans by the value of a LIMIT, which a mark has only when the statement is run, so it is compiled again then, even where a compiled one
# was kept. A statement of 40 subqueries takes 1.8 to 2.7 times as long as with the number written. The same mark in a WHERE costs nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `export default { async fetch(request, { DB }) {
  const columns = Array.from({ length: 40 }, (_, i) => "(SELECT count(*) FROM t AS x" + i + " WHERE x" + i + ".a > 5)").join(", ");
  await DB.exec("CREATE TABLE IF NOT EXISTS t (a INTEGER PRIMARY KEY)");
  const of = {
    "LIMIT 10": () => DB.prepare("SELECT " + columns + " FROM t WHERE a > 1 ORDER BY a LIMIT 10"),
    "LIMIT ?": () => DB.prepare("SELECT " + columns + " FROM t WHERE a > 1 ORDER BY a LIMIT ?").bind(10),
    "WHERE a > ?": () => DB.prepare("SELECT " + columns + " FROM t WHERE a > ? ORDER BY a LIMIT 10").bind(1),
  }[decodeURIComponent(new URL(request.url).search.slice(1))];
  await DB.batch(Array.from({ length: 200 }, of));
  return new Response();
} }`;
const worker = { name: "look", compatibilityDate: "2026-10-01", modules: [{ type: "ESModule", path: "look.js", contents: script }], d1Databases: ["DB"] };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const least = { "LIMIT 10": Infinity, "LIMIT ?": Infinity, "WHERE a > ?": Infinity };
for (let round = 0; round < 15; round++) {
  for (const name of Object.keys(least)) {
    const begin = performance.now();
    await (await miniflare.dispatchFetch(`http://127.0.0.1/?${encodeURIComponent(name)}`)).text();
    least[name] = Math.min(least[name], (performance.now() - begin) / 200);
  }
}
await miniflare.dispose();
for (const [name, ms] of Object.entries(least)) console.log(`${name}: ${ms.toFixed(4)} ms, ${(ms / least["LIMIT 10"]).toFixed(2)} times`);
const costs = least["LIMIT ?"] / least["LIMIT 10"] > 1.4 && least["WHERE a > ?"] / least["LIMIT 10"] < 1.2;
process.exit(costs ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

#!/usr/bin/env bash
# D1 binds a whole number as a real: five bound and divided by two is 2.5, and as text it is "5.0".
# Package: miniflare 5.20261102.0-beta (npm) with its workerd, whose D1 is real SQLite; node 24.21.0 (npm).
# A good guess: a whole JavaScript number is bound as an INTEGER, so that `bind(5)` means what a 5 in the text means.
# Seen: `? / 2` is 2.5 where `5 / 2` is 2; a TEXT column gets "5.0", json_object writes 5.0, and an id that is put together with || names
# another row. A column that is declared INTEGER hides it, and so does CAST(? AS INTEGER).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `export default { async fetch(request, { DB }) {
  await DB.exec("CREATE TABLE t (whole INTEGER, words TEXT)");
  const bound = await DB.prepare("SELECT ? / 2 AS half, 'job-' || ? AS id, json_object('n', ?) AS json, typeof(?) AS type").bind(5, 5, 5, 5).first();
  const written = await DB.prepare("SELECT 5 / 2 AS half, 'job-' || 5 AS id, json_object('n', 5) AS json, typeof(5) AS type").first();
  await DB.prepare("INSERT INTO t VALUES (?, ?)").bind(5, 5).run();
  const stored = await DB.prepare("SELECT whole / 2 AS half, words, (SELECT CAST(? AS INTEGER) / 2) AS cast FROM t").bind(5).first();
  return Response.json({ bound, written, stored });
} }`;
const worker = { name: "look", compatibilityDate: "2026-10-01", modules: [{ type: "ESModule", path: "look.js", contents: script }], d1Databases: ["DB"] };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [how, values] of Object.entries(seen)) console.log(how.padEnd(8), JSON.stringify(values));
const expected = {
  bound: { half: 2.5, id: "job-5.0", json: '{"n":5.0}', type: "real" },
  written: { half: 2, id: "job-5", json: '{"n":5}', type: "integer" },
  stored: { half: 2, words: "5.0", cast: 2 },
};
process.exit(JSON.stringify(seen) === JSON.stringify(expected) ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

#!/usr/bin/env bash
# D1's `meta.changes` counts the rows that triggers and cascades touch too.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: it is SQLite's changes(), which counts the
# rows of the statement itself, so an UPDATE by primary key says 0 or 1, and `changes === 1` is a test of who has won a
# claim. Seen: 3 of an UPDATE of one row whose trigger writes two lines of a journal, and 4 of a DELETE of one row that three others refer
# to.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `export default { async fetch(request, { DB }) {
  await DB.batch([
    DB.prepare("CREATE TABLE job (id INTEGER PRIMARY KEY, status TEXT)"),
    DB.prepare("CREATE TABLE journal (said TEXT)"),
    DB.prepare("CREATE TABLE part (job INTEGER REFERENCES job(id) ON DELETE CASCADE)"),
    DB.prepare("INSERT INTO job VALUES (1, 'queued'), (2, 'queued')"),
    DB.prepare("INSERT INTO part VALUES (1), (1), (1)"),
  ]);
  const claim = (id) => DB.prepare("UPDATE job SET status = 'running' WHERE id = ?").bind(id).run();
  const before = (await claim(2)).meta.changes;
  await DB.exec("CREATE TRIGGER tell AFTER UPDATE ON job BEGIN INSERT INTO journal VALUES (old.status), (new.status); END");
  const update = (await claim(1)).meta.changes;
  const remove = (await DB.prepare("DELETE FROM job WHERE id = 1").run()).meta.changes;
  return Response.json({ "update of one row": before, "the same, with a trigger": update, "delete of one row, with three parts": remove });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, d1Databases: ["DB"] };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [what, changes] of Object.entries(seen)) console.log(what.padEnd(36), changes);
process.exit(Object.values(seen).join() === "1,3,4" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

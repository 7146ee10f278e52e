#!/usr/bin/env bash
# workers-qb stores values in other columns if a later row of an insert names its members in another order.
# Packages: workers-qb 1.14.0 (npm) over miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: each row is
# an object, so a value goes to the column of its name, as with Drizzle and Kysely. Seen: the columns are those of the first row, and the
# values of all others are taken in their own order: nothing is refused, and a job's status and model are exchanged.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta workers-qb@1.14.0
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { D1QB } from "workers-qb";

const modules = [{ type: "ESModule", path: "look.js", contents: "export default {}" }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, d1Databases: ["DB"] };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const DB = await miniflare.getD1Database("DB");
await DB.exec("CREATE TABLE jobs (id INTEGER PRIMARY KEY, model TEXT, status TEXT)");
const data = [
  { id: 1, model: "whisper", status: "queued" },
  { id: 2, status: "queued", model: "whisper" },
];
await new D1QB(DB).insert({ tableName: "jobs", data }).execute();
const { results } = await DB.prepare("SELECT id, model, status FROM jobs ORDER BY id").all();
await miniflare.dispose();
for (const row of results) console.log(JSON.stringify(row));
const [first, second] = results;
process.exit(first.model === "whisper" && first.status === "queued" && second.model === "queued" && second.status === "whisper" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

#!/usr/bin/env bash
# workers-qb finds every row for `whereIn` with an empty list.
# Packages: workers-qb 1.14.0 (npm) over miniflare 5.20261102.0-beta (npm) with its workerd; drizzle-orm 0.45.4 and kysely 0.28.19 with
# kysely-d1 0.4.0 (npm) stand beside it; node 24.21.0 (npm). A good guess: nothing is in an empty list, so no row is found, as with the
# other two; or it is refused. Seen: the condition is left out, so all rows come, and `count()` counts them all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta workers-qb@1.14.0 drizzle-orm@0.45.4 kysely@0.28.19 kysely-d1@0.4.0
cat > look.mjs <<'JS'
import { inArray } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { integer, sqliteTable } from "drizzle-orm/sqlite-core";
import { Kysely } from "kysely";
import { D1Dialect } from "kysely-d1";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { D1QB } from "workers-qb";

const modules = [{ type: "ESModule", path: "look.js", contents: "export default {}" }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, d1Databases: ["DB"] };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const DB = await miniflare.getD1Database("DB");
await DB.batch([DB.prepare("CREATE TABLE jobs (id INTEGER PRIMARY KEY)"), DB.prepare("INSERT INTO jobs VALUES (1), (2), (3)")]);
const jobs = sqliteTable("jobs", { id: integer().primaryKey() });
const query = () => new D1QB(DB).select("jobs").fields(["id"]).whereIn("id", []);
const seen = {
  drizzle: (await drizzle(DB).select().from(jobs).where(inArray(jobs.id, []))).length,
  kysely: (await new Kysely({ dialect: new D1Dialect({ database: DB }) }).selectFrom("jobs").select("id").where("id", "in", []).execute()).length,
  "workers-qb": (await query().all()).results.length,
  "workers-qb, count()": (await query().count()).results.total,
};
await miniflare.dispose();
for (const [what, rows] of Object.entries(seen)) console.log(what.padEnd(20), rows, "of 3 rows are in an empty list");
process.exit(Object.values(seen).join() === "0,0,3,3" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

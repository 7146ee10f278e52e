#!/usr/bin/env bash
# Drizzle's `findFirst` that finds nothing fails a whole batch of D1, after D1 has run and kept it.
# Packages: drizzle-orm 0.45.4 (npm) over miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: it is
# `undefined` in the list of results, as it is by itself; and if a batch throws, D1 has undone it. Seen: `db.batch([...])` throws a
# TypeError that names no query ("Cannot read properties of undefined"), and what its other statements wrote is stored.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta drizzle-orm@0.45.4
cat > look.mjs <<'JS'
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const jobs = sqliteTable("jobs", { id: integer().primaryKey(), status: text() });

const modules = [{ type: "ESModule", path: "look.js", contents: "export default {}" }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, d1Databases: ["DB"] };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const DB = await miniflare.getD1Database("DB");
await DB.exec("CREATE TABLE jobs (id INTEGER PRIMARY KEY, status TEXT)");
const db = drizzle(DB, { schema: { jobs } });

const find = () => db.query.jobs.findFirst({ where: eq(jobs.id, 99) });
const alone = await find();
const batched = await db.batch([db.insert(jobs).values({ id: 1, status: "queued" }), find()]).then(
  () => "results",
  ({ name, message }) => `${name}: ${message}`,
);
const { count } = await DB.prepare("SELECT count(*) AS count FROM jobs").first();
await miniflare.dispose();
console.log("by itself: ", alone);
console.log("in a batch:", batched);
console.log("rows that the batch inserted:", count);
process.exit(alone === undefined && batched.startsWith("TypeError: Cannot read properties of undefined") && count === 1 ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

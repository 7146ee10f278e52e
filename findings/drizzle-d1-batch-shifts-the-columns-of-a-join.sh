#!/usr/bin/env bash
# Drizzle gives other columns' values for a join that runs in a batch of D1.
# Packages: drizzle-orm 0.45.4 (npm) over miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: a query
# gives the same rows in `db.batch([...])` as by itself. Seen: by itself it is read as lists. In a batch its rows are objects, in which the
# second of two columns of one name takes the place of the first, and Drizzle then deals the values out by their place. So a job has its
# model's id, each column behind it gets its neighbour's value, and the last has none; a date among them makes it throw.
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

const models = sqliteTable("models", { id: integer().primaryKey(), name: text() });
const jobs = sqliteTable("jobs", { id: integer().primaryKey(), model: integer(), status: text() });

const modules = [{ type: "ESModule", path: "look.js", contents: "export default {}" }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, d1Databases: ["DB"] };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const DB = await miniflare.getD1Database("DB");
await DB.exec("CREATE TABLE models (id INTEGER PRIMARY KEY, name TEXT)");
await DB.exec("CREATE TABLE jobs (id INTEGER PRIMARY KEY, model INTEGER, status TEXT)");
const db = drizzle(DB);
await db.insert(models).values({ id: 1, name: "whisper" });
await db.insert(jobs).values({ id: 7, model: 1, status: "queued" });

const query = db.select({ job: jobs.id, id: models.id, status: jobs.status, name: models.name }).from(jobs).innerJoin(models, eq(jobs.model, models.id));
const [alone] = await query;
const [[batched]] = await db.batch([query]);
await miniflare.dispose();
console.log("by itself: ", JSON.stringify(alone));
console.log("in a batch:", JSON.stringify(batched));
const wanted = alone.job === 7 && alone.status === "queued" && alone.name === "whisper";
process.exit(wanted && batched.job === 1 && batched.id === "queued" && batched.status === "whisper" && batched.name === undefined ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

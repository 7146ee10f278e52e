#!/usr/bin/env bash
# Drizzle's relational query fails at a column of bytes of what it brings along, in SQLite and so in D1.
# Packages: drizzle-orm 0.45.4 (npm) over miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: a column of
# bytes comes with `with` as it comes with a plain query or a join. Seen: the related row is read as a JSON array, which SQLite does
# not make of bytes, so the whole query fails ("JSON cannot hold BLOB values"), as soon as one such value is not NULL: a table works until
# the first result has its bytes. A `blob` of mode "bigint", which is stored as bytes too, fails in the same way.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta drizzle-orm@0.45.4
cat > look.mjs <<'JS'
import { eq, relations } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { blob, integer, sqliteTable } from "drizzle-orm/sqlite-core";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const results = sqliteTable("results", { id: integer().primaryKey(), bytes: blob({ mode: "buffer" }), large: blob({ mode: "bigint" }) });
const jobs = sqliteTable("jobs", { id: integer().primaryKey(), result: integer() });
const jobRelations = relations(jobs, ({ one }) => ({ answer: one(results, { fields: [jobs.result], references: [results.id] }) }));

const modules = [{ type: "ESModule", path: "look.js", contents: "export default {}" }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, d1Databases: ["DB"] };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const DB = await miniflare.getD1Database("DB");
await DB.exec("CREATE TABLE results (id INTEGER PRIMARY KEY, bytes BLOB, large BLOB)");
await DB.exec("CREATE TABLE jobs (id INTEGER PRIMARY KEY, result INTEGER)");
const db = drizzle(DB, { schema: { results, jobs, jobRelations } });
await db.insert(results).values([{ id: 1 }, { id: 2, bytes: Buffer.from("ab") }, { id: 3, large: 5n }]);
await db.insert(jobs).values([{ id: 1, result: 1 }, { id: 2, result: 2 }, { id: 3, result: 3 }]);

const reason = (error) => String(error.cause?.message ?? error.message);
const related = (id) => db.query.jobs.findFirst({ where: eq(jobs.id, id), with: { answer: true } }).then(({ answer }) => `result ${answer.id}`, reason);
const seen = [await related(1), await related(2), await related(3)];
const [joined] = await db.select().from(jobs).innerJoin(results, eq(jobs.result, results.id)).where(eq(jobs.id, 2));
await miniflare.dispose();
for (const [at, what] of ["NULL:", "bytes:", "a bigint:"].entries()) console.log("with", what.padEnd(10), seen[at]);
console.log("by a join:     ", joined.results.bytes.toString());
process.exit(seen[0] === "result 1" && seen.slice(1).every((told) => told.includes("JSON cannot hold BLOB values")) && joined.results.bytes.toString() === "ab" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

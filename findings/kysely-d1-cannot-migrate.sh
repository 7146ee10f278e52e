#!/usr/bin/env bash
# Kysely's migrations fail on D1 with "not authorized", on a new database too, and so does its list of tables.
# Packages: kysely 0.29.9, kysely-d1 0.4.0 (npm); miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: as
# D1 is SQLite, and the dialect hands Kysely's own parts for SQLite on, the Migrator works once a database has no transactions to offer
# (`disableTransactions`). Seen: before its first migration Kysely asks for the columns of every table, D1 has one of its own that may not be
# asked for (`_cf_METADATA`), and the Migrator returns `SQLITE_AUTH` without having run anything. Statements of Kysely's otherwise run, those
# that make tables too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit --legacy-peer-deps node@24.21.0 miniflare@5.20261102.0-beta kysely@0.29.9 kysely-d1@0.4.0
cat > look.mjs <<'JS'
import { Kysely } from "kysely";
import { D1Dialect } from "kysely-d1";
import { Migrator } from "kysely/migration";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const modules = [{ type: "ESModule", path: "look.js", contents: "export default { fetch: () => new Response() }" }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, d1Databases: { DB: "db" } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const database = await miniflare.getD1Database("DB");
const db = new Kysely({ dialect: new D1Dialect({ database }) });

const seen = [];
let ran = 0;
const up = async (on) => {
  ran += 1;
  await on.schema.createTable("jobs").addColumn("id", "text").execute();
};
const migrator = new Migrator({ db, disableTransactions: true, provider: { getMigrations: async () => ({ first: { up } }) } });
const { error } = await migrator.migrateToLatest();
seen.push(`migration: ran ${ran}, ${error?.message}`);
await db.schema.createTable("jobs").addColumn("id", "text").execute();
await db.insertInto("jobs").values({ id: "a" }).execute();
seen.push(`statements: ${(await db.selectFrom("jobs").selectAll().execute()).length} row`);
seen.push(`tables: ${await db.introspection.getTables().then(({ length }) => length, ({ message }) => message)}`);
const { results } = await database.prepare("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE 'kysely_%'").all();
seen.push(`there are: ${results.map(({ name }) => name).sort().join(" ")}`);
await miniflare.dispose();
console.log(seen.join("\n"));
const fault = "D1_ERROR: not authorized: SQLITE_AUTH";
process.exit(seen.slice(0, 3).join() === [`migration: ran 0, ${fault}`, "statements: 1 row", `tables: ${fault}`].join() ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

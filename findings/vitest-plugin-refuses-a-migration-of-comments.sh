#!/usr/bin/env bash
# A migration of nothing but comments is applied by wrangler, and refused by Cloudflare's plugin for Vitest.
# Packages: @cloudflare/vitest-plugin 1.5.0 with its wrangler 4.156.2, vitest 5.1.1 and node 24.21.0 (npm). A good guess: `applyD1Migrations` does in a test
# what `wrangler d1 migrations apply` does, with the same files in the same order, so a migration that was emptied, of which a comment is
# left to hold its number, is one that does nothing. Seen: wrangler applies it and the one after it. In a test the call throws, "SQL
# code did not contain a statement.", and what comes after is missing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 vitest@5.1.1 @cloudflare/vitest-plugin@1.5.0 wrangler@4.156.2
export PATH="$PWD/node_modules/node/bin:$PWD/node_modules/.bin:$PATH" CI=1 NO_COLOR=1
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false WRANGLER_SEND_ERROR_REPORTS=false WRANGLER_HIDE_BANNER=true WRANGLER_LOG_PATH="$PWD/logs"
mkdir migrations
echo "CREATE TABLE first (id INTEGER);" > migrations/0001_first.sql
echo "-- this was taken back; its number stays" > migrations/0002_nothing.sql
echo "CREATE TABLE last (id INTEGER);" > migrations/0003_last.sql
echo 'export default { fetch() { return new Response("here"); } };' > worker.js
cat > wrangler.toml <<'TOML'
name = "look"
main = "worker.js"
compatibility_date = "2026-10-01"
[[d1_databases]]
binding = "DB"
database_name = "db"
database_id = "local"
TOML
cat > vitest.config.mjs <<'JS'
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
export default async () => {
  const bindings = { MIGRATIONS: await readD1Migrations("./migrations") };
  return { plugins: [cloudflareTest({ wrangler: { configPath: "./wrangler.toml" }, miniflare: { bindings } })] };
};
JS
cat > look.test.js <<'JS'
import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { test } from "vitest";
test("look", async () => {
  const error = await applyD1Migrations(env.DB, env.MIGRATIONS).then(() => "no error", ({ message }) => message);
  const tables = await env.DB.prepare("SELECT name FROM sqlite_master WHERE name IN ('first', 'last')").raw();
  console.log(`in a test: ${error}; tables: ${tables.flat().join(", ")}`);
});
JS
wrangler d1 migrations apply DB --local </dev/null >/dev/null 2>&1
tables=$(wrangler d1 execute DB --local --json --command "SELECT name FROM sqlite_master WHERE name IN ('first', 'last')" </dev/null 2>/dev/null | grep -o '"first"\|"last"' | tr -d '"\n')
echo "by wrangler: tables: $tables"
node ./node_modules/vitest/vitest.mjs run --silent=false </dev/null > vitest.txt 2>&1 || true
seen=$(grep "^in a test:" vitest.txt || true)
echo "$seen"
[ "$tables" = firstlast ] && [ "$seen" = "in a test: D1_ERROR: SQL code did not contain a statement.; tables: first" ]

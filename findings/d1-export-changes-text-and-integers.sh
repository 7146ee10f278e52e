#!/usr/bin/env bash
# `wrangler d1 export --local` writes texts and integers that read back as others.
# Package: wrangler 4.156.2 (npm) with its miniflare; node 24.21.0 (npm), whose SQLite reads both. A good guess: what is exported and executed
# again is what it was, or the export refuses. Seen: a text that has a line end is written with `\n` for it, which the import makes line ends
# of again, and so it does with each `\n` that the text had itself: indented JSON whose strings have escapes is no JSON any more. An integer
# beyond 2^53 is written as its nearest double, and -2^63 as a number that SQLite takes for no integer. Nothing is said of it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 wrangler@4.156.2
export PATH="$PWD/node_modules/node/bin:$PATH" CI=1 HOME="$PWD" CLOUDFLARE_CF_FETCH_ENABLED=false
export WRANGLER_SEND_METRICS=false WRANGLER_SEND_ERROR_REPORTS=false WRANGLER_HIDE_BANNER=true
echo '{ "name": "look", "compatibility_date": "2026-10-01", "d1_databases": [{ "binding": "DB", "database_name": "db", "database_id": "db" }] }' > wrangler.json
cat > before.sql <<'SQL'
CREATE TABLE jobs (id INTEGER PRIMARY KEY, input TEXT, seed INTEGER);
INSERT INTO jobs VALUES (1, '{' || char(10) || '  "prompt": "two\nlines"' || char(10) || '}', 5);
INSERT INTO jobs VALUES (2, '{"prompt": "two\nlines"}', 9007199254740993);
INSERT INTO jobs VALUES (3, '{}', -9223372036854775808);
SQL
./node_modules/.bin/wrangler d1 execute db --local --file before.sql >/dev/null
./node_modules/.bin/wrangler d1 export db --local --output after.sql >/dev/null
cat > look.mjs <<'JS'
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

const query = "SELECT json_valid(input) AS valid, CAST(seed AS TEXT) AS seed, typeof(seed) AS type FROM jobs ORDER BY id";
const [before, after] = ["before", "after"].map((name) => {
  const database = new DatabaseSync(":memory:");
  database.exec(readFileSync(`${name}.sql`, "utf8"));
  return database.prepare(query).all().map(({ valid, seed, type }) => `${valid ? "JSON" : "no JSON"}, ${seed} (${type})`).join("; ");
});
console.log("before:", before);
console.log("after: ", after);
const was = "JSON, 5 (integer); JSON, 9007199254740993 (integer); JSON, -9223372036854775808 (integer)";
process.exit(before === was && /^no JSON, 5 \(integer\); JSON, 9007199254740992 \(integer\); JSON, \S+ \(real\)$/u.test(after) ? 0 : 1);
JS
node look.mjs

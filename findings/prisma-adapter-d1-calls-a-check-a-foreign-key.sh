#!/usr/bin/env bash
# Prisma's adapter for D1 calls a failed CHECK a violated foreign key, and a column of texts one of times if its first text looks like one.
# Packages: @prisma/adapter-d1 7.10.0, miniflare 5.20261102.0-beta with its workerd, esbuild 0.28.2 (npm); node 24.21.0 (npm).
# A good guess: a table without any foreign key violates none, so a CHECK is a kind of its own or the plain kind of SQLite's errors; the type of a
# column is that of its declaration, or of all its rows. Seen: `ForeignKeyConstraintViolation`, which a program may answer with "no such
# model"; DateTime for a TEXT column of which another row says `hello`, and text for it if the rows come the other way around.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta esbuild@0.28.2 @prisma/adapter-d1@7.10.0
cat > worker.js <<'JS'
import { PrismaD1 } from "@prisma/adapter-d1";

export default {
  async fetch(request, { DB }) {
    const adapter = await new PrismaD1(DB).connect();
    const query = (sql) => ({ sql, args: [], argTypes: [] });
    await adapter.executeRaw(query("CREATE TABLE jobs (id TEXT PRIMARY KEY, score REAL CHECK (score <= 1), note TEXT)"));
    const { cause } = await adapter.executeRaw(query("INSERT INTO jobs VALUES ('a', 2, 'x')")).catch((error) => error);
    await adapter.executeRaw(query("INSERT INTO jobs VALUES ('a', 1, '2026-01-01 00:00:00'), ('b', 1, 'hello')"));
    const types = [];
    for (const order of ["ASC", "DESC"]) {
      const { columnTypes, rows } = await adapter.queryRaw(query(`SELECT note FROM jobs ORDER BY id ${order}`));
      types.push({ rows: rows.flat(), type: columnTypes[0] });
    }
    return Response.json({ cause, types });
  },
};
JS
cat > look.mjs <<'JS'
import { build } from "esbuild";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const options = { entryPoints: ["worker.js"], bundle: true, format: "esm", target: "esnext", write: false, conditions: ["workerd", "worker"], external: ["node:*"] };
const { outputFiles } = await build(options);
const modules = [{ type: "ESModule", path: "look.js", contents: outputFiles[0].text }];
const worker = { name: "look", compatibilityDate: "2026-10-01", compatibilityFlags: ["nodejs_compat"], modules, d1Databases: { DB: "db" } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const { cause, types } = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
console.log(`${cause.originalMessage}: ${cause.kind}`);
for (const { rows, type } of types) console.log(`the texts ${rows.join(", ")}: ${{ 7: "Text", 10: "DateTime" }[type] ?? type}`);
process.exit(cause.kind === "ForeignKeyConstraintViolation" && types.map(({ type }) => type).join() === "10,7" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs 2>errors.txt || { cat errors.txt; exit 1; }

#!/usr/bin/env bash
# The SQL of a Durable Object runs a statement, and then throws, if a comment follows its semicolon.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: a comment is nothing, wherever it stands,
# as in every shell of SQLite; so a schema may end in one. Seen: `INSERT ...; -- why` throws "SQL code did not contain a statement", and its
# row is there; who catches the error and tries again has it twice. A second semicolon does the same. A comment before the semicolon, or in
# front, is taken. D1 throws too, `prepare` and `exec` alike, and stores nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `import { DurableObject } from "cloudflare:workers";
const TEXTS = ["INSERT INTO t VALUES (1)", "-- why\\nINSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1) -- why", "INSERT INTO t VALUES (1); -- why", "INSERT INTO t VALUES (1);;"];
const COUNT = "SELECT count(*) AS n FROM t";
export class Store extends DurableObject {
  run(text) {
    const { sql } = this.ctx.storage;
    sql.exec("CREATE TABLE IF NOT EXISTS t (a)");
    sql.exec("DELETE FROM t");
    let told = "taken";
    try { sql.exec(text); } catch (error) { told = error.message; }
    return [told, sql.exec(COUNT).one().n];
  }
}
export default { async fetch(request, { STORE, DB }) {
  const seen = {};
  await DB.prepare("CREATE TABLE t (a)").run();
  for (const text of TEXTS) {
    await DB.prepare("DELETE FROM t").run();
    const d1 = await DB.prepare(text).run().then(() => "taken", (error) => error.message);
    seen[text] = { object: await STORE.getByName("one").run(text), d1: [d1, await DB.prepare(COUNT).first("n")] };
  }
  return Response.json(seen);
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, d1Databases: { DB: "db" }, durableObjects: { STORE: { className: "Store", useSQLite: true } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [text, { object, d1 }] of Object.entries(seen)) {
  console.log(JSON.stringify(text));
  console.log(`  a Durable Object: ${object[0]} Rows: ${object[1]}`);
  console.log(`  D1: ${d1[0]} Rows: ${d1[1]}`);
}
const rows = Object.values(seen).map(({ object, d1 }) => [object[0] === "taken", object[1], d1[0] === "taken", d1[1]]);
process.exit(JSON.stringify(rows) === "[[true,1,true,1],[true,1,true,1],[true,1,true,1],[false,1,false,0],[false,1,false,0]]" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

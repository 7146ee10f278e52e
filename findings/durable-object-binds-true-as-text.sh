#!/usr/bin/env bash
# The SQL of a Durable Object binds `true` as the text 'true', where D1 binds it as 1.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: both are one SQLite under one runtime, and
# a boolean is 1 or 0 in both; or it is refused, as a BigInt is. Seen: in a Durable Object typeof(?) is text, so `WHERE done = ?` with
# `true` finds nothing in a column of 1 and 0, and says nothing. A Date becomes text too, in the words of its toString(), which sort by the
# name of the weekday.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `import { DurableObject } from "cloudflare:workers";
const rows = "SELECT count(*) AS found FROM (SELECT 1 AS done) WHERE done = ?";
const kind = "SELECT typeof(?) AS kind";
export class Beside extends DurableObject {
  look() {
    const { sql } = this.ctx.storage;
    const date = sql.exec("SELECT ? AS text", new Date(0)).one().text;
    return { kind: sql.exec(kind, true).one().kind, found: sql.exec(rows, true).one().found, date };
  }
}
export default { async fetch(request, { DB, BESIDE }) {
  const d1 = { kind: await DB.prepare(kind).bind(true).first("kind"), found: await DB.prepare(rows).bind(true).first("found") };
  return Response.json({ "Durable Object": await BESIDE.getByName("a").look(), D1: d1 });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, d1Databases: ["DB"], durableObjects: { BESIDE: { className: "Beside", useSQLite: true } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [where, got] of Object.entries(seen)) console.log(where.padEnd(16), JSON.stringify(got));
const { "Durable Object": object, D1: d1 } = seen;
const apart = object.kind === "text" && object.found === 0 && d1.kind === "real" && d1.found === 1;
process.exit(apart && object.date.startsWith("Thu Jan 01 1970") ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

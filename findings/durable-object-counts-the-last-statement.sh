#!/usr/bin/env bash
# The SQL of a Durable Object counts the rows of the last of several statements alone, and keeps what the first did if a later one fails.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: `sql.exec` of several statements is one call,
# so `rowsWritten` and `rowsRead` are the rows of all, as they are charged, and a caught failure has changed nothing, as in a batch of D1.
# Seen: of an INSERT of three rows and one of one row `rowsWritten` is 1, and 0 if the last statement finds nothing. Where the second
# statement breaks a constraint, or can't even be parsed, the first has been carried out and stays, unless all of it stands in a
# `transactionSync`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `import { DurableObject } from "cloudflare:workers";
export class Jobs extends DurableObject {
  look() {
    const { storage } = this.ctx;
    const { sql } = storage;
    const rows = (id) => sql.exec("SELECT count(*) AS n FROM jobs WHERE id >= ? AND id < ?", id, id + 10).one().n;
    const tried = (work) => { try { work(); return "no failure"; } catch { return "fails"; } };
    sql.exec("CREATE TABLE jobs (id INTEGER PRIMARY KEY)");
    const seen = {};
    seen["three rows and one"] = [sql.exec("INSERT INTO jobs VALUES (10), (11), (12); INSERT INTO jobs VALUES (13)").rowsWritten, rows(10)];
    seen["two rows and none"] = [sql.exec("INSERT INTO jobs VALUES (20), (21); DELETE FROM jobs WHERE id = 0").rowsWritten, rows(20)];
    seen["the second one twice"] = [tried(() => sql.exec("INSERT INTO jobs VALUES (30); INSERT INTO jobs VALUES (30)")), rows(30)];
    seen["the second one no SQL"] = [tried(() => sql.exec("INSERT INTO jobs VALUES (40); NO SQL")), rows(40)];
    seen["in a transaction"] = [tried(() => storage.transactionSync(() => sql.exec("INSERT INTO jobs VALUES (50); INSERT INTO jobs VALUES (50)"))), rows(50)];
    return seen;
  }
}
export default { async fetch(request, { JOBS }) { return Response.json(await JOBS.getByName("jobs").look()); } }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, durableObjects: { JOBS: { className: "Jobs", useSQLite: true } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [what, [told, rows]] of Object.entries(seen)) console.log(what.padEnd(22), `${typeof told === "number" ? `rowsWritten ${told}` : told}; rows there: ${rows}`);
process.exit(JSON.stringify(Object.values(seen)) === '[[1,4],[0,2],["fails",1],["fails",1],["fails",0]]' ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

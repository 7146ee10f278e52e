#!/usr/bin/env bash
# A statement with RETURNING whose rows are not all read undoes a Durable Object's request, and with it all that it wrote.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: `sql.exec` runs the statement, whatever is
# made of the cursor, as it does without RETURNING; who wants the first row alone takes it by `const [first] = ...`. Seen: if no row is
# read, or only the first of three, the method has returned, and then its caller gets "internal error" and nothing is stored: "cannot commit
# transaction - SQL statements in progress". With `toArray()`, or if the one row that there is has been read, all is well, so a test with
# one row does not tell.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `import { DurableObject } from "cloudflare:workers";
const UPDATE = "UPDATE jobs SET state = 'done' WHERE id <= ? RETURNING id";
export class Jobs extends DurableObject {
  fill() {
    this.ctx.storage.sql.exec("CREATE TABLE jobs (id INTEGER PRIMARY KEY, state TEXT)");
    this.ctx.storage.sql.exec("INSERT INTO jobs VALUES (1, 'open'), (2, 'open'), (3, 'open')");
  }
  finish(how) {
    const { sql } = this.ctx.storage;
    if (how === "three rows, no RETURNING") sql.exec(UPDATE.replace(" RETURNING id", ""), 3);
    if (how === "one row, read") { const [first] = sql.exec(UPDATE, 1); }
    if (how === "three rows, unread") sql.exec(UPDATE, 3);
    if (how === "three rows, the first read") { const [first] = sql.exec(UPDATE, 3); }
    if (how === "three rows, all read") sql.exec(UPDATE, 3).toArray();
  }
  done() { return this.ctx.storage.sql.exec("SELECT count(*) AS n FROM jobs WHERE state = 'done'").one().n; }
}
export default { async fetch(request, { JOBS }) {
  const seen = {};
  for (const how of ["three rows, no RETURNING", "one row, read", "three rows, unread", "three rows, the first read", "three rows, all read"]) {
    await JOBS.getByName(how).fill();
    const told = await JOBS.getByName(how).finish(how).then(() => "returned", (error) => error.message.split(";")[0]);
    seen[how] = [told, await JOBS.getByName(how).done()];
  }
  return Response.json(seen);
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, durableObjects: { JOBS: { className: "Jobs", useSQLite: true } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [how, [told, done]] of Object.entries(seen)) console.log(how.padEnd(28), `${told}; done: ${done}`);
process.exit(JSON.stringify(Object.values(seen)) === '[["returned",3],["returned",1],["internal error",0],["internal error",0],["returned",3]]' ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

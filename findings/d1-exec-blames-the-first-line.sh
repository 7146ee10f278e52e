#!/usr/bin/env bash
# `exec` of D1 blames the first line, whichever one fails, and has undone the lines before it.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: the documentation of `exec` has it that the lines run one
# after the other, that an error names the query, and that what follows it is not run; so the error names the third of four lines, and
# what the two before it have done stays. Seen: "Error in line 1", with the text of the first, which is a sound one. It is not there either: the
# lines run as one transaction.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `export default { async fetch(request, { DB }) {
  await DB.exec("CREATE TABLE model (name TEXT PRIMARY KEY)");
  const lines = ["first", "second", "second", "last"].map((name) => "INSERT INTO model VALUES ('" + name + "')");
  const error = await DB.exec(lines.join("\\n")).then(() => "none", ({ message }) => message);
  const rows = await DB.prepare("SELECT name FROM model").raw();
  return Response.json({ error, rows: rows.flat() });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, d1Databases: ["DB"] };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const { error, rows } = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
console.log("the third of four lines fails:", error);
console.log("rows that are there:", rows.join(", ") || "none");
process.exit(error.includes("Error in line 1: INSERT INTO model VALUES ('first')") && rows.length === 0 ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

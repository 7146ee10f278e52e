#!/usr/bin/env bash
# KV of miniflare fails a read of several keys as JSON if one value is none, and calls a list complete whose cursor it does not know.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: the others come, as a missing key is null among
# them; and a cursor that was cut or mistyped is an error, as R2's list has it. Seen: all fail, and the message does not name the key. The
# list has no keys and `list_complete: true`, so a loop that lost a letter of its cursor believes that it has read everything.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `export default { async fetch(request, { KV }) {
  await KV.put("good", '{"a":1}');
  await KV.put("bad", "text");
  const many = (keys) => KV.get(keys, "json").then((values) => [...values], ({ message }) => message);
  const list = ({ keys, list_complete }) => ({ keys: keys.length, list_complete });
  return Response.json([await many(["good", "missing"]), await many(["good", "bad"]), list(await KV.list()), list(await KV.list({ cursor: "mistyped" }))]);
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, kvNamespaces: ["KV"] };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [at, what] of ["one missing:", "one no JSON:", "a list:", "with a wrong cursor:"].entries()) console.log(what.padEnd(22), JSON.stringify(seen[at]));
const [missing, bad, list, cursor] = seen;
const failed = missing.length === 2 && missing[1][1] === null && typeof bad === "string" && !bad.includes('"bad"');
process.exit(failed && list.keys === 2 && cursor.keys === 0 && cursor.list_complete ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

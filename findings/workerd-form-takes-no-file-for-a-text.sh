#!/usr/bin/env bash
# `formData()` of workerd gives an empty text where a form's file field was left empty.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: a part with a `filename` is a file, also an empty one, which
# is what a browser sends for a field of which no file was chosen; so it is a File without a name and of 0 bytes, as Node reads it, and
# `file.size` tells. Seen: a string "", whose `size` is undefined. An empty file that has a name is a File.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const part = (name) => `--limit\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: application/octet-stream\r\n\r\n\r\n--limit--\r\n`;
const look = async (body) => {
  const form = new Response(body, { headers: { "Content-Type": "multipart/form-data; boundary=limit" } });
  const value = (await form.formData()).get("file");
  return typeof value === "string" ? `the text "${value}"` : `${value.constructor.name} "${value.name}" of ${value.size} bytes`;
};
const script = `const look = ${look};
export default { async fetch() { return Response.json([await look(${JSON.stringify(part(""))}), await look(${JSON.stringify(part("empty.bin"))})]); } }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
const node = await look(part(""));
console.log("no file chosen:       ", seen[0]);
console.log("the same in Node:     ", node);
console.log("an empty file, named: ", seen[1]);
process.exit(seen[0] === 'the text ""' && node === 'File "" of 0 bytes' && seen[1] === 'File "empty.bin" of 0 bytes' ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

#!/usr/bin/env bash
# worktop stores a Uint8Array in KV as the JSON of its indexes, and answers with one as such, where it takes an ArrayBuffer as bytes.
# Packages: worktop 0.7.3, miniflare 5.20261102.0-beta with its workerd, esbuild 0.28.2 (npm); node 24.21.0 (npm).
# A good guess: bytes are bytes in either form, as they are for KV itself and for a Response. Seen: `write(kv, key, new Uint8Array([1, 2]))`
# stores `{"0":1,"1":2}` and says true, and `send` makes such JSON of an ArrayBuffer too, with its length in bytes as `Content-Length`. A write
# that KV refuses is false, without a reason.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta esbuild@0.28.2 worktop@0.7.3
cat > worker.js <<'JS'
import { write } from "worktop/kv";
import { ServerResponse } from "worktop/response";

const bytes = new Uint8Array([1, 2]);
const sent = (value) => {
  const response = new ServerResponse("GET");
  response.send(200, value);
  return [typeof response.body === "string" ? response.body : "bytes", response.getHeader("content-length")].join(" of length ");
};
export default {
  async fetch(request, { KV }) {
    const said = [await write(KV, "view", bytes), await write(KV, "buffer", bytes.buffer), await write(KV, "k".repeat(600), "x")];
    return Response.json({ said, view: await KV.get("view"), buffer: await KV.get("buffer"), sent: [sent(bytes), sent(bytes.buffer)] });
  },
};
JS
cat > look.mjs <<'JS'
import { build } from "esbuild";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const { outputFiles } = await build({ entryPoints: ["worker.js"], bundle: true, format: "esm", target: "esnext", write: false });
const modules = [{ type: "ESModule", path: "look.js", contents: outputFiles[0].text }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, kvNamespaces: ["KV"] };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const { said, view, buffer, sent } = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
console.log("KV has, of a Uint8Array:", view, "- of its ArrayBuffer:", JSON.stringify(buffer), "- write said:", said.join(", "));
console.log("send makes, of a Uint8Array:", sent[0], "- of its ArrayBuffer:", sent[1]);
process.exit(view === '{"0":1,"1":2}' && buffer === "\u0001\u0002" && said.join() === "true,true,false" && sent[1] === "{} of length 2" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs 2>errors.txt || { cat errors.txt; exit 1; }

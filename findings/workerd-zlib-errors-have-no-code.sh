#!/usr/bin/env bash
# Errors of node:zlib in workerd have no `code`, but where they come by a stream.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: `gunzipSync` and `gunzip` fail as Node's do, with the code
# Z_DATA_ERROR for what is no gzip, Z_BUF_ERROR for what was cut off, and ERR_BUFFER_TOO_LARGE for more than `maxOutputLength`, by which
# a body that is too large is told from a bad one. Seen: the same messages but one, and `code` and `errno` undefined for all three, in both
# forms; `createGunzip` has the codes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const look = async (zlib) => {
  const whole = zlib.gzipSync("a".repeat(100_000));
  const inputs = { "no gzip": ["none", {}], "cut off": [whole.subarray(0, -4), {}], "too large": [whole, { maxOutputLength: 100 }] };
  const seen = {};
  for (const [what, [input, options]] of Object.entries(inputs)) {
    try { zlib.gunzipSync(input, options); } catch ({ code }) { seen["gunzipSync, " + what] = String(code); }
    await new Promise((resolve) => zlib.gunzip(input, options, ({ code }) => resolve((seen["gunzip, " + what] = String(code)))));
  }
  await new Promise((resolve) => {
    const stream = zlib.createGunzip();
    stream.on("error", ({ code }) => resolve((seen["createGunzip, no gzip"] = String(code))));
    stream.resume().end("none");
  });
  return seen;
};
const script = `import zlib from "node:zlib";
const look = ${look};
export default { async fetch() { return Response.json(await look(zlib)); } }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
const node = await look(await import("node:zlib"));
for (const what of Object.keys(node)) console.log(what.padEnd(22), "node:", node[what].padEnd(21), "workerd:", seen[what]);
const [stream, ...whole] = Object.values(seen).reverse();
process.exit(stream === "Z_DATA_ERROR" && whole.every((code) => code === "undefined") && !Object.values(node).includes("undefined") ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

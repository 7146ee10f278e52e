#!/usr/bin/env bash
# `formData()` of workerd refuses a part whose name stands without quotes.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm) stands beside it. A good guess: `name=prompt` is a token, which
# needs no quotes by RFC 9110 and RFC 2183, as Go's mime.FormatMediaType and other writers of mail's headers have it, and Node reads it. Seen: a
# TypeError says that the header is missing a name; the whole form is lost with it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
export const look = async () => {
  const seen = {};
  for (const name of ['name="prompt"', "name=prompt"]) {
    const body = `--b\r\nContent-Disposition: form-data; ${name}\r\n\r\na cat\r\n--b--\r\n`;
    const response = new Response(body, { headers: { "content-type": "multipart/form-data; boundary=b" } });
    seen[name] = await response.formData().then((form) => form.get("prompt"), (error) => error.name);
  }
  return Object.values(seen);
};
JS
cat > main.mjs <<'JS'
import { readFileSync } from "node:fs";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { look } from "./look.mjs";

const script = 'import { look } from "./look.mjs"; export default { fetch: async () => Response.json(await look()) }';
const modules = [{ type: "ESModule", path: "main.mjs", contents: script }, { type: "ESModule", path: "look.mjs", contents: readFileSync("look.mjs", "utf8") }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const byWorkerd = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
const byNode = JSON.parse(JSON.stringify(await look()));
console.log("Node:   ", JSON.stringify(byNode));
console.log("workerd:", JSON.stringify(byWorkerd));
process.exit(JSON.stringify([byNode, byWorkerd]) === '[["a cat","a cat"],["a cat","TypeError"]]' ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node main.mjs

#!/usr/bin/env bash
# FormData of workerd names a Blob without a name after its field, where the standard says `blob`.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm), whose fetch stands beside it. A good guess:
# `append("file", new Blob([...]))` sends `filename="blob"`, as the standard of XMLHttpRequest has it, and browsers and Node do it. Seen: the
# file is called as its field is, in the form and on the wire, so a server that looks at the name sees another one from a Worker.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
export const look = async () => {
  const form = new FormData();
  form.append("picture", new Blob(["x"], { type: "image/png" }));
  const wire = await new Response(form).text();
  return [form.get("picture").name, /filename="[^"]*"/u.exec(wire)[0]];
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
process.exit(JSON.stringify([byNode, byWorkerd]) === '[["blob","filename=\\"blob\\""],["picture","filename=\\"picture\\""]]' ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node main.mjs

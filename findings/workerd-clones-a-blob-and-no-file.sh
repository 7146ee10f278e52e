#!/usr/bin/env bash
# workerd clones a Blob, and Headers, but no File.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm) stands beside it. A good guess: a File is a Blob with a name
# and is cloned like one, as browsers and Node do. Seen: structuredClone throws a DataCloneError for a File, also as a member of the object
# that a form was read into, and takes Headers, for which browsers and Node throw.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
const values = { Blob: new Blob(["x"]), File: new File(["x"], "a.png"), Headers: new Headers(), "a File within": { picture: new File(["x"], "a.png") } };
export const look = () =>
  Object.entries(values).map(([name, value]) => {
    try {
      structuredClone(value);
      return `${name}: cloned`;
    } catch (error) {
      return `${name}: ${error.name}`;
    }
  });
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
process.exit(JSON.stringify([byNode, byWorkerd]) === '[["Blob: cloned","File: cloned","Headers: DataCloneError","a File within: cloned"],["Blob: cloned","File: DataCloneError","Headers: cloned","a File within: DataCloneError"]]' ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node main.mjs

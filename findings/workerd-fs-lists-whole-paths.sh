#!/usr/bin/env bash
# `readdir` of workerd's node:fs gives whole paths if it is recursive, without the slash that they begin with.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm) stands beside it. A good guess: `readdir(folder, {recursive:
# true})` gives paths below the folder, and the `name` of a Dirent is its last part, as in Node. Seen: both are the path from the root, but
# relative: joined to the folder they lead nowhere, so a walk over unpacked files finds none of them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { access, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

export const look = async () => {
  const folder = await mkdtemp("/tmp/model-");
  await mkdir(join(folder, "weights"));
  await writeFile(join(folder, "weights", "a.bin"), "x");
  const paths = (await readdir(folder, { recursive: true })).sort();
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).map(({ name }) => name).sort();
  const found = await Promise.all(paths.map((path) => access(join(folder, path)).then(() => true, () => false)));
  await rm(folder, { recursive: true });
  return [paths.join(" "), names.join(" "), found].map(String);
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
process.exit(JSON.stringify([byNode, byWorkerd]) === '[["weights weights/a.bin","a.bin weights","true,true"],["tmp/model-0/weights tmp/model-0/weights/a.bin","tmp/model-0/weights tmp/model-0/weights/a.bin","false,false"]]' ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node main.mjs

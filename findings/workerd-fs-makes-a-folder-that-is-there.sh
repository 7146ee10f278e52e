#!/usr/bin/env bash
# `mkdir` of workerd's node:fs makes a folder that is there, and `rm` takes away a file that is not, both without an error.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm) stands beside it. A good guess: EEXIST and ENOENT, unless
# `recursive` or `force` is given, as in Node; so that a folder can be a lock, as packages of caches have it. Seen: both succeed, and of two
# who make one folder each believes to be the first. Reading a missing file, and removing a folder that is not empty, fail as in Node.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { mkdir, mkdtemp, readFile, rm, rmdir } from "node:fs/promises";

const told = (promise) => promise.then(() => "done", ({ code }) => code);
export const look = async () => {
  const folder = await mkdtemp("/tmp/cache-");
  await mkdir(`${folder}/lock`);
  const seen = { mkdir: await told(mkdir(`${folder}/lock`)), rm: await told(rm(`${folder}/none`)), readFile: await told(readFile(`${folder}/none`)), rmdir: await told(rmdir(folder)) };
  await rm(folder, { recursive: true });
  return seen;
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
process.exit(JSON.stringify([byNode, byWorkerd]) === '[{"mkdir":"EEXIST","rm":"ENOENT","readFile":"ENOENT","rmdir":"ENOTEMPTY"},{"mkdir":"done","rm":"done","readFile":"ENOENT","rmdir":"ENOTEMPTY"}]' ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node main.mjs

#!/usr/bin/env bash
# `promisify(setTimeout)` of workerd throws, and so do those of setImmediate and crypto's generateKeyPair.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm) stands beside it. A good guess: `util.promisify` of a timer
# is the sleep that many packages make of it, since node:util, node:timers and node:crypto are all there; util.promisify of zlib's and fs'
# functions works. Seen: the functions have lost what Node gives them for it, so the delay is taken for the callback: a TypeError.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { generateKeyPair } from "node:crypto";
import { setTimeout as timer } from "node:timers";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

const calls = {
  "node:timers": () => promisify(timer)(1, "slept"),
  setTimeout: () => promisify(setTimeout)(1, "slept"),
  setImmediate: () => promisify(setImmediate)("slept"),
  generateKeyPair: async () => Object.keys(await promisify(generateKeyPair)("ed25519")).sort().join(),
  gzip: async () => (await promisify(gzip)("x")).length > 0,
};
export const look = async () => {
  const seen = {};
  for (const [name, call] of Object.entries(calls)) seen[name] = await Promise.resolve().then(call).catch((error) => error.name);
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
process.exit(JSON.stringify([byNode, byWorkerd]) === '[{"node:timers":"slept","setTimeout":"slept","setImmediate":"slept","generateKeyPair":"privateKey,publicKey","gzip":true},{"node:timers":"TypeError","setTimeout":"TypeError","setImmediate":"TypeError","generateKeyPair":"TypeError","gzip":true}]' ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node main.mjs

#!/usr/bin/env bash
# node:crypto of workerd takes a key object by itself, and refuses it as the `key` of options.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm) stands beside it. A good guess: `sign("sha256", data, {key,
# dsaEncoding: "ieee-p1363"})`, as a signature of ES256 needs it, takes a KeyObject as Node does; `sign("sha256", data, key)` does here too.
# Seen: a TypeError that wants a string, bytes or an object. The same key as PEM is taken, so it has to be written out for each signature.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { generateKeyPairSync, sign } from "node:crypto";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const keys = {
  "by itself": privateKey,
  "in options": { key: privateKey, dsaEncoding: "ieee-p1363" },
  "as PEM in options": { key: privateKey.export({ type: "pkcs8", format: "pem" }), dsaEncoding: "ieee-p1363" },
};
export const look = () =>
  Object.entries(keys).map(([name, key]) => {
    try {
      return `${name}: ${sign("sha256", Buffer.from("x"), key).length >= 64 ? "signed" : "short"}`;
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
process.exit(JSON.stringify([byNode, byWorkerd]) === '[["by itself: signed","in options: signed","as PEM in options: signed"],["by itself: signed","in options: TypeError","as PEM in options: signed"]]' ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node main.mjs

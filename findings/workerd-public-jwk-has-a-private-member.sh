#!/usr/bin/env bash
# A public key that workerd exports as a JWK has the member `d`, which tells a private one, and thirteen others that it has no value for.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm) stands beside it. A good guess: the object has the members
# of its kind of key alone, as in browsers and Node, so `"d" in jwk` tells a private key. Seen: whatever the key is, all members of all
# kinds are there, and what does not apply is undefined. Its JSON is right; its keys, a spread, or a check by `in` or a strict schema is not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { generateKeyPairSync } from "node:crypto";

export const look = async () => {
  const { publicKey } = await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"]);
  const jwks = [await crypto.subtle.exportKey("jwk", publicKey), generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" })];
  return jwks.map((jwk) => ({ d: "d" in jwk, k: "k" in jwk, members: Object.keys(jwk).length, json: "d" in JSON.parse(JSON.stringify(jwk)) }));
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
process.exit(JSON.stringify([byNode, byWorkerd]) === '[[{"d":false,"k":false,"members":6,"json":false},{"d":false,"k":false,"members":3,"json":false}],[{"d":true,"k":true,"members":20,"json":false},{"d":true,"k":true,"members":20,"json":false}]]' ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node main.mjs

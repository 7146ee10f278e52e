#!/usr/bin/env bash
# KV of miniflare gives null for a key that is missing among several, where its types promise an object.
# Package: miniflare 5.20261102.0-beta and @cloudflare/workers-types 5.20261103.1 (npm) with its workerd; node 24.21.0 (npm). A good guess: `getWithMetadata`
# of several keys gives for each what it gives for one, `{ value, metadata }`, with nulls in it if there is no such key: so its
# types have it, a Map whose values are results and never null. Seen: the object for one missing key, and null for one among several,
# so `found.get(key).value`, which compiles, throws.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta @cloudflare/workers-types@5.20261103.1 typescript@7.0.2
cat > typed.ts <<'TS'
import type { KVNamespace } from "@cloudflare/workers-types";
export async function strictly(names: KVNamespace): Promise<void> {
  for (const [, result] of await names.getWithMetadata(["a", "b"])) console.log(result.value);
}
TS
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `export default { async fetch(request, { NAMES }) {
  await NAMES.put("here", "text", { metadata: { by: "us" } });
  const one = await NAMES.getWithMetadata("missing");
  const several = await NAMES.getWithMetadata(["here", "missing"]);
  let error = "none";
  try { for (const [, result] of several) result.value; } catch ({ message }) { error = message; }
  return Response.json({ one, several: [...several], error });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, kvNamespaces: ["NAMES"] };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const { one, several, error } = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
console.log("one missing key:", JSON.stringify(one));
console.log("two keys:       ", JSON.stringify(several));
console.log("a loop over them that compiles:", error);
process.exit(one?.value === null && several[1][1] === null && error !== "none" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false PATH="$PWD/node_modules/node/bin:$PATH"
node node_modules/typescript/bin/tsc --noEmit --strict --target esnext --module nodenext --skipLibCheck --types '' typed.ts
node look.mjs

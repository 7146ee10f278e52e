#!/usr/bin/env bash
# R2 of miniflare takes a customer's key for an object, and gives the object to who has none, or another.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: an object that was put with `ssecKey` can be read with the same
# key alone, and says `ssecKeyMd5`, as the documentation has it; a simulator refuses the rest, or the option. Seen: it is read without a
# key and with another one, and says nothing of it, so a test of a Worker that loses or mixes up the keys is green.
set -euo pipefail
cd "$(mktemp -d)"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `export default { async fetch(request, { BUCKET }) {
  const [key, other] = ["00", "11"].map((pair) => pair.repeat(32));
  const put = await BUCKET.put("object", "text", { ssecKey: key });
  const read = async (options) => {
    try { return await (await BUCKET.get("object", options)).text(); } catch ({ message }) { return message; }
  };
  return Response.json({
    "with its key": await read({ ssecKey: key }),
    "with another": await read({ ssecKey: other }),
    "without a key": await read({}),
    "ssecKeyMd5": put.ssecKeyMd5 ?? null,
  });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, r2Buckets: ["BUCKET"] };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [what, value] of Object.entries(seen)) console.log(what.padEnd(14), value);
process.exit(Object.values(seen).join() === "text,text,text," ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

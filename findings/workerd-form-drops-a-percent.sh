#!/usr/bin/env bash
# `formData()` of workerd leaves out a percent sign that no two hexadecimal digits follow.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: a form that was written by hand, such as curl's
# `-d 'prompt=100% wool'`, is read as the URL standard has it, by which such a sign stays, as `URLSearchParams` of the same runtime
# and `formData()` of Node read it. Seen: "100 wool"; the sign is gone without a word.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const body = "prompt=100% wool&ratio=50%&code=%zz&whole=%25";
const look = async (body) => {
  const form = new Response(body, { headers: { "Content-Type": "application/x-www-form-urlencoded" } });
  return { formData: [...(await form.formData()).values()], URLSearchParams: [...new URLSearchParams(body).values()] };
};
const script = `const look = ${look};
export default { async fetch() { return Response.json(await look(${JSON.stringify(body)})); } }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
const node = await look(body);
console.log("what is sent:            ", body);
console.log("workerd, URLSearchParams:", JSON.stringify(seen.URLSearchParams));
console.log("node, formData:          ", JSON.stringify(node.formData));
console.log("workerd, formData:       ", JSON.stringify(seen.formData));
const right = ["100% wool", "50%", "%zz", "%"].join();
const isOdd = seen.formData.join() === ["100 wool", "50", "zz", "%"].join();
process.exit(isOdd && seen.URLSearchParams.join() === right && node.formData.join() === right ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

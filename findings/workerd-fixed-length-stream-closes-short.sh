#!/usr/bin/env bash
# Who closes a FixedLengthStream of workerd before its length is written is not told: `close` resolves, and the reader alone fails.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: `close` rejects, since the writer is who
# knows what is missing, as a write beyond the length rejects. Seen: it resolves. A writer that awaits all that it does, and whose reader is
# somebody else's `put` or `fetch`, takes its work for done.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `const told = (promise) => promise.then(() => "resolves", (error) => "rejects: " + error.message);
export default { async fetch() {
  const seen = {};
  for (const bytes of [4, 2]) {
    const { readable, writable } = new FixedLengthStream(4);
    const read = new Response(readable).text().then((text) => "reads " + text.length, (error) => "fails: " + error.message);
    const writer = writable.getWriter();
    await writer.write(new Uint8Array(bytes));
    seen[bytes + " of 4"] = [await told(writer.close()), await read];
  }
  return Response.json(seen);
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [what, [close, reader]] of Object.entries(seen)) console.log(`${what}: close ${close}; the reader ${reader}`);
const [whole, short] = Object.values(seen);
process.exit(whole.join() === "resolves,reads 4" && short[0] === "resolves" && short[1].startsWith("fails") ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

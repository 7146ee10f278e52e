#!/usr/bin/env bash
# A Durable Object that stores two bytes of a large buffer stores the large buffer.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: a `subarray` of two bytes is stored as two bytes, as its
# SQL stores it, and as Node's `v8.serialize` does; it fits into every limit. Seen: a value of the storage and the
# argument of an RPC take the whole buffer along, which comes back behind the view; an attachment of a socket is refused as too large
# (16,384 bytes) for a view of two bytes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { serialize } from "node:v8";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `import { DurableObject } from "cloudflare:workers";
const view = (bytes) => new Uint8Array(bytes).subarray(5, 7);
export class Stored extends DurableObject {
  async look() {
    const { storage } = this.ctx;
    const before = storage.sql.databaseSize;
    storage.kv.put("view", view(1_000_000));
    const grown = storage.sql.databaseSize - before;
    const { length, buffer } = storage.kv.get("view");
    const bound = storage.sql.exec("SELECT ? AS bytes", view(1_000_000)).one().bytes.byteLength;
    const [client, server] = Object.values(new WebSocketPair());
    this.ctx.acceptWebSocket(server);
    let attachment = "taken";
    try { server.serializeAttachment(view(20_000)); } catch ({ message }) { attachment = message; }
    return { "length that comes back": length, "bytes behind it": buffer.byteLength, "the database has grown by": grown, "bytes that SQL binds": bound, attachment };
  }
  argument({ length, buffer }) { return [length, buffer.byteLength]; }
}
export default { async fetch(request, { STORED }) {
  const object = STORED.getByName("one");
  return Response.json({ ...await object.look(), "length and buffer of an argument": await object.argument(view(1_000_000)) });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, durableObjects: { STORED: { className: "Stored", useSQLite: true } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
seen["bytes that Node serializes it to"] = serialize(new Uint8Array(1_000_000).subarray(5, 7)).byteLength;
for (const [what, value] of Object.entries(seen)) console.log(what.padEnd(34), String(value));
const [length, behind, grown, bound, attachment, argument, node] = Object.values(seen);
const isOdd = length === 2 && behind === 1_000_000 && grown >= 1_000_000 && bound === 2 && /larger than 16384/.test(attachment);
process.exit(isOdd && argument[1] === 1_000_000 && node < 100 ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs

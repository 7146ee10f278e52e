#!/usr/bin/env bash
# itty-fetcher sends a Blob, a stream and URLSearchParams as `{}`, and bytes as an object of their indices.
# Packages: itty-fetcher 1.0.10 (npm); node 24.21.0 (npm). A good guess: what `fetch` takes as a body is handed on as it is, as a text and
# FormData are here, and other objects become JSON. Seen: everything else becomes JSON, so a picture of a Blob arrives as two braces of type
# application/json, with status 200, and a Uint8Array as `{"0":97,"1":98}`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 itty-fetcher@1.0.10
cat > look.mjs <<'JS'
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { fetcher } from "itty-fetcher";

const server = createServer(async (request, response) => {
  const body = await text(request);
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(`${request.headers["content-type"]} ${body}`));
}).listen(0, "127.0.0.1");
await once(server, "listening");
const client = fetcher(`http://127.0.0.1:${server.address().port}`);
const bodies = { Blob: new Blob(["ab"], { type: "image/png" }), Uint8Array: new Uint8Array([97, 98]), URLSearchParams: new URLSearchParams({ a: "1" }), ReadableStream: new Blob(["ab"]).stream(), text: "ab" };
const seen = [];
for (const [name, body] of Object.entries(bodies)) {
  seen.push(await client.post("/", body, { duplex: "half" }));
  console.log(name.padEnd(16), seen.at(-1));
}
server.closeAllConnections();
server.close();
const json = ["{}", '{"0":97,"1":98}', "{}", "{}"].map((told) => `application/json ${told}`);
process.exit(seen.slice(0, 4).join() === json.join() && seen[4] === "text/plain;charset=UTF-8 ab" ? 0 : 1);
JS
./node_modules/.bin/node look.mjs

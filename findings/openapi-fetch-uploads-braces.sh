#!/usr/bin/env bash
# openapi-fetch sends `{}` in place of a file, though the content type says application/octet-stream.
# Package: openapi-fetch 0.17.0 (npm).
# A good guess: a Blob or bytes go as they are, as fetch sends them, above all where their type is set in the same call, as `FormData` does.
# Seen: every body but FormData goes through JSON, whatever the type: a Blob arrives as the two bytes "{}", and the bytes 1, 2 as
# {"0":1,"1":2}, with the type application/octet-stream and without an error. `bodySerializer: (body) => body` sends them whole.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund openapi-fetch@0.17.0
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import createClient from "openapi-fetch";

let got;
const server = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  got = `${request.headers["content-type"]} ${Buffer.concat(pieces)}`;
  response.writeHead(201, { "content-type": "application/json" }).end('{"id":"1"}');
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const client = createClient({ baseUrl: `http://127.0.0.1:${server.address().port}` });
const headers = { "content-type": "application/octet-stream" };
const seen = [];
for (const more of [{}, { bodySerializer: (body) => body }]) {
  for (const body of [new Blob(["clip"]), Buffer.from("clip").subarray(0, 2)]) {
    await client.POST("/files", { headers, body: body instanceof Blob ? body : new Uint8Array(body), ...more });
    seen.push(got);
    console.log(`${body instanceof Blob ? "Blob" : "bytes"}${more.bodySerializer ? " with bodySerializer" : ""}: ${got}`);
  }
}
const type = "application/octet-stream ";
process.exit(JSON.stringify(seen) === JSON.stringify([`${type}{}`, `${type}{"0":99,"1":108}`, `${type}clip`, `${type}cl`]) ? 0 : 1);
JS
node look.mjs

#!/usr/bin/env bash
# tus-js-client sends a stream of Node in the pieces in which it comes, above its `chunkSize` and far below it.
# Package: tus-js-client 4.3.1 (npm).
# A good guess: `chunkSize`, the largest body of a request, holds for a stream as for a Buffer, and a stream of small pieces is sent in requests of that size. Seen: each
# piece is a request of its own. One that is larger than a proxy allows is a 413, which ends the upload though `chunkSize` was set for just that; and what a model
# writes in pieces of a kilobyte costs a thousand requests for a megabyte.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit tus-js-client@4.3.1
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { Upload } from "tus-js-client";

let received = 0;
let bodies = [];
const server = createServer(async (request, response) => {
  let length = 0;
  for await (const piece of request) length += piece.length;
  response.setHeader("Tus-Resumable", "1.0.0");
  if (request.method === "POST") {
    received = 0;
    bodies = [];
    return response.writeHead(201, { Location: "/files/1" }).end();
  }
  bodies.push(length);
  received += length;
  response.writeHead(204, { "Upload-Offset": received }).end();
}).listen(0, "127.0.0.1");
await new Promise((resolve) => server.on("listening", resolve));
async function send(file) {
  await new Promise((resolve, reject) => {
    const endpoint = `http://127.0.0.1:${server.address().port}/files/`;
    new Upload(file, { endpoint, chunkSize: 50_000, uploadSize: 100_000, retryDelays: null, onError: reject, onSuccess: resolve }).start();
  });
  return `${bodies.length} requests, the largest of ${Math.max(...bodies)} bytes, ${received} in all`;
}
const pieces = (count) => Array.from({ length: count }, () => Buffer.alloc(100_000 / count));
const seen = {
  "a Buffer": await send(Buffer.alloc(100_000)),
  "a stream of one piece": await send(Readable.from(pieces(1))),
  "a stream of 100 pieces": await send(Readable.from(pieces(100))),
};
console.log(seen);
const guess = ["2 requests, the largest of 50000 bytes", "1 requests, the largest of 100000 bytes", "100 requests, the largest of 1000 bytes"];
process.exit(Object.values(seen).join() === guess.map((text) => `${text}, 100000 in all`).join() ? 0 : 1);
JS
node look.mjs

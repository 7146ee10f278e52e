#!/usr/bin/env bash
# The AWS SDK refuses to put a web stream from Node, though its types offer it and the length is given.
# Packages: @aws-sdk/client-s3 3.1175.0 (npm); node 24.21.0 (npm). A good guess: `PutObject` takes the body of a `fetch`, a ReadableStream, which
# its types name beside Node's Readable, so that a result of a GPU server can be passed on with `ContentLength`. Seen: the call fails before
# anything is sent ("Unable to calculate hash for flowing readable stream"); the same stream by `Readable.fromWeb` is stored.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 @aws-sdk/client-s3@3.1175.0
cat > look.mjs <<'JS'
import { once } from "node:events";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";

let asked = 0;
const server = createServer((request, response) => {
  asked += 1;
  request.resume().on("end", () => response.writeHead(200, { etag: '"a"', "content-length": 0 }).end());
}).listen(0, "127.0.0.1");
await once(server, "listening");
const endpoint = `http://127.0.0.1:${server.address().port}`;
const client = new S3Client({ credentials: { accessKeyId: "id", secretAccessKey: "secret" }, endpoint, region: "auto", forcePathStyle: true });
const put = (Body) => client.send(new PutObjectCommand({ Bucket: "bucket", Key: "result", Body, ContentLength: 6 })).then(() => "stored", ({ message }) => message);
const body = () => new Response("result").body;
const web = await put(body());
const sent = asked;
const node = await put(Readable.fromWeb(body()));
server.closeAllConnections();
server.close();
console.log("a web stream:", web, `(${sent} requests)`);
console.log("a Readable of it:", node);
process.exit(web.startsWith("Unable to calculate hash") && sent === 0 && node === "stored" ? 0 : 1);
JS
./node_modules/.bin/node look.mjs

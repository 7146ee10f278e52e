#!/usr/bin/env bash
# s3mini resolves the completion of an upload that the server answers with an error.
# Packages: s3mini 1.0.2 (npm), beside it @aws-sdk/client-s3 3.1175.0 (npm); node 24.21.0 (npm). A good guess: it rejects, since S3's reference
# says that CompleteMultipartUpload begins a 200 before it is done, and that a client has to look for an error in its body, as the AWS SDK does,
# which asks again. Seen: the promise resolves with `{Error: {...}}` in the place of the object's ETag, and a worker calls its result stored.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 s3mini@1.0.2 @aws-sdk/client-s3@3.1175.0
cat > look.mjs <<'JS'
import { once } from "node:events";
import { createServer } from "node:http";
import { CompleteMultipartUploadCommand, S3Client } from "@aws-sdk/client-s3";
import { S3mini } from "s3mini";

const body = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>InternalError</Code><Message>Please try again.</Message></Error>';
const server = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(200, { "content-type": "application/xml" }).end(body));
}).listen(0, "127.0.0.1");
await once(server, "listening");
const endpoint = `http://127.0.0.1:${server.address().port}`;
const credentials = { accessKeyId: "id", secretAccessKey: "secret" };
const told = (promise) => promise.then((value) => `resolves: ${JSON.stringify(value)}`, ({ name }) => `rejects: ${name}`);

const mini = new S3mini({ ...credentials, endpoint: `${endpoint}/bucket`, region: "auto" });
const byMini = await told(mini.completeMultipartUpload("result.bin", "upload", [{ partNumber: 1, etag: "a" }]));
const sdk = new S3Client({ credentials, endpoint, region: "auto", forcePathStyle: true });
const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: "a" }] };
const bySdk = await told(sdk.send(new CompleteMultipartUploadCommand({ Bucket: "bucket", Key: "result.bin", UploadId: "upload", MultipartUpload })));
server.closeAllConnections();
server.close();
console.log("s3mini", byMini);
console.log("AWS SDK", bySdk);
process.exit(byMini.startsWith('resolves: {"Error"') && bySdk === "rejects: InternalError" ? 0 : 1);
JS
./node_modules/.bin/node look.mjs

#!/usr/bin/env bash
# aws4fetch throws a TypeError in place of a 503 if the body that it sent was a stream.
# Packages: aws4fetch 1.0.20 (npm); node 24.21.0 (npm). A good guess: what cannot be sent again is not, and its caller gets the 503 with its
# `Retry-After`, as for a 4xx. Seen: after a pause it tries to send the used stream once more, and the call rejects with "Response body object
# should not be disturbed or locked": neither the status nor the reason is told. A text is sent again, well before the time that
# `Retry-After` names.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 aws4fetch@1.0.20
cat > look.mjs <<'JS'
import { once } from "node:events";
import { createServer } from "node:http";
import { AwsClient } from "aws4fetch";

let times = [];
const server = createServer((request, response) => {
  times.push(Date.now());
  const again = times.length > 1;
  request.resume().on("end", () => response.writeHead(again ? 200 : 503, { "retry-after": "5" }).end());
}).listen(0, "127.0.0.1");
await once(server, "listening");
const client = new AwsClient({ accessKeyId: "id", secretAccessKey: "secret", service: "s3", region: "auto" });
const put = (body) => {
  times = [];
  const url = `http://127.0.0.1:${server.address().port}/bucket/key`;
  return client.fetch(url, { method: "PUT", body, duplex: "half" }).then(({ status }) => status, ({ name }) => name);
};
const stream = await put(new Blob(["result"]).stream());
const asked = times.length;
const text = await put("result");
const pause = times[1] - times[0];
server.closeAllConnections();
server.close();
console.log("a stream:", stream, "after", asked, "request; a text:", text, "after", times.length, "requests,", pause, "ms apart");
process.exit(stream === "TypeError" && asked === 1 && text === 200 && pause < 2000 ? 0 : 1);
JS
./node_modules/.bin/node look.mjs

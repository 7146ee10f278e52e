#!/usr/bin/env bash
# fal's JavaScript client sends a part of a large file that was refused twice more at once, and hides why it was refused.
# Package: @fal-ai/client 1.10.1 (npm), against a server here.
# A good guess: a part of ten megabytes that is answered 403, since its URL has expired, rejects with the client's ApiError and the status; one
# that is answered 429 is sent again after its `Retry-After`. Seen: each is sent three times without a pause, and then rejects with "Part
# upload failed, retries exhausted", which has neither status nor body; a file below 90 MB rejects with the ApiError, after one attempt.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @fal-ai/client@1.10.1
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { createFalClient } from "@fal-ai/client";

let status, sent;
const server = createServer((request, response) => {
  const send = (code, value, headers) => response.writeHead(code, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
  request.resume().on("end", () => {
    if (request.url.includes("/storage/")) return send(200, { upload_url: `${url}/upload`, file_url: `${url}/file` });
    sent.push(Date.now());
    send(status, { detail: "the link has expired" }, { "retry-after": "60" });
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const throughHere = (to, options) => fetch(String(to).replace("https://rest.fal.ai", url), options);
const fal = createFalClient({ credentials: "key", fetch: throughHere });
const seen = [];
for (const [megabytes, code] of [[1, 403], [91, 403], [91, 429]]) {
  [status, sent] = [code, []];
  const file = new Blob([new Uint8Array(megabytes * 2 ** 20)]);
  const said = await fal.storage.upload(file).then(String, (error) => `${error.message}, status ${error.status}`);
  const soon = sent.at(-1) - sent[0] < 20_000;
  seen.push(`${sent.length} ${soon} ${said}`);
  console.log(`${megabytes} MB, answered ${code}: sent ${sent.length} times, before the time of Retry-After ${soon}, then ${said}`);
}
const hidden = "3 true Part upload failed, retries exhausted, status undefined";
process.exit(seen[0].startsWith("1 true") && seen[0].endsWith("status 403") && seen[1] === hidden && seen[2] === hidden ? 0 : 1);
JS
node look.mjs

#!/usr/bin/env bash
# itty-fetcher rejects for a 204, and gives a failure the `status` that its body names.
# Packages: itty-fetcher 1.0.10 (npm); node 24.21.0 (npm). A good guess: a 204 has no content and is a success, so a DELETE or a cancel
# resolves; a 503 rejects with an Error whose `status` is 503. Seen: the 204 rejects with "Unexpected end of JSON input". A failure with a
# JSON body rejects with an object that is no Error, over which the body's members are laid: the body of a job, with `status: "failed"`, takes
# the 503 away, and a text or a list is taken apart into its letters or indices.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 itty-fetcher@1.0.10
cat > look.mjs <<'JS'
import { once } from "node:events";
import { createServer } from "node:http";
import { fetcher } from "itty-fetcher";

const answers = { "/none": [204], "/busy": [503, '{"error": "busy"}'], "/job": [503, '{"status": "failed"}'], "/text": [503, '"no"'] };
const server = createServer(({ url }, response) => {
  const [status, body] = answers[url];
  response.writeHead(status, body && { "content-type": "application/json" }).end(body);
}).listen(0, "127.0.0.1");
await once(server, "listening");
const client = fetcher(`http://127.0.0.1:${server.address().port}`);
const seen = {};
for (const path of Object.keys(answers)) {
  seen[path] = await client.delete(path).then(() => "resolves", (error) => `${error instanceof Error ? "Error" : "object"}, status ${error.status}, keys ${Object.keys(error).sort()}`);
  console.log(answers[path].join(" ").padEnd(26), seen[path]);
}
server.closeAllConnections();
server.close();
const wanted = [/^Error, status 204/u, /^object, status 503/u, /^object, status failed/u, /^object, status 503, keys 0,1,/u];
process.exit(Object.values(seen).every((told, at) => wanted[at].test(told)) ? 0 : 1);
JS
./node_modules/.bin/node look.mjs

#!/usr/bin/env bash
# ts-rest's client throws at an answer in JSON Lines, though its contract says that it is text, and loses the status of an empty refusal.
# Package: @ts-rest/core 3.52.1, zod 4.6.7 (npm); node 24.21.0 (npm). A good guess: a body of `application/x-ndjson`, declared by `c.otherResponse` of
# that type, comes as text or a Blob, as `text/csv` and `application/octet-stream` do, and a 503 that is called JSON and has no body has its
# status. Seen: whatever type has `application/` and `json` in its name is parsed as one JSON value, so JSON Lines throw from two lines on,
# and a 503 of a proxy without a body is a SyntaxError from which no status can be read.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit --legacy-peer-deps node@24.21.0 @ts-rest/core@3.52.1 zod@4.6.7
cat > look.mjs <<'JS'
import { once } from "node:events";
import { createServer } from "node:http";
import { initClient, initContract } from "@ts-rest/core";

const answers = {
  "/one": [200, "application/x-ndjson", '{"id":1}\n'],
  "/two": [200, "application/x-ndjson", '{"id":1}\n{"id":2}\n'],
  "/sequence": [200, "application/json-seq", '\u001e{"id":1}\n'],
  "/text": [200, "text/csv", "id\n1\n2\n"],
  "/refusal": [503, "application/json", ""],
};
const server = createServer((request, response) => {
  const [status, type, body] = answers[request.url];
  response.writeHead(status, { "content-type": type, "retry-after": "5" }).end(body);
}).listen(0, "127.0.0.1");
await once(server, "listening");

const c = initContract();
const routes = {};
for (const [path, [status, contentType]] of Object.entries(answers)) {
  routes[path.slice(1)] = { method: "GET", path, responses: { [status]: c.otherResponse({ contentType, body: c.type() }) } };
}
const client = initClient(c.router(routes), { baseUrl: `http://127.0.0.1:${server.address().port}`, baseHeaders: {} });
const seen = [];
for (const name of Object.keys(routes)) {
  const words = await client[name]().then(
    ({ status, body }) => `${status} ${JSON.stringify(body)}`,
    ({ name, status }) => `${name} of status ${status}`,
  );
  seen.push(`${name}: ${words}`);
}
server.closeAllConnections();
server.close();
console.log(seen.join("\n"));
const error = "SyntaxError of status undefined";
const asSeen = ['one: 200 {"id":1}', `two: ${error}`, `sequence: ${error}`, 'text: 200 "id\\n1\\n2\\n"', `refusal: ${error}`];
process.exit(seen.join() === asSeen.join() ? 0 : 1);
JS
./node_modules/.bin/node look.mjs

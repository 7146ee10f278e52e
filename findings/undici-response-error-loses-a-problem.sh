#!/usr/bin/env bash
# undici's `responseError` loses the body of a refusal that comes as `application/problem+json`, or without a type.
# Package: undici 8.13.1 (npm).
# A good guess: the error that it throws for a 4xx or 5xx has the body, parsed where it is JSON, as its `body` promises. Seen: only
# `application/json` and `text/plain` in small letters are read; the form that RFC 9457 gives to refusals, and `text/html`, leave an empty text, and
# the message is "Response Error" for each, so nothing says why a job was refused.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 undici@8.13.1
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { Agent, interceptors, request } from "undici";

const types = ["application/json", "text/plain", "application/problem+json", "Application/JSON", "text/html", undefined];
const server = createServer((incoming, response) => {
  const type = types[Number(incoming.url.slice(1))];
  response.writeHead(422, type ? { "Content-Type": type } : {}).end('{"title":"no such model"}');
}).listen(0, "127.0.0.1");
await new Promise((resolve) => server.on("listening", resolve));
const dispatcher = new Agent().compose(interceptors.responseError());
const seen = [];
for (const index of types.keys()) {
  const error = await request(`http://127.0.0.1:${server.address().port}/${index}`, { dispatcher }).catch((thrown) => thrown);
  seen.push(`${error.statusCode} ${error.message}: ${JSON.stringify(error.body)}`);
  console.log(types[index], "-", seen.at(-1));
}
const lost = '422 Response Error: ""';
const guess = ['422 Response Error: {"title":"no such model"}', '422 Response Error: "{\\"title\\":\\"no such model\\"}"', lost, lost, lost, lost];
process.exit(seen.join() === guess.join() ? 0 : 1);
JS
node_modules/.bin/node look.mjs

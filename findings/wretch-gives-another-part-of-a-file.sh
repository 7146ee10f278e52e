#!/usr/bin/env bash
# wretch's `dedupe` and `throttlingCache` give the first part of a file to who asks for its second.
# Package: wretch 3.0.9 (npm).
# A good guess: they keep requests from being made twice that are identical, and a request for other bytes, by `Range`, or for another form, by `Accept`,
# is none of these. Seen: a method and an address are all that they compare, so a download in parts is the first part several times.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit wretch@3.0.9
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import wretch from "wretch";
import { dedupe, throttlingCache } from "wretch/middlewares";

const file = "0123456789";
const server = createServer((incoming, response) => {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(incoming.headers.range);
  response.writeHead(206, { "Content-Range": `bytes ${first}-${last}/10` });
  setTimeout(() => response.end(file.slice(Number(first), Number(last) + 1)), 50);
}).listen(0, "127.0.0.1");
await new Promise((resolve) => server.on("listening", resolve));
const part = (middlewares, range) =>
  wretch(`http://127.0.0.1:${server.address().port}`).middlewares(middlewares).headers({ Range: range }).get("/output").text();
const ranges = ["bytes=0-4", "bytes=5-9"];
const seen = {};
for (const [name, make] of Object.entries({ neither: () => [], dedupe: () => [dedupe()], throttlingCache: () => [throttlingCache({ throttle: 1000 })] })) {
  const middlewares = make();
  if (name !== "throttlingCache") seen[name] = (await Promise.all(ranges.map((range) => part(middlewares, range)))).join("");
  else seen[name] = (await part(middlewares, ranges[0])) + (await part(middlewares, ranges[1]));
}
console.log(seen);
process.exit(Object.values(seen).join() === [file, "0123401234", "0123401234"].join() ? 0 : 1);
JS
node look.mjs

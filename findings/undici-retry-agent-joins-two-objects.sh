#!/usr/bin/env bash
# undici's RetryAgent joins the halves of two objects if an answer without an ETag breaks off.
# Package: undici 8.13.1 (npm).
# A good guess: an answer that breaks off is asked for again from where it ended only if a validator says that it is still the same; where
# there is an ETag it is compared, and one that has changed is an error. Seen: without an ETag the rest is asked for by `Range` alone, though the
# answers have a `Last-Modified` that differs, and no `If-Range` is sent. So an output that is written anew meanwhile arrives as half of each.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 undici@8.13.1
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { Agent, request, RetryAgent } from "undici";

const objects = ["0123456789", "abcdefghij"];
const dates = ["Mon, 02 Nov 2026 10:00:00 GMT", "Mon, 02 Nov 2026 11:00:00 GMT"];
let asked = [];
const server = createServer((incoming, response) => {
  const version = asked.length;
  const { range, "if-range": ifRange } = incoming.headers;
  asked.push(`${range ?? "whole"}${ifRange ? ` if ${ifRange}` : ""}`);
  if (incoming.url === "/etag") response.setHeader("ETag", `"${version}"`);
  response.setHeader("Last-Modified", dates[version]);
  if (!range) {
    response.writeHead(200, { "Content-Length": 10 });
    response.write(objects[version].slice(0, 5), () => response.destroy());
    return;
  }
  response.writeHead(206, { "Content-Range": "bytes 5-9/10", "Content-Length": 5 });
  response.end(objects[version].slice(5));
}).listen(0, "127.0.0.1");
await new Promise((resolve) => server.on("listening", resolve));
const dispatcher = new RetryAgent(new Agent(), { minTimeout: 10 });

async function load(path) {
  asked = [];
  try {
    const { statusCode, body } = await request(`http://127.0.0.1:${server.address().port}${path}`, { dispatcher });
    return `${statusCode} ${await body.text()}; asked: ${asked.join(", ")}`;
  } catch (error) {
    return `${error.message}; asked: ${asked.join(", ")}`;
  }
}
const seen = { "with an ETag": await load("/etag"), "with a date": await load("/date") };
console.log(seen);
const guess = ["ETag mismatch; asked: whole, bytes=5-9", "200 01234fghij; asked: whole, bytes=5-9"];
process.exit(Object.values(seen).join() === guess.join() ? 0 : 1);
JS
node_modules/.bin/node look.mjs

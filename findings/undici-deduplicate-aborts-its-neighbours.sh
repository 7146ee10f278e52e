#!/usr/bin/env bash
# undici's `deduplicate` fails every caller of a shared request if the one that came first aborts its own.
# Package: undici 8.13.1 (npm).
# A good guess: callers that share a request share its answer, and a caller that leaves takes itself out, as a second one that leaves does. Seen:
# the signal of the first ends the request, and the others are told of an abort that none of them asked for, before the answer and within its
# body. So one user who closes a page makes the same poll of all others fail.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 undici@8.13.1
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { Agent, interceptors, request } from "undici";

let arrived;
const server = createServer((incoming, response) => {
  arrived();
  if (incoming.url === "/body") response.write("half ");
  setTimeout(() => response.end("whole"), 300);
}).listen(0, "127.0.0.1");
await new Promise((resolve) => server.on("listening", resolve));
const dispatcher = new Agent().compose(interceptors.deduplicate());

async function share(path, leaver) {
  const leaving = new AbortController();
  let requests = 0;
  arrived = () => {
    requests++;
    setTimeout(() => leaving.abort(), 100);
  };
  const callers = [0, 1, 2].map(async (caller) => {
    const options = { dispatcher, signal: caller === leaver ? leaving.signal : undefined };
    return (await request(`http://127.0.0.1:${server.address().port}${path}`, options)).body.text();
  });
  const told = (await Promise.allSettled(callers)).map(({ value, reason }) => value ?? reason.name);
  return `${requests} request; ${told.join(", ")}`;
}
const seen = {
  "nobody leaves": await share("/head"),
  "the second leaves": await share("/head", 1),
  "the first leaves": await share("/head", 0),
  "the first leaves within the body": await share("/body", 0),
};
console.log(seen);
const all = "1 request; AbortError, AbortError, AbortError";
const guess = ["1 request; whole, whole, whole", "1 request; whole, AbortError, whole", all, all];
process.exit(Object.values(seen).join() === guess.join() ? 0 : 1);
JS
node_modules/.bin/node look.mjs

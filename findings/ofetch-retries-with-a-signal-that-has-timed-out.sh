#!/usr/bin/env bash
# ofetch asks only once, whatever its number of retries, if the answer does not come in its `timeout`.
# Package: ofetch 1.5.1 (npm).
# A good guess: `timeout` is that of an attempt, and one that times out is made again as often as `retry` says, as one that fails on the network
# or is answered 503 is. Seen: the further attempts are made with the signal of the first, which has timed out, so each fails before it is sent. And who
# aborts during `retryDelay` is told only when that has passed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit ofetch@1.5.1
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { ofetch } from "ofetch";

let asked = 0;
const server = createServer((incoming, response) => {
  const first = ++asked === 1;
  if (incoming.url === "/slow" && first) return void setTimeout(() => response.end("late"), 1000);
  response.writeHead(incoming.url === "/busy" && (first || incoming.headers.hopeless) ? 503 : 200).end("an answer");
}).listen(0, "127.0.0.1");
await new Promise((resolve) => server.on("listening", resolve));
async function ask(path, options) {
  asked = 0;
  const begun = performance.now();
  const retried = [];
  const onRequest = () => void retried.push(1);
  const told = await ofetch(`http://127.0.0.1:${server.address().port}${path}`, { retry: 2, onRequest, ...options }).catch((error) => error.cause.name);
  return `${told}; tried ${retried.length}, sent ${asked}; ${performance.now() - begun < 400 ? "soon" : "late"}`;
}
const aborting = new AbortController();
const seen = {
  "503 at first": await ask("/busy", {}),
  "no answer at first": await ask("/slow", { timeout: 100 }),
  "aborted in the delay": await ask("/busy", {
    headers: { hopeless: "1" }, retryDelay: 500, signal: aborting.signal,
    onResponse: () => void setTimeout(() => aborting.abort(), 50),
  }),
};
console.log(seen);
const guess = ["an answer; tried 2, sent 2; soon", "TimeoutError; tried 3, sent 1; soon", "AbortError; tried 2, sent 1; late"];
process.exit(Object.values(seen).join() === guess.join() ? 0 : 1);
JS
node look.mjs

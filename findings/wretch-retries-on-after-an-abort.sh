#!/usr/bin/env bash
# wretch's retry goes on after an abort, and in the end tells neither the status nor the body of what it was refused with.
# Package: wretch 3.0.9 (npm).
# A good guess: a call that is aborted ends at once, and one whose attempts are used up throws the error that it throws without the middleware, with
# its status. Seen: where it also retries what fails on the network, the abort counts as such a failure: each further attempt is waited for
# (27 s with the delays that it has by default) before the abort is told, and 503 becomes "Number of attempts exceeded.".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit wretch@3.0.9
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import wretch from "wretch";
import { retry } from "wretch/middlewares";

const server = createServer((incoming, response) => response.writeHead(503).end("no GPU is free")).listen(0, "127.0.0.1");
await new Promise((resolve) => server.on("listening", resolve));
async function ask(options, middlewares) {
  const begun = performance.now();
  const error = await wretch(`http://127.0.0.1:${server.address().port}`).options(options).middlewares(middlewares).get("/").text().catch((thrown) => thrown);
  return `${error.name}, status ${error.status}, ${error.message}; ${performance.now() - begun < 300 ? "soon" : "late"}`;
}
async function abortedOnce(settings) {
  const aborting = new AbortController();
  const onRetry = () => aborting.abort();
  return ask({ signal: aborting.signal }, [retry({ delayTimer: 50, maxAttempts: 6, onRetry, ...settings })]);
}
const seen = {
  "without retry": await ask({}, []),
  "attempts used up": await ask({}, [retry({ delayTimer: 1, maxAttempts: 2 })]),
  "aborted": await abortedOnce({}),
  "aborted, retrying on the network": await abortedOnce({ retryOnNetworkError: true }),
};
console.log(seen);
const aborted = "AbortError, status undefined, This operation was aborted";
const guess = ["Error, status 503, no GPU is free; soon", "Error, status undefined, Number of attempts exceeded.; soon", `${aborted}; soon`, `${aborted}; late`];
process.exit(Object.values(seen).join() === guess.join() ? 0 : 1);
JS
node look.mjs

#!/usr/bin/env bash
# undici's RetryAgent throws the answer to a POST away that it does not retry, and with it the reason.
# Package: undici 8.13.1 (npm).
# A good guess: a request that is not to be repeated, as a POST is not, gets its answer as without the agent: 429 or 503 with the body that says why. Seen: after one
# request, "Request failed" is thrown, an error with the status and headers and no body; a 409 or 422 comes as an answer. `throwOnError: false` is said to be of the
# last of several attempts, and gives the answer here too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 undici@8.13.1
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { Agent, request, RetryAgent } from "undici";

let asked = 0;
const server = createServer((incoming, response) => {
  asked++;
  response.writeHead(Number(incoming.url.slice(1)), { "Content-Type": "application/json" }).end('{"detail":"the quota of today is used up"}');
}).listen(0, "127.0.0.1");
await new Promise((resolve) => server.on("listening", resolve));
async function post(status, dispatcher) {
  asked = 0;
  try {
    const { statusCode, body } = await request(`http://127.0.0.1:${server.address().port}/${status}`, { method: "POST", body: "{}", dispatcher });
    return `${statusCode} ${(await body.json()).detail}; asked ${asked}`;
  } catch (error) {
    return `${error.statusCode} ${error.message}, body ${error.body}; asked ${asked}`;
  }
}
const seen = {
  "429 without it": await post(429, new Agent()),
  429: await post(429, new RetryAgent(new Agent())),
  503: await post(503, new RetryAgent(new Agent())),
  409: await post(409, new RetryAgent(new Agent())),
  "429, throwOnError false": await post(429, new RetryAgent(new Agent(), { throwOnError: false })),
};
console.log(seen);
const answer = (status) => `${status} the quota of today is used up; asked 1`;
const thrown = (status) => `${status} Request failed, body undefined; asked 1`;
const told = [seen["429 without it"], seen[429], seen[503], seen[409], seen["429, throwOnError false"]];
process.exit(told.join() === [answer(429), thrown(429), thrown(503), answer(409), answer(429)].join() ? 0 : 1);
JS
node_modules/.bin/node look.mjs

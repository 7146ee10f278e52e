#!/usr/bin/env bash
# The JavaScript client of Replicate repeats a refused status poll five times within milliseconds and ignores Retry-After.
# Package: replicate 1.4.0 (npm). A good guess: a GET that is answered 429 with "Retry-After: 2" is repeated after 2 s, or with a
# growing delay. Seen: six requests in well under a second, then an ApiError.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund replicate@1.4.0
cat > look.mjs <<'JS'
import http from "node:http";
import Replicate from "replicate";
const times = [];
let answer;
const server = http.createServer((request, response) => {
  request.resume().on("end", () => {
    times.push(Date.now());
    answer(request, response);
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const json = (response, status, body, headers = {}) => {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
};
answer = (_, response) => json(response, 429, { detail: "slow down" }, { "retry-after": "2" });
const client = new Replicate({ auth: "key", baseUrl: `${url}/v1` });
const error = await client.predictions.get("a").catch((thrown) => thrown);
const span = times.at(-1) - times[0];
console.log(`${times.length} requests in ${span} ms, then ${error.constructor.name}`);
const same = times.length === 6 && span < 1000;
process.exit(same ? 0 : 1);
JS
node look.mjs

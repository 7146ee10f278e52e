#!/usr/bin/env bash
# The Node client of OpenAI ignores a Retry-After of more than a minute, and asks again after half a second instead.
# Package: openai 7.55.0 (npm). A good guess: a longer Retry-After means a longer wait, or no retry at all. Seen: with 2 it waits 2 s;
# with 90 it repeats after its own back-off of about half a second, so the longer the server asks for, the sooner it is asked again.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund openai@7.55.0
cat > look.mjs <<'JS'
import http from "node:http";
import OpenAI from "openai";
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
const client = new OpenAI({ apiKey: "key", baseURL: `${url}/v1`, maxRetries: 1 });
const waited = {};
for (const seconds of [2, 90]) {
  times.length = 0;
  answer = (_, response) => json(response, 429, { error: { message: "busy" } }, { "retry-after": String(seconds) });
  await client.chat.completions.create({ model: "m", messages: [] }).catch(() => undefined);
  waited[seconds] = times[1] - times[0];
}
console.log("ms until the second request, by Retry-After in s:", JSON.stringify(waited));
const same = waited[2] >= 1900 && waited[90] < 2000;
process.exit(same ? 0 : 1);
JS
node look.mjs

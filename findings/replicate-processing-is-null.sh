#!/usr/bin/env bash
# The JavaScript client of Replicate returns null for a model that is still running when its blocking wait ends.
# Package: replicate 1.4.0 (npm). A good guess: run() polls until the prediction is final, whatever the first answer says. Seen: it
# goes on polling only if the first answer's status is "starting"; with "processing" it returns null as the output at once.
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
const first = (status) => (request, response) =>
  request.method === "POST"
    ? json(response, 201, { id: "a", status, output: null, urls: { get: `${url}/v1/predictions/a` } })
    : json(response, 200, { id: "a", status: "succeeded", output: "done" });
const client = new Replicate({ auth: "key", baseUrl: `${url}/v1` });
const seen = {};
for (const status of ["starting", "processing"]) {
  answer = first(status);
  seen[status] = await client.run("owner/name", { input: {} });
}
console.log("output by the first status:", JSON.stringify(seen));
const same = seen.starting === "done" && seen.processing === null;
process.exit(same ? 0 : 1);
JS
node look.mjs

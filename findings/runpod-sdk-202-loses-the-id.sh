#!/usr/bin/env bash
# The JavaScript client of RunPod takes only 200 for a success: an accepted job that is answered 202 comes back without its id.
# Package: runpod-sdk 1.1.2 (npm). A good guess: every 2xx is a success, above all 202 Accepted of an asynchronous API. Seen: run()
# resolves to {"status":202,"statusText":"Accepted"}; the body with the id is gone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund runpod-sdk@1.1.2
cat > look.mjs <<'JS'
import http from "node:http";
import runpod from "runpod-sdk";
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
const seen = {};
for (const status of [200, 202]) {
  answer = (_, response) => json(response, status, { id: "job-1", status: "IN_QUEUE" });
  seen[status] = await runpod("key", { baseUrl: `${url}/v2` }).endpoint("ep").run({ input: {} });
}
console.log(JSON.stringify(seen));
const same = seen[200].id === "job-1" && seen[202].id === undefined;
process.exit(same ? 0 : 1);
JS
node look.mjs

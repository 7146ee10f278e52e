#!/usr/bin/env bash
# RunPod's JavaScript client waits past the timeout of `runSync`, in both places where one can be given.
# Package: runpod-sdk 1.1.2 (npm).
# A good guess: `runSync({ input, timeout: 60000 })`, as RunPod's documentation shows it, or `runSync({ input }, 60000)`, as the package's
# own does, is over after a minute. Seen: the first is sent to the server as a member of the job, and the client waits 90 s. The second is only
# looked at between two requests, which it does not end; it then resolves, with `completed: false` and no error, as if it had an answer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund runpod-sdk@1.1.2
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import runpodSdk from "runpod-sdk";

const submitted = [];
const server = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part)).on("end", () => {
    if (request.method === "POST") submitted.push(`${new URL(request.url, "http://host").search} ${Buffer.concat(parts)}`);
    // A job that runs on: each call is held for a second and a half.
    const answer = () => response.writeHead(200, { "content-type": "application/json" }).end('{"id": "1", "status": "IN_PROGRESS"}');
    setTimeout(answer, 1500);
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const endpoint = runpodSdk("key", { baseUrl: `http://127.0.0.1:${server.address().port}` }).endpoint("endpoint");
const log = console.log;
console.log = () => {};
const timed = async (promise) => {
  const start = Date.now();
  const limit = new Promise((resolve) => setTimeout(resolve, 6000, "nothing in 6 s"));
  const said = await Promise.race([promise.then(JSON.stringify, String), limit]);
  return [said, Date.now() - start];
};
const [[beside, first], [second, later]] = await Promise.all([
  timed(endpoint.runSync({ input: {}, timeout: 500 })),
  timed(endpoint.runSync({ input: {} }, 500)),
]);
log(`a timeout of 500 ms beside the input: ${beside}`);
log(`a timeout of 500 ms as the second argument: ${second} after ${later} ms`);
submitted.forEach((line) => log(`sent: ${line}`));
const sent = submitted.includes('?wait=90000 {"input":{},"timeout":500}');
const gone = '{"id":"1","status":"IN_PROGRESS","started":true,"completed":false,"succeeded":false}';
process.exit(sent && beside === "nothing in 6 s" && second === gone && later > 1400 ? 0 : 1);
JS
node look.mjs

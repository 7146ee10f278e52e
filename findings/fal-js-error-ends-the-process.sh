#!/usr/bin/env bash
# An error of a stream ends the Node process that caught it, and so does a timeout: fal's JavaScript client.
# Package: @fal-ai/client 1.10.1 (npm).
# A good guess: try and catch around the loop and done(), as the README writes them, or around subscribe(), see every error.
# Seen: a stream that is refused with 422 rejects the promise behind done() while the program is still in the loop, so Node ends it for an
# unhandled rejection. subscribe() with `mode: "streaming"` throws its `timeout` out of a timer, where nobody can catch it. The same
# timeout of a subscribe() that polls is caught.
set -euo pipefail
cd "$(mktemp -d)"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @fal-ai/client@1.10.1
cat > client.mjs <<'JS'
import { createFalClient } from "@fal-ai/client";

const [, , url, what] = process.argv;
const to = (target) => url + new URL(target).pathname;
const fal = createFalClient({ credentials: "id:secret", fetch: (target, options) => fetch(to(target), options) });
try {
  if (what === "stream") {
    const stream = await fal.stream("owner/model", { input: {} });
    for await (const _ of stream);
    await stream.done();
  } else {
    await fal.subscribe("owner/model", { input: {}, timeout: 300, mode: what });
  }
} catch (error) {
  console.log("caught", error.message);
  process.exit(0);
}
JS
cat > look.mjs <<'JS'
import { spawn } from "node:child_process";
import { createServer } from "node:http";

const answer = (response, status, body) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
const server = createServer((request, response) => {
  if (request.url.endsWith("/status/stream")) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write('data: {"status":"IN_QUEUE"}\n\n');
  } else if (request.url.endsWith("/stream")) answer(response, 422, { detail: "no" });
  else if (request.url.endsWith("/status")) answer(response, 202, { status: "IN_PROGRESS" });
  else answer(response, 200, { request_id: "1", status: "IN_QUEUE" });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const outcome = (what) =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, ["client.mjs", `http://127.0.0.1:${server.address().port}`, what]);
    child.on("exit", resolve);
  });
const seen = {};
for (const what of ["stream", "streaming", "polling"]) seen[what] = await outcome(what);
console.log("exit codes, 0 if the error was caught:", JSON.stringify(seen));
process.exit(JSON.stringify(seen) === '{"stream":1,"streaming":1,"polling":0}' ? 0 : 1);
JS
node look.mjs

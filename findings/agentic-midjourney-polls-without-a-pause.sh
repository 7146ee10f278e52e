#!/usr/bin/env bash
# @agentic/midjourney asks for a picture that is not done yet without a pause, and never times out.
# Package: @agentic/midjourney 7.6.9 (npm).
# A good guess: `imagine` polls every second, or every `intervalMs`, and gives up after `timeoutMs`, five minutes unless told. Seen: the poll
# is the call that waits itself, so that each poll that says "pending" begins a wait within the wait, at once and with a clock of its own:
# the server is asked hundreds of times in a second, and neither option is heeded, until the job is done.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @agentic/midjourney@7.6.9
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { MidjourneyClient } from "@agentic/midjourney";

let polls = 0;
let done;
const server = createServer((request, response) => {
  const send = (data) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ data }));
  request.resume().on("end", () => {
    if (request.method === "POST") return send({ id: "1", status: "pending" });
    polls += 1;
    send({ id: "1", status: Date.now() < done ? "pending" : "completed" });
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const client = new MidjourneyClient({ apiKey: "key", apiBaseUrl: `http://127.0.0.1:${server.address().port}` });
// The picture takes three seconds; the caller wants one poll a second, and to wait for one second in all.
done = Date.now() + 3000;
const said = await client.imagine({ prompt: "a cat", intervalMs: 1000, timeoutMs: 1000 }).then(({ status }) => status, (error) => error.name);
console.log(`after ${polls} polls: ${said}`);
process.exit(said === "completed" && polls > 20 ? 0 : 1);
JS
node look.mjs

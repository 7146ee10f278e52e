#!/usr/bin/env bash
# A loop over a stream of fal's JavaScript client goes on for ever after `abort()`.
# Package: @fal-ai/client 1.10.1 (npm).
# A good guess: abort() ends the loop, with or without an error, as it settles the promise of done().
# Seen: done() settles at once, but `for await` waits for an end that nothing tells it, also when the connection is long closed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @fal-ai/client@1.10.1
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { createFalClient } from "@fal-ai/client";

let closed = "open";
const server = createServer((_, response) => {
  response.on("close", () => (closed = "closed"));
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write('data: {"step":1}\n\n');
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const fal = createFalClient({ credentials: "id:secret", fetch: (_, options) => fetch(url, options) });

const stream = await fal.stream("owner/model", { input: {} });
const events = [];
let loop = "goes on";
(async () => {
  for await (const event of stream) events.push(event);
  loop = "has ended";
})();
while (events.length === 0) await sleep(10);
stream.abort();
const done = await Promise.race([stream.done().then(() => "settled"), sleep(1_000, "pending")]);
await sleep(3_000);
console.log(`events: ${JSON.stringify(events)}; done(): ${done}; 3 s later the connection is ${closed}, and the loop ${loop}`);
process.exit(done === "settled" && closed === "closed" && loop === "goes on" ? 0 : 1);
JS
node look.mjs

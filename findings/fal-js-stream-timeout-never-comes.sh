#!/usr/bin/env bash
# The `timeout` of a stream of fal's JavaScript client never comes, however long the server is silent.
# Package: @fal-ai/client 1.10.1 (npm).
# A good guess: with `timeout: 500`, "the maximum time interval in milliseconds between stream chunks" of its types, a pause of three
# seconds is an error of status 408.
# Seen: the stream waits for as long as the server does, and succeeds. The client looks at its clock when something has come only, right
# after it has set the clock.
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

const server = createServer(async (_, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write('data: {"step":1}\n\n');
  await sleep(3_000);
  response.end('data: {"step":2}\n\n');
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const fal = createFalClient({ credentials: "id:secret", fetch: (_, options) => fetch(url, options) });
const begun = Date.now();
const stream = await fal.stream("owner/model", { input: {}, timeout: 500 });
const last = await stream.done().catch((error) => error.message);
const seconds = Math.round((Date.now() - begun) / 1_000);
console.log(`after about ${seconds} s: ${JSON.stringify(last)}`);
process.exit(last?.step === 2 && seconds >= 3 ? 0 : 1);
JS
node look.mjs

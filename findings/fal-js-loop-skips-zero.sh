#!/usr/bin/env bash
# A loop over a stream of fal's JavaScript client leaves out events that are 0, false, null or an empty text.
# Package: @fal-ai/client 1.10.1 (npm).
# A good guess: each event is JSON of any kind, and the loop gives what the listener of "data" gets.
# Seen: of the events 0, 1, false, "", null and 2 the listener gets all six, and the loop 1 and 2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @fal-ai/client@1.10.1
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { createFalClient } from "@fal-ai/client";

const server = createServer((_, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.end([0, 1, false, "", null, 2].map((value) => `data: ${JSON.stringify(value)}\n\n`).join(""));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const fal = createFalClient({ credentials: "id:secret", fetch: (_, options) => fetch(url, options) });
const stream = await fal.stream("owner/model", { input: {} });
const listened = [];
const looped = [];
stream.on("data", (value) => listened.push(value));
for await (const value of stream) looped.push(value);
console.log(`listener: ${JSON.stringify(listened)}; loop: ${JSON.stringify(looped)}`);
process.exit(JSON.stringify([listened, looped]) === '[[0,1,false,"",null,2],[1,2]]' ? 0 : 1);
JS
node look.mjs

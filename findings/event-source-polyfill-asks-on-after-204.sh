#!/usr/bin/env bash
# event-source-polyfill asks again after a 204, which tells an EventSource that no more will come.
# Package: event-source-polyfill 1.0.31, beside it eventsource 4.1.1 (npm).
# A good guess: as the standard of server-sent events has it, 204 stops the reconnecting: the source is closed for good.
# Seen: it fires `error`, stays in CONNECTING and asks again, first after a second and then ever more rarely, without end. Of any other
# status it closes, 404 and 503 too. The other client closes at the 204.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund event-source-polyfill@1.0.31 eventsource@4.1.1
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { EventSource } from "eventsource";

const { EventSourcePolyfill } = createRequire(import.meta.url)("event-source-polyfill");
console.error = () => {};
let calls;
let status;
const server = createServer((_, response) => {
  calls++;
  if (calls > 1) response.writeHead(status).end();
  else response.writeHead(200, { "content-type": "text/event-stream" }).end("retry: 100\nid: 1\ndata: end\n\n");
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
async function outcome(Client, code) {
  calls = 0;
  status = code;
  const source = new Client(`http://127.0.0.1:${server.address().port}/`);
  source.onerror = () => {};
  await sleep(8_000);
  const state = ["connecting", "open", "closed"][source.readyState];
  source.close();
  return `${calls - 1} ${state}`;
}
const seen = {};
for (const code of [204, 503]) seen[code] = [await outcome(EventSourcePolyfill, code), await outcome(EventSource, code)];
console.log("calls after the first, and the state after 8 s (event-source-polyfill, eventsource):", JSON.stringify(seen));
const asksOn = Number.parseInt(seen[204][0]) > 1 && !seen[204][0].endsWith("closed");
process.exit(asksOn && seen[503][0] === "1 closed" && seen[204][1] === "1 closed" ? 0 : 1);
JS
node look.mjs

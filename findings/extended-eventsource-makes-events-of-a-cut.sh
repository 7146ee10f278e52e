#!/usr/bin/env bash
# extended-eventsource makes an empty message where a CR and its LF come in two pieces, and ends the event there.
# Package: extended-eventsource 2.1.0, beside it event-source-polyfill 1.0.31 (npm).
# A good guess: where the network cuts a stream changes nothing; the standard takes CR LF for the end of one line.
# Seen: an event of the two lines "a" and "b" comes as four messages, "a", "b" and two empty ones, if it is cut between each CR and its LF.
# Whole, it is one message of two lines, and so it is for the other client in both cases.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund extended-eventsource@2.1.0 event-source-polyfill@1.0.31
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { EventSource } from "extended-eventsource";

const { EventSourcePolyfill } = createRequire(import.meta.url)("event-source-polyfill");
console.error = () => {};
let pieces;
const server = createServer(async (_, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const piece of pieces) {
    response.write(piece);
    await sleep(100);
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
async function messages(Client) {
  const source = new Client(`http://127.0.0.1:${server.address().port}/`);
  const seen = [];
  source.onmessage = ({ data }) => seen.push(data);
  await sleep(1_000);
  source.close();
  return JSON.stringify(seen);
}
const seen = {};
const whole = "data: a\r\ndata: b\r\n\r\n";
const cut = ["data: a\r", "\ndata: b\r", "\n\r", "\n"];
for (const [name, sent] of Object.entries({ whole: [whole], cut })) {
  pieces = sent;
  seen[name] = [await messages(EventSource), await messages(EventSourcePolyfill)];
  console.log(`${name}: extended-eventsource ${seen[name][0]}, event-source-polyfill ${seen[name][1]}`);
}
const one = '["a\\nb"]';
process.exit(seen.whole.every((list) => list === one) && seen.cut[1] === one && JSON.parse(seen.cut[0]).includes("") ? 0 : 1);
JS
node look.mjs

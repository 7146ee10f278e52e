#!/usr/bin/env bash
# @microsoft/fetch-event-source calls onmessage for a comment, and for any other block that has no data, with an empty text.
# Package: @microsoft/fetch-event-source 2.0.1, beside eventsource-parser 3.0.6 (npm).
# A good guess: an event without data is none, as the specification of server-sent events has it ("if the data buffer is an empty
# string, … return"), so that a comment with a blank line behind it, which servers send to keep a connection open, is not seen.
# Seen: onmessage gets "" for a comment, for an id, for a time to retry and for each blank line too many. Whoever parses the data as JSON
# fails at the first pause of a stream.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit @microsoft/fetch-event-source@2.0.1 eventsource-parser@3.0.6
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { createParser } from "eventsource-parser";

globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
globalThis.window = globalThis;
const { fetchEventSource } = await import("@microsoft/fetch-event-source");

const STREAMS = {
  "two events": 'data: {"n":1}\n\ndata: {"n":2}\n\n',
  "a comment alone": 'data: {"n":1}\n\n: still here\n\ndata: {"n":2}\n\n',
  "a comment before": 'data: {"n":1}\n\n: still here\ndata: {"n":2}\n\n',
  "an id alone": 'data: {"n":1}\n\nid: 7\n\ndata: {"n":2}\n\n',
  "a time alone": 'retry: 500\n\ndata: {"n":1}\n\ndata: {"n":2}\n\n',
  "a blank line": 'data: {"n":1}\n\n\ndata: {"n":2}\n\n',
};
let stream = "";
const server = createServer((_request, response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream" }).end(stream);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const seen = [];
for (const [name, text] of Object.entries(STREAMS)) {
  stream = text;
  const messages = [];
  const onerror = (error) => {
    throw error;
  };
  const onmessage = ({ data }) => messages.push(data);
  await fetchEventSource(`http://127.0.0.1:${server.address().port}/`, { openWhenHidden: true, onmessage, onerror });
  const events = [];
  createParser({ onEvent: ({ data }) => events.push(data) }).feed(text);
  console.log(name.padEnd(17), "fetch-event-source", JSON.stringify(messages), " eventsource-parser", JSON.stringify(events));
  seen.push(`${messages.length - events.length} of ${events.length}${messages.includes("") ? ", empty" : ""}`);
}
server.close();
const expected = ["0 of 2", "1 of 2, empty", "0 of 2", "1 of 2, empty", "1 of 2, empty", "1 of 2, empty"];
process.exit(seen.join("|") === expected.join("|") ? 0 : 1);
JS
node look.mjs

#!/usr/bin/env bash
# @sentool/fetch-event-source makes numbers of ids, so a long one is another, and loses an event's id and name where the network cuts it.
# Package: @sentool/fetch-event-source 0.6.0 (npm).
# A good guess: an event's id is the text that stands there, which goes back as it is in `Last-Event-ID`; `parseJson` is about the data; and
# where the network cuts an event does not matter. Seen: an id of digits becomes a number, whatever `parseJson` says: 1735689600000000001
# ends in 000, and 007 is 7. Of an event that comes in two pieces only the lines of the second are told: a failure is a plain message.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @sentool/fetch-event-source@0.6.0
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { fetchEventSource } from "@sentool/fetch-event-source";

let next;
const server = createServer(async (request, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write("id: 1735689600000000001\ndata: first\n\nid: 007\ndata: second\n\n: still there\n\nid: a7\nevent: error\ndata: out of");
  // The rest goes once the client has read what is before it.
  await new Promise((resolve) => (next = resolve));
  response.end(" memory\n\n");
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const seen = [];
await fetchEventSource(`http://127.0.0.1:${server.address().port}`, {
  parseJson: false,
  onmessage: (message) => {
    seen.push(message);
    console.log(`a message: ${JSON.stringify(message)}`);
    if (seen.length === 3) next();
  },
});
server.close();
const wanted = [{ id: 1735689600000000000, data: "first" }, { id: 7, data: "second" }, {}, { data: "out of memory" }];
process.exit(JSON.stringify(seen) === JSON.stringify(wanted) ? 0 : 1);
JS
node look.mjs

#!/usr/bin/env bash
# event-source-plus gives the last line of an event alone, and takes the spaces from its ends.
# Package: event-source-plus 0.1.15 (npm).
# A good guess: the `data` lines of an event are joined by line ends, and one space after the colon is not part of it, as the format says. Seen: each line
# replaces the one before, so of a text with a paragraph, or of JSON on several lines, the end is left; a word that begins with a space runs into the one
# before. An id that comes without an event is forgotten too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit event-source-plus@0.1.15
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { EventSourcePlus } from "event-source-plus";

const streams = {
  "/two lines": "data: first\ndata: second\n\n",
  "/a line end at the end": "data: first\ndata:\n\n",
  "/words": "data: The\n\ndata:  cat\n\n",
  "/an id alone": "id: 7\n\ndata: first\n\n",
};
const server = createServer((request, response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  response.write(`${streams[decodeURI(request.url)]}event: end\ndata: .\n\n`);
}).listen(0, "127.0.0.1");
await new Promise((resolve) => server.on("listening", resolve));
const seen = {};
for (const path of Object.keys(streams)) {
  const told = [];
  await new Promise((resolve) => {
    const source = new EventSourcePlus(`http://127.0.0.1:${server.address().port}${encodeURI(path)}`);
    const listening = source.listen({
      onMessage({ event, data, id }) {
        if (event !== "end") return void told.push(`${data}${id ? ` with id ${id}` : ""}`);
        listening.abort();
        resolve();
      },
    });
  });
  seen[path] = JSON.stringify(told);
}
console.log(seen);
process.exit(Object.values(seen).join() === ['["second"]', '[""]', '["The","cat"]', '["first"]'].join() ? 0 : 1);
JS
node look.mjs

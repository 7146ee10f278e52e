#!/usr/bin/env bash
# Node's eventsource package knows an event's id at that event alone: the next event has none, and an id that comes by itself is forgotten.
# Packages: eventsource 4.1.1, eventsource-client 1.2.0, beside them undici 7.30.2 (npm).
# A good guess: as the HTML standard has it, the last event's id stays until another one comes: `lastEventId` of later events has it, and a
# block of an id alone is no event, but sets what the next connection is asked with. Seen: `lastEventId` is empty at an event without an id,
# and after "id: 5" alone the stream is asked for again without `Last-Event-ID`, or with an older one. eventsource-client, on the same parser,
# does so too. undici does what the standard says.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund eventsource@4.1.1 eventsource-client@1.2.0 undici@7.30.2
cat > look.mjs <<'JS'
import { once } from "node:events";
import { createServer } from "node:http";
import { EventSource as Package } from "eventsource";
import { createEventSource } from "eventsource-client";
import { EventSource as Undici } from "undici";

const standard = (EventSource) => (url, events) => {
  const source = new EventSource(url);
  source.onmessage = (event) => events.push(`${event.data}:${event.lastEventId}`);
  return source;
};
const readers = {
  undici: standard(Undici),
  eventsource: standard(Package),
  "eventsource-client": (url, events) => createEventSource({ url, onMessage: (event) => events.push(`${event.data}:${event.id ?? ""}`) }),
};
const streams = {
  "an id, then none": "id: 1\ndata: a\n\ndata: b\n\n",
  "an id alone at the end": "id: 1\ndata: a\n\nid: 5\n\n",
  "an id alone at the beginning": "id: 5\n\ndata: a\n\n",
  "an empty id alone": "id: 1\ndata: a\n\nid\n\n",
};
async function look(open, stream) {
  let first = true;
  const server = createServer((request, response) => {
    if (first) response.writeHead(200, { "content-type": "text/event-stream" }).end(`retry: 50\n\n${stream}`);
    else server.emit("again", request.headers["last-event-id"] ?? "none", response.writeHead(204).end());
    first = false;
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const events = [];
  const source = open(`http://127.0.0.1:${server.address().port}`, events);
  const [asked] = await once(server, "again");
  source.close();
  server.close();
  return `${events.join(" ")}, asked again with ${asked}`;
}
const forgets = ["a:1 b:, asked again with 1", "a:1, asked again with 1", "a:, asked again with none", "a:1, asked again with 1"];
const expected = {
  undici: ["a:1 b:1, asked again with 1", "a:1, asked again with 5", "a:5, asked again with 5", "a:1, asked again with none"],
  eventsource: forgets,
  "eventsource-client": forgets,
};
const seen = {};
for (const [reader, open] of Object.entries(readers)) {
  seen[reader] = [];
  for (const [name, stream] of Object.entries(streams)) {
    seen[reader].push(await look(open, stream));
    console.log(`${reader}, ${name}: ${seen[reader].at(-1)}`);
  }
}
process.exit(JSON.stringify(seen) === JSON.stringify(expected) ? 0 : 1);
JS
node look.mjs 2>/dev/null

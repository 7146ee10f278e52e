#!/usr/bin/env bash
# The eventsource-client of npm calls a refusal a connection, and asks again after a 401, a 404 or an answer in JSON, every two seconds for ever.
# Package: eventsource-client 1.2.0 (npm); node 24.21.0 (npm).
# A good guess: as an EventSource does, it connects with a 200 of text/event-stream, and gives up with an error at anything else. Seen: `onConnect` is
# called for each refusal, no callback tells the status, and the loop of `for await` goes on in silence. `Retry-After` is not heeded. Only
# a 204 ends it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 eventsource-client@1.2.0
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { setTimeout } from "node:timers/promises";
import { createEventSource } from "eventsource-client";

const answers = {
  204: [204, {}, ""],
  401: [401, {}, ""],
  404: [404, {}, ""],
  503: [503, { "retry-after": "60" }, ""],
  JSON: [200, { "content-type": "application/json" }, '{"status":"queued"}'],
};
const watched = Object.fromEntries(Object.keys(answers).map((name) => [name, { asked: 0, connected: 0 }]));
const server = createServer((request, response) => {
  const name = request.url.slice(1);
  watched[name].asked++;
  const [status, headers, body] = answers[name];
  response.writeHead(status, headers).end(body);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
for (const name of Object.keys(answers)) {
  const url = `http://127.0.0.1:${server.address().port}/${name}`;
  watched[name].source = createEventSource({ url, onConnect: () => watched[name].connected++ });
}
await setTimeout(5500);
const seen = [];
for (const [name, { asked, connected, source }] of Object.entries(watched)) {
  seen.push(`${name} ${asked > 1} ${connected === asked} ${source.readyState === "closed"}`);
  console.log(`${name}: asked ${asked > 1 ? "again and again" : "once"}; onConnect each time: ${connected === asked}`);
}
const again = ["401", "404", "503", "JSON"].map((name) => `${name} true true false`);
process.exit(["204 false true true", ...again].every((line) => seen.includes(line)) ? 0 : 1);
JS
./node_modules/.bin/node look.mjs

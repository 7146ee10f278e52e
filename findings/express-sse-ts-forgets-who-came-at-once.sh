#!/usr/bin/env bash
# express-sse-ts stops sending to a client that is still there if another one leaves that came in the same millisecond.
# Package: express-sse-ts 1.0.2 (npm), with express 5.2.1.
# A good guess: a client that closes its connection is taken off the list, and the others go on. Seen: a client's id is the time at which it
# came, and the first of that id is taken off. Of two that come at once, as all do when a server has started anew, the second leaves and
# the first gets nothing any more: its connection stays open and silent, so it does not connect again. The closed one stays on the list.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund express-sse-ts@1.0.2 express@5.2.1
cat > look.cjs <<'JS'
const express = require("express");
const SSE = require("express-sse-ts").default;

const sse = new SSE();
const waiting = [];
const app = express();
// Both are let in together once both are there, in the order of their numbers, so that they come in one millisecond.
app.get("/events/:number", (request, response) => {
  waiting[request.params.number] = [request, response];
  if (waiting[0] && waiting[1]) for (const [one, other] of waiting.splice(0)) sse.init(one, other, () => {});
});

async function look(url, leaves) {
  const controllers = [new AbortController(), new AbortController()];
  const open = (number) => fetch(`${url}/events/${number}`, { signal: controllers[number].signal });
  const answers = await Promise.all([open(0), open(1)]);
  const together = sse.clients[0].id === sse.clients[1].id;
  const texts = ["", ""];
  const read = async (number) => {
    try {
      for await (const piece of answers[number].body) texts[number] += Buffer.from(piece);
    } catch {}
  };
  const reading = [read(0), read(1)];
  const gone = new Promise((resolve) => sse.clients[leaves].res.once("close", resolve));
  controllers[leaves].abort();
  await gone;
  await new Promise(setImmediate);
  sse.send("news");
  for (let tries = 0; tries < 50 && !texts[1 - leaves].includes("news"); tries++) await new Promise((resolve) => setTimeout(resolve, 20));
  controllers[1 - leaves].abort();
  await Promise.all(reading);
  sse.clients.splice(0);
  return { together, got: texts[1 - leaves].includes("news") };
}

const server = app.listen(0, "127.0.0.1", async () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  const seen = [];
  for (const leaves of [0, 1]) {
    let result;
    for (let tries = 0; tries < 20 && !result?.together; tries++) result = await look(url, leaves);
    seen.push(result);
    console.log(`the ${leaves ? "second" : "first"} leaves: the other ${result.got ? "gets" : "does not get"} what is sent; at once: ${result.together}`);
  }
  process.exit(seen.every(({ together }) => together) && seen[0].got && !seen[1].got ? 0 : 1);
});
JS
node look.cjs

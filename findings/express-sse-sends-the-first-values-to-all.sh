#!/usr/bin/env bash
# express-sse sends its initial values to every client that is connected, once more for each that comes.
# Package: express-sse 1.0.0 (npm), with express 5.2.1.
# A good guess: `new SSE(initial)` greets a client that connects with the initial values, and the others are not told of it. Seen: they are
# sent as an event of all: who came first gets them again with each newcomer, under new ids, in the middle of its own stream. An id of 0 that is
# given is replaced by a number that counts per connection, so one event has another id at each client, and may have that of another event.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund express-sse@1.0.0 express@5.2.1
cat > look.mjs <<'JS'
import express from "express";
import SSE from "express-sse";

const sse = new SSE(["queued"]);
const app = express();
app.get("/events", (request, response) => sse.init(request, response));
const server = app.listen(0, "127.0.0.1");
await new Promise((resolve) => server.once("listening", resolve));

class Client {
  events = [];
  #text = "";
  async open() {
    const response = await fetch(`http://127.0.0.1:${server.address().port}/events`);
    this.reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    return this;
  }
  async until(last) {
    while (!this.#text.includes(last)) this.#text += (await this.reader.read()).value;
    return this.#text.trim().split("\n\n").map((event) => event.replace(/\n?(id|data): /g, " ").trim().replace(/"/g, ""));
  }
}
setTimeout(() => process.exit(1), 20000).unref();
const first = await new Client().open();
sse.send("half done");
await first.until("half done");
const second = await new Client().open();
const third = await new Client().open();
sse.send("done", undefined, 0);
const clients = [first, second, third];
const seen = [];
for (const [index, client] of clients.entries()) {
  seen.push((await client.until('"done"')).join(", "));
  console.log(`client ${index + 1}: ${seen.at(-1)}`);
}
const wanted = ["0 queued, 1 half done, 2 queued, 3 queued, 4 done", "0 queued, 1 queued, 2 done", "0 queued, 1 done"];
process.exit(JSON.stringify(seen) === JSON.stringify(wanted) ? 0 : 1);
JS
node look.mjs

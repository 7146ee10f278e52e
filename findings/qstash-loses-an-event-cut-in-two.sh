#!/usr/bin/env bash
# QStash's client loses a chunk of a chat's stream whose event the network cut in two, or throws at it.
# Package: @upstash/qstash 2.12.0 (npm), by `chat().create` with a provider of one's own; node 24.21.0 (npm). A good guess: it puts an event
# together however its bytes come. Seen: it reads each piece of the network by itself. An event cut within `data:` is left out, and the
# stream ends like a whole one with a word too few; one cut within its JSON throws a SyntaxError. Where lines end in CRLF, it throws at
# `[DONE]`, after all chunks.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit --legacy-peer-deps node@24.21.0 @upstash/qstash@2.12.0
cat > look.mjs <<'JS'
import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, custom } from "@upstash/qstash";

const chunk = (content) => {
  const choices = [{ index: 0, delta: { content }, finish_reason: null }];
  return `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices })}\n\n`;
};
const done = "data: [DONE]\n\n";
const [one, two, three] = ["one", " two", " three"].map(chunk);
const streams = {
  whole: [one, two, three, done],
  "cut in data": [one, two.slice(0, 3), two.slice(3), three, done],
  "cut in JSON": [one, two.slice(0, 50), two.slice(50), three, done],
  CRLF: [one, two, three, done].map((piece) => piece.replaceAll("\n", "\r\n")),
};
const server = createServer(async (request, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.socket.setNoDelay(true);
  for (const piece of streams[decodeURIComponent(request.url.split("/")[1])]) {
    response.write(piece);
    await sleep(100);
  }
  response.end();
}).listen(0, "127.0.0.1");
await once(server, "listening");

const seen = [];
for (const name of Object.keys(streams)) {
  const baseUrl = `http://127.0.0.1:${server.address().port}/${encodeURIComponent(name)}`;
  const client = new Client({ token: "token", baseUrl, retry: false });
  let text = "";
  let end = "ended";
  try {
    const messages = [{ role: "user", content: "Count" }];
    const stream = await client.chat().create({ provider: custom({ baseUrl, token: "token" }), model: "m", stream: true, messages });
    for await (const { choices } of stream) text += choices[0].delta.content;
  } catch (error) {
    end = error.name;
  }
  seen.push(`${name}: "${text}", ${end}`);
}
console.log(seen.join("\n"));
const asSeen = ['whole: "one two three", ended', 'cut in data: "one three", ended', 'cut in JSON: "one", SyntaxError', 'CRLF: "one two three", SyntaxError'];
server.closeAllConnections();
server.close();
process.exit(seen.join() === asSeen.join() ? 0 : 1);
JS
./node_modules/.bin/node look.mjs

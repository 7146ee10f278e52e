#!/usr/bin/env bash
# The Node client of OpenAI takes a stream that breaks off for one that has ended.
# Package: openai 7.55.0 (npm). A good guess: without a finish_reason and without [DONE], iteration throws, since the answer is not
# whole. Seen: create({stream: true}) ends as if all was well, for chat and for responses; only the stream() helper throws, and that
# helper throws for a whole answer too if no chunk names a role.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund openai@7.55.0
cat > look.mjs <<'JS'
import http from "node:http";
import OpenAI from "openai";
const times = [];
let answer;
const server = http.createServer((request, response) => {
  request.resume().on("end", () => {
    times.push(Date.now());
    answer(request, response);
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const json = (response, status, body, headers = {}) => {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
};
const chunk = (delta, finish_reason = null) =>
  `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
const stream = (...parts) => (_, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.end(parts.join(""));
};
const client = new OpenAI({ apiKey: "key", baseURL: `${url}/v1` });
const asked = { model: "m", messages: [] };
const outcome = (work) => work().then((value) => `ended: ${value}`, (error) => `threw: ${error.message}`);
const text = async () => {
  let all = "";
  for await (const { choices } of await client.chat.completions.create({ ...asked, stream: true })) all += choices[0].delta.content ?? "";
  return all;
};
const events = async () => {
  let count = 0;
  for await (const _ of await client.responses.create({ model: "m", input: "x", stream: true })) count++;
  return count;
};
const helper = () => client.chat.completions.stream(asked).finalContent();
answer = stream(chunk({ role: "assistant", content: "half" }));
const cut = [await outcome(text), await outcome(helper)];
answer = stream(`data: {"type":"response.created","response":{"id":"r"}}\n\n`);
const responses = await outcome(events);
answer = stream(chunk({ content: "whole" }), chunk({}, "stop"), "data: [DONE]\n\n");
const withoutRole = await outcome(helper);
console.log({ cut, responses, withoutRole });
const same =
  cut[0] === "ended: half" && cut[1].startsWith("threw") && responses === "ended: 1" && withoutRole.startsWith("threw: missing role");
process.exit(same ? 0 : 1);
JS
node look.mjs

#!/usr/bin/env bash
# The Node client of OpenAI takes an empty `error` object in a good chunk for a failure, where the Python client sees none.
# Package: openai 7.55.0 (npm). A good guess: `"error": {}`, which some servers write into every chunk, says that there is no error.
# Seen: the stream ends with an APIError without a message; `"error": null` and `"error": ""` are passed over.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit openai@7.55.0
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import OpenAI from "openai";

let error;
const server = createServer((request, response) => {
  const chunk = { id: "1", object: "chat.completion.chunk", error, choices: [{ index: 0, delta: { content: "a" }, finish_reason: "stop" }] };
  request.resume();
  response.writeHead(200, { "Content-Type": "text/event-stream" }).end(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const client = new OpenAI({ apiKey: "key", baseURL: `http://127.0.0.1:${server.address().port}/v1`, maxRetries: 0 });
const seen = [];
for (error of [null, "", {}]) {
  let text = "";
  try {
    for await (const { choices } of await client.chat.completions.create({ model: "m", messages: [], stream: true })) text += choices[0].delta.content;
    seen.push(`read ${text}`);
  } catch (raised) {
    seen.push(`threw ${raised.constructor.name}`);
  }
  console.log(`${JSON.stringify(error)}: ${seen.at(-1)}`);
}
server.close();
process.exit(seen.join() === "read a,read a,threw APIError" ? 0 : 1);
JS
node look.mjs

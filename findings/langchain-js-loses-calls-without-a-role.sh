#!/usr/bin/env bash
# LangChain's JavaScript client loses the tool calls of a stream whose chunks name no role.
# Packages: @langchain/openai 1.6.0, @langchain/core 1.4.0; node 24.21.0 (npm).
# A good guess: `role` is optional in a chunk's delta, as OpenAI's own types have it, and the calls come through without.
# Seen: the message is a ChatMessageChunk without tool calls, empty and without an error, so an agent takes it for its last answer. With
# a role in the first chunk it has the call.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund node@24.21.0 @langchain/openai@1.6.0 @langchain/core@1.4.0
export PATH="$PWD/node_modules/node/bin:$PATH"
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { ChatOpenAI } from "@langchain/openai";

const chunk = (delta, finish_reason = null) =>
  `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
const call = { index: 0, id: "c1", type: "function", function: { name: "find", arguments: "{}" } };
let first;
const server = createServer((request, response) => {
  request.resume().on("end", () => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(`${chunk({ ...first, tool_calls: [call] })}${chunk({}, "tool_calls")}data: [DONE]\n\n`);
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;
const seen = [];
for (first of [{ role: "assistant" }, {}]) {
  let whole;
  const stream = await new ChatOpenAI({ model: "m", apiKey: "key", configuration: { baseURL } }).stream("x");
  for await (const part of stream) whole = whole ? whole.concat(part) : part;
  const calls = whole.tool_calls?.length ?? 0;
  seen.push(calls);
  console.log(`first delta ${JSON.stringify(first)}: ${calls} tool calls in a ${whole.constructor.name}`);
}
process.exit(JSON.stringify(seen) === "[1,0]" ? 0 : 1);
JS
node look.mjs

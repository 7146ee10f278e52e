#!/usr/bin/env bash
# LlamaIndex's JavaScript client fails at a streamed tool call whose arguments are empty, and at two calls whose pieces come in turns.
# Packages: @llamaindex/openai 0.4.22 with llamaindex 0.12.1 (npm).
# A good guess: a tool that takes nothing is called with nothing, as servers write it that stream the arguments as they come, and each piece
# belongs to the call of its `index`. Seen: "Unexpected end of JSON input" from the loop, after the text before it; of two calls in one
# chunk the second is lost, as in Python; with `{}` as arguments, or one call after the other, all is well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --legacy-peer-deps @llamaindex/openai@0.4.22 llamaindex@0.12.1
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { OpenAI } from "@llamaindex/openai";
import { tool } from "llamaindex";

let chunks;
const server = createServer((request, response) => {
  const all = [...chunks.map((calls) => [{ role: "assistant", content: null, tool_calls: calls }, null]), [{}, "tool_calls"]];
  const text = all.map(([delta, reason]) => {
    const chunk = { id: "1", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason: reason }] };
    return `data: ${JSON.stringify(chunk)}\n\n`;
  });
  request.resume().on("end", () => response.writeHead(200, { "content-type": "text/event-stream" }).end(`${text.join("")}data: [DONE]\n\n`));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const baseURL = `http://127.0.0.1:${server.address().port}`;
const model = new OpenAI({ model: "gpt-4o", apiKey: "key", baseURL, maxRetries: 0 });
const now = tool({ name: "now", description: "Tells the time", parameters: { type: "object", properties: {} }, execute: () => "noon" });
const begin = (index, input) => ({ index, id: `${index}`, type: "function", function: { name: "now", arguments: input } });
const more = (index, input) => ({ index, function: { arguments: input } });
const cases = {
  "{} as arguments": [[begin(0, "{}")]],
  "empty arguments": [[begin(0, "")]],
  "one after the other": [[begin(0, "")], [more(0, '{"a":1}')], [begin(1, "")], [more(1, '{"a":2}')]],
  "in turns": [[begin(0, "")], [begin(1, "")], [more(0, '{"a":1}')], [more(1, '{"a":2}')]],
  "in one chunk": [[begin(0, '{"a":1}'), begin(1, '{"a":2}')]],
};
const seen = {};
for (const [name, sent] of Object.entries(cases)) {
  chunks = sent;
  const calls = new Map();
  try {
    const stream = await model.chat({ messages: [{ role: "user", content: "x" }], stream: true, tools: [now] });
    for await (const { options } of stream) for (const call of options?.toolCall ?? []) calls.set(call.id, JSON.stringify(call.input));
    seen[name] = [...calls].join(" ");
  } catch (error) {
    seen[name] = error.message;
  }
}
console.log(seen);
const end = "Unexpected end of JSON input";
process.exit(Object.values(seen).join("; ") === `0,{}; ${end}; 0,{"a":1} 1,{"a":2}; ${end}; 0,{"a":1}` ? 0 : 1);
JS
node look.mjs

#!/usr/bin/env bash
# TanStack AI runs a tool with `{}` if the stream ends in the middle of the tool's arguments, by its length or because it broke off.
# Packages: @tanstack/ai 0.58.0 with @tanstack/ai-openai 0.23.1 (npm).
# A good guess: half of a call is an error, or no call; a run that was cut has the reason `length`, and one that broke off fails. Seen: the
# arguments that are no JSON become an empty object with a line in the log, and the tool runs, if all it takes may be left out. The reason
# of that run is `tool_calls` in both cases, and the model is told that it had sent `{}`. A text that broke off has the reason `stop`. After
# an error that the server tells, nothing runs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node@24.21.0 @tanstack/ai@0.58.0 @tanstack/ai-openai@0.23.1 zod@4.6.7
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { chat, toolDefinition } from "@tanstack/ai";
import { createOpenaiChatCompletions } from "@tanstack/ai-openai";
import { z } from "zod";

for (const way of ["dir", "error", "warn"]) console[way] = () => {};
const data = (value) => `data: ${JSON.stringify(value)}\n\n`;
const chunk = (delta, reason = null) => data({ id: "1", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason: reason }] });
const end = (reason) => `${chunk({}, reason)}data: [DONE]\n\n`;
const call = (text) => chunk({ tool_calls: [{ index: 0, id: "c1", type: "function", function: { name: "remove", arguments: text } }] });
const streams = {
  "a whole call": call('{"older": 30}') + end("tool_calls"),
  "half a call, length": call('{"older":') + end("length"),
  "half a call, broken off": call('{"older":'),
  "half a call, an error": call('{"older":') + data({ error: { message: "out of memory", type: "server_error" } }),
  "half a text, broken off": chunk({ content: "half a" }),
};
let bodies;
const server = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(200, { "content-type": "text/event-stream" }).end(bodies.shift()));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const adapter = createOpenaiChatCompletions("gpt-4o", "key", { baseURL: `http://127.0.0.1:${server.address().port}`, maxRetries: 0 });
const given = [];
const inputSchema = z.object({ older: z.number().optional() });
const remove = toolDefinition({ name: "remove", description: "Removes files, all of them unless told", inputSchema }).server(async (input) => {
  given.push(JSON.stringify(input));
  return { done: true };
});
const seen = [];
for (const [name, stream] of Object.entries(streams)) {
  bodies = [stream, chunk({ content: "Done." }) + end("stop")];
  given.length = 0;
  const ends = [];
  for await (const event of chat({ adapter, messages: [{ role: "user", content: "x" }], tools: [remove] })) {
    if (event.type === "RUN_FINISHED") ends.push(event.metadata.tanstack.finishReason);
    if (event.type === "RUN_ERROR") ends.push("failed");
  }
  seen.push(`${given.join()} ${ends[0]}`);
  console.log(`${name}: the tool ran with ${given.join() || "nothing"}, the run ended by ${ends[0]}`);
}
process.exit(seen.join("; ") === '{"older":30} tool_calls; {} tool_calls; {} tool_calls;  failed;  stop' ? 0 : 1);
JS
node_modules/.bin/node look.mjs

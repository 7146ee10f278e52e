#!/usr/bin/env bash
# OpenRouter's provider for the AI SDK runs a tool with `{}` if the stream breaks off within the tool's arguments.
# Packages: @openrouter/ai-sdk-provider 2.10.0 with ai 6.0.326; beside it @ai-sdk/openai-compatible 2.0.92 (npm).
# A good guess: half of a call is no call, as it is if it ends by `length`, and the run's reason is not that of a good one. Seen: where the
# stream has no end, the tool is run without its arguments and the run's reason is `tool-calls`; a tool whose members may all be left out
# thus does its default. The provider of the AI SDK itself gives the call as an invalid one, and runs nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @openrouter/ai-sdk-provider@2.10.0 ai@6.0.326 @ai-sdk/openai-compatible@2.0.92 zod@4.6.7
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { jsonSchema, streamText, tool } from "ai";

let ends;
const call = { index: 0, id: "1", type: "function", function: { name: "remove", arguments: '{"older_than_days": 9' } };
const server = createServer((request, response) => {
  const choices = [{ delta: { role: "assistant", content: null, tool_calls: [call] }, finish_reason: null }, ...ends.map((reason) => ({ delta: {}, finish_reason: reason }))];
  const chunks = choices.map((choice) => ({ id: "1", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, ...choice }] }));
  const text = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("");
  request.resume().on("end", () => response.writeHead(200, { "content-type": "text/event-stream" }).end(text));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const baseURL = `http://127.0.0.1:${server.address().port}`;
const models = {
  openrouter: createOpenRouter({ apiKey: "key", baseURL }).chat("m"),
  compatible: createOpenAICompatible({ name: "own", apiKey: "key", baseURL })("m"),
};
const seen = {};
for (ends of [[], ["length"]]) {
  for (const [name, model] of Object.entries(models)) {
    const inputs = [];
    const execute = (input) => inputs.push(JSON.stringify(input));
    const schema = jsonSchema({ type: "object", properties: { older_than_days: { type: "integer" } } });
    const result = streamText({ model, prompt: "x", maxRetries: 0, onError() {}, tools: { remove: tool({ inputSchema: schema, execute }) } });
    await result.consumeStream({ onError() {} });
    const reason = await result.finishReason.catch((error) => error.name);
    seen[`${name} ${ends[0] ?? "cut"}`] = `ran with [${inputs}], reason ${reason}`;
  }
}
console.log(seen);
const [openrouterCut, compatibleCut, openrouterLength, compatibleLength] = Object.values(seen);
const others = [compatibleCut, openrouterLength, compatibleLength].every((outcome) => outcome.startsWith("ran with []"));
process.exit(openrouterCut === "ran with [{}], reason tool-calls" && others ? 0 : 1);
JS
AI_SDK_LOG_WARNINGS=false node look.mjs

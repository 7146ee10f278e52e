#!/usr/bin/env bash
# Genkit leaves a tool's arguments as text, and fails at them, if the reason to end is `stop`, as it is of a call that was asked for by name.
# Packages: genkit 1.42.0 with @genkit-ai/compat-oai 1.42.0 (npm).
# A good guess: a message with tool calls has them, whatever the reason to end says; other clients run the tool. OpenAI and servers that
# speak its API say `stop` where `tool_choice` names the tool. Seen: `INVALID_ARGUMENT: Schema validation failed`, since the tool is given
# the JSON as a string, streamed or not. The same call with the reason `tool_calls` runs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts genkit@1.42.0 @genkit-ai/compat-oai@1.42.0
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { openAICompatible } from "@genkit-ai/compat-oai";
import { genkit, z } from "genkit";

const answer = (object, choice) => JSON.stringify({ id: "1", object, created: 1, model: "m", choices: [{ index: 0, ...choice }] });
const call = { index: 0, id: "c1", type: "function", function: { name: "find", arguments: '{"a": 1}' } };
let reason, asked;
const server = createServer(async (request, response) => {
  const { stream } = JSON.parse(Buffer.concat(await request.toArray()).toString());
  asked += 1;
  const message = asked === 1 ? { role: "assistant", content: null, tool_calls: [call] } : { role: "assistant", content: "Found." };
  const finish_reason = asked === 1 ? reason : "stop";
  if (!stream) return response.writeHead(200, { "content-type": "application/json" }).end(answer("chat.completion", { message, finish_reason }));
  const chunks = [answer("chat.completion.chunk", { delta: message, finish_reason: null }), answer("chat.completion.chunk", { delta: {}, finish_reason }), "[DONE]"];
  response.writeHead(200, { "content-type": "text/event-stream" }).end(chunks.map((chunk) => `data: ${chunk}\n\n`).join(""));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const ai = genkit({ plugins: [openAICompatible({ name: "x", apiKey: "key", baseURL: `http://127.0.0.1:${server.address().port}`, maxRetries: 0 })] });
const find = ai.defineTool({ name: "find", description: "Finds", inputSchema: z.object({ a: z.number() }) }, async ({ a }) => `found ${a}`);
const ask = { model: "x/m", prompt: "x", tools: [find] };
const calls = { plain: () => ai.generate(ask), stream: () => ai.generateStream(ask).response };
const seen = [];
for (reason of ["tool_calls", "stop"]) {
  for (const [name, generate] of Object.entries(calls)) {
    asked = 0;
    const text = await generate().then((result) => result.text, (error) => error.message.split(".")[0]);
    seen.push(text);
    console.log(`${name}, ${reason}: ${text}`);
  }
}
const failed = "INVALID_ARGUMENT: Schema validation failed";
process.exit(seen.join("; ") === ["Found.", "Found.", failed, failed].join("; ") ? 0 : 1);
JS
node look.mjs 2>/dev/null

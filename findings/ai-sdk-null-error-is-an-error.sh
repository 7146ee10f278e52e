#!/usr/bin/env bash
# The AI SDK takes `"error": null` in a good chunk for a failure and drops what the chunk says, where OpenAI's own client sees none.
# Packages: ai 6.0.326, @ai-sdk/openai-compatible 2.0.92 (npm; ai 7.0.173 with 3.0.92 does the same), beside openai 7.55.0.
# A good guess: null says that there is no error, as servers write it that write every member of a model of theirs; a whole
# completion with `"error": null` is read so.
# Seen: the text of each such chunk is lost, `onError` is told null, and the finishReason is "error".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit ai@6.0.326 @ai-sdk/openai-compatible@2.0.92 zod@4.1.8 openai@7.55.0
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, streamText } from "ai";
import OpenAI from "openai";

const about = { id: "1", created: 1, model: "m", error: null };
const chunk = (delta, finish_reason, more) =>
  `data: ${JSON.stringify({ ...about, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason }], ...more })}\n\n`;
const server = createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  if (JSON.parse(body).stream) {
    const chunks = [chunk({ role: "assistant", content: "a" }, null), chunk({ content: "b" }, null, { error: undefined }), chunk({}, "stop")];
    response.writeHead(200, { "Content-Type": "text/event-stream" }).end(`${chunks.join("")}data: [DONE]\n\n`);
  } else {
    const choices = [{ index: 0, message: { role: "assistant", content: "ab" }, finish_reason: "stop" }];
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify({ ...about, object: "chat.completion", choices }));
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;

const model = createOpenAICompatible({ name: "mine", baseURL, apiKey: "key" })("m");
const whole = (await generateText({ model, prompt: "x", maxRetries: 0 })).text;
const told = [];
const stream = streamText({ model, prompt: "x", maxRetries: 0, onError: ({ error }) => told.push(error) });
let streamed = "";
for await (const part of stream.textStream) streamed += part;
const finish = await stream.finishReason;

let byOpenAI = "";
const client = new OpenAI({ apiKey: "key", baseURL, maxRetries: 0 });
for await (const { choices } of await client.chat.completions.create({ model: "m", messages: [], stream: true })) byOpenAI += choices[0].delta.content ?? "";
server.close();
console.log({ whole, streamed, told, finish, byOpenAI });
const expected = { whole: "ab", streamed: "b", told: [null, null], finish: "error", byOpenAI: "ab" };
process.exit(JSON.stringify({ whole, streamed, told, finish, byOpenAI }) === JSON.stringify(expected) ? 0 : 1);
JS
node look.mjs

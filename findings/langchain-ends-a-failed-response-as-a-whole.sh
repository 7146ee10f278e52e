#!/usr/bin/env bash
# LangChain's JavaScript client ends a stream of the Responses API that tells its failure as if the answer were whole.
# Package: @langchain/openai 1.6.0 with @langchain/core 1.4.0 (npm); beside them @ai-sdk/openai 4.0.118 with ai 7.0.173.
# A good guess: the event `response.failed`, whose response has an `error` with a message, is thrown, as the client throws the event
# `error`; or the message's status is `failed`, as it is `incomplete` for one that was cut. Seen: the stream ends after the text before it,
# and neither an error nor a status says so: whoever waits for the end has half an answer. The AI SDK gives the reason.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node@24.21.0 @langchain/openai@1.6.0 @langchain/core@1.4.0 @ai-sdk/openai@4.0.118 ai@7.0.173
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { createOpenAI } from "@ai-sdk/openai";
import { ChatOpenAI } from "@langchain/openai";
import { streamText } from "ai";

const response = (status, more) => ({
  id: "1", object: "response", created_at: 1, model: "m", status, output: [], error: null, incomplete_details: null,
  parallel_tool_calls: true, tool_choice: "auto", tools: [], ...more,
});
const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2, input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } };
const endings = {
  completed: { type: "response.completed", response: response("completed", { usage }) },
  incomplete: { type: "response.incomplete", response: response("incomplete", { usage, incomplete_details: { reason: "max_output_tokens" } }) },
  failed: { type: "response.failed", response: response("failed", { error: { code: "server_error", message: "out of memory" } }) },
  error: { type: "error", code: "server_error", message: "out of memory", param: null },
};
let ending;
const server = createServer((request, answer) => {
  const events = [
    { type: "response.created", response: response("in_progress") },
    { type: "response.output_item.added", output_index: 0, item: { type: "message", id: "2", role: "assistant", status: "in_progress", content: [] } },
    { type: "response.content_part.added", item_id: "2", output_index: 0, content_index: 0, part: { type: "output_text", text: "", annotations: [] } },
    { type: "response.output_text.delta", item_id: "2", output_index: 0, content_index: 0, delta: "half a", logprobs: [] },
    ending,
  ];
  const body = events.map((event, at) => `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: at })}\n\n`).join("");
  request.resume().on("end", () => answer.writeHead(200, { "content-type": "text/event-stream" }).end(body));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
async function langchain() {
  let message;
  try {
    const model = new ChatOpenAI({ model: "m", apiKey: "key", configuration: { baseURL: url }, useResponsesApi: true, maxRetries: 0 });
    for await (const part of await model.stream("x")) message = message === undefined ? part : message.concat(part);
    return `${message.text}, status ${message.response_metadata.status}`;
  } catch (error) {
    return `threw ${error.message}`;
  }
}
async function sdk() {
  const seen = [];
  const model = createOpenAI({ apiKey: "key", baseURL: url }).responses("m");
  for await (const part of streamText({ model, prompt: "x", maxRetries: 0, onError() {} }).fullStream) {
    if (part.type === "error") seen.push(part.error.message);
    if (part.type === "finish") seen.push(part.finishReason);
  }
  return seen.join(", ");
}
const seen = [];
for (const [name, event] of Object.entries(endings)) {
  ending = event;
  seen.push(await langchain(), await sdk());
  console.log(`${name}: LangChain ${seen.at(-2)}; the AI SDK ${seen.at(-1)}`);
}
const expected = [
  "half a, status completed", "stop", "half a, status incomplete", "length",
  "half a, status undefined", "out of memory, error", "threw out of memory", "out of memory, error",
];
process.exit(JSON.stringify(seen) === JSON.stringify(expected) ? 0 : 1);
JS
AI_SDK_LOG_WARNINGS=false node_modules/.bin/node look.mjs

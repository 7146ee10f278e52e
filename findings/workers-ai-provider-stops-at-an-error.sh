#!/usr/bin/env bash
# workers-ai-provider ends a stream that tells a failure with the reason `stop`, and gives its caller no error.
# Packages: workers-ai-provider 4.0.0 and ai 7.0.173 (npm); node 24.21.0 (npm). A good guess: an event with a member `error` ends the stream
# with an error, as the AI SDK's other providers have it. Seen: the event is passed over, and with `[DONE]` behind it, as servers write it,
# half a text is `stop`. A stream that breaks off has the reason `error`, but neither a part nor a call of `onError` says so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 workers-ai-provider@4.0.0 ai@7.0.173
cat > look.mjs <<'JS'
import { streamText } from "ai";
import { createWorkersAI } from "workers-ai-provider";

const event = (data) => `data: ${JSON.stringify(data)}\n\n`;
const streams = {
  "an error": event({ response: "half" }) + event({ error: { message: "out of memory" } }) + "data: [DONE]\n\n",
  "a cut": event({ response: "half" }),
  "an end": event({ response: "whole" }) + "data: [DONE]\n\n",
};
const seen = [];
for (const [name, text] of Object.entries(streams)) {
  const model = createWorkersAI({ binding: { run: async () => new Blob([text]).stream() } })("model");
  let errors = 0;
  const { fullStream, finishReason } = streamText({ model, prompt: "x", maxRetries: 0, onError: () => errors++ });
  for await (const { type } of fullStream) if (type === "error") errors++;
  seen.push(`${await finishReason} ${errors}`);
  console.log(name.padEnd(10), "ends by", await finishReason, "with", errors, "errors");
}
process.exit(seen.join() === "stop 0,error 0,stop 0" ? 0 : 1);
JS
./node_modules/.bin/node look.mjs

#!/usr/bin/env bash
# Hugging Face's JavaScript client repeats a 503 at once and without end, whatever its Retry-After says.
# Package: @huggingface/inference 4.13.30 (npm). A good guess: it waits for the Retry-After and gives up after some tries, or throws.
# Seen: 1,000 calls within a few seconds; only another status ends them. `retry_on_error: false` turns it off. Without a model it
# sends the address of its endpoint as `model`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @huggingface/inference@4.13.30
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { InferenceClient } from "@huggingface/inference";

let calls = 0;
let model;
const server = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  model = JSON.parse(body).model;
  calls++;
  response.writeHead(calls < 1_000 ? 503 : 429, { "Content-Type": "application/json", "Retry-After": "60" });
  response.end(JSON.stringify({ error: { message: "not now" } }));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const endpointUrl = `http://127.0.0.1:${server.address().port}/v1`;
const begun = Date.now();
const client = new InferenceClient("key", { endpointUrl });
const error = await client.chatCompletion({ messages: [{ role: "user", content: "Hi" }] }).catch((thrown) => thrown);
console.log(`${calls} calls in ${Date.now() - begun} ms, then ${error.constructor.name}; model: ${JSON.stringify(model)}`);
server.close();
process.exit(calls === 1_000 && model === endpointUrl ? 0 : 1);
JS
node look.mjs

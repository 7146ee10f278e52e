#!/usr/bin/env bash
# Cerebras' JavaScript client says "Connection error." of a stream in which the server tells a failure, with its reason and status.
# Package: @cerebras/cerebras_cloud_sdk 1.91.0; beside it groq-sdk 1.6.0, made by the same generator (npm).
# A good guess: the client's own type of such a chunk, `ErrorChunkResponse`, has an error and a `status_code`, so an APIError with that
# status and message is thrown; with 400 nobody need ask again. Seen: APIConnectionError, status undefined, which callers take for a lost
# network and repeat. The reason is only in its `cause`, as JSON. groq-sdk throws an APIError with the message.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @cerebras/cerebras_cloud_sdk@1.91.0 groq-sdk@1.6.0
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import Cerebras from "@cerebras/cerebras_cloud_sdk";
import Groq from "groq-sdk";

const choice = { index: 0, delta: { content: "a" }, finish_reason: null };
const chunk = { id: "1", object: "chat.completion.chunk", created: 1, model: "m", system_fingerprint: "fp", choices: [choice] };
let failure;
const server = createServer((request, response) => {
  const body = [chunk, failure].map((value) => `data: ${JSON.stringify(value)}\n\n`).join("");
  request.resume().on("end", () => response.writeHead(200, { "content-type": "text/event-stream" }).end(body));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const options = { apiKey: "key", baseURL: `http://127.0.0.1:${server.address().port}`, maxRetries: 0, warmTCPConnection: false };
async function thrown(Client) {
  try {
    const stream = await new Client(options).chat.completions.create({ model: "m", messages: [{ role: "user", content: "x" }], stream: true });
    for await (const part of stream) if (part.error) return "a chunk";
    return "nothing";
  } catch (error) {
    return `${error.constructor.name} ${error.status}: ${error.message}`;
  }
}
const seen = [];
for (failure of [{ error: { message: "out of memory" }, status_code: 500 }, { error: { message: "too many tokens" }, status_code: 400 }]) {
  seen.push(await thrown(Cerebras), await thrown(Groq));
  console.log(`${JSON.stringify(failure)}: Cerebras ${seen.at(-2)}; Groq ${seen.at(-1)}`);
}
const lost = "APIConnectionError undefined: Connection error.";
const expected = [lost, "APIError undefined: out of memory", lost, "APIError undefined: too many tokens"];
process.exit(seen.join("; ") === expected.join("; ") ? 0 : 1);
JS
node look.mjs

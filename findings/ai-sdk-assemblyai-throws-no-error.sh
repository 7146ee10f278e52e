#!/usr/bin/env bash
# The AI SDK throws an object that is no Error, and has no message, if a poll of a transcription at AssemblyAI is refused.
# Packages: @ai-sdk/assemblyai 3.0.40 with ai 7.0.173 (npm); beside them @ai-sdk/revai 3.0.40.
# A good guess: an APICallError with the status, as it throws for the submit and for Rev AI, and as its documentation has it. Seen:
# `{ responseHeaders, value }`, whose `value` is that error. `error.message` is undefined, `String(error)` is "[object Object]", and
# `APICallError.isInstance` is false, so the retries of the SDK leave it alone too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node@24.21.0 ai@7.0.173 @ai-sdk/assemblyai@3.0.40 @ai-sdk/revai@3.0.40
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { createAssemblyAI } from "@ai-sdk/assemblyai";
import { createRevai } from "@ai-sdk/revai";
import { APICallError, transcribe } from "ai";

const server = createServer((request, response) => {
  request.resume().on("end", () => {
    const state = request.url.includes("/v2/") ? "queued" : "in_progress";
    const [status, answer] = request.method === "POST" ? [200, { id: "1", status: state, upload_url: "x" }] : [404, { error: "no such job" }];
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const local = (to, options) => fetch(String(to).replace(/^https:..[^/]+/, url), options);
const models = {
  AssemblyAI: createAssemblyAI({ apiKey: "key", fetch: local }).transcription("best"),
  "Rev AI": createRevai({ apiKey: "key", fetch: local }).transcription("machine"),
};
const seen = [];
for (const [name, model] of Object.entries(models)) {
  const thrown = await transcribe({ model, audio: new Uint8Array([1]) }).catch((error) => error);
  seen.push(`${String(thrown).split(":")[0]} ${APICallError.isInstance(thrown)} ${thrown.message} ${thrown.value?.statusCode}`);
  console.log(`${name}: ${thrown}; an APICallError: ${APICallError.isInstance(thrown)}; its message: ${thrown.message}; its value's status: ${thrown.value?.statusCode}`);
}
process.exit(seen.join("; ") === "[object Object] false undefined 404; AI_APICallError true Not Found undefined" ? 0 : 1);
JS
AI_SDK_LOG_WARNINGS=false node_modules/.bin/node look.mjs

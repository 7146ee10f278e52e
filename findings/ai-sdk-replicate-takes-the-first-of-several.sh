#!/usr/bin/env bash
# The AI SDK gives one picture of three for a prediction of Replicate's that is still running, as if it had succeeded.
# Packages: ai 7.0.173 and @ai-sdk/replicate 3.0.46 (npm); node 24.21.0 (npm). A good guess: a prediction is polled until its status is a
# final one. The `output` of a model that yields its pictures grows while the status is `processing`, as Replicate documents it.
# Seen: the first `output` that is not null ends the polling, so one picture comes back for `n: 3`, without a warning. The status
# `aborted`, of a prediction that never began, is an APICallError of invalid JSON, which the SDK may repeat.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 ai@7.0.173 @ai-sdk/replicate@3.0.46
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { createReplicate } from "@ai-sdk/replicate";
import { generateImage } from "ai";

let url;
let polls = 0;
const server = createServer((request, response) => {
  request.resume().on("end", () => {
    const png = request.url.endsWith(".png");
    const submit = request.method === "POST";
    if (!png && !submit) polls++;
    const output = polls === 0 ? null : Array.from({ length: polls }, (_, index) => `${url}/${index}.png`);
    const status = polls === 0 ? "starting" : polls < 3 ? "processing" : "succeeded";
    const answer = JSON.stringify({ id: "p", status, output, error: null, urls: { get: `${url}/v1/predictions/p` } });
    response.writeHead(submit ? 201 : 200, { "content-type": png ? "image/png" : "application/json" }).end(png ? "png" : answer);
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
url = `http://127.0.0.1:${server.address().port}`;
const aborted = async () => Response.json({ id: "p", status: "aborted", output: null, error: null, urls: { get: `${url}/v1/predictions/p` } });
const ask = (more) => {
  const model = createReplicate({ apiToken: "key", baseURL: `${url}/v1`, ...more }).image("owner/model");
  return generateImage({ model, prompt: "x", n: 3, maxImagesPerCall: 3, maxRetries: 0, providerOptions: { replicate: { pollIntervalMillis: 50 } } });
};
const { images, warnings } = await ask({});
console.log(`${images.length} of 3 pictures after ${polls} poll, warnings: ${warnings.length}`);
const { name, message } = await ask({ fetch: aborted }).catch((error) => error);
console.log(`aborted: ${name}: ${message}`);
process.exit(images.length === 1 && polls === 1 && warnings.length === 0 && message === "Invalid JSON response" ? 0 : 1);
JS
AI_SDK_LOG_WARNINGS=false node_modules/.bin/node look.mjs

#!/usr/bin/env bash
# Rev AI's Node client throws a TypeError without a status if a stream of a transcript is refused, and objects that are no Error otherwise.
# Package: revai-node-sdk 3.8.5 (npm); node 24.21.0 (npm).
# A good guess: a transcript that is not ready, which is a 409, is the client's InvalidStateError from each of its calls, and that is an Error.
# Seen: from getTranscriptObjectStream() it is "Cannot read properties of null" where the body comes a moment after the head, since what has
# come by then is read as the whole. From the other calls it is an object without a message or a stack, which prints as "[object Object]".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 revai-node-sdk@3.8.5
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { setTimeout } from "node:timers/promises";
import revai from "revai-node-sdk";

const server = createServer(async (request, response) => {
  response.writeHead(409, { "content-type": "application/problem+json" }).flushHeaders();
  await setTimeout(300);
  response.end(JSON.stringify({ title: "Job is in invalid state", current_value: "in_progress", allowed_values: ["transcribed"] }));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const client = new revai.RevAiApiClient("key");
client.apiHandler.instance.defaults.baseURL = `http://127.0.0.1:${server.address().port}`;
const seen = [];
for (const call of ["getTranscriptObject", "getTranscriptText", "getTranscriptObjectStream", "getTranscriptTextStream"]) {
  const thrown = await client[call]("1").catch((error) => error);
  seen.push(`${thrown.constructor.name} ${thrown instanceof Error} ${thrown.statusCode}`);
  console.log(`${call}: ${thrown.constructor.name}, an Error: ${thrown instanceof Error}, status ${thrown.statusCode}, as text ${String(thrown)}`);
}
const [whole, stream] = ["InvalidStateError false 409", "TypeError true undefined"];
process.exit(seen.join() === [whole, whole, stream, stream].join() ? 0 : 1);
JS
./node_modules/.bin/node look.mjs

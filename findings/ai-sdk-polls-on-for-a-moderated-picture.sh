#!/usr/bin/env bash
# The AI SDK polls on for a picture of Black Forest Labs that was refused, or calls the refusal invalid JSON.
# Package: @ai-sdk/black-forest-labs 2.0.41 with ai 7.0.173 (npm).
# A good guess: each status by which the service ends a job without a picture fails with that status, as the same package has it for
# videos. Seen: "Request Moderated" is polled until the timeout, a minute unless told, which is then the error; "Content Moderated" and
# "Task not found" are `Invalid JSON response`, without the words. "Error" fails at once, and all of them do for a video.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node@24.21.0 ai@7.0.173 @ai-sdk/black-forest-labs@2.0.41
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { createBlackForestLabs } from "@ai-sdk/black-forest-labs";
import { experimental_generateVideo as generateVideo, generateImage } from "ai";

let status, polls;
const server = createServer((request, response) => {
  if (request.method === "GET") polls += 1;
  const answer = request.method === "POST" ? { id: "1", polling_url: `${url}/get_result` } : { id: "1", status, result: null };
  request.resume().on("end", () => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer)));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const labs = createBlackForestLabs({ apiKey: "key", baseURL: url, pollIntervalMillis: 200, pollTimeoutMillis: 2000 });
const seen = [];
for (status of ["Error", "Request Moderated", "Content Moderated", "Task not found"]) {
  const calls = [() => generateImage({ model: labs.image("flux-pro-1.1"), prompt: "x" }), () => generateVideo({ model: labs.video("flux-video"), prompt: "x" })];
  for (const call of calls) {
    polls = 0;
    const { message } = await call().catch((error) => error);
    seen.push({ polls, message });
    console.log(`${calls.indexOf(call) === 0 ? "picture" : "video"}, ${status}: ${message} (${polls} polls)`);
  }
}
const [pictures, videos] = [0, 1].map((kind) => seen.filter((_, at) => at % 2 === kind));
const told = videos.every(({ polls, message }, at) => polls === 1 && message.includes(["Error", "Request Moderated", "Content Moderated", "Task not found"][at]));
const failed = pictures[0].polls === 1 && pictures[1].polls > 5 && pictures[1].message.endsWith("timed out.");
process.exit(told && failed && pictures.slice(2).every(({ message }) => message === "Invalid JSON response") ? 0 : 1);
JS
AI_SDK_LOG_WARNINGS=false node_modules/.bin/node look.mjs

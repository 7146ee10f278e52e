#!/usr/bin/env bash
# The AI SDK loses a whole transcript of fal's if one of its pieces has no time at which it ends.
# Packages: @ai-sdk/fal 3.0.41 with ai 7.0.173 (npm); beside them @fal-ai/client 1.10.1, fal's own.
# A good guess: the text is given, and a piece whose end is null has none, or 0 as one without times has. Whisper gives null where a
# recording stops within a word, and fal's own types leave the two times open. Seen: `Invalid JSON response`, after the job has run.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node@24.21.0 ai@7.0.173 @ai-sdk/fal@3.0.41 @fal-ai/client@1.10.1
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { createFal } from "@ai-sdk/fal";
import { createFalClient } from "@fal-ai/client";
import { transcribe } from "ai";

let times;
const server = createServer((request, response) => {
  const result = { text: "hello", chunks: [{ text: "hello", timestamp: times }], inferred_languages: ["en"] };
  const answer = request.method === "POST" ? { request_id: "1" } : result;
  request.resume().on("end", () => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer)));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const local = (to, options) => fetch(String(to).replace("https://queue.fal.run", url), options);
const sdk = createFal({ apiKey: "key", fetch: local });
const own = createFalClient({ credentials: "id:secret", fetch: local });
const seen = [];
for (times of [[0, 1.5], [0, null], null]) {
  const ours = await transcribe({ model: sdk.transcription("whisper"), audio: new Uint8Array([1]) }).then((result) => result.text, (error) => error.message);
  const theirs = (await own.queue.result("fal-ai/whisper", { requestId: "1" })).data.text;
  seen.push(`${ours}, ${theirs}`);
  console.log(`times ${JSON.stringify(times)}: the AI SDK ${ours}, fal's client ${theirs}`);
}
process.exit(seen.join("; ") === "hello, hello; Invalid JSON response, hello; hello, hello" ? 0 : 1);
JS
AI_SDK_LOG_WARNINGS=false node_modules/.bin/node look.mjs

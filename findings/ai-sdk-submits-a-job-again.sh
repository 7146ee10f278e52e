#!/usr/bin/env bash
# The AI SDK submits a whole job again if one poll of it is answered 503 or 429, and forgets the first job, which goes on.
# Packages: ai 7.0.173 with @ai-sdk/luma 3.0.41, @ai-sdk/fireworks 3.0.62, @ai-sdk/fal 3.0.41; beside them @ai-sdk/replicate 3.0.46 (npm).
# A good guess: the poll is repeated, as `generateVideo` does with Replicate, since only it has failed and the job's id is known. Seen: the
# retry is round the whole call. A picture of Luma or Fireworks and a transcription of fal are submitted twice for one bad poll, and asked
# for by the second id alone; each job is paid for. `maxRetries: 0` submits once, and then fails at that poll.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node@24.21.0 ai@7.0.173 @ai-sdk/luma@3.0.41 @ai-sdk/fireworks@3.0.62 @ai-sdk/fal@3.0.41 @ai-sdk/replicate@3.0.46
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { createFal } from "@ai-sdk/fal";
import { createFireworks } from "@ai-sdk/fireworks";
import { createLuma } from "@ai-sdk/luma";
import { createReplicate } from "@ai-sdk/replicate";
import { experimental_generateVideo as generateVideo, generateImage, transcribe } from "ai";

const pixel = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
let submits, polls, status;
const server = createServer((request, response) => {
  const send = (code, value, headers) => response.writeHead(code, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
  request.resume().on("end", () => {
    if (request.url === "/pixel.png") return response.writeHead(200, { "content-type": "image/png" }).end(pixel);
    if (request.method === "POST" && !request.url.endsWith("/get_result")) {
      submits += 1;
      // One answer with what each of the four services gives to a submit.
      return send(200, { id: `job-${submits}`, request_id: `job-${submits}`, state: "queued", status: "starting", urls: { get: `${url}/job-${submits}` } });
    }
    polls += 1;
    if (polls === 1) return send(status, { detail: "busy" }, { "retry-after": "1" });
    if (request.url.endsWith("/get_result")) return send(200, { id: "job", status: "Ready", result: { sample: `${url}/pixel.png` } });
    return send(200, {
      id: "job", state: "completed", assets: { image: `${url}/pixel.png` }, text: "hello",
      status: "succeeded", output: "data:video/mp4;base64,AAAA", urls: { get: url },
    });
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const fal = createFal({ apiKey: "key", fetch: (to, options) => fetch(String(to).replace("https://queue.fal.run", url), options) });
const luma = createLuma({ apiKey: "key", baseURL: url });
const fireworks = createFireworks({ apiKey: "key", baseURL: url });
const replicate = createReplicate({ apiToken: "key", baseURL: url });
const calls = {
  "Luma's picture": (more) => generateImage({ model: luma.image("photon-1"), prompt: "x", ...more }),
  "Fireworks' picture": (more) => generateImage({ model: fireworks.image("accounts/fireworks/models/flux-kontext-pro"), prompt: "x", ...more }),
  "fal's transcription": (more) => transcribe({ model: fal.transcription("whisper"), audio: new Uint8Array([1]), ...more }),
  "Replicate's video": (more) => generateVideo({ model: replicate.video("a/b"), prompt: "x", ...more }),
};
const seen = [];
for (const [name, call] of Object.entries(calls)) {
  for (const [code, more] of [[503, {}], [429, {}], [503, { maxRetries: 0 }]]) {
    [submits, polls, status] = [0, 0, code];
    const outcome = await call(more).then(() => "succeeds", () => "fails");
    seen.push(`${submits} ${outcome}`);
    console.log(`${name}, a poll answered ${code}, ${JSON.stringify(more)}: ${submits} submitted, ${outcome}`);
  }
}
const again = "2 succeeds,2 succeeds,1 fails";
process.exit(seen.slice(0, 9).join() === [again, again, again].join() && seen.slice(9, 11).join() === "1 succeeds,1 succeeds" ? 0 : 1);
JS
AI_SDK_LOG_WARNINGS=false node_modules/.bin/node look.mjs

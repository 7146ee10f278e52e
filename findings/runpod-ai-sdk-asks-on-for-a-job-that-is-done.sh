#!/usr/bin/env bash
# RunPod's provider for the AI SDK asks on for five minutes for a picture that is done, if its output has another name, and then says timed out.
# Package: @runpod/ai-sdk-provider 1.4.0 (npm).
# A good guess: a job that is COMPLETED ends the wait, with its picture or with an error that shows what its output was; one that is CANCELLED
# or TIMED_OUT, RunPod's own statuses, ends it by an error that says so. Seen: a completed job without `result` or `image_url`, as the
# `images` of many workers, is polled as if it ran, sixty times every five seconds; the other two are an "Invalid JSON response".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @runpod/ai-sdk-provider@1.4.0
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { createRunpod } from "@runpod/ai-sdk-provider";

let answer, polls;
const server = createServer((request, response) => {
  const send = (value) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
  request.resume().on("end", () => {
    if (request.url === "/picture.png") return response.writeHead(200, { "content-type": "image/png" }).end("picture");
    if (request.method === "POST") return send({ id: "1", status: "IN_QUEUE" });
    polls += 1;
    send({ id: "1", ...answer });
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const model = createRunpod({ apiKey: "key", baseURL: url }).image("my-endpoint");
const seen = [];
for (answer of [
  { status: "COMPLETED", output: { image_url: `${url}/picture.png` } },
  { status: "COMPLETED", output: { images: [`${url}/picture.png`] } },
  { status: "CANCELLED" },
  { status: "TIMED_OUT" },
]) {
  polls = 0;
  // Ten polls in place of sixty, and 20 ms in place of five seconds.
  const providerOptions = { runpod: { maxPollAttempts: 10, pollIntervalMillis: 20 } };
  const said = await model.doGenerate({ prompt: "a cat", n: 1, size: "512x512", providerOptions }).then(
    ({ images }) => `${images.length} picture`,
    (error) => error.message.replace(/ after.*/, ""),
  );
  seen.push(`${said} ${polls}`);
  console.log(`${JSON.stringify(answer)}: ${said}, after ${polls} polls`);
}
const wanted = ["1 picture 1", "Image generation timed out 10", "Invalid JSON response 1", "Invalid JSON response 1"];
process.exit(JSON.stringify(seen) === JSON.stringify(wanted) ? 0 : 1);
JS
node look.mjs

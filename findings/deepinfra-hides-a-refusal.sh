#!/usr/bin/env bash
# DeepInfra's JavaScript client sends what was refused five times more and then hides the status, and never settles if it was a form.
# Package: deepinfra 2.0.2 (npm).
# A good guess: a 401 or a 422 is not sent again, and rejects with its status; a 503 is, with the same audio. Seen: each refusal is tried
# again, up to `maxRetries`, and a text generation rejects with "Failed to generate text" alone. The form of a transcription is a stream that
# the first attempt has used up: the second never ends, the server is sent no request, and the promise stays open. A text in a form has quotes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund deepinfra@2.0.2
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { AutomaticSpeechRecognition, TextGeneration } from "deepinfra";

let asked, status;
const server = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part)).on("end", () => {
    asked.push(Buffer.concat(parts).toString());
    response.writeHead(status, { "content-type": "application/json" }).end('{"detail": "the reason"}');
    if (status === 503) status = 200;
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}/model`;
const options = { maxRetries: 5, initialBackoff: 10, subsequentBackoff: 10 };
console.error = () => {};
const calls = {
  text: () => new TextGeneration(url, "key", options).generate({ input: "x" }),
  audio: () => new AutomaticSpeechRecognition(url, "key", options).generate({ audio: Buffer.from("sound"), language: "en" }),
};
const seen = [];
for (const [name, code] of [["text", 503], ["text", 401], ["text", 422], ["audio", 200], ["audio", 503], ["audio", 422]]) {
  [asked, status] = [[], code];
  const told = calls[name]().then(() => "an answer", (error) => `${error.message}, status ${error.response?.status}`);
  const said = await Promise.race([told, new Promise((resolve) => setTimeout(resolve, 3000, "nothing in 3 s"))]);
  seen.push(`${asked.length} ${said}`);
  console.log(`${name}, answered ${code}: asked ${asked.length} times, then ${said}`);
}
const quoted = asked[0].includes('name="language"\r\n\r\n"en"\r\n');
console.log(`the language of the form has quotes: ${quoted}`);
const hidden = "6 Failed to generate text, status undefined";
const wanted = ["2 an answer", hidden, hidden, "1 an answer", "1 nothing in 3 s", "1 nothing in 3 s"];
process.exit(seen.join() === wanted.join() && quoted ? 0 : 1);
JS
node look.mjs

#!/usr/bin/env bash
# Cohere's Python client hands an error in a stream on as `message-start`, or leaves it out, so a stream that fails ends as a whole one.
# Packages: cohere 7.3.1 (PyPI); beside it cohere-ai 8.1.0 (npm).
# A good guess: an event `error`, with a message, raises or is handed on as what it is. Seen: without a `type` it is a second
# `message-start` whose `message` is the error's, and with `type: "error"` it is left out with a line in the log; neither raises. The
# JavaScript client throws at the first and hands the second on as `error`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund cohere-ai@8.1.0
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check cohere==7.3.1
cat > look.py <<'PY'
import sys

import cohere

seen = []
try:
    for event in cohere.ClientV2("key", base_url=sys.argv[1]).chat_stream(model="m", messages=[{"role": "user", "content": "x"}]):
        seen.append(event.type)
except Exception as error:
    seen.append(f"raised {error}")
print(" ".join(seen), end="")
PY
cat > look.mjs <<'JS'
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { promisify } from "node:util";
import { CohereClientV2 } from "cohere-ai";

const event = (name, value) => `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;
const begin =
  event("message-start", { type: "message-start", id: "1", delta: { message: { role: "assistant" } } }) +
  event("content-delta", { type: "content-delta", index: 0, delta: { message: { content: { text: "a" } } } });
const streams = {
  "a whole one": begin + event("message-end", { type: "message-end", delta: { finish_reason: "COMPLETE" } }),
  "an error without a type": begin + event("error", { message: "out of memory" }),
  "an error with a type": begin + event("error", { type: "error", message: "out of memory" }),
};
let body;
const server = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(200, { "content-type": "text/event-stream" }).end(body));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
async function javascript() {
  const seen = [];
  try {
    const client = new CohereClientV2({ token: "key", environment: url });
    for await (const part of await client.chatStream({ model: "m", messages: [{ role: "user", content: "x" }] })) seen.push(part.type);
  } catch {
    seen.push("thrown");
  }
  return seen.join(" ");
}
const seen = [];
for (const [name, text] of Object.entries(streams)) {
  body = text;
  const { stdout } = await promisify(execFile)("env/bin/python", ["look.py", url]);
  seen.push(stdout, await javascript());
  console.log(`${name}: Python ${seen.at(-2)}; JavaScript ${seen.at(-1)}`);
}
const first = "message-start content-delta";
const whole = `${first} message-end`;
process.exit(seen.join() === [whole, whole, `${first} message-start`, `${first} thrown`, first, `${first} error`].join() ? 0 : 1);
JS
node look.mjs

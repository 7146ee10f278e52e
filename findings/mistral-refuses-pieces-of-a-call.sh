#!/usr/bin/env bash
# Mistral's clients break off an OpenAI-like stream at the second piece of a tool call, and lose the reason of an error.
# Packages: @mistralai/mistralai 2.7.0 (npm), mistralai 3.7.0 (PyPI).
# A good guess: with `serverURL` they read the stream of a server of the same wire, such as vLLM: a call's name comes with its first piece
# and its arguments in further ones, and {"error":{"message":…}} raises that message.
# Seen: a piece without a name is a validation error in both languages, and so is the error object: its message is not in what is raised
# as the message in JavaScript. JavaScript refuses `"usage": null` as well, which OpenAI sends in each chunk but the last if usage is asked for.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @mistralai/mistralai@2.7.0
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check mistralai==3.7.0
cat > look.py <<'PY'
import sys

from mistralai.client import Mistral

client = Mistral(api_key="key", server_url=sys.argv[1])
try:
    for _ in client.chat.stream(model="m", messages=[{"role": "user", "content": "x"}]):
        pass
    print("read", end="")
except Exception as error:
    print(type(error).__name__, end="")
PY
cat > look.mjs <<'JS'
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { promisify } from "node:util";
import { Mistral } from "@mistralai/mistralai";

const chunk = (delta, finish_reason = null, more = {}) => ({ id: "1", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason }], ...more });
const called = (piece) => chunk({ tool_calls: [{ index: 0, ...piece }] });
const cases = {
  text: [chunk({ role: "assistant", content: "hi" }), chunk({}, "stop")],
  "a call in two pieces": [
    called({ id: "c1", type: "function", function: { name: "find", arguments: "" } }),
    called({ function: { arguments: "{}" } }),
    chunk({}, "tool_calls"),
  ],
  '"usage": null': [chunk({ role: "assistant", content: "hi" }, null, { usage: null }), chunk({}, "stop", { usage: null })],
  "an error": [chunk({ role: "assistant", content: "hi" }), { error: { message: "out of memory", type: "server_error", code: 500 } }],
};
let sent;
const server = createServer((request, response) => {
  request.resume().on("end", () => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(`${sent.map((value) => `data: ${JSON.stringify(value)}\n\n`).join("")}data: [DONE]\n\n`);
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
async function javascript() {
  try {
    const stream = await new Mistral({ apiKey: "key", serverURL: url }).chat.stream({ model: "m", messages: [{ role: "user", content: "x" }] });
    for await (const _ of stream);
    return "read";
  } catch (error) {
    return `${error.name}${error.message.includes("out of memory") ? " with the reason" : ""}`;
  }
}
const seen = [];
for (const name of ["text", "a call in two pieces", '"usage": null', "an error"]) {
  sent = cases[name];
  const { stdout } = await promisify(execFile)("env/bin/python", ["look.py", url]);
  seen.push(await javascript(), stdout);
  console.log(`${name}: JavaScript ${seen.at(-2)}, Python ${stdout}`);
}
const invalid = "ResponseValidationError";
process.exit(JSON.stringify(seen) === JSON.stringify(["read", "read", "ZodError", invalid, "ZodError", "read", "ZodError", invalid]) ? 0 : 1);
JS
node look.mjs

#!/usr/bin/env bash
# Together's clients leave out every event of a stream that has a name, so a stream that fails by `event: error` ends as a whole one.
# Packages: together-ai 0.52.0 (npm), together 3.1.1 (PyPI); beside them groq-sdk 1.6.0 (npm), made by the same generator.
# A good guess: an event's name is read, or is passed over, as OpenAI's clients do: data is data, and an event `error` raises its reason.
# Seen: in both languages a chunk whose event has a name is not handed on, and neither is an error: the loop ends without a word after the
# text before it. The same error without a name is raised. groq-sdk reads the chunk, and raises both errors.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund together-ai@0.52.0 groq-sdk@1.6.0
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check together==3.1.1
cat > look.py <<'PY'
import sys

import together

client = together.Together(api_key="key", base_url=sys.argv[1], max_retries=0)
seen = "read "
try:
    for chunk in client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True):
        seen += chunk.choices[0].delta.content
except together.APIError as error:
    seen += f" and raised {error.message}"
print(seen, end="")
PY
cat > look.mjs <<'JS'
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { promisify } from "node:util";
import Groq from "groq-sdk";
import Together from "together-ai";

const data = (value, name = "") => `${name}data: ${JSON.stringify(value)}\n\n`;
const chunk = (content, name) => data({ id: "1", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta: { content }, finish_reason: null }] }, name);
const failure = { error: { message: "out of memory", type: "server_error" } };
const streams = {
  "a named chunk": `${chunk("a")}${chunk("b", "event: chunk\n")}${chunk("c")}data: [DONE]\n\n`,
  "an error": chunk("a") + data(failure),
  "a named error": chunk("a") + data(failure, "event: error\n"),
};
let sent;
const server = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(200, { "content-type": "text/event-stream" }).end(sent));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
async function javascript(Client) {
  let seen = "read ";
  try {
    const client = new Client({ apiKey: "key", baseURL: url, maxRetries: 0 });
    for await (const part of await client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "x" }], stream: true })) {
      seen += part.choices?.[0]?.delta?.content ?? "";
    }
  } catch (error) {
    seen += ` and raised ${error.message}`;
  }
  return seen;
}
const seen = [];
for (const [name, text] of Object.entries(streams)) {
  sent = text;
  const { stdout } = await promisify(execFile)("env/bin/python", ["look.py", url]);
  seen.push([await javascript(Groq), await javascript(Together), stdout]);
  console.log(`${name}: groq-sdk ${seen.at(-1)[0]}; Together in JavaScript ${seen.at(-1)[1]}; in Python ${stdout}`);
}
const raised = "read a and raised out of memory";
// What groq-sdk makes of a named chunk is not at issue here.
const told = seen.slice(1).map((three) => three[0]).join() === [raised, raised].join();
const together = seen.map((three) => three.slice(1));
process.exit(told && JSON.stringify(together) === JSON.stringify([["read ac", "read ac"], [raised, raised], ["read a", "read a"]]) ? 0 : 1);
JS
node look.mjs

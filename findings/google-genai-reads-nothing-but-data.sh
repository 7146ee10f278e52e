#!/usr/bin/env bash
# Google's Gen AI clients lose or refuse an event of a stream that has anything but one line of data, such as an id, a name or a comment.
# Packages: @google/genai 2.32.0 (npm), google-genai 3.6.1 (PyPI), each with the address of a server or proxy of one's own.
# A good guess: a stream with `alt=sse` is read as the standard of server-sent events has it. Ids, names and comments change nothing.
# Seen: JavaScript passes over the whole event without a word: a stream whose events have ids is read to its end and gives nothing, and so
# the reason of a failure is lost in an event with a name. Data in two lines is a SyntaxError. Python raises at the line of the id, the
# name or the comment, and takes "data:" without a space for no data.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @google/genai@2.32.0 >/dev/null
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check google-genai==3.6.1
cat > look.py <<'PY'
import sys

from google import genai

client = genai.Client(api_key="key", http_options={"base_url": sys.argv[1]})
for line in sys.stdin:
    seen = ""
    try:
        for part in client.models.generate_content_stream(model="m", contents=line.strip()):
            seen += part.text
        print("read", seen)
    except Exception as error:
        print("raised", "the reason" if "out of memory" in str(error) and "503" in str(error)[:4] else type(error).__name__)
PY
cat > look.mjs <<'JS'
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { GoogleGenAI } from "@google/genai";

const part = (text) => JSON.stringify({ candidates: [{ content: { role: "model", parts: [{ text }] }, index: 0 }] });
const failure = JSON.stringify({ error: { code: 503, message: "out of memory", status: "UNAVAILABLE" } });
const event = (data, before = "") => `${before}data: ${data}\n\n`;
const streams = {
  plain: event(part("a")) + event(part("b")),
  ids: event(part("a"), "id: 1\n") + event(part("b"), "id: 2\n"),
  comment: event(part("a")) + event(part("b"), ": a pause\n") + event(part("c")),
  "no space": event(part("a")).replace("data: ", "data:"),
  "two lines": event(part("a").replace(',"index"', ',\ndata: "index"')),
  failure: event(part("a")) + event(failure),
  "named failure": event(part("a")) + event(failure, "event: error\n"),
};
const names = Object.keys(streams);
const server = createServer(async (request, response) => {
  let body = "";
  for await (const piece of request) body += piece;
  const name = JSON.parse(body).contents[0].parts[0].text;
  response.writeHead(200, { "content-type": "text/event-stream" }).end(streams[name]);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const client = new GoogleGenAI({ apiKey: "key", httpOptions: { baseUrl: url } });
const javascript = [];
for (const contents of names) {
  let seen = "";
  try {
    for await (const piece of await client.models.generateContentStream({ model: "m", contents })) seen += piece.text;
    javascript.push(`read ${seen}`.trim());
  } catch (error) {
    javascript.push(`raised ${error.message.includes("out of memory") ? "the reason" : error.name}`);
  }
}
const child = spawn("env/bin/python", ["look.py", url], { stdio: ["pipe", "pipe", "inherit"] });
child.stdin.end(names.join("\n"));
let printed = "";
for await (const piece of child.stdout) printed += piece;
const python = printed.trim().split("\n");
names.forEach((name, at) => console.log(`${name}: JavaScript ${javascript[at]}; Python ${python[at]}`));
const unknown = "raised UnknownApiResponseError";
process.exit(
  JSON.stringify([javascript, python]) ===
    JSON.stringify([
      ["read ab", "read", "read ac", "read a", "raised SyntaxError", "raised the reason", "read a"],
      ["read ab", unknown, unknown, unknown, "read a", "raised the reason", unknown],
    ])
    ? 0
    : 1,
);
JS
node look.mjs

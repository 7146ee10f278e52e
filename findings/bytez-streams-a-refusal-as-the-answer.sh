#!/usr/bin/env bash
# Bytez' clients stream the body of a refusal as if the model had written it, and the Python one loses the line ends of a text.
# Packages: bytez.js 3.0.0 (npm), bytez 3.0.1 (PyPI).
# A good guess: a stream that is answered 401 or 429 gives the error, as the same call without a stream does, and the pieces of a text that is
# streamed are the text when joined. Seen: both hand the JSON of the refusal on as the model's text, without its status. The Python
# client reads lines, so that each piece is kept back until a line ends, and line ends and empty lines are gone from a poem or from code.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund bytez.js@3.0.0
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check bytez==3.0.1
cat > look.py <<'PY'
import sys

from bytez import Bytez

client = Bytez("key")
client._client.host = sys.argv[1]
model = client.model("a/b")
said = model.run("x", stream=sys.argv[2] == "stream")
print("".join(said) if sys.argv[2] == "stream" else f"error {said.error}", end="")
PY
cat > look.mjs <<'JS'
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { promisify } from "node:util";
import Bytez from "bytez.js";

const poem = "one\n\n  two\nthree";
let refused;
const server = createServer((request, response) => {
  const send = (code, value) => response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(value));
  request.resume().on("end", () => {
    if (request.method === "GET") return send(200, { output: [{ task: "text-generation" }] });
    if (refused) return send(401, { error: "no such key", output: null });
    response.writeHead(200, { "content-type": "text/plain" }).end(poem);
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}/`;
// The client's address is fixed; here it leads to this server.
const { fetch } = globalThis;
globalThis.fetch = (to, { dispatcher, ...options }) => fetch(String(to).replace(/^https:\/\/api\.bytez\.com\//, url), options);
const model = new Bytez("key").model("a/b");
async function javascript(stream) {
  const said = await model.run("x", stream);
  if (!stream) return `error ${said.error}`;
  let text = "";
  for await (const part of said) text += part;
  return text;
}
const seen = [];
for (const [no, stream] of [[true, false], [true, true], [false, true]]) {
  refused = no;
  const { stdout } = await promisify(execFile)("env/bin/python", ["look.py", url, stream ? "stream" : "whole"]);
  seen.push(await javascript(stream), stdout);
  const what = `${refused ? "refused" : "answered"}, ${stream ? "as a stream" : "as a whole"}`;
  console.log(`${what}: JavaScript ${JSON.stringify(seen.at(-2))}; Python ${JSON.stringify(seen.at(-1))}`);
}
const body = JSON.stringify({ error: "no such key", output: null });
const wanted = ["error no such key", "error no such key", body, body, poem, "one  twothree"];
process.exit(JSON.stringify(seen) === JSON.stringify(wanted) ? 0 : 1);
JS
node look.mjs

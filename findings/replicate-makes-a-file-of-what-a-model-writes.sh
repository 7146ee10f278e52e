#!/usr/bin/env bash
# Replicate's clients make a file of what a language model writes if it begins with `data:` or `https:`, a single piece of it too.
# Packages: replicate 1.0.7 (PyPI), replicate 1.4.0 (npm).
# A good guess: the text of a model is text; the output's schema, or a whole URL, tells a file. Seen: an answer that begins with the word
# "data:" is a FileOutput, which in Python can be read as bytes that nobody wrote; and so is one piece of a list, so that
# `"".join(output)`, the way to get a language model's text, raises a TypeError as soon as the model writes "https:" or "data:".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund replicate@1.4.0
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check replicate==1.0.7
cat > look.py <<'PY'
import sys

import replicate

output = replicate.Client(api_token="key", base_url=sys.argv[1]).run("o/m", input={"prompt": "x"})
if isinstance(output, list):
    try:
        print("".join(output), end="")
    except TypeError as error:
        print(f"TypeError: {error}", end="")
else:
    print(type(output).__name__, output.read() if hasattr(output, "read") else output, end="")
PY
cat > look.mjs <<'JS'
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { promisify } from "node:util";
import Replicate from "replicate";

let output;
const server = createServer((request, response) => {
  const body = { id: "1", status: "succeeded", output, error: null, input: {}, urls: {}, version: "v", model: "o/m", logs: "" };
  request.resume().on("end", () => response.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify(body)));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const replicate = new Replicate({ auth: "key", baseUrl: `${url}/v1` });
const seen = [];
for (output of ["dates, far and near", "data: far, near", ["see ", "data", ": 12"], ["see ", "data:", " 12"]]) {
  const { stdout } = await promisify(execFile)("env/bin/python", ["look.py", url]);
  const value = await replicate.run("o/m", { input: {} });
  const name = (part) => part.constructor.name;
  const javascript = Array.isArray(value) ? value.map(name).join(" ") : name(value);
  seen.push(`${stdout} | ${javascript}`);
  console.log(`${JSON.stringify(output)}: Python ${stdout}; JavaScript ${javascript}`);
}
const wanted = [
  "str dates, far and near | String",
  String.raw`FileOutput b'\x9d\xe6\xab' | FileOutput`,
  "see data: 12 | String String String",
  "TypeError: sequence item 1: expected str instance, FileOutput found | String FileOutput String",
];
process.exit(JSON.stringify(seen) === JSON.stringify(wanted) ? 0 : 1);
JS
node look.mjs

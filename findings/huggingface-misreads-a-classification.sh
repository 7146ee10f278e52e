#!/usr/bin/env bash
# Hugging Face's clients misread the plain list of labels that a text classification is by its own schema.
# Packages: huggingface_hub 2.4.0 (PyPI), @huggingface/inference 4.13.30 (npm).
# A good guess: text_classification() takes [{"label":…,"score":…},…], which is what both say they return, what the published schema of
# the task has, and what a server such as text-embeddings-inference gives for one text.
# Seen: both unpack one list first. Python returns the first label alone in place of the list, without an error; JavaScript raises "malformed
# response". A list within a list is read by both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @huggingface/inference@4.13.30
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check huggingface_hub==2.4.0
cat > look.py <<'PY'
import sys

from huggingface_hub import InferenceClient

print(type(InferenceClient(model=sys.argv[1], token="key").text_classification("x")).__name__, end="")
PY
cat > look.mjs <<'JS'
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { promisify } from "node:util";
import { InferenceClient } from "@huggingface/inference";

let answer;
const server = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer)));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const client = new InferenceClient("key", { endpointUrl: url });
const labels = [
  { label: "good", score: 0.9 },
  { label: "bad", score: 0.1 },
];
const seen = [];
for (answer of [[labels], labels]) {
  const { stdout } = await promisify(execFile)("env/bin/python", ["look.py", url]);
  const javascript = await client.textClassification({ inputs: "x" }).then((list) => `${list.length} labels`, (error) => error.name);
  seen.push(stdout, javascript);
  console.log(`${JSON.stringify(answer)}: Python ${stdout}, JavaScript ${javascript}`);
}
process.exit(JSON.stringify(seen) === '["list","2 labels","TextClassificationOutputElement","ProviderOutputError"]' ? 0 : 1);
JS
node look.mjs

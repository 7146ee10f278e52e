#!/usr/bin/env bash
# OpenAI's Node client asks on without a pause, and without end, while a vector store's file or batch has a status that it does not know;
# the Python client returns at once.
# Packages: openai 7.59.0 (npm), openai 3.57.0 (PyPI).
# A good guess: any status that is not final is waited for at the pause that the caller or the server asked for. Other servers that speak
# this API say `queued` first, as runs, responses and videos of OpenAI's own do. Seen: 100 requests within a second, where 500 ms between
# them were asked for; `in_progress` is asked for in that pause. From Python the file comes back as if it were done, still `queued`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund openai@7.59.0
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check openai==3.57.0
cat > look.py <<'PY'
import sys

from openai import OpenAI

client = OpenAI(api_key="key", base_url=sys.argv[1], max_retries=0)
print(client.vector_stores.files.poll("file", vector_store_id="store", poll_interval_ms=500).status)
PY
cat > look.mjs <<'JS'
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { promisify } from "node:util";
import OpenAI from "openai";

let asked, status;
const server = createServer((request, response) => {
  asked += 1;
  const file = { id: "file", object: "vector_store.file", status: asked === 100 ? "completed" : status };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(file));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const client = new OpenAI({ apiKey: "key", baseURL: url, maxRetries: 0 });
const seen = {};
for (status of ["in_progress", "queued"]) {
  asked = 0;
  const poll = client.vectorStores.files.poll("store", "file", { pollIntervalMs: 500 });
  await Promise.race([poll, new Promise((resolve) => setTimeout(resolve, 2000))]);
  seen[status] = asked;
  asked = 99;
  await poll;
}
console.log("Node: requests within two seconds, or until the hundredth was answered `completed`:", seen);
asked = 0;
const python = (await promisify(execFile)("env/bin/python", ["look.py", url])).stdout.trim();
console.log(`Python: ${python} after ${asked} request`);
process.exit(seen.in_progress < 6 && seen.queued === 100 && python === "queued" && asked === 1 ? 0 : 1);
JS
node look.mjs

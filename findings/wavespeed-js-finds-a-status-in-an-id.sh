#!/usr/bin/env bash
# WaveSpeed's JavaScript client runs a failed task again if the digits 429 stand in its id or its reason.
# Package: wavespeed 0.3.2 (npm); beside it wavespeed 2.0.5 (PyPI).
# A good guess: a task that failed for good is submitted once, whatever its id, since `maxRetries` is for statuses such as 429. Seen: the
# text of the error, in which the id stands, is searched for "429", "http 5", "timeout" and "connection": about one id in 140 of 32
# hexadecimal digits is taken for a status, and so is a reason such as "connection of the two shapes". The Python client submits once.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund wavespeed@0.3.2
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check wavespeed==2.0.5
cat > look.py <<'PY'
import sys

from wavespeed import Client

try:
    Client(api_key="key", base_url=sys.argv[1], max_retries=2, retry_interval=0.01).run("a/b", {"prompt": "x"}, poll_interval=0.01)
except RuntimeError as error:
    print(error)
PY
cat > look.mjs <<'JS'
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { promisify } from "node:util";
import wavespeed from "wavespeed";

let id, reason, submits;
const server = createServer((request, response) => {
  const failed = { id, status: "failed", error: reason, outputs: [] };
  if (request.method === "POST") submits += 1;
  const data = request.method === "POST" ? { id, status: "created" } : failed;
  request.resume().on("end", () => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ code: 200, data })));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const client = new wavespeed.Client("key", { baseUrl: url, maxRetries: 2, retryInterval: 0.01 });
console.log = () => {};
const seen = [];
for ([id, reason] of [
  ["0a1b5c7d", "the prompt is not allowed"],
  ["0a1b429d", "the prompt is not allowed"],
  ["0a1b5c7d", "no connection of the two shapes"],
]) {
  submits = 0;
  await client.run("a/b", { prompt: "x" }, { pollInterval: 0.01 }).catch(() => {});
  const javascript = submits;
  submits = 0;
  await promisify(execFile)("env/bin/python", ["look.py", url]);
  seen.push(`${javascript} ${submits}`);
  console.info(`task ${id}, ${reason}: submitted ${javascript} times in JavaScript, ${submits} in Python`);
}
process.exit(seen.join() === "1 1,3 1,3 1" ? 0 : 1);
JS
node look.mjs

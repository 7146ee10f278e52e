#!/usr/bin/env bash
# `run` of Replicate's clients returns null for a prediction that was canceled, and the JavaScript one for a run that its caller aborted.
# Packages: replicate 1.4.0 (npm), replicate 1.0.7 (PyPI).
# A good guess: a run that was canceled, by another client or at its deadline, throws as one that failed does, since there is no output;
# and a run whose AbortSignal fires rejects at once. Seen: null and None, as for a model that has no output. An abort while the server holds the
# blocking request is not heeded before that has been answered, and then too resolves with null.
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

client = replicate.Client(api_token="key", base_url=sys.argv[1])
try:
    print(client.run("o/m", input={"prompt": "x"}), end="")
except Exception as error:
    print(type(error).__name__, end="")
PY
cat > look.mjs <<'JS'
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { promisify } from "node:util";
import Replicate from "replicate";

let last, hold, canceled;
const server = createServer((request, response) => {
  const answer = (status) => {
    const more = { input: {}, urls: {}, version: "v", model: "o/m", created_at: "2026-01-01T00:00:00Z", logs: "" };
    const body = { id: "1", status, output: null, error: status === "failed" ? "out of memory" : null, ...more };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  request.resume().on("end", () => {
    if (request.url.endsWith("/cancel")) return (canceled = true), answer("canceled");
    if (request.method === "POST" && hold) return hold(() => answer("starting"));
    answer(request.method === "POST" ? "starting" : last);
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const replicate = new Replicate({ auth: "key", baseUrl: `${url}/v1` });
const seen = [];
for (last of ["failed", "canceled"]) {
  const javascript = await replicate.run("o/m", { input: {} }).then(String, (error) => error.message);
  const { stdout: python } = await promisify(execFile)("env/bin/python", ["look.py", url]);
  seen.push([javascript, python].join());
  console.log(`${last}: JavaScript ${javascript}; Python ${python}`);
}
// The server holds its answer; the caller aborts meanwhile.
const abort = new AbortController();
const answer = await new Promise((resolve) => {
  hold = resolve;
  seen.push(replicate.run("o/m", { input: {}, signal: abort.signal }).then(String, (error) => error.name));
});
abort.abort();
const aborted = await Promise.race([seen[2], new Promise((resolve) => setTimeout(resolve, 1000, "nothing"))]);
answer();
const after = await seen[2];
console.log(`aborted: ${aborted} for a second, then, once the server has answered and been asked to cancel, ${after}`);
const wanted = ["Prediction failed: out of memory,ModelError", "null,None"];
process.exit(seen.slice(0, 2).join() === wanted.join() && aborted === "nothing" && after === "null" && canceled ? 0 : 1);
JS
node look.mjs

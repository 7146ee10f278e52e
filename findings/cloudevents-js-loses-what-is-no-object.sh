#!/usr/bin/env bash
# The JavaScript SDK of CloudEvents reads false and 0 as no data, or as text, where it wrote them itself.
# Packages: cloudevents 10.0.0 (npm), beside it cloudevents 2.2.0 (PyPI).
# A good guess: data of the type application/json may be any JSON value, and comes back as it went, in both modes.
# Seen: in the structured mode false, 0 and null come back as undefined. In the binary mode false, 0 and null come back as the texts "false", "0"
# and "null", and a text goes bare, which is no JSON: "1" arrives elsewhere as a number. Python's SDK reads false, 0 and null of both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund cloudevents@10.0.0
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check cloudevents==2.2.0
cat > look.py <<'PY'
import json
import sys

from cloudevents.core.bindings.http import HTTPMessage, from_http_event

messages = json.load(sys.stdin)
read = [from_http_event(HTTPMessage(headers=headers, body=body.encode())).get_data() for headers, body in messages]
print(json.dumps(read), end="")
PY
cat > look.mjs <<'JS'
import { spawnSync } from "node:child_process";
import { CloudEvent, HTTP } from "cloudevents";

const values = [false, 0, null, "1", { a: 1 }];
const seen = {};
for (const mode of ["structured", "binary"]) {
  const messages = values.map((data) => {
    const { headers, body } = HTTP[mode](new CloudEvent({ id: "1", source: "/jobs", type: "done", datacontenttype: "application/json", data }));
    return [Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])), typeof body === "string" ? body : JSON.stringify(body)];
  });
  const back = messages.map(([headers, body]) => HTTP.toEvent({ headers, body }).data);
  const written = back.map((value) => (value === undefined ? "undefined" : JSON.stringify(value))).join(" ");
  const python = spawnSync("env/bin/python", ["look.py"], { input: JSON.stringify(messages) }).stdout.toString();
  seen[mode] = [written, python];
  console.log(`${mode}: ${JSON.stringify(values)} is read as ${written} in JavaScript, and as ${python} in Python`);
}
const expected = { structured: ['undefined undefined undefined "1" {"a":1}', '[false, 0, null, "1", {"a": 1}]'], binary: ['"false" "0" "null" "1" {"a":1}', '[false, 0, null, 1, {"a": 1}]'] };
process.exit(JSON.stringify(seen) === JSON.stringify(expected) ? 0 : 1);
JS
node look.mjs

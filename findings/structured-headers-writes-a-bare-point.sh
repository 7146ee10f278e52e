#!/usr/bin/env bash
# structured-headers writes a decimal that rounds to a whole number as "1.", which is no structured field, and can't read it back.
# Package: structured-headers 2.1.0 (npm), beside it http-sfv 0.9.9 (PyPI).
# A good guess: RFC 9651 rounds to three digits and writes at least one behind the point: 1.0001 is "1.0".
# Seen: 1.0001 is written as "1.", and so is every number less than half a thousandth away from a whole one, as a sum or a share of floats
# may be; its own parser and others refuse that. http-sfv writes "1.0".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund structured-headers@2.1.0
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check http-sfv==0.9.9
cat > look.mjs <<'JS'
import { execFileSync } from "node:child_process";
import { parseItem, serializeItem } from "structured-headers";

const seen = [];
for (const number of [1.5, 1.0001, 0.9999 + 0.00005]) {
  const written = serializeItem([number, new Map()]);
  let read;
  try {
    read = parseItem(written)[0];
  } catch (error) {
    read = error.constructor.name;
  }
  const other = execFileSync("env/bin/python", ["-c", `import http_sfv; print(http_sfv.Item(${number}), end="")`]).toString();
  seen.push([written, read, other]);
  console.log(`${number}: written as ${written}, read as ${read}; http-sfv writes ${other}`);
}
process.exit(JSON.stringify(seen[0]) === '["1.5",1.5,"1.5"]' && seen[1][0] === "1." && seen[1][1] === "ParseError" && seen[1][2] === "1.0" ? 0 : 1);
JS
node look.mjs

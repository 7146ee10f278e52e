#!/usr/bin/env bash
# msgpackr writes a whole number of more than 32 bits as a float, so a time in milliseconds is one where it is read.
# Packages: msgpackr 2.1.4, beside it @msgpack/msgpack 3.1.3 (npm); msgpack 1.2.4 (PyPI).
# A good guess: 1767225600000 goes over as the integer of 64 bits that the format has for it, as 2147483647 goes over as one of 32. Seen: it is
# 1767225600000.0 in Python, which a model server takes for a float, while 2147483647 is an integer; back from Python, where it was written
# as an integer, it is a BigInt, as the page says, with which arithmetic throws. @msgpack/msgpack writes and reads the integer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund msgpackr@2.1.4 @msgpack/msgpack@3.1.3
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check msgpack==1.2.4
cat > look.py <<'PY'
import sys

import msgpack

value = msgpack.unpackb(bytes.fromhex(sys.argv[1]))
print(repr(value), msgpack.packb(int(value)).hex(), sep="\n")
PY
cat > look.mjs <<'JS'
import { execFileSync } from "node:child_process";
import { decode, encode } from "@msgpack/msgpack";
import { pack, unpack } from "msgpackr";

const libraries = { msgpackr: [pack, unpack], "@msgpack/msgpack": [encode, decode] };
const seen = [];
for (const [name, [write, read]] of Object.entries(libraries)) {
  for (const value of [2147483647, 1767225600000]) {
    const [python, back] = execFileSync("env/bin/python", ["look.py", Buffer.from(write(value)).toString("hex")]).toString().split("\n");
    const kind = typeof read(Buffer.from(back, "hex"));
    seen.push(python, kind);
    console.log(`${name}: ${value} is ${python} in Python; the same as Python's integer is read as a ${kind}`);
  }
}
const guess = ["2147483647", "number", "1767225600000.0", "bigint", "2147483647", "number", "1767225600000", "number"];
process.exit(seen.join() === guess.join() ? 0 : 1);
JS
node look.mjs

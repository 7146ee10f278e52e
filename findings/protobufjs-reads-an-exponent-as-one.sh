#!/usr/bin/env bash
# protobufjs reads "1e2" as 1 for an int64 and as 100 for an int32; @bufbuild/protobuf refuses it for an int64 and takes it for an int32.
# Packages: protobufjs 8.8.1, @bufbuild/protobuf 2.17.0 (npm), protobuf 7.36.2 (PyPI).
# A good guess: protobuf's JSON allows an exponent for all integers, in quotes too, so "1e2" is 100 for both widths, as Python's and Java's
# have it. Seen as above; protobufjs says nothing of it, and reads the bare number 1e2 rightly. KServe's and Triton's shapes are int64.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund protobufjs@8.8.1 @bufbuild/protobuf@2.17.0
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check protobuf==7.36.2
cat > look.mjs <<'JS'
import protobuf from "protobufjs";
import { fromJsonString, toJsonString } from "@bufbuild/protobuf";
import { Int32ValueSchema, Int64ValueSchema } from "@bufbuild/protobuf/wkt";

const { root } = protobuf.parse('syntax = "proto3"; message Shape { int64 wide = 1; int32 narrow = 2; }');
const Shape = root.lookupType("Shape");
const attempt = (run) => {
  try {
    return String(run());
  } catch {
    return "refused";
  }
};
const seen = {};
for (const text of ['"1e2"', "1e2", '"100"']) {
  const value = JSON.parse(text);
  seen[text] = [
    attempt(() => Shape.toObject(Shape.fromObject({ wide: value }), { longs: String }).wide),
    attempt(() => Shape.fromObject({ narrow: value }).narrow),
    attempt(() => JSON.parse(toJsonString(Int64ValueSchema, fromJsonString(Int64ValueSchema, text)))),
    attempt(() => JSON.parse(toJsonString(Int32ValueSchema, fromJsonString(Int32ValueSchema, text)))),
  ];
  const [wide, narrow, bufWide, bufNarrow] = seen[text];
  console.log(`${text}: protobufjs int64 ${wide}, int32 ${narrow}; @bufbuild/protobuf int64 ${bufWide}, int32 ${bufNarrow}`);
}
const all = "100,100,100,100";
const isOdd = String(seen['"1e2"']) === "1,100,refused,100" && String(seen["1e2"]) === all && String(seen['"100"']) === all;
process.exit(isOdd ? 0 : 1);
JS
cat > look.py <<'PY'
from google.protobuf import json_format
from google.protobuf.wrappers_pb2 import Int32Value, Int64Value

values = [json_format.Parse('"1e2"', kind()).value for kind in (Int64Value, Int32Value)]
print('"1e2": Python int64', values[0], "int32", values[1])
raise SystemExit(0 if values == [100, 100] else 1)
PY
env/bin/python look.py
node look.mjs

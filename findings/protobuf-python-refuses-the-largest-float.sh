#!/usr/bin/env bash
# Python's protobuf writes the largest float into JSON as a number that it refuses to read.
# Package: protobuf 7.36.2 (PyPI). A good guess: what `MessageToJson` writes, `Parse` reads. Masks of attention are often filled with the
# lowest float32. Seen: 3.4028235e+38, the shortest text of that float, is compared as a double with the exact value, and is "too large", where
# Java's JsonFormat and @bufbuild/protobuf take it; and the same number in quotes is taken, as is "1e39", which becomes an infinity.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check protobuf==7.36.2
cat > look.py <<'PY'
import sys

from google.protobuf import json_format
from google.protobuf.wrappers_pb2 import FloatValue


def read(text):
    try:
        return json_format.Parse(text, FloatValue()).value
    except json_format.ParseError as error:
        return str(error)[:21]


largest = (2 - 2**-23) * 2.0**127
seen = {}
for value in [largest, -largest, 1.5]:
    text = json_format.MessageToJson(FloatValue(value=value))
    seen[value] = (text, read(text), read(f'"{text}"'))
    print(*seen[value], sep=" | ")
print('1e39 is', read("1e39"), 'and "1e39" is', read('"1e39"'))
odd = {
    largest: ("3.4028235e+38", "Float value too large", largest),
    -largest: ("-3.4028235e+38", "Float value too small", -largest),
    1.5: ("1.5", 1.5, 1.5),
}
sys.exit(0 if seen == odd and read('"1e39"') == float("inf") else 1)
PY
env/bin/python look.py

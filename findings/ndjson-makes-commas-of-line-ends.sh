#!/usr/bin/env bash
# Python's ndjson turns U+2028, U+2029 and U+0085 inside a text into commas, without a word.
# Package: ndjson 0.3.1, beside it jsonlines 4.0.0 (PyPI).
# A good guess: `loads` gives what was written. A JSON text may hold these characters as they are (RFC 8259), and a line of JSON Lines ends
# at "\n" alone.
# Seen: the text "one<U+2028>two" is read as "one,two", since the lines are joined by commas before they are parsed. `ndjson.reader` of a
# file reads it right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check ndjson==0.3.1 jsonlines==4.0.0
cat > look.py <<'PY'
import io
import json
import sys

import jsonlines
import ndjson

values = [{"text": "one" + character + "two"} for character in "\u2028\u2029\u0085"]
lines = "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)
loads = ndjson.loads(lines)
print("loads:    ", loads)
others = [list(ndjson.reader(io.StringIO(lines))), list(jsonlines.Reader(io.StringIO(lines)))]
print("as written by ndjson.reader and by jsonlines:", [other == values for other in others])
sys.exit(0 if loads == [{"text": "one,two"}] * 3 and others == [values, values] else 1)
PY
env/bin/python look.py

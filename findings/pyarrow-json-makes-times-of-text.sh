#!/usr/bin/env bash
# pyarrow's reader of JSON Lines makes times of strings that look like a date, though JSON has no times.
# Package: pyarrow 26.0.1 (PyPI). A good guess: a string of JSON is a string, as numbers in quotes are one here too. Seen: a `custom_id` of
# "2026-01-02" is midnight of that day, and no longer equal to what was sent; a time with its zone loses the zone, and its fraction fails
# to be one. With an explicit schema they are strings. Who reads results by `custom_id` this way finds none of them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check pyarrow==26.0.1
env/bin/python - <<'PY'
import io
import sys

import pyarrow
from pyarrow import json

lines = b'{"custom_id": "2026-01-02", "number": "12", "at": "2026-01-02T03:04:05Z"}\n'
table = json.read_json(io.BytesIO(lines))
schema = pyarrow.schema([("custom_id", pyarrow.string()), ("at", pyarrow.string())])
told = json.read_json(io.BytesIO(lines), parse_options=json.ParseOptions(explicit_schema=schema))
print("as it is:", table.to_pylist()[0], [str(kind) for kind in table.schema.types])
print("with a schema:", told.to_pylist()[0])
kinds = {name: str(table.schema.field(name).type) for name in table.schema.names}
guessed = {"custom_id": "timestamp[s]", "number": "string", "at": "timestamp[s]"}
sys.exit(0 if kinds == guessed and told.to_pylist()[0]["custom_id"] == "2026-01-02" else 1)
PY

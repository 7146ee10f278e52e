#!/usr/bin/env bash
# Polars leaves a member of JSON Lines out, in whatever rows, if the first hundred had none.
# Package: polars 2.1.0 (PyPI). A good guess: a member that comes late is a column that is null before, as in pandas and pyarrow, or the
# reading fails, as Polars' own does for a number that turns out to have a fraction. Seen: there is no such column and nothing is said, so
# the `error` of row 101 is nowhere. With `infer_schema_length=None` it is there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check polars==2.1.0
env/bin/python - <<'PY'
import json
import sys

import polars

with open("results.jsonl", "w") as file:
    for number in range(100):
        file.write(json.dumps({"custom_id": f"row-{number}", "output": "red"}) + "\n")
    file.write(json.dumps({"custom_id": "the-last", "error": "no such color"}) + "\n")
seen = {said: polars.read_ndjson("results.jsonl", **options).tail(1).to_dicts()[0] for said, options in
        {"as it is": {}, "with infer_schema_length=None": {"infer_schema_length": None}}.items()}
for said, row in seen.items():
    print(f"{said}: {row}")
right = {"custom_id": "the-last", "output": None, "error": "no such color"}
sys.exit(0 if list(seen.values()) == [{"custom_id": "the-last", "output": None}, right] else 1)
PY

#!/usr/bin/env bash
# DuckDB reads an error as NULL if it comes late in a file of JSON Lines and is an object.
# Package: duckdb 2.0.1 (PyPI). A good guess: a member that is null in 30,000 results and an object in the next has the object's type, or
# JSON's, or the reading fails, as it does for a member that is new. Seen: the row is read, its `error` is NULL, and nothing is said: a
# batch that failed at its end is one that succeeded. Types are guessed from the first 20,480 rows; with `sample_size=-1` the object is
# there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check duckdb==2.0.1
env/bin/python - <<'PY'
import json
import sys

import duckdb

with open("results.jsonl", "w") as file:
    for number in range(30_000):
        file.write(json.dumps({"custom_id": f"row-{number}", "response": {"status_code": 200}, "error": None}) + "\n")
    file.write(json.dumps({"custom_id": "the-last", "response": None, "error": {"message": "no such color"}}) + "\n")
last = "SELECT custom_id, error FROM read_json('results.jsonl'{}) WHERE custom_id = 'the-last'"
failed = "SELECT count(*) FROM read_json('results.jsonl'{}) WHERE error IS NOT NULL"
seen = {said: (duckdb.sql(last.format(option)).fetchall()[0], duckdb.sql(failed.format(option)).fetchall()[0][0]) for said, option in
        {"as it is": "", "with sample_size=-1": ", sample_size=-1"}.items()}
for said, (row, count) in seen.items():
    print(f"{said}: {row}, {count} failed")
right = (("the-last", {"message": "no such color"}), 1)
sys.exit(0 if list(seen.values()) == [(("the-last", None), 0), right] else 1)
PY

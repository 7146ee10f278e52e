#!/usr/bin/env bash
# DuckDB rounds a number of JSON Lines to a whole one if those before it were whole.
# Package: duckdb 2.0.1 (PyPI). A good guess: a column that turns out to have fractions is read as DOUBLE, or the reading fails. Seen:
# after 30,000 scores of 1 the score of 0.4 is 0, and one of 1.5 is 2. Types are guessed from the first 20,480 rows; with `sample_size=-1`
# they are what they are.
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
    for score in [1] * 30_000 + [0.4, 1.5]:
        file.write(json.dumps({"score": score}) + "\n")
seen = {said: duckdb.sql(f"SELECT score FROM read_json('results.jsonl'{option})").fetchall()[-2:] for said, option in
        {"as it is": "", "with sample_size=-1": ", sample_size=-1"}.items()}
for said, rows in seen.items():
    print(f"{said}: {rows}")
sys.exit(0 if list(seen.values()) == [[(0,), (2,)], [(0.4,), (1.5,)]] else 1)
PY

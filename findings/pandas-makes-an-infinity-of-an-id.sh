#!/usr/bin/env bash
# pandas reads an id in JSON Lines, a string of hexadecimal digits, as an infinity or as another number.
# Package: pandas 3.1.1 (PyPI). A good guess: JSON tells strings from numbers, so a member that is a string in each line stays one, as it
# does for Polars, DuckDB and pyarrow. Seen: if all strings of a column look like numbers they become numbers: "00412" is 412, "123e4567"
# and "88e88888" are both infinite and so equal, and a number of twenty digits loses its last ones. A file of few inferences, or a filtered
# one, is enough for it. `dtype=False` keeps them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check pandas==3.1.1
cat > look.py <<'PY'
import io
import json
import sys

import pandas

kept = []
for ids in (["00412", "00413"], ["123e4567", "88e88888"], ["12345678901234567890", "12345678901234567891"], ["a0412", "00413"]):
    lines = "".join(json.dumps({"id": id}) + "\n" for id in ids)
    read = pandas.read_json(io.StringIO(lines), lines=True)["id"].tolist()
    plain = pandas.read_json(io.StringIO(lines), lines=True, dtype=False)["id"].tolist()
    print(f"{ids}: {read}; with dtype=False {plain}")
    kept.append((read == ids, plain == ids))
sys.exit(0 if kept == [(False, True)] * 3 + [(True, True)] else 1)
PY
env/bin/python look.py

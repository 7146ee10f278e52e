#!/usr/bin/env bash
# orjson writes NaT in nanoseconds, pandas' unit of old, as a time of the year 1677.
# Package: orjson 3.13.0, with numpy 2.4.6 (PyPI). A good guess: NaT, a time that is not known, is null, as NaN is, or an error, as it is in
# microseconds, milliseconds and seconds. Seen: in nanoseconds it is "1677-09-21T00:12:43.145224", which its bits count, by itself and in an
# array; that is a valid time like any other. So a job that has not ended has ended in 1677 for who reads the JSON.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check orjson==3.13.0 numpy==2.4.6
cat > look.py <<'PY'
import sys

import numpy as np
import orjson


def written(value):
    try:
        return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    except orjson.JSONEncodeError as error:
        return f"error: {error}"


times = ["2026-01-02T03:04:05", "NaT"]
seen = {unit: written(np.array(times, f"datetime64[{unit}]")) for unit in ("ns", "us", "ms", "s")}
for unit, text in seen.items():
    print(f"an array in {unit}: {text}")
alone = written(np.datetime64("NaT", "ns"))
numbers = written(np.array([1.5, np.nan]))
print("NaT alone, in ns:", alone)
print("NaN in an array:", numbers)
wrong = seen.pop("ns") == '["2026-01-02T03:04:05","1677-09-21T00:12:43.145224"]' and alone == '"1677-09-21T00:12:43.145224"'
sys.exit(0 if wrong and all(text.startswith("error") for text in seen.values()) and numbers == "[1.5,null]" else 1)
PY
env/bin/python look.py

#!/usr/bin/env bash
# diskcache gives None back for NaN, and a memoized function returns NaN once and then None.
# Package: diskcache 5.6.3 (PyPI). A good guess: what can be pickled comes back as it was, so NaN is NaN, as infinity is infinity, and a list with NaN
# in it that list. Seen: floats are stored as SQLite's own, which has no NaN; `get` gives None though the key is there, and a score of a
# model that was NaN is None from the second call on.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check diskcache==5.6.3
cat > look.py <<'PY'
import math
import sys

from diskcache import Cache

cache = Cache("cache")
values = {"inf": math.inf, "nan": math.nan, "[nan]": [math.nan]}
for name, value in values.items():
    cache[name] = value
    print(name.ljust(6), "comes back as", cache.get(name, default="missing"))


@cache.memoize()
def loss(step):
    return math.nan


calls = [loss(1), loss(1)]
print("a memoized function returns", *calls)
is_odd = cache.get("nan", default="missing") is None and cache["inf"] == math.inf and math.isnan(cache["[nan]"][0])
sys.exit(0 if is_odd and math.isnan(calls[0]) and calls[1] is None else 1)
PY
env/bin/python look.py

#!/usr/bin/env bash
# cashews gives the result of another argument if both look alike as text.
# Package: cashews 7.6.0 (PyPI). A good guess: a cached function that is called with another argument runs, as with functools.lru_cache, which
# `typed=True` has tell 1 from 1.0. Seen: None, "" and [] are one key, and so are 1 and "1", b"a" and "a", and [1, 2] and "1:2"; the second of
# each is given the result of the first, with the first one's type. So a list of two prompts gets the answer to one that has a colon in it,
# and an empty text gets that of no text.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check cashews==7.6.0
cat > look.py <<'PY'
import asyncio
import sys

from cashews import cache

cache.setup("mem://")
runs = 0


@cache(ttl="1m")
async def model(value):
    global runs
    runs += 1
    return f"answer to {value!r}"


async def main():
    global runs
    seen = []
    for first, second in ((None, ""), ("", []), (1, "1"), (b"a", "a"), (["a", "b"], "a:b"), ("a", "A"), (1, 1.0)):
        await cache.clear()
        runs = 0
        await model(first)
        got = await model(second)
        seen.append((got == f"answer to {first!r}", runs))
        print(f"{first!r} and {second!r}: the second got {got!r}, runs {runs}")
    return seen


seen = asyncio.run(main())
sys.exit(0 if seen == [(True, 1)] * 5 + [(False, 2)] * 2 else 1)
PY
env/bin/python look.py

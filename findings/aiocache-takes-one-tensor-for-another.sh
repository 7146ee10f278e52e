#!/usr/bin/env bash
# aiocache and cashews give one tensor's result for another that differs in its middle.
# Packages: aiocache 0.12.3 and cashews 7.6.0, with numpy 2.4.6 (PyPI). A good guess: a cached function that is called with another array runs, or refuses
# an argument that can't be hashed, as functools.lru_cache does. Seen: the key is made of the array's text, which NumPy shortens to its first and
# last three numbers beyond a thousand, so a second array, of other numbers between, is answered with the first one's result, without an error;
# arrays of ten are told apart. So a cache before a model answers a picture as it did another one with the same rim.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check aiocache==0.12.3 cashews==7.6.0 numpy==2.4.6
cat > look.py <<'PY'
import asyncio
import sys

import numpy as np
from aiocache import cached
from cashews import cache

cache.setup("mem://")


async def total(array):
    return float(array.sum())


functions = {"aiocache": cached(ttl=60)(total), "cashews": cache(ttl="1m")(total)}


async def main():
    seen = {}
    for name, function in functions.items():
        for size in (10, 2000):
            plain, other = np.zeros(size), np.zeros(size)
            other[5:-5] = 1
            other[size // 2] = 7
            first, second = await function(plain), await function(other)
            seen[name, size] = first == second, second == other.sum()
            print(f"{name}, {size} numbers: {first} and {second}, where it should be {other.sum()}")
    return seen


seen = asyncio.run(main())
sys.exit(0 if all(found == ((size > 10), (size == 10)) for (_, size), found in seen.items()) else 1)
PY
env/bin/python look.py

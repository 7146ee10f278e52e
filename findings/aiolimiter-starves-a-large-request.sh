#!/usr/bin/env bash
# aiolimiter lets every small request pass a large one that waits, so the large one starves as long as small ones come.
# Package: aiolimiter 1.3.0 (PyPI).
# A good guess: who waits first is served first, as with asyncio's own locks and semaphores. Seen: the waiting ones stand in order of the amount
# that they ask for, and their age counts only among equals. Where amounts are tokens or a job's cost, a request of five that waits
# gets nothing for seconds while a hundred of one, which came after it, are let through; alone it would have waited a quarter of a second.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check aiolimiter==1.3.0
cat > look.py <<'PY'
import asyncio
import sys
import time

from aiolimiter import AsyncLimiter


async def wait_for_five(small):
    """How long a request of five waits, and how many of one, all later than it, are let through before it."""
    limiter = AsyncLimiter(20, 1)
    await limiter.acquire(20)
    passed = 0
    over = False

    async def one_by_one():
        nonlocal passed
        while not over:
            await limiter.acquire(1)
            passed += 1

    start = time.monotonic()
    large = asyncio.create_task(limiter.acquire(5))
    await asyncio.sleep(0)
    callers = [asyncio.create_task(one_by_one()) for _ in range(small)]
    await asyncio.wait([large], timeout=5)
    waited, before, done = time.monotonic() - start, passed, large.done()
    over = True
    await asyncio.wait_for(asyncio.gather(large, *callers), 20)
    return waited, before, done


async def main():
    alone = await wait_for_five(0)
    beside = await wait_for_five(3)
    for name, (waited, before, done) in [("alone", alone), ("with three callers of one behind it", beside)]:
        print(f"a request of five, {name}: {'let through' if done else 'still waiting'} after {waited:.2f} s, {before} of one before it")
    return alone[2] and alone[0] < 2 and not beside[2] and beside[1] > 50


sys.exit(not asyncio.run(main()))
PY
env/bin/python look.py

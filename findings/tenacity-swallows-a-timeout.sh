#!/usr/bin/env bash
# tenacity tries once more where a timeout cancels an attempt, and the timeout is never raised.
# Package: tenacity 9.2.1 (PyPI). A good guess: `retry_if_not_exception_type(ValueError)`, which says "try again unless the request was bad", is about
# errors, as `retry_if_exception_type()` is, and lets a cancel and SystemExit through. Seen: they count as failures like any other, so a call that
# `asyncio.timeout` or `wait_for` ends after 0.2 s begins anew, runs to its end, and its result is given as if there had been no limit; a
# task can't be canceled, and `sys.exit` within it is tried three times.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check tenacity==9.2.1
cat > look.py <<'PY'
import asyncio
import sys
import time

from tenacity import RetryError, retry, retry_if_exception_type, retry_if_not_exception_type, stop_after_attempt, wait_fixed

rules = {
    "retry_if_exception_type()": retry_if_exception_type(),
    "retry_if_not_exception_type(ValueError)": retry_if_not_exception_type(ValueError),
}


async def look(rule):
    begun = 0

    @retry(stop=stop_after_attempt(3), retry=rule, wait=wait_fixed(0.05))
    async def poll():
        nonlocal begun
        begun += 1
        await asyncio.sleep(1)
        return "late"

    began = time.monotonic()
    try:
        async with asyncio.timeout(0.2):
            result = await poll()
    except TimeoutError:
        result = "TimeoutError"
    return result, begun, time.monotonic() - began > 1


def leave(rule):
    begun = 0

    @retry(stop=stop_after_attempt(3), retry=rule)
    def stop():
        nonlocal begun
        begun += 1
        sys.exit(2)

    try:
        stop()
    except (SystemExit, RetryError) as error:
        return type(error).__name__, begun


seen = []
for name, rule in rules.items():
    seen.append((asyncio.run(look(rule)), leave(rule)))
    (result, begun, late), (left, exits) = seen[-1]
    print(f"{name}: {result} after {begun} attempts, {'late' if late else 'in time'}; sys.exit: {left} after {exits}")
good = ("TimeoutError", 1, False), ("SystemExit", 1)
sys.exit(0 if seen == [good, (("late", 2, True), ("RetryError", 3))] else 1)
PY
env/bin/python look.py

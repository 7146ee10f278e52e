#!/usr/bin/env bash
# A fixed window of limits counts a request that it refuses, so one that is too large keeps all others out.
# Package: limits 5.8.0 (PyPI), which slowapi and Flask-Limiter stand on. A good guess: a hit that is refused costs nothing, as with the moving
# window and the sliding counter of the same package. Seen: with 5 a minute, a hit of cost 10, which can never be granted, leaves nothing of
# the window, and the next of cost 1 is refused until it ends; one of 3 after one of 3 is refused, and so is one of 2 then. Where a job's cost
# is its number of inputs, one large order that is refused stops the small ones.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check limits==5.8.0
cat > look.py <<'PY'
import sys

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, SlidingWindowCounterRateLimiter

limit = parse("5/minute")
seen = {}
for kind in (FixedWindowRateLimiter, MovingWindowRateLimiter, SlidingWindowCounterRateLimiter):
    limiter = kind(MemoryStorage())
    large = [limiter.hit(limit, "large", cost=cost) for cost in (10, 1)]
    left = limiter.get_window_stats(limit, "large").remaining
    rest = [limiter.hit(limit, "rest", cost=cost) for cost in (3, 3, 2)]
    seen[kind.__name__] = large, left, rest
    print(f"{kind.__name__}: 10 and 1 {large}, left {left}; 3, 3 and 2 {rest}")
fixed = seen.pop("FixedWindowRateLimiter")
good = ([False, True], 4, [True, False, True])
sys.exit(0 if fixed == ([False, False], 0, [True, False, False]) and all(value == good for value in seen.values()) else 1)
PY
env/bin/python look.py

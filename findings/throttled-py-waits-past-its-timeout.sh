#!/usr/bin/env bash
# throttled-py waits four seconds for what it can never grant, with a timeout of three.
# Package: throttled-py 3.5.0 (PyPI). A good guess: `timeout` is the most that a call waits, as its documentation says, and a cost above the whole
# bucket is refused at once, or after the timeout. Seen: it looks at the timeout only between two waits, so with the time to wait of 2 seconds
# that it names for a cost of 5 in a bucket of 2, a call that may wait 3 comes back after 4, refused; one that may wait 1.9 comes back at once.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check throttled-py==3.5.0
cat > look.py <<'PY'
import sys
import time

from throttled import Throttled, per_sec


def look(timeout, cost):
    limiter = Throttled(using="token_bucket", quota=per_sec(2, burst=2), timeout=timeout)
    began = time.monotonic()
    result = limiter.limit("model", cost=cost)
    return result.limited, result.state.retry_after, round(time.monotonic() - began, 1)


seen = {}
for timeout, cost in ((3, 5), (1.9, 5), (3, 2)):
    seen[timeout, cost] = look(timeout, cost)
    limited, after, took = seen[timeout, cost]
    print(f"a timeout of {timeout} s, a cost of {cost} of 2: refused {limited}, said to wait {after} s, came back after {took} s")
late = seen[3, 5]
sys.exit(0 if late[0] and 3.9 <= late[2] < 6 and seen[1.9, 5][2] < 1 and not seen[3, 2][0] else 1)
PY
env/bin/python look.py

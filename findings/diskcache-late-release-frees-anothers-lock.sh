#!/usr/bin/env bash
# Who releases a lock of diskcache late frees the lock of who has it now.
# Package: diskcache 5.6.3 (PyPI). A good guess: a Lock with `expire` belongs to its holder, as Redis' does by a token, so a `release` after it has expired
# changes nothing, or raises; so the RLock and the semaphore of the same package raise if what they release is not held. Seen: it
# deletes the key, whoever holds it, without a word; a third gets the lock while the second still works. `Lock` says so nowhere.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check diskcache==5.6.3
cat > look.py <<'PY'
import sys
import time

from diskcache import Cache, Lock, RLock

cache = Cache("cache")
first, second = Lock(cache, "gpu", expire=0.3), Lock(cache, "gpu", expire=60)
first.acquire()
time.sleep(0.6)  # longer than the first thought
second.acquire()
before = second.locked()
try:
    first.release()
    said = "nothing"
except Exception as error:
    said = repr(error)
after = second.locked()
try:
    RLock(cache, "other").release()
    strict = "nothing"
except AssertionError as error:
    strict = str(error)
print("the second holds it:", before, "- the first releases it and is told", said, "- the second still holds it:", after)
print("an RLock that is not held says at its release:", strict)
sys.exit(0 if before and said == "nothing" and not after and strict != "nothing" else 1)
PY
env/bin/python look.py

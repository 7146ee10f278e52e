#!/usr/bin/env bash
# persist-queue says that a queue is empty where a None stands in it, and keeps the None as one that is being worked on.
# Package: persist-queue 1.1.0 (PyPI). A good guess: `put(None)` is refused, or `get` gives None, as Python's own `queue` does, so a worker that
# ends at `Empty` has seen all. Seen: SQLiteAckQueue takes it, `get` raises `Empty` though another item stands behind it, and the None stays
# among those that are not acknowledged; `ack(None)` raises a ValueError.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check persist-queue==1.1.0
cat > look.py <<'PY'
import sys

from persistqueue import Empty, SQLiteAckQueue

queue = SQLiteAckQueue("jobs", auto_commit=True)
for item in ["first", None, "last"]:
    queue.put(item)


def given_until_empty():
    seen = []
    try:
        while True:
            item = queue.get(block=False)
            seen.append(item)
            queue.ack(item)
    except Empty:
        return seen


seen, waiting, again = given_until_empty(), queue.size, given_until_empty()
unacknowledged = queue.unack_count()
try:
    queue.ack(None)
    refused = "nothing"
except ValueError as error:
    refused = str(error)
print("put: 'first', None, 'last'; given until Empty:", seen, "- its size then:", waiting, "- given after that:", again)
print("not acknowledged:", unacknowledged, "- ack(None):", refused)
sys.exit(0 if seen == ["first"] and waiting == 1 and again == ["last"] and unacknowledged == 1 and refused != "nothing" else 1)
PY
env/bin/python look.py

#!/usr/bin/env bash
# huey tells of a task that is tried again that it has failed, after its first attempt, and keeps to it when the second one succeeds.
# Package: huey 3.5.4 (PyPI), with its own SQLite storage. A good guess: `result.get(blocking=True)` of a task with `retries=2` waits until
# the task has succeeded or has no attempt left, as it does with taskiq and dramatiq. Seen: it raises the first attempt's error at once; a
# second later the task has succeeded, and the same result object raises the same error for ever. One that is asked only then has the value.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check huey==3.5.4
cat > look.py <<'PY'
import logging
import os
import sys
import time

from huey import SqliteHuey
from huey.consumer import Consumer
from huey.exceptions import TaskException

logging.disable()
huey = SqliteHuey(filename="jobs.db")
attempts = []


@huey.task(retries=2, retry_delay=1)
def model(name):
    attempts.append(name)
    if attempts.count(name) == 1:
        raise ValueError("the server is busy")
    return "done"


def told(result):
    try:
        return str(result.get(blocking=True, timeout=5))
    except TaskException as error:
        return str(error)


consumer = Consumer(huey, workers=1, initial_delay=0.05, max_delay=0.1, periodic=False)
consumer.start()
asked = model("asked at once")
late = model("asked late")
first = told(asked)
time.sleep(4)
seen = {"at once": first, "the same result, later": told(asked), "another, asked later only": told(late)}
for what, came in seen.items():
    print(f"{what}: {came}")
print("attempts:", len(attempts))
sys.stdout.flush()
os._exit(0 if [came == "done" for came in seen.values()] == [False, False, True] and len(attempts) == 4 else 1)
PY
env/bin/python look.py

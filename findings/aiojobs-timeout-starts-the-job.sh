#!/usr/bin/env bash
# aiojobs starts a job that waits for its turn, beyond the limit, when the wait for it times out.
# Package: aiojobs 1.4.0 (PyPI). A good guess: `wait(timeout=...)` of a job that waits raises TimeoutError and leaves the job or takes it from
# the line; of a job that runs it is canceled, as it is. Seen: the call raises InvalidStateError, and the job begins at once beside the one
# that fills a limit of 1, and runs to its end. So on a GPU with room for one, two run.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check aiojobs==1.4.0
cat > look.py <<'PY'
import asyncio
import sys

import aiojobs

running = set()
most = 0
ended = []


async def work(name):
    global most
    running.add(name)
    most = max(most, len(running))
    try:
        await asyncio.sleep(0.6)
        ended.append(name)
    finally:
        running.discard(name)


async def told(waiting):
    try:
        return await waiting
    except Exception as error:
        return type(error).__name__


async def look(patience):
    global most
    most = 0
    ended.clear()
    scheduler = aiojobs.Scheduler(limit=1)
    first = await scheduler.spawn(work("first"))
    second = await scheduler.spawn(work("second"))
    seen = await told(second.wait(timeout=patience)) if patience else "not waited for"
    await asyncio.sleep(2)
    await scheduler.close()
    return seen, most, list(ended)


async def main():
    plain = await look(None)
    timed = await look(0.1)
    scheduler = aiojobs.Scheduler(limit=1)
    ended.clear()
    alone = await scheduler.spawn(work("alone"))
    running_one = await told(alone.wait(timeout=0.1)), list(ended)
    await scheduler.close()
    return plain, timed, running_one


plain, timed, running_one = asyncio.run(main())
print("the second one of two, not waited for:", plain)
print("waited for with a timeout:", timed)
print("one that runs, waited for with a timeout:", running_one)
both = ["first", "second"]
sys.exit(0 if (plain, timed, running_one) == (("not waited for", 1, both), ("InvalidStateError", 2, both), ("TimeoutError", [])) else 1)
PY
env/bin/python look.py

#!/usr/bin/env bash
# taskiq turns an argument into its declared type where it can, and hands it to the task as it is where it cannot.
# Package: taskiq 0.13.0 (PyPI), with its broker in memory. A good guess: a task that declares an `int` or a model of pydantic runs with one,
# or fails with a reason before it runs, since the same check turns "5" and 5.0 into 5 and a dictionary into the model. Seen: 5.5 and "many"
# come to the task as they are, and so does a dictionary that lacks a member of the model; the task runs, and its result may be a success.
# All that tells of it is a warning in the worker's log.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check taskiq==0.13.0
cat > look.py <<'PY'
import asyncio
import logging
import sys

from pydantic import BaseModel
from taskiq import InMemoryBroker

logging.disable(logging.CRITICAL)
broker = InMemoryBroker()


class Box(BaseModel):
    width: int
    height: int = 1


@broker.task
async def number(steps: int):
    return f"{type(steps).__name__} {steps}"


@broker.task
async def model(box: Box):
    return type(box).__name__


async def main():
    await broker.startup()
    seen = {}
    for task, given in [(number, "5"), (number, 5.0), (number, 5.5), (number, "many"), (model, {"width": 3}), (model, {"height": 3})]:
        result = await (await task.kiq(given)).wait_result(timeout=5)
        seen[repr(given)] = f"failed: {result.error!r}" if result.is_err else result.return_value
    return seen


seen = asyncio.run(main())
for given, came in seen.items():
    print(f"{given:15} came as {came}")
sys.exit(0 if list(seen.values()) == ["int 5", "int 5", "float 5.5", "str many", "Box", "dict"] else 1)
PY
env/bin/python look.py

#!/usr/bin/env bash
# Dramatiq raises if it is asked whether a group is completed of which one has failed, and never says so of a pipeline.
# Package: dramatiq 2.2.1 (PyPI), on its own broker and results in memory. A good guess: `completed` and `completed_count` are a truth and a
# number whatever became of the jobs, and the failure is raised by who reads the results; a pipeline whose first stage has failed is done,
# and who waits for it is told of that failure. Seen: both properties of a group raise ResultFailure from the first failure on, while others
# still run, so what counts its progress breaks off. A pipeline is "not completed" for ever, and its caller waits until its own timeout.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check dramatiq==2.2.1
cat > look.py <<'PY'
import logging
import sys
import time

import dramatiq
from dramatiq.brokers.stub import StubBroker
from dramatiq.results import Results
from dramatiq.results.backends import StubBackend

logging.disable(logging.CRITICAL)
broker = StubBroker()
broker.add_middleware(Results(backend=StubBackend(), store_results=True))
dramatiq.set_broker(broker)


@dramatiq.actor(max_retries=0)
def work(*given):
    if given[0] == "bad":
        raise ValueError("a bad input")
    time.sleep(given[0])
    return "done"


def told(look):
    try:
        return look()
    except Exception as error:
        return type(error).__name__


worker = dramatiq.Worker(broker, worker_timeout=50, worker_threads=4)
worker.start()
good = dramatiq.group([work.message(0), work.message(2)]).run()
mixed = dramatiq.group([work.message("bad"), work.message(2)]).run()
line = work.message("bad") | work.message(0)
line.run()
time.sleep(1)
seen = {}
for when in ("one of each has ended", "all have ended"):
    seen[when] = [told(lambda: good.completed), told(lambda: good.completed_count), told(lambda: mixed.completed), told(lambda: mixed.completed_count)]
    time.sleep(2)
seen["the pipeline"] = [told(lambda: line.completed), told(lambda: line.get_result(block=True, timeout=1000))]
worker.stop()
for what, values in seen.items():
    print(f"{what}: {values}")
failure = "ResultFailure"
sys.exit(0 if list(seen.values()) == [[False, 1, failure, failure], [True, 2, failure, failure], [False, "ResultTimeout"]] else 1)
PY
env/bin/python look.py

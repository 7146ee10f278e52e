#!/usr/bin/env bash
# Dramatiq neither stores nor fails a message whose result is no JSON: who waits for it is told nothing.
# Package: dramatiq 2.2.1 (PyPI), on its own broker and results in memory. A good guess: a result that can't be encoded is a failure like any
# other, which the caller reads as a ResultFailure, or is tried again. Seen: the model has run, nothing failed, `on_failure` is not called,
# and whoever reads the result finds it missing until his timeout; so it is with a set, bytes or a date. A NaN comes back as a NaN.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check dramatiq==2.2.1
cat > look.py <<'PY'
import datetime
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
results = {"a list": [1, 2], "NaN": float("nan"), "a set": {1, 2}, "bytes": b"png", "a date": datetime.date(2026, 11, 30)}
ran = []
failures = []


@dramatiq.actor(max_retries=1, min_backoff=50, max_backoff=50)
def work(name):
    ran.append(name)
    if name == "fails":
        raise ValueError("a bad input")
    return results[name]


@dramatiq.actor
def failed(message, error):
    failures.append(message["args"][0])


worker = dramatiq.Worker(broker, worker_timeout=50, worker_threads=2)
worker.start()
seen = {}
for name in [*results, "fails"]:
    message = work.send_with_options(args=(name,), on_failure=failed)
    try:
        seen[name] = str(message.get_result(block=True, timeout=2500))
    except Exception as error:
        seen[name] = type(error).__name__
time.sleep(0.5)
worker.stop()
for name, told in seen.items():
    print(f"{name}: ran {ran.count(name)}, failures told {failures.count(name)}, result: {told}")
lost = "ResultTimeout"
as_seen = list(seen.values()) == ["[1, 2]", "nan", lost, lost, lost, "ResultFailure"]
sys.exit(0 if as_seen and [ran.count(name) for name in results] == [1] * 5 and set(failures) == {"fails"} else 1)
PY
env/bin/python look.py

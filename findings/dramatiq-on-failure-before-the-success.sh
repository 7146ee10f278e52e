#!/usr/bin/env bash
# `on_failure` of Dramatiq is called for each attempt that failed, also of a message that then succeeds.
# Package: dramatiq 2.2.1 (PyPI), on its own broker in memory. A good guess: as `get_result` waits for the last attempt, `on_failure` is
# called once, if the message has failed for good, and exactly one of it and `on_success` comes. Seen: with two retries, a message that
# succeeds at its third attempt is told as a failure twice and then as a success, and one that fails for good three times. What it is given
# has the number of retries so far, from which its receiver can tell.
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

logging.disable(logging.CRITICAL)
broker = StubBroker()
dramatiq.set_broker(broker)
told = {"recovers": [], "fails": []}
runs = {"recovers": 0, "fails": 0}


@dramatiq.actor(max_retries=2, min_backoff=50, max_backoff=50)
def work(name):
    runs[name] += 1
    if name == "fails" or runs[name] < 3:
        raise ValueError("not now")


@dramatiq.actor
def failed(message, error):
    told[message["args"][0]].append("failed")


@dramatiq.actor
def succeeded(message, result):
    told[message["args"][0]].append("succeeded")


worker = dramatiq.Worker(broker, worker_timeout=50, worker_threads=2)
worker.start()
for name in told:
    work.send_with_options(args=(name,), on_failure=failed, on_success=succeeded)
time.sleep(6)
worker.stop()
for name, words in told.items():
    print(f"{name}: ran {runs[name]} times, told: {', '.join(words)}")
sys.exit(0 if runs == {"recovers": 3, "fails": 3} and told == {"recovers": ["failed", "failed", "succeeded"], "fails": ["failed"] * 3} else 1)
PY
env/bin/python look.py

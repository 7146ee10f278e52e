#!/usr/bin/env bash
# A batch of BentoML answers one caller with another's result, and status 200, if the model gives fewer results than it was given inputs.
# Package: bentoml 1.4.40 (PyPI). A good guess: a batchable method that drops an input, as one does with a picture that can't be read, gives
# a list that is too short, and that is an error for all callers of that batch, as LitServe and Ray Serve have it. Seen: the results are
# handed out in their order: the caller of what was dropped gets the next one's, that one the next, and the last an empty list, each with
# 200.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check bentoml==1.4.40
cat > service.py <<'PY'
from __future__ import annotations

import time

import bentoml


@bentoml.service(workers=1)
class Model:
    @bentoml.api(batchable=True, max_batch_size=8, max_latency_ms=20000)
    def predict(self, names: list[str]) -> list[str]:
        time.sleep(1.5)
        return [name.upper() for name in names if name != "unreadable"]
PY
cat > look.py <<'PY'
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]


def ask(path, body=None):
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return None, ""


def at_once(path, bodies):
    """Their answers; each is asked a little after the one before it."""
    answers = [None] * len(bodies)

    def one(index):
        time.sleep(0.1 * index)
        answers[index] = ask(path, bodies[index])

    threads = [threading.Thread(target=one, args=(index,)) for index in range(len(bodies))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


server = subprocess.Popen(["env/bin/bentoml", "serve", "service:Model", "--host", "127.0.0.1", "--port", str(port)], env={**os.environ, "BENTOML_DO_NOT_TRACK": "True", "PATH": os.path.abspath("env/bin") + os.pathsep + os.environ["PATH"]}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
try:
    while ask("/readyz")[0] != 200:
        time.sleep(0.2)
    names = ["first", "cat", "unreadable", "dog", "owl"]
    answers = at_once("/predict", [{"names": [name]} for name in names])
finally:
    server.terminate()  # its worker is in a group of its own, and ends with it
    server.wait()
for name, (status, text) in zip(names, answers):
    print(f"{name}: {status} {text}")
# The first is computed alone, and the others together once it is done.
sys.exit(0 if answers[1:] == [(200, '["CAT"]'), (200, '["DOG"]'), (200, '["OWL"]'), (200, "[]")] else 1)
PY
env/bin/python look.py

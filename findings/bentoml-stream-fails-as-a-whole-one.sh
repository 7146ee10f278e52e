#!/usr/bin/env bash
# BentoML's stream ends like a whole one if the model fails within it, and calls plain text a stream of events.
# Package: bentoml 1.4.40 (PyPI). A good guess: after status 200 a failure can be told by breaking the connection off, as Ray Serve and
# uvicorn do, or by an event of its own, since the type is `text/event-stream`. Seen: the words that there were, and a proper end; the
# client takes two words of four for the answer. The body has no line of events in it, whatever its type says: what a reader of events makes
# of it is nothing at all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check bentoml==1.4.40
cat > service.py <<'PY'
from __future__ import annotations

import typing

import bentoml


@bentoml.service(workers=1)
class Model:
    @bentoml.api
    def words(self, fails: bool) -> typing.Iterator[str]:
        yield "one "
        yield "two "
        if fails:
            raise RuntimeError("the GPU is away")
        yield "three "
        yield "four "
PY
cat > look.py <<'PY'
import json
import os
import socket
import subprocess
import sys
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


server = subprocess.Popen(["env/bin/bentoml", "serve", "service:Model", "--host", "127.0.0.1", "--port", str(port)], env={**os.environ, "BENTOML_DO_NOT_TRACK": "True", "PATH": os.path.abspath("env/bin") + os.pathsep + os.environ["PATH"]}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
try:
    while ask("/readyz")[0] != 200:
        time.sleep(0.2)
    whole = ask("/words", {"fails": False})
    failed = ask("/words", {"fails": True})
    request = urllib.request.Request(f"http://127.0.0.1:{port}/words", b'{"fails": true}', {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        kind = answer.headers["content-type"]
finally:
    server.terminate()  # its worker is in a group of its own, and ends with it
    server.wait()
print(f"whole: {whole}; failed: {failed}; of type {kind}")
sys.exit(0 if whole == (200, "one two three four ") and failed == (200, "one two ") and kind.startswith("text/event-stream") else 1)
PY
env/bin/python look.py

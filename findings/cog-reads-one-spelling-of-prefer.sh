#!/usr/bin/env bash
# Cog's server waits for a result that it is asked not to wait for, if `respond-async` does not stand alone and in small letters.
# Package: cog 0.23.1 (PyPI). A good guess: `Prefer` is read as RFC 7240 has it: a list of preferences, whose names may be written in any
# case, so `respond-async, wait=10`, which is an example there, asks for a 202 as `respond-async` does. Seen: only the latter is answered 202
# at once. With a second preference in the list, or as `Respond-Async`, the call waits until the model is done and is answered 200.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check cog==0.23.1
cat > predict.py <<'PY'
import time

from cog import BasePredictor


class Predictor(BasePredictor):
    def predict(self, text: str) -> str:
        time.sleep(0.5)
        return text.upper()
PY
printf 'build:\n  python_version: "3.11"\npredict: "predict.py:Predictor"\n' > cog.yaml
cat > look.py <<'PY'
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
environment = {**os.environ, "PORT": str(port), "PATH": os.path.abspath("env/bin") + os.pathsep + os.environ["PATH"]}
environment |= {"PYTHONPATH": os.getcwd(), "COG_PREDICT_TYPE_STUB": "predict.py:Predictor"}
command = ["env/bin/python", "-m", "cog.server.http", "--host", "127.0.0.1"]


def ask(path, body=None, headers={}):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, None
    except OSError:
        return None, {}


server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
try:
    end = time.time() + 30
    while (ask("/health-check")[1] or {}).get("status") != "READY" and time.time() < end:
        time.sleep(0.2)
    seen = {}
    for preference in ("respond-async", "respond-async, wait=10", "wait=10, respond-async", "Respond-Async"):
        begin = time.time()
        status, answer = ask("/predictions", {"input": {"text": "a text"}}, {"Prefer": preference})
        seen[preference] = [status, answer["status"], "after a wait" if time.time() - begin > 0.45 else "at once"]
        time.sleep(1)
finally:
    os.killpg(server.pid, signal.SIGKILL)
for preference, (status, state, when) in seen.items():
    print(f"Prefer: {preference}: {status}, {state}, {when}")
sys.exit(0 if list(seen.values()) == [[202, "starting", "at once"]] + [[200, "succeeded", "after a wait"]] * 3 else 1)
PY
env/bin/python look.py

#!/usr/bin/env bash
# A task of BentoML whose cancel is refused says that it is canceled, and runs on to its end.
# Package: bentoml 1.4.40 (PyPI). A good guess: a cancel that is answered 400, "task cancellation is not supported in local development
# server", changes nothing; and a task with the status "canceled" does not run. Seen: after the refusal `bentoml serve` says "canceled",
# and the task works on for as long as it would have.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check bentoml==1.4.40
cat > service.py <<'PY'
import time

import bentoml


@bentoml.service(traffic={"timeout": 60})
class Slow:
    @bentoml.task
    def slow(self, text: str) -> str:
        for _ in range(30):
            time.sleep(0.1)
            with open("ticks", "a") as ticks:
                ticks.write("tick\n")
        return text.upper()
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
environment = {**os.environ, "BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": os.path.abspath("home")}
command = ["env/bin/bentoml", "serve", "service:Slow", "--host", "127.0.0.1", "--port", str(port)]
server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def ask(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def ticks():
    return open("ticks").read().count("tick") if os.path.exists("ticks") else 0


try:
    while ask("GET", "/readyz")[0] != 200:
        time.sleep(0.2)
    task = json.loads(ask("POST", "/slow/submit", {"text": "x"})[1])["task_id"]
    while ticks() < 3:
        time.sleep(0.05)
    cancel = ask("PUT", f"/slow/cancel?task_id={task}")
    status = json.loads(ask("GET", f"/slow/status?task_id={task}")[1])["status"]
    before = ticks()
    time.sleep(4)
    after = ticks()
finally:
    server.terminate()  # its worker is in a group of its own, and ends with it
    server.wait()
print("cancel:", *cancel)
print(f"status: {status}; ticks when it was canceled: {before}, at the end: {after} of 30")
sys.exit(0 if cancel[0] == 400 and status == "canceled" and before < 20 and after == 30 else 1)
PY
env/bin/python look.py

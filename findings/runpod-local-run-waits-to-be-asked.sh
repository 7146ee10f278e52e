#!/usr/bin/env bash
# RunPod's local API server takes a job by `/run`, and runs it when its status is asked for, and forgets it then.
# Package: runpod 1.12.0 (PyPI), a worker started with `--rp_serve_api`. A good guess: as in the cloud, `/run` starts the job, `/status`
# says at once how it stands, as often as one asks, and the `webhook` is called at its end. Seen: nothing runs until the first `/status`,
# which blocks until the job has ended; the second says FAILED, "Job ID not found", with status 200; a job that nobody asks about never
# runs, and no webhook comes. `/status` takes POST alone, and there is no `/cancel`. So code that is right in the cloud fails here, and a
# poller that asks twice takes a success for a failure.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check runpod==1.12.0
cat > handler.py <<'PY'
import time

import runpod


def handler(job):
    with open("ran", "a") as ran:
        ran.write("x")
    time.sleep(1)
    return job["input"]


runpod.serverless.start({"handler": handler})
PY
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


server = subprocess.Popen(["env/bin/python", "handler.py", "--rp_serve_api", "--rp_api_host", "127.0.0.1", "--rp_api_port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
try:
    while ask("/docs")[0] != 200:
        time.sleep(0.2)
    def runs():
        return len(open("ran").read()) if os.path.exists("ran") else 0

    job = json.loads(ask("/run", {"input": {"n": 1}})[1])
    time.sleep(2.5)
    waited = runs()
    begun = time.time()
    first = json.loads(ask(f"/status/{job['id']}", {})[1])["status"]
    took = time.time() - begun
    second = ask(f"/status/{job['id']}", {})
    get, cancel = ask(f"/status/{job['id']}")[0], ask(f"/cancel/{job['id']}", {})[0]
finally:
    os.killpg(server.pid, signal.SIGKILL)
print(f"run: {job['status']}; runs of the handler after 2.5 s: {waited}")
print(f"status: {first} after {took:.1f} s; again: {second[0]} {json.loads(second[1])['status']}; by GET: {get}; cancel: {cancel}")
sys.exit(0 if (waited, first, took > 0.9) == (0, "COMPLETED", True) and '"FAILED"' in second[1] and (second[0], get, cancel) == (200, 405, 404) else 1)
PY
env/bin/python look.py

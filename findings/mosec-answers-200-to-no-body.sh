#!/usr/bin/env bash
# Mosec answers 200 and "no data provided" to a request without a body.
# Package: mosec 0.9.8 with httpx 0.28.1 (PyPI). A good guess: an empty body is no JSON, so it is refused with 400, as a body is that can't be decoded; or the
# model is given it. Seen: status 200, so a caller that goes by the status takes three words of text for the model's answer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check mosec==0.9.8 httpx==0.28.1
cat > server.py <<'PY'
from mosec import Server, Worker


class Double(Worker):
    def forward(self, data):
        return [{"twice": 2 * item["n"], "of": len(data)} for item in data]


server = Server()
server.append_worker(Double, max_batch_size=2, max_wait_time=2000)
server.run()
PY
cat > look.py <<'PY'
import os
import signal
import socket
import subprocess
import sys
import time

import httpx

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
command = [sys.executable, "server.py", "--address", "127.0.0.1", "--port", str(port)]
server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
url = f"http://127.0.0.1:{port}"
try:
    for _ in range(300):  # its front is up before its worker
        try:
            if httpx.post(url + "/inference", json={"n": 1}, timeout=2).status_code == 200:
                break
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    answers = {body: httpx.post(url + "/inference", content=body, headers={"Content-Type": "application/json"}, timeout=10) for body in ["", "{"]}
finally:
    os.killpg(server.pid, signal.SIGKILL)
for body, answer in answers.items():
    print(repr(body).ljust(4), answer.status_code, answer.headers.get("content-type"), repr(answer.text))
empty, broken = answers.values()
sys.exit(0 if empty.status_code == 200 and empty.text == "no data provided" and broken.status_code == 400 else 1)
PY
env/bin/python look.py

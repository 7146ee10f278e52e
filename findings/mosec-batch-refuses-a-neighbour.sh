#!/usr/bin/env bash
# Mosec answers 400 to a good request that shares a batch with one whose body is no JSON.
# Package: mosec 0.9.8 with httpx 0.28.1 (PyPI). A good guess: each body is decoded by itself, before the model sees the batch, so the one that can't be decoded is
# refused and the other is computed. Seen: both are answered 400, "decoding error", and the model is not called, so the caller of the
# good one is told that its own input is bad, and does not ask again. Alone, the same body is answered 200.
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
from concurrent.futures import ThreadPoolExecutor

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
    def ask(body):
        answer = httpx.post(url + "/inference", content=body, headers={"Content-Type": "application/json"}, timeout=10)
        return answer.status_code, answer.text.replace("\n", "").replace(" ", "")

    alone = ask('{"n": 21}')
    with ThreadPoolExecutor(2) as pool:
        good, bad = pool.map(ask, ['{"n": 21}', '{"n": 21'])
finally:
    os.killpg(server.pid, signal.SIGKILL)
print("alone:            ", *alone)
print("beside a bad body:", *good)
print("the bad body:     ", *bad)
sys.exit(0 if alone[0] == 200 and good[0] == bad[0] == 400 else 1)
PY
env/bin/python look.py

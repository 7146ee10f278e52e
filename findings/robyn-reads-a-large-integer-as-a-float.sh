#!/usr/bin/env bash
# Robyn reads an integer of JSON that needs more than 64 bits as a float.
# Package: robyn 0.88.0 with httpx 0.28.1 (PyPI). A good guess: `request.json()` gives what Python's `json.loads` gives, an int of any size, or refuses what is too
# large. Seen: 18446744073709551615 is an int, and 18446744073709551616, a digest or an id of 128 bits, a float that has lost its digits.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check robyn==0.88.0 httpx==0.28.1
cat > server.py <<'PY'
import asyncio
import sys

from robyn import Request, Robyn, SSEMessage, SSEResponse

app = Robyn(__file__)


@app.get("/alive")
def alive(request: Request):
    return "yes"



@app.post("/json")
def read(request: Request):
    values = request.json()["values"]
    return " ".join(f"{type(value).__name__}:{value}" for value in values)

app.start(host="127.0.0.1", port=int(sys.argv[1]))
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
server = subprocess.Popen([sys.executable, "server.py", str(port)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
url = f"http://127.0.0.1:{port}"
try:
    for _ in range(300):
        try:
            httpx.get(url + "/alive")
            break
        except httpx.TransportError:
            time.sleep(0.1)
    values = [2**64 - 1, 2**64, 170141183460469231731687303715884105727]
    answer = httpx.post(url + "/json", json={"values": values}, timeout=10)
finally:
    os.killpg(server.pid, signal.SIGKILL)
print("sent:", *values)
print("read:", answer.text)
kinds = [read.split(":")[0] for read in answer.text.split()]
sys.exit(0 if kinds == ["int", "float", "float"] else 1)
PY
env/bin/python look.py

#!/usr/bin/env bash
# Robyn gives the values of a query as they stand in the URL, with their plus signs and escapes.
# Package: robyn 0.88.0 with httpx 0.28.1 (PyPI). A good guess: `query_params.get` gives the text that the client has asked for, as every other framework's
# does: "a red shoe" for "a+red+shoe", as HTML forms, `URLSearchParams` and Python's `urlencode` send it, and for "a%20red%20shoe". Seen: both
# come as they were sent.
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



@app.get("/search")
def search(request: Request):
    return request.query_params.get("q", "")

app.start(host="127.0.0.1", port=int(sys.argv[1]))
PY
cat > look.py <<'PY'
import os
import signal
import socket
import subprocess
import sys
import time
from urllib.parse import urlencode

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
    answer = httpx.get(url + "/search?" + urlencode({"q": "a red shoe"}), timeout=10)
    escaped = httpx.get(url + "/search?q=a%20red%20shoe", timeout=10)
finally:
    os.killpg(server.pid, signal.SIGKILL)
print("asked by urlencode for 'a red shoe', and by %20:", repr(answer.text), repr(escaped.text))
sys.exit(0 if answer.text == "a+red+shoe" and escaped.text == "a%20red%20shoe" else 1)
PY
env/bin/python look.py

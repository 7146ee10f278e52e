#!/usr/bin/env bash
# A stream of Robyn ends like a whole one at the first piece that is no text, and at a failure.
# Package: robyn 0.88.0 with httpx 0.28.1 (PyPI). A good guess: a generator that yields an object between two messages has it sent as JSON, or the connection
# breaks off, as it does where a generator raises; in either case a client learns that something is wrong. Seen: what came before the
# piece arrives, with status 200 and a proper end; what follows is lost. The same of a generator that raises.
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



@app.get("/pieces")
def pieces(request: Request):
    def messages():
        yield SSEMessage("one")
        yield {"data": "two"}
        yield SSEMessage("three")

    return SSEResponse(messages())


@app.get("/failure")
async def failure(request: Request):
    async def messages():
        yield SSEMessage("one")
        await asyncio.sleep(0.1)
        raise RuntimeError("out of memory")

    return SSEResponse(messages())

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
    answers = {path: httpx.get(url + path, timeout=10) for path in ["/pieces", "/failure"]}
finally:
    os.killpg(server.pid, signal.SIGKILL)
for path, answer in answers.items():
    print(path.ljust(9), answer.status_code, "without an error:", repr(answer.text))
sys.exit(0 if all(answer.status_code == 200 and answer.text == "data: one\n\n" for answer in answers.values()) else 1)
PY
env/bin/python look.py

#!/usr/bin/env bash
# Under Granian `asyncio.create_task(receive())`, with which an application watches whether its client has left, is a 500.
# Package: granian 2.8.9 with uvicorn 0.54.0 beside it (PyPI). A good guess: `receive` of an ASGI server is a coroutine function, as it is in
# uvicorn, Hypercorn, Daphne and the examples of its specification, so a call of it can be made a task beside the model's. Seen: it gives
# another awaitable, which `create_task` and a TaskGroup refuse with TypeError, so the call that works under uvicorn is answered 500.
# Awaited, and by `asyncio.ensure_future` or `asyncio.wait_for`, it is the same under both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check granian==2.8.9 uvicorn==0.54.0
cat > server.py <<'PY'
import asyncio


async def watched(path, receive):
    if path == "/create_task":
        return asyncio.create_task(receive())
    if path == "/ensure_future":
        return asyncio.ensure_future(receive())
    return asyncio.create_task(asyncio.wait_for(receive(), 5))


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await receive()
    left = await watched(scope["path"], receive)
    await asyncio.wait([left], timeout=0.3)
    left.cancel()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})
PY
cat > look.py <<'PY'
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

PATHS = ["create_task", "ensure_future", "wait_for"]


def look(command):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([*command, "--port", str(port), "server:app"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    seen = {}
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        for path in PATHS:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10) as answer:
                    seen[path] = answer.status
            except urllib.error.HTTPError as error:
                seen[path] = error.code
    finally:
        os.killpg(server.pid, signal.SIGKILL)
    return seen


uvicorn = look(["env/bin/uvicorn"])
granian = look(["env/bin/granian", "--interface", "asgi"])
for path in PATHS:
    print(f"{path}: uvicorn {uvicorn[path]}, granian {granian[path]}")
sys.exit(0 if list(uvicorn.values()) == [200, 200, 200] and list(granian.values()) == [500, 200, 200] else 1)
PY
env/bin/python look.py

#!/usr/bin/env bash
# FastAPI leaves a plain generator open whose client has left a stream, so what its `finally` gives back stays taken.
# Package: fastapi 0.165.0 with uvicorn 0.54.0 (PyPI). A good guess: when the client leaves, the generator of a stream is closed, whether it
# is a plain or an async one: its `finally`, or the end of its `with`, gives the slot, the lock or the memory on the GPU back. Seen: with an
# async generator it is so. A plain one stops at its `yield` and is neither gone on with nor closed, in a StreamingResponse, in lines of JSON
# and in server-sent events alike; seconds and calls later its slot is still taken, until Python's garbage collector happens to run.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check fastapi==0.165.0 uvicorn==0.54.0
cat > look.py <<'PY'
import asyncio
import gc
import socket
import sys
import threading
import time

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse

app = FastAPI()
taken = set()


def plain(name):
    taken.add(name)
    try:
        for n in range(30):
            time.sleep(0.1)
            yield f"token {n}\n"
    finally:
        taken.discard(name)


async def asynchronous(name):
    taken.add(name)
    try:
        for n in range(30):
            await asyncio.sleep(0.1)
            yield f"token {n}\n"
    finally:
        taken.discard(name)


@app.get("/response-async")
async def response_async():
    return StreamingResponse(asynchronous("response-async"))


@app.get("/response-plain")
def response_plain():
    return StreamingResponse(plain("response-plain"))


@app.get("/lines-plain")
def lines_plain():
    yield from plain("lines-plain")


@app.get("/events-plain", response_class=EventSourceResponse)
def events_plain():
    yield from plain("events-plain")


@app.get("/")
def whole():
    return "whole"


with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical"))
threading.Thread(target=server.run, daemon=True).start()
while not server.started:
    time.sleep(0.05)


def ask(path, seconds):
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    time.sleep(seconds)
    client.close()


gc.disable()  # so that nothing depends on when it would run
names = ("response-async", "response-plain", "lines-plain", "events-plain")
for name in names:
    ask(f"/{name}", 0.6)
for _ in range(5):
    time.sleep(1)
    ask("/", 0)
after = sorted(taken)
gc.collect()
time.sleep(1)
print("five seconds after the clients have left, still taken:", ", ".join(after))
print("after a run of the garbage collector:", ", ".join(sorted(taken)) or "none")
sys.exit(0 if after == ["events-plain", "lines-plain", "response-plain"] and not taken else 1)
PY
env/bin/python look.py

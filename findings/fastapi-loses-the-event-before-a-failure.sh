#!/usr/bin/env bash
# FastAPI's server-sent events lose the event that a failure follows at once, which is the one that tells of the failure.
# Package: fastapi 0.165.0 with uvicorn 0.54.0 (PyPI). A good guess: what a model has yielded is sent before what it raises next cuts the
# stream off, so `except ...: yield {"error": ...}; raise` tells the client why. Seen: with `response_class=EventSourceResponse` the last
# event is never sent, so the client has the tokens and a stream that breaks off without a reason. In lines of JSON, FastAPI's other stream,
# and in a StreamingResponse it is sent; so it is in events if the generator waits for a moment first.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check fastapi==0.165.0 uvicorn==0.54.0
cat > look.py <<'PY'
import asyncio
import json
import socket
import sys
import threading
import time

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse

app = FastAPI()


async def model(pause=0.0):
    try:
        yield {"token": "one"}
        await asyncio.sleep(0.1)
        yield {"token": "two"}
        await asyncio.sleep(0.1)
        raise RuntimeError("the model fails")
    except RuntimeError as error:
        yield {"error": str(error)}
        if pause:
            await asyncio.sleep(pause)
        raise


@app.get("/events", response_class=EventSourceResponse)
async def events():
    async for part in model():
        yield part


@app.get("/events-with-a-pause", response_class=EventSourceResponse)
async def paused():
    async for part in model(0.2):
        yield part


@app.get("/lines")
async def lines():
    async for part in model():
        yield part


@app.get("/response")
async def response():
    return StreamingResponse(json.dumps(part) + "\n" async for part in model())


with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical"))
threading.Thread(target=server.run, daemon=True).start()
while not server.started:
    time.sleep(0.05)
seen = {}
for path in ("events", "events-with-a-pause", "lines", "response"):
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(f"GET /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    answer = b""
    while piece := client.recv(65536):
        answer += piece
    seen[path] = [answer.count(b'"token"'), answer.count(b'"error"')]
    print(f"{path}: {seen[path][0]} tokens, {seen[path][1]} errors told")
sys.exit(0 if list(seen.values()) == [[2, 0], [2, 1], [2, 1], [2, 1]] else 1)
PY
env/bin/python look.py

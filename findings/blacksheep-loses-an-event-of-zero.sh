#!/usr/bin/env bash
# BlackSheep sends an event whose data is 0, false, empty or None without data, so no client gets it.
# Package: blacksheep 2.6.4 with uvicorn 0.54.0 and httpx 0.28.1 (PyPI). A good guess: `ServerSentEvent(data)` sends any data as JSON, so 0 is sent as
# `data: 0`, as 1 is as `data: 1`. Seen: for 0, 0.0, False, None, {} and [] no `data` line is sent; a block without one is no event for a
# reader of server-sent events, also if it has a name and an id.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check blacksheep==2.6.4 uvicorn==0.54.0 httpx==0.28.1
cat > look.py <<'PY'
import socket
import sys
import threading
import time

import httpx
import uvicorn
from blacksheep import Application, get
from blacksheep.server.sse import ServerSentEvent, ServerSentEventsResponse

app = Application()
DATA = [1, 0, 0.0, False, None, {}, [], "last"]


async def events():
    for number, data in enumerate(DATA):
        yield ServerSentEvent(data, event="progress", id=str(number))


@get("/events")
async def stream():
    return ServerSentEventsResponse(events)


def served():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    return f"http://127.0.0.1:{port}"


text = httpx.get(served() + "/events").text
blocks = [block for block in text.split("\n\n") if block]
for data, block in zip(DATA, blocks):
    print(repr(data).ljust(7), "is sent as", block.split("\n"))
with_data = [data for data, block in zip(DATA, blocks) if "data:" in block]
sys.exit(0 if len(blocks) == len(DATA) and with_data == [1, "last"] else 1)
PY
env/bin/python look.py

#!/usr/bin/env bash
# BlackSheep sends the line ends of a text event as backslashes and letters.
# Package: blacksheep 2.6.4 with uvicorn 0.54.0 and httpx-sse 0.4.3 (PyPI). A good guess: `TextServerSentEvent` sends a text as it is, and one of two lines in
# two `data` lines, which every reader joins again. Seen: a line end is sent as a backslash and an n in one `data` line, and arrives so; a
# text that has these two characters itself arrives as the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check blacksheep==2.6.4 uvicorn==0.54.0 httpx==0.28.1 httpx-sse==0.4.3
cat > look.py <<'PY'
import socket
import sys
import threading
import time

import httpx
import uvicorn
from blacksheep import Application, get
from blacksheep.server.sse import ServerSentEventsResponse, TextServerSentEvent
from httpx_sse import connect_sse

app = Application()
TEXTS = ["one\ntwo", "one\\ntwo"]


async def events():
    for text in TEXTS:
        yield TextServerSentEvent(text)


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


with httpx.Client() as client, connect_sse(client, "GET", served() + "/events") as source:
    arrived = [event.data for event in source.iter_sse()]
for text, data in zip(TEXTS, arrived):
    print("sent", repr(text).ljust(13), "arrives as", repr(data))
sys.exit(0 if arrived == ["one\\ntwo"] * 2 else 1)
PY
env/bin/python look.py

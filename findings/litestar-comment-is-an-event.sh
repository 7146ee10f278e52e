#!/usr/bin/env bash
# A comment that Litestar sends to keep a stream open reaches its readers as an empty event.
# Package: litestar 2.25.0 with uvicorn 0.54.0 and httpx-sse 0.4.3 (PyPI). A good guess: a ServerSentEventMessage of nothing but a `comment` is sent as a
# line that begins with a colon, which readers skip. Seen: an empty `data` line follows it, since `data` is "" by default, and so each
# heartbeat is an event with empty data, at which JSON.parse fails; so is a message of `retry` alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check litestar==2.25.0 uvicorn==0.54.0 httpx==0.28.1 httpx-sse==0.4.3
cat > look.py <<'PY'
import socket
import sys
import threading
import time

import httpx
import uvicorn
from httpx_sse import connect_sse
from litestar import Litestar, get
from litestar.response import ServerSentEvent, ServerSentEventMessage


async def messages():
    yield ServerSentEventMessage(comment="still here")
    yield ServerSentEventMessage(retry=1000)
    yield ServerSentEventMessage(data="first")


@get("/events")
async def stream() -> ServerSentEvent:
    return ServerSentEvent(messages())


app = Litestar([stream], logging_config=None)


def served():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    return f"http://127.0.0.1:{port}"


url = served() + "/events"
with httpx.Client() as client, connect_sse(client, "GET", url) as source:
    events = [event.data for event in source.iter_sse()]
print("sent:  ", repr(httpx.get(url).text))
print("events:", events)
sys.exit(0 if events == ["", "", "first"] else 1)
PY
env/bin/python look.py

#!/usr/bin/env bash
# Litestar calls a stream of text, or of bytes, JSON.
# Package: litestar 2.25.0 with uvicorn 0.54.0 and httpx 0.28.1 (PyPI). A good guess: a `Stream` whose `media_type` was not given has the type of bytes or of text;
# a handler that returns `str` or `bytes` has `text/plain` or `application/octet-stream`, by what it is annotated with. Seen: `application/json` for a stream of either,
# so a client that goes by the type fails to parse it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check litestar==2.25.0 uvicorn==0.54.0 httpx==0.28.1
cat > look.py <<'PY'
import socket
import sys
import threading
import time

import httpx
import uvicorn
from litestar import Litestar, get
from litestar.response import Stream


async def tokens():
    yield "The answer "
    yield "is 42."


@get("/stream")
async def stream() -> Stream:
    return Stream(tokens())


@get("/bytes")
async def parts() -> Stream:
    return Stream(iter([b"\x89PNG", b"\r\n"]))


@get("/text")
async def text() -> str:
    return "The answer is 42."


app = Litestar([stream, parts, text], logging_config=None)


def served():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    return f"http://127.0.0.1:{port}"


url = served()
types = {}
for path in ["/text", "/stream", "/bytes"]:
    answer = httpx.get(url + path)
    types[path] = answer.headers["content-type"].split(";")[0]
    print(path.ljust(8), types[path].ljust(17), answer.content)
sys.exit(0 if list(types.values()) == ["text/plain", "application/json", "application/json"] else 1)
PY
env/bin/python look.py

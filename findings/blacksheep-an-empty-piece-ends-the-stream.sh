#!/usr/bin/env bash
# An empty piece ends a stream of BlackSheep, as if it were whole.
# Package: blacksheep 2.6.4 with uvicorn 0.54.0 and httpx 0.28.1 (PyPI). A good guess: a generator that yields b"" between two pieces, as a model does whose token has
# no text yet, sends nothing for it, as Starlette and uvicorn do. Seen: the client gets the first piece and a proper end; what comes after
# is lost, and no error reaches the client.
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
from blacksheep import Application, Response, StreamedContent, get

app = Application()


async def pieces():
    for token in ["The ", "", "answer ", "is 42."]:
        yield token.encode()


@get("/stream")
async def stream():
    return Response(200, content=StreamedContent(b"text/plain", pieces))


def served():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    return f"http://127.0.0.1:{port}"


answer = httpx.get(served() + "/stream")
print("what arrives, with status", answer.status_code, "and without an error:", repr(answer.text))
sys.exit(0 if answer.status_code == 200 and answer.text == "The " else 1)
PY
env/bin/python look.py

#!/usr/bin/env bash
# uvicorn closes the connection after a failure of FastAPI's handler without saying so in the answer.
# Packages: fastapi 0.165.0, uvicorn 0.54.0 (PyPI). A good guess: a 500 in HTTP/1.1 without "Connection: close" leaves the connection open for
# the next request, as the 200 and the 422 before it do. Seen: it comes with its length and without that header, and then the
# connection ends. A client that keeps connections and tries again at once meets a broken one, which looks like a server that is not there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check fastapi==0.165.0 uvicorn==0.54.0
cat > look.py <<'PY'
import socket
import sys
import threading
import time

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.get("/{what}")
def serve(what: str, number: int = 0):
    if what == "fails":
        raise ValueError("no such color")
    return what


with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical"))
threading.Thread(target=server.run, daemon=True).start()
while not server.started:
    time.sleep(0.05)


def ask(path):
    """The status, whether the answer announces the end of the connection, and whether the connection ends within a second."""
    with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        text = b""
        while b"\r\n\r\n" not in text:
            text += client.recv(65536)
        head, body = text.split(b"\r\n\r\n", 1)
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        while len(body) < length:
            body += client.recv(65536)
        try:
            closed = client.recv(1) == b""
        except TimeoutError:
            closed = False
        return head.split(b" ")[1].decode(), b"connection: close" in head.lower(), closed


seen = {path: ask(path) for path in ("/works", "/works?number=x", "/fails")}
for path, (status, announced, closed) in seen.items():
    print(f"{path}: {status}, end of the connection announced: {announced}, connection closed: {closed}")
sys.exit(0 if list(seen.values()) == [("200", False, False), ("422", False, False), ("500", False, True)] else 1)
PY
env/bin/python look.py

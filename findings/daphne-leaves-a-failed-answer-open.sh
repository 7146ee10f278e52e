#!/usr/bin/env bash
# Daphne leaves a client waiting whose answer the application began and then failed at.
# Package: daphne 4.2.3 and, beside it, uvicorn 0.54.0 (PyPI). A good guess: an application of ASGI that raises after its first chunk has
# its connection closed, so that the client knows that the rest won't come; uvicorn, Hypercorn and Granian do so, with and without a
# Content-Length. Seen: the connection stays open and silent, with either; a client without a timer of its own waits for as long as the
# server stands.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check daphne==4.2.3 uvicorn==0.54.0
cat > app.py <<'PY'
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    headers = [(b"content-length", b"8")] if scope["path"].endswith("length") else []
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    if scope["path"].startswith("/fails"):
        raise RuntimeError("the GPU is away")
    await send({"type": "http.response.body", "body": b"half"})
PY
cat > look.py <<'PY'
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]


def ask(path, body=None):
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return None, ""


seen = {}
for name, command in {"uvicorn": ["uvicorn", "--port", str(port), "app:app"], "daphne": ["daphne", "-p", str(port), "app:app"]}.items():
    server = subprocess.Popen([f"env/bin/{command[0]}", *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        while ask("/good")[0] != 200:
            time.sleep(0.2)
        for path in ("/good", "/fails", "/fails with a length"):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(f"GET {path.replace(' ', '-')} HTTP/1.1\r\nHost: model\r\nConnection: close\r\n\r\n".encode())
                client.settimeout(4)
                ended = False
                try:
                    while client.recv(4096):
                        pass
                    ended = True
                except TimeoutError:
                    pass
            seen[f"{name} {path}"] = ended
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
for what, ended in seen.items():
    print(what + ":", "ended" if ended else "open after four seconds")
sys.exit(0 if list(seen.values()) == [True, True, True, True, False, False] else 1)
PY
env/bin/python look.py

#!/usr/bin/env bash
# Gradio gives the result of a call once; who asks again is kept waiting without end.
# Package: gradio 6.31.0 (PyPI). A good guess: the GET of an event's result can be repeated, as after a connection that broke, or says 404
# once the result is gone. Seen: it is answered 200 and held open, with a heartbeat every fifteen seconds and never a result, so that no
# client's silence timer ends it. An id that there never was is told `404: Not Found` as an event, and closed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check gradio==6.31.0
cat > app.py <<'PY'
import sys

import gradio

with gradio.Blocks() as demo:
    text, shout, button = gradio.Textbox(), gradio.Textbox(), gradio.Button()
    button.click(lambda given: given.upper(), text, shout, api_name="upper")
demo.launch(server_name="127.0.0.1", server_port=int(sys.argv[1]), quiet=True)
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


server = subprocess.Popen(["env/bin/python", "app.py", str(port)], env={**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
try:
    while ask("/")[0] != 200:
        time.sleep(0.2)
    event = json.loads(ask("/gradio_api/call/upper", {"data": ["hello"]})[1])["event_id"]

    def read(id, seconds):
        """What comes on a connection of its own, and whether the server has ended it by then."""
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(f"GET /gradio_api/call/upper/{id} HTTP/1.1\r\nHost: gradio\r\n\r\n".encode())
            client.settimeout(1)
            came, until = b"", time.time() + seconds
            while time.time() < until:
                try:
                    part = client.recv(4096)
                except TimeoutError:
                    continue
                came += part
                if part == b"" or came.endswith(b"0\r\n\r\n"):
                    return came.decode(), True
            return came.decode(), False

    seen = {"first": read(event, 10), "again": read(event, 18), "an unknown id": read("unknown", 5)}
finally:
    os.killpg(server.pid, signal.SIGKILL)
for what, (came, ended) in seen.items():
    body = came.partition("\r\n\r\n")[2]
    print(f"{what}: {came.partition(chr(13))[0]}, {'ended' if ended else 'open'}, events: {[line for line in body.splitlines() if line.startswith(('event', 'data'))]}")
first, again, unknown = seen.values()
sys.exit(0 if "HELLO" in first[0] and first[1] and "HELLO" not in again[0] and not again[1] and unknown[1] else 1)
PY
env/bin/python look.py

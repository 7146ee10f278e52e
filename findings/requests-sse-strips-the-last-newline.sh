#!/usr/bin/env bash
# requests-sse takes the line end at the end of an event's data away, so lines of a text that comes piece by piece run together.
# Package: requests-sse 0.5.3, beside it httpx-sse 0.4.3 and httpx 0.28.1 (PyPI).
# A good guess: of several data lines the standard removes the last line end that the format added, and keeps those of the text: "data: one"
# and an empty "data:" are "one" and a line end.
# Seen: that event is "one", and an event that is nothing but a line end is empty. Replicate's streams and others that send bare text lose
# their line ends; in JSON nothing is lost.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check requests-sse==0.5.3 httpx-sse==0.4.3 httpx==0.28.1
cat > look.py <<'PY'
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from httpx_sse import connect_sse
from requests_sse import EventSource

PIECES = ["one\n", "two", "\n", "three"]


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for piece in PIECES:
            self.wfile.write(("".join(f"data: {line}\n" for line in piece.split("\n")) + "\n").encode())


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}/"
requests_sse = []
with EventSource(url) as source:
    for event in source:
        requests_sse.append(event.data or "")
        if event.data == "three":
            break
with httpx.Client() as client, connect_sse(client, "GET", url) as source:
    httpx_sse = [event.data for event in source.iter_sse()]
print("requests-sse:", requests_sse)
print("httpx-sse:   ", httpx_sse)
sys.exit(0 if "".join(requests_sse) == "onetwothree" and httpx_sse == PIECES else 1)
PY
env/bin/python look.py

#!/usr/bin/env bash
# sseclient reads a stream as Latin-1 unless its content type names another charset.
# Package: sseclient 0.0.27 (PyPI; another one than sseclient-py), with requests 2.34.2, beside httpx-sse 0.4.3.
# A good guess: server-sent events are always UTF-8, as their specification says ("must always be encoded as UTF-8"), and most servers
# send `text/event-stream` alone.
# Seen: "é" comes as "Ã©", without an error; with `; charset=utf-8` behind the type it comes as it is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check sseclient==0.0.27 requests==2.34.2 httpx-sse==0.4.3 httpx==0.28.1
cat > look.py <<'PY'
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import httpx_sse
import sseclient

content_type = ""


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.end_headers()
        self.wfile.write("data: é\n\n".encode())


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}/"


def by_httpx_sse():
    with httpx.Client() as client, httpx_sse.connect_sse(client, "GET", url) as source:
        return next(source.iter_sse()).data


seen = []
for content_type in ["text/event-stream", "text/event-stream; charset=utf-8"]:
    seen.append((next(iter(sseclient.SSEClient(url))).data, by_httpx_sse()))
    print(f"{content_type:33} sseclient {seen[-1][0]}   httpx-sse {seen[-1][1]}")
sys.exit(0 if seen == [("Ã©", "é"), ("é", "é")] else 1)
PY
env/bin/python look.py

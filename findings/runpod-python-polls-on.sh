#!/usr/bin/env bash
# RunPod's Python client polls a job that was canceled for ever if the status is spelled with one L.
# Package: runpod 1.12.0 (PyPI). A good guess: the client polls while the status is IN_QUEUE or IN_PROGRESS, and ends at any other word.
# Seen: it knows a fixed list of final words (CANCELLED with two Ls among them), and goes on until its own timeout at any other, such as
# CANCELED.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check runpod==1.12.0
cat > look.py <<'PY'
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

calls = []
answer = None


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        calls.append((time.time(), self.path, body))
        answer(self)

    do_GET = do_POST

    def send(self, status, body, content_type="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
host = f"127.0.0.1:{server.server_address[1]}"
import runpod

runpod.api_key = "key"
runpod.endpoint_url_base = f"http://{host}/v2"


def outcome(word):
    global answer
    answer = lambda it: it.send(200, {"id": "job-1", "status": "IN_QUEUE" if it.path.endswith("/run") else word})
    try:
        runpod.Endpoint("ep").run({"input": {}}).output(timeout=4)
        return "ended"
    except TimeoutError:
        return "polled until its timeout"


seen = {word: outcome(word) for word in ("CANCELLED", "CANCELED")}
print(seen)
same = seen == {"CANCELLED": "ended", "CANCELED": "polled until its timeout"}
sys.exit(0 if same else 1)
PY
env/bin/python look.py

#!/usr/bin/env bash
# Triton's HTTP client takes 202 for a failure, and loses the reason of an error that is not {"error": …}.
# Package: tritonclient[http] 2.73.0 (PyPI). A good guess: every 2xx is a success, and an error of another form is shown as its text.
# Seen: anything but 200 raises; without a member "error" the message is a KeyError of the client's own decoder, with the body behind it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check "tritonclient[http]==2.73.0"
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
import numpy
import tritonclient.http as triton


def outcome(status, body, content_type="application/json"):
    global answer
    answer = lambda it: it.send(status, body, content_type)
    x = triton.InferInput("x", [1], "FP32")
    x.set_data_from_numpy(numpy.zeros(1, numpy.float32), binary_data=False)
    try:
        triton.InferenceServerClient(host).infer("m", [x])
        return "ok"
    except triton.InferenceServerException as error:
        return str(error).splitlines()[0]


seen = [
    outcome(202, {"id": "abc", "status": "queued"}),
    outcome(429, {"title": "Too many requests", "detail": "one a second"}, "application/problem+json"),
    outcome(429, {"error": "one a second"}),
]
print(*seen, sep="\n")
same = seen[0].startswith("[202] an exception occurred") and "one a second" not in seen[1] and seen[2] == "[429] one a second"
sys.exit(0 if same else 1)
PY
env/bin/python look.py

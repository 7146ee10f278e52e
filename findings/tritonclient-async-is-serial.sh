#!/usr/bin/env bash
# async_infer of Triton's HTTP client sends one request after the other unless told otherwise.
# Package: tritonclient[http] 2.73.0 (PyPI). A good guess: four calls of async_infer are under way at once. Seen: the client's
# default is one connection, so four calls of half a second take two seconds; with concurrency=4 they take half a second. Behind a queue
# that looks like a server without free slots.
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


def slow(it):
    time.sleep(0.5)
    it.send(200, {"model_name": "m", "outputs": [{"name": "y", "datatype": "FP32", "shape": [1], "data": [1.0]}]})


answer = slow


def span(**settings):
    client = triton.InferenceServerClient(host, **settings)
    x = triton.InferInput("x", [1], "FP32")
    x.set_data_from_numpy(numpy.zeros(1, numpy.float32), binary_data=False)
    begun = time.time()
    for request in [client.async_infer("m", [x]) for _ in range(4)]:
        request.get_result()
    return round(time.time() - begun, 1)


seen = {"default": span(), "concurrency=4": span(concurrency=4)}
print("seconds for four calls of 0.5 s:", seen)
same = seen["default"] >= 1.9 and seen["concurrency=4"] < 1.5
sys.exit(0 if same else 1)
PY
env/bin/python look.py

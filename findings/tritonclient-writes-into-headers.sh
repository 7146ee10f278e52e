#!/usr/bin/env bash
# Triton's HTTP client writes its own headers into the dictionary that the caller gives it.
# Package: tritonclient[http] 2.73.0 (PyPI). A good guess: headers={"Authorization": …} is read and left as it is, so that one dictionary
# serves all calls. Seen: after an infer with raw tensors the dictionary also has Inference-Header-Content-Length, after one with
# request_compression_algorithm="gzip" Content-Encoding; the next call sends them with another body, so that a server reads JSON that
# is cut off, or bytes that are not gzip, and answers 400 for valid input.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check "tritonclient[http]==2.73.0"
cat > look.py <<'PY'
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

seen = []


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        seen.append((self.headers.get("inference-header-content-length"), self.headers.get("content-encoding"), body))
        data = b'{"model_name":"m","outputs":[]}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
import numpy
import tritonclient.http as triton

client = triton.InferenceServerClient(f"127.0.0.1:{server.server_address[1]}")


def tensor(binary):
    x = triton.InferInput("x", [64], "INT32")
    x.set_data_from_numpy(numpy.arange(64, dtype=numpy.int32), binary_data=binary)
    return [x]


def json_only():
    # Without outputs the client asks for raw ones and adds nothing to its JSON that needs a length.
    return client.infer("m", tensor(False), headers=headers)


headers = {"Authorization": "Bearer key"}
client.infer("m", tensor(True), headers=headers)
print("headers after raw tensors:", headers)
json_only()
length, _, body = seen[-1]
print(f"JSON of {len(body)} bytes then sent with Inference-Header-Content-Length: {length}")
cut = length is not None and int(length) < len(body)

headers = {"Authorization": "Bearer key"}
client.infer("m", tensor(True), headers=headers, request_compression_algorithm="gzip")
json_only()
_, encoding, body = seen[-1]
print(f"then sent with Content-Encoding: {encoding}, beginning with {body[:9]!r}")
sys.exit(0 if cut and encoding == "gzip" and body.startswith(b"{") else 1)
PY
env/bin/python look.py

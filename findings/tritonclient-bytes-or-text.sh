#!/usr/bin/env bash
# Triton's HTTP client gives the elements of a BYTES output as bytes or as text, by the form that the server has answered in.
# Package: tritonclient[http] 2.73.0 (PyPI).
# A good guess: `as_numpy` gives the same array for the same tensor. The client asks for the binary form, and a server may answer
# in JSON all the same, as servers do that lack the extension of binary data.
# Seen: elements are `bytes` in binary form and `str` in JSON, in an array of the same dtype (object). What
# calls `.decode()` on them fails for JSON, and a comparison with b"…" is False.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check "tritonclient[http]==2.73.0"
cat > look.py <<'PY'
import json
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy
import tritonclient.http as triton

is_binary = False
asked = []


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        asked.append(b'"binary_data_output":true' in self.rfile.read(int(self.headers.get("content-length") or 0)))
        raw = b"".join(struct.pack("<I", len(element)) + element for element in [b"a", "é".encode()]) if is_binary else b""
        data = {"parameters": {"binary_data_size": len(raw)}} if is_binary else {"data": ["a", "é"]}
        head = json.dumps({"model_name": "m", "model_version": "1", "outputs": [{"name": "y", "datatype": "BYTES", "shape": [2], **data}]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/octet-stream" if is_binary else "application/json")
        if is_binary:
            self.send_header("inference-header-content-length", str(len(head)))
        self.send_header("content-length", str(len(head + raw)))
        self.end_headers()
        self.wfile.write(head + raw)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = triton.InferenceServerClient(f"127.0.0.1:{server.server_address[1]}")
x = triton.InferInput("x", [1], "FP32")
x.set_data_from_numpy(numpy.zeros(1, numpy.float32))
seen = []
for is_binary in [True, False]:
    array = client.infer("m", [x]).as_numpy("y")
    seen.append((array.dtype.name, array.tolist()))
    print("binary" if is_binary else "JSON  ", *seen[-1])
sys.exit(0 if seen == [("object", [b"a", "é".encode()]), ("object", ["a", "é"])] and asked == [True, True] else 1)
PY
env/bin/python look.py

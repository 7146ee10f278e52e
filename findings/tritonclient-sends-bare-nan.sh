#!/usr/bin/env bash
# Triton's HTTP client writes NaN and infinities into JSON as bare words, which no JSON parser of the web takes.
# Package: tritonclient[http] 2.73.0 (PyPI). A good guess: it refuses them, or sends null or texts. Seen: with binary_data=False the body
# holds "data":[NaN,Infinity], and the client reads NaN in answers in the same form; a server whose parser is strict answers 400 for
# valid FP32 data.
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

answer = lambda it: it.send(200, b'{"model_name":"m","outputs":[{"name":"y","datatype":"FP32","shape":[2],"data":[NaN,null]}]}')
x = triton.InferInput("x", [2], "FP32")
x.set_data_from_numpy(numpy.array([numpy.nan, numpy.inf], numpy.float32), binary_data=False)
got = triton.InferenceServerClient(host).infer("m", [x]).as_numpy("y")
sent = calls[-1][2].decode()
print("sent:", sent)
print("read from [NaN,null]:", got)
same = "[NaN,Infinity]" in sent and bool(numpy.isnan(got).all())
sys.exit(0 if same else 1)
PY
env/bin/python look.py

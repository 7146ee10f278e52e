#!/usr/bin/env bash
# KServe's client fails at an answer in binary form whose BYTES are no UTF-8, which is what the binary form is for.
# Package: kserve 0.21.0 (PyPI), beside tritonclient[http] 2.73.0.
# A good guess: BYTES are bytes. A picture that a model answers in binary form comes as it is; Triton's client gives it so.
# Seen: the answer is decoded as text at once, before anybody asks for it, and raises an InferenceError that advises
# `binary_data=True`, which the answer is. The same client sends such bytes without trouble.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env # the package is large, and this is sooner done
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check kserve==0.21.0 "tritonclient[http]==2.73.0"
cat > look.py <<'PY'
import asyncio
import json
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import kserve
import numpy
import tritonclient.http as triton

element = b""
bodies = []


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        bodies.append(self.rfile.read(int(self.headers.get("content-length") or 0)))
        raw = struct.pack("<I", len(element)) + element
        output = {"name": "y", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": len(raw)}}
        head = json.dumps({"id": "1", "model_name": "m", "model_version": "1", "outputs": [output]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/octet-stream")
        self.send_header("inference-header-content-length", str(len(head)))
        self.send_header("content-length", str(len(head + raw)))
        self.end_headers()
        self.wfile.write(head + raw)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
host = f"127.0.0.1:{server.server_address[1]}"


async def by_kserve():
    x = kserve.InferInput("x", [1], "BYTES")
    x.set_data_from_numpy(numpy.array([element], dtype=object), binary_data=True)
    client = kserve.InferenceRESTClient(kserve.RESTConfig(protocol="v2", retries=0))
    answer = await client.infer(f"http://{host}", kserve.InferRequest("m", [x]), model_name="m")
    return answer.outputs[0].as_numpy().tolist()


def by_triton():
    x = triton.InferInput("x", [1], "BYTES")
    x.set_data_from_numpy(numpy.array([element], dtype=object))
    return triton.InferenceServerClient(host).infer("m", [x]).as_numpy("y").tolist()


seen = []
for element in [b"text", b"\xff\xd8\xff\xe0"]:
    try:
        in_kserve = asyncio.run(by_kserve())
    except kserve.errors.InferenceError as error:
        in_kserve = f"{type(error).__name__}: {error}"
    seen.append((in_kserve, by_triton(), all(body.endswith(element) for body in bodies)))
    bodies.clear()
    print(f"{element}: kserve {in_kserve}   tritonclient {seen[-1][1]}   was sent whole: {seen[-1][2]}")
text, picture = seen
same = text == (["text"], [b"text"], True) and picture[0].startswith("InferenceError: Failed to encode") and picture[1:] == ([b"\xff\xd8\xff\xe0"], True)
sys.exit(0 if same else 1)
PY
env/bin/python look.py

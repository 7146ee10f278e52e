#!/usr/bin/env bash
# KServe's client raises when it asks a Triton server whether it is ready, or any server that is not.
# Package: kserve 0.21.0 (PyPI), beside tritonclient[http] 2.73.0.
# A good guess: in the Open Inference Protocol, which both speak, the status says whether a server is ready, and Triton answers it with an
# empty body. `is_server_ready` is "True if server is ready, False if server is not ready", as its documentation has it.
# Seen: of a 200 with an empty body `is_server_ready` and `is_server_live` raise a JSONDecodeError, of a 503 an HTTPStatusError; they return
# what the body says alone. `is_model_ready` of the same client goes by the status alone, as Triton's client does.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env # the package is large, and this is sooner done
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check kserve==0.21.0 "tritonclient[http]==2.73.0"
cat > look.py <<'PY'
import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import kserve
import tritonclient.http as triton

status = 200
body = b""


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
host = f"127.0.0.1:{server.server_address[1]}"


async def asked():
    client = kserve.InferenceRESTClient(kserve.RESTConfig(protocol="v2", retries=0))
    told = []
    for ask in [client.is_server_ready(f"http://{host}"), client.is_server_live(f"http://{host}"), client.is_model_ready(f"http://{host}", "m")]:
        try:
            told.append(await ask)
        except Exception as error:
            told.append(type(error).__name__)
    return [*told, triton.InferenceServerClient(host).is_server_ready()]


ANSWERS = {
    "KServe's, ready": (200, json.dumps({"ready": True, "live": True}).encode()),
    "Triton's, ready": (200, b""),
    "not ready": (503, json.dumps({"ready": False, "live": False}).encode()),
}
seen = []
for name, (status, body) in ANSWERS.items():
    seen.append(asyncio.run(asked()))
    print(f"{name:16}", *(f"{what}: {told}" for what, told in zip(["server ready", "live", "model ready", "tritonclient"], seen[-1])), sep="  ")
expected = [[True] * 4, ["JSONDecodeError", "JSONDecodeError", True, True], ["HTTPStatusError", "HTTPStatusError", False, False]]
sys.exit(0 if seen == expected else 1)
PY
env/bin/python look.py

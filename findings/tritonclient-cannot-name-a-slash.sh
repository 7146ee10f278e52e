#!/usr/bin/env bash
# Triton's HTTP client can't ask for a model whose name has a slash, neither as it is nor encoded.
# Package: tritonclient 2.73.0, with numpy 2.4.6 (PyPI).
# A good guess: a name goes into the path percent-encoded, all of it, as a colon and a space do: org/name is org%2Fname.
# Seen: the slash stays, so /v2/models/org/name/ready names another path; and org%2Fname, encoded by the caller, is encoded once more, as
# org%252Fname. Models of hubs and registries have such names.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check "tritonclient[http]==2.73.0" numpy==2.4.6
cat > look.py <<'PY'
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

paths = []


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        paths.append(self.path)
        self.send_response(200)
        self.end_headers()


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
from tritonclient.http import InferenceServerClient

client = InferenceServerClient(f"127.0.0.1:{server.server_address[1]}")
for name in ["name:tag", "org/name", "org%2Fname"]:
    client.is_model_ready(name)
    print(f"{name}: {paths[-1]}")
sys.stdout.flush()
os._exit(0 if paths == [f"/v2/models/{name}/ready" for name in ["name%3Atag", "org/name", "org%252Fname"]] else 1)
PY
env/bin/python look.py

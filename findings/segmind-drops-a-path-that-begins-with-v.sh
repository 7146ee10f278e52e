#!/usr/bin/env bash
# Segmind's Python client drops the last part of its address if that begins with a v.
# Package: segmind 1.3.0 (PyPI).
# A good guess: of a `base_url` with a path, as of a gateway, the version at its end is replaced by `/v2`, and another name is kept. Seen:
# every last part that begins with a v is taken for a version, so `/vendor` is left out, where `/segmind` is kept, and an asynchronous
# request goes elsewhere on the same host; a synchronous one goes where it was told.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check segmind==1.3.0
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from segmind import SegmindClient

asked = []


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        asked.append(f"{self.command} {self.path}")
        value = {"request_id": "1", "status_url": f"{url}/status", "response_url": f"{url}/result"}
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
seen = []
for path in ["/v1", "/segmind/v1", "/segmind", "/vendor"]:
    asked.clear()
    client = SegmindClient(api_key="key", base_url=url + path)
    client.submit_async("model", prompt="x")
    client.run_sync("model", prompt="x")
    seen.append(list(asked))
    print(f"with {path} at the end: {asked[0]}, and synchronously {asked[1]}")
wanted = [["/v2", "/v1"], ["/segmind/v2", "/segmind/v1"], ["/segmind/v2", "/segmind"], ["/v2", "/vendor"]]
sys.exit(seen != [[f"POST {path}/model" for path in pair] for pair in wanted])
PY
env/bin/python look.py

#!/usr/bin/env bash
# The beta of Replicate's Python client opens half a file as the whole one, at the second try after a download that broke off.
# Package: replicate 2.0.0b3 (PyPI).
# A good guess: an output's path, which is fetched when it is first opened, is fetched again if that failed. Seen: what had come stays at
# the path, which is named by the URL and shared by all programs of the machine; it is there, so the next `open` gives it without a word
# and without a request, in this program and in the next. The first raises as it should.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check replicate==2.0.0b3
cat > look.py <<'PY'
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import replicate

SIZE = 400_000
downloads = 0


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        global downloads
        self.rfile.read(int(self.headers.get("content-length") or 0))
        value = {"id": "1", "created_at": "2026-01-01T00:00:00Z", "input": {}, "urls": {}, "version": "v", "output": f"{url}/picture.png"}
        value["status"] = "succeeded"
        if self.path.endswith("/versions"):
            value = {"results": [{"id": "v"}]}
        elif "/models/" in self.path:
            form = {"components": {"schemas": {"Output": {"type": "string", "format": "uri"}}}}
            value = {"owner": "o", "name": "m", "latest_version": {"id": "v", "cog_version": "0.16.0", "openapi_schema": form}}
        data = json.dumps(value).encode()
        if self.path == "/picture.png":
            downloads += 1
            data = bytes(SIZE)
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        # The first download breaks off in the middle.
        self.wfile.write(data[: SIZE // 2] if downloads == 1 and len(data) == SIZE else data)

    do_GET = do_POST


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
os.environ.update(REPLICATE_BASE_URL=url, REPLICATE_API_TOKEN="key", REPLICATE_POLL_INTERVAL="0.01")
model = replicate.use("o/m")
seen = []
for path in [model(prompt="x"), model(prompt="x")]:
    try:
        with open(path, "rb") as file:
            said = len(file.read())
    except httpx.RemoteProtocolError as error:
        said = type(error).__name__
    seen.append((said, downloads))
    print(f"opened: {said} of {SIZE} bytes; {downloads} download")
short = seen[1][0]
sys.exit(not (seen[0] == ("RemoteProtocolError", 1) and isinstance(short, int) and 0 < short < SIZE and seen[1][1] == 1))
PY
TMPDIR=$folder env/bin/python look.py

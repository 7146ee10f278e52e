#!/usr/bin/env bash
# The beta of Replicate's Python client streams a model's only output by its letters, and fails at one that is no text.
# Package: replicate 2.0.0b3 (PyPI).
# A good guess: `use(model, streaming=True)`, which gives an iterator for every kind of output, gives the one output of a model that does
# not stream as one piece. Seen: the URL of a picture comes as one letter after the other, and an object or a number raises a TypeError
# once the prediction has succeeded.
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

import replicate

schema, output, polls = {}, None, 0


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        global polls
        self.rfile.read(int(self.headers.get("content-length") or 0))
        value = {"id": "1", "created_at": "2026-01-01T00:00:00Z", "input": {}, "urls": {}, "version": "v", "status": "starting", "output": None}
        if self.path.endswith("/versions"):
            value = {"results": [{"id": "v"}]}
        elif "/models/" in self.path:
            form = {"components": {"schemas": {"Output": schema}}}
            value = {"owner": "o", "name": "m", "latest_version": {"id": "v", "cog_version": "0.16.0", "openapi_schema": form}}
        elif self.command == "GET":
            polls += 1
            value.update(status="succeeded", output=output)
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
os.environ.update(REPLICATE_BASE_URL=url, REPLICATE_API_TOKEN="key", REPLICATE_POLL_INTERVAL="0.01")
picture = "https://a.example/1.png"
pieces = {"type": "array", "items": {"type": "string"}, "x-cog-array-type": "iterator", "x-cog-array-display": "concatenate"}
seen = []
for schema, output in [
    (pieces, ["one ", "two"]),
    ({"type": "string", "format": "uri"}, picture),
    ({"type": "object", "properties": {"score": {"type": "number"}}}, {"score": 0.5}),
    ({"type": "number"}, 0.5),
]:
    try:
        said = list(replicate.use("o/m", streaming=True)(prompt="x"))
    except TypeError as error:
        said = f"TypeError: {error}"
    seen.append(said)
    print(f"an output of {schema['type']}, {output}: {said}")
typed = [said.startswith("TypeError") for said in seen[2:]]
sys.exit(not (seen[:2] == [["one ", "two"], list(picture)] and typed == [True, True] and polls == 4))
PY
env/bin/python look.py

#!/usr/bin/env bash
# The beta of Replicate's Python client leaves out of a stream what had come when the run's logs were read, or when the stream was left.
# Package: replicate 2.0.0b3 (PyPI).
# A good guess: `run.output()` gives every piece of the output once, from the first, and `str()` of it the whole text, as it does alone. Seen: it
# gives what is new since the prediction was last asked for, so the pieces that came before `run.logs()` are lost, and the text of an output
# whose first piece was read lacks that piece; the second time it is whole.
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

words = ["one ", "two ", "three ", "four"]
polls = 0


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
            pieces = {"type": "array", "items": {"type": "string"}, "x-cog-array-type": "iterator", "x-cog-array-display": "concatenate"}
            form = {"components": {"schemas": {"Output": pieces}}}
            value = {"owner": "o", "name": "m", "latest_version": {"id": "v", "cog_version": "0.16.0", "openapi_schema": form}}
        elif self.command == "GET":
            # Two more words at each poll.
            polls += 1
            value.update(status="processing" if polls < 3 else "succeeded", output=words[: 2 * polls], logs="loaded\n")
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
model = replicate.use("o/m", streaming=True)
seen = []


def tell(how, text):
    seen.append(text)
    print(f"{how}: {text!r}")


tell("str() of the output", str(model(prompt="x")))
polls = 0
tell("the pieces", "".join(model(prompt="x")))
polls = 0
run = model.create(prompt="x")
run.logs()
tell("the pieces after logs()", "".join(run.output()))
polls = 0
output = model(prompt="x")
tell("the first piece", next(iter(output)))
tell("str() after it", str(output))
tell("str() once more", str(output))
whole = "".join(words)
sys.exit(seen != [whole, whole, "three four", "one ", "three four", whole])
PY
env/bin/python look.py

#!/usr/bin/env bash
# replicate.run("owner/name:version") of Replicate's Python client asks for the version's schema even if the answer has the output.
# Package: replicate 1.0.7 (PyPI). A good guess: a prediction that is answered "succeeded" is returned. Seen: it asks
# GET /v1/models/owner/name/versions/{version} behind every such run, and raises a validation error unless that names id, created_at,
# cog_version and openapi_schema; the output is lost.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check "replicate==1.0.7"
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

calls = []


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        calls.append(f"{self.command} {self.path}")
        body = {"id": "1", "model": "o/m", "version": "v" * 64, "status": "succeeded", "input": {}, "output": "red", "logs": ""}
        data = json.dumps(body if self.command == "POST" else {"id": "v" * 64}).encode()
        self.send_response(201 if self.command == "POST" else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
import replicate

client = replicate.Client(api_token="key", base_url=f"http://127.0.0.1:{server.server_address[1]}")
raised = "nothing"
try:
    print("got", client.run("o/m:" + "v" * 64, input={}))
except Exception as error:
    raised = type(error).__name__
print("calls:", *calls, sep="\n  ")
print("raised:", raised)
sys.exit(0 if len(calls) == 2 and calls[1].startswith("GET /v1/models/o/m/versions/") and raised == "ValidationError" else 1)
PY
env/bin/python look.py

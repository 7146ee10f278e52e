#!/usr/bin/env bash
# The stream of RunPod's Python client never ends for a job that was canceled.
# Package: runpod 1.12.0 (PyPI).
# A good guess: stream() ends at each of the words at which output() ends: COMPLETED, FAILED, TIMED_OUT and CANCELLED, with two Ls.
# Seen: it has a list of its own, without CANCELLED, and asks once a second for ever; it has no timeout. The JavaScript client of the same
# vendor ends.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check runpod==1.12.0
npm init -y >/dev/null
npm install --silent --no-audit --no-fund runpod-sdk@1.1.2
cat > look.mjs <<'JS'
import runpod from "runpod-sdk";

const parts = [];
for await (const part of runpod("key", { baseUrl: process.argv[2] }).endpoint("endpoint").stream("1")) parts.push(part);
process.stdout.write("ended");
JS
cat > look.py <<'PY'
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

calls = 0
status = ""


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send({"id": "1", "status": "IN_QUEUE"})

    def do_GET(self):
        global calls
        calls += 1
        self.send({"id": "1", "status": status, "stream": []})

    def send(self, value):
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
import runpod

runpod.api_key = "key"
runpod.endpoint_url_base = f"http://127.0.0.1:{server.server_address[1]}/v2"
endpoint = runpod.Endpoint("endpoint")
seen = {}
for status in ["COMPLETED", "CANCELLED"]:
    calls = 0
    reader = threading.Thread(target=lambda: list(endpoint.run({"input": {"prompt": "x"}}).stream()), daemon=True)
    reader.start()
    reader.join(6)
    python = "asks on" if reader.is_alive() and calls >= 3 else "ended"
    node = subprocess.run(["node", "look.mjs", runpod.endpoint_url_base], capture_output=True, text=True, timeout=20).stdout
    seen[status] = [python, node]
    print(f"{status}: Python {python}, JavaScript {node}")
sys.stdout.flush()
os._exit(0 if seen == {"COMPLETED": ["ended", "ended"], "CANCELLED": ["asks on", "ended"]} else 1)
PY
env/bin/python look.py 2>errors.txt || { cat errors.txt; exit 1; }

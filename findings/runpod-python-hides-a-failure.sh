#!/usr/bin/env bash
# RunPod's Python client gives None for a job that failed, and ends its stream as if it were whole.
# Package: runpod 1.12.0 (PyPI).
# A good guess: a job with the status FAILED raises, with its `error`, as a failed request of the same client does.
# Seen: run_sync() and output() return None for FAILED and TIMED_OUT, which a job whose output is null returns too, and stream() of a
# failed job gives what came and ends. The `error` is nowhere to be read; only status() tells, of a job that was submitted with run().
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check runpod==1.12.0
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

final = {}
streamed = []


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send({"id": "1", "status": "IN_QUEUE"} if self.path.endswith("/run") else final)

    def do_GET(self):
        if "/stream/" not in self.path:
            return self.send(final)
        first = not streamed
        streamed.append(1)
        return self.send({"status": "IN_PROGRESS", "stream": [{"output": "half"}]} if first else {**final, "stream": []})

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
seen = []
for final in [{"id": "1", "status": status, "error": "out of memory"} for status in ["FAILED", "TIMED_OUT"]]:
    streamed.clear()
    job = {"input": {"prompt": "x"}}
    seen.append([endpoint.run_sync(job), endpoint.run(job).output(timeout=5), list(endpoint.run(job).stream())])
    print(f"{final['status']}: run_sync {seen[-1][0]}, output {seen[-1][1]}, stream {seen[-1][2]}")
sys.exit(0 if seen == [[None, None, ["half"]]] * 2 else 1)
PY
env/bin/python look.py 2>errors.txt || { cat errors.txt; exit 1; }

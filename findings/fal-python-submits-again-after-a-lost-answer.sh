#!/usr/bin/env bash
# fal's Python client submits a job again whose answer was lost, and runs a model again, up to ten times, without a key to tell them apart.
# Package: fal-client 1.0.3 (PyPI), against a server here.
# A good guess: a POST that makes something is not sent again after it has arrived, or carries an idempotency key. Seen: a connection that
# ends before the answer, as at a server's restart, has `submit` and `run` send the whole order again: three jobs run and are paid for, and the
# caller knows the id of the last alone. `stream` sends its order once, and raises.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check fal-client==1.0.3
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import fal_client
import httpx
from fal_client import client as module

jobs = []


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        jobs.append({name.lower(): value for name, value in self.headers.items()})
        if len(jobs) < 3:
            return
        data = json.dumps({"request_id": f"job-{len(jobs)}", "response_url": url, "status_url": url, "cancel_url": url}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
module.QUEUE_URL_FORMAT = module.RUN_URL_FORMAT = f"{url}/"
client = fal_client.SyncClient(key="key")
seen = []
for name, call in {
    "submit": lambda: client.submit("o/m", {"prompt": "x"}).request_id,
    "run": lambda: client.run("o/m", {"prompt": "x"})["request_id"],
    "stream": lambda: list(client.stream("o/m", {"prompt": "x"})),
}.items():
    jobs.clear()
    try:
        said = call()
    except httpx.RemoteProtocolError as error:
        said = type(error).__name__
    # A header that differs between two orders, or that names one.
    keys = [key for key in jobs[0] if "idempot" in key or "request-id" in key]
    seen.append((len(jobs), said, keys, all(job == jobs[0] for job in jobs)))
    print(f"{name}: {len(jobs)} orders came, with the same headers: {seen[-1][3]}; headers that name one: {keys}; then {said}")
sys.exit(seen != [(3, "job-3", [], True), (3, "job-3", [], True), (1, "RemoteProtocolError", [], True)])
PY
env/bin/python look.py

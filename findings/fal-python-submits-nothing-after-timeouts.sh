#!/usr/bin/env bash
# fal's Python client submits nothing any more once enough of its calls have timed out, and says of the next that it timed out.
# Package: fal-client 1.0.3 (PyPI), against a server here.
# A good guess: `subscribe(client_timeout=…)` that has raised is over, so the next call is made as ever. Seen: the call goes on polling in a
# thread of a pool that all clients of the process share, of as many threads as there are processors and four more. Once that many jobs
# run on, whose cancel was refused, the next call never leaves the pool: a job that would be done at once "timed out", with no request id.
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
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import fal_client
from fal_client import client as module

submitted, polled, status = [], 0, "IN_PROGRESS"


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        global polled
        self.rfile.read(int(self.headers.get("content-length") or 0))
        code, value = 200, {"status": status, "logs": None}
        if self.command == "POST":
            submitted.append(self.path)
            urls = {"response_url": f"{url}/result", "status_url": f"{url}/status", "cancel_url": f"{url}/cancel"}
            value = {"request_id": "1", **urls}
        elif self.command == "PUT":
            code, value = 400, {"detail": "the job runs"}
        else:
            polled += 1
        data = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_POST


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
module.QUEUE_URL_FORMAT = f"{url}/"
threads = module.EXECUTOR._max_workers


def call(name):
    try:
        return fal_client.SyncClient(key="key").subscribe(f"o/{name}", {}, client_timeout=3)
    except fal_client.FalClientTimeoutError as error:
        return str(error)


with ThreadPoolExecutor(threads) as pool:
    first = set(pool.map(call, ["slow"] * threads))
before = polled
print(f"{threads} calls of jobs that run on: {first}")
answer = call("next")
print(f"the next, of another job: {answer}; submitted: {'/o/next' in submitted}; polls meanwhile: {polled > before}")
late = len(submitted) - threads
status = "COMPLETED"
print(f"and once the first jobs are done: {call('last')}")
sys.exit(not (first == {"Request 1 timed out after 3 seconds"} and answer == "Request timed out after 3 seconds" and late == 0 and polled > before))
PY
env/bin/python look.py

#!/usr/bin/env bash
# fal's Python client asks again after a 503 only if its body has the word nginx, and ignores the `Retry-After` of a 429.
# Package: fal-client 1.0.3 (PyPI), against a server here. A good guess: a client that polls a job for minutes and repeats a request up to ten
# times asks again after a 503 with `Retry-After`, when that time is over. Seen: a single 503 in JSON, at the status or the result, ends the
# wait for a job that goes on; the same status with a page of nginx is repeated. A 429 that says 2 seconds is repeated within a fraction
# of one, and so is a 409.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check fal-client==1.0.3
cat > look.py <<'PY'
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from fal_client import SyncRequestHandle
from fal_client.client import FalClientHTTPError

REFUSALS = {
    "503 in JSON": (503, '{"detail": "no room"}'),
    "503 of nginx": (503, "<center>nginx</center>"),
    "429": (429, '{"detail": "too many"}'),
    "409": (409, '{"detail": "not now"}'),
}
times = []


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        times.append(time.time())
        name = list(REFUSALS)[int(self.path.split("/")[1])]
        status, text = 200, json.dumps({"status": "COMPLETED", "logs": None, "metrics": {}} if "/status" in self.path else {"text": "done"})
        if len(times) == 1:
            status, text = REFUSALS[name]
        self.send_response(status)
        self.send_header("Retry-After", "2")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
seen = {}
for number, name in enumerate(REFUSALS):
    times.clear()
    base = f"http://127.0.0.1:{server.server_port}/{number}/requests/17"
    job = SyncRequestHandle(request_id="17", response_url=base, status_url=f"{base}/status", cancel_url=f"{base}/cancel", client=httpx.Client())
    try:
        came = job.get()["text"]
    except FalClientHTTPError as error:
        came = f"raises {error.status_code}"
    again = "not asked again" if len(times) == 1 else "asked again within a second" if times[1] - times[0] < 1 else "asked again later"
    seen[name] = f"{again}; {came}"
    print(f"a first answer of {name}: {seen[name]}")
soon = "asked again within a second; done"
sys.exit(0 if list(seen.values()) == ["not asked again; raises 503", soon, soon, soon] else 1)
PY
env/bin/python look.py

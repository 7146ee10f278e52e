#!/usr/bin/env bash
# OpenRouter's Python client sends a chat again and again for an hour before it tells of a 500; its JavaScript client names the same hour in
# its code.
# Packages: openrouter 1.3.84 (PyPI), @openrouter/sdk 1.3.19 (npm).
# A good guess: two or three attempts within seconds, as the clients that speak the same API make, and then the error; their pages name
# neither repeats nor an hour. Seen: with a clock that is moved on where the client would sleep, more than 60 POSTs of one chat, the last
# after more than 59 minutes, and then the error. In real time there is no answer and no word of it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check openrouter==1.3.84
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @openrouter/sdk@1.3.19
cat > look.py <<'PY'
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

from openrouter import OpenRouter
from openrouter.utils import retries

calls = []
slept = 0.0


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        calls.append(slept)
        self.send_response(500)
        self.send_header("content-length", "0")
        self.end_headers()


def sleep(seconds):
    global slept
    slept += seconds


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
retries.time = SimpleNamespace(time=lambda: time.time() + slept, sleep=sleep)
client = OpenRouter(api_key="key", server_url=f"http://127.0.0.1:{server.server_address[1]}")
outcome = None
try:
    client.chat.send(model="m", messages=[{"role": "user", "content": "x"}])
except Exception as error:
    outcome = type(error).__name__
print(f"Python: {outcome} after {len(calls)} POSTs, the last {calls[-1] / 60:.1f} minutes after the first")
sys.exit(not (outcome and len(calls) > 60 and calls[-1] > 59 * 60))
PY
env/bin/python look.py
grep -n 'maxElapsedTime: 3600000' node_modules/@openrouter/sdk/esm/funcs/chatSend.js

#!/usr/bin/env bash
# aiohttp-retry sends a file in memory once, and nothing at the second attempt, whose answer it gives as a success.
# Package: aiohttp-retry 2.9.1, with aiohttp 3.14.5 (PyPI). A good guess: a body that can't be sent twice is read from its start again, or the
# attempt fails, as one from a generator does; bytes and forms come whole each time. Seen: after a 503 a POST of a BytesIO
# comes again with `Content-Length: 0`, so an upload that met one 503 is stored empty and answered 200; an open file raises ValueError, which
# hides the 503. It waits a tenth of a second where `Retry-After` says one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check aiohttp-retry==2.9.1 aiohttp==3.14.5
cat > look.py <<'PY'
import asyncio
import io
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import aiohttp
from aiohttp_retry import ExponentialRetry, RetryClient

came = []


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        came.append((time.monotonic(), len(self.rfile.read(int(self.headers["content-length"])))))
        self.send_response(503 if len(came) == 1 else 200)
        self.send_header("retry-after", "1")
        self.send_header("content-length", "0")
        self.end_headers()


async def post(url, data):
    came.clear()
    async with RetryClient(retry_options=ExponentialRetry(attempts=2, start_timeout=0.05)) as client:
        async with client.post(url, data=data) as answer:
            return answer.status


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
with open("picture", "wb") as file:
    file.write(b"x" * 1000)
seen = {}
for name, data in {"bytes": b"x" * 1000, "BytesIO": io.BytesIO(b"x" * 1000), "open file": open("picture", "rb")}.items():
    try:
        status = asyncio.run(post(url, data))
    except Exception as error:
        status = type(error).__name__
    seen[name] = status, [size for _, size in came]
    print(f"{name}: {status}, sizes {seen[name][1]}, {came[-1][0] - came[0][0]:.1f} s between")
sys.exit(0 if seen["bytes"] == (200, [1000, 1000]) and seen["BytesIO"] == (200, [1000, 0]) and seen["open file"] == ("ValueError", [1000]) else 1)
PY
env/bin/python look.py

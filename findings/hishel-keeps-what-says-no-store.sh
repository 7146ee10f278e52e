#!/usr/bin/env bash
# hishel's client keeps a poll's 202 that says `no-store`, and gives it for ever.
# Package: hishel 2.0.0, with httpx 0.28.1 (PyPI). A good guess: a cache for HTTP keeps what the headers of an answer let it keep, as its releases up to
# 1.x do. Seen: by default 2.0 ignores them, and keeps every answer to a GET whose status is 200, 202 or 204, without an end, whatever its
# `Cache-Control`; `no-cache` of the request changes nothing. So who polls a job reads "in progress" until the file is deleted. A 503 is not kept, and
# `rfc=True` heeds the headers.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check hishel==2.0.0 httpx==0.28.1
cat > look.py <<'PY'
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from hishel import SqliteStorage
from hishel.httpx import CacheClient

answers = []
came = 0


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        global came
        status, text = answers[min(came, len(answers) - 1)]
        came += 1
        self.send_response(status)
        self.send_header("cache-control", "no-store")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"


def look(name, first, asked, **options):
    global came
    came = 0
    answers[:] = [first, (200, "done")]
    with CacheClient(storage=SqliteStorage(database_path=f"{name}.db"), **options) as client:
        seen = [client.get(url, headers=asked).text for _ in range(3)]
    print(f"{name}: {seen}, {came} reached the server")
    return seen


waiting = (202, "in progress")
kept = look("a 202", waiting, {})
asked = look("a 202, asked with no-cache", waiting, {"cache-control": "no-cache"})
failed = look("a 503", (503, "busy"), {})
heeded = look("a 202, rfc=True", waiting, {}, rfc=True)
forever, good = ["in progress"] * 3, ["in progress", "done", "done"]
sys.exit(0 if kept == asked == forever and failed == ["busy", "done", "done"] and heeded == good else 1)
PY
env/bin/python look.py

#!/usr/bin/env bash
# hishel, told to follow the RFC, takes an answer that is old for a new one, and asks the server where it is told not to.
# Package: hishel 2.0.0 with `rfc=True`, with httpx 0.28.1 (PyPI). A good guess: RFC 9111's age of an answer is at least what its `Age` says, so one
# with `max-age=60` and `Age: 100`, which a CDN has held, is stale when it comes; `only-if-cached` gives 504 where nothing is kept. Seen: the answer
# is used for a minute more with an `Age` of 0 or 1, and the request goes to the server. A file behind a CDN is held twice as long as
# its owner says; an answer that says `no-cache` is asked for again, as it has to be.
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

sent = {}
came = 0


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        global came
        came += 1
        self.send_response(200)
        for name, value in sent.items():
            self.send_header(name, value)
        self.send_header("content-length", "1")
        self.end_headers()
        self.wfile.write(str(came).encode())


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"


def look(name, headers, asked, times=2):
    global came
    came = 0
    sent.clear()
    sent.update(headers)
    with CacheClient(storage=SqliteStorage(database_path=f"{name}.db"), rfc=True) as client:
        seen = [client.get(url, headers=asked) for _ in range(times)]
    print(f"{name}: {[(answer.status_code, answer.headers.get('age')) for answer in seen]}, {came} reached the server")
    return came, seen[-1]


fresh, _ = look("max-age=60", {"cache-control": "max-age=60"}, {})
old, answer = look("max-age=60 and Age 100", {"cache-control": "max-age=60", "age": "100"}, {})
never, _ = look("no-cache", {"cache-control": "no-cache"}, {})
only, refused = look("only-if-cached", {"cache-control": "max-age=60"}, {"cache-control": "only-if-cached"}, 1)
hidden = int(answer.headers["age"]) < 60
sys.exit(0 if (fresh, old, never, only) == (1, 1, 2, 1) and hidden and refused.status_code == 200 else 1)
PY
env/bin/python look.py

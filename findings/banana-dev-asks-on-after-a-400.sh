#!/usr/bin/env bash
# Banana's client sends a request that is answered 400 again for five minutes, and takes a 202 for a failure.
# Package: banana-dev 6.3.0 (PyPI).
# A good guess: a 400, which Banana's own server potassium answers to a body that is no good, raises at once. Seen: it is taken for a
# quota and sent again with growing pauses, at most 3 s, until `retry_timeout` is over, 300 s unless told; then the error does not say what was
# wrong. A 202 raises "unexpected http response code", and a 200 whose body is no JSON is `{}`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check banana-dev==6.3.0
cat > look.py <<'PY'
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from banana_dev import Client

status, body = 400, b'{"message": "prompt is missing"}'
asked = 0


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        global asked
        asked += 1
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = Client("key", f"http://127.0.0.1:{server.server_address[1]}", verbosity="")
seen = []
for status, body in [(400, body), (404, b"no such path"), (202, b'{"id": "1"}'), (200, b"a text")]:
    asked = 0
    try:
        said = client.call("/", {"x": 1}, retry_timeout=5)[0]
    except Exception as error:
        said = str(error).strip()
    seen.append((status, asked > 1, said))
    print(f"{status} {body.decode()}: asked {'once' if asked == 1 else 'several times'}, then {said!r}")
wanted = [(400, True, "Retry timeout exceeded"), (404, False, "no such path")]
sys.exit(seen != wanted + [(202, False, "unexpected http response code: 202"), (200, False, {})])
PY
env/bin/python look.py

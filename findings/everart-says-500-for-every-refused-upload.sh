#!/usr/bin/env bash
# EverArt's Python client says 500 for every refused upload, and leaves the reason out.
# Package: everart 1.1.0 (PyPI), with pydantic 2.14.4, which it needs and does not name.
# A good guess: an upload that the store refuses with a 403, as for a URL that has expired, raises an EverArtError for a 403 with the store's
# answer. Seen: the response of a refusal counts as false, since `requests` says so of each that is not ok, so the client takes it for
# none: the error has the name for a 500 and no data, whatever the status was, and who tells a lasting refusal from a passing one repeats it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check everart==1.1.0 pydantic==2.14.4 requests==2.34.2
cat > look.py <<'PY'
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from everart.util import EverArtError, upload_file


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_PUT(self):
        self.rfile.read(int(self.headers["content-length"]))
        data = b'{"message": "the link has expired"}'
        self.send_response(int(self.path[1:]))
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
with open("a.png", "wb") as file:
    file.write(b"picture")
names = {}
for status in [400, 401, 403, 404]:
    try:
        upload_file("a.png", f"http://127.0.0.1:{server.server_address[1]}/{status}", "image/png")
    except EverArtError as error:
        names[status] = (error.name.name, EverArtError(status, "").name.name, str(error))
        print(f"{status}: {names[status][0]}, where the package has {names[status][1]}; {names[status][2]!r}")
told = {seen for seen, _, _ in names.values()}
sys.exit(told != {"UNKNOWN_ERROR"} or len({own for _, own, _ in names.values()}) != 4 or any("expired" in text for _, _, text in names.values()))
PY
EVERART_API_KEY=key env/bin/python look.py

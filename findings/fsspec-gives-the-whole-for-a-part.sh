#!/usr/bin/env bash
# fsspec gives the whole file for a part of it if the server does not know `Range`, and calls that the part.
# Package: fsspec 2026.9.0 with aiohttp 3.14.5 (PyPI); beside it smart_open 9.0.2.
# A good guess: `cat_file(url, start=100, end=200)` gives 100 bytes or raises, as reading at a place of an open file of fsspec's does, or
# cuts them out of the 200 that came. Seen: all bytes, without an error; `cat_ranges`, by which readers of large arrays take many parts
# at once, gives the whole once for each of them. smart_open raises.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check fsspec==2026.9.0 aiohttp==3.14.5 "smart_open[http]==9.0.2"
cat > look.py <<'PY'
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import fsspec
import smart_open

data = bytes(range(250)) * 4
ranges = True


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        wanted, part = self.headers.get("range"), data
        if wanted is not None and ranges:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            part = data[int(first) : int(last or len(data) - 1) + 1]
            self.send_response(206)
            self.send_header("content-range", f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("content-length", str(len(part)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(part)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}/output.bin"


def attempt(call):
    try:
        return call()
    except Exception as error:
        return type(error).__name__


def by_seek(open_file):
    with open_file as file:
        file.seek(100)
        return len(file.read(100))


seen = []
for ranges in [True, False]:
    web = fsspec.filesystem("http", skip_instance_cache=True)
    one = attempt(lambda: len(web.cat_file(url, start=100, end=200)))
    many = attempt(lambda: [len(part) for part in web.cat_ranges([url, url], [0, 500], [10, 510])])
    opened = attempt(lambda: by_seek(web.open(url, block_size=50)))
    other = attempt(lambda: by_seek(smart_open.open(url, "rb")))
    seen.append((one, many, opened, other))
    print(f"a server with ranges, {ranges}: cat_file {one}, cat_ranges {many}, an open file {opened}, smart_open {other}")
sys.exit(seen != [(100, [10, 10], 100, 100), (1000, [1000, 1000], "ValueError", "UnsupportedOperation")])
PY
env/bin/python look.py 2>&1

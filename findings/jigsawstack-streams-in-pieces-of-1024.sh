#!/usr/bin/env bash
# JigsawStack's Python client gives a stream in pieces of 1,024 bytes once it has ended, and fails if a character lies across such a border.
# Package: jigsawstack 0.4.6 (PyPI).
# A good guess: with `stream` the words come as the server sends them, as text. Seen: nothing comes before the last word; a letter of two
# bytes at the border is a UnicodeDecodeError for all that follows; a piece that happens to be JSON, such as 42, is a number.
# The asyncio form of the same call raises a TypeError each time, since it awaits a generator.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check jigsawstack==0.4.6
cat > look.py <<'PY'
import asyncio
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from jigsawstack import AsyncJigsawStack, JigsawStack

pieces = []


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(piece.encode())
            time.sleep(0.3)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
params = {"prompt": "x", "stream": True}
seen = []
for name, pieces in {"four words": ["one ", "two ", "three ", "four"], "a number": ["42"], "a border": ["a" * 1023 + "é"]}.items():
    start = time.monotonic()
    try:
        parts = list(JigsawStack(api_key="key", base_url=url).prompt_engine.run_prompt_direct(params))
        seen.append([type(part).__name__ for part in parts])
        print(f"{name}: {parts}")
    except UnicodeDecodeError as error:
        seen.append("UnicodeDecodeError")
        print(f"{name}: UnicodeDecodeError: {error.reason}")


async def ask():
    return await AsyncJigsawStack(api_key="key", base_url=url).prompt_engine.run_prompt_direct(params)


try:
    asyncio.run(ask())
    seen.append("an answer")
except TypeError as error:
    seen.append("TypeError")
    print(f"asyncio: TypeError: {error}")
sys.exit(seen != [["str"], ["int"], "UnicodeDecodeError", "TypeError"])
PY
env/bin/python look.py

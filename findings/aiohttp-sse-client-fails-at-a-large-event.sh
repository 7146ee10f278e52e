#!/usr/bin/env bash
# aiohttp-sse-client fails at an event of more than 128 KiB, such as a picture in base64, and raises where a server says that no more will come.
# Package: aiohttp-sse-client 0.2.1 and aiohttp-sse-client2 0.3.0 (PyPI), with aiohttp 3.12.15.
# A good guess: an event is as long as it is, as for a browser, and the 204 that ends a stream for good ends the loop, as its own code
# means to. Seen: a line is read with the limit that aiohttp has for one, so the stream breaks off with "ValueError: Chunk too big", which
# names neither the event nor the limit and can't be raised by an option; and a 204 is a ConnectionAbortedError.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check aiohttp==3.12.15 setuptools==80.9.0
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check --no-deps aiohttp-sse-client==0.2.1 aiohttp-sse-client2==0.3.0
cat > look.py <<'PY'
import asyncio
import importlib
import sys
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

asked, length = [], 0


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        asked.append(self.path)
        if len(asked) > 1:
            self.send_response(204)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b"data: first\n\ndata: " + b"A" * length + b"\n\n")


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}/"


async def read(module):
    got = []
    try:
        async with module.EventSource(url, reconnection_time=timedelta(milliseconds=10)) as source:
            async for event in source:
                got.append(len(event.data))
        return got, "the end"
    except Exception as error:
        return got, f"{type(error).__name__}: {str(error).split(' http')[0]}"


seen = []
for name in ["aiohttp_sse_client", "aiohttp_sse_client2"]:
    module = importlib.import_module(f"{name}.client")
    for length in [100_000, 200_000]:
        asked.clear()
        got, end = asyncio.run(asyncio.wait_for(read(module), 20))
        seen.append([got, end.split(":")[0]])
        print(f"{name}: a second event of {length} letters: events of {got}, asked {len(asked)} times, then {end}")
wanted = [[[5, 100_000], "ConnectionAbortedError"], [[5], "ValueError"]]
sys.exit(seen != wanted * 2)
PY
env/bin/python look.py 2>errors.txt || { cat errors.txt; exit 1; }

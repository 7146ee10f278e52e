#!/usr/bin/env bash
# Voyage AI's Python client gives embeddings in the order of the answer, whatever their index, and tries once fewer than it is told to retry.
# Package: voyageai 0.5.0 (PyPI).
# A good guess: each embedding comes with the `index` of its text, and the list that the client makes of them, which has no index any more,
# is in the order of the texts, as its results of reranking keep theirs; fewer embeddings than texts are an error. `max_retries=1` asks
# once more after a 503. Seen: the second text has the vector of the first; a list that is too short is given as it is; one retry is none,
# and `Retry-After` is not heeded.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check voyageai==0.5.0
cat > look.py <<'PY'
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import voyageai

status = 200
data = []
times = []


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        times.append(time.monotonic())
        body = json.dumps({"object": "list", "data": data, "model": "m", "usage": {"total_tokens": 1}}).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("retry-after", "5")
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
seen = []
for order in [[0, 1], [1, 0], [0]]:
    data = [{"object": "embedding", "index": index, "embedding": [float(index)]} for index in order]
    seen.append(voyageai.Client(api_key="key", base_url=url).embed(["zero", "one"], model="m").embeddings)
    print(f"answered in the order {order}: {seen[-1]}")
status = 503
asked = []
for retries in [0, 1, 2]:
    times.clear()
    try:
        voyageai.Client(api_key="key", base_url=url, max_retries=retries).embed(["zero"], model="m")
    except voyageai.error.ServiceUnavailableError:
        asked.append(len(times))
    print(f"max_retries={retries}: asked {asked[-1]} times")
pause = times[1] - times[0]
print(f"the pause, where Retry-After is 5 s: {pause:.1f} s")
sys.exit(seen != [[[0.0], [1.0]], [[1.0], [0.0]], [[0.0]]] or asked != [1, 1, 2] or pause > 4.5)
PY
env/bin/python look.py

#!/usr/bin/env bash
# Baseten's performance client sends NaN and infinities as null, and gives a whole number of 65 bits as a float.
# Package: baseten-performance-client 0.1.16 (PyPI).
# A good guess: `batch_post` raises for a number that JSON has no word for, as it does for bytes and for a whole number beyond 64 bits, or
# writes NaN, as Python's json does; and it gives whole numbers as Python reads JSON. Seen: null is sent without a word, in lists too, so the
# model computes with what is missing; and 18446744073709551616 in an answer is 1.8446744073709552e+19, where 64 bits are kept.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check baseten-performance-client==0.1.16
cat > look.py <<'PY'
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from baseten_performance_client import PerformanceClient

got, answer = b"", b"{}"


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        global got
        got = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = PerformanceClient(base_url=f"http://127.0.0.1:{server.server_address[1]}", api_key="key")


def post(payload):
    try:
        return client.batch_post(url_path="/predict", payloads=[payload]).data[0]
    except ValueError as error:
        return f"raised {error}"


seen = []
for payload in [{"x": float("nan")}, {"x": [1.5, float("inf")]}]:
    post(payload)
    seen.append(got.decode().replace(" ", ""))
    print(f"{payload} is sent as {seen[-1]}")
for payload in [{"x": 2**64}, {"x": b"ab"}]:
    seen.append(str(post(payload))[:6])
    print(f"{payload}: {post(payload)}")
for number in [2**64 - 1, 2**64]:
    answer = f'{{"x": {number}}}'.encode()
    seen.append(repr(post({})["x"]))
    print(f"{number} is read as {seen[-1]}")
sys.exit(seen != ['{"x":null}', '{"x":[1.5,null]}', "raised", "raised", "18446744073709551615", "1.8446744073709552e+19"])
PY
env/bin/python look.py

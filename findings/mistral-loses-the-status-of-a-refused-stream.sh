#!/usr/bin/env bash
# Mistral's Python client loses the status of a stream that is refused without a body: it raises an error of httpx about reading.
# Package: mistralai 3.7.0; beside it openai 3.57.0 (PyPI).
# A good guess: the SDKError that the same refusal of a whole answer is, with its status, so that a caller knows that 503 may pass. Proxies
# answer 503 and 429 without a body. Seen: httpx.ResponseNotRead ("Attempted to access streaming response content"), which is no error of
# the client and has no status; with a body of one letter it is an SDKError of status 503.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check mistralai==3.7.0 openai==3.57.0
cat > look.py <<'PY'
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mistralai.client import Mistral
from openai import OpenAI

body = b""


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(503)
        self.send_header("content-type", "text/plain")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def outcome(call):
    try:
        return str(list(call()))
    except Exception as error:
        return f"{type(error).__name__} of status {getattr(error, 'status_code', None)}"


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
mistral = Mistral(api_key="key", server_url=url)
openai = OpenAI(api_key="key", base_url=url, max_retries=0)
messages = [{"role": "user", "content": "x"}]
seen = []
for body in [b"", b"x"]:
    seen.append(outcome(lambda: mistral.chat.stream(model="m", messages=messages)))
    seen.append(outcome(lambda: mistral.chat.complete(model="m", messages=messages)))
    seen.append(outcome(lambda: openai.chat.completions.create(model="m", messages=messages, stream=True)))
    print(f"body {body}: Mistral's stream {seen[-3]}, its whole answer {seen[-2]}; OpenAI's stream {seen[-1]}")
sdk, other = "SDKError of status 503", "InternalServerError of status 503"
sys.exit(seen != ["ResponseNotRead of status None", sdk, other, sdk, sdk, other])
PY
env/bin/python look.py

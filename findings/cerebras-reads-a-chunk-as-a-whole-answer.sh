#!/usr/bin/env bash
# Cerebras' Python client reads a chunk of a stream that has no `system_fingerprint` as a whole answer, and its delta as a dictionary.
# Package: cerebras-cloud-sdk 1.91.0; beside it groq 1.7.0, made by the same generator (PyPI).
# A good guess: a member that is missing or null is None, and the chunk, whose `object` says what it is, is a chunk: the `object` and the
# `delta` decide. Seen: `chunk.choices[0].delta.content` raises AttributeError ('dict' has no 'content') in the first round of the loop;
# servers that speak OpenAI's API leave the fingerprint out or null. With a text for it the same chunk is one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check cerebras-cloud-sdk==1.91.0 groq==1.7.0
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cerebras.cloud.sdk import Cerebras
from groq import Groq

body = b""


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write(body)


def text(client):
    try:
        stream = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True)
        return "".join(chunk.choices[0].delta.content for chunk in stream)
    except AttributeError as error:
        return str(error)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
clients = [Cerebras(api_key="key", base_url=url, max_retries=0, warm_tcp_connection=False), Groq(api_key="key", base_url=url, max_retries=0)]
seen = []
for more in [{"system_fingerprint": "fp"}, {"system_fingerprint": None}, {}]:
    choice = {"index": 0, "delta": {"role": "assistant", "content": "hello"}, "finish_reason": None}
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}
    body = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()
    seen.append([text(client) for client in clients])
    print(f"{more}: Cerebras {seen[-1][0]}; Groq {seen[-1][1]}")
failed = "'dict' object has no attribute 'content'"
sys.exit(seen != [["hello", "hello"], [failed, "hello"], [failed, "hello"]])
PY
env/bin/python look.py

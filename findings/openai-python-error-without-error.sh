#!/usr/bin/env bash
# The Python client of OpenAI hands an error event on as a chunk unless its member is called "error".
# Package: openai 3.57.0 (PyPI). A good guess: an event without "choices" in a stream of chunks is refused by the client's models. Seen:
# {"detail": …}, as FastAPI servers write it, becomes a chunk whose choices are None, so the caller's own loop fails with a TypeError;
# a stream that just breaks off ends as if it was whole.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check openai==3.57.0
cat > look.py <<'PY'
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

calls = []
answer = None


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        calls.append((time.time(), self.path, body))
        answer(self)

    do_GET = do_POST

    def send(self, status, body, content_type="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
host = f"127.0.0.1:{server.server_address[1]}"
import openai

client = openai.OpenAI(api_key="key", base_url=f"http://{host}/v1")
half = "data: " + json.dumps(
    {"id": "1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "half"}, "finish_reason": None}]}
) + "\n\n"


def outcome(*parts):
    global answer
    answer = lambda it: it.send(200, "".join(parts).encode(), "text/event-stream")
    try:
        stream = client.chat.completions.create(model="m", messages=[], stream=True)
        return "ended: " + "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    except Exception as error:
        return "threw: " + type(error).__name__


seen = {
    "detail": outcome(half, 'data: {"detail": "out of memory"}\n\n', "data: [DONE]\n\n"),
    "error": outcome(half, 'data: {"error": {"message": "out of memory"}}\n\n', "data: [DONE]\n\n"),
    "cut": outcome(half),
}
print(seen)
same = seen == {"detail": "threw: TypeError", "error": "threw: APIError", "cut": "ended: half"}
sys.exit(0 if same else 1)
PY
env/bin/python look.py

#!/usr/bin/env bash
# Azure's client for inference passes over a failure that a stream tells, and fails at one whose lines end in CRLF.
# Package: azure-ai-inference 1.0.0b9 (PyPI), the newest there is. A good guess: an object with a member `error` in a stream raises, or is handed on; a
# reader of server-sent events knows CRLF and passes over comments. Seen: the object is dropped, so half a text ends like a whole one, without a
# reason to end; a line end in CRLF, a comment or an id is a ValueError ("SSE event not supported"), which takes the chunks that came in the
# same read with it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check azure-ai-inference==1.0.0b9
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from azure.ai.inference import ChatCompletionsClient
from azure.core.credentials import AzureKeyCredential

body = ""


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write(body.encode())


def chunk(content, reason=None):
    choice = {"index": 0, "delta": {"role": "assistant", "content": content}, "finish_reason": reason}
    return json.dumps({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = ChatCompletionsClient(f"http://127.0.0.1:{server.server_address[1]}", AzureKeyCredential("key"), retry_total=0)
first, second, done = f"data: {chunk('hel')}\n\n", f"data: {chunk('lo', 'stop')}\n\n", "data: [DONE]\n\n"
failure = 'data: {"error": {"message": "the GPU has left", "code": 500}}\n\n'
bodies = {
    "plain": first + second + done,
    "a failure": first + failure + done,
    "CRLF": (first + second + done).replace("\n", "\r\n"),
    "a comment": first + ": wait\n\n" + second + done,
}
seen = {}
for name, body in bodies.items():
    seen[name] = []
    try:
        for update in client.complete(messages=[], stream=True):
            seen[name].append((update.choices[0].delta.content, update.choices[0].finish_reason is not None))
    except ValueError as error:
        seen[name].append(str(error).split(" (")[0])
    print(f"{name}: {seen[name]}")
refused = ["SSE event not supported"]
expected = {"plain": [("hel", False), ("lo", True)], "a failure": [("hel", False)], "CRLF": refused, "a comment": refused}
sys.exit(0 if seen == expected else 1)
PY
env/bin/python look.py

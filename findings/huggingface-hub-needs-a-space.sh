#!/usr/bin/env bash
# Hugging Face's Python client reads a stream's "data:" lines only with a space behind the colon.
# Package: huggingface_hub 2.4.0 (PyPI). A good guess: as the HTML standard has it, one space after the colon is optional. Seen:
# "data:{…}" raises a JSONDecodeError; "data: {…}" is read. Servers that leave the space out are read by every other client tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check huggingface_hub==2.4.0
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
from huggingface_hub import InferenceClient

client = InferenceClient(base_url=f"http://{host}/v1", api_key="key")
chunk = json.dumps(
    {"id": "1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]}
)


def outcome(prefix):
    global answer
    answer = lambda it: it.send(200, f"{prefix}{chunk}\n\n{prefix}[DONE]\n\n".encode(), "text/event-stream")
    try:
        return "".join(
            part.choices[0].delta.content or ""
            for part in client.chat_completion(messages=[{"role": "user", "content": "x"}], model="m", stream=True)
        )
    except Exception as error:
        return type(error).__name__


seen = {"with a space": outcome("data: "), "without": outcome("data:")}
print(seen)
same = seen == {"with a space": "hi", "without": "JSONDecodeError"}
sys.exit(0 if same else 1)
PY
env/bin/python look.py

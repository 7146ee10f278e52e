#!/usr/bin/env bash
# The Python client of OpenAI fails at a comment in a stream, if an earlier event of it had an id.
# Package: openai 3.57.0 (PyPI). A good guess: a comment and the blank line after it are nothing, as the standard of server-sent events
# has it. Seen: the blank line ends an "event" without data as soon as any event carried an id, and the client raises JSONDecodeError.
# A comment without the blank line (":" and one line end) is passed over in both cases; so is one with it while no event had an id.
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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

body = b""


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
import openai

client = openai.OpenAI(api_key="key", base_url=f"http://127.0.0.1:{server.server_address[1]}/v1", max_retries=0)


def chunk(text, id=""):
    delta = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return id + "data: " + json.dumps({"id": "1", "object": "chat.completion.chunk", "choices": [delta]}) + "\n\n"


def outcome(id, pause):
    global body
    body = (chunk("a", id) + pause + chunk("b", id) + "data: [DONE]\n\n").encode()
    try:
        stream = client.chat.completions.create(model="m", messages=[], stream=True)
        return "read " + "".join(part.choices[0].delta.content or "" for part in stream)
    except Exception as error:
        return "threw " + type(error).__name__


seen = {
    "no ids, comment and blank line": outcome("", ": pause\n\n"),
    "ids, comment and blank line": outcome("id: 1\n", ": pause\n\n"),
    "ids, comment alone": outcome("id: 1\n", ": pause\n"),
}
for case, what in seen.items():
    print(f"{case}: {what}")
sys.exit(0 if list(seen.values()) == ["read ab", "threw JSONDecodeError", "read ab"] else 1)
PY
env/bin/python look.py

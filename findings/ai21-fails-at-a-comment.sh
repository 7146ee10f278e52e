#!/usr/bin/env bash
# AI21's Python client breaks a stream off at a comment, an id or a name of an event, and at `data:` without a space behind it.
# Package: ai21 4.3.0; beside it openai 3.57.0 (PyPI).
# A good guess: a reader of server-sent events passes over what it has no use for; servers and proxies fill pauses with comments, and the
# space behind the colon may be left out. Seen: StreamingDecodeError ("Invalid SSE line") at the first such line, so the rest of the text
# is lost; lines that end in CRLF are read, and a stream that breaks off ends like a whole one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check ai21==4.3.0 openai==3.57.0
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ai21 import AI21Client
from ai21.models.chat import ChatMessage
from openai import OpenAI

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


def text(create, message):
    try:
        return "".join(chunk.choices[0].delta.content for chunk in create(model="m", messages=[message], stream=True))
    except Exception as error:
        return type(error).__name__


def chunk(content):
    choice = {"index": 0, "delta": {"role": "assistant", "content": content}, "finish_reason": None}
    return json.dumps({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
ai21 = AI21Client(api_key="key", api_host=url, num_retries=0).chat.completions.create
openai = OpenAI(api_key="key", base_url=url, max_retries=0).chat.completions.create
first, second, done = f"data: {chunk('hel')}\n\n", f"data: {chunk('lo')}\n\n", "data: [DONE]\n\n"
bodies = {
    "plain": first + second + done,
    "CRLF": (first + second + done).replace("\n", "\r\n"),
    "a comment": first + ": wait\n\n" + second + done,
    "an id": first + "id: 2\n" + second + done,
    "a name": first + "event: message\n" + second + done,
    "no space": first + second.replace("data: ", "data:") + done,
}
seen = {}
for name, body in bodies.items():
    own = text(ai21, ChatMessage(role="user", content="x"))
    seen[name] = [own, text(openai, {"role": "user", "content": "x"})]
    print(f"{name}: AI21 {seen[name][0]}; OpenAI {seen[name][1]}")
good, failed = ["hello", "hello"], ["StreamingDecodeError", "hello"]
sys.exit(list(seen.values()) != [good, good, failed, failed, failed, failed])
PY
env/bin/python look.py

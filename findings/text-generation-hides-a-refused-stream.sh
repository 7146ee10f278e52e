#!/usr/bin/env bash
# Hugging Face's client of TGI gives an empty chat for a stream that was refused, and fails at a good one.
# Package: text-generation 0.7.0 with pydantic 2.14.4 (PyPI), against a server here that answers as servers of OpenAI's API do. A good guess:
# `chat(stream=True)` raises RateLimitExceededError for a 429, as `chat()` does, and reads a stream to its `[DONE]`. Seen: no status is looked
# at, so a loop over a 429 or 503 runs no round and ends without an error. An ordinary chunk, which names no tool calls, raises
# AttributeError, as an error within a stream does; with `tool_calls: null` and a role in each chunk the text comes, and `[DONE]` raises
# JSONDecodeError.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check text-generation==0.7.0 pydantic==2.14.4
cat > look.py <<'PY'
import json
import sys
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

warnings.simplefilter("ignore")
from text_generation import Client
from text_generation.types import Message

ERROR = {"error": {"message": "the model is busy", "type": "rate_limit"}}


def chunk(text, more):
    choice = {"index": 0, "delta": {"role": "assistant", "content": text, **more}, "logprobs": None, "finish_reason": None}
    return {"id": "chat-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "system_fingerprint": "", "choices": [choice]}


class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind = self.path.split("/")[1]
        if kind.isdigit():
            status, answer = int(kind), json.dumps(ERROR)
        else:
            more = {} if kind == "ordinary" else {"tool_calls": None}
            last = json.dumps(ERROR) if kind == "error" else "[DONE]"
            status, answer = 200, "".join(f"data: {json.dumps(chunk(text, more))}\n\n" for text in ("one ", "two")) + f"data: {last}\n\n"
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
seen = {}
for kind in ("429", "503", "ordinary", "with-nulls", "error"):
    client = Client(f"http://127.0.0.1:{server.server_port}/{kind}")
    text, end = "", "ended"
    try:
        for part in client.chat([Message(role="user", content="a question")], stream=True):
            text += part.choices[0].delta.content
    except Exception as error:
        end = type(error).__name__
    seen[kind] = [text, end]
try:
    Client(f"http://127.0.0.1:{server.server_port}/429").chat([Message(role="user", content="a question")])
except Exception as error:
    seen["429, not streamed"] = ["", type(error).__name__]
for kind, (text, end) in seen.items():
    print(f"{kind}: {text!r}, {end}")
expected = [["", "ended"], ["", "ended"], ["", "AttributeError"], ["one two", "JSONDecodeError"], ["one two", "AttributeError"], ["", "RateLimitExceededError"]]
sys.exit(0 if list(seen.values()) == expected else 1)
PY
env/bin/python look.py

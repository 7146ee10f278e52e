#!/usr/bin/env bash
# Mirascope ends a stream that broke off in a tool call's arguments as a whole answer without a call, and a text that broke off as whole.
# Package: mirascope 2.8.2 with its extra openai (PyPI).
# A good guess: a stream that ends without a reason to end raises, or says so by its `finish_reason`, which is None where all went well.
# Seen: nothing is raised and `finish_reason` is None in each case. The call is not among `tool_calls`, though its start was streamed, so an
# agent's loop, which ends where there is no call, takes an empty text for the answer. Cut by `length`, the call is there with half its JSON.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check "mirascope[openai]==2.8.2"
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mirascope import llm

pieces = []


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for delta, reason in pieces:
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
llm.register_provider("openai:completions", scope="openai/", base_url=f"http://127.0.0.1:{server.server_address[1]}/v1", api_key="key")


@llm.tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def call(arguments):
    function = {"name": "add", "arguments": arguments}
    return {"role": "assistant", "tool_calls": [{"index": 0, "id": "c", "type": "function", "function": function}]}


text = {"role": "assistant", "content": "half"}
whole, half = call('{"a": 1, "b": 2}'), call('{"a": 1, "b"')
streams = {
    "a whole call": [(whole, None), ({}, "tool_calls")],
    "a call, cut off": [(half, None)],
    "a call, length": [(half, None), ({}, "length")],
    "a text, cut off": [(text, None)],
}
seen = []
for name, pieces in streams.items():
    response = llm.Model("openai/gpt-4o:completions").stream("x", tools=[add])
    response.finish()
    reason = response.finish_reason and response.finish_reason.value
    seen.append((response.text(), [part.args for part in response.tool_calls], reason))
    print(f"{name}: text {seen[-1][0]!r}, calls {seen[-1][1]}, finish_reason {reason}")
wanted = [("", ['{"a": 1, "b": 2}'], None), ("", [], None), ("", ['{"a": 1, "b"'], "max_tokens"), ("half", [], None)]
sys.exit(seen != wanted)
PY
OPENAI_API_KEY=key env/bin/python look.py 2>errors.txt || { cat errors.txt; exit 1; }

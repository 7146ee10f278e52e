#!/usr/bin/env bash
# magentic gives half a text that was cut by its length, by a filter or by the network as the whole, and mixes two streamed tool calls.
# Package: magentic 0.41.1 (PyPI).
# A good guess: a text whose reason to end is `length` or `content_filter` raises, as OpenAI's own helper for parsed answers does, or the message
# says it somewhere. Seen: the content is a plain `str`, and the message has no reason to end. Two calls whose pieces come in
# turns, each with its index, are a ToolSchemaParseError, since what comes is added to the call before.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check magentic==0.41.1
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from magentic import OpenaiChatModel, ParallelFunctionCall, UserMessage

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
model = OpenaiChatModel("m", api_key="key", base_url=f"http://127.0.0.1:{server.server_address[1]}/v1")


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def call(index, arguments, start=False):
    function = {"name": "add", "arguments": arguments} if start else {"arguments": arguments}
    return {"tool_calls": [{"index": index, "function": function, **({"id": f"c{index}", "type": "function"} if start else {})}]}


half = {"role": "assistant", "content": "half"}
texts = []
for reason in ["stop", "length", "content_filter", None]:
    pieces = [(half, None)] + ([({}, reason)] if reason else [])
    message = model.complete([UserMessage("x")], output_types=[str])
    said = [name for name, value in vars(message).items() if reason and reason in str(value)]
    texts.append((message.content, said))
    print(f"reason to end {reason}: {message.content!r}, which is told by: {said or 'nothing'}")
first, second = '{"a": 1, "b": 2}', '{"a": 3, "b": 4}'
streams = {
    "one after the other": [(call(0, "", True), None), (call(0, first), None), (call(1, "", True), None), (call(1, second), None)],
    "in turns": [(call(0, "", True), None), (call(1, "", True), None), (call(0, first), None), (call(1, second), None)],
}
calls = []
for name, pieces in streams.items():
    pieces = [({"role": "assistant"}, None), *pieces, ({}, "tool_calls")]
    try:
        answer = model.complete([UserMessage("x")], functions=[add], output_types=[ParallelFunctionCall])
        calls.append([part.arguments for part in answer.content])
    except Exception as error:
        calls.append(type(error).__name__)
    print(f"two calls, {name}: {calls[-1]}")
sys.exit(texts != [("half", [])] * 4 or calls != [[{"a": 1, "b": 2}, {"a": 3, "b": 4}], "ToolSchemaParseError"])
PY
env/bin/python look.py

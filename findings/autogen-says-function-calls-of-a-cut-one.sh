#!/usr/bin/env bash
# AutoGen's client says `function_calls` of a tool call that was cut at `max_tokens`, and doubles an id that comes with each piece of a call.
# Package: autogen-ext 0.7.5 with its extra openai (PyPI).
# A good guess: `finish_reason` is what the server said, `length`, as it is for a text, and as it is for the same call in a stream. Seen:
# a whole answer with half a call in it ends by `function_calls`, like a good one, so an agent calls the tool with broken JSON. A
# stream that names a call's id and tool in each piece, as some servers do, gives `cc` and `addadd`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check "autogen-ext[openai]==0.7.5"
cat > look.py <<'PY'
import asyncio
import json
import sys
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from autogen_core.models import UserMessage
from autogen_core.tools import FunctionTool
from autogen_ext.models.openai import OpenAIChatCompletionClient

warnings.simplefilter("ignore")
half = '{"a": 1, "b"'


def call(arguments):
    return {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "add", "arguments": arguments}}]}


message, reason, pieces = {}, "length", []


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        stream = json.loads(self.rfile.read(int(self.headers["content-length"]))).get("stream")
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if stream else "application/json")
        self.end_headers()
        common = {"id": "1", "created": 1, "model": "m"}
        if not stream:
            choice = {"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": reason}
            return self.wfile.write(json.dumps({**common, "object": "chat.completion", "choices": [choice]}).encode())
        for delta, end in pieces:
            choice = {"index": 0, "delta": delta, "finish_reason": end}
            chunk = {**common, "object": "chat.completion.chunk", "choices": [choice]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        return self.wfile.write(b"data: [DONE]\n\n")


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def look():
    global message, pieces
    info = {"vision": False, "function_calling": True, "json_output": True, "structured_output": True, "family": "unknown"}
    url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    client = OpenAIChatCompletionClient(model="m", api_key="key", base_url=url, model_info=info)
    asked = dict(messages=[UserMessage(content="x", source="user")], tools=[FunctionTool(add, description="adds")])
    seen = []
    for message in [{"content": "half"}, call(half)]:
        result = await client.create(**asked)
        seen.append(result.finish_reason)
        print(f"whole answer, cut at max_tokens: {result.content} ends by {result.finish_reason}")
    for pieces in [[(call(half), None), ({}, "length")], [(call('{"a": 1,'), None), (call(' "b": 2}'), None), ({}, "tool_calls")]]:
        result = [part async for part in client.create_stream(**asked)][-1]
        seen += [result.finish_reason, result.content[0].id, result.content[0].name]
        print(f"stream: {result.content} ends by {result.finish_reason}")
    return seen


seen = asyncio.run(look())
sys.exit(seen != ["length", "function_calls", "length", "c", "add", "function_calls", "cc", "addadd"])
PY
env/bin/python look.py 2>errors.txt || { cat errors.txt; exit 1; }

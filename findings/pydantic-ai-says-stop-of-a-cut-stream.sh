#!/usr/bin/env bash
# pydantic-ai says `stop` of a stream that ended before the model had, with half a tool's arguments in it.
# Package: pydantic-ai-slim 2.68.0 with openai 3.57.0 (PyPI).
# A good guess: a stream whose chunks name no reason to end, and that lacks [DONE], has no finish reason, or is incomplete or an error:
# whoever asks `finish_reason` and `state` can tell it from a whole one. Seen: `stop` and `complete`, as of a whole one, for half a text and
# for a call with half of its arguments; that of a whole call is `tool_call`. A reason that it does not know is None.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check "pydantic-ai-slim[openai]==2.68.0" openai==3.57.0
cat > look.py <<'PY'
import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from openai import AsyncOpenAI
from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import ModelRequest
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

body = b""


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def chunk(reason=None, **delta):
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return "data: " + json.dumps({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}) + "\n\n"


def call(arguments):
    return chunk(tool_calls=[{"index": 0, "id": "c1", "type": "function", "function": {"name": "find", "arguments": arguments}}])


done = "data: [DONE]\n\n"
streams = {
    "whole text": chunk(content="half a") + chunk("stop", content=" text") + done,
    "half a text": chunk(content="half a"),
    "whole call": call('{"a": 1}') + chunk("tool_calls") + done,
    "half a call": call('{"a": '),
    "an unknown reason": chunk("eos", content="text") + done,
}
server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = AsyncOpenAI(base_url=f"http://127.0.0.1:{server.server_address[1]}", api_key="key", max_retries=0)
model = OpenAIChatModel("m", provider=OpenAIProvider(openai_client=client))


async def look():
    async with model_request_stream(model, [ModelRequest.user_text_prompt("x")]) as stream:
        async for _ in stream:
            pass
        return stream.get()


seen = []
for name, text in streams.items():
    body = text.encode()
    response = asyncio.run(look())
    part = response.parts[0]
    seen.append((getattr(part, "args", None) or part.content, response.finish_reason, response.state))
    print(f"{name}:", *seen[-1])
sys.exit(
    seen
    != [
        ("half a text", "stop", "complete"),
        ("half a", "stop", "complete"),
        ('{"a": 1}', "tool_call", "complete"),
        ('{"a": ', "stop", "complete"),
        ("text", None, "complete"),
    ]
)
PY
env/bin/python look.py

#!/usr/bin/env bash
# Strands Agents runs a tool with its defaults if a stream breaks off in the tool's arguments, and loses a text that broke off.
# Package: strands-agents 1.62.0 with openai 2.54.0 (PyPI).
# A good guess: a stream without a reason to end raises, as one that ends with `length` does (MaxTokensReachedException), and half of a
# call is no call. Seen: the tool is run without arguments, the model is told that it had sent none, and the run goes on to `end_turn`.
# For half a text the run is `end_turn` too, with no text at all, where other clients keep what came.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check "strands-agents[openai]==1.62.0" openai==2.54.0
cat > look.py <<'PY'
import json
import logging
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from strands import Agent, tool
from strands.models.openai import OpenAIModel

logging.disable(logging.CRITICAL)
bodies, given = [], []


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = bodies.pop(0).encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@tool
def remove(older: int = 0) -> str:
    """Removes files, all of them unless told.

    Args:
        older: the age in days from which on they are removed
    """
    given.append(older)
    return "done"


def chunk(reason=None, **delta):
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return "data: " + json.dumps({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}) + "\n\n"


def call(arguments):
    return chunk(tool_calls=[{"index": 0, "id": "c1", "type": "function", "function": {"name": "remove", "arguments": arguments}}])


def end(reason):
    return chunk(reason) + "data: [DONE]\n\n"


streams = {
    "a whole call": call('{"older": 30}') + end("tool_calls"),
    "half a call, length": call('{"older":') + end("length"),
    "half a call, broken off": call('{"older":'),
    "a whole text": chunk(content="a text") + end("stop"),
    "half a text, broken off": chunk(content="a te"),
}
server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
options = {"api_key": "key", "base_url": f"http://127.0.0.1:{server.server_address[1]}", "max_retries": 0}
seen = []
for name, stream in streams.items():
    bodies = [stream, chunk(content="Removed.") + end("stop")]
    given.clear()
    try:
        result = Agent(model=OpenAIModel(client_args=options, model_id="m"), tools=[remove], callback_handler=None)("x")
        outcome = (result.stop_reason, str(result).strip())
    except Exception as error:
        outcome = (type(error).__name__, "")
    seen.append((list(given), *outcome))
    print(f"{name}: the tool was given {given}; {outcome}")
sys.exit(
    seen
    != [
        ([30], "end_turn", "Removed."),
        ([], "MaxTokensReachedException", ""),
        ([0], "end_turn", "Removed."),
        ([], "end_turn", "a text"),
        ([], "end_turn", ""),
    ]
)
PY
OTEL_SDK_DISABLED=true env/bin/python look.py 2>/dev/null

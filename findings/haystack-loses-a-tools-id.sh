#!/usr/bin/env bash
# Haystack loses a tool call's id if the later pieces of the call have an empty one, as those of some OpenAI-like servers do.
# Packages: haystack-ai 3.4.1 with openai 3.57.0 (PyPI).
# A good guess: an empty id says nothing, and the id of the call's first piece stays. Seen: the reply's tool call has the id "", and so has
# the answer to it that is sent back to the model, where nothing tells which of two calls it answers. The empty name is passed over.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check haystack-ai==3.4.1 openai==3.57.0
cat > look.py <<'PY'
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.utils import Secret

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


def calls(first, later):
    pieces = ""
    for index in (0, 1):
        pieces += chunk(tool_calls=[{"index": index, "id": f"call-{index}", "type": "function", **first}])
        pieces += chunk(tool_calls=[{"index": index, **later}])
    return pieces + chunk("tool_calls") + "data: [DONE]\n\n"


first = {"function": {"name": "find", "arguments": '{"a"'}}
streams = {
    "no id later": calls(first, {"function": {"arguments": ": 1}"}}),
    "an empty id later": calls(first, {"id": "", "function": {"name": "", "arguments": ": 1}"}}),
}
server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
generator = OpenAIChatGenerator(
    api_key=Secret.from_token("key"),
    model="m",
    api_base_url=f"http://127.0.0.1:{server.server_address[1]}",
    max_retries=0,
    streaming_callback=lambda _: None,
)
seen = []
for name, text in streams.items():
    body = text.encode()
    reply = generator.run([ChatMessage.from_user("x")])["replies"][0]
    answers = [ChatMessage.from_tool("found", origin=call).to_openai_dict_format()["tool_call_id"] for call in reply.tool_calls]
    seen.append([(call.id, call.tool_name, call.arguments) for call in reply.tool_calls] + answers)
    print(f"{name}:", *seen[-1])
found = ("find", {"a": 1})
sys.exit(seen != [[("call-0", *found), ("call-1", *found), "call-0", "call-1"], [("", *found), ("", *found), "", ""]])
PY
env/bin/python look.py

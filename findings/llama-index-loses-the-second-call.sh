#!/usr/bin/env bash
# LlamaIndex loses the second of two tool calls that come in one chunk of a stream, and tears calls apart whose pieces come in turns.
# Packages: llama-index-llms-openai-like 0.8.1, llama-index-llms-openai 0.8.3, llama-index-core 0.14.25, openai 2.54.0 (PyPI).
# A good guess: `tool_calls` of a chunk is a list, and each piece belongs to the call of its `index`.
# Seen: of each chunk the first piece alone is read. It joins the newest call if its index is that call's, and is a call of its own else. So
# of two calls in one chunk there is one, and pieces of the indexes 0, 1 and 0 make three calls, two of them with half of the arguments.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check \
  llama-index-llms-openai-like==0.8.1 llama-index-llms-openai==0.8.3 llama-index-core==0.14.25 openai==2.54.0
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

pieces = []


def chunk(delta, finish_reason=None):
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return "data: " + json.dumps({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}) + "\n\n"


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        chunks = [chunk({"tool_calls": calls}) for calls in pieces]
        self.wfile.write(("".join(chunks) + chunk({}, "tool_calls") + "data: [DONE]\n\n").encode())


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike

model = OpenAILike(model="m", api_key="key", api_base=f"http://127.0.0.1:{server.server_address[1]}/v1", is_chat_model=True)


def called(index, name, arguments):
    return {"index": index, "id": f"c{index}", "type": "function", "function": {"name": name, "arguments": arguments}}


CASES = {
    "one after the other": [[called(0, "find", "{}")], [called(1, "sort", "{}")]],
    "both in one chunk": [[called(0, "find", "{}"), called(1, "sort", "{}")]],
    "in turns": [[called(0, "find", '{"a":')], [called(1, "sort", "{}")], [{"index": 0, "function": {"arguments": "1}"}}]],
}
seen = []
for name, pieces in CASES.items():
    last = list(model.stream_chat([ChatMessage(role="user", content="x")]))[-1]
    calls = [(block.tool_name, block.tool_kwargs) for block in last.message.blocks if block.block_type == "tool_call"]
    seen.append([list(call) for call in calls])
    print(f"{name}: {calls}")
sys.exit(0 if seen == [[["find", "{}"], ["sort", "{}"]], [["find", "{}"]], [["find", '{"a":'], ["sort", "{}"], ["", "1}"]]] else 1)
PY
env/bin/python look.py

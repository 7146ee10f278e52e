#!/usr/bin/env bash
# smolagents and llm fail at a whole answer that says nothing of its tokens, which their streams take.
# Packages: smolagents 1.26.0 with its extra `openai`, llm 0.36; beside them openai 3.57.0 (PyPI).
# A good guess: `usage` is no required member of an answer in OpenAI's document, and a server that doesn't count, or a proxy that has cached
# an answer, leaves it out or null: the text is given, and the number of tokens is not known. Seen: AttributeError ("'NoneType' object has no
# attribute"), and the text that was paid for is lost; the same text as a stream without usage is given.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check 'smolagents[openai]==1.26.0' llm==0.36 openai==3.57.0
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from llm.default_plugins.openai_models import Chat
from openai import OpenAI
from smolagents import OpenAIModel
from smolagents.models import agglomerate_stream_deltas

usage = {}


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        stream = json.loads(self.rfile.read(int(self.headers["content-length"]))).get("stream")
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if stream else "application/json")
        self.end_headers()
        choice = {"index": 0, "delta" if stream else "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}
        answer = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], **usage}
        self.wfile.write(f"data: {json.dumps(answer)}\n\ndata: [DONE]\n\n".encode() if stream else json.dumps(answer).encode())


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
agent = OpenAIModel("m", api_base=url, api_key="key", client_kwargs={"max_retries": 0})
chat = Chat("m", model_name="m", api_base=url)
chat.key = "key"
asked = [{"role": "user", "content": "x"}]
calls = {
    "smolagents": lambda: agent.generate(asked).content,
    "smolagents, streamed": lambda: agglomerate_stream_deltas(list(agent.generate_stream(asked))).content,
    "llm": lambda: chat.prompt("x", stream=False).text(),
    "llm, streamed": lambda: chat.prompt("x", stream=True).text(),
    "openai": lambda: OpenAI(api_key="key", base_url=url).chat.completions.create(model="m", messages=asked).choices[0].message.content,
}
seen = []
for usage in [{"usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}, {"usage": None}, {}]:
    for name, call in calls.items():
        try:
            seen.append(call())
        except Exception as error:
            seen.append(type(error).__name__)
        print(f"{usage or 'no usage'}: {name} {seen[-1]}")
bad = ["AttributeError", "hello", "AttributeError", "hello", "hello"]
sys.exit(seen != ["hello"] * 5 + bad + bad)
PY
LLM_USER_PATH=. env/bin/python look.py

#!/usr/bin/env bash
# smolagents hands a tool the broken JSON of its arguments as its input if they were cut off.
# Package: smolagents 1.26.0 with its extra `openai` (PyPI).
# A good guess: arguments that are no JSON are an error that the model is told, and the tool is not run; a call that ends by `length`, or
# without any reason, is none. Seen: a tool that takes one text is run with the text {"query": "ca, which is half of an object, streamed
# and whole; a tool that takes a number is not. An answer that is cut is the agent's result, brace and all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check 'smolagents[openai]==1.26.0'
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from smolagents import OpenAIModel, ToolCallingAgent, tool

calls = []
turns = []


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        stream = json.loads(self.rfile.read(int(self.headers["content-length"]))).get("stream")
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if stream else "application/json")
        self.end_headers()
        name, arguments, reason = turns.pop(0)
        call = {"index": 0, "id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        common = {"id": "1", "created": 1, "model": "m"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        if not stream:
            choice = {"index": 0, "message": message, "finish_reason": reason}
            self.wfile.write(json.dumps({**common, "object": "chat.completion", "choices": [choice], "usage": usage}).encode())
            return
        for delta, end in [(message, None), ({}, reason)]:
            chunk = {**common, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": end}]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")


@tool
def search(query: str) -> str:
    """Searches.

    Args:
        query: what to search for
    """
    calls.append(query)
    return "found"


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
model = OpenAIModel("m", api_base=f"http://127.0.0.1:{server.server_address[1]}", api_key="key", client_kwargs={"max_retries": 0})
end = ("final_answer", '{"answer": "done"}', "tool_calls")
cases = [[("search", '{"query": "cats"}', "tool_calls"), end], [("search", '{"query": "ca', "length"), end], [("final_answer", '{"answer": "do', "length")]]
seen = []
for stream in [True, False]:
    for case in cases:
        calls.clear()
        turns[:] = case
        agent = ToolCallingAgent([search], model, stream_outputs=stream, verbosity_level=-1)
        result = agent.run("x")
        seen.append((list(calls), result))
        print(f"\n{case[0][1:]}, streamed {stream}: the tool was called with {seen[-1][0]}, the result is {seen[-1][1]}")
sys.exit(seen != [(["cats"], "done"), (['{"query": "ca'], "done"), ([], '{"answer": "do')] * 2)
PY
env/bin/python look.py

#!/usr/bin/env bash
# OpenAI's Python client doubles a tool call's id and name if a server repeats them with each piece of its arguments, and LangChain the
# name, where the Node client has each once.
# Packages: openai 3.57.0, langchain-openai 1.7.4 (PyPI), openai 7.55.0 (npm).
# A good guess: `id` and `function.name` say which call a piece belongs to, only `arguments` is joined, and both clients do the same.
# Seen: of the id "c1" and the name "find", given with each of two pieces, Python's chat.completions.stream() makes "c1c1" and
# "findfind", and LangChain "c1" and "findfind": a tool that is not there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check openai==3.57.0 langchain-openai==1.7.4
npm init -y >/dev/null
npm install --silent --no-fund --no-audit openai@7.55.0
cat > look.mjs <<'JS'
import OpenAI from "openai";

const client = new OpenAI({ apiKey: "key", baseURL: process.argv[2], maxRetries: 0 });
const { choices } = await client.chat.completions.stream({ model: "m", messages: [] }).finalChatCompletion();
const [{ id, function: called }] = choices[0].message.tool_calls;
process.stdout.write(JSON.stringify([id, called.name, JSON.parse(called.arguments)]));
JS
cat > look.py <<'PY'
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import langchain_openai
import openai

repeats = False


def chunk(delta, finish=None):
    value = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return f"data: {json.dumps(value)}\n\n"


def piece(arguments, is_named):
    of_whom = {"id": "c1", "type": "function"} if is_named else {}
    return chunk({"tool_calls": [{"index": 0, **of_whom, "function": {**({"name": "find"} if is_named else {}), "arguments": arguments}}]})


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        pieces = piece('{"a"', True) + piece(": 1}", repeats)
        body = chunk({"role": "assistant", "content": None}) + pieces + chunk({}, "tool_calls") + "data: [DONE]\n\n"
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_address[1]}/v1"
client = openai.OpenAI(api_key="key", base_url=base, max_retries=0)
chain = langchain_openai.ChatOpenAI(model="m", api_key="key", base_url=base, max_retries=0)


def in_python():
    with client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "x"}]) as stream:
        call = stream.get_final_completion().choices[0].message.tool_calls[0]
    return [call.id, call.function.name, json.loads(call.function.arguments)]


def in_langchain():
    first, *others = chain.stream("x")
    for other in others:
        first += other
    call = first.tool_calls[0]
    return [call["id"], call["name"], call["args"]]


def in_node():
    return json.loads(subprocess.run(["node", "look.mjs", base], capture_output=True, check=True).stdout)


seen = []
for repeats in [False, True]:
    seen.append([in_python(), in_langchain(), in_node()])
    print("repeated" if repeats else "once    ", *(f"{name}: {call}" for name, call in zip(["Python", "LangChain", "Node"], seen[-1])), sep="   ")
once = ["c1", "find", {"a": 1}]
doubled = [["c1c1", "findfind", {"a": 1}], ["c1", "findfind", {"a": 1}], once]
sys.exit(0 if seen == [[once] * 3, doubled] else 1)
PY
env/bin/python -W ignore look.py

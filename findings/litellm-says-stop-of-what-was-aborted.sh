#!/usr/bin/env bash
# litellm says `stop` of a whole answer that the server aborted or failed at, and of a stream in which nothing came.
# Package: litellm 1.110.2 (PyPI).
# A good guess: an answer whose reason to end is `abort`, as vLLM and SGLang give it, or `error`, as OpenRouter does, raises, as the same
# reason in litellm's streams does, or keeps its reason; a stream without a single chunk raises, as one that breaks off after a chunk does.
# Seen: half a text with `stop`, and an empty chunk with `stop`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check litellm==1.110.2
cat > look.py <<'PY'
import json
import logging
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import litellm

logging.disable()
litellm.suppress_debug_info = True
reason = None
chunks = 0


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        stream = json.loads(self.rfile.read(int(self.headers["content-length"]))).get("stream")
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if stream else "application/json")
        self.end_headers()
        text = {"role": "assistant", "content": "half a"}
        common = {"id": "1", "created": 1, "model": "m"}
        if not stream:
            whole = {**common, "object": "chat.completion", "choices": [{"index": 0, "message": text, "finish_reason": reason}]}
            self.wfile.write(json.dumps(whole).encode())
            return
        deltas = [(text, None), ({}, reason)][:chunks]
        for delta, end in deltas:
            chunk = {**common, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": end}]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())


def ask(stream):
    try:
        messages = [{"role": "user", "content": "x"}]
        answer = litellm.completion("openai/m", messages, api_base=url, api_key="key", max_retries=0, stream=stream)
        return list(answer)[-1].choices[0].finish_reason if stream else answer.choices[0].finish_reason
    except Exception as error:
        return type(error).__name__


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
seen = []
for reason in ["abort", "error", "length"]:
    chunks = 2
    seen.append((ask(False), ask(True)))
    print(f"{reason}: whole {seen[-1][0]}, streamed {seen[-1][1]}")
for chunks in [1, 0]:
    seen.append(ask(True))
    print(f"a stream of {chunks} chunks: {seen[-1]}")
raised = "MidStreamFallbackError"
sys.exit(seen != [("stop", raised), ("stop", raised), ("length", "length"), raised, "stop"])
PY
LITELLM_LOCAL_MODEL_COST_MAP=True env/bin/python look.py

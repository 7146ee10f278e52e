#!/usr/bin/env bash
# litellm breaks off a stream in which a hundred chunks on end are equal, though nothing is wrong with it.
# Package: litellm 1.110.2 (PyPI).
# A good guess: what a model says is the model's business, and a stream is handed on as it comes: a table's rule, zeros, the
# letters of "no no no" or base64 of a black picture are so.
# Seen: chunks of three characters and more raise an InternalServerError, "The model is repeating the same chunk"; of two characters
# they are all handed on. The environment variable REPEATED_STREAMING_CHUNK_LIMIT raises the number.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env # the package is large, and this is sooner done
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check litellm==1.110.2
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import litellm

piece = ""
COUNT = 150


def chunk(delta, finish=None):
    value = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return f"data: {json.dumps(value)}\n\n"


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        body = chunk({"role": "assistant", "content": ""}) + chunk({"content": piece}) * COUNT + chunk({}, "stop") + "data: [DONE]\n\n"
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_address[1]}/v1"
litellm.suppress_debug_info = True


def outcome():
    text = ""
    try:
        for part in litellm.completion(
            model="openai/m", api_base=base, api_key="key", messages=[{"role": "user", "content": "x"}], stream=True, max_retries=0
        ):
            text += part.choices[0].delta.content or ""
    except Exception as error:
        return f"{text.count(piece)} chunks, then {'repeating' if 'repeating the same chunk' in str(error) else type(error).__name__}"
    return f"{text.count(piece)} chunks"


seen = {}
for piece in ["00", "000", " no"]:
    seen[piece] = outcome()
    print(repr(piece), seen[piece])
expected = {"00": "150 chunks", "000": "100 chunks, then repeating", " no": "100 chunks, then repeating"}
sys.exit(0 if seen == expected else 1)
PY
LITELLM_LOCAL_MODEL_COST_MAP=True env/bin/python look.py

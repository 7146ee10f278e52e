#!/usr/bin/env bash
# Gradio's Python client says that a job was canceled if a comment comes in its stream of events.
# Package: gradio_client 2.7.2 (PyPI).
# A good guess: a line that begins with a colon is a comment, which is passed over, as the specification of server-sent events has it;
# proxies and servers send them so that a connection stays open.
# Seen: the thread that reads the stream ends with "Unexpected SSE line", and `result` raises a CancelledError, though the job was not
# canceled and its result comes next.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check gradio_client==2.7.2
cat > look.py <<'PY'
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import gradio_client

text = {"type": "string"}
kind = {"label": "x", "type": text, "python_type": {"type": "str", "description": ""}, "component": "Textbox"}
takes = {**kind, "parameter_name": "x", "parameter_has_default": False, "parameter_default": None, "example_input": "x"}
DEPENDENCY = {"id": 0, "api_name": "predict", "inputs": [1], "outputs": [1], "targets": [], "backend_fn": True, "queue": True, "show_api": True}
CONFIG = {
    "version": "6.0.0",
    "api_prefix": "/gradio_api",
    "protocol": "sse_v3",
    "mode": "interface",
    "space_id": None,
    "is_space": False,
    "components": [{"id": 1, "type": "textbox", "props": {}, "skip_api": False, "api_info": text}],
    "dependencies": [{**DEPENDENCY, "types": {"generator": False, "cancel": False}, "api_visibility": "public", "zerogpu": False}],
}
INFO = {"named_endpoints": {"/predict": {"parameters": [takes], "returns": [kind], "show_api": True}}, "unnamed_endpoints": {}}
comment = ""


def event(**members):
    return f"data: {json.dumps({'event_id': 'e', **members})}\n\n"


def stream():
    output = {"data": ["done"], "is_generating": False, "duration": 1.0}
    return event(msg="process_starts", eta=1.0) + comment + event(msg="process_completed", output=output, success=True) + event(msg="close_stream")


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send({"event_id": "e"})

    def do_GET(self):
        path = self.path.split("?")[0]
        if path == "/gradio_api/queue/data":
            self.send(stream(), "text/event-stream")
        else:
            self.send({"/config": CONFIG, "/gradio_api/info": INFO}.get(path, {}), status=200 if path in ["/config", "/gradio_api/info"] else 404)

    def send(self, value, content_type="application/json", status=200):
        data = (value if isinstance(value, str) else json.dumps(value)).encode()
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = gradio_client.Client(f"http://127.0.0.1:{server.server_address[1]}", verbose=False)


def outcome():
    try:
        return client.submit("x", api_name="/predict").result(timeout=10)
    except BaseException as error:
        return type(error).__name__


seen = []
for comment in ["", ": still here\n\n"]:
    seen.append(outcome())
    print(f"comment {comment!r}: {seen[-1]}")
sys.stdout.flush()
os._exit(0 if seen == ["done", "CancelledError"] else 1)
PY
env/bin/python look.py 2>errors.txt || { cat errors.txt; exit 1; }
grep "Unexpected SSE line" errors.txt | tail -1

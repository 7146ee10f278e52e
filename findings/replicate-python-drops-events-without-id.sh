#!/usr/bin/env bash
# Replicate's Python client gives nothing at all of a stream whose events have no id, and says nothing.
# Package: replicate 1.0.7 (PyPI), beside replicate 1.4.0 (npm).
# A good guess: an id is optional in server-sent events, and the stream is read without it, as the JavaScript client does.
# Seen: until a first id comes, every event is dropped, `done` and `error` too. The stream of a model that has failed is an empty output.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check replicate==1.0.7
npm init -y >/dev/null
npm install --silent --no-fund --no-audit replicate@1.4.0
cat > look.mjs <<'JS'
import Replicate from "replicate";

const client = new Replicate({ auth: "key", baseUrl: `${process.argv[2]}/v1` });
const seen = [];
try {
  for await (const { event, data } of client.stream("owner/model", { input: {} })) seen.push(`${event} ${data}`);
} catch (error) {
  seen.push(`threw ${error.message}`);
}
process.stdout.write(JSON.stringify(seen));
JS
cat > look.py <<'PY'
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import replicate

events = ""


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, status, content_type, body):
        data = body.encode()
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        urls = {"get": f"{base}/v1/predictions/p", "cancel": f"{base}/v1/predictions/p/cancel", "stream": f"{base}/stream"}
        prediction = {"id": "p", "model": "owner/model", "version": "v", "status": "starting", "input": {}, "output": None, "logs": "", "error": None}
        times = {"created_at": "2026-01-01T00:00:00Z", "started_at": None, "completed_at": None}
        self.send(201, "application/json", json.dumps({**prediction, **times, "urls": urls}))

    def do_GET(self):
        self.send(200, "text/event-stream", events)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_address[1]}"
client = replicate.Client(api_token="key", base_url=base)


def in_python():
    seen = []
    try:
        for event in client.stream("owner/model", input={"x": 1}):
            seen.append(f"{event.event.value} {event.data}")
    except Exception as error:
        seen.append(f"threw {error}")
    return seen


def in_javascript():
    return json.loads(subprocess.run(["node", "look.mjs", base], capture_output=True, check=True).stdout)


STREAMS = {
    "with ids": "event: output\nid: 1\ndata: a\n\nevent: done\nid: 2\ndata: {}\n\n",
    "without": "event: output\ndata: a\n\nevent: done\ndata: {}\n\n",
    "a failure without": "event: error\ndata: out of memory\n\nevent: done\ndata: {}\n\n",
}
seen = []
for name, events in STREAMS.items():
    seen.append((in_python(), in_javascript()))
    print(f"{name:18} Python {seen[-1][0]}   JavaScript {seen[-1][1]}")
whole = ["output a", "done {}"]
sys.exit(0 if seen == [(whole, whole), ([], whole), ([], ["threw out of memory"])] else 1)
PY
env/bin/python look.py

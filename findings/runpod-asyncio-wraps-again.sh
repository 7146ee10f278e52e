#!/usr/bin/env bash
# RunPod's Python SDK sends another body from its asyncio Endpoint than from its blocking one, for the same argument.
# Package: runpod 1.12.0 (PyPI). A good guess: run({"input": {"a": 1}}) sends {"input": {"a": 1}} in both. Seen: the asyncio one wraps it
# once more, {"input": {"input": {"a": 1}}}, so that a model misses its members; the blocking one wraps only what has no "input".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check "runpod==1.12.0"
cat > look.py <<'PY'
import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

bodies = []


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        data = b'{"id":"1","status":"IN_QUEUE"}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
import aiohttp
import runpod
from runpod.endpoint.asyncio.asyncio_runner import Endpoint

runpod.api_key = "key"
runpod.endpoint_url_base = f"http://127.0.0.1:{server.server_address[1]}/v2"
runpod.Endpoint("ep").run({"input": {"a": 1}})


async def run():
    async with aiohttp.ClientSession() as session:
        await Endpoint("ep", session).run({"input": {"a": 1}})


asyncio.run(run())
print("blocking:", bodies[0])
print("asyncio: ", bodies[1])
sys.exit(0 if bodies == [{"input": {"a": 1}}, {"input": {"input": {"a": 1}}}] else 1)
PY
env/bin/python look.py

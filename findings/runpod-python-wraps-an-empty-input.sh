#!/usr/bin/env bash
# RunPod's Python client puts an empty input into another one, so a model gets a member `input` that nobody wrote.
# Package: runpod 1.12.0 (PyPI).
# A good guess: a request that has the member "input" is sent as it is, whatever the input's value. Seen: one whose input is {}, "", 0 or
# a list of nothing is wrapped once more, with all that stands beside it: the webhook and the policy go into the input, and nobody heeds them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
# Of its packages only those that it imports: the whole list, with boto3 and FastAPI, takes most of a minute.
install() { python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check "$@"; }
install --no-deps runpod==1.12.0
install aiohttp aiohttp-retry backoff paramiko py-cpuinfo requests tomli tomlkit tqdm-loggable
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

bodies = []


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"id": "1", "status": "COMPLETED", "output": "done"}')


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
import runpod

runpod.api_key = "key"
runpod.endpoint_url_base = f"http://127.0.0.1:{server.server_address[1]}/v2"
endpoint = runpod.Endpoint("endpoint")
beside = {"webhook": "http://127.0.0.1/told", "policy": {"ttl": 60000}}
seen = []
for value in [{"seed": 1}, {}, "", 0, []]:
    request = {"input": value, **beside}
    for call in [endpoint.run, endpoint.run_sync]:
        call(request)
        sent = bodies.pop()
        seen.append("as it is" if sent == request else "wrapped" if sent == {"input": request} else "otherwise")
    print(f"an input of {json.dumps(value)} goes {seen[-2]} by run, {seen[-1]} by run_sync: {json.dumps(sent)}")
sys.exit(seen != ["as it is"] * 2 + ["wrapped"] * 8)
PY
env/bin/python look.py 2>errors.txt || { cat errors.txt; exit 1; }

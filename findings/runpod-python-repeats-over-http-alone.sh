#!/usr/bin/env bash
# RunPod's Python client asks again after a 429 over plain HTTP, and gives up at once over HTTPS, which all of its servers speak.
# Package: runpod 1.12.0 (PyPI).
# A good guess: the client, which sets up five retries for 408 and 429, heeds them at its own address, https://api.runpod.ai. Seen: the
# retries are mounted for `http://` alone. One 429 to a poll of a job raises HTTPError over HTTPS, and the wait for the job is lost.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
# Of its packages only those that it imports: the whole list, with boto3 and FastAPI, takes most of a minute.
install() { python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check "$@"; }
install --no-deps runpod==1.12.0
install aiohttp aiohttp-retry backoff paramiko py-cpuinfo requests tomli tomlkit tqdm-loggable
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
cat > look.py <<'PY'
import json
import os
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

polls = []


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.send({"id": "1", "status": "IN_QUEUE"})

    def do_GET(self):
        polls.append(self.path)
        self.send({"id": "1", "status": "COMPLETED", "output": "done"}, 429 if len(polls) == 1 else 200)

    def send(self, value, status=200):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())


def serve(secure):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    if secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("cert.pem", "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http{'s' if secure else ''}://127.0.0.1:{server.server_address[1]}/v2"


os.environ["REQUESTS_CA_BUNDLE"] = "cert.pem"
import requests
import runpod

print(f"its own address: {runpod.endpoint_url_base}")
own = runpod.endpoint_url_base.startswith("https://")
runpod.api_key = "key"
seen = []
for secure in [False, True]:
    runpod.endpoint_url_base = serve(secure)
    polls.clear()
    job = runpod.Endpoint("endpoint").run({"a": 1})
    try:
        said = job.output(timeout=5)
    except requests.HTTPError as error:
        said = str(error.response.status_code)
    seen.append([len(polls), said])
    print(f"over {'https' if secure else 'http'}: asked {len(polls)} times, then {said}")
sys.exit(not (own and seen == [[2, "done"], [1, "429"]]))
PY
env/bin/python look.py 2>errors.txt || { cat errors.txt; exit 1; }

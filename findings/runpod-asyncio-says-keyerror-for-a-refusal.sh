#!/usr/bin/env bash
# The asyncio client of RunPod for Python loses the status and the reason of every refusal, and says of a refused cancel nothing at all.
# Package: runpod 1.12.0 (PyPI).
# A good guess: a 401, 404 or 429 raises with its status, as the same package's blocking client does. Seen: the status is never looked at:
# `run` raises KeyError 'id' and `status` KeyError 'status', with nothing in between to tell a wrong key from a full queue, and
# `cancel`, `purge_queue` and `health` give the refusal's body back as if they had succeeded.
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
import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

status = 200


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        value = {"id": "1", "status": "IN_QUEUE"} if status == 200 else {"error": "the reason"}
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    do_GET = do_POST


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
import aiohttp
import runpod

runpod.api_key = "key"
runpod.endpoint_url_base = f"http://127.0.0.1:{server.server_address[1]}/v2"


async def told(awaitable):
    try:
        return f"returns {await awaitable}"
    except Exception as error:
        return repr(error)


def blocking():
    try:
        runpod.Endpoint("endpoint").run({"a": 1})
    except Exception as error:
        return str(error)


async def main():
    global status
    seen = []
    async with aiohttp.ClientSession() as session:
        endpoint = runpod.AsyncioEndpoint("endpoint", session)
        for code in [401, 404, 500]:
            status = 200
            job = await endpoint.run({})
            status = code
            calls = [endpoint.run({}), job.status(), job.cancel(), endpoint.purge_queue(), endpoint.health()]
            seen.append([await told(call) for call in calls])
            print(f"{code}: the blocking client: {await asyncio.to_thread(blocking)}")
            for name, said in zip(["run", "status", "cancel", "purge_queue", "health"], seen[-1]):
                print(f"  asyncio {name}: {said}")
    return seen


body = "returns {'error': 'the reason'}"
sys.exit(asyncio.run(main()) != [["KeyError('id')", "KeyError('status')", body, body, body]] * 3)
PY
env/bin/python look.py 2>errors.txt || { cat errors.txt; exit 1; }

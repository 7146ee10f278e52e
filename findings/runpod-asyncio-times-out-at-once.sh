#!/usr/bin/env bash
# The asyncio client of RunPod for Python raises `TimeoutError` at once for the output of a job that is done, unless it is given a timeout.
# Package: runpod 1.12.0 (PyPI).
# A good guess: `await job.output()` waits for the job's end, or gives what is there, as `output()` of the same package's blocking job does.
# Seen: the timeout is 0 by default, and is over before the status can be asked for: "Job timed out." for a job that was COMPLETED long
# since. It gives the output only where a call before it happened to see the end. A job that truly takes too long looks the same.
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

asked = []


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        asked.append(self.path)
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"id": "1", "status": "COMPLETED", "output": "done"}).encode())

    do_GET = do_POST


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
import aiohttp
import runpod

runpod.api_key = "key"
runpod.endpoint_url_base = f"http://127.0.0.1:{server.server_address[1]}/v2"


async def told(awaitable):
    try:
        return await awaitable
    except TimeoutError as error:
        return f"TimeoutError: {error}"


async def main():
    async with aiohttp.ClientSession() as session:
        endpoint = runpod.AsyncioEndpoint("endpoint", session)
        first = await told((await endpoint.run({})).output())
        with_timeout = await told((await endpoint.run({})).output(timeout=5))
        job = await endpoint.run({})
        await job.status()
        return [first, with_timeout, await told(job.output())]


blocking = runpod.Endpoint("endpoint").run({"a": 1}).output()
first, with_timeout, after_status = asyncio.run(main())
print(f"the blocking job: {blocking}")
print(f"the asyncio job: {first}; with a timeout of 5: {with_timeout}; after status(): {after_status}")
sys.exit([blocking, first, with_timeout, after_status] != ["done", "TimeoutError: Job timed out.", "done", "done"])
PY
env/bin/python look.py 2>errors.txt || { cat errors.txt; exit 1; }

#!/usr/bin/env bash
# LlamaCloud's Python client returns a job that failed, or that timed out, from its asyncio form of `wait_for_completion`.
# Package: llama-cloud 2.19.0 (PyPI).
# A good guess: both forms raise PollingError for a job that failed or was canceled, and PollingTimeoutError when the time is over, as their
# documentation says word for word. Seen: the synchronous form does. AsyncLlamaCloud logs an error and returns the job as if it were
# complete; one whose time is over is still PENDING.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check llama-cloud==2.19.0
cat > look.py <<'PY'
import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from llama_cloud import AsyncLlamaCloud, LlamaCloud


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        job = self.path.partition("?")[0].rpartition("/")[2]
        answer = {"job": {"id": job, "project_id": "p", "status": job.upper(), "error_message": "no pages"}}
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
options = {"api_key": "key", "base_url": f"http://127.0.0.1:{server.server_address[1]}", "max_retries": 0}
wait = {"polling_interval": 0.1, "timeout": 0.3, "backoff": "constant"}


def synchronous(job):
    try:
        return "returned " + LlamaCloud(**options).parsing.wait_for_completion(job, **wait).status
    except Exception as error:
        return type(error).__name__


async def asynchronous(job):
    try:
        return "returned " + (await AsyncLlamaCloud(**options).parsing.wait_for_completion(job, **wait)).status
    except Exception as error:
        return type(error).__name__


seen = []
for job in ["completed", "failed", "cancelled", "pending"]:
    seen.append((synchronous(job), asyncio.run(asynchronous(job))))
    print(f"{job}: {seen[-1][0]}; in asyncio {seen[-1][1]}")
sys.exit(
    seen
    != [
        ("returned COMPLETED", "returned COMPLETED"),
        ("PollingError", "returned FAILED"),
        ("PollingError", "returned CANCELLED"),
        ("PollingTimeoutError", "returned PENDING"),
    ]
)
PY
env/bin/python look.py

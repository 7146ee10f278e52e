#!/usr/bin/env bash
# Runway's Python client waits on for a task that was canceled, though it says that it raises; its asyncio form does raise.
# Package: runwayml 5.24.0 (PyPI).
# A good guess: `wait_for_task_output` raises TaskFailedError at CANCELLED, as its own documentation says. Seen: the synchronous client
# asks on until its timeout, ten minutes unless told, and then says that the task timed out; at FAILED it raises at once. AsyncRunwayML
# raises TaskFailedError for both after one poll.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check runwayml==5.24.0
cat > look.py <<'PY'
import asyncio
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from runwayml import AsyncRunwayML, RunwayML

polls = {}


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        task = self.path.rpartition("/")[2]
        polls[task] = polls.get(task, 0) + 1
        # Running when the task is first retrieved, and then as its id says.
        status = "RUNNING" if polls[task] == 1 else task.split("-")[0].upper()
        answer = {"id": task, "status": status, "createdAt": "2026-01-01T00:00:00Z", "progress": 0.5, "failure": "no", "failureCode": "no"}
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
options = {"api_key": "key", "base_url": f"http://127.0.0.1:{server.server_address[1]}"}


def synchronous(task):
    try:
        return RunwayML(**options).tasks.retrieve(task).wait_for_task_output(timeout=10).status
    except Exception as error:
        return type(error).__name__


async def asynchronous(task):
    try:
        return (await (await AsyncRunwayML(**options).tasks.retrieve(task)).wait_for_task_output(timeout=10)).status
    except Exception as error:
        return type(error).__name__


with ThreadPoolExecutor() as pool:
    outcomes = [pool.submit(synchronous, f"{status}-sync") for status in ["failed", "cancelled"]]
    outcomes += [pool.submit(lambda task: asyncio.run(asynchronous(task)), f"{status}-async") for status in ["failed", "cancelled"]]
    seen = [outcome.result() for outcome in outcomes]
for name, outcome in zip(["failed-sync", "cancelled-sync", "failed-async", "cancelled-async"], seen):
    print(f"{name}: {outcome} after {polls[name] - 1} polls")
told = ["TaskFailedError", "TaskTimeoutError", "TaskFailedError", "TaskFailedError"]
sys.exit(seen != told or polls["cancelled-sync"] < 3 or polls["cancelled-async"] != 2)
PY
env/bin/python look.py

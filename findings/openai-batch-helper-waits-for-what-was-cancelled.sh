#!/usr/bin/env bash
# openai-batch-helper waits without end for a batch that was cancelled, and does not find the text in a line of OpenAI's results.
# Package: openai-batch-helper 0.1.1 (PyPI), with openai 3.57.0.
# A good guess: `wait_for_completion()` ends at "cancelled", as OpenAI spells it, and `map_by_custom_id()` gives each id its text, as it says.
# Seen: the package has "canceled" among the statuses that are final, so a batch that its own `cancel()` has ended is polled every five
# seconds for good; and it looks for the choices in the line's `response`, not in its `body`, so each id has an object with a status.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check openai-batch-helper==0.1.1 openai==3.57.0
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai
from openai_batch_helper import BatchHelper

polls, status = 0, "completed"
body = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "done"}, "finish_reason": "stop"}]}
line = {"id": "1", "custom_id": "a", "response": {"status_code": 200, "request_id": "r", "body": body}, "error": None}


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        global polls
        value = {"id": "1", "object": "batch", "endpoint": "/v1/chat/completions", "completion_window": "24h", "created_at": 1}
        value.update(status=status, input_file_id="in", output_file_id="out")
        if self.path.endswith("/content"):
            value = line
        else:
            polls += 1
        data = json.dumps(value).encode() + b"\n"
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Enough(BaseException):
    pass


def enough(_):
    if polls > 20:
        raise Enough


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(api_key="key", base_url=f"http://127.0.0.1:{server.server_address[1]}/v1", max_retries=0)
helper = BatchHelper(client, workdir="work")
seen = []
for status in ["completed", "failed", "expired", "cancelled"]:
    polls = 0
    job = helper.resume_job("1")
    try:
        job.wait_for_completion(poll_seconds=0.01, on_update=enough)
        said = "ends"
    except Enough:
        said = "polls on"
    seen.append(said)
    print(f"{status}: {said}, after {polls} polls")
status = "completed"
job = helper.resume_job("1").wait_for_completion(poll_seconds=0.01)
job.download_result()
found = job.map_by_custom_id()
print(f"what the id has: {found}")
sys.exit(seen != ["ends", "ends", "ends", "polls on"] or found != {"a": line["response"]})
PY
env/bin/python look.py

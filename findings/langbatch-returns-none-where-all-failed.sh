#!/usr/bin/env bash
# langbatch gives None for a batch whose requests have all failed, and raises a TypeError where it is asked whether a failed one can be retried.
# Package: langbatch 0.1.2 (PyPI), with openai 1.109.1.
# A good guess: a batch that has an error file and no output file gives its failures as the unsuccessful results, and
# `is_retryable_failure()` says true for `token_limit_exceeded`, which it looks for. Seen: without an output file the error file is never read,
# `get_unsuccessful_requests` raises a TypeError, and so does the other at each batch that failed; beside a good one, a failure's reason is None.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check langbatch==0.1.2 openai==1.109.1
cat > look.py <<'PY'
import json
import logging
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai
from langbatch.openai import OpenAIChatCompletionBatch

answer = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "done"}, "finish_reason": "stop"}]}
good = {"custom_id": "a", "response": {"status_code": 200, "body": answer}, "error": None}
bad = {"custom_id": "b", "response": {"status_code": 429, "body": {"error": {"message": "too many"}}}, "error": None}
batches = {
    "one failed": {"status": "completed", "output_file_id": "good", "error_file_id": "bad"},
    "all failed": {"status": "completed", "output_file_id": None, "error_file_id": "bad"},
    "no quota": {"status": "failed", "errors": {"object": "list", "data": [{"code": "token_limit_exceeded", "message": "enqueued"}]}},
}


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        value = {"/v1/files/good/content": good, "/v1/files/bad/content": bad}.get(self.path)
        if value is None:
            value = {"id": "1", "object": "batch", "endpoint": "/v1/chat/completions", "completion_window": "24h", "created_at": 1}
            value.update(input_file_id="in", **batches[self.path.split("/")[-1].replace("%20", " ")])
        data = json.dumps(value).encode() + b"\n"
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def tell(call):
    try:
        return call()
    except TypeError as error:
        return f"TypeError: {error}"


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
logging.disable()
client = openai.OpenAI(api_key="key", base_url=f"http://127.0.0.1:{server.server_address[1]}/v1", max_retries=0)
requests = [{"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m", "messages": []}} for name in "ab"]
batch = OpenAIChatCompletionBatch.create_from_requests(requests, {"client": client})
seen = {}
for name in batches:
    batch.platform_batch_id = name
    if name == "no quota":
        seen[name] = [tell(batch.is_retryable_failure)]
    else:
        seen[name] = [tell(batch.get_results)[1], tell(batch.get_unsuccessful_requests)]
    print(f"{name}: {seen[name]}")
some, every, quota = seen.values()
typed = [isinstance(value, str) and value.startswith("TypeError") for value in [every[1], quota[0]]]
sys.exit(not (some == [[{"custom_id": "b", "error": None}], [requests[1]]] and every[0] is None and typed == [True, True]))
PY
LANGBATCH_DATA_PATH=$folder/data env/bin/python look.py

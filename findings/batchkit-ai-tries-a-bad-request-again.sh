#!/usr/bin/env bash
# batchkit-ai tries a request again that a batch refused with a 400, and drops the reason of every request that failed.
# Package: batchkit-ai 0.1.1 (PyPI), with openai 3.57.0.
# A good guess: a line of the error file whose response has the status 400 and OpenAI's error is not retryable, and its row has that
# error's message. Seen: the reason is looked for in the line's own `error`, which is null where the API itself has answered; so the
# message is "Batch request failed", the row is retryable, and `retry_failed` submits the bad request in a new batch.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check batchkit-ai==0.1.1 openai==3.57.0
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai
from batchkit import BatchClient

orders, uploads = 0, []
reason = {"message": "input is missing", "type": "invalid_request_error", "code": "invalid_request_error"}
line = {"custom_id": "a", "response": {"status_code": 400, "request_id": "r", "body": {"error": reason}}, "error": None}


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        global orders
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        value = {"id": "1", "object": "batch", "endpoint": "/v1/responses", "completion_window": "24h", "created_at": 1}
        value.update(status="completed", input_file_id="in", error_file_id="errors")
        if self.path == "/v1/files":
            uploads.append(body)
            value = {"id": "in", "object": "file", "bytes": 1, "created_at": 1, "filename": "x", "purpose": "batch", "status": "processed"}
        elif self.path == "/v1/batches":
            orders += 1
        elif self.path.endswith("/content"):
            value = line
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
sdk = openai.OpenAI(api_key="key", base_url=f"http://127.0.0.1:{server.server_address[1]}/v1", max_retries=0)
client = BatchClient(sdk, storage_root="jobs")
job = client.map(name="job", items=["x"], model="m", build_request=lambda item: {}, custom_id=lambda item: "a")
row = job.wait(poll_interval=0.01).rows[0]
print(f"the row: ok {row.ok}, retryable {row.retryable}, status {row.status}, error {str(row.error)!r}, of {row.error.payload}")
job.retry_failed()
again = orders == 2 and b'"custom_id": "a"' in uploads[1].replace(b'":"', b'": "')
print(f"batches that were ordered: {orders}, the second with the same request: {again}")
sys.exit(not (row.retryable and str(row.error) == "Batch request failed" and row.error.payload == {} and again))
PY
env/bin/python look.py

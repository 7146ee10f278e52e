#!/usr/bin/env bash
# batch-openai throws the answers of an expired or canceled batch away, and does not say why a batch failed.
# Package: batch-openai 0.4.0 (PyPI), with openai 3.57.0.
# A good guess: `wait()` for a batch that expired gives what was done until then, which has been paid for and lies in its output file, or an
# error that has it; and the error of a batch that failed names what is wrong with its input. Seen: `BatchJobError` has the status and the id,
# the output file is never asked for, and the list of errors that came with the batch is dropped.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check batch-openai==0.4.0 openai==3.57.0
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai
from batch_openai import BatchJob, BatchJobError

files = []
answer = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "done"}, "finish_reason": "stop"}]}
line = {"custom_id": "a", "response": {"status_code": 200, "body": answer}, "error": None}


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        if "/files/" in self.path:
            files.append(self.path)
            data = json.dumps(line).encode()
        else:
            status = self.path.split("/")[-1]
            value = {"id": status, "object": "batch", "endpoint": "/v1/chat/completions", "completion_window": "24h", "created_at": 1}
            value.update(status=status, input_file_id="in", output_file_id=None if status == "failed" else "out")
            if status == "failed":
                value["errors"] = {"object": "list", "data": [{"code": "invalid_json_line", "message": "no JSON", "line": 2}]}
            data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(api_key="key", base_url=f"http://127.0.0.1:{server.server_address[1]}/v1", max_retries=0)
seen = []
for status in ["completed", "expired", "cancelled", "failed"]:
    files.clear()
    try:
        said = [item.content for item in BatchJob.from_id(client, status).wait(poll_interval=0.01)]
    except BatchJobError as error:
        said = f"BatchJobError: {error}"
        reason = "no JSON" in said or "invalid_json_line" in json.dumps(vars(error), default=str)
    seen.append((said if isinstance(said, list) else "error", len(files)))
    print(f"{status}: {said}; files that were asked for: {len(files)}")
sys.exit(seen != [(["done"], 1), ("error", 0), ("error", 0), ("error", 0)] or reason)
PY
env/bin/python look.py

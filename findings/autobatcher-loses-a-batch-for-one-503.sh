#!/usr/bin/env bash
# autobatcher loses every answer of a finished batch if the download of its output is refused once, and never reads the errors of a batch.
# Package: autobatcher 0.12.0 (PyPI), with openai 2.46.0.
# A good guess: a 503 for the output file is tried again, as a refused poll is, or told; and a request that failed raises the reason from
# the error file. Seen: the refusal is passed over, each waiting call raises "No result for request", and the batch, which is paid for, is
# forgotten. A request that is in the error file raises the same words; where all failed, "completed but no output file".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check autobatcher==0.12.0 openai==2.46.0
cat > look.py <<'PY'
import asyncio
import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from autobatcher import BatchOpenAI
from loguru import logger

output, refusals, files, ids = "output", 0, [], []


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        global refusals
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        status = 200
        value = {"id": "1", "object": "batch", "endpoint": "/v1/chat/completions", "completion_window": "24h", "created_at": 1}
        value.update(status="completed", input_file_id="in", output_file_id=output, error_file_id="errors")
        if self.command == "POST" and self.path == "/v1/files":
            ids[:] = re.findall(r'"custom_id": ?"([^"]+)"', body)
            value = {"id": "in", "object": "file", "bytes": 1, "created_at": 1, "filename": "x", "purpose": "batch", "status": "processed"}
        elif self.path.endswith("/content"):
            files.append(self.path.split("/")[-2])
            done = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
            done["choices"] = [{"index": 0, "message": {"role": "assistant", "content": "done"}, "finish_reason": "stop"}]
            value = {"custom_id": ids[0], "response": {"status_code": 200, "body": done}, "error": None}
            if refusals:
                refusals, status, value = refusals - 1, 503, {"error": {"message": "try again"}}
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}/v1"
logger.remove()


async def run(count):
    files.clear()
    options = {"batch_window_seconds": 0.1, "poll_interval_seconds": 0.1, "completion_window": "24h"}
    client = BatchOpenAI(api_key="key", base_url=url, **options)
    calls = [client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}]) for _ in range(count)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    await client.close()
    said = [str(one).split(" request ")[0] if isinstance(one, Exception) else one.choices[0].message.content for one in answers]
    return said, list(files)


seen = []
cases = {"good": (1, "output", 0), "refused once": (1, "output", 1), "one failed": (2, "output", 0), "all failed": (1, None, 0)}
for name, (count, output, refusals) in cases.items():
    seen.append(asyncio.run(run(count)))
    print(f"{name}: {seen[-1][0]}; files that were asked for: {seen[-1][1]}")
lost, none = "No result for", "Batch 1 completed but no output file"
sys.exit(seen != [(["done"], ["output"]), ([lost], ["output"]), (["done", lost], ["output"]), ([none], [])])
PY
env/bin/python look.py

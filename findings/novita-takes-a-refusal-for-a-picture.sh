#!/usr/bin/env bash
# Novita's Python client gives the body of a 403 as a picture, and a failed task as a result from some of its methods.
# Packages: novita-client 0.7.1, with dataclass-wizard 0.22.3, the oldest that it allows (PyPI).
# A good guess: a picture whose link has expired is an error, and a failed task raises from each method that waits for one. Seen: the XML
# of the refusal is among `images_encoded`; txt2img_v3 raises without the reason, and img2img_v3 returns the failed task.
# `wait_for` counts polls of half a second and calls them seconds: 4 are over after two.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check novita-client==0.7.1 dataclass-wizard==0.22.3
cat > look.py <<'PY'
import base64
import json
import logging
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from novita_client import NovitaClient
from PIL import Image

status = None


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, code, body):
        self.send_response(code)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.answer(200, b'{"task_id": "1"}')

    def do_GET(self):
        if self.path.startswith("/expired"):
            return self.answer(403, b"<Error>expired</Error>")
        task = {"task_id": "1", "task_type": "TXT_TO_IMG", "status": status, "reason": "out of memory"}
        image = {"image_url": f"{url}/expired.png", "image_url_ttl": 0, "image_type": "png"}
        debug = {"submit_time_ms": 1, "execute_time_ms": 1, "complete_time_ms": 1}
        images = [image] if status == "TASK_STATUS_SUCCEED" else []
        return self.answer(200, json.dumps({"task": task, "images": images, "extra": {"debug_info": debug}}).encode())


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
logging.disable(logging.CRITICAL)
client = NovitaClient("key", url)
Image.new("RGB", (1, 1)).save("one.png")
many = dict(model_name="m", prompt="x", image_num=1, width=64, height=64, steps=1)
status = "TASK_STATUS_SUCCEED"
picture = base64.b64decode(client.txt2img_v3(**many).images_encoded[0])
print("a picture whose link has expired:", picture)
status = "TASK_STATUS_FAILED"
try:
    raised = client.txt2img_v3(**many)
except Exception as error:
    raised = str(error)
returned = client.img2img_v3(input_image="one.png", **many).task.status.value
print(f"a failed task: txt2img_v3 raises {raised!r}, img2img_v3 returns one with {returned}")
status = "TASK_STATUS_PROCESSING"
start = time.monotonic()
try:
    client.wait_for_task_v3("1", wait_for=4)
except Exception as error:
    took = time.monotonic() - start
    print(f"{error}: after {took:.1f} s")
asSeen = picture == b"<Error>expired</Error>" and "memory" not in raised and returned == "TASK_STATUS_FAILED" and took < 3.5
sys.exit(not asSeen)
PY
env/bin/python look.py
